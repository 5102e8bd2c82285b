//! Whatever a mapping or a record looks like: an answer, never a panic, and no value of the record
//! in a finding.

use cara_record::document::{Limits, parse};
use cara_record::mapping::{Plan, compile};
use proptest::prelude::*;

use super::{BASE, FULL, compiled};

/// One slip of a hand in a text.
#[derive(Clone, Debug)]
enum Slip {
    Cut { at: usize, chars: usize },
    Insert { at: usize, piece: &'static str },
    DropLine(usize),
    RepeatLine(usize, usize),
    SwapWords(usize, usize),
}

/// Pieces that mean something in a mapping or in a record.
const PIECES: &[&str] = &[
    "\"",
    "'",
    "'''",
    "\"\"\"",
    "[",
    "]",
    "[[",
    "{",
    "}",
    "=",
    ",",
    ".",
    "#",
    "\n",
    "\\",
    "\\u00e9",
    "é",
    "\u{1F600}",
    "\0",
    "\r\n",
    "//",
    "/",
    "@",
    "..",
    "*",
    "this/",
    "[2]",
    "[@a='b']",
    "hold",
    "not_recorded",
    "otherwise",
    "when = \"A is 'B'\"",
    "any ",
    "<",
    ">",
    "&amp;",
    "<A>",
    "</A>",
    "<![CDATA[",
    "]]>",
    "99999999999999999999",
    "-1",
    "true",
    "2026-02-30",
    "[fields]\n",
    "[[one]]\n",
];

fn slips() -> impl Strategy<Value = Vec<Slip>> {
    let at = 0..8_000_usize;
    let slip = prop_oneof![
        (at.clone(), 1..12_usize).prop_map(|(at, chars)| Slip::Cut { at, chars }),
        (at, prop::sample::select(PIECES)).prop_map(|(at, piece)| Slip::Insert { at, piece }),
        (0..200_usize).prop_map(Slip::DropLine),
        (0..200_usize, 0..200_usize).prop_map(|(from, to)| Slip::RepeatLine(from, to)),
        (0..400_usize, 0..400_usize).prop_map(|(one, other)| Slip::SwapWords(one, other)),
    ];
    prop::collection::vec(slip, 1..5)
}

fn slipped(text: &str, slips: &[Slip]) -> String {
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

/// Texts of the example that nothing but the draft may hold.
const VALUES: [&str; 5] = ["NORTHWOOD", "EASTLEIGH", "07700", "Quay", "P18"];

/// Translates every record of the body, which may be damaged, with and without somebody watching.
fn translate_all(plan: &Plan, body: &str) {
    let Ok(tree) = parse(body, plan.format(), plan.names(), &Limits::default()) else { return };
    let _ = plan.matches(&tree);
    for record in plan.records(&tree) {
        let draft = plan.translate(&tree, record).draft;
        assert_eq!(draft, plan.trace(&tree, record).0.draft);
        let findings = format!("{:?}", draft.findings);
        for value in VALUES {
            assert!(!findings.contains(value), "{value} in {findings}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_mapping_gets_diagnostics_that_can_be_shown(slips in slips()) {
        let text = slipped(BASE, &slips);
        let compiled = compiled(&text);
        let lines = text.split('\n').count();
        for diagnostic in &compiled.diagnostics {
            prop_assert!((1..=lines).contains(&diagnostic.line), "{diagnostic:?}");
            let line = text.split('\n').nth(diagnostic.line - 1).unwrap_or_default();
            let end = diagnostic.column - 1 + diagnostic.length;
            prop_assert!(end <= line.chars().count(), "{diagnostic:?}");
            prop_assert!(diagnostic.render(&text).contains(diagnostic.code.id()));
        }
        prop_assert!(compiled.plan.is_some() || !compiled.diagnostics.is_empty());
        if let Some(plan) = &compiled.plan {
            translate_all(plan, FULL);
        }
    }

    #[test]
    fn a_damaged_record_is_translated_or_refused(slips in slips()) {
        let plan = compiled(BASE).plan;
        prop_assert!(plan.is_some());
        if let Some(plan) = plan {
            translate_all(&plan, &slipped(FULL, &slips));
        }
    }

    #[test]
    fn any_text_at_all_is_a_mapping_with_mistakes(text in "\\PC{0,80}(\n[a-z\\[\\]{}=\"'., #]{0,40}){0,6}") {
        let compiled = compile("x.toml", &text, &|_| None);
        prop_assert!(!compiled.diagnostics.is_empty());
        for diagnostic in compiled.diagnostics {
            prop_assert!(!diagnostic.render(&text).is_empty());
        }
    }
}
