//! The numbered steps that bring a file's tables up to date.

use std::borrow::Borrow;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::Error;

/// One step. A published step never changes; a new one is added at the end.
pub(crate) struct Migration {
    pub number: i64,
    pub name: &'static str,
    pub sql: &'static str,
}

pub(crate) static ALL: &[Migration] = &[
    Migration { number: 1, name: "referral", sql: include_str!("migrations/0001_referral.sql") },
    Migration { number: 2, name: "outcome", sql: include_str!("migrations/0002_outcome.sql") },
    Migration { number: 3, name: "clock", sql: include_str!("migrations/0003_clock.sql") },
    Migration { number: 6, name: "hold", sql: include_str!("migrations/0006_hold.sql") },
    Migration { number: 7, name: "route", sql: include_str!("migrations/0007_route.sql") },
    Migration { number: 8, name: "letter", sql: include_str!("migrations/0008_letter.sql") },
    Migration { number: 9, name: "growth", sql: include_str!("migrations/0009_growth.sql") },
    Migration { number: 11, name: "told", sql: include_str!("migrations/0011_told.sql") },
    Migration { number: 12, name: "scrub", sql: include_str!("migrations/0012_scrub.sql") },
    Migration { number: 13, name: "outbox", sql: include_str!("migrations/0013_outbox.sql") },
    Migration { number: 14, name: "place", sql: include_str!("migrations/0014_place.sql") },
];

/// Applies what the file lacks, each step whole or not at all. Refuses a file that knows a step
/// which this program does not: an older program must not write into it.
pub(crate) fn apply(
    connection: &mut Connection,
    steps: &[impl Borrow<Migration>],
    now: Timestamp,
) -> Result<(), Error> {
    connection.execute_batch(
        "-- migrate::apply\n\
         CREATE TABLE IF NOT EXISTS migration (\
             number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT",
    )?;
    let applied = applied(connection)?;
    let known = steps.last().map_or(0, |step| step.borrow().number);
    if applied > known {
        return Err(Error::Newer { applied, known });
    }
    for step in steps.iter().map(Borrow::borrow).filter(|step| step.number > applied) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step.sql)?;
        transaction.execute(
            "/* migrate::apply */ INSERT INTO migration (number, name, applied_at) \
             VALUES (?1, ?2, ?3)",
            params![step.number, step.name, super::column::from_time(now)],
        )?;
        transaction.commit()?;
    }
    Ok(())
}

/// The number of the last step that the file knows.
pub(crate) fn applied(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row(
        "/* migrate::applied */ SELECT coalesce(max(number), 0) FROM migration",
        [],
        |row| row.get(0),
    )
}
