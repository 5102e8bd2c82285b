//! The plan of every statement that the store can run, read from its source, so that none is
//! forgotten: no table is walked that grows with the cases, no index is made on the way, nothing
//! unbounded is sorted.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use rusqlite::Connection;
use syn::visit::{self, Visit};

use super::Folder;

/// What a plan may say although it looks through a table: statement, line of the plan, why. Each
/// must be met, so that none outlives its statement.
const BOUNDED: &[(&str, &str, &str)] = &[
    ("case::standing", "USE TEMP B-TREE FOR ORDER BY", CASE),
    ("pending::of_referral", "SCAN this", CASE),
    ("pending::of_referral", "USE TEMP B-TREE FOR ORDER BY", CASE),
    (
        "pending::count",
        "SCAN outbox USING COVERING INDEX outbox_route",
        "once, when the store is opened",
    ),
    ("pending::oldest", "SCAN o USING COVERING INDEX outbox_copy", "it ends at the first row"),
    ("check::parts", "SCAN sqlite_schema", "as many rows as there are tables and indexes"),
    ("check::last_rows", "SCAN probe", ONE),
    ("check::last_rows", "SCAN audit_head", ONE),
    ("check::last_rows", "SCAN fixed", "three rows"),
    ("check::last_rows", "SCAN audit", "it ends at the first row"),
    ("check::schema", "SCAN migration", "a row for each step"),
    ("scrub::note", "SCAN (subquery-1)", "it counts so far as it is told"),
    ("scrub::standings", "SCAN scrub USING COVERING INDEX scrub_copy", "a row for each table"),
    ("scrub::tell", "SCAN finding USING COVERING INDEX finding_copy", "it ends after so many rows"),
    ("table::is_without_rowid", "SCAN pragma_table_list VIRTUAL TABLE INDEX 0:", SCHEMA),
    ("table::table", "SCAN l VIRTUAL TABLE INDEX 0:", SCHEMA),
    ("table::table", "SCAN s LEFT-JOIN", SCHEMA),
    ("table::table", "SCAN pragma_index_info VIRTUAL TABLE INDEX 0:", SCHEMA),
    ("table::table", "SCAN pragma_table_info VIRTUAL TABLE INDEX 0:", SCHEMA),
    ("table::tables", "SCAN sqlite_schema", SCHEMA),
    ("table::tables", "USE TEMP B-TREE FOR ORDER BY", SCHEMA),
    ("open::is_begun", "SCAN sqlite_schema", "as many rows as there are tables and indexes"),
    ("open::is_begun", "SCAN fixed USING COVERING INDEX fixed_copy", "it ends at the first row"),
    ("open::is_begun", "SCAN audit", "it ends at the first row"),
    ("open::begin", "SCAN fixed USING COVERING INDEX fixed_copy", "it ends at the first row"),
    ("growth::open", "SCAN growth", "a row for each force at most"),
    ("mapping::history", "USE TEMP B-TREE FOR ORDER BY", VERSIONS),
    ("mapping::newest", "SCAN p USING INDEX sqlite_autoindex_plan_version_1", VERSIONS),
    (
        "mapping::numbers",
        "SCAN plan_version USING COVERING INDEX sqlite_autoindex_plan_version_1",
        VERSIONS,
    ),
    ("referral::kept_count", "SCAN (subquery-1)", "it counts so far as it is told"),
    ("referral::kept_count", "SCAN (subquery-3)", "it counts so far as it is told"),
    ("audit::audit_head", "SCAN audit_head", ONE),
    ("audit::read_end", "SCAN audit_head", ONE),
    ("sweep::state", "SCAN sweep", ONE),
    ("incident::incidents", "SCAN incident USING INDEX incident_open", OPEN),
    ("incident::incidents", "USE TEMP B-TREE FOR ORDER BY", OPEN),
    ("sweep::late", "SCAN hold USING INDEX hold_open_bytes", OPEN),
    ("sweep::late", "SCAN notice USING INDEX notice_urgent", OPEN),
    ("sweep::late", "SCAN outbox USING COVERING INDEX outbox_copy", CHUNK),
    ("sweep::late", "SCAN o", CHUNK),
    ("sweep::late", "USE TEMP B-TREE FOR GROUP BY", OPEN),
    ("sweep::late", "USE TEMP B-TREE FOR count(DISTINCT)", CHUNK),
    ("mail::mails", "SCAN m USING INDEX mail_waiting", OPEN),
    ("hold::untold_holds", "SCAN h USING INDEX hold_open", OPEN),
    ("sweep::uneven_days", "SCAN reconciliation USING INDEX reconciliation_uneven", OPEN),
    ("letter::troubles", "SCAN n USING INDEX notice_failing", OPEN),
    ("letter::troubles", "USE TEMP B-TREE FOR DISTINCT", OPEN),
    ("letter::endpoint", "SCAN (subquery-1)", "it counts so far as it is told"),
    ("letter::paused", "SCAN paused_endpoint", "a row for each force at most"),
];
/// The same of the statements that each table makes of itself: table (every one), what the statement
/// begins with, why.
const WALKED: &[(&str, &str, &str)] = &[
    ("", "/* table::touch */", "it ends at the first row"),
    ("", "/* table::rows */", "it ends after so many rows, in the order in which they lie"),
    ("", "/* table::before_last */", "it ends after so many rows, in the order in which they lie"),
    ("plan_version", "/* table::copied */", VERSIONS),
];
const CASE: &str = "the rows of one case";
const SCHEMA: &str = "as many rows as there are tables, columns and indexes";
const CHUNK: &str = "a chunk of so many rows";
const ONE: &str = "the table has one row";
const OPEN: &str = "what waits for a person, by an index of nothing else";
const VERSIONS: &str = "versions of mappings that people have put live";

