//! A table as it describes itself, and the statements that look at its rows: some at a time by its
//! key, each row in every index, and the rows of its copy counted.

use std::collections::BTreeMap;

use rusqlite::types::Value;
use rusqlite::{CachedStatement, Connection, OptionalExtension as _, Row, params_from_iter};

use super::audit::Chain;
use super::finding::RowFinding;
use super::harm::damaged;
use super::{Error, seal};
use cara_vault::Vault;

/// Rows of a table that are looked at together, and at the start.
pub(crate) const ROWS: usize = 1_000;

/// The parts of the statements that are put together for each table; a test asks for the plan of
/// every one.
const SELECT: &str = "SELECT ";

#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub name: String,
    columns: Vec<Column>,
    /// What numbers or names a row.
    key: Vec<String>,
    indexes: Vec<Index>,
    /// Which of the indexes holds what no other does.
    copy: Option<usize>,
    sql: Sql,
}

#[derive(Clone, Debug)]
struct Column {
    name: String,
    kind: String,
    is_needed: bool,
}

#[derive(Clone, Debug)]
struct Index {
    name: String,
    /// Places among the table's columns.
    columns: Vec<usize>,
    /// Which rows are in it; `None`: all.
    only: Option<String>,
}

#[derive(Clone, Debug, Default)]
struct Sql {
    before_last: String,
    /// From the first row, and behind a key.
    rows: [String; 2],
    /// By the key alone, and by each index alone.
    seeks: Vec<String>,
    touch: Vec<String>,
    /// Rows of the copy: all, behind a key, up to a key, between two.
    copied: [String; 4],
}

/// What came of a look at some rows.
#[derive(Debug, Default)]
pub(crate) struct RowsLooked {
    pub rows: usize,
    /// The key of the last row; `None`: there are no more.
    pub last: Option<Vec<Value>>,
    pub findings: Vec<RowFinding>,
}

/// Every table, by name.
pub(crate) fn tables(connection: &Connection) -> Result<Vec<Table>, Error> {
    let mut select = connection.prepare(
        "/* table::tables */ SELECT name FROM sqlite_schema WHERE type = 'table' \
         AND name NOT LIKE 'sqlite_%' ORDER BY name",
    )?;
    let names =
        select.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
    names.into_iter().map(|name| table(connection, name)).collect()
}

fn table(connection: &Connection, name: String) -> Result<Table, Error> {
    let mut select = connection.prepare(
        "/* table::table */ SELECT name, type, \"notnull\", pk FROM pragma_table_info(?1)",
    )?;
    let mut primary = BTreeMap::new();
    let mut columns = Vec::new();
    let mut rows = select.query([&name])?;
    while let Some(row) = rows.next()? {
        let column: String = row.get(0)?;
        let place: i64 = row.get(3)?;
        if place > 0 {
            primary.insert(place, column.clone());
        }
        columns.push(Column { name: column, kind: row.get(1)?, is_needed: row.get(2)? });
    }
    let place_of = |name: &str| columns.iter().position(|column| column.name == name);
    let mut select = connection.prepare(
        "/* table::table */ SELECT l.name, l.origin, s.sql FROM pragma_index_list(?1) AS l \
         LEFT JOIN sqlite_schema AS s ON s.name = l.name",
    )?;
    let without_rowid = is_without_rowid(connection, &name)?;
    let mut has_primary_index = false;
    let mut indexes = Vec::new();
    let mut rows = select.query([&name])?;
    while let Some(row) = rows.next()? {
        let index: String = row.get(0)?;
        let sql: Option<String> = row.get(2)?;
        if row.get::<_, String>(1)? == "pk" {
            has_primary_index = true;
            // There that index is how the table itself lies.
            if without_rowid {
                continue;
            }
        }
        let mut select =
            connection.prepare("/* table::table */ SELECT name FROM pragma_index_info(?1)")?;
        let names = select.query_map([&index], |row| row.get::<_, String>(0))?;
        let columns = names.collect::<rusqlite::Result<Vec<_>>>()?;
        let columns = columns.iter().filter_map(|name| place_of(name)).collect();
        let only = sql.as_deref().and_then(|sql| sql.split_once("WHERE "));
        let only = only.map(|(_, only)| only.to_owned());
        indexes.push(Index { name: index, columns, only });
    }
    let key = match has_primary_index && !without_rowid || primary.is_empty() {
        true => vec!["rowid".to_owned()],
        false => primary.into_values().collect(),
    };
    let copy = indexes.iter().position(|index| index.name == format!("{name}_copy"));
    let mut table = Table { name, columns, key, indexes, copy, sql: Sql::default() };
    table.sql = table.statements();
    Ok(table)
}

