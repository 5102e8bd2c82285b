//! `[lookup."name"]`: the force's codes and what they mean.

use std::collections::HashMap;
use std::sync::Arc;

use super::Compiler;
use super::table::Table;
use crate::domain::field::{FieldId, Shape};
use crate::mapping::code::Code;
use crate::mapping::lookup::{BUILT_IN, built_in};
use crate::mapping::plan::Lookup;

pub(super) fn read(compiler: &mut Compiler<'_>, top: &Table<'_>) {
    let Some(tables) = top.table(compiler, "lookup") else { return };
    for (name, span) in tables.keys() {
        let Some(table) = tables.table(compiler, &name) else { continue };
        let mut lookup = Lookup {
            name: Arc::from(name.as_str()),
            rows: HashMap::new(),
            values: Vec::new(),
            otherwise: None,
        };
        let mut says_otherwise = false;
        for (code, code_span) in table.keys() {
            let Some((value, _)) = table.string(compiler, &code) else { continue };
            if code == "otherwise" {
                says_otherwise = true;
                lookup.otherwise = (value != "hold").then_some(value);
                continue;
            }
            let row = lookup.values.len();
            if lookup.rows.insert(code.trim().to_owned(), row).is_some() {
                let what = format!("the code \"{}\" is listed twice", code.trim());
                compiler.report(Code::FILLED_TWICE, code_span, what);
            }
            lookup.values.push((code, value));
        }
        if !says_otherwise {
            let what = format!("lookup \"{name}\" does not say what an unlisted code does");
            compiler.report(Code::NO_OTHERWISE, span.clone(), what).suggestion =
                Some("otherwise = \"hold\"".to_owned());
        }
        let index = compiler.lookups.len();
        compiler.lookups.push(lookup);
        compiler.lookups_used.push(false);
        compiler.lookup_spans.insert(index, span);
        compiler.lookup_index.insert(name, index);
    }
}

/// The lookup that a field names, checked against what the field can hold.
pub(super) fn of_field(
    compiler: &mut Compiler<'_>,
    id: FieldId,
    name: &str,
    span: &std::ops::Range<usize>,
    lookup_table: Option<&Table<'_>>,
) -> Option<usize> {
    let index = match compiler.lookup_index.get(name) {
        Some(index) => *index,
        None => match built_in(name) {
            Some((name, rows)) => add_built_in(compiler, name, rows),
            None => {
                let known = compiler.lookup_index.keys().map(String::as_str);
                let known = known.chain(BUILT_IN.iter().map(|(name, _)| *name));
                let known: Vec<String> = known.map(str::to_owned).collect();
                let known = known.iter().map(String::as_str);
                let meant = crate::mapping::fault::nearest(name, known).map(str::to_owned);
                let what = format!("there is no lookup \"{name}\"");
                compiler.report(Code::UNKNOWN_LOOKUP, span.clone(), what).suggestion = meant;
                return None;
            }
        },
    };
    compiler.lookups_used[index] = true;
    check_values(compiler, id, index, lookup_table, span);
    Some(index)
}

fn add_built_in(
    compiler: &mut Compiler<'_>,
    name: &'static str,
    rows: &'static [(&'static str, &'static str)],
) -> usize {
    let index = compiler.lookups.len();
    compiler.lookups.push(Lookup {
        name: Arc::from(name),
        rows: rows.iter().enumerate().map(|(row, (code, _))| ((*code).to_owned(), row)).collect(),
        values: rows
            .iter()
            .map(|(code, value)| ((*code).to_owned(), (*value).to_owned()))
            .collect(),
        otherwise: None,
    });
    compiler.lookups_used.push(true);
    compiler.lookup_index.insert(name.to_owned(), index);
    index
}

fn check_values(
    compiler: &mut Compiler<'_>,
    id: FieldId,
    index: usize,
    table: Option<&Table<'_>>,
    used_at: &std::ops::Range<usize>,
) {
    let spec = id.spec();
    let Shape::Code(codes) = spec.shape else { return };
    let lookup = &compiler.lookups[index];
    let rows = lookup.values.iter().map(|(code, value)| (code.clone(), value.clone()));
    let otherwise = lookup.otherwise.iter().map(|value| ("otherwise".to_owned(), value.clone()));
    let all: Vec<_> = rows.chain(otherwise).collect();
    let otherwise = lookup.otherwise.clone();
    for (key, value) in all {
        let allowed = codes.contains(&value.as_str());
        if allowed || (spec.evidenced && value == "not_recorded" && key != "otherwise") {
            continue;
        }
        let place = table.and_then(|table| table.get(&key)).and_then(toml_edit::Item::span);
        let span = place.unwrap_or_else(|| used_at.clone());
        let meant = crate::mapping::fault::nearest(&value, codes.iter().copied());
        let what = format!("{} is never \"{value}\": it is {}", spec.name, codes.join(", "));
        let report = compiler.report(Code::LOOKUP_VALUE, span, what);
        report.suggestion = meant.map(str::to_owned);
        report.consequence = Some("each record with this code would be refused");
    }
    if spec.evidenced
        && let Some(value) = otherwise
    {
        let place = table.and_then(|table| table.get("otherwise"));
        let span = place.and_then(toml_edit::Item::span).unwrap_or_else(|| used_at.clone());
        let what = format!(
            "{} is evidence: an unlisted code cannot become \"{value}\"; it must hold the record",
            spec.name
        );
        let report = compiler.report(Code::EVIDENCED_NOT_FROM_RECORD, span, what);
        report.suggestion = Some("otherwise = \"hold\"".to_owned());
    }
}
