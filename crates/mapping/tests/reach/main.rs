//! Records in the shapes that are hard to reach into: each with a whole small mapping, what it
//! reads of the record, and what becomes of a variant that must not be read.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod cell;
mod encoding;
mod envelope;
mod json;
mod link;
mod namespace;
mod packed;
mod repeated;
#[path = "../shared/told.rs"]
mod told;

use cara_document::{Limits, decode, excerpt};
use cara_mapping::code::MappingCode;
use cara_mapping::{Plan, compile};
use told::told;

/// Compiles a mapping. That it fills few fields and has no test is no matter here; anything else
/// that is wrong with it is.
#[track_caller]
fn plan(mapping: &str) -> Plan {
    let head = "format = 1\nforce = \"cambridgeshire\"\nfills = \"referral/1\"\n";
    let compiled = compile("referral.toml", &format!("{head}{mapping}"), &|_| None);
    let beside = [MappingCode::MANDATORY_NOT_FILLED, MappingCode::NO_TEST];
    let wrong: Vec<_> =
        compiled.diagnostics.iter().filter(|it| !beside.contains(&it.code)).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    compiled.plan.unwrap()
}

/// What a mapping reads of each record of a body.
#[track_caller]
fn check(mapping: &str, body: impl AsRef<[u8]>, expected: &[&[&str]]) {
    let plan = plan(mapping);
    let text = decode(body.as_ref(), plan.encoding()).unwrap();
    let read = drafts(&plan, &text);
    assert_eq!(read, expected);
    // Each record alone, as it is kept, is read as it was among the others.
    let tree = plan.read(&text, &Limits::default()).unwrap();
    let records = plan.records(&tree);
    for (index, draft) in read.iter().enumerate() {
        let kept = excerpt(&text, plan.format(), &tree, &records, index);
        let again = drafts(&plan, &kept);
        assert_eq!(again.len(), 1, "{kept}");
        assert_eq!(unplaced(&again[0]), unplaced(draft), "{kept}");
    }
}

/// Every draft of the body, told.
#[track_caller]
fn drafts(plan: &Plan, text: &str) -> Vec<Vec<String>> {
    let tree = plan.read(text, &Limits::default()).unwrap();
    assert!(plan.matches(&tree));
    let records = plan.records(&tree);
    records.into_iter().map(|record| told(&plan.translate(&tree, record).draft)).collect()
}

/// Without the lines of findings: a record that is alone stands elsewhere.
fn unplaced(told: &[String]) -> Vec<&str> {
    told.iter().map(|it| it.split_once(" line ").map_or(it.as_str(), |(what, _)| what)).collect()
}

/// Why a body cannot be read.
#[track_caller]
fn refused(mapping: &str, body: &str, expected: &str) {
    let error = plan(mapping).read(body, &Limits::default()).unwrap_err();
    let line = error.line.map_or(String::new(), |line| format!(" (line {line})"));
    assert_eq!(format!("{error}{line}"), expected);
}
