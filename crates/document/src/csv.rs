//! CSV as a plain tree: RFC 4180 without tolerance, so a quote that is not closed cannot swallow
//! the rows behind it. Fields may hold quoted separators, quotes and line ends.
//!
//! Every row is a node `row` with a child per column, named by the header's text or `column 13`.
//! With a group column there is a node `record` per value of that column, in order of first
//! appearance, holding its rows; rows without a value there are a record each.

use std::collections::HashMap;
use std::ops::Range;

use super::Fail;
use super::name::NameId;
use super::node::Piece;
use super::tree::{Builder, Tree};

/// How a CSV is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvOptions {
    /// Whether the first row names the columns; else they are `column 1`, `column 2`, …
    pub header: bool,
    /// One ASCII character.
    pub separator: u8,
    /// The column whose equal values make rows one record; trimmed before compare.
    pub group: Option<String>,
}

impl Default for CsvOptions {
    fn default() -> Self {
        CsvOptions { header: true, separator: b',', group: None }
    }
}

/// A field: where its text stands, between the quotes if it has them.
#[derive(Clone, Copy)]
struct Field {
    start: usize,
    end: usize,
    /// Holds `""` for a quote.
    doubled: bool,
}

impl Field {
    fn text<'t>(&self, source: &'t str) -> std::borrow::Cow<'t, str> {
        let text = &source[self.start..self.end];
        if self.doubled { text.replace("\"\"", "\"").into() } else { text.into() }
    }
}

struct Row {
    /// Of the file, 1-based; the header is row 1.
    number: usize,
    span: Range<usize>,
    /// Its fields among all fields.
    first_field: usize,
}

struct Column {
    name: NameId,
    text: Piece,
}

pub(crate) fn read<'t>(
    mut builder: Builder<'_, 't>,
    options: &CsvOptions,
) -> Result<Tree<'t>, Fail> {
    let source = builder.source;
    let mut scanner = Scanner { source, separator: options.separator, at: 0, row_number: 0 };
    let cells_max = builder.limits.nodes_max;
    let mut fields = Vec::new();
    let columns = if options.header {
        let Some(header) = scanner.row(&mut fields, cells_max)? else {
            return Err(Fail::malformed(0, "there is no header row"));
        };
        let columns = header_columns(&mut builder, &fields, &header)?;
        fields.clear();
        Some(columns)
    } else {
        None
    };
    let mut rows = Vec::new();
    let mut width = columns.as_ref().map(Vec::len);
    while let Some(row) = scanner.row(&mut fields, cells_max)? {
        let n = fields.len() - row.first_field;
        let width = *width.get_or_insert(n);
        if n != width {
            let reason = format!("row {} has {n} columns where {width} are expected", row.number);
            return Err(Fail::malformed(row.span.start, reason));
        }
        rows.push(row);
    }
    let width = width.unwrap_or_default();
    let columns = match columns {
        Some(columns) => columns,
        None => (1..=width).map(|number| numbered(&mut builder, number)).collect(),
    };
    let row_name = (builder.resolve("row"), builder.make("row"));
    let emit = |builder: &mut Builder<'_, 't>, row: &Row| {
        builder.open(row_name.0, row_name.1, row.span.start)?;
        let cells = &fields[row.first_field..row.first_field + width];
        for (column, field) in columns.iter().zip(cells) {
            builder.open(column.name, column.text, field.start)?;
            let text = if field.doubled {
                builder.make(&field.text(source))
            } else {
                Piece::at(field.start, field.end - field.start)
            };
            builder.set_text(text);
            builder.close(field.end);
        }
        builder.close(row.span.end);
        Ok(())
    };
    match &options.group {
        None => rows.iter().try_for_each(|row| emit(&mut builder, row))?,
        Some(group) => {
            let key = group_column(&builder, &columns, group)?;
            let record = (builder.resolve("record"), builder.make("record"));
            for members in grouped(&rows, |row| fields[row.first_field + key].text(source)) {
                let (first, last) = (members[0], members[members.len() - 1]);
                builder.open(record.0, record.1, first.span.start)?;
                members.iter().try_for_each(|row| emit(&mut builder, row))?;
                builder.close(last.span.end);
            }
        }
    }
    Ok(builder.finish())
}

/// The rows of each group, none empty.
fn grouped<'r, 't>(
    rows: &'r [Row],
    key: impl Fn(&Row) -> std::borrow::Cow<'t, str>,
) -> Vec<Vec<&'r Row>> {
    let mut groups: Vec<Vec<&Row>> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for row in rows {
        let key = key(row);
        let key = key.trim();
        match places.get(key) {
            Some(place) => groups[*place].push(row),
            None => {
                if !key.is_empty() {
                    places.insert(key.to_owned(), groups.len());
                }
                groups.push(vec![row]);
            }
        }
    }
    groups
}

