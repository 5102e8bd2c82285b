//! Fixed width: kinds of lines told by how they begin, columns cut where blanks run.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::write::quoted;
use crate::document::fixed::{Column, Is, Line, Options};

/// What tells a kind of line is this long at most.
const TOLD_MAX: usize = 4;
/// Kinds of lines; beyond it the beginning tells no kind.
const KINDS_MAX: usize = 60;

/// The kinds of lines that were seen and their columns as far as they can be cut; `None` when there
/// is no line at all.
pub(super) fn options(texts: &[String]) -> Option<Options> {
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
        Some(Line { name: format!("line {}", begins.trim()), is: Some(is), columns })
    });
    let lines: Vec<Line> = described.collect();
    let record = record(texts, told, &order, &lines)?;
    Some(Options { lines, record })
}

/// The fewest first characters that tell kinds: all digits or capitals, and not too many kinds.
fn told_width(lines: &[&str]) -> usize {
    let fits = |width: &usize| {
        let begins: Vec<String> =
            lines.iter().map(|line| line.chars().take(*width).collect()).collect();
        let mut kinds = begins.clone();
        kinds.sort();
        kinds.dedup();
        let is_plain = |text: &String| {
            text.chars().count() == *width
                && text.chars().all(|c| c.is_ascii_digit() || c.is_ascii_uppercase())
        };
        kinds.len() > 1 && kinds.len() <= KINDS_MAX && kinds.iter().all(is_plain)
    };
    let widths: Vec<usize> = (1..=TOLD_MAX).filter(fits).collect();
    let kinds = |width: usize| {
        let mut kinds: Vec<String> =
            lines.iter().map(|line| line.chars().take(width).collect()).collect();
        kinds.sort();
        kinds.dedup();
        kinds.len()
    };
    // As long as every further character tells more kinds and most of them come again.
    let best = widths.iter().copied().filter(|width| kinds(*width) * 2 <= lines.len());
    best.max_by_key(|width| kinds(*width).saturating_sub(*width)).unwrap_or(1)
}

/// The kind that starts a record: the first one that comes as often as any other that is in every
/// body, after what comes once at the top.
fn record(texts: &[String], told: usize, order: &[String], lines: &[Line]) -> Option<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut firsts = 0;
    for text in texts {
        for (index, line) in text.lines().filter(|line| !line.trim().is_empty()).enumerate() {
            let begins = order.iter().find(|begins| line.starts_with(begins.as_str()))?;
            *counts.entry(begins.as_str()).or_default() += 1;
            firsts += usize::from(index == 0);
        }
    }
    let _ = told;
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
    let is_blank = |at: usize| {
        rows.iter().all(|row| row.get(at).is_none_or(|c| c.is_whitespace()))
    };
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

/// The `[[line]]` sections.
pub(super) fn write(out: &mut String, options: &Options) {
    out.push_str(
        "# choose: the widths are on the force's own record layout. Kinds are told here by how lines\n\
         # begin and columns are cut where blanks run: give both their names and widths first.\n",
    );
    for line in &options.lines {
        let columns: Vec<String> = line
            .columns
            .iter()
            .map(|column| quoted(&format!("{} {}", column.name.as_deref().unwrap_or("-"), column.width)))
            .collect();
        let is = line.is.as_ref().map(Is::to_string).unwrap_or_default();
        let _ = writeln!(out, "[[line]]\nname    = {}", quoted(&line.name));
        let _ = writeln!(out, "is      = {}", quoted(&is));
        let _ = writeln!(out, "columns = [{}]\n", columns.join(", "));
    }
}
