//! `[[test]]` of a letter: a made-up notice and the letter that it must become.

use std::ops::Range;

use toml_edit::Item;

use super::line::LetterFields;
use crate::code::MappingCode;
use crate::compile::Compiler;
use crate::compile::table::TableReader;
use crate::fault::nearest;
use crate::letter::example::example;
use crate::letter::field::{Field, LetterFieldShape};
use crate::letter::plan::LetterTest;
use cara_domain::choice::Choice;
use cara_domain::notice::NoticeKind;

pub(crate) const KEYS: [&str; 5] = ["name", "notice", "given", "expect", "expect_file"];

pub(super) fn read(
    reporter: &mut Compiler<'_>,
    top: &TableReader<'_>,
    fields: &LetterFields,
) -> Vec<LetterTest> {
    let mut tests: Vec<LetterTest> = Vec::new();
    for table in top.tables(reporter, "test") {
        reporter.known_keys(&table, &KEYS);
        reporter.missing(&table, "name", "name = \"a missed workshop\"");
        let Some((name, span)) = table.string(reporter, "name") else { continue };
        if tests.iter().any(|test| test.name == name) {
            let what = format!("two tests are named \"{name}\"");
            reporter.report(MappingCode::FILLED_TWICE, span, what);
        }
        let kinds = kinds(reporter, &table, &name);
        let given = given(reporter, &table);
        let expected = expected(reporter, &table, fields);
        let expect_file = table.string(reporter, "expect_file").map(|(file, span)| {
            if (reporter.open)(&file).is_none() {
                let what = format!("the file \"{file}\" is not there");
                reporter.report(MappingCode::LETTER_TEST, span, what);
            }
            file
        });
        if !table.has("expect") && !table.has("expect_file") {
            let what = format!("the test \"{name}\" expects nothing");
            reporter.report(MappingCode::LETTER_TEST, table.span.clone(), what);
        }
        tests.push(LetterTest { name, kinds, given, expected, expect_file });
    }
    if !top.has("test") {
        reporter.report(MappingCode::LETTER_TEST, 0..0, "the file has no [[test]]");
    }
    tests
}

fn kinds(reporter: &mut Compiler<'_>, table: &TableReader<'_>, name: &str) -> Vec<NoticeKind> {
    let codes = table.strings(reporter, "notice");
    if !table.has("notice") || codes.as_ref().is_some_and(Vec::is_empty) {
        let what = format!("the test \"{name}\" does not say of which notice it is");
        reporter.report(MappingCode::LETTER_TEST, table.span.clone(), what).suggestion =
            Some("notice = \"workshop_missed\"".to_owned());
    }
    let mut kinds = Vec::new();
    for (code, span) in codes.unwrap_or_default() {
        match NoticeKind::from_code(&code) {
            Some(kind) => kinds.push(kind),
            None => {
                let what = format!("\"{code}\" is no kind of notice");
                let meant = nearest(&code, NoticeKind::CODES.iter().copied());
                reporter.report(MappingCode::LETTER_TEST, span, what).suggestion =
                    meant.map(str::to_owned);
            }
        }
    }
    kinds
}

/// Every text below a table, with its dotted name and the places of name and text.
fn texts(
    reporter: &mut Compiler<'_>,
    table: &TableReader<'_>,
    key: &str,
) -> Vec<(String, Range<usize>, String, Range<usize>)> {
    let Some(inner) = table.table(reporter, key) else { return Vec::new() };
    let never_whole = |_: &Item| false;
    let mut texts = Vec::new();
    for leaf in inner.leaves(&never_whole) {
        match leaf.item.as_str() {
            Some(text) => {
                let span = leaf.item.span().unwrap_or_else(|| leaf.key_span.clone());
                texts.push((leaf.name, leaf.key_span, text.to_owned(), span));
            }
            None => {
                let what = format!("{key}.{} takes a text", leaf.name);
                reporter.report(MappingCode::WRONG_TYPE, leaf.key_span, what);
            }
        }
    }
    texts
}

fn given(reporter: &mut Compiler<'_>, table: &TableReader<'_>) -> Vec<(Field, String)> {
    let mut given = Vec::new();
    for (name, name_span, text, span) in texts(reporter, table, "given") {
        match Field::find(&name) {
            // `notice = "…"` says it.
            Some(Field::Kind) => {
                let what = "the kind is said by `notice`";
                reporter.report(MappingCode::LETTER_TEST, name_span, what);
            }
            Some(field) => {
                let is_code = match field.spec().shape {
                    LetterFieldShape::Code(codes) => {
                        text.is_empty() || codes.contains(&text.as_str())
                    }
                    _ => true,
                };
                if !is_code || !example(NoticeKind::Accepted).say(field, &text) {
                    let what = format!("{name} cannot be \"{text}\"");
                    reporter.report(MappingCode::LETTER_TEST, span, what);
                }
                given.push((field, text));
            }
            None => {
                let what = format!("a notice has no field {name}");
                let meant = nearest(&name, Field::names());
                reporter.report(MappingCode::NOTICE_FIELD, name_span, what).suggestion =
                    meant.map(str::to_owned);
            }
        }
    }
    given
}

fn expected(
    reporter: &mut Compiler<'_>,
    table: &TableReader<'_>,
    fields: &LetterFields,
) -> Vec<(usize, String)> {
    let mut expected = Vec::new();
    for (name, span, text, _) in texts(reporter, table, "expect") {
        match fields.places.iter().position(|place| place.text == name) {
            Some(place) => expected.push((place, text)),
            // Its line has a diagnostic of its own.
            None if fields.written.contains(&name) => {}
            None => {
                let what = format!("[fields] has no \"{name}\"");
                let meant = nearest(&name, fields.written.iter().map(String::as_str));
                reporter.report(MappingCode::LETTER_TEST, span, what).suggestion =
                    meant.map(|meant| format!("\"{meant}\""));
            }
        }
    }
    expected
}
