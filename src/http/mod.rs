//! The API for forces, the operators' API, health.
//!
//! Three listeners: HTTPS with mutual TLS for forces, plain HTTP on an internal address for health
//! and metrics, a Unix socket for operators. Every request of a force passes [`gate`]: the
//! certificate is checked against the identities and revocations of this moment, then the rate.
//! A handler decodes, makes one call into the flow, and encodes.
//!
//! One table says what an API is, [`route::ROUTES`] for forces and [`operator::table::CALLS`] for
//! operators; the listener and the OpenAPI document are both made from it.
//!
//! *Invariant:* a 202 is made only from [`cara_flow::record::Accepted::Taken`]. No answer, problem or log
//! line holds a value of a record, except in the body of an answer to its own force.

mod activity;
mod answer;
pub mod body;
mod connection;
mod dead_letters;
mod edge;
mod gate;
mod handshake;
mod intake;
mod internal;
mod knock;
mod limit;
mod listen;
pub mod openapi;
pub mod operator;
mod notice;
mod page;
mod permit;
pub mod problem;
mod reconciliation;
mod record;
mod referral;
pub mod route;
mod standing;
pub mod table;
mod whoami;

pub use dead_letters::DeadLetters;
pub use edge::Edge;
pub use intake::TakesRecords;
pub use knock::{Doors, knock};
pub use listen::{Listening, Stopper};
pub use page::page;
