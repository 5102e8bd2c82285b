//! Whatever a mapping or a record looks like: an answer, never a panic, and no value of the record
//! in a finding.

use cara_document::Limits;
use cara_mapping::{Plan, compile};
use proptest::prelude::*;

use super::slips::{can_be_shown, slipped, slips};
use super::{BASE, FULL, compiled};

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
    "same_by = \"@id\"\n",
    "[[unwrap]]\nat = \"//Line\"\nas = \"fixed\"\ncolumns = [\"a 2\"]\n",
    "[[unwrap]]\nat = \"//Person/@id\"\nas = \"xml\"\n",
    "[source.namespaces]\nx = \"urn:x\"\n",
    "x:",
];

/// Texts of the example that nothing but the draft may hold.
const VALUES: [&str; 5] = ["NORTHWOOD", "EASTLEIGH", "07700", "Quay", "P18"];

/// Translates every record of the body, which may be damaged, with and without somebody watching.
fn translate_all(plan: &Plan, body: &str) {
    let Ok(tree) = plan.read(body, &Limits::default()) else { return };
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
    fn a_damaged_mapping_gets_diagnostics_that_can_be_shown(slips in slips(PIECES)) {
        let text = slipped(BASE, &slips);
        let compiled = compiled(&text);
        can_be_shown(&compiled.diagnostics, &text)?;
        prop_assert!(compiled.plan.is_some() || !compiled.diagnostics.is_empty());
        if let Some(plan) = &compiled.plan {
            translate_all(plan, FULL);
        }
    }

    #[test]
    fn a_damaged_record_is_translated_or_refused(slips in slips(PIECES)) {
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
            prop_assert!(!diagnostic.render().is_empty());
        }
    }
}
