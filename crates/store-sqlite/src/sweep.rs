//! What is late, and when the sweep ran.

use cara_domain::choice::Choice as _;
use cara_domain::notice::NoticeKind;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use uuid::Uuid;

use super::Sqlite;
use super::column::{Columns, from_time};
use super::readers::in_snapshot;
use super::transaction::{StepFailure, Transaction};
use cara_store::{Error, ForceNumber, Late, LateBefore, Sweep, SweepChange};

/// Outbox rows that one look for incomplete pairs goes through.
const PAIR_ROWS_MAX: i64 = 10_000;

/// Of each kind of thing that one look finds.
const FOUND_MAX: i64 = 100;

impl cara_store::Sweeps for Sqlite {
    fn sweep(&self) -> BoxFuture<'_, Result<Option<Sweep>, Error>> {
        self.read(state).boxed()
    }

    fn late(&self, before: LateBefore) -> BoxFuture<'_, Result<Late, Error>> {
        self.read(move |connection| in_snapshot(connection, |connection| late(connection, &before)))
            .boxed()
    }
}

pub(crate) fn late(connection: &Connection, before: &LateBefore) -> rusqlite::Result<Late> {
    Ok(Late {
        holds_open: by_force(
            connection,
            "/* sweep::late */ SELECT force, count(*) AS count FROM hold INDEXED BY hold_open_bytes WHERE ended IS NULL \
             AND test_data = 0 GROUP BY force",
            params![],
        )?,
        gaps: referrals(
            connection,
            "/* sweep::late */ SELECT f.referral_id FROM standing AS s JOIN referral AS f \
             ON f.referral_row = s.referral_row WHERE s.gap_since <= ?1 LIMIT ?2",
            before.gap,
        )?,
        recalls: referrals(
            connection,
            "/* sweep::late */ SELECT f.referral_id FROM standing AS s JOIN referral AS f \
             ON f.referral_row = s.referral_row WHERE s.recalled_at <= ?1 \
             AND s.recall_confirmed_at IS NULL LIMIT ?2",
            before.recall,
        )?,
        pairs: by_provider(
            connection,
            "/* sweep::late */ SELECT f.provider, count(DISTINCT f.referral_row) AS count \
             FROM (SELECT outbox_row FROM outbox ORDER BY outbox_row \
             LIMIT ?2) AS o CROSS JOIN sent AS s ON s.sent_row BETWEEN o.outbox_row / 8 * 8 \
             AND o.outbox_row / 8 * 8 + 7 CROSS JOIN revision AS r \
             ON r.revision_row = o.outbox_row / 8 CROSS JOIN referral AS f \
             ON f.referral_row = r.referral_row WHERE s.confirmed_at <= ?1 GROUP BY f.provider",
            params![from_time(before.pair), PAIR_ROWS_MAX],
        )?,
        concerns: by_force(
            connection,
            "/* sweep::late */ SELECT force, count(*) AS count FROM notice INDEXED BY notice_urgent \
             WHERE is_urgent = 1 AND taken_over_at IS NULL AND cancelled_at IS NULL \
             AND test_data = 0 AND kind = ?1 GROUP BY force",
            params![NoticeKind::SafeguardingConcern.code()],
        )?,
        not_collected: by_force(
            connection,
            "/* sweep::late */ SELECT force, count(*) AS count FROM notice INDEXED BY notice_urgent \
             WHERE is_urgent = 1 AND taken_over_at IS NULL AND cancelled_at IS NULL \
             AND test_data = 0 AND made_at <= ?1 GROUP BY force",
            params![from_time(before.urgent)],
        )?,
        unmailed: ids(
            connection,
            "/* sweep::late */ SELECT notice_id FROM notice INDEXED BY notice_urgent \
             WHERE is_urgent = 1 AND taken_over_at IS NULL AND cancelled_at IS NULL \
             AND test_data = 0 AND made_at <= ?1 AND mailed_at IS NULL ORDER BY made_at LIMIT ?2",
            "notice_id",
            before.urgent,
        )?,
        reconciliation: uneven_days(connection)?,
    })
}

fn by_force(
    connection: &Connection,
    sql: &str,
    bound: &[&dyn rusqlite::ToSql],
) -> rusqlite::Result<Vec<(ForceNumber, u64)>> {
    let mut select = connection.prepare_cached(sql)?;
    let rows = select
        .query_map(bound, |row| Ok((Columns(row).force()?, row.get::<_, i64>("count")? as u64)))?;
    rows.collect()
}

fn by_provider(
    connection: &Connection,
    sql: &str,
    bound: &[&dyn rusqlite::ToSql],
) -> rusqlite::Result<Vec<(String, u64)>> {
    let mut select = connection.prepare_cached(sql)?;
    let rows = select
        .query_map(bound, |row| Ok((row.get("provider")?, row.get::<_, i64>("count")? as u64)))?;
    rows.collect()
}

fn referrals(connection: &Connection, sql: &str, before: Timestamp) -> rusqlite::Result<Vec<Uuid>> {
    ids(connection, sql, "referral_id", before)
}

fn ids(
    connection: &Connection,
    sql: &str,
    name: &str,
    before: Timestamp,
) -> rusqlite::Result<Vec<Uuid>> {
    let mut select = connection.prepare_cached(sql)?;
    select.query_map(params![from_time(before), FOUND_MAX], |row| Columns(row).id(name))?.collect()
}

fn uneven_days(connection: &Connection) -> rusqlite::Result<Vec<(String, Date)>> {
    let mut select = connection.prepare_cached(
        "/* sweep::uneven_days */ SELECT DISTINCT provider, day FROM reconciliation \
         WHERE missing_here <> '[]' OR missing_there <> '[]' ORDER BY provider, day",
    )?;
    let rows = select.query_map([], |row| Ok((row.get("provider")?, Columns(row).day("day")?)))?;
    rows.collect()
}

pub(crate) fn state(connection: &Connection) -> rusqlite::Result<Option<Sweep>> {
    let mut select =
        connection.prepare_cached("/* sweep::state */ SELECT seen_at, stopped_at FROM sweep")?;
    let read = |row: &Row<'_>| {
        let columns = Columns(row);
        Ok(Sweep {
            seen_at: columns.time("seen_at")?,
            stopped_at: columns.optional_time("stopped_at")?,
        })
    };
    select.query_row([], read).optional()
}

impl Transaction<'_> {
    pub fn sweep(&self, change: &SweepChange) -> Result<(), StepFailure> {
        match change {
            SweepChange::Ran { at, is_stopped } => self.seen(*at, *is_stopped),
            SweepChange::AcceptClock { at } => self.one(
                "/* sweep::sweep */ UPDATE sweep SET seen_at = ?1, stopped_at = NULL \
                 WHERE only = 1 AND stopped_at IS NOT NULL",
                [from_time(*at)],
            ),
        }
    }

    fn seen(&self, at: Timestamp, stopped: bool) -> Result<(), StepFailure> {
        let mut upsert = self.connection.prepare_cached(
            "/* sweep::seen */ INSERT INTO sweep (only, seen_at, stopped_at) VALUES (1, ?1, ?2) \
             ON CONFLICT (only) DO UPDATE SET seen_at = CASE WHEN ?2 IS NULL THEN ?1 \
             ELSE seen_at END, stopped_at = coalesce(stopped_at, ?2)",
        )?;
        upsert.execute(params![from_time(at), stopped.then(|| from_time(at))])?;
        Ok(())
    }
}
