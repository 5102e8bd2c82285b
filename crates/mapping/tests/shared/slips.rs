//! Slips of a hand in a text that was right, and whether what is said of them can be shown.

use cara_mapping::Diagnostic;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

/// One slip of a hand in a text.
#[derive(Clone, Debug)]
pub enum Slip {
    Cut { at: usize, chars: usize },
    Insert { at: usize, piece: &'static str },
    DropLine(usize),
    RepeatLine(usize, usize),
    SwapWords(usize, usize),
}

/// Some slips; what is inserted is one of these pieces, which mean something in such a text.
pub fn slips(pieces: &'static [&'static str]) -> impl Strategy<Value = Vec<Slip>> {
    let at = 0..8_000_usize;
    let slip = prop_oneof![
        (at.clone(), 1..12_usize).prop_map(|(at, chars)| Slip::Cut { at, chars }),
        (at, prop::sample::select(pieces)).prop_map(|(at, piece)| Slip::Insert { at, piece }),
        (0..200_usize).prop_map(Slip::DropLine),
        (0..200_usize, 0..200_usize).prop_map(|(from, to)| Slip::RepeatLine(from, to)),
        (0..400_usize, 0..400_usize).prop_map(|(one, other)| Slip::SwapWords(one, other)),
    ];
    prop::collection::vec(slip, 1..5)
}

pub fn slipped(text: &str, slips: &[Slip]) -> String {
    let mut text = text.to_owned();
    for slip in slips {
        text = match *slip {
            Slip::Cut { at, chars } => {
                let at = at % text.chars().count().max(1);
                let kept = text.chars().enumerate().filter(|(i, _)| !(at..at + chars).contains(i));
                kept.map(|(_, letter)| letter).collect()
            }
            Slip::Insert { at, piece } => {
                let at = at % text.chars().count().max(1);
                let start: String = text.chars().take(at).collect();
                format!("{start}{piece}{}", &text[start.len()..])
            }
            Slip::DropLine(at) => {
                let mut lines: Vec<&str> = text.lines().collect();
                let at = at % lines.len().max(1);
                lines.drain(at..(at + 1).min(lines.len()));
                lines.join("\n")
            }
            Slip::RepeatLine(from, to) => {
                let mut lines: Vec<&str> = text.lines().collect();
                let len = lines.len().max(1);
                if let Some(line) = lines.get(from % len).copied() {
                    lines.insert(to % len, line);
                }
                lines.join("\n")
            }
            Slip::SwapWords(one, other) => {
                let mut words: Vec<&str> = text.split_inclusive(' ').collect();
                let len = words.len().max(1);
                words.swap(one % len, other % len);
                words.concat()
            }
        };
    }
    text
}

/// Every diagnostic names a place that the text has, and is rendered with its code.
pub fn can_be_shown(diagnostics: &[Diagnostic], text: &str) -> Result<(), TestCaseError> {
    let lines: Vec<&str> = text.split('\n').collect();
    for diagnostic in diagnostics {
        prop_assert!((1..=lines.len()).contains(&diagnostic.line), "{diagnostic:?}");
        let end = diagnostic.column - 1 + diagnostic.length;
        prop_assert!(end <= lines[diagnostic.line - 1].chars().count(), "{diagnostic:?}");
        prop_assert!(diagnostic.render().contains(diagnostic.code.id()));
    }
    Ok(())
}
