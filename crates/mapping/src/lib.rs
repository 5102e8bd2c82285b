//! A force's mapping file, compiled once into a `Plan`, and what the plan does to a record.

pub mod attempt;
pub mod code;
mod compile;
pub mod condition;
pub mod date;
mod diagnostic;
pub mod diff;
pub mod extend;
pub mod fault;
mod file;
pub mod letter;
pub mod lookup;
pub mod path;
mod plan;
mod report;
pub mod schema;
mod texts;
pub mod trace;
pub mod transform;
mod translate;
pub mod trial;

pub use compile::{Compiled, Open, compile};
pub use diagnostic::Diagnostic;
pub use file::{LETTERS, Mapping};
pub use plan::{Plan, could_both_match};
pub use report::{Coverage, Report};
pub use translate::Translation;
