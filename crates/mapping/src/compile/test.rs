//! `[[test]]`: a record and what must become of it.

use toml_edit::Item;

use super::Compiler;
use super::table::TableReader;
use crate::code::MappingCode;
use crate::record_test::{Expected, Given, RecordResult, RecordTest};
use cara_domain::field::{self, FieldId, FieldShape, Fills};

pub(crate) const KEYS: [&str; 6] = ["name", "given", "given_file", "same_as", "change", "expect"];

pub(super) fn read(compiler: &mut Compiler<'_>, top: &TableReader<'_>) -> Vec<RecordTest> {
    let mut tests = Vec::new();
    for table in top.tables(compiler, "test") {
        compiler.known_keys(&table, &KEYS);
        let Some((name, span)) = table.string(compiler, "name") else {
            if !table.has("name") {
                compiler.missing(&table, "name", "name = \"a full case\"");
            }
            continue;
        };
        if tests.iter().any(|test: &RecordTest| test.name == name) {
            let what = format!("two tests are named \"{name}\"");
            compiler.report(MappingCode::FILLED_TWICE, span, what);
        }
        let Some(given) = given(compiler, &table, &name, &tests) else { continue };
        let expected = expected(compiler, &table, &name);
        tests.push(RecordTest { name, given, expected });
    }
    if !top.has("test") {
        compiler.report(MappingCode::NO_TEST, 0..0, "the file has no [[test]]");
    }
    tests
}

fn given(
    compiler: &mut Compiler<'_>,
    table: &TableReader<'_>,
    name: &str,
    before: &[RecordTest],
) -> Option<Given> {
    let of = match (table.has("given"), table.has("given_file"), table.has("same_as")) {
        (true, false, false) => {
            table.string(compiler, "given").map(|(text, _)| Given::Text(text))?
        }
        (false, true, false) => given_file(compiler, table)?,
        (false, false, true) if table.has("change") => same_as(compiler, table, before)?,
        (_, _, true) => {
            let what =
                format!("the test \"{name}\" needs same_as with change, and no given beside them");
            compiler.report(MappingCode::TEST, table.span.clone(), what);
            return None;
        }
        _ => {
            let what = format!("the test \"{name}\" needs given or given_file, one of them");
            compiler.report(MappingCode::TEST, table.span.clone(), what);
            return None;
        }
    };
    if !table.has("change") {
        return Some(of);
    }
    let changes = changes(compiler, table)?;
    Some(Given::Changed { of: Box::new(of), changes })
}

fn given_file(compiler: &mut Compiler<'_>, table: &TableReader<'_>) -> Option<Given> {
    let (file, span) = table.string(compiler, "given_file")?;
    if (compiler.open)(&file).is_none() {
        let what = format!("the file \"{file}\" is not there");
        compiler.report(MappingCode::TEST, span, what);
        compiler.example_lost = true;
        return None;
    }
    Some(Given::File(file))
}

/// The record of an earlier test.
fn same_as(
    compiler: &mut Compiler<'_>,
    table: &TableReader<'_>,
    before: &[RecordTest],
) -> Option<Given> {
    let (like, span) = table.string(compiler, "same_as")?;
    let Some(of) = before.iter().find(|test| test.name == like) else {
        let names = before.iter().map(|test| test.name.as_str()).collect::<Vec<_>>();
        let meant = crate::fault::nearest(&like, names);
        let what = format!("no test before this one is named \"{like}\"");
        compiler.report(MappingCode::TEST, span, what).suggestion = meant.map(str::to_owned);
        return None;
    };
    Some(of.given.clone())
}

/// The texts of the record that are replaced before it is read.
fn changes(compiler: &mut Compiler<'_>, table: &TableReader<'_>) -> Option<Vec<(String, String)>> {
    let change = table.table(compiler, "change")?;
    let mut changes = Vec::new();
    for leaf in change.leaves(&|_| true) {
        match leaf.item.as_str() {
            Some(to) => changes.push((leaf.name.clone(), to.to_owned())),
            None => {
                let what =
                    format!("change replaces one text by another: \"{}\" = \"…\"", leaf.name);
                compiler.report(MappingCode::WRONG_TYPE, leaf.key_span.clone(), what);
            }
        }
    }
    Some(changes)
}

