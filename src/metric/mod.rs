//! Counters and the health board: what an operator watches.
//!
//! No label is personal: forces by code, problems by their published code, certificates by the
//! name that `gateway.toml` gives them.

mod counter;
mod health;

pub use counter::{Metric, PushEnd, Step};
pub use health::{Health, Part, State};
