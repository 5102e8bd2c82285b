//! `[source]` and `[[line]]`: how the force's bodies are shaped.

use jiff::tz::TimeZone;

use super::Compiler;
use super::column::{column, phrase};
use super::table::TableReader;
use super::unwrap;
use crate::code::MappingCode;
use crate::date::{Formats, Window};
use crate::path::Path;
use crate::plan::UnwrapStep;
use cara_document::{BodyFormat, csv, fixed};

pub(super) struct SourceSection {
    pub format: BodyFormat,
    pub layers: Vec<UnwrapStep>,
    pub encoding: Option<String>,
    pub matches: Option<Path>,
    pub record: Path,
    pub blank: Vec<String>,
    pub dates: Formats,
}

pub(crate) const KEYS: [&str; 12] = [
    "type",
    "match",
    "record",
    "dates",
    "years",
    "timezone",
    "blank",
    "encoding",
    "header",
    "separator",
    "group",
    "namespaces",
];

/// `[[line]]`
pub(crate) const LINE_KEYS: [&str; 3] = ["name", "is", "columns"];

pub(super) fn read(compiler: &mut Compiler<'_>, top: &TableReader<'_>) -> Option<SourceSection> {
    let Some(table) = top.table(compiler, "source") else {
        if !top.has("source") {
            compiler.missing(top, "source", "[source] with type, match and record");
        }
        return None;
    };
    compiler.known_keys(&table, &KEYS);
    compiler.sections.insert("[source]", table.span.clone());
    // Before any path: a path may begin with a declared prefix, or go on inside an attribute that
    // is opened.
    unwrap::namespaces(compiler, top, &table);
    let layers = unwrap::read(compiler, top);
    let dates = dates(compiler, &table)?;
    let blank = table.strings(compiler, "blank").unwrap_or_default();
    let blank = blank.into_iter().map(|(text, _)| text.trim().to_owned()).collect();
    let encoding = encoding(compiler, &table);
    let format = format(compiler, top, &table)?;
    compiler.rows_inside = matches!(&format, BodyFormat::Csv(options) if options.group.is_some());
    let record = record(compiler, &table, &format)?;
    let matches = match table.string(compiler, "match") {
        None => None,
        Some((text, span)) => Some(compiler.path(&text, &span, &[], true)?.0),
    };
    Some(SourceSection { format, layers, encoding, matches, record, blank, dates })
}

fn dates(compiler: &mut Compiler<'_>, table: &TableReader<'_>) -> Option<Formats> {
    let zone = match table.string(compiler, "timezone") {
        None => TimeZone::get("Europe/London").ok(),
        Some((name, span)) => match TimeZone::get(&name) {
            Ok(zone) => Some(zone),
            Err(_) => {
                let what = format!("\"{name}\" is no time zone; write \"Europe/London\"");
                compiler.report(MappingCode::WRONG_VALUE, span, what);
                None
            }
        },
    };
    compiler.zone = zone.unwrap_or(TimeZone::UTC);
    compiler.window = match table.string(compiler, "years") {
        None => None,
        Some((text, span)) => match Window::parse(&text) {
            Ok(window) => Some(window),
            Err(fault) => {
                compiler.fault(&fault, &span);
                None
            }
        },
    };
    compiler.has_dates = table.has("dates");
    let written = if compiler.has_dates { compiler.formats(table) } else { None };
    if written.is_some() {
        compiler.date_texts = table.strings(compiler, "dates").unwrap_or_default();
    }
    match written {
        Some((formats, clashes)) => {
            compiler.dates = Some(formats.clone());
            compiler.clashes = clashes;
            Some(formats)
        }
        None => Formats::parse(&[], compiler.window, compiler.zone.clone()).ok(),
    }
}

/// An encoding that the reader knows.
fn encoding(compiler: &mut Compiler<'_>, table: &TableReader<'_>) -> Option<String> {
    let (label, span) = table.string(compiler, "encoding")?;
    if cara_document::decode(b"", Some(&label)).is_err() {
        let known = ["utf-8", "utf-16", "windows-1252", "iso-8859-1", "us-ascii"];
        let meant = crate::fault::nearest(&label, known);
        let what = format!("\"{label}\" is no encoding that can be read: {}", known.join(", "));
        compiler.report(MappingCode::WRONG_VALUE, span, what).suggestion = meant.map(str::to_owned);
        return None;
    }
    Some(label)
}

