//! Reads of mapping versions, and of the records on which a new version is tried.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use uuid::Uuid;

use super::column::{Columns, from_day};
use super::hold;
use cara_store::{ForceCode, HoldRow, KeptPlace, KeptRaw, PendingPlan, PlanNumber, PlanVersion};

/// The newest version of every mapping.
pub(crate) fn newest(connection: &Connection) -> rusqlite::Result<Vec<PlanVersion>> {
    let mut select = connection.prepare_cached(
        "/* plan::newest */ SELECT * FROM plan_version AS p WHERE version = (SELECT \
         max(version) FROM plan_version WHERE force = p.force AND name = p.name) \
         ORDER BY force, name",
    )?;
    select.query_map([], version)?.collect()
}

pub(crate) fn history(
    connection: &Connection,
    force: ForceCode,
) -> rusqlite::Result<Vec<PlanVersion>> {
    let mut select = connection.prepare_cached(
        "/* plan::history */ SELECT * FROM plan_version WHERE force = ?1 \
         ORDER BY at DESC, name, version DESC",
    )?;
    select.query_map([force.0], version)?.collect()
}

fn version(row: &Row<'_>) -> rusqlite::Result<PlanVersion> {
    let columns = Columns(row);
    Ok(PlanVersion {
        force: columns.force()?,
        name: row.get("name")?,
        version: row.get("version")?,
        sha256: row.get("sha256")?,
        text: row.get("text")?,
        by: row.get("by")?,
        at: columns.time("at")?,
        because: row.get("because")?,
    })
}

pub(crate) fn pending(
    connection: &Connection,
    force: ForceCode,
    name: &str,
) -> rusqlite::Result<Option<PendingPlan>> {
    let mut select = connection.prepare_cached(
        "/* plan::pending */ SELECT * FROM plan_pending WHERE force = ?1 AND name = ?2",
    )?;
    let read = |row: &Row<'_>| {
        let columns = Columns(row);
        Ok(PendingPlan {
            force: columns.force()?,
            name: row.get("name")?,
            sha256: row.get("sha256")?,
            by: row.get("by")?,
            at: columns.time("at")?,
            because: row.get("because")?,
        })
    };
    select.query_row(params![force.0, name], read).optional()
}

/// The newest number of every mapping, from the key's own index alone.
pub(crate) fn numbers(connection: &Connection) -> rusqlite::Result<Vec<PlanNumber>> {
    let mut select = connection.prepare_cached(
        "/* plan::numbers */ SELECT force, name, max(version) AS version FROM plan_version \
         GROUP BY force, name ORDER BY force, name",
    )?;
    let number = |row: &Row<'_>| {
        Ok(PlanNumber {
            force: Columns(row).force()?,
            name: row.get("name")?,
            version: row.get("version")?,
        })
    };
    select.query_map([], number)?.collect()
}

pub(crate) fn one(
    connection: &Connection,
    number: &PlanNumber,
) -> rusqlite::Result<Option<PlanVersion>> {
    let mut select = connection.prepare_cached(
        "/* plan::one */ SELECT * FROM plan_version WHERE force = ?1 AND name = ?2 \
         AND version = ?3",
    )?;
    let PlanNumber { force, name, version: wanted } = number;
    select.query_row(params![force.0, name, wanted], version).optional()
}

pub(crate) fn kept_raws(
    connection: &Connection,
    force: ForceCode,
    mapping: &str,
    before: Option<KeptPlace>,
    limit: usize,
) -> rusqlite::Result<Vec<KeptRaw>> {
    // The index holds the rows of a day in order, so nothing is sorted.
    let mut select = connection.prepare_cached(
        "/* plan::kept_raws */ SELECT f.referral_id, f.epoch, f.raw_key, f.offender_key, \
         f.victim_key, r.revision_row, r.received_day, r.received_at, r.revision, r.raw \
         FROM revision AS r CROSS JOIN referral AS f \
         ON f.referral_row = r.referral_row WHERE r.force = ?1 AND r.received_day <= ?3 \
         AND (r.received_day < ?3 OR r.revision_row < ?4) AND r.mapping_name = ?2 \
         AND r.raw IS NOT NULL ORDER BY r.received_day DESC, r.revision_row DESC LIMIT ?5",
    )?;
    let (day, place) = before.map_or((i64::MAX, i64::MAX), |before| {
        (from_day(before.received_day), before.revision_row)
    });
    let bound = params![force.0, mapping, day, place, limit as i64];
    let rows = select.query_map(bound, |row| {
        let columns = Columns(row);
        Ok(KeptRaw {
            place: KeptPlace {
                received_day: columns.day("received_day")?,
                revision_row: row.get("revision_row")?,
            },
            received_at: columns.time("received_at")?,
            referral_id: columns.id("referral_id")?,
            revision: row.get("revision")?,
            keys: columns.keys()?,
            raw: columns.sealed("raw")?,
        })
    })?;
    rows.collect()
}

pub(crate) fn kept_holds(
    connection: &Connection,
    force: ForceCode,
    mapping: &str,
    before: Option<Uuid>,
    limit: usize,
) -> rusqlite::Result<Vec<HoldRow>> {
    let mut select = connection.prepare_cached(
        "/* plan::kept_holds */ SELECT * FROM hold INDEXED BY hold_open WHERE ended IS NULL \
         AND hold_id < ?3 AND force = ?1 AND mapping_name = ?2 ORDER BY hold_id DESC LIMIT ?4",
    )?;
    let before = before.unwrap_or(Uuid::max());
    let bound = params![force.0, mapping, before.as_bytes(), limit as i64];
    select.query_map(bound, hold::row)?.collect()
}

pub(crate) fn kept_count(
    connection: &Connection,
    force: ForceCode,
    mapping: &str,
    at_most: usize,
) -> rusqlite::Result<u64> {
    let mut select = connection.prepare_cached(
        "/* plan::kept_count */ SELECT (SELECT count(*) FROM (SELECT 1 FROM revision \
         WHERE force = ?1 AND mapping_name = ?2 AND raw IS NOT NULL LIMIT ?3)) \
         + (SELECT count(*) FROM (SELECT 1 FROM hold WHERE ended IS NULL AND force = ?1 \
         AND mapping_name = ?2 LIMIT ?3)) AS count",
    )?;
    let count = select
        .query_row(params![force.0, mapping, at_most as i64], |row| row.get::<_, i64>("count"))?;
    Ok(count as u64)
}
