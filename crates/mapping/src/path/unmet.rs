//! The brackets of a path that no example passes, and what the examples have in that place.

use std::ops::Range;

use super::{Bracket, Path, PathStart, select, walk};
use cara_document::Tree;

/// A text in brackets that is nowhere, although its place is there.
#[derive(Debug, PartialEq, Eq)]
pub struct Unmet {
    /// Of the text, without its quotes, in the path's text.
    pub at: Range<usize>,
    pub wanted: String,
    /// What is there instead, each once, in the order in which it was found.
    pub present: Vec<String>,
}

impl Path {
    /// The first `[… = 'text']` of which every place holds another text. The path may begin at any
    /// of the places.
    pub fn unmet(&self, places: &[(&Tree<'_>, PathStart)]) -> Option<Unmet> {
        for (index, step) in self.steps.iter().enumerate() {
            for (number, bracket) in step.brackets.iter().enumerate() {
                let Bracket::Equals(inner, wanted) = bracket else { continue };
                let mut open = self.steps[..=index].to_vec();
                open[index].brackets.truncate(number);
                let mut present: Vec<String> = Vec::new();
                for (tree, from) in places {
                    let joined = self.joined(tree, *from);
                    let mut candidates = Vec::new();
                    select(&open, false, tree, self.start(tree, *from), &joined, &mut candidates);
                    for candidate in candidates {
                        walk(inner, tree, candidate, &joined, &mut |found| {
                            let text = tree.peek(found);
                            if !text.is_empty() && !present.iter().any(|known| known == text) {
                                present.push(text.to_owned());
                            }
                            false
                        });
                    }
                }
                if !present.is_empty() && !present.contains(wanted) {
                    let at = self.literal(&step.brackets_at, wanted);
                    return Some(Unmet { at, wanted: wanted.clone(), present });
                }
            }
        }
        None
    }

    /// Where a text stands in these brackets; the brackets when it cannot be told.
    fn literal(&self, brackets: &Range<usize>, wanted: &str) -> Range<usize> {
        let text = self.text.get(brackets.clone()).unwrap_or_default();
        let quoted =
            ['\'', '"'].iter().find_map(|quote| text.find(&format!("{quote}{wanted}{quote}")));
        match quoted {
            Some(at) => {
                let start = brackets.start + at + 1;
                start..start + wanted.len()
            }
            None => brackets.clone(),
        }
    }
}
