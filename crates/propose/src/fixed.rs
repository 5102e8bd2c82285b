//! Fixed width: kinds of lines told by how they begin, columns cut where blanks run.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::quote::quoted;
use cara_document::fixed::{Column, FixedLine, FixedOptions, Is};

/// What tells a kind of line is this long at most.
const TOLD_MAX: usize = 4;
/// Kinds of lines; beyond it the beginning tells no kind.
const KINDS_MAX: usize = 60;

/// The kinds of lines that were seen and their columns as far as they can be cut; `None` when there
/// is no line at all.
pub(super) fn options(texts: &[String]) -> Option<FixedOptions> {
    let lines: Vec<&str> = texts
        .iter()
        .flat_map(|text| text.trim_start_matches('\u{feff}').lines())
        .filter(|line| !line.trim().is_empty())
        .collect();
    if lines.is_empty() {
        return None;
    }
    let told = told_width(&lines);
    let mut kinds: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut order: Vec<String> = Vec::new();
    for line in &lines {
        let begins: String = line.chars().take(told).collect();
        if !kinds.contains_key(&begins) {
            order.push(begins.clone());
        }
        kinds.entry(begins).or_default().push(line);
    }
    let described = order.iter().filter_map(|begins| {
        let is = Is::parse(&format!("1-{told} is {begins}")).ok()?;
        let columns = columns(&kinds[begins], told);
        Some(FixedLine { name: format!("line {}", begins.trim()), is: Some(is), columns })
    });
    let lines: Vec<FixedLine> = described.collect();
    let record = record(texts, &order, &lines)?;
    Some(FixedOptions { lines, record })
}

/// How many first characters tell kinds: as many as are digits in every line, or capitals in every
/// line, while most kinds come again.
fn told_width(lines: &[&str]) -> usize {
    let begins = |width: usize| -> Vec<String> {
        lines.iter().map(|line| line.chars().take(width).collect()).collect()
    };
    let fits = |width: &usize| {
        let begins = begins(*width);
        let all = |fits: fn(&char) -> bool| {
            begins
                .iter()
                .all(|text| text.chars().count() == *width && text.chars().all(|c| fits(&c)))
        };
        let kinds: std::collections::BTreeSet<&String> = begins.iter().collect();
        (all(char::is_ascii_digit) || all(char::is_ascii_uppercase))
            && (2..=KINDS_MAX).contains(&kinds.len())
            && kinds.len() * 2 <= lines.len()
    };
    (1..=TOLD_MAX).rev().find(fits).unwrap_or(1)
}

/// The kind that starts a record: the first one that comes as often as any other that is in every
/// body, after what comes once at the top.
fn record(texts: &[String], order: &[String], lines: &[FixedLine]) -> Option<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut firsts = 0;
    for text in texts {
        for (index, line) in text.lines().filter(|line| !line.trim().is_empty()).enumerate() {
            let begins = order.iter().find(|begins| line.starts_with(begins.as_str()))?;
            *counts.entry(begins.as_str()).or_default() += 1;
            firsts += usize::from(index == 0);
        }
    }
    let is_top = |begins: &str| counts.get(begins).is_some_and(|count| *count <= firsts);
    let first = order.first().map(String::as_str)?;
    let named = |begins: &str| format!("line {}", begins.trim());
    let second = order.get(1).map(String::as_str);
    let starts = match second {
        Some(second) if is_top(first) => second,
        _ => first,
    };
    lines.iter().find(|line| line.name == named(starts)).map(|line| line.name.clone())
}

/// Columns end where at least two blanks stand in a line and every line is blank there.
fn columns(lines: &[&str], told: usize) -> Vec<Column> {
    let rows: Vec<Vec<char>> = lines.iter().map(|line| line.chars().collect()).collect();
    let width = rows.iter().map(Vec::len).max().unwrap_or(0);
    let is_blank = |at: usize| rows.iter().all(|row| row.get(at).is_none_or(|c| c.is_whitespace()));
    let begins = |at: usize| rows.iter().any(|row| row.get(at).is_some_and(|c| !c.is_whitespace()));
    let mut starts = vec![told];
    for at in told + 2..width {
        if begins(at) && is_blank(at - 1) && is_blank(at - 2) {
            starts.push(at);
        }
    }
    starts.push(width.max(told + 1));
    let mut columns = vec![Column { name: None, width: told }];
    columns.extend(starts.windows(2).enumerate().map(|(index, pair)| Column {
        name: Some(format!("part {}", index + 1)),
        width: pair[1] - pair[0],
    }));
    columns
}

/// Lines that a person has described: the `record` of a `[source]` and the `[[line]]` sections.
#[derive(Clone, Debug)]
pub struct Layout(pub(super) FixedOptions);

impl Layout {
    /// Reads them from the text of a mapping; whatever else it holds is not looked at.
    pub fn read(text: &str) -> Result<Layout, String> {
        let file: toml::Table = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        let record = file.get("source").and_then(|source| source.get("record"));
        let record = record.and_then(toml::Value::as_str).ok_or("no `record` in [source]")?;
        let written = file.get("line").and_then(toml::Value::as_array).ok_or("no [[line]]")?;
        let lines = written.iter().map(described).collect::<Result<Vec<FixedLine>, String>>()?;
        if !lines.iter().any(|line| line.name == record) {
            return Err(format!("no [[line]] is named \"{record}\""));
        }
        Ok(Layout(FixedOptions { lines, record: record.to_owned() }))
    }
}

fn described(line: &toml::Value) -> Result<FixedLine, String> {
    let name = line.get("name").and_then(toml::Value::as_str).ok_or("a [[line]] has no `name`")?;
    let wrong = |reason: String| format!("the [[line]] \"{name}\": {reason}");
    let is = match line.get("is").and_then(toml::Value::as_str) {
        Some(text) => Some(Is::parse(text).map_err(|error| wrong(error.reason))?),
        None => None,
    };
    let columns = line.get("columns").and_then(toml::Value::as_array);
    let columns = columns.ok_or_else(|| wrong("no `columns`".to_owned()))?;
    let columns = columns.iter().map(|column| {
        let text = column.as_str().unwrap_or_default();
        Column::parse(text).map_err(|error| wrong(error.reason))
    });
    Ok(FixedLine { name: name.to_owned(), is, columns: columns.collect::<Result<_, _>>()? })
}

/// The `[[line]]` sections.
pub(super) fn write(out: &mut String, options: &FixedOptions, has_layout: bool) {
    if !has_layout {
        out.push_str(
            "# choose: the widths are on the force's own record layout. Kinds are told here by how\n\
             # lines begin and columns are cut where blanks run. Give both their names and widths in a\n\
             # file of their own, then propose again with `--lines FILE`: names tell most fields.\n",
        );
    }
    for line in &options.lines {
        let columns: Vec<String> = line
            .columns
            .iter()
            .map(|column| {
                quoted(&format!("{} {}", column.name.as_deref().unwrap_or("-"), column.width))
            })
            .collect();
        let is = line.is.as_ref().map(Is::to_string).unwrap_or_default();
        let _ = writeln!(out, "[[line]]\nname    = {}", quoted(&line.name));
        let _ = writeln!(out, "is      = {}", quoted(&is));
        let _ = writeln!(out, "columns = [{}]\n", columns.join(", "));
    }
}
