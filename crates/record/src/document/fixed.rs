//! Fixed width: lines of several kinds, told apart by characters at a place, cut into columns by
//! width in characters.
//!
//! The line kind that the mapping calls its record starts a node of that name, with the line's
//! columns as its children; later lines up to the next start are children of it, named by their
//! kind. Lines before the first start are children of the root. A line may end early: the columns
//! that are not there are absent.

use super::tree::Builder;
use super::{Error, Limits, Names, Text, Tree};

/// How a fixed-width body is to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Tried in order.
    pub lines: Vec<Line>,
    /// The name of the kind that starts a record.
    pub record: String,
}

/// One kind of line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub name: String,
    /// Without one, every line that comes this far is of this kind.
    pub is: Option<Is>,
    pub columns: Vec<Column>,
}

/// `5 is 1`, `1-2 is AB`: these characters at this place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Is {
    /// 1-based, in characters.
    pub from: usize,
    pub text: String,
}

/// `surname 30`: a name and a width; `- 4` skips.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// None for what is skipped.
    pub name: Option<String>,
    /// In characters.
    pub width: usize,
}

pub(super) fn read<'t>(
    text: &'t str,
    options: &Options,
    names: &Names,
    limits: &Limits,
) -> Result<Tree<'t>, Error> {
    let mut builder = Builder::new(text, names, limits);
    let mut record_end = None;
    for (start, line, end) in lines(text) {
        if line.trim().is_empty() {
            continue;
        }
        let Some(kind) = options.lines.iter().find(|kind| kind.matches(line)) else {
            let reason = "a line of no kind that the mapping describes";
            return Err(Error::malformed(reason).at(text, start));
        };
        let starts_record = kind.name == options.record;
        if let (true, Some(end)) = (starts_record, record_end) {
            builder.close(end);
        }
        builder.open(Text::Owned(kind.name.clone()), start)?;
        add_columns(&mut builder, kind, line, start)?;
        if starts_record {
            record_end = Some(end);
        } else {
            builder.close(end);
            record_end = record_end.map(|_| end);
        }
    }
    if let Some(end) = record_end {
        builder.close(end);
    }
    Ok(builder.finish())
}

/// Each line with its first byte, without its line end, and with the byte after its line end.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str, usize)> {
    let mut start = 0;
    text.split_inclusive('\n').map(move |whole| {
        let from = start;
        start += whole.len();
        let line = whole.strip_suffix('\n').unwrap_or(whole);
        (from, line.strip_suffix('\r').unwrap_or(line), start)
    })
}

impl Line {
    fn matches(&self, line: &str) -> bool {
        let Some(is) = &self.is else { return true };
        let mut rest = line.chars().skip(is.from - 1);
        is.text.chars().all(|expected| rest.next() == Some(expected))
    }
}

fn add_columns<'t>(
    builder: &mut Builder<'t, '_>,
    kind: &Line,
    line: &'t str,
    offset: usize,
) -> Result<(), Error> {
    let mut rest = line;
    let mut at = offset;
    for column in &kind.columns {
        if rest.is_empty() {
            break;
        }
        let width = rest.char_indices().nth(column.width).map_or(rest.len(), |(byte, _)| byte);
        let (cell, after) = rest.split_at(width);
        if let Some(name) = &column.name {
            builder.open(Text::Owned(name.clone()), at)?;
            builder.text(Text::Borrowed(cell));
            builder.close(at + width);
        }
        rest = after;
        at += width;
    }
    Ok(())
}
