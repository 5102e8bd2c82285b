//! A letter's mapping from its text to what it writes: diagnostics, letters that are read back, and
//! the repository's own files.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod diagnostics;
mod force;
#[path = "../shared/mistakes.rs"]
mod mistakes;
mod read_back;
mod render;
#[path = "../shared/slips.rs"]
mod slips;

use cara_domain::choice::Choice;
use cara_domain::notice::NoticeKind;
use cara_mapping::Compiled;
use cara_mapping::letter::{self, LetterPlan};

/// A small mapping that has no mistake, and the letter that one of its tests expects.
const BASE: &str = include_str!("base.toml");
const MISSED: &str = include_str!("missed.xml");

/// Compiles a mapping whose folder holds `missed.xml`.
fn compiled(text: &str) -> Compiled<LetterPlan> {
    letter::compile("notice.toml", text, &|name| (name == "missed.xml").then(|| MISSED.into()))
}

/// A plan of a text that has no mistake.
fn planned(text: &str) -> LetterPlan {
    let compiled = compiled(text);
    let seen: String = compiled.diagnostics.iter().map(|it| it.render()).collect();
    assert_eq!(seen, "");
    compiled.plan.unwrap()
}

fn kinds() -> impl Iterator<Item = NoticeKind> {
    NoticeKind::CODES.iter().map(|code| NoticeKind::from_code(code).unwrap())
}
