//! Reads of records, referrals, holds, days, keys, plans and the audit chain.

use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use uuid::Uuid;

use super::column::{Columns, from_day};
use cara_store::{
    AuditHead, AuditRow, BoundKey, Day, Digest, ForceCode, KeyIndex, Known, KnownReferral,
    KnownRevision, MessageState, RecordIndex, ReferralRow, RevisionRow,
};

/// Several reads of one state of the file.
pub(crate) fn in_snapshot<T>(
    connection: &Connection,
    read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let transaction = connection.unchecked_transaction()?;
    let answer = read(&transaction)?;
    transaction.commit()?;
    Ok(answer)
}

pub(crate) fn look(
    connection: &Connection,
    force: ForceCode,
    record: RecordIndex,
) -> rusqlite::Result<Known> {
    let mut select = connection.prepare_cached(
        "/* read::look */ SELECT referral_row, referral_id, provider, person, epoch, raw_key, \
         offender_key, victim_key FROM referral WHERE force = ?1 AND record_index = ?2",
    )?;
    let referral = select
        .query_row(params![force.0, record.0], |row| {
            let columns = Columns(row);
            Ok((
                row.get::<_, i64>("referral_row")?,
                KnownReferral {
                    referral_id: columns.id("referral_id")?,
                    provider: row.get("provider")?,
                    keys: columns.keys()?,
                    person: columns.digest("person")?,
                    revisions: Vec::new(),
                },
            ))
        })
        .optional()?;
    let referral = match referral {
        Some((referral_row, referral)) => Some(KnownReferral {
            revisions: known_revisions(connection, referral_row)?,
            ..referral
        }),
        None => None,
    };
    Ok(Known { referral, open_holds: super::hold::open_of(connection, record)? })
}

fn known_revisions(
    connection: &Connection,
    referral_row: i64,
) -> rusqlite::Result<Vec<KnownRevision>> {
    let mut select = connection.prepare_cached(
        "/* read::known_revisions */ SELECT revision, action, contact_agreed, extracted_at, flags, \
         content, offender_content, victim_content, message_ref, held_bytes FROM revision \
         WHERE referral_row = ?1 ORDER BY revision",
    )?;
    let rows = select.query_map([referral_row], |row| {
        let columns = Columns(row);
        Ok(KnownRevision {
            revision: row.get("revision")?,
            action: columns.action()?,
            content: columns.digest("content")?,
            offender_content: columns.digest("offender_content")?,
            victim_content: columns.digest("victim_content")?,
            message_ref: columns.optional_array("message_ref")?.map(Digest),
            held_bytes: columns.optional_array("held_bytes")?.map(Digest),
            extracted_at: columns.optional_time("extracted_at")?,
            contact_agreed: row.get("contact_agreed")?,
            flags: columns.causes("flags")?,
        })
    })?;
    rows.collect()
}

pub(crate) fn bound_key(
    connection: &Connection,
    force: ForceCode,
    key: KeyIndex,
) -> rusqlite::Result<Option<BoundKey>> {
    let mut select = connection.prepare_cached(
        "/* read::bound_key */ SELECT body, answer, at FROM bound_key \
         WHERE force = ?1 AND key_index = ?2",
    )?;
    select
        .query_row(params![force.0, key.0], |row| {
            let columns = Columns(row);
            let body = columns.digest("body")?;
            Ok(BoundKey { force, key, body, answer: row.get("answer")?, at: columns.time("at")? })
        })
        .optional()
}

pub(crate) fn referral(
    connection: &Connection,
    referral_id: Uuid,
) -> rusqlite::Result<Option<ReferralRow>> {
    let mut select = connection.prepare_cached(
        "/* read::referral */ SELECT referral_row, force, provider, test_data, epoch, raw_key, \
         offender_key, victim_key FROM referral WHERE referral_id = ?1",
    )?;
    let found = select
        .query_row([referral_id.as_bytes()], |row| {
            let columns = Columns(row);
            let referral = ReferralRow {
                referral_id,
                force: columns.force()?,
                provider: row.get("provider")?,
                test_data: row.get("test_data")?,
                keys: columns.keys()?,
                revisions: Vec::new(),
                standing: None,
                notices: Vec::new(),
                messages: Vec::new(),
            };
            Ok((row.get::<_, i64>("referral_row")?, referral))
        })
        .optional()?;
    let Some((referral_row, mut referral)) = found else { return Ok(None) };
    let mut select = connection.prepare_cached(
        "/* read::referral */ SELECT revision_row, revision, action, flags, mapping_name, \
         mapping_version, mapping_sha256, received_at, deadline, raw, police FROM revision \
         WHERE referral_row = ?1 ORDER BY revision",
    )?;
    let mut rows = select.query([referral_row])?;
    while let Some(row) = rows.next()? {
        referral.revisions.push(revision(connection, row)?);
    }
    let mut select = connection.prepare_cached(
        "/* read::referral */ SELECT message_row FROM message WHERE referral_row = ?1 \
         ORDER BY message_row",
    )?;
    let mut rows = select.query([referral_row])?;
    while let Some(row) = rows.next()? {
        referral.messages.extend(messages(connection, row.get(0)?)?);
    }
    (referral.standing, referral.notices) = super::case::standing(connection, referral_row)?;
    Ok(Some(referral))
}

