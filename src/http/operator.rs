//! The operators' API on a Unix socket: the operating system says who is at its other end, and one
//! table, [`table::CALLS`], says what there is and who may.

mod call;
mod peer;
pub mod table;

pub(in crate::http) use peer::{Callers, admit, on_connect};
