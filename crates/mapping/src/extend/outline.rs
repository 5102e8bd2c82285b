//! A mapping file by its lines: which of them are a section's header, which say something and under
//! which name, which only stand before one that does.

use std::ops::Range;

use toml_edit::{Item, Table};

/// A file's sections in the order of its lines.
pub(super) struct Outline<'t> {
    pub text: &'t str,
    /// Each with its line end, if it has one.
    pub lines: Vec<&'t str>,
    /// The first is the top, without a header.
    pub sections: Vec<OutlineSection>,
    /// Lines behind the last that says something.
    pub tail: Range<usize>,
}

/// What stands below one header.
#[derive(Clone, Debug)]
pub(super) struct OutlineSection {
    /// The names of its header; behind the name of a repeated section stands what tells it from
    /// the others: `one`, `offender`, `fields`.
    pub key: Vec<String>,
    /// What tells it from the others of its kind is written under this name.
    pub told_by: Option<&'static str>,
    /// Lines between what was said before and this section.
    pub lead: Range<usize>,
    /// The comment right above the header, and the header.
    pub head: Range<usize>,
    /// The header's bytes.
    pub span: Range<usize>,
    pub entries: Vec<OutlineEntry>,
}

/// One key with its value.
#[derive(Clone, Debug)]
pub(super) struct OutlineEntry {
    /// The key's names below the section's; none for a line that cannot be read.
    pub path: Vec<String>,
    /// Lines between what was said before and this.
    pub lead: Range<usize>,
    /// The comment right above, and all lines of the value.
    pub lines: Range<usize>,
    /// Bytes of the key.
    pub span: Range<usize>,
    /// Bytes of the value.
    pub value: Range<usize>,
}

impl OutlineSection {
    /// All names down to a key of this section.
    pub fn full(&self, path: &[String]) -> Vec<String> {
        [&self.key[..], path].concat()
    }
}

/// A header or a key, before it is known which comments are its own.
struct Mark {
    /// Names of a header; of a key, those below its header.
    names: Vec<String>,
    told_by: Option<&'static str>,
    is_header: bool,
    span: Range<usize>,
    value: Range<usize>,
}

impl<'t> Outline<'t> {
    /// `top` is the text as it could be read: lines with a mistake may be missing from it.
    pub fn of(text: &'t str, top: &Table) -> Self {
        let mut marks = Vec::new();
        collect(top, &[], &[], &mut marks);
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let starts = starts(&lines);
        let line_at = |byte: usize| starts.partition_point(|start| *start <= byte).max(1) - 1;
        let said = |mark: &Mark| line_at(mark.span.start)..line_at(mark.value.end.max(1) - 1) + 1;
        let mut covered = vec![false; lines.len()];
        for mark in &marks {
            covered.get_mut(said(mark)).into_iter().for_each(|lines| lines.fill(true));
        }
        let unread = lines.iter().enumerate().filter(|(number, line)| {
            let line = line.trim();
            !covered[*number] && !line.is_empty() && !line.starts_with('#')
        });
        marks.extend(unread.map(|(number, _)| Mark {
            names: Vec::new(),
            told_by: None,
            is_header: false,
            span: starts[number]..starts[number],
            value: starts[number]..starts[number] + 1,
        }));
        marks.sort_by_key(|mark| mark.span.start);
        let mut outline =
            Outline { text, lines, sections: vec![OutlineSection::top()], tail: 0..0 };
        let mut next = 0;
        for mark in marks {
            let lines = said(&mark);
            let own = outline.comment_above(next, lines.start);
            outline.push(mark, next..own, own..lines.end);
            next = lines.end;
        }
        outline.tail = next..outline.lines.len();
        outline
    }

    fn push(&mut self, mark: Mark, lead: Range<usize>, lines: Range<usize>) {
        let Mark { names, told_by, is_header, span, value } = mark;
        if is_header {
            let (key, head, entries) = (names, lines, Vec::new());
            self.sections.push(OutlineSection { key, told_by, lead, head, span, entries });
        } else if let Some(section) = self.sections.last_mut() {
            section.entries.push(OutlineEntry { path: names, lead, lines, span, value });
        }
    }

    /// The first line of the comment that ends right above a line.
    fn comment_above(&self, from: usize, line: usize) -> usize {
        let above = self.lines[from..line].iter().rev();
        line - above.take_while(|it| it.trim_start().starts_with('#')).count()
    }

    pub fn value(&self, entry: &OutlineEntry) -> &'t str {
        self.text.get(entry.value.clone()).unwrap_or_default().trim()
    }
}

impl OutlineSection {
    fn top() -> OutlineSection {
        OutlineSection {
            key: Vec::new(),
            told_by: None,
            lead: 0..0,
            head: 0..0,
            span: 0..0,
            entries: Vec::new(),
        }
    }
}

fn starts(lines: &[&str]) -> Vec<usize> {
    let mut at = 0;
    let starts = lines.iter().map(|line| {
        at += line.len();
        at - line.len()
    });
    starts.collect()
}

/// `names` lead to the last header, `below` from there to this table.
fn collect(table: &Table, names: &[String], below: &[String], marks: &mut Vec<Mark>) {
    for (key, item) in table.iter() {
        let path = [below, &[key.to_owned()]].concat();
        let full = [names, &path[..]].concat();
        match item {
            Item::Table(inner) if inner.is_dotted() => collect(inner, names, &path, marks),
            Item::Table(inner) => {
                marks.extend((!inner.is_implicit()).then(|| header(full.clone(), None, inner)));
                collect(inner, &full, &[], marks);
            }
            Item::ArrayOfTables(tables) => {
                let mut seen: Vec<String> = Vec::new();
                for inner in tables {
                    let told_by = told_by(key);
                    let by = told_by.and_then(|by| inner.get(by)).and_then(Item::as_str);
                    let by = by.unwrap_or_default().to_owned();
                    let nth = seen.iter().filter(|it| **it == by).count();
                    // The second block that fills the same stands for itself.
                    let step = if nth == 0 { by.clone() } else { format!("{by} {}", nth + 1) };
                    seen.push(by);
                    let full = [&full[..], &[step]].concat();
                    marks.push(header(full.clone(), told_by, inner));
                    collect(inner, &full, &[], marks);
                }
            }
            item => {
                let at = table.get_key_value(key).and_then(|(key, _)| key.span());
                let value = item.span().or_else(|| at.clone()).unwrap_or_default();
                let span = at.unwrap_or_else(|| value.clone());
                let (told_by, is_header) = (None, false);
                marks.push(Mark { names: path, told_by, is_header, span, value });
            }
        }
    }
}

fn header(names: Vec<String>, told_by: Option<&'static str>, table: &Table) -> Mark {
    let span = table.span().unwrap_or_default();
    Mark { names, told_by, is_header: true, value: span.clone(), span }
}

/// The key that tells a repeated section from the others of its kind.
fn told_by(name: &str) -> Option<&'static str> {
    match name {
        "one" | "each" => Some("fills"),
        "rule" | "line" => Some("name"),
        "unwrap" => Some("at"),
        _ => None,
    }
}