/// Every text of the store's source, and the constants that some are put together from.
#[derive(Default)]
struct Texts {
    literals: Vec<String>,
    constants: BTreeMap<String, String>,
}

impl Texts {
    fn of_source() -> Texts {
        let mut texts = Texts::default();
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.file_stem().is_some_and(|it| it == "tests") {
                    continue;
                }
                match path.extension() {
                    Some(kind) if kind == "rs" => files.push(path),
                    None => folders.push(path),
                    Some(_) => {}
                }
            }
        }
        files.sort();
        for file in files {
            texts.visit_file(&syn::parse_file(&std::fs::read_to_string(file).unwrap()).unwrap());
        }
        texts
    }

    /// Each statement by its mark: `sweep::late` has several.
    fn statements(&self) -> Vec<(String, String)> {
        let mut found = BTreeSet::new();
        for literal in &self.literals {
            let Some((mark, _)) = literal.strip_prefix("/* ").and_then(|it| it.split_once(" */"))
            else {
                continue;
            };
            // Each table makes its own of it: they are looked at below, as they are run.
            if mark.starts_with("table::") && literal.contains('{') {
                continue;
            }
            let mut sql = literal.clone();
            for (name, value) in &self.constants {
                sql = sql.replace(&format!("{{{name}}}"), value);
            }
            assert!(!sql.contains('{'), "{mark}: what stands for the braces is no constant: {sql}");
            found.insert((mark.to_owned(), sql));
        }
        found.into_iter().collect()
    }
}

impl<'ast> Visit<'ast> for Texts {
    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        if let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = &*item.expr {
            self.constants.insert(item.ident.to_string(), text.value());
        }
        visit::visit_item_const(self, item);
    }

    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        self.literals.push(text.value());
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.literals.extend(texts_in(item.tokens.clone()));
    }
}

fn texts_in(tokens: TokenStream) -> Vec<String> {
    let texts = tokens.into_iter().flat_map(|token| match token {
        TokenTree::Group(group) => texts_in(group.stream()),
        TokenTree::Literal(literal) => syn::parse_str::<syn::LitStr>(&literal.to_string())
            .map(|it| it.value())
            .ok()
            .into_iter()
            .collect(),
        TokenTree::Ident(_) | TokenTree::Punct(_) => Vec::new(),
    });
    texts.collect()
}

fn first_word(sql: &str) -> &str {
    let body = sql.split_once("*/").map_or(sql, |(_, body)| body);
    body.split_whitespace().next().unwrap_or("")
}