fn numbered(builder: &mut Builder<'_, '_>, number: usize) -> Column {
    let name = format!("column {number}");
    Column { name: builder.resolve(&name), text: builder.make(&name) }
}

fn header_columns(
    builder: &mut Builder<'_, '_>,
    fields: &[Field],
    header: &Row,
) -> Result<Vec<Column>, Fail> {
    let mut columns = Vec::with_capacity(fields.len());
    let mut seen: HashMap<String, usize> = HashMap::new();
    for (index, field) in fields.iter().enumerate() {
        let number = index + 1;
        let name = field.text(builder.source);
        let name = name.trim();
        if name.is_empty() {
            let reason = format!("row {}, column {number} has no name", header.number);
            return Err(Fail::malformed(field.start, reason));
        }
        if let Some(first) = seen.insert(name.to_owned(), number) {
            let reason =
                format!("row {}, columns {first} and {number} have the same name", header.number);
            return Err(Fail::malformed(field.start, reason));
        }
        columns.push(Column { name: builder.resolve(name), text: builder.make(name) });
    }
    Ok(columns)
}

fn group_column(builder: &Builder<'_, '_>, columns: &[Column], group: &str) -> Result<usize, Fail> {
    let place = columns.iter().position(|column| builder.made(column.text) == group.trim());
    place.ok_or_else(|| {
        // The name is the mapping's own word, not the body's.
        Fail::malformed(0, format!("there is no column named {group}, which groups the rows"))
    })
}

fn cells(offset: usize, cells_max: usize) -> Fail {
    Fail::limit(offset, "nodes", format!("more than {cells_max} fields"))
}

/// Takes the text apart into rows and fields; blank lines are no rows.
struct Scanner<'t> {
    source: &'t str,
    separator: u8,
    at: usize,
    row_number: usize,
}

impl Scanner<'_> {
    fn row(&mut self, fields: &mut Vec<Field>, cells_max: usize) -> Result<Option<Row>, Fail> {
        let bytes = self.source.as_bytes();
        while matches!(bytes.get(self.at), Some(b'\r' | b'\n')) {
            self.at += 1;
        }
        let start = self.at;
        if start == bytes.len() {
            return Ok(None);
        }
        self.row_number += 1;
        let first_field = fields.len();
        loop {
            if fields.len() >= cells_max {
                return Err(cells(self.at, cells_max));
            }
            let field =
                if bytes.get(self.at) == Some(&b'"') { self.quoted()? } else { self.bare()? };
            fields.push(field);
            match bytes.get(self.at) {
                Some(byte) if *byte == self.separator => self.at += 1,
                Some(b'\r' | b'\n') => {
                    self.at += if bytes[self.at..].starts_with(b"\r\n") { 2 } else { 1 };
                    break;
                }
                Some(_) => {
                    return Err(Fail::malformed(
                        self.at,
                        format!(
                            "row {}, column {}: something follows the closing quote",
                            self.row_number,
                            fields.len() - first_field
                        ),
                    ));
                }
                None => break,
            }
        }
        Ok(Some(Row { number: self.row_number, span: start..self.at, first_field }))
    }

    fn bare(&mut self) -> Result<Field, Fail> {
        let start = self.at;
        let rest = &self.source.as_bytes()[start..];
        let stops = |byte: &u8| *byte == self.separator || matches!(byte, b'\r' | b'\n' | b'"');
        let end = start + rest.iter().position(stops).unwrap_or(rest.len());
        if self.source.as_bytes().get(end) == Some(&b'"') && self.separator != b'"' {
            let reason = format!("row {}: a quote inside a field without quotes", self.row_number);
            return Err(Fail::malformed(end, reason));
        }
        self.at = end;
        Ok(Field { start, end, doubled: false })
    }

    fn quoted(&mut self) -> Result<Field, Fail> {
        let bytes = self.source.as_bytes();
        let start = self.at + 1;
        let mut end = start;
        let mut doubled = false;
        loop {
            match bytes[end..].iter().position(|byte| *byte == b'"') {
                None => {
                    let reason = format!("row {}: a quote is not closed", self.row_number);
                    return Err(Fail::malformed(start - 1, reason));
                }
                Some(len) if bytes.get(end + len + 1) == Some(&b'"') => {
                    doubled = true;
                    end += len + 2;
                }
                Some(len) => {
                    end += len;
                    self.at = end + 1;
                    return Ok(Field { start, end, doubled });
                }
            }
        }
    }
}
