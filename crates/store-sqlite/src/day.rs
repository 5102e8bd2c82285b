//! A force's day.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::Sqlite;
use super::column::{Columns, from_day};
use super::readers::in_snapshot;
use cara_store::{Day, Error, ForceNumber};

impl cara_store::Days for Sqlite {
    fn day(&self, force: ForceNumber, test: bool, date: Date) -> BoxFuture<'_, Result<Day, Error>> {
        self.read(move |connection| {
            in_snapshot(connection, |connection| day(connection, force, test, date))
        })
        .boxed()
    }

    fn last_heard(&self, force: ForceNumber) -> BoxFuture<'_, Result<Option<Date>, Error>> {
        self.read(move |connection| last_heard(connection, force)).boxed()
    }
}

pub(crate) fn day(
    connection: &Connection,
    force: ForceNumber,
    test: bool,
    date: Date,
) -> rusqlite::Result<Day> {
    let mut day = Day::default();
    let mut select = connection.prepare_cached(
        "/* day::day */ SELECT f.referral_id, r.revision, NOT EXISTS (SELECT 1 FROM outbox AS o \
         WHERE o.outbox_row BETWEEN r.revision_row * 8 AND r.revision_row * 8 + 7) AS is_sent \
         FROM revision AS r JOIN referral AS f ON f.referral_row = r.referral_row \
         WHERE r.force = ?1 AND r.received_day = ?2 AND f.test_data = ?3 ORDER BY r.revision_row",
    )?;
    let mut rows = select.query(params![force.0, from_day(date), test])?;
    while let Some(row) = rows.next()? {
        let referral_id = Columns(row).id("referral_id")?;
        day.revisions.push((referral_id, row.get("revision")?, row.get("is_sent")?));
    }
    super::hold::of_day(connection, (force, test, date), &mut day)?;
    day.decisions = super::case::decisions_of_day(connection, force, test, date)?;
    day.notices = super::notice::notices_of_day(connection, force, test, date)?;
    let mut select = connection.prepare_cached(
        "/* day::day */ SELECT sequence, lower(hex(mac)) AS mac FROM audit WHERE sequence = \
         (SELECT sequence FROM audit_day WHERE day <= ?1 ORDER BY day DESC LIMIT 1)",
    )?;
    day.audit_head = select
        .query_row([from_day(date)], |row| {
            Ok((row.get::<_, i64>("sequence")? as u64, row.get("mac")?))
        })
        .optional()?;
    Ok(day)
}

/// The last day on which something arrived from a force.
pub(crate) fn last_heard(
    connection: &Connection,
    force: ForceNumber,
) -> rusqlite::Result<Option<Date>> {
    let mut select = connection.prepare_cached(
        "/* day::last_heard */ SELECT max(coalesce((SELECT max(received_day) FROM revision \
         WHERE force = ?1), 0), coalesce((SELECT max(received_day) FROM hold WHERE force = ?1), 0), \
         coalesce((SELECT max(received_day) FROM decision WHERE force = ?1), 0)) AS day",
    )?;
    select.query_row([force.0], |row| match row.get::<_, i64>("day")? {
        0 => Ok(None),
        _ => Columns(row).day("day").map(Some),
    })
}
