//! Questions that only read. Each runs on a reader of its own.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::super::*;
use super::{READERS_MAX, connect, failed, value};
use crate::vault::Sealed;

/// Open read connections that nobody uses now.
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub fn new(path: PathBuf) -> Self {
        Readers { path, idle: Mutex::default() }
    }

    pub fn with<T>(&self, query: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connect(&self.path, true)?,
        };
        let answer = query(&connection);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < READERS_MAX {
            idle.push(connection);
        }
        answer
    }
}

/// Every row of a query, each read by `read`.
fn collect<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
    read: impl Fn(&Row<'_>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let mut rows = statement.query(parameters).map_err(failed)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        all.push(read(row)?);
    }
    Ok(all)
}

pub(super) fn known(
    connection: &Connection,
    force: ForceCode,
    record: RecordIndex,
) -> Result<Known, Error> {
    let sql = "/* read::known */ SELECT * FROM referral WHERE record_index = ? AND force = ?";
    let referral = collect(connection, sql, params![record.0, force.0], |row| {
        Ok(KnownReferral {
            referral_id: value::uuid(row, "referral_id")?,
            provider: row.get("provider").map_err(failed)?,
            keys: value::keys(row)?,
            person: value::digest(row, "person")?,
            revisions: Vec::new(),
        })
    })?;
    let mut referral = referral.into_iter().next();
    if let Some(referral) = &mut referral {
        referral.revisions = known_revisions(connection, referral.referral_id)?;
    }
    let sql = "/* read::known */ SELECT hold_id FROM hold
        WHERE record_index = ? AND force = ? AND state = 'open' ORDER BY number";
    let open_holds =
        collect(connection, sql, params![record.0, force.0], |row| value::uuid(row, "hold_id"))?;
    Ok(Known { referral, open_holds })
}

fn known_revisions(
    connection: &Connection,
    referral_id: Uuid,
) -> Result<Vec<KnownRevision>, Error> {
    let sql = "/* read::known_revisions */ SELECT revision, action, content, offender_content,
        victim_content, message_ref, extracted_at, contact_agreed, flags FROM revision
        WHERE referral_id = ? ORDER BY revision";
    collect(connection, sql, [referral_id.as_bytes()], |row| {
        Ok(KnownRevision {
            revision: row.get("revision").map_err(failed)?,
            action: value::action(row)?,
            content: value::digest(row, "content")?,
            offender_content: value::digest(row, "offender_content")?,
            victim_content: value::digest(row, "victim_content")?,
            message_ref: value::digest_or_none(row, "message_ref")?,
            extracted_at: value::timestamp_or_none(row, "extracted_at")?,
            contact_agreed: row.get("contact_agreed").map_err(failed)?,
            flags: value::causes(row, "flags")?,
        })
    })
}

pub(super) fn bound_key(
    connection: &Connection,
    force: ForceCode,
    key: KeyIndex,
) -> Result<Option<BoundKey>, Error> {
    let sql = "/* read::bound_key */ SELECT body, answer, bound_at FROM idempotency
        WHERE key_index = ? AND force = ?";
    let found = collect(connection, sql, params![key.0, force.0], |row| {
        Ok(BoundKey {
            force,
            key,
            body: value::digest(row, "body")?,
            answer: row.get("answer").map_err(failed)?,
            at: value::timestamp(row, "bound_at")?,
        })
    })?;
    Ok(found.into_iter().next())
}

pub(super) fn open_hold(
    connection: &Connection,
    force: ForceCode,
    bytes: Digest,
) -> Result<Option<Uuid>, Error> {
    let sql = "/* read::open_hold */ SELECT hold_id FROM hold
        WHERE bytes = ? AND force = ? AND state = 'open'";
    let found =
        collect(connection, sql, params![bytes.0, force.0], |row| value::uuid(row, "hold_id"))?;
    Ok(found.into_iter().next())
}

