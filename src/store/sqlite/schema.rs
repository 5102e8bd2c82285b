//! The tables, as numbered migrations. A migration that was released is never changed.

use jiff::Timestamp;
use rusqlite::Connection;

use super::super::Error;
use super::{failed, value};

/// In order; the first has number 1.
const MIGRATIONS: &[&str] = &[include_str!("migration_1.sql")];

/// Brings the tables up to date, each migration in a transaction of its own.
pub(super) fn migrate(connection: &mut Connection, now: Timestamp) -> Result<(), Error> {
    connection
        .execute_batch(
            "/* schema::migrate */ CREATE TABLE IF NOT EXISTS migration (
                number INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT",
        )
        .map_err(failed)?;
    let sql = "/* schema::migrate */ SELECT coalesce(max(number), 0) FROM migration";
    let applied: usize = connection.query_row(sql, [], |row| row.get(0)).map_err(failed)?;
    if applied > MIGRATIONS.len() {
        return Err(Error::Inconsistent {
            table: "migration",
            what: "the store was written by a newer gateway; run that one",
        });
    }
    for (index, sql) in MIGRATIONS.iter().enumerate().skip(applied) {
        let transaction = connection.transaction().map_err(failed)?;
        transaction.execute_batch(sql).map_err(failed)?;
        transaction
            .execute(
                "/* schema::migrate */ INSERT INTO migration (number, applied_at) VALUES (?, ?)",
                (index + 1, value::micros(now)),
            )
            .map_err(failed)?;
        transaction.commit().map_err(failed)?;
    }
    Ok(())
}