fn is_without_rowid(connection: &Connection, table: &str) -> Result<bool, Error> {
    let without: bool = connection.query_row(
        "/* table::is_without_rowid */ SELECT wr FROM pragma_table_list(?1)",
        [table],
        |row| row.get(0),
    )?;
    Ok(without)
}

impl Table {
    fn statements(&self) -> Sql {
        let Table { name, .. } = self;
        let list = |names: Vec<String>| names.join(", ");
        let key = self.key.join(", ");
        let downwards = list(self.key.iter().map(|it| format!("{it} DESC")).collect());
        let bound =
            |from: usize| list((0..self.key.len()).map(|at| format!("?{}", from + at)).collect());
        let behind = format!("({key}) > ({})", bound(1));
        let names = self.columns.iter().map(|column| column.name.clone());
        let only = self.indexes.iter().map(|index| match &index.only {
            Some(only) => format!("({only}) IS TRUE"),
            None => "TRUE".to_owned(),
        });
        let selected = list(self.key.iter().cloned().chain(names).chain(only).collect());
        let rows = |filter: &str| {
            format!(
                "/* table::rows */ {SELECT}{selected} FROM {name} NOT INDEXED {filter} \
                 ORDER BY {key} LIMIT {ROWS}"
            )
        };
        let mut seeks = vec![format!(
            "/* table::seek */ {SELECT}1 FROM {name} NOT INDEXED WHERE {}",
            terms(self.key.iter())
        )];
        let (found, touch): (Vec<_>, Vec<_>) =
            self.indexes.iter().map(|index| self.index_statements(index)).unzip();
        seeks.extend(found);
        let copied = |filter: String| match self.copy {
            Some(_) => format!(
                "/* table::copied */ {SELECT}count(*) FROM {name} INDEXED BY {name}_copy{filter}"
            ),
            None => String::new(),
        };
        let (up_to, between) = (bound(1), bound(1 + self.key.len()));
        Sql {
            before_last: format!(
                "/* table::before_last */ {SELECT}{key} FROM {name} NOT INDEXED \
                 ORDER BY {downwards} LIMIT 1 OFFSET {ROWS}"
            ),
            rows: [rows(""), rows(&format!("WHERE {behind}"))],
            seeks,
            touch,
            copied: [
                copied(String::new()),
                copied(format!(" WHERE {behind}")),
                copied(format!(" WHERE ({key}) <= ({up_to})")),
                copied(format!(" WHERE {behind} AND ({key}) <= ({between})")),
            ],
        }
    }

    /// What finds a row by one index, and what touches the index alone.
    fn index_statements(&self, index: &Index) -> (String, String) {
        let (name, by) = (&self.name, &index.name);
        let names = index.columns.iter().filter_map(|at| self.columns.get(*at));
        let names: Vec<_> = names.map(|column| &column.name).collect();
        let and = index.only.as_ref().map(|only| format!(" AND ({only})")).unwrap_or_default();
        let only = index.only.as_ref().map(|it| format!("WHERE ({it})")).unwrap_or_default();
        let order = names.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(", ");
        let all = terms(names.into_iter().chain(&self.key));
        (
            format!("/* table::seek */ {SELECT}1 FROM {name} INDEXED BY {by} WHERE {all}{and}"),
            format!(
                "/* table::touch */ {SELECT}1 FROM {name} INDEXED BY {by} {only} \
                 ORDER BY {order} LIMIT 1"
            ),
        )
    }

    /// Every statement that looks at this table.
    #[cfg(test)]
    pub fn every_statement(&self) -> impl Iterator<Item = &String> {
        let Sql { before_last, rows, seeks, touch, copied } = &self.sql;
        let all = std::iter::once(before_last).chain(rows).chain(seeks).chain(touch);
        all.chain(copied).filter(|sql| !sql.is_empty())
    }

