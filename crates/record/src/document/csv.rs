//! CSV (RFC 4180) by the `csv` crate: every row is a node `row` with one child for each column.
//! With a group column, the rows of one group are the children of one node `record`, wherever they
//! stand.

use std::collections::HashMap;

use ::csv::{ReaderBuilder, StringRecord};

use super::tree::Builder;
use super::{Error, Limits, Names, Text, Tree};

/// How a CSV body is to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// One ASCII character.
    pub separator: u8,
    /// The first row names the columns; otherwise they are `column 1`, `column 2` …
    pub header: bool,
    /// Rows with the same value in this column are one record.
    pub group: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Options { separator: b',', header: true, group: None }
    }
}

struct Row {
    cells: StringRecord,
    start: usize,
    end: usize,
}

pub(super) fn read<'t>(
    text: &'t str,
    options: &Options,
    names: &Names,
    limits: &Limits,
) -> Result<Tree<'t>, Error> {
    let all = rows(text, options, limits)?;
    let columns = columns(text, options, &all)?;
    let rows = if options.header { &all[1..] } else { &all[..] };
    for row in rows {
        if row.cells.len() != columns.len() {
            let (found, expected) = (row.cells.len(), columns.len());
            let reason = format!("a row with {found} cells where there are {expected} columns");
            return Err(Error::malformed(reason).at(text, row.start));
        }
    }
    let mut builder = Builder::new(text, names, limits);
    match &options.group {
        None => {
            for row in rows {
                add_row(&mut builder, &columns, row)?;
            }
        }
        Some(group) => {
            let Some(column) = columns.iter().position(|column| column == group) else {
                return Err(Error::malformed("the group column is not in the header").at(text, 0));
            };
            for group in grouped(rows, column) {
                let Some(first) = group.first() else { continue };
                builder.open(Text::Borrowed("record"), first.start)?;
                for row in &group {
                    add_row(&mut builder, &columns, row)?;
                }
                builder.close(group.last().map_or(first.end, |row| row.end));
            }
        }
    }
    Ok(builder.finish())
}

fn rows(text: &str, options: &Options, limits: &Limits) -> Result<Vec<Row>, Error> {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(options.separator)
        .from_reader(text.as_bytes());
    let mut rows: Vec<Row> = Vec::new();
    let mut cells_count = 0;
    loop {
        let mut cells = StringRecord::new();
        let more = reader.read_record(&mut cells).map_err(|error| {
            let at = error.position().map_or(0, |position| position.byte());
            let at = usize::try_from(at).unwrap_or_default();
            Error::malformed("a row that cannot be read").at(text, at)
        })?;
        let position = cells.position().map_or(0, |position| position.byte());
        let start = usize::try_from(position).unwrap_or_default();
        if let Some(before) = rows.last_mut() {
            before.end = if more { start } else { text.len() };
        }
        if !more {
            return Ok(rows);
        }
        cells_count += cells.len() + 1;
        if cells_count > limits.nodes_max {
            return Err(Error::limit("nodes").at(text, start));
        }
        rows.push(Row { cells, start, end: text.len() });
    }
}

fn columns(text: &str, options: &Options, rows: &[Row]) -> Result<Vec<String>, Error> {
    if !options.header {
        let count = rows.first().map_or(0, |row| row.cells.len());
        return Ok((1..=count).map(|number| format!("column {number}")).collect());
    }
    let Some(header) = rows.first() else {
        return Err(Error::malformed("the body is empty: there is no header row").at(text, 0));
    };
    let mut columns: Vec<String> = Vec::new();
    for (index, cell) in header.cells.iter().enumerate() {
        let name = cell.trim();
        let wrong = if name.is_empty() {
            Some(format!("column {} has no header", index + 1))
        } else if let Some(first) = columns.iter().position(|column| column == name) {
            Some(format!("columns {} and {} have the same header", first + 1, index + 1))
        } else {
            None
        };
        if let Some(reason) = wrong {
            return Err(Error::malformed(reason).at(text, header.start));
        }
        columns.push(name.to_owned());
    }
    Ok(columns)
}

/// Groups in the order of their first row.
fn grouped(rows: &[Row], column: usize) -> Vec<Vec<&Row>> {
    let mut groups: Vec<Vec<&Row>> = Vec::new();
    let mut index_of: HashMap<&str, usize> = HashMap::new();
    for row in rows {
        let key = row.cells.get(column).unwrap_or_default().trim();
        let index = *index_of.entry(key).or_insert(groups.len());
        if index == groups.len() {
            groups.push(Vec::new());
        }
        groups[index].push(row);
    }
    groups
}

fn add_row<'t>(builder: &mut Builder<'t, '_>, columns: &[String], row: &Row) -> Result<(), Error> {
    builder.open(Text::Borrowed("row"), row.start)?;
    for (column, cell) in columns.iter().zip(row.cells.iter()) {
        builder.open(Text::Owned(column.clone()), row.start)?;
        builder.text(Text::Owned(cell.to_owned()));
        builder.close(row.end);
    }
    builder.close(row.end);
    Ok(())
}
