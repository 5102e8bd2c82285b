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

/// What came before the first of them was never released, and has no way here.
pub(crate) static ALL: &[Migration] = &[Migration {
    number: 101,
    name: "begin",
    sql: concat!(
        include_str!("schema/store.sql"),
        include_str!("schema/referral.sql"),
        include_str!("schema/outbox.sql"),
        include_str!("schema/hold.sql"),
        include_str!("schema/audit.sql"),
        include_str!("schema/mapping.sql"),
        include_str!("schema/case.sql"),
        include_str!("schema/notice.sql"),
        include_str!("schema/incident.sql"),
        include_str!("schema/reconciliation.sql"),
        include_str!("schema/scrub.sql"),
    ),
}];

/// Applies what the file lacks, each step whole or not at all. Refuses a file that knows a step
/// which this program does not.
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
    let applied = known(connection, steps)?;
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

/// The number of the last step that the file knows, 0 when it knows none; refused unless it is one of
/// these.
pub(crate) fn known(
    connection: &Connection,
    steps: &[impl Borrow<Migration>],
) -> Result<i64, Error> {
    let applied: i64 = connection.query_row(
        "/* migrate::known */ SELECT coalesce(max(number), 0) FROM migration",
        [],
        |row| row.get(0),
    )?;
    let number =
        |step: Option<&_>| step.map_or(0, |step: &_| Borrow::<Migration>::borrow(step).number);
    let (first, last) = (number(steps.first()), number(steps.last()));
    match applied {
        _ if applied > last => Err(Error::Newer { applied, known: last }),
        1.. if applied < first => Err(Error::Older { applied, first }),
        _ => Ok(applied),
    }
}
