//! A force's mapping file, compiled once into a `Plan`, and what the plan does to a record.

pub mod attempt;
pub mod code;
mod compile;
mod condition;
pub mod date;
mod diagnostic;
pub mod diff;
pub mod extend;
mod fault;
mod file;
pub mod letter;
mod line_origin;
pub mod lookup;
mod open;
pub mod path;
mod plan;
mod record_test;
mod report;
pub mod schema;
mod syntax;
mod texts;
pub mod trace;
pub mod transform;
mod translate;
pub mod trial;

pub use compile::{Compiled, compile};
pub use diagnostic::Diagnostic;
pub use file::{LETTERS, Mapping};
pub use line_origin::LineOrigin;
pub use open::OpenFile;
pub use plan::{Plan, could_both_match};
pub use report::{Coverage, TestReport};
pub use translate::Translation;
