//! `[target]`: how the force's letters are shaped, and what a place in one may be called.

use std::ops::Range;

use crate::code::MappingCode;
use crate::compile::Compiler;
use crate::compile::table::TableReader;
use crate::date;
use crate::fault::nearest;
use crate::letter::plan::{LetterPlace, Target};
use cara_document::write::{LineEnd, is_xml_name};
use cara_document::{BodyFormat, csv};

/// Elements inside each other below the root; the reader's own limit is far above.
const STEPS_MAX: usize = 16;

const TYPES: [&str; 3] = ["xml", "json", "csv"];

/// Keys and the types that have them.
pub(crate) const KEYS: [(&str, &[&str]); 7] = [
    ("type", &TYPES),
    ("dates", &TYPES),
    ("root", &["xml", "json"]),
    ("namespace", &["xml"]),
    ("separator", &["csv"]),
    ("header", &["csv"]),
    ("line_end", &["csv"]),
];

pub(super) struct TargetSection {
    pub target: Target,
    /// How days are written where a line does not say.
    pub dates: Option<date::DateFormat>,
}

pub(super) fn read(reporter: &mut Compiler<'_>, top: &TableReader<'_>) -> Option<TargetSection> {
    let Some(table) = top.table(reporter, "target") else {
        reporter.missing(top, "target", "[target] with type = \"xml\", json or csv");
        return None;
    };
    reporter.known_keys(&table, &KEYS.map(|(key, _)| key));
    let dates = days(reporter, &table);
    let Some((kind, span)) = table.string(reporter, "type") else {
        reporter.missing(&table, "type", "type = \"xml\"");
        return None;
    };
    if !TYPES.contains(&kind.as_str()) {
        let what = match kind.as_str() {
            "fixed" => "letters are not written in fixed widths: xml, json or csv".to_owned(),
            other => format!("\"{other}\" is no type: xml, json or csv"),
        };
        let meant = nearest(&kind, TYPES).map(str::to_owned);
        reporter.report(MappingCode::WRONG_VALUE, span, what).suggestion = meant;
        return None;
    }
    for (key, types) in KEYS {
        if table.has(key) && !types.contains(&kind.as_str()) {
            let what = format!("`{key}` is for type = \"{}\"", types.join("\" or \""));
            reporter.report(MappingCode::UNKNOWN_KEY, table.key_span(key), what);
        }
    }
    let is_xml = kind == "xml";
    let root = table.string(reporter, "root");
    if is_xml {
        reporter.missing(&table, "root", "root = \"OccurrenceUpdate\", the outermost element");
    }
    let root = root.map_or(String::new(), |(root, span)| {
        let named = if is_xml { element(&root) } else { member(&root) };
        if let Err(what) = named {
            reporter.report(MappingCode::LETTER_PLACE, span, what);
        }
        root
    });
    let format = match kind.as_str() {
        "xml" => BodyFormat::Xml,
        "json" => BodyFormat::Json,
        _ => BodyFormat::Csv(csv::CsvOptions {
            header: table.boolean(reporter, "header").unwrap_or(true),
            separator: separator(reporter, &table),
            group: None,
        }),
    };
    let namespace = table.string(reporter, "namespace").map(|(namespace, span)| {
        if namespace.is_empty() || namespace.contains(|c: char| c.is_whitespace() || c < ' ') {
            let what = "a namespace is a name such as \"urn:example:update:1\"";
            reporter.report(MappingCode::WRONG_VALUE, span, what);
        }
        namespace
    });
    let line_end = line_end(reporter, &table);
    Some(TargetSection { target: Target { format, root, namespace, line_end }, dates })
}

fn separator(reporter: &mut Compiler<'_>, table: &TableReader<'_>) -> u8 {
    let Some((text, span)) = table.string(reporter, "separator") else { return b',' };
    match text.as_bytes() {
        [byte] if matches!(byte, b'\t' | b' '..=b'~') && *byte != b'"' => *byte,
        _ => {
            let what = "a separator is one ASCII character and no quote";
            reporter.report(MappingCode::WRONG_VALUE, span, what);
            b','
        }
    }
}

