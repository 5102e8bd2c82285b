//! A TOML table with the places of its keys and values.

use std::ops::Range;

use toml_edit::{Item, TableLike, Value};

use super::Compiler;
use crate::code::MappingCode;

/// A text and where it stands, quotes included.
pub(crate) type Quoted = (String, Range<usize>);

#[derive(Clone)]
pub(crate) struct TableReader<'d> {
    table: &'d dyn TableLike,
    /// Where its header or braces are.
    pub span: Range<usize>,
}

impl<'d> TableReader<'d> {
    pub fn of(table: &'d dyn TableLike, span: Range<usize>) -> Self {
        TableReader { table, span }
    }

    fn item(item: &'d Item, fallback: &Range<usize>) -> Option<TableReader<'d>> {
        let span = item.span().unwrap_or_else(|| fallback.clone());
        item.as_table_like().map(|table| TableReader { table, span })
    }

    pub fn keys(&self) -> Vec<Quoted> {
        let place = |key: &str| {
            let span = self.table.get_key_value(key).and_then(|(key, _)| key.span());
            span.unwrap_or_else(|| self.span.clone())
        };
        self.table.iter().map(|(key, _)| (key.to_owned(), place(key))).collect()
    }

    /// Where a key stands.
    pub fn key_span(&self, key: &str) -> Range<usize> {
        let span = self.table.get_key_value(key).and_then(|(key, _)| key.span());
        span.unwrap_or_else(|| self.span.clone())
    }

    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    pub fn get(&self, key: &str) -> Option<&'d Item> {
        self.table.get(key)
    }

    pub fn string(&self, compiler: &mut Compiler<'_>, key: &str) -> Option<Quoted> {
        let item = self.get(key)?;
        let span = item.span().unwrap_or_else(|| self.key_span(key));
        match item.as_str() {
            Some(text) => Some((text.to_owned(), span)),
            None => {
                compiler.report(
                    MappingCode::WRONG_TYPE,
                    span,
                    format!("`{key}` takes a text in quotes"),
                );
                None
            }
        }
    }

    pub fn integer(&self, compiler: &mut Compiler<'_>, key: &str) -> Option<(i64, Range<usize>)> {
        let item = self.get(key)?;
        let span = item.span().unwrap_or_else(|| self.key_span(key));
        match item.as_integer() {
            Some(number) => Some((number, span)),
            None => {
                compiler.report(MappingCode::WRONG_TYPE, span, format!("`{key}` takes a number"));
                None
            }
        }
    }

    pub fn boolean(&self, compiler: &mut Compiler<'_>, key: &str) -> Option<bool> {
        let item = self.get(key)?;
        let span = item.span().unwrap_or_else(|| self.key_span(key));
        match item.as_bool() {
            Some(value) => Some(value),
            None => {
                compiler.report(
                    MappingCode::WRONG_TYPE,
                    span,
                    format!("`{key}` takes true or false"),
                );
                None
            }
        }
    }

    /// One text, or a list of them.
    pub fn strings(&self, compiler: &mut Compiler<'_>, key: &str) -> Option<Vec<Quoted>> {
        let item = self.get(key)?;
        let span = item.span().unwrap_or_else(|| self.key_span(key));
        if let Some(text) = item.as_str() {
            return Some(vec![(text.to_owned(), span)]);
        }
        let texts = item.as_array().and_then(|array| {
            let place = |value: &Value| value.span().unwrap_or_else(|| span.clone());
            array.iter().map(|it| Some((it.as_str()?.to_owned(), place(it)))).collect()
        });
        if texts.is_none() {
            let what = format!("`{key}` takes a text in quotes, or a list of them");
            compiler.report(MappingCode::WRONG_TYPE, span, what);
        }
        texts
    }

    pub fn table(&self, compiler: &mut Compiler<'_>, key: &str) -> Option<TableReader<'d>> {
        let item = self.get(key)?;
        let span = self.key_span(key);
        let table = TableReader::item(item, &span);
        if table.is_none() {
            compiler.report(
                MappingCode::WRONG_TYPE,
                span,
                format!("`{key}` is a section: write [{key}]"),
            );
        }
        table
    }

    /// The tables of `[[key]]`.
    pub fn tables(&self, compiler: &mut Compiler<'_>, key: &str) -> Vec<TableReader<'d>> {
        let Some(item) = self.get(key) else { return Vec::new() };
        if let Some(tables) = item.as_array_of_tables() {
            let of = |table: &'d toml_edit::Table| TableReader {
                table,
                span: table.span().unwrap_or_else(|| self.key_span(key)),
            };
            return tables.iter().map(of).collect();
        }
        let what = format!("`{key}` is a section that may come several times: write [[{key}]]");
        compiler.report(MappingCode::WRONG_TYPE, self.key_span(key), what);
        Vec::new()
    }

    /// The values below, with dotted names, down to what is no table; tables stay whole when `whole`
    /// says that they are values.
    pub fn leaves(&self, whole: &dyn Fn(&Item) -> bool) -> Vec<Leaf<'d>> {
        let mut leaves = Vec::new();
        self.collect("", whole, &mut leaves);
        leaves
    }

    fn collect(&self, prefix: &str, whole: &dyn Fn(&Item) -> bool, leaves: &mut Vec<Leaf<'d>>) {
        for (key, key_span) in self.keys() {
            let Some(item) = self.get(&key) else { continue };
            let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
            match item.as_table_like() {
                Some(table) if !whole(item) => {
                    TableReader { table, span: key_span }.collect(&name, whole, leaves);
                }
                _ => leaves.push(Leaf { name, item, key_span }),
            }
        }
    }
}

/// One value with its dotted name.
pub(crate) struct Leaf<'d> {
    pub name: String,
    pub item: &'d Item,
    pub key_span: Range<usize>,
}

impl<'d> Leaf<'d> {
    pub fn table(&self) -> Option<TableReader<'d>> {
        TableReader::item(self.item, &self.key_span)
    }
}