/// The lines of a statement's plan that look through a whole table, make an index or sort.
fn suspect(connection: &Connection, sql: &str) -> Vec<String> {
    let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let mut rows = explain.raw_query();
    let mut found = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let line: String = row.get("detail").unwrap();
        let is_walk = line.starts_with("SCAN ") && line != "SCAN CONSTANT ROW";
        if is_walk || line.contains("AUTOMATIC") || line.contains("TEMP B-TREE") {
            found.push(line);
        }
    }
    found
}

#[test]
fn no_statement_looks_through_a_table_that_grows() {
    let folder = Folder::create("plans");
    drop(folder.open_with(&folder.options()).unwrap());
    let opened = super::open::open(&folder.options(), &folder.vault, &folder.clock).unwrap();
    let mut unmet: BTreeSet<_> = BOUNDED.iter().map(|(mark, line, _)| (*mark, *line)).collect();
    let mut found = Vec::new();
    let mut seen = 0;
    for (mark, sql) in Texts::of_source().statements() {
        if !["SELECT", "WITH", "INSERT", "UPDATE", "DELETE"].contains(&first_word(&sql)) {
            continue;
        }
        seen += 1;
        for line in suspect(&opened.writer, &sql) {
            unmet.retain(|(it, known)| *it != mark || *known != line);
            let is_known = BOUNDED.iter().any(|(it, known, _)| *it == mark && *known == line);
            if !is_known {
                found.push(format!("{mark}: {line}\n    {sql}"));
            }
        }
    }
    for table in super::table::tables(&opened.writer).unwrap() {
        for sql in table.every_statement() {
            seen += 1;
            found.extend(suspect(&opened.writer, sql).into_iter().filter_map(|line| {
                let is_known = WALKED.iter().any(|(of, part, _)| {
                    let is_of = of.is_empty() || *of == table.name;
                    is_of && sql.starts_with(part)
                });
                // The whole copy is counted only where the whole table was fewer rows.
                let is_known =
                    is_known || sql.starts_with("/* table::copied */") && !sql.contains(" WHERE ");
                (!is_known).then(|| format!("{}: {line}\n    {sql}", table.name))
            }));
        }
    }
    assert!(seen > 300, "only {seen} statements were found in the source");
    assert!(found.is_empty(), "\n{}", found.join("\n"));
    assert!(unmet.is_empty(), "no plan says this any more: {unmet:?}");
}

/// A statement without its function's name would be passed by.
#[test]
fn every_statement_is_marked() {
    let texts = Texts::of_source();
    let parts: BTreeSet<&String> = texts.constants.values().collect();
    let sql = ["SELECT ", "WITH ", "INSERT ", "UPDATE ", "DELETE ", "REPLACE ", "PRAGMA "];
    let unmarked = texts.literals.iter().filter(|text| {
        sql.iter().any(|word| text.trim_start().starts_with(word)) && !parts.contains(text)
    });
    assert_eq!(unmarked.collect::<Vec<_>>(), Vec::<&String>::new());
}

/// What a page that was damaged could change unseen: a column is sealed, in the audit chain, a key or
/// in an index of all rows.
#[test]
fn every_column_is_sealed_or_stands_twice() {
    let folder = Folder::create("copies");
    let opened = super::open::open(&folder.options(), &folder.vault, &folder.clock).unwrap();
    let mut found = Vec::new();
    for table in super::table::tables(&opened.writer).unwrap() {
        let sealed: &[&str] = match table.name.as_str() {
            "referral" => &["raw_key", "offender_key", "victim_key"],
            "revision" => &["police", "victim", "offender_event", "victim_event", "raw"],
            "hold" => &["raw_key", "offender_key", "victim_key", "unlisted", "raw"],
            "outcome" | "decision" | "message" | "notice" => &["body"],
            "audit" => &["mac", "fact"],
            // Compared with this program's own steps; a number that means nothing.
            "migration" => &["name", "applied_at"],
            "probe" => &["count"],
            _ => &[],
        };
        if table.uncopied() != sealed {
            found.push(format!("{}: {:?} and not {sealed:?}", table.name, table.uncopied()));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
