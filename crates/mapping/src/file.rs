//! A mapping file of either sort: one that reads records, or one that writes letters. Which it is,
//! its name says.

use super::compile::{self, Compiled};
use super::letter::{self, LetterPlan};
use super::open::OpenFile;
use super::{Plan, TestReport, trial};

/// The name of the file that writes letters.
pub const LETTERS: &str = "notice";

/// A mapping file, compiled.
#[derive(Debug)]
pub enum Mapping {
    /// It reads records.
    Plan(Plan),
    /// It writes letters.
    Letter(LetterPlan),
}

impl Mapping {
    /// Compiles the file with this name (`referral`, `decision`, [`LETTERS`]). `shown` is how
    /// diagnostics name it.
    pub fn compile(name: &str, shown: &str, text: &str, open: OpenFile<'_>) -> Compiled<Mapping> {
        if name == LETTERS {
            letter::compile(shown, text, open).map(Mapping::Letter)
        } else {
            compile::compile(shown, text, open).map(Mapping::Plan)
        }
    }

    /// Runs the tests inside it.
    pub fn run_tests(&self, open: OpenFile<'_>) -> TestReport {
        match self {
            Mapping::Plan(plan) => trial::run(plan, open),
            Mapping::Letter(plan) => letter::run_tests(plan, open),
        }
    }
}
