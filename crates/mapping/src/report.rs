//! How the tests inside a mapping file went, and how much of the file they reach.

use std::fmt;

/// How a mapping's tests went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TestReport {
    pub passed: usize,
    /// Test name and everything that differs. Values of examples, which are made up, may stand here.
    pub failures: Vec<(String, String)>,
    /// One for each kind of thing that tests can reach, in a fixed order.
    pub coverage: Vec<Coverage>,
    /// What no test reaches, in words.
    pub not_reached: Vec<String>,
}

/// How much of one kind of thing the tests reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// `lookup rows`
    pub of: &'static str,
    pub reached: usize,
    pub all: usize,
}

impl TestReport {
    pub fn failed(&self) -> bool {
        !self.failures.is_empty()
    }

    /// Everything that tests can reach was reached.
    pub fn is_complete(&self) -> bool {
        self.not_reached.is_empty()
    }

    /// Notes how one test went: everything that differs from what it expects.
    pub(super) fn note(&mut self, test: &str, differences: Vec<String>) {
        if differences.is_empty() {
            self.passed += 1;
        } else {
            self.failures.push((test.to_owned(), differences.join("; ")));
        }
    }

    /// Counts one kind of thing: whether each was reached, and what it is called when it was not.
    pub(super) fn count(
        &mut self,
        of: &'static str,
        things: impl IntoIterator<Item = (bool, String)>,
    ) {
        let mut coverage = Coverage { of, reached: 0, all: 0 };
        for (is_reached, words) in things {
            coverage.all += 1;
            if is_reached {
                coverage.reached += 1;
            } else {
                self.not_reached.push(words);
            }
        }
        self.coverage.push(coverage);
    }
}

impl fmt::Display for TestReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |it: &Coverage| format!("{} of {} {}", it.reached, it.all, it.of);
        let coverage: Vec<_> = self.coverage.iter().map(of).collect();
        let failed = self.failures.len();
        writeln!(f, "{} tests passed, {failed} failed; {}", self.passed, coverage.join(", "))?;
        for (name, what) in &self.failures {
            writeln!(f, "  failed: {name}: {what}")?;
        }
        for what in &self.not_reached {
            writeln!(f, "  not reached: {what}")?;
        }
        Ok(())
    }
}
