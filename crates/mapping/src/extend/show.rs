//! An effective text with a margin that says where each line is from.

use std::fmt::Write as _;

use toml_edit::{Document, Item, TableLike, Value};

use super::Effective;

/// Longer lines do not push the margin of all the others to the right.
const MARGIN_MAX: usize = 100;

impl Effective {
    /// The text with `# base:12` or `# own:7` behind each line that says something. It compiles to
    /// the same: a line within a text of several lines, where a comment would become part of the
    /// text, gets none.
    pub fn shown(&self) -> String {
        let within = within_texts(&self.text);
        let marked = |number: usize, line: &str| !line.trim().is_empty() && !within[number];
        let lines = || self.text.lines().enumerate();
        let widths = lines().filter(|(number, line)| marked(*number, line));
        let widths = widths.map(|(_, line)| line.chars().count());
        let margin = widths.filter(|width| *width <= MARGIN_MAX).max().unwrap_or(0);
        let mut out = String::new();
        for (number, line) in lines() {
            if !marked(number, line) {
                let _ = writeln!(out, "{line}");
                continue;
            }
            let spot = self.lines.spot(number + 1);
            let side = if spot.base.is_some() { "base" } else { "own" };
            let _ = writeln!(out, "{line:margin$}  # {side}:{}", spot.line);
        }
        out
    }
}

/// For each line, whether its end is within a text of several lines.
fn within_texts(text: &str) -> Vec<bool> {
    let mut within = vec![false; text.lines().count()];
    // A byte order mark is no part of the text that places are counted in.
    let mark = text.len() - text.trim_start_matches('\u{feff}').len();
    if let Ok(document) = Document::parse(text[mark..].to_owned()) {
        in_table(document.as_table(), &mut |start, end| {
            let line = |byte: usize| text[..(byte + mark).min(text.len())].matches('\n').count();
            within[line(start)..line(end)].fill(true);
        });
    }
    within
}

fn in_table(table: &dyn TableLike, found: &mut dyn FnMut(usize, usize)) {
    for (_, item) in table.iter() {
        match item {
            Item::Value(value) => in_value(value, found),
            Item::Table(inner) => in_table(inner, found),
            Item::ArrayOfTables(tables) => tables.iter().for_each(|it| in_table(it, found)),
            Item::None => {}
        }
    }
}

fn in_value(value: &Value, found: &mut dyn FnMut(usize, usize)) {
    match value {
        Value::String(_) => {
            if let Some(span) = value.span() {
                found(span.start, span.end);
            }
        }
        Value::Array(values) => values.iter().for_each(|it| in_value(it, found)),
        Value::InlineTable(inner) => in_table(inner, found),
        _ => {}
    }
}
