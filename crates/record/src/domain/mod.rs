//! Words and rules: what a referral is, and everything that can be wrong with one.

pub mod draft;
pub mod field;
pub mod finding;

pub use draft::{Draft, Fields, Origin, Value};
pub use field::FieldId;
pub use finding::{Code, Finding, Kind};