pub(super) fn referral(
    connection: &Connection,
    referral_id: Uuid,
) -> Result<Option<ReferralRow>, Error> {
    let sql = "/* read::referral */ SELECT * FROM referral WHERE referral_id = ?";
    let found = collect(connection, sql, [referral_id.as_bytes()], |row| {
        Ok(ReferralRow {
            referral_id,
            force: ForceCode(row.get("force").map_err(failed)?),
            provider: row.get("provider").map_err(failed)?,
            test_data: row.get("test_data").map_err(failed)?,
            keys: value::keys(row)?,
            revisions: Vec::new(),
        })
    })?;
    let Some(mut referral) = found.into_iter().next() else { return Ok(None) };
    let sql = "/* read::referral */ SELECT revision, action, flags, mapping_name, mapping_version,
        mapping_sha256, received_at, deadline, raw, police FROM revision
        WHERE referral_id = ? ORDER BY revision";
    referral.revisions = collect(connection, sql, [referral_id.as_bytes()], |row| {
        Ok(RevisionRow {
            revision: row.get("revision").map_err(failed)?,
            action: value::action(row)?,
            flags: value::causes(row, "flags")?,
            mapping: value::mapping(row)?,
            received_at: value::timestamp(row, "received_at")?,
            deadline: value::date_or_none(row, "deadline")?,
            raw: row.get::<_, Option<Vec<u8>>>("raw").map_err(failed)?.map(Sealed::from_stored),
            police: Sealed::from_stored(row.get("police").map_err(failed)?),
            messages: Vec::new(),
        })
    })?;
    for revision in &mut referral.revisions {
        let sql = "/* read::referral */ SELECT event_id, compartment, kind, confirmed_at
            FROM message WHERE referral_id = ? AND revision = ? ORDER BY number";
        let key = params![referral_id.as_bytes(), revision.revision];
        revision.messages = collect(connection, sql, key, |row| {
            Ok(MessageState {
                event_id: value::uuid(row, "event_id")?,
                compartment: value::compartment(row)?,
                kind: row.get("kind").map_err(failed)?,
                confirmed_at: value::timestamp_or_none(row, "confirmed_at")?,
            })
        })?;
    }
    Ok(Some(referral))
}

fn hold_row(row: &Row<'_>) -> Result<HoldRow, Error> {
    let ended_at = value::timestamp_or_none(row, "ended_at")?;
    let record: Option<[u8; 16]> = row.get("record_index").map_err(failed)?;
    let unlisted: Option<Vec<u8>> = row.get("unlisted").map_err(failed)?;
    Ok(HoldRow {
        hold_id: value::uuid(row, "hold_id")?,
        force: ForceCode(row.get("force").map_err(failed)?),
        record: record.map(RecordIndex),
        causes: value::causes(row, "causes")?,
        mapping: value::mapping(row)?,
        received_at: value::timestamp(row, "received_at")?,
        test_data: row.get("test_data").map_err(failed)?,
        keys: value::keys(row)?,
        raw: Sealed::from_stored(row.get("raw").map_err(failed)?),
        media_type: row.get("media_type").map_err(failed)?,
        unlisted: unlisted.map(Sealed::from_stored),
        ended: value::end(row)?.zip(ended_at),
    })
}

pub(super) fn hold(connection: &Connection, hold_id: Uuid) -> Result<Option<HoldRow>, Error> {
    let sql = "/* read::hold */ SELECT * FROM hold WHERE hold_id = ?";
    Ok(collect(connection, sql, [hold_id.as_bytes()], hold_row)?.into_iter().next())
}

pub(super) fn holds(
    connection: &Connection,
    filter: &HoldFilter,
    after: Option<Uuid>,
    limit: usize,
) -> Result<Vec<HoldRow>, Error> {
    let sql = "/* read::holds */ SELECT * FROM hold
        WHERE (?1 IS NULL OR force = ?1) AND (?2 IS NULL OR record_index = ?2)
        AND (NOT ?3 OR state = 'open')
        AND number > coalesce((SELECT number FROM hold WHERE hold_id = ?4), 0)
        ORDER BY number LIMIT ?5";
    let parameters = params![
        filter.force.map(|force| force.0),
        filter.record.map(|record| record.0),
        filter.open_only,
        after.map(Uuid::into_bytes),
        i64::try_from(limit).unwrap_or(i64::MAX),
    ];
    collect(connection, sql, parameters, hold_row)
}

pub(super) fn backlog(connection: &Connection) -> Result<Backlog, Error> {
    let sql = "/* read::backlog */ SELECT count(*) FILTER (WHERE state = 0),
        count(*) FILTER (WHERE state = 2) FROM message WHERE state <> 1";
    let (rows, dead) = connection
        .prepare_cached(sql)
        .and_then(|mut it| it.query_row([], |row| Ok((row.get(0)?, row.get(1)?))))
        .map_err(failed)?;
    let sql = "/* read::backlog */ SELECT revision.received_at FROM message
        JOIN revision ON revision.referral_id = message.referral_id
            AND revision.revision = message.revision
        WHERE message.state <> 1 ORDER BY message.number LIMIT 1";
    let oldest = collect(connection, sql, [], |row| value::timestamp(row, "received_at"))?;
    Ok(Backlog { rows, dead, oldest: oldest.into_iter().next() })
}

