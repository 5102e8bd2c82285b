//! What is looked at before a store is believed: its header, its tables as the steps make them.

use std::collections::BTreeMap;
use std::os::unix::fs::FileExt as _;

use rusqlite::Connection;

use super::lock::Held;
use super::{Error, migrate};

const MAGIC: &[u8; 16] = b"SQLite format 3\0";
const PAGE_BYTES: u64 = 4096;

fn damaged<T>(what: impl Into<String>) -> Result<T, Error> {
    Err(Error::Damaged { what: what.into() })
}

/// The first bytes of the file, read through the handle that holds its lock.
pub(in crate::store::sqlite) fn header(held: &Held) -> Result<(), Error> {
    let mut header = [0; 100];
    if held.file.read_exact_at(&mut header, 0).is_err() {
        return damaged("it is shorter than its header");
    }
    if &header[..16] != MAGIC {
        return damaged("it does not begin as a database does");
    }
    let two = |at: usize| u64::from(u16::from_be_bytes([header[at], header[at + 1]]));
    let page_bytes = if two(16) == 1 { 65_536 } else { two(16) };
    // Versions 2 are the write-ahead log; no space is kept free at the end of a page.
    if page_bytes != PAGE_BYTES || header[18..21] != [2, 2, 0] {
        return damaged("its header is not one that this program writes");
    }
    // What waits in the log is not in the file yet, the number of pages among it.
    if held.place.wal_bytes().unwrap_or(0) > 0 {
        return Ok(());
    }
    let pages = (two(28) << 16) | two(30);
    let bytes = held.place.bytes();
    if pages * PAGE_BYTES != bytes {
        return damaged(format!("it has {bytes} bytes and says that it has {pages} pages"));
    }
    Ok(())
}

/// Tables and indexes are exactly what the steps that the file knows make.
pub(in crate::store::sqlite) fn schema(connection: &Connection) -> Result<(), Error> {
    let applied = migrate::applied(connection)?;
    let known = migrate::ALL.last().map_or(0, |step| step.number);
    if applied > known {
        return Err(Error::Newer { applied, known });
    }
    let mut model = Connection::open_in_memory()?;
    let steps: Vec<_> = migrate::ALL.iter().filter(|step| step.number <= applied).collect();
    migrate::apply(&mut model, &steps, jiff::Timestamp::UNIX_EPOCH)?;
    let (expected, found) = (parts(&model)?, parts(connection)?);
    if let Some(name) = expected.keys().find(|name| found.get(*name) != expected.get(*name)) {
        return damaged(format!("`{name}` of its schema is not as this program makes it"));
    }
    if let Some(name) = found.keys().find(|name| !expected.contains_key(*name)) {
        return damaged(format!("its schema has a `{name}` that this program does not make"));
    }
    Ok(())
}

fn parts(connection: &Connection) -> Result<BTreeMap<String, Option<String>>, Error> {
    let mut select = connection.prepare(
        "/* check::parts */ SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%'",
    )?;
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