fn expected(compiler: &mut Compiler<'_>, table: &TableReader<'_>, name: &str) -> Vec<Expected> {
    let Some(expect) = table.table(compiler, "expect") else {
        let what = format!("the test \"{name}\" expects nothing");
        compiler.report(MappingCode::TEST, table.span.clone(), what);
        return Vec::new();
    };
    let never_whole = |_: &Item| false;
    let mut all = Vec::new();
    let mut meant_outcome = false;
    for leaf in expect.leaves(&never_whole) {
        let texts = texts_of(leaf.item);
        let Some(texts) = texts else {
            let what = format!("expect.{} takes a text or a list of texts", leaf.name);
            compiler.report(MappingCode::WRONG_TYPE, leaf.key_span, what);
            continue;
        };
        let one = texts.first().cloned().unwrap_or_default();
        let value_span = leaf.item.span().unwrap_or_else(|| leaf.key_span.clone());
        match leaf.name.as_str() {
            "outcome" => match RecordResult::named(&one) {
                Some(outcome) => all.push(Expected::RecordResult(outcome)),
                None => {
                    let meant = crate::fault::nearest(&one, RecordResult::NAMES);
                    let what =
                        format!("\"{one}\" is no outcome: {}", RecordResult::NAMES.join(", "));
                    compiler.report(MappingCode::WRONG_VALUE, value_span, what).suggestion =
                        meant.map(str::to_owned);
                }
            },
            "violations" | "flags" => {
                for text in &texts {
                    if cara_domain::FindingCode::find(text).is_none() {
                        let what = format!("\"{text}\" is no code of a violation, hold or flag");
                        let names = cara_domain::FindingCode::all()
                            .map(|code| code.name())
                            .collect::<Vec<_>>();
                        let meant = crate::fault::nearest(text, names);
                        compiler.report(MappingCode::TEST, value_span.clone(), what).suggestion =
                            meant.map(str::to_owned);
                    }
                }
                all.push(match leaf.name.as_str() {
                    "flags" => Expected::Flags(texts),
                    _ => Expected::Violations(texts),
                });
            }
            field if field_of(field, compiler.fills).is_some() => {
                never_a_code(compiler, &expect, field, &texts, &value_span);
                all.push(Expected::Field(field.to_owned(), texts));
            }
            field => {
                let groups = compiler.fills.groups().iter();
                let fields = groups.flat_map(|&group| field::all(group)).map(|id| id.spec().name);
                let names = fields.chain(["outcome", "violations", "flags"]).collect::<Vec<_>>();
                let meant = crate::fault::nearest(field, names);
                meant_outcome |= meant == Some("outcome");
                let what = format!("the {} has no field {field}", compiler.fills.word());
                compiler.report(MappingCode::TEST, leaf.key_span, what).suggestion =
                    meant.map(str::to_owned);
            }
        }
    }
    if !expect.has("outcome") && !meant_outcome {
        let what = format!("the test \"{name}\" does not say expect.outcome");
        compiler.report(MappingCode::TEST, table.span.clone(), what).suggestion =
            Some("expect.outcome = \"accepted\"".to_owned());
    }
    all
}

fn texts_of(item: &toml_edit::Item) -> Option<Vec<String>> {
    if let Some(text) = item.as_str() {
        return Some(vec![text.to_owned()]);
    }
    item.as_array()?.iter().map(|value| value.as_str().map(str::to_owned)).collect()
}

/// A code that the field of a record that goes on can never hold.
fn never_a_code(
    compiler: &mut Compiler<'_>,
    expect: &TableReader<'_>,
    field: &str,
    texts: &[String],
    span: &std::ops::Range<usize>,
) {
    let stopped = expect.get("outcome").and_then(|item| item.as_str());
    let stopped = stopped.is_some_and(|outcome| matches!(outcome, "refused" | "held"));
    let Some(spec) = field_of(field, compiler.fills).map(FieldId::spec) else { return };
    let FieldShape::Code(codes) = spec.shape else { return };
    for text in texts {
        if codes.contains(&text.as_str()) || (spec.evidenced && text == "not_recorded") {
            continue;
        }
        let more = spec.evidenced.then_some("not_recorded");
        let meant = crate::fault::nearest(text, codes.iter().copied().chain(more));
        // A record that is stopped may hold what no code is.
        if stopped && meant.is_none() {
            continue;
        }
        let what = format!("{field} is never \"{text}\": it is {}", codes.join(", "));
        compiler.report(MappingCode::TEST, span.clone(), what).suggestion =
            meant.map(str::to_owned);
    }
}

/// `risk.grade`, `offences[2].cjs_code`
fn field_of(name: &str, fills: Fills) -> Option<FieldId> {
    match name.split_once('[') {
        None => FieldId::find(fills.root(), name),
        Some((group, rest)) => {
            let (_, field) = rest.split_once("].")?;
            let group = fills.groups().iter().find(|it| it.name() == group)?;
            FieldId::find(*group, field)
        }
    }
}