pub(super) fn dead(connection: &Connection) -> Result<Vec<DeadRow>, Error> {
    let sql = "/* read::dead */ SELECT message.event_id, message.referral_id, message.revision,
        message.compartment, message.kind, message.attempts, message.reason, referral.provider
        FROM message JOIN referral ON referral.referral_id = message.referral_id
        WHERE message.state <> 1 AND message.state = 2 ORDER BY message.number";
    collect(connection, sql, [], |row| {
        Ok(DeadRow {
            event_id: value::uuid(row, "event_id")?,
            referral_id: value::uuid(row, "referral_id")?,
            revision: row.get("revision").map_err(failed)?,
            compartment: value::compartment(row)?,
            kind: row.get("kind").map_err(failed)?,
            provider: row.get("provider").map_err(failed)?,
            attempts: row.get("attempts").map_err(failed)?,
            reason: row.get::<_, Option<String>>("reason").map_err(failed)?.unwrap_or_default(),
        })
    })
}

pub(super) fn day(
    connection: &Connection,
    force: ForceCode,
    test: bool,
    day: jiff::civil::Date,
) -> Result<Day, Error> {
    let key = params![day.to_string(), force.0, test];
    let sql = "/* read::day */ SELECT referral_id, revision, NOT EXISTS (
            SELECT 1 FROM message WHERE message.referral_id = revision.referral_id
            AND message.revision = revision.revision AND message.state <> 1) AS confirmed
        FROM revision WHERE received_day = ? AND force = ? AND test_data = ? ORDER BY number";
    let revisions = collect(connection, sql, key, |row| {
        let revision = row.get("revision").map_err(failed)?;
        Ok((value::uuid(row, "referral_id")?, revision, row.get("confirmed").map_err(failed)?))
    })?;
    let sql = "/* read::day */ SELECT hold_id, state FROM hold
        WHERE received_day = ? AND force = ? AND test_data = ? ORDER BY number";
    let holds =
        collect(connection, sql, key, |row| Ok((value::uuid(row, "hold_id")?, value::end(row)?)))?;
    let (open, ended): (Vec<_>, Vec<_>) = holds.into_iter().partition(|(_, end)| end.is_none());
    let head = audit_head(connection)?;
    Ok(Day {
        revisions,
        holds_open: open.into_iter().map(|(hold_id, _)| hold_id).collect(),
        holds_ended: ended.into_iter().filter_map(|(id, end)| Some((id, end?))).collect(),
        audit_head: head.map(|head| (head.sequence, crate::vault::hex(&head.mac))),
    })
}

pub(super) fn audit_rows(
    connection: &Connection,
    after: u64,
    limit: usize,
) -> Result<Vec<AuditRow>, Error> {
    let sql = "/* read::audit_rows */ SELECT sequence, fact, mac FROM audit
        WHERE sequence > ? ORDER BY sequence LIMIT ?";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    collect(connection, sql, params![after, limit], |row| {
        Ok(AuditRow {
            sequence: row.get("sequence").map_err(failed)?,
            fact: row.get("fact").map_err(failed)?,
            mac: row.get("mac").map_err(failed)?,
        })
    })
}

pub(super) fn audit_head(connection: &Connection) -> Result<Option<AuditHead>, Error> {
    let sql = "/* read::audit_head */ SELECT sequence, mac, seal FROM audit_head WHERE one = 1";
    connection
        .prepare_cached(sql)
        .and_then(|mut it| {
            it.query_row([], |row| {
                Ok(AuditHead { sequence: row.get(0)?, mac: row.get(1)?, seal: row.get(2)? })
            })
            .optional()
        })
        .map_err(failed)
}

pub(super) fn plan_versions(connection: &Connection) -> Result<Vec<PlanVersion>, Error> {
    let sql = "/* read::plan_versions */ SELECT * FROM plan_version AS this WHERE version =
        (SELECT max(version) FROM plan_version WHERE force = this.force AND name = this.name)
        ORDER BY force, name";
    collect(connection, sql, [], |row| {
        Ok(PlanVersion {
            force: ForceCode(row.get("force").map_err(failed)?),
            name: row.get("name").map_err(failed)?,
            version: row.get("version").map_err(failed)?,
            sha256: row.get("sha256").map_err(failed)?,
            text: row.get("text").map_err(failed)?,
            by: row.get("by_whom").map_err(failed)?,
            at: value::timestamp(row, "activated_at")?,
            because: row.get("because").map_err(failed)?,
        })
    })
}
