//! Counters, the health board, what an operator is told of.
//!
//! No label is personal: forces by code, problems by their published code, certificates by the
//! name that `gateway.toml` gives them.

pub mod alert;
mod counter;
mod health;
mod page;
mod trouble;

pub use counter::{MessageStep, Metric, PushEnd};
pub use health::{Health, Part, State};
pub use page::{Page, page};
pub use trouble::Troubles;