fn format(
    compiler: &mut Compiler<'_>,
    top: &TableReader<'_>,
    table: &TableReader<'_>,
) -> Option<BodyFormat> {
    let Some((kind, span)) = table.string(compiler, "type") else {
        if !table.has("type") {
            compiler.missing(table, "type", "type = \"xml\"");
        }
        return None;
    };
    for key in ["header", "separator", "group"] {
        if table.has(key) && kind != "csv" {
            let what = format!("`{key}` is for type = \"csv\"");
            compiler.report(MappingCode::UNKNOWN_KEY, table.key_span(key), what);
        }
    }
    if top.has("line") && kind != "fixed" {
        let what = "[[line]] is for type = \"fixed\"";
        compiler.report(MappingCode::UNKNOWN_KEY, top.key_span("line"), what);
    }
    match kind.as_str() {
        "xml" => Some(BodyFormat::Xml),
        "json" => Some(BodyFormat::Json),
        "csv" => Some(BodyFormat::Csv(csv_options(compiler, table))),
        "fixed" => fixed_options(compiler, top, table).map(BodyFormat::Fixed),
        other => {
            let meant = crate::fault::nearest(other, ["xml", "json", "csv", "fixed"]);
            let what = format!("\"{other}\" is no type: xml, json, csv or fixed");
            compiler.report(MappingCode::WRONG_VALUE, span, what).suggestion =
                meant.map(str::to_owned);
            None
        }
    }
}

fn csv_options(compiler: &mut Compiler<'_>, table: &TableReader<'_>) -> csv::CsvOptions {
    let separator = match table.string(compiler, "separator") {
        None => b',',
        Some((text, span)) => match text.as_bytes() {
            [byte] if byte.is_ascii() => *byte,
            _ => {
                compiler.report(MappingCode::WRONG_VALUE, span, "a separator is one character");
                b','
            }
        },
    };
    csv::CsvOptions {
        separator,
        header: table.boolean(compiler, "header").unwrap_or(true),
        group: table.string(compiler, "group").map(|(text, _)| text),
    }
}

fn fixed_options(
    compiler: &mut Compiler<'_>,
    top: &TableReader<'_>,
    table: &TableReader<'_>,
) -> Option<fixed::FixedOptions> {
    let mut lines = Vec::new();
    for line in top.tables(compiler, "line") {
        compiler.known_keys(&line, &LINE_KEYS);
        let Some((name, name_span)) = line.string(compiler, "name") else {
            compiler.missing(&line, "name", "name = \"OFFENCE\"");
            continue;
        };
        let is = match line.string(compiler, "is") {
            None => None,
            Some((text, span)) => discriminator(compiler, &text, span),
        };
        let Some(columns) = line.strings(compiler, "columns") else {
            compiler.missing(&line, "columns", "columns = [\"- 1\", \"surname 30\"]");
            continue;
        };
        let columns = columns.iter().filter_map(|text| column(compiler, text)).collect();
        if lines.iter().any(|known: &fixed::FixedLine| known.name == name) {
            let what = format!("two lines are named \"{name}\"");
            compiler.report(MappingCode::FILLED_TWICE, name_span, what);
        }
        lines.push(fixed::FixedLine { name, is, columns });
    }
    if lines.is_empty() {
        compiler.missing(table, "line", "a [[line]] for each kind of line");
        return None;
    }
    let Some((record, span)) = table.string(compiler, "record") else {
        compiler.missing(table, "record", "record = the name of the line that starts a record");
        return None;
    };
    if !lines.iter().any(|line| line.name == record) {
        let meant = crate::fault::nearest(&record, lines.iter().map(|it| &*it.name));
        let what = format!("no [[line]] is named \"{record}\"");
        compiler.report(MappingCode::WRONG_VALUE, span, what).suggestion = meant.map(str::to_owned);
        return None;
    }
    Some(fixed::FixedOptions { lines, record })
}

fn discriminator(
    compiler: &mut Compiler<'_>,
    text: &str,
    span: std::ops::Range<usize>,
) -> Option<fixed::Is> {
    fixed::Is::parse(text).map_err(|error| phrase(compiler, error, &span)).ok()
}

fn record(
    compiler: &mut Compiler<'_>,
    table: &TableReader<'_>,
    format: &BodyFormat,
) -> Option<Path> {
    let own = table.string(compiler, "record");
    let (text, span) = match (format, own) {
        (BodyFormat::Csv(options), None) => {
            let name = if options.group.is_some() { "/record" } else { "/row" };
            (name.to_owned(), table.span.clone())
        }
        (BodyFormat::Fixed(options), Some((_, span))) => (format!("/{}", options.record), span),
        (_, Some(own)) => own,
        (_, None) => {
            let example = "record = \"/Export/Case\", what one record is";
            compiler.missing(table, "record", example);
            return None;
        }
    };
    compiler.path(&text, &span, &[], true).map(|(path, _)| path)
}
