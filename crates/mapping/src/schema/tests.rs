use std::collections::BTreeSet;

use super::section::{
    DELIVER, EACH, Key, LETTER_LINE, LETTER_TEST, LETTER_TOP, LINE, LINE_KIND, ONE, RULE, SOURCE,
    TARGET, TEST, TOP, UNWRAP,
};
use super::{NAMES, of};
use crate::compile;
use crate::letter::compile as letter;
use cara_domain::field::FIELDS;

/// Taken before the compiler sees the file.
const BEFORE: [&str; 2] = ["extends", "without"];

#[track_caller]
fn check(keys: &[Key], compiler: &[&str]) {
    let ours = keys.iter().map(|key| key.name);
    let ours: BTreeSet<&str> = ours.filter(|name| !BEFORE.contains(name)).collect();
    assert_eq!(ours, compiler.iter().copied().collect());
}

#[test]
fn a_section_has_the_keys_that_the_compiler_takes() {
    check(TOP, &compile::TOP_KEYS);
    check(SOURCE, &compile::source::KEYS);
    check(LINE_KIND, &compile::source::LINE_KEYS);
    check(LINE, &compile::field::KEYS[..7]);
    check(ONE, &compile::block::KEYS);
    // `same_by` is for [[one]] alone.
    check(EACH, &["fills", "from", "when", "fields"]);
    check(UNWRAP, &compile::unwrap::KEYS);
    check(RULE, &compile::rule::KEYS);
    check(TEST, &compile::test::KEYS);
    check(LETTER_TOP, &letter::KEYS);
    check(TARGET, &letter::target::KEYS.map(|(key, _)| key));
    check(DELIVER, &letter::deliver::KEYS);
    check(LETTER_LINE, &letter::line::KEYS);
    check(LETTER_TEST, &letter::test::KEYS);
}

/// Otherwise one of the two would be lost where dotted names become nested tables.
#[test]
fn no_field_is_the_beginning_of_another() {
    for one in FIELDS {
        let inside = format!("{}.", one.name);
        let below = |other: &&cara_domain::field::FieldSpec| {
            other.group == one.group && other.name.starts_with(&inside)
        };
        assert_eq!(FIELDS.iter().find(below).map(|spec| spec.name), None);
    }
}

#[test]
fn every_field_has_its_line_with_its_own_words() {
    let all: String = NAMES.iter().filter_map(|name| of(name)).map(|it| it.to_string()).collect();
    for spec in FIELDS {
        let words = serde_json::to_string(&super::field::words(spec)).unwrap();
        assert!(all.contains(&words), "{words}");
    }
}