    /// The names of the columns that stand in no index of all rows, nor in the key.
    #[cfg(test)]
    pub fn uncopied(&self) -> Vec<&str> {
        let whole = self.indexes.iter().filter(|index| index.only.is_none());
        let copied: Vec<_> = whole.flat_map(|index| &index.columns).collect();
        let columns = self.columns.iter().enumerate();
        let columns = columns
            .filter(|(at, column)| !copied.contains(&at) && !self.key.contains(&column.name));
        columns.map(|(_, column)| column.name.as_str()).collect()
    }

    /// Whether a key that was written down once has the parts of this table's.
    pub fn has(&self, key: &[Value]) -> bool {
        key.len() == self.key.len()
    }

    /// The key behind which the last rows begin; `None`: all of them are the last.
    pub fn before_last(&self, connection: &Connection) -> Result<Option<Vec<Value>>, Error> {
        let mut select = connection.prepare_cached(&self.sql.before_last)?;
        let all = |row: &Row<'_>| (0..self.key.len()).map(|index| row.get(index)).collect();
        Ok(select.query_row([], all).optional()?)
    }

    /// Looks at the next rows behind a key. What is wrong with one row alone is a finding; what says
    /// that the file itself cannot be believed is an error.
    pub fn look(
        &self,
        connection: &Connection,
        vault: &Vault,
        after: Option<&[Value]>,
    ) -> Result<RowsLooked, Error> {
        let mut select = connection.prepare_cached(&self.sql.rows[usize::from(after.is_some())])?;
        let mut seeks = Vec::new();
        let mut chain = Chain::default();
        let mut looked = RowsLooked::default();
        let mut first = None;
        let mut last = after.map(<[Value]>::to_vec);
        let mut rows = select.query(params_from_iter(after.unwrap_or_default()))?;
        while let Some(row) = rows.next()? {
            if seeks.is_empty() {
                let made = self.sql.seeks.iter().map(|sql| connection.prepare_cached(sql));
                seeks = made.collect::<rusqlite::Result<_>>()?;
            }
            let key = part(row, 0, self.key.len())?;
            let values = part(row, self.key.len(), self.columns.len())?;
            if last.as_ref().is_some_and(|last| !follows(last, &key)) {
                return damaged(&self.name, "its rows are not in their order");
            }
            let number = match &key[..] {
                [Value::Integer(number)] => Some(*number),
                _ => None,
            };
            if let Some(column) = self.unfit(&values) {
                looked.findings.push(RowFinding {
                    table: self.name.clone(),
                    row: number,
                    case_id: None,
                    what: format!("`{column}` holds what no writer of this program makes"),
                });
            }
            self.seek(row, &key, &values, &mut seeks)?;
            if self.name == "audit" {
                chain.link(connection, vault, &values)?;
            }
            first = first.or(number);
            last = Some(key);
            looked.rows += 1;
        }
        drop(rows);
        let is_end = looked.rows < ROWS;
        self.count(connection, after, last.as_deref().filter(|_| !is_end), looked.rows)?;
        if is_end {
            self.touch(connection, looked.rows == 0 && after.is_none())?;
        }
        if let (Some(first), Some([Value::Integer(last)])) = (first, last.as_deref()) {
            seal::look(connection, vault, &self.name, (first, *last), &mut looked.findings)?;
        }
        looked.last = last.filter(|_| !is_end);
        Ok(looked)
    }

