//! Fixed width as a plain tree. Every line is of one kind, told by what stands at some columns;
//! a kind is a list of columns by width. One kind starts a record.
//!
//! - A line of the record's kind is a node named by the kind, with a child per named column.
//!   Later lines until the next start are children of it, named by their kinds, each with its own
//!   columns. Lines before the first start are children of the root.
//! - Widths and places count characters after decoding, 1-based.
//! - A line that ends early: the columns behind its end are absent, the one it ends in has what is
//!   there (trailing blanks are often cut off). What stands behind the last column is not read.
//! - Blank lines are skipped. A line of no kind is an error.

use std::ops::Range;

use super::Fail;
use super::name::NameId;
use super::node::Piece;
use super::tree::{Builder, Tree};

/// How a fixed width file is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixedOptions {
    /// The first kind that a line fits is its kind.
    pub lines: Vec<FixedLine>,
    /// The name of the kind that starts a record.
    pub record: String,
}

/// A kind of line: one `[[line]]` of a mapping file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixedLine {
    pub name: String,
    /// What tells it; `None` fits every line.
    pub is: Option<Is>,
    pub columns: Vec<Column>,
}

/// `5 is 1`, `1-2 is 10`: the characters at these places are this text, apart from blanks around.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Is {
    /// 1-based, inclusive.
    first: usize,
    last: usize,
    text: String,
}

/// `surname 30`: a name, which may hold spaces, and a width in characters. `- 1` is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: Option<String>,
    pub width: usize,
}

/// A phrase of a mapping file that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhraseError {
    /// Bytes of the phrase to underline.
    pub at: Range<usize>,
    /// One sentence for the person who writes the mapping.
    pub reason: String,
}

/// No line of any file is longer; a width above it is a slip.
pub const WIDTH_MAX: usize = 100_000;

impl Is {
    pub fn parse(text: &str) -> Result<Self, PhraseError> {
        let wrong = |at: Range<usize>, reason: &str| PhraseError { at, reason: reason.to_owned() };
        let Some((places, wanted)) = text.split_once(" is ") else {
            let reason = "write which characters are what, as in `5 is 1` or `1-2 is 10`";
            return Err(wrong(0..text.len(), reason));
        };
        let number = |part: &str| {
            let number = part.trim().parse().ok();
            number.filter(|number| (1..=WIDTH_MAX).contains(number))
        };
        let (first, last) = match places.split_once('-') {
            Some((first, last)) => (number(first), number(last)),
            None => (number(places), number(places)),
        };
        let (Some(first), Some(last)) = (first, last) else {
            return Err(wrong(
                0..places.len(),
                "a place is a number from 1 on, as in `5` or `1-2`",
            ));
        };
        let trimmed = wanted.trim();
        let unquoted = trimmed.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
        let wanted_at = places.len() + " is ".len()..text.len();
        let text = unquoted.unwrap_or(trimmed).trim().to_owned();
        if last < first {
            return Err(wrong(0..places.len(), "the last place is before the first"));
        }
        if text.chars().count() > last - first + 1 {
            return Err(wrong(wanted_at, "the text is longer than the places it has to fit"));
        }
        Ok(Is { first, last, text })
    }

    fn fits(&self, line: &Characters<'_>) -> bool {
        let at = line.range(self.first - 1, self.last - self.first + 1);
        at.is_some_and(|at| line.text[at].trim() == self.text)
    }
}

/// As a mapping writes it.
impl std::fmt::Display for Is {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{} is {}", self.first, self.last, self.text)
    }
}

impl Column {
    pub fn parse(text: &str) -> Result<Self, PhraseError> {
        let wrong =
            |at: Range<usize>, reason: &str| Err(PhraseError { at, reason: reason.to_owned() });
        let trimmed = text.trim_end();
        let Some((name, width)) = trimmed.rsplit_once(char::is_whitespace) else {
            return wrong(0..text.len(), "write a name and a width, as in `surname 30`");
        };
        let width_at = trimmed.len() - width.len()..trimmed.len();
        let Some(width) = width.parse().ok().filter(|width| (1..=WIDTH_MAX).contains(width)) else {
            return wrong(width_at, "a width is a number of characters from 1 on");
        };
        let name = name.trim();
        if name.is_empty() {
            return wrong(0..text.len(), "write a name before the width, or `-` for none");
        }
        Ok(Column { name: (name != "-").then(|| name.to_owned()), width })
    }
}

/// A line that can be cut by characters.
struct Characters<'t> {
    text: &'t str,
    ascii: bool,
}

