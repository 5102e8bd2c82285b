//! What only follows from a slip: problems that are gone once its suggestion is taken.

use std::ops::Range;

use crate::code::MappingCode;
use crate::diagnostic::Diagnostic;

/// Suggestions that are tried; each reads the file once more.
const TRIES_MAX: usize = 8;

/// Codes whose suggestion stands in the place of what is underlined.
const REPLACES: [MappingCode; 8] = [
    MappingCode::UNKNOWN_KEY,
    MappingCode::WRONG_VALUE,
    MappingCode::UNKNOWN_FIELD,
    MappingCode::WRONG_BLOCK,
    MappingCode::UNKNOWN_LOOKUP,
    MappingCode::LOOKUP_VALUE,
    MappingCode::PATH_FINDS_NOTHING,
    MappingCode::VALUE_NEVER_OCCURS,
];

/// The problems without those that follow from another; `again` gives the problems of a text in
/// this file's place.
pub(super) fn causes(
    text: &str,
    all: Vec<Diagnostic>,
    again: &dyn Fn(&str) -> Vec<Diagnostic>,
) -> Vec<Diagnostic> {
    let mut left = all;
    let mut at = 0;
    let mut tries = 0;
    while at < left.len() && left.len() > 1 && tries < TRIES_MAX {
        let Some(mended) = mended(text, &left[at]) else {
            at += 1;
            continue;
        };
        tries += 1;
        let after = again(&mended);
        let stays = |of: &Diagnostic| after.iter().any(|it| same(it, of));
        let readable = !after
            .iter()
            .any(|it| it.code == MappingCode::SYNTAX && !left.iter().any(|of| same(it, of)));
        // A suggestion that makes more trouble than it mends was not what was meant.
        if readable && !stays(&left[at]) && after.len() < left.len() {
            let cause = left[at].clone();
            left.retain(|it| stays(it) || *it == cause);
            at = left.iter().position(|it| *it == cause).unwrap_or(at);
        }
        at += 1;
    }
    left
}

fn same(one: &Diagnostic, other: &Diagnostic) -> bool {
    one.code == other.code && one.line == other.line && one.what == other.what
}

/// The text with the suggestion in the place of what is underlined.
fn mended(text: &str, of: &Diagnostic) -> Option<String> {
    let suggestion = of.suggestion.as_ref().filter(|_| REPLACES.contains(&of.code))?;
    let place = place(text, of)?;
    let written = &text[place.clone()];
    let quote = written.chars().next().filter(|first| matches!(first, '"' | '\''));
    let quote = quote.filter(|quote| !suggestion.starts_with(*quote));
    let word = match quote {
        Some(quote) => format!("{quote}{suggestion}{quote}"),
        None => suggestion.clone(),
    };
    Some(format!("{}{word}{}", &text[..place.start], &text[place.end..]))
}

/// The bytes that a problem underlines.
fn place(text: &str, of: &Diagnostic) -> Option<Range<usize>> {
    let before: usize = text.split_inclusive('\n').take(of.line - 1).map(str::len).sum();
    let line = text[before..].lines().next()?;
    let byte = |chars: usize| line.char_indices().nth(chars).map_or(line.len(), |(at, _)| at);
    let (start, end) = (byte(of.column - 1), byte(of.column - 1 + of.length));
    (start < end).then_some(before + start..before + end)
}