fn revision(connection: &Connection, row: &Row<'_>) -> rusqlite::Result<RevisionRow> {
    let columns = Columns(row);
    Ok(RevisionRow {
        revision: row.get("revision")?,
        action: columns.action()?,
        flags: columns.causes("flags")?,
        mapping: columns.mapping()?,
        received_at: columns.time("received_at")?,
        deadline: columns.optional_date("deadline")?,
        raw: columns.optional_sealed("raw")?,
        police: columns.sealed("police")?,
        messages: messages(connection, row.get("revision_row")?)?,
    })
}

/// A revision's messages in their order: those sent and those in the outbox.
pub(super) fn messages(
    connection: &Connection,
    revision_row: i64,
) -> rusqlite::Result<Vec<MessageState>> {
    let mut select = connection.prepare_cached(
        "/* read::messages */ SELECT sent_row AS place, event_id, compartment, kind, confirmed_at \
         FROM sent WHERE sent_row BETWEEN ?1 * 8 AND ?1 * 8 + 7 UNION ALL \
         SELECT outbox_row, event_id, compartment, kind, NULL FROM outbox \
         WHERE outbox_row BETWEEN ?1 * 8 AND ?1 * 8 + 7 ORDER BY place",
    )?;
    let rows = select.query_map([revision_row], |row| {
        let columns = Columns(row);
        Ok(MessageState {
            event_id: columns.id("event_id")?,
            compartment: columns.compartment()?,
            kind: row.get("kind")?,
            confirmed_at: columns.optional_time("confirmed_at")?,
        })
    })?;
    rows.collect()
}

pub(crate) fn day(
    connection: &Connection,
    force: ForceCode,
    test: bool,
    date: Date,
) -> rusqlite::Result<Day> {
    let mut day = Day::default();
    let mut select = connection.prepare_cached(
        "/* read::day */ SELECT f.referral_id, r.revision, NOT EXISTS (SELECT 1 FROM outbox AS o \
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
    day.notices = super::case::notices_of_day(connection, force, test, date)?;
    let mut select = connection.prepare_cached(
        "/* read::day */ SELECT sequence, lower(hex(mac)) AS mac FROM audit WHERE sequence = \
         (SELECT sequence FROM audit_day WHERE day <= ?1 ORDER BY day DESC LIMIT 1)",
    )?;
    day.audit_head = select
        .query_row([from_day(date)], |row| {
            Ok((row.get::<_, i64>("sequence")? as u64, row.get("mac")?))
        })
        .optional()?;
    Ok(day)
}

pub(crate) fn audit_rows(
    connection: &Connection,
    after: u64,
    limit: usize,
) -> rusqlite::Result<Vec<AuditRow>> {
    let mut select = connection.prepare_cached(
        "/* read::audit_rows */ SELECT sequence, mac, fact FROM audit WHERE sequence > ?1 \
         ORDER BY sequence LIMIT ?2",
    )?;
    let rows = select.query_map(params![after as i64, limit as i64], |row| {
        Ok(AuditRow {
            sequence: row.get::<_, i64>("sequence")? as u64,
            fact: row.get("fact")?,
            mac: Columns(row).array("mac")?,
        })
    })?;
    rows.collect()
}

pub(crate) fn audit_head(connection: &Connection) -> rusqlite::Result<Option<AuditHead>> {
    let mut select = connection
        .prepare_cached("/* read::audit_head */ SELECT sequence, mac, seal FROM audit_head")?;
    let read = |row: &Row<'_>| {
        let columns = Columns(row);
        Ok(AuditHead {
            sequence: row.get::<_, i64>("sequence")? as u64,
            mac: columns.array("mac")?,
            seal: columns.array("seal")?,
        })
    };
    select.query_row([], read).optional()
}