    /// A row is found by its key, and by every index that it is in.
    fn seek(
        &self,
        row: &Row<'_>,
        key: &[Value],
        values: &[Value],
        seeks: &mut [CachedStatement<'_>],
    ) -> Result<(), Error> {
        let mut seeks = seeks.iter_mut();
        if let Some(seek) = seeks.next()
            && !seek.exists(params_from_iter(key))?
        {
            return damaged(&self.name, "a row is not found by its key");
        }
        for ((place, index), seek) in self.indexes.iter().enumerate().zip(seeks) {
            let is_in: bool = row.get(self.key.len() + self.columns.len() + place)?;
            let bound = index.columns.iter().filter_map(|at| values.get(*at)).chain(key);
            if is_in && !seek.exists(params_from_iter(bound))? {
                let what = format!("index `{}` does not agree with a row", index.name);
                return damaged(&self.name, what);
            }
        }
        Ok(())
    }

    /// The copy has as many rows between two keys as the table.
    fn count(
        &self,
        connection: &Connection,
        after: Option<&[Value]>,
        up_to: Option<&[Value]>,
        rows: usize,
    ) -> Result<(), Error> {
        if self.copy.is_none() {
            return Ok(());
        }
        let [all, behind, to, between] = &self.sql.copied;
        let sql = match (after, up_to) {
            (None, None) => all,
            (Some(_), None) => behind,
            (None, Some(_)) => to,
            (Some(_), Some(_)) => between,
        };
        let bound = after.unwrap_or_default().iter().chain(up_to.unwrap_or_default());
        let mut select = connection.prepare_cached(sql)?;
        let copied: i64 = select.query_row(params_from_iter(bound), |row| row.get(0))?;
        match usize::try_from(copied) == Ok(rows) {
            true => Ok(()),
            false => damaged(&self.name, "it and its copy have not the same rows"),
        }
    }

    /// No row leads into an index that has none, whose first page may be damaged all the same.
    fn touch(&self, connection: &Connection, is_empty: bool) -> Result<(), Error> {
        for (index, sql) in self.indexes.iter().zip(&self.sql.touch) {
            if connection.prepare_cached(sql)?.exists([])? && is_empty {
                return damaged(&self.name, format!("index `{}` has a row too many", index.name));
            }
        }
        Ok(())
    }

    fn unfit(&self, values: &[Value]) -> Option<&str> {
        let unfit = self.columns.iter().zip(values).find(|(column, value)| !column.fits(value));
        unfit.map(|(column, _)| column.name.as_str())
    }
}

/// Each of these columns as it is bound, all of them.
fn terms<'n>(names: impl Iterator<Item = &'n String>) -> String {
    let terms = names.enumerate().map(|(at, name)| format!("{name} IS ?{}", at + 1));
    terms.collect::<Vec<_>>().join(" AND ")
}

/// Some columns of a row.
fn part(row: &Row<'_>, from: usize, count: usize) -> rusqlite::Result<Vec<Value>> {
    (from..from + count).map(|at| row.get(at)).collect()
}

/// Whether one key lies behind another of the same table.
fn follows(before: &[Value], key: &[Value]) -> bool {
    use std::cmp::Ordering;
    let of = |pair: (&Value, &Value)| match pair {
        (Value::Integer(one), Value::Integer(other)) => one.cmp(other),
        (Value::Text(one), Value::Text(other)) => one.as_bytes().cmp(other.as_bytes()),
        (Value::Blob(one), Value::Blob(other)) => one.cmp(other),
        _ => Ordering::Greater,
    };
    let orders = before.iter().zip(key).map(of);
    orders.reduce(Ordering::then) == Some(Ordering::Less)
}

impl Column {
    fn fits(&self, value: &Value) -> bool {
        let day = |day: i64| {
            let part = |number: i64| i8::try_from(number).ok();
            let date = || {
                let year = i16::try_from(day / 10_000).ok()?;
                jiff::civil::Date::new(year, part(day / 100 % 100)?, part(day % 100)?).ok()
            };
            date().is_some()
        };
        match (value, self.kind.as_str()) {
            (Value::Null, _) => !self.is_needed,
            (Value::Integer(number), "INTEGER") => match self.name.as_str() {
                "day" | "booked_on" | "deadline" | "happened_on" | "decided_on" => day(*number),
                name if name.ends_with("_day") => day(*number),
                "force" | "epoch" | "compartment" | "attempts" | "count" => *number >= 0,
                name if name.ends_with("_at") || name.ends_with("_row") => *number >= 0,
                _ => true,
            },
            (Value::Text(text), "TEXT") => match self.name.as_str() {
                "causes" | "flags" | "fact" | "missing_here" | "missing_there" => {
                    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
                }
                "kind" | "provider" | "programme" | "caution" | "decided" | "stage" => {
                    text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
                }
                _ => !text.contains('\0'),
            },
            (Value::Blob(bytes), "BLOB") => {
                !self.name.ends_with("_id") && self.name != "after" || bytes.len() == 16
            }
            _ => false,
        }
    }
}
