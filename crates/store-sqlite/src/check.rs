//! What is looked at before a store is believed: its header, its tables as the steps make them, its
//! heads, and of every table the last rows (`table`).

use std::collections::BTreeMap;
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, OnceLock};

use rusqlite::{Connection, OptionalExtension as _};

use super::finding::RowFinding;
use super::harm::damaged;
use super::lock::Held;
use super::table::{self, Table};
use super::{Error, migrate};
use cara_store::audit::ChainEnd;
use cara_vault::Vault;

const MAGIC: &[u8; 16] = b"SQLite format 3\0";
const PAGE_BYTES: u64 = 4096;

/// The first bytes of the file, read through the handle that holds its lock.
pub(crate) fn header(held: &Held) -> Result<(), Error> {
    let mut header = [0; 100];
    if held.file.read_exact_at(&mut header, 0).is_err() {
        return damaged("header", "it is shorter than its header");
    }
    if &header[..16] != MAGIC {
        return damaged("header", "it does not begin as a database does");
    }
    let two = |at: usize| u64::from(u16::from_be_bytes([header[at], header[at + 1]]));
    let page_bytes = if two(16) == 1 { 65_536 } else { two(16) };
    // Versions 2 are the write-ahead log; no space is kept free at the end of a page.
    let is_ours = page_bytes == PAGE_BYTES && header[18..24] == [2, 2, 0, 64, 32, 32];
    // The schema's format and UTF-8, both 0 before the first table is made; no vacuum by itself,
    // nothing of ours, nothing yet.
    let made = (&header[44..48], &header[56..60]);
    let is_known = [([0, 0, 0, 4], [0, 0, 0, 1]), ([0; 4], [0; 4])]
        .iter()
        .any(|(format, text)| made == (&format[..], &text[..]));
    let is_empty = header[52..56].iter().chain(&header[60..92]).all(|byte| *byte == 0);
    if !(is_ours && is_known && is_empty) {
        return damaged("header", "its header is not one that this program writes");
    }
    // What waits in the log is not in the file yet, the number of pages among it.
    if held.place.wal_bytes().unwrap_or(0) > 0 {
        return Ok(());
    }
    let pages = (two(28) << 16) | two(30);
    let bytes = held.place.bytes();
    if pages * PAGE_BYTES != bytes {
        return damaged(
            "header",
            format!("it has {bytes} bytes and says that it has {pages} pages"),
        );
    }
    Ok(())
}

/// What the steps make: every part of a schema with its SQL, and the tables.
struct Model {
    parts: BTreeMap<String, Option<String>>,
    tables: Arc<[Table]>,
}

impl Model {
    /// As the steps up to one make it. That of all steps is made once in a process.
    fn up_to(applied: i64) -> Result<Arc<Model>, Error> {
        static WHOLE: OnceLock<Arc<Model>> = OnceLock::new();
        let is_whole = migrate::ALL.last().is_some_and(|step| step.number == applied);
        if let Some(whole) = WHOLE.get().filter(|_| is_whole) {
            return Ok(Arc::clone(whole));
        }
        let mut model = Connection::open_in_memory()?;
        let steps: Vec<_> = migrate::ALL.iter().filter(|step| step.number <= applied).collect();
        migrate::apply(&mut model, &steps, jiff::Timestamp::UNIX_EPOCH)?;
        let tables = table::tables(&model)?.into();
        let model = Arc::new(Model { parts: parts(&model)?, tables });
        if is_whole {
            WHOLE.get_or_init(|| Arc::clone(&model));
        }
        Ok(model)
    }
}