fn line_end(reporter: &mut Compiler<'_>, table: &TableReader<'_>) -> LineEnd {
    match table.string(reporter, "line_end") {
        None => LineEnd::default(),
        Some((text, _)) if text == "crlf" => LineEnd::CrLf,
        Some((text, _)) if text == "lf" => LineEnd::Lf,
        Some((text, span)) => {
            let meant = nearest(&text, ["crlf", "lf"]).map(str::to_owned);
            let what = "a line ends with \"crlf\" or \"lf\"";
            reporter.report(MappingCode::WRONG_VALUE, span, what).suggestion = meant;
            LineEnd::default()
        }
    }
}

fn days(reporter: &mut Compiler<'_>, table: &TableReader<'_>) -> Option<date::DateFormat> {
    let (format, span) = format(reporter, table)?;
    if format.has_time() {
        let what = "a day has no time: give the line of a moment its own `dates`";
        reporter.report(MappingCode::DATE_FORMAT, span, what);
        return None;
    }
    Some(format)
}

/// The one format of a `dates` key.
pub(super) fn format(
    reporter: &mut Compiler<'_>,
    table: &TableReader<'_>,
) -> Option<(date::DateFormat, Range<usize>)> {
    let (text, span) = table.string(reporter, "dates")?;
    match date::DateFormat::parse(&text, None) {
        Ok(format) => Some((format, span)),
        Err(mut fault) => {
            if text.get(fault.start..fault.end) == Some("YY") {
                fault.what = "a letter writes a year in four digits".to_owned();
                fault.suggestion = Some(text.replace("YY", "YYYY"));
            }
            reporter.fault(&fault, &span);
            None
        }
    }
}

fn element(name: &str) -> Result<(), String> {
    if is_xml_name(name) {
        return Ok(());
    }
    Err(match name {
        "" => "an element has no name here".to_owned(),
        name if name.contains(':') => format!("\"{name}\" has a prefix: write the name alone"),
        name => format!("\"{name}\" cannot name an element or attribute"),
    })
}

fn member(name: &str) -> Result<(), String> {
    match name {
        "" => Err("a member has no name here".to_owned()),
        name if name.starts_with('@') => Err("JSON has no attributes".to_owned()),
        name if name.trim() != name => Err(format!("\"{name}\" has blanks around it")),
        _ => Ok(()),
    }
}

/// Reads the left side of a line; an error says what cannot be.
pub(super) fn place(target: &Target, text: &str) -> Result<LetterPlace, String> {
    if let BodyFormat::Csv(_) = target.format {
        return match text.trim() {
            "" => Err("a column has no name here".to_owned()),
            name if name.contains(char::is_control) => {
                Err("a column's name stands on one line".to_owned())
            }
            name => Ok(LetterPlace {
                text: name.to_owned(),
                steps: vec![name.to_owned()],
                attribute: None,
            }),
        };
    }
    let is_xml = target.format == BodyFormat::Xml;
    let mut steps: Vec<String> = text.split('/').map(str::to_owned).collect();
    let mut attribute = None;
    if is_xml && let Some(last) = steps.pop_if(|last| last.starts_with('@')) {
        attribute = Some(last[1..].to_owned());
    }
    if steps.len() > STEPS_MAX {
        return Err(format!("at most {STEPS_MAX} names stand inside each other"));
    }
    if is_xml && steps.iter().any(|step| step.starts_with('@')) {
        return Err("nothing stands inside an attribute".to_owned());
    }
    for step in steps.iter().chain(&attribute) {
        if is_xml { element(step)? } else { member(step)? }
    }
    Ok(LetterPlace { text: text.to_owned(), steps, attribute })
}
