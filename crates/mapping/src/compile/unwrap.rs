//! `[[unwrap]]`, what is carried inside a text, and `[source.namespaces]`, which of the names in it
//! are meant.

use super::table::TableReader;
use super::{Compiler, column};
use crate::code::MappingCode;
use crate::plan::UnwrapStep;
use cara_document::Inside;

const KINDS: [&str; 3] = ["xml", "json", "fixed"];

pub(crate) const KEYS: [&str; 3] = ["at", "as", "columns"];

/// Every `[[unwrap]]`, in the order in which they are done.
pub(super) fn read(compiler: &mut Compiler<'_>, top: &TableReader<'_>) -> Vec<UnwrapStep> {
    let tables = top.tables(compiler, "unwrap");
    tables.iter().filter_map(|table| layer(compiler, table)).collect()
}

fn layer(compiler: &mut Compiler<'_>, table: &TableReader<'_>) -> Option<UnwrapStep> {
    compiler.known_keys(table, &KEYS);
    let inside = inside(compiler, table);
    let Some((text, span)) = table.string(compiler, "at") else {
        compiler.missing(table, "at", "at = \"//Content\", what carries the text");
        return None;
    };
    let (at, _) = compiler.path(&text, &span, &[], true)?;
    let label = match at.steps().last() {
        Some(step) if !matches!(step.name.as_str(), "*" | "." | "..") => step.name.clone(),
        _ => at.text().to_owned(),
    };
    if at.ends_in_attribute() {
        // What an attribute carries stands in an element of this name.
        compiler.names.intern(&format!("@{label}"));
    }
    Some(UnwrapStep { at, label, inside: inside? })
}

fn inside(compiler: &mut Compiler<'_>, table: &TableReader<'_>) -> Option<Inside> {
    let Some((kind, span)) = table.string(compiler, "as") else {
        compiler.missing(table, "as", "as = \"xml\"");
        return None;
    };
    if kind != "fixed" && table.has("columns") && KINDS.contains(&kind.as_str()) {
        let what = "`columns` is for as = \"fixed\"";
        compiler.report(MappingCode::UNKNOWN_KEY, table.key_span("columns"), what);
    }
    match kind.as_str() {
        "xml" => Some(Inside::Xml),
        "json" => Some(Inside::Json),
        "fixed" => columns(compiler, table),
        other => {
            let meant = crate::fault::nearest(other, KINDS);
            let what = format!("\"{other}\" cannot be unwrapped: xml, json or fixed");
            compiler.report(MappingCode::WRONG_VALUE, span, what).suggestion =
                meant.map(str::to_owned);
            None
        }
    }
}

fn columns(compiler: &mut Compiler<'_>, table: &TableReader<'_>) -> Option<Inside> {
    let example = "columns = [\"offender 2\", \"relationship 2\"]";
    if !table.has("columns") {
        compiler.missing(table, "columns", example);
    }
    let texts = table.strings(compiler, "columns")?;
    let columns: Vec<_> = texts.iter().filter_map(|text| column::column(compiler, text)).collect();
    if texts.is_empty() {
        let what = format!("the list holds no column: write {example}");
        compiler.report(MappingCode::MISSING_KEY, table.key_span("columns"), what);
    }
    (!columns.is_empty()).then_some(Inside::Fixed(columns))
}

/// The declared prefixes, each with its namespace.
pub(super) fn namespaces(
    compiler: &mut Compiler<'_>,
    top: &TableReader<'_>,
    source: &TableReader<'_>,
) {
    let Some(table) = source.table(compiler, "namespaces") else { return };
    if !may_hold_xml(top, source) {
        let what = "`namespaces` is for XML: type = \"xml\", or an [[unwrap]] as = \"xml\"";
        compiler.report(MappingCode::UNKNOWN_KEY, source.key_span("namespaces"), what);
        return;
    }
    for (prefix, span) in table.keys() {
        let Some((uri, uri_span)) = table.string(compiler, &prefix) else { continue };
        let is_name = !prefix.is_empty()
            && prefix.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
        if !is_name {
            let what = "a prefix is letters and digits, as in libra = \"http://…\"";
            compiler.report(MappingCode::WRONG_VALUE, span, what);
        } else if uri.trim().is_empty() {
            let what = format!("write the namespace of {prefix}, as in the force's own document");
            compiler.report(MappingCode::WRONG_VALUE, uri_span, what);
        } else if !compiler.names.declare(&prefix, uri.trim()) {
            let what = format!("at most {} prefixes can be declared", cara_document::SPACES_MAX);
            compiler.report(MappingCode::WRONG_VALUE, span, what);
        }
    }
}

/// A type that cannot be read has a diagnostic of its own.
fn may_hold_xml(top: &TableReader<'_>, source: &TableReader<'_>) -> bool {
    let kind = source.get("type").and_then(|item| item.as_str());
    let layers = top.get("unwrap").and_then(|item| item.as_array_of_tables());
    let opens =
        |layer: &toml_edit::Table| layer.get("as").and_then(|it| it.as_str()) == Some("xml");
    !matches!(kind, Some("json" | "csv" | "fixed"))
        || layers.is_some_and(|all| all.iter().any(opens))
}