/// Tables and indexes are exactly what the steps that the file knows make; answers the tables.
pub(crate) fn schema(connection: &Connection) -> Result<Arc<[Table]>, Error> {
    let applied = migrate::known(connection, migrate::ALL)?;
    let mut select = connection
        .prepare("/* check::schema */ SELECT number, name FROM migration ORDER BY number")?;
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let known = migrate::ALL.iter().map(|step| (step.number, step.name.to_owned()));
    if !rows
        .collect::<rusqlite::Result<Vec<(i64, String)>>>()?
        .into_iter()
        .eq(known.take_while(|(number, _)| *number <= applied))
    {
        return damaged("migration", "its steps are not those of this program");
    }
    let model = Model::up_to(applied)?;
    let (expected, found) = (&model.parts, parts(connection)?);
    if let Some(name) = expected.keys().find(|name| found.get(*name) != expected.get(*name)) {
        return damaged(
            "schema",
            format!("`{name}` of its schema is not as this program makes it"),
        );
    }
    if let Some(name) = found.keys().find(|name| !expected.contains_key(*name)) {
        return damaged(
            "schema",
            format!("its schema has a `{name}` that this program does not make"),
        );
    }
    Ok(Arc::clone(&model.tables))
}

fn parts(connection: &Connection) -> Result<BTreeMap<String, Option<String>>, Error> {
    let mut select = connection.prepare(
        "/* check::parts */ SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%'",
    )?;
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The last rows of every table, and that the audit chain ends where its head says.
pub(crate) fn last_rows(
    connection: &Connection,
    vault: &Vault,
    tables: &[Table],
    head: ChainEnd,
) -> Result<Vec<RowFinding>, Error> {
    let mut findings = Vec::new();
    for table in tables {
        let after = table.before_last(connection)?;
        findings.extend(table.look(connection, vault, after.as_deref())?.findings);
    }
    let last = connection
        .query_row(
            "/* check::last_rows */ SELECT sequence, mac FROM audit ORDER BY sequence DESC LIMIT 1",
            [],
            |row| Ok(ChainEnd { sequence: row.get::<_, i64>(0)?.unsigned_abs(), mac: row.get(1)? }),
        )
        .optional()?;
    if last.unwrap_or(ChainEnd::START) != head {
        return damaged("audit", "the chain does not end where its head says");
    }
    let (probes, heads, fixed): (i64, i64, i64) = connection.query_row(
        "/* check::last_rows */ SELECT (SELECT count(*) FROM probe), \
         (SELECT count(*) FROM audit_head), (SELECT count(*) FROM fixed)",
        [],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    if (probes, heads, fixed) != (1, 1, 3) {
        return damaged("fixed", "a table of one row for each store has more or fewer");
    }
    Ok(findings)
}

/// Pages of the list of unused ones that are looked at.
const UNUSED_MAX: usize = 4_096;

/// What the file says is unused is empty, as everything that was deleted is overwritten: a page that
/// is in use is never given away as a free one.
pub(crate) fn unused(held: &Held) -> Result<(), Error> {
    let pages = held.place.bytes() / PAGE_BYTES;
    let page = |number: u32| {
        let mut bytes = [0_u8; PAGE_BYTES as usize];
        let at = u64::from(number.saturating_sub(1)) * PAGE_BYTES;
        let is_there = (2..=pages).contains(&u64::from(number));
        match is_there && held.file.read_exact_at(&mut bytes, at).is_ok() {
            true => Ok(bytes),
            false => damaged("unused pages", "the list of them leads out of the file"),
        }
    };
    let four = |bytes: &[u8], at: usize| match bytes.get(at..at + 4) {
        Some(&[a, b, c, d]) => u32::from_be_bytes([a, b, c, d]),
        _ => 0,
    };
    let mut header = [0; 40];
    if held.file.read_exact_at(&mut header, 0).is_err() {
        return damaged("header", "it is shorter than its header");
    }
    let (mut trunk, count) = (four(&header, 32), four(&header, 36) as usize);
    let mut seen = 0;
    while trunk != 0 {
        let list = page(trunk)?;
        let leaves = four(&list, 4) as usize;
        let end = 8 + 4 * leaves;
        if leaves > PAGE_BYTES as usize / 4 - 2 {
            return damaged("unused pages", "the list of them is not one");
        }
        seen += 1 + leaves;
        for at in (8..end).step_by(4) {
            if page(four(&list, at))?.iter().any(|byte| *byte != 0) {
                return damaged("unused pages", "one of them is in use");
            }
        }
        if seen > UNUSED_MAX {
            return Ok(());
        }
        trunk = four(&list, 0);
    }
    match seen == count {
        true => Ok(()),
        false => damaged("unused pages", "there are more or fewer than the header says"),
    }
}
