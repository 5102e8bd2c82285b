//! Reads of mapping versions, and of the records on which a new version is tried.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::column::Columns;
use crate::store::{ForceCode, KeptRaw, PendingPlan, PlanVersion};

/// The newest version of every mapping.
pub(in crate::store::sqlite) fn newest(
    connection: &Connection,
) -> rusqlite::Result<Vec<PlanVersion>> {
    let mut select = connection.prepare_cached(
        "/* plan::newest */ SELECT * FROM plan_version AS p WHERE version = (SELECT \
         max(version) FROM plan_version WHERE force = p.force AND name = p.name) \
         ORDER BY force, name",
    )?;
    select.query_map([], version)?.collect()
}

pub(in crate::store::sqlite) fn history(
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

pub(in crate::store::sqlite) fn pending(
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

pub(in crate::store::sqlite) fn kept_raws(
    connection: &Connection,
    force: ForceCode,
    mapping: &str,
    limit: usize,
) -> rusqlite::Result<Vec<KeptRaw>> {
    let mut select = connection.prepare_cached(
        "/* plan::kept_raws */ SELECT f.referral_id, f.epoch, f.raw_key, f.offender_key, \
         f.victim_key, r.revision, r.raw FROM revision AS r CROSS JOIN referral AS f \
         ON f.referral_row = r.referral_row WHERE r.force = ?1 AND r.mapping_name = ?2 \
         AND r.raw IS NOT NULL ORDER BY r.revision_row DESC LIMIT ?3",
    )?;
    let rows = select.query_map(params![force.0, mapping, limit as i64], |row| {
        let columns = Columns(row);
        Ok(KeptRaw {
            referral_id: columns.id("referral_id")?,
            revision: row.get("revision")?,
            keys: columns.keys()?,
            raw: columns.sealed("raw")?,
        })
    })?;
    rows.collect()
}