impl Characters<'_> {
    /// The bytes of so many characters from this one (0-based) on, as far as the line goes.
    fn range(&self, first: usize, width: usize) -> Option<Range<usize>> {
        let len = self.text.len();
        let byte = |rest: &str, characters: usize| {
            rest.char_indices().nth(characters).map_or(rest.len(), |(byte, _)| byte)
        };
        let (start, end) = if self.ascii {
            (first.min(len), (first + width).min(len))
        } else {
            let start = byte(self.text, first);
            (start, start + byte(&self.text[start..], width))
        };
        (start < len).then_some(start..end)
    }
}

/// A kind of line with its names resolved for one document.
struct Kind<'o> {
    line: &'o FixedLine,
    name: (NameId, Piece),
    columns: Vec<(Option<(NameId, Piece)>, usize)>,
    starts_record: bool,
}

pub(crate) fn read<'t>(
    mut builder: Builder<'_, 't>,
    options: &FixedOptions,
) -> Result<Tree<'t>, Fail> {
    let source = builder.source;
    let kinds: Vec<_> =
        options.lines.iter().map(|line| resolve(&mut builder, line, &options.record)).collect();
    let mut start = 0;
    for (index, whole) in source.split_inclusive('\n').enumerate() {
        let end = start + whole.len();
        let text = whole.trim_end_matches(['\r', '\n']);
        if !text.trim().is_empty() {
            let line = Characters { text, ascii: text.is_ascii() };
            let fits = |kind: &&Kind<'_>| kind.line.is.as_ref().is_none_or(|is| is.fits(&line));
            let Some(kind) = kinds.iter().find(fits) else {
                let reason = format!("line {} is of no kind that the mapping knows", index + 1);
                return Err(Fail::malformed(start, reason));
            };
            if kind.starts_record && builder.depth() > 0 {
                builder.close(start);
            }
            builder.open(kind.name.0, kind.name.1, start)?;
            columns(&mut builder, kind, &line, start)?;
            if !kind.starts_record {
                builder.close(end);
            }
        }
        start = end;
    }
    Ok(builder.finish())
}

/// Cuts a text that another document carries into `row`s, each with a child per named column. A
/// text longer than the columns together repeats them, so a packed group `01ST02RU` with the
/// columns `offender 2`, `relationship 2` is two rows. Blanks count, as in a line; a row that
/// holds nothing else is none.
pub(crate) fn rows<'t>(
    mut builder: Builder<'_, 't>,
    columns_of_row: &[Column],
) -> Result<Tree<'t>, Fail> {
    let source = builder.source;
    let line = FixedLine { name: "row".to_owned(), is: None, columns: columns_of_row.to_vec() };
    let row = resolve(&mut builder, &line, "");
    let width = columns_of_row.iter().map(|column| column.width).sum::<usize>().max(1);
    let mut start = 0;
    for whole in source.split_inclusive('\n') {
        let text = whole.trim_end();
        let ascii = text.is_ascii();
        let mut first = 0;
        while let Some(at) = (Characters { text: &text[first..], ascii }).range(0, width) {
            let cells = Characters { text: &text[first..first + at.end], ascii };
            if !cells.text.trim().is_empty() {
                builder.open(row.name.0, row.name.1, start + first)?;
                columns(&mut builder, &row, &cells, start + first)?;
                builder.close(start + first + at.end);
            }
            first += at.end;
        }
        start += whole.len();
    }
    Ok(builder.finish())
}

fn resolve<'o>(builder: &mut Builder<'_, '_>, line: &'o FixedLine, record: &str) -> Kind<'o> {
    let mut named = |name: &str| (builder.resolve(name), builder.make(name));
    Kind {
        line,
        name: named(&line.name),
        columns: line
            .columns
            .iter()
            .map(|column| (column.name.as_deref().map(&mut named), column.width))
            .collect(),
        starts_record: line.name == record,
    }
}

fn columns(
    builder: &mut Builder<'_, '_>,
    kind: &Kind<'_>,
    line: &Characters<'_>,
    start: usize,
) -> Result<(), Fail> {
    let mut byte = 0;
    for (name, width) in &kind.columns {
        let rest = Characters { text: &line.text[byte..], ascii: line.ascii };
        let Some(at) = rest.range(0, *width) else { break };
        let at = byte + at.start..byte + at.end;
        byte = at.end;
        if let Some((name, text)) = name {
            builder.open(*name, *text, start + at.start)?;
            builder.set_text(Piece::at(start + at.start, at.len()));
            builder.close(start + at.end);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
