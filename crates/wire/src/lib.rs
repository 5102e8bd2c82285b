//! What crosses the broker and the API, and nothing else.
//!
//! A body of a message is made here only, from one of the two sides of a valid referral; there is
//! no way to put anything else into an [`Event`].

pub mod api;
pub mod asyncapi;
mod content;
pub mod event;
pub mod flag;
pub mod glance;
pub mod kind;
pub mod operators;
pub mod outcome;
pub mod reconciliation;
pub mod rejection;
pub mod schema;
#[cfg(test)]
mod tests;
pub mod v1;

pub use content::{OffenderContent, VictimContent};
pub use event::{Event, Header, RevisionChange};
pub use kind::{MessageKind, exchange, rejected_exchange};
pub use v1::Stamp;
