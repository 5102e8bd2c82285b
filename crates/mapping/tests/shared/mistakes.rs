//! Mistakes put into a mapping that has none, and what a person sees of them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use cara_mapping::Compiled;
use cara_mapping::code::MappingCode;

/// A title, a piece of the base and what the mistake puts in its place.
pub type Mistake = (&'static str, &'static str, &'static str);

/// A mapping without a mistake, and how it is compiled.
pub struct Base<P> {
    pub text: &'static str,
    pub compile: fn(&str) -> Compiled<P>,
}

impl<P> Base<P> {
    /// The text with one mistake.
    pub fn with(&self, right: &str, wrong: &str) -> String {
        assert_eq!(self.text.matches(right).count(), 1, "the base holds once: {right}");
        self.text.replace(right, wrong)
    }

    /// What a person sees of a text's mistakes.
    pub fn seen(&self, text: &str) -> String {
        let diagnostics = (self.compile)(text).diagnostics;
        diagnostics.iter().map(|diagnostic| diagnostic.render()).collect()
    }

    /// What a person sees of each mistake.
    pub fn shown(&self, mistakes: &[Mistake]) -> String {
        let mut out = String::new();
        for (title, right, wrong) in mistakes {
            let _ = write!(out, "--- {title}\n{}", self.seen(&self.with(right, wrong)));
        }
        out
    }

    /// Line and code of everything that is wrong with a text.
    pub fn found(&self, text: &str) -> Vec<(usize, &'static str)> {
        let diagnostics = (self.compile)(text).diagnostics;
        diagnostics.iter().map(|it| (it.line, it.code.id())).collect()
    }

    /// The codes of all these mistakes, each of which has one at least.
    pub fn codes(&self, mistakes: &[Mistake]) -> BTreeSet<MappingCode> {
        let mut found = BTreeSet::new();
        for (title, right, wrong) in mistakes {
            let diagnostics = (self.compile)(&self.with(right, wrong)).diagnostics;
            assert!(!diagnostics.is_empty(), "no diagnostic: {title}");
            found.extend(diagnostics.iter().map(|it| it.code));
        }
        found
    }
}
