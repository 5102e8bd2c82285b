//! What the writer does inside its transaction. Every UPDATE names the state that it expects and
//! its count of changed rows is looked at; who was first is told by a unique constraint.

use rusqlite::{Connection, ErrorCode, named_params, params};
use uuid::Uuid;

use super::super::{
    BoundKey, Compartment, Entry, Error, Fact, HoldEnd, LeasedBody, NewHold, NewRevision,
    PlanVersion, RecordIndex, Refused, Settled, What,
};
use super::{failed, value};
use crate::clock::london_day;
use crate::vault::Vault;

/// The id that the receipt names, and whether there is something to publish.
type Written = (Uuid, bool);

/// Roughly what an entry adds to the file, in bytes.
pub(super) fn bytes(entry: &Entry) -> usize {
    match &entry.what {
        What::Revision(row) => {
            let raw = row.raw.as_ref().map_or(0, |sealed| sealed.as_bytes().len());
            let offender = row.offender_event.as_ref().map_or(0, |it| it.as_bytes().len());
            raw + offender + row.police.as_bytes().len() + 2 * row.victim.as_bytes().len()
        }
        What::Hold(row) => row.raw.as_bytes().len(),
        _ => 0,
    }
}

/// Writes one entry in a savepoint of its own. Its facts join `facts` only if it was written.
pub(super) fn write(
    connection: &Connection,
    entry: Entry,
    facts: &mut Vec<Fact>,
) -> Result<Result<Written, Refused>, Error> {
    run(connection, "SAVEPOINT entry")?;
    match write_rows(connection, &entry) {
        Ok(written) => {
            run(connection, "RELEASE entry")?;
            facts.extend(entry.audit);
            Ok(Ok(written))
        }
        Err(Stop::Conflict) => {
            run(connection, "ROLLBACK TO entry")?;
            run(connection, "RELEASE entry")?;
            Ok(Err(Refused::Conflict))
        }
        Err(Stop::Failed(error)) => Err(error),
    }
}

/// Why an entry's rows were not written.
enum Stop {
    /// Somebody else was first.
    Conflict,
    /// The whole transaction is in doubt.
    Failed(Error),
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation) => Stop::Conflict,
            _ => Stop::Failed(failed(error)),
        }
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Failed(error)
    }
}

fn run(connection: &Connection, sql: &str) -> Result<(), Error> {
    connection.prepare_cached(sql).and_then(|mut it| it.execute([])).map_err(failed)?;
    Ok(())
}

fn write_rows(connection: &Connection, entry: &Entry) -> Result<Written, Stop> {
    if let Some(hold_id) = entry.release_hold {
        let at = match &entry.what {
            What::Revision(row) => row.received_at,
            What::EndHold { at, .. } => *at,
            _ => return Err(Stop::Conflict),
        };
        end_hold(connection, hold_id, HoldEnd::Released, at)?;
    }
    let written = match &entry.what {
        What::Revision(row) => {
            revision(connection, row)?;
            (row.referral_id, !row.messages.is_empty())
        }
        What::Hold(row) => {
            hold(connection, row)?;
            (row.hold_id, false)
        }
        What::EndHold { hold_id, end, at } => {
            end_hold(connection, *hold_id, *end, *at)?;
            (*hold_id, false)
        }
        What::BindKey(bound) => {
            bind_key(connection, bound)?;
            (Uuid::nil(), false)
        }
        What::Nothing { entry_id } => (*entry_id, false),
    };
    if let Some((record, end)) = entry.close_holds {
        close_holds(connection, record, end, entry)?;
    }
    Ok(written)
}

fn revision(connection: &Connection, row: &NewRevision) -> Result<(), Stop> {
    match (row.revision, &row.keys) {
        (1, Some(keys)) => {
            let sql = "/* entry::revision */ INSERT INTO referral (referral_id, force, provider,
                record_index, person, test_data, epoch, key_raw, key_offender, key_victim)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
            connection.prepare_cached(sql)?.execute(params![
                row.referral_id.as_bytes(),
                row.force.0,
                row.provider,
                row.record.0,
                row.person.0,
                row.test_data,
                keys.epoch,
                keys.raw,
                keys.offender,
                keys.victim,
            ])?;
        }
        (1, None) => {
            return Err(Stop::Failed(Error::Inconsistent {
                table: "referral",
                what: "a first revision came without keys",
            }));
        }
        (next, _) => {
            let sql = "/* entry::revision */ SELECT max(revision) FROM revision
                WHERE referral_id = ?";
            let latest: Option<u32> = connection
                .prepare_cached(sql)?
                .query_row([row.referral_id.as_bytes()], |row| row.get(0))?;
            if latest != Some(next - 1) {
                return Err(Stop::Conflict);
            }
        }
    }
    insert_revision(connection, row)?;
    for message in &row.messages {
        let sql = "/* entry::revision */ INSERT INTO message
            (event_id, referral_id, revision, compartment, kind, after_id)
            VALUES (?, ?, ?, ?, ?, ?)";
        connection.prepare_cached(sql)?.execute(params![
            message.event_id.as_bytes(),
            row.referral_id.as_bytes(),
            row.revision,
            value::compartment_number(message.compartment),
            message.kind,
            message.after.map(Uuid::into_bytes),
        ])?;
    }
    Ok(())
}

fn insert_revision(connection: &Connection, row: &NewRevision) -> Result<(), Stop> {
    let sql = "/* entry::insert_revision */ INSERT INTO revision (referral_id, revision, force,
        test_data, action, content, offender_content, victim_content, message_ref, extracted_at,
        contact_agreed, deadline, flags, mapping_name, mapping_version, mapping_sha256,
        received_at, received_day, raw, offender_event, victim_event, police, victim)
        VALUES (:referral_id, :revision, :force, :test_data, :action, :content,
        :offender_content, :victim_content, :message_ref, :extracted_at, :contact_agreed,
        :deadline, :flags, :mapping_name, :mapping_version, :mapping_sha256, :received_at,
        :received_day, :raw, :offender_event, :victim_event, :police, :victim)";
    connection.prepare_cached(sql)?.execute(named_params! {
        ":referral_id": row.referral_id.as_bytes(),
        ":revision": row.revision,
        ":force": row.force.0,
        ":test_data": row.test_data,
        ":action": value::action_text(row.action),
        ":content": row.content.0,
        ":offender_content": row.offender_content.0,
        ":victim_content": row.victim_content.0,
        ":message_ref": row.message_ref.map(|digest| digest.0),
        ":extracted_at": row.extracted_at.map(value::micros),
        ":contact_agreed": row.contact_agreed,
        ":deadline": row.deadline.map(|date| date.to_string()),
        ":flags": value::causes_text(&row.flags),
        ":mapping_name": row.mapping.name,
        ":mapping_version": row.mapping.version,
        ":mapping_sha256": row.mapping.sha256,
        ":received_at": value::micros(row.received_at),
        ":received_day": london_day(row.received_at).to_string(),
        ":raw": row.raw.as_ref().map(|sealed| sealed.as_bytes()),
        ":offender_event": row.offender_event.as_ref().map(|sealed| sealed.as_bytes()),
        ":victim_event": row.victim_event.as_ref().map(|sealed| sealed.as_bytes()),
        ":police": row.police.as_bytes(),
        ":victim": row.victim.as_bytes(),
    })?;
    Ok(())
}

fn hold(connection: &Connection, row: &NewHold) -> Result<(), Stop> {
    let sql = "/* entry::hold */ INSERT INTO hold (hold_id, force, test_data, record_index, bytes,
        causes, mapping_name, mapping_version, mapping_sha256, received_at, received_day, epoch,
        key_raw, key_offender, key_victim, raw, media_type, unlisted)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    connection.prepare_cached(sql)?.execute(params![
        row.hold_id.as_bytes(),
        row.force.0,
        row.test_data,
        row.record.map(|record| record.0),
        row.bytes.0,
        value::causes_text(&row.causes),
        row.mapping.name,
        row.mapping.version,
        row.mapping.sha256,
        value::micros(row.received_at),
        london_day(row.received_at).to_string(),
        row.keys.epoch,
        row.keys.raw,
        row.keys.offender,
        row.keys.victim,
        row.raw.as_bytes(),
        row.media_type,
        row.unlisted.as_ref().map(|sealed| sealed.as_bytes()),
    ])?;
    Ok(())
}

fn end_hold(
    connection: &Connection,
    hold_id: Uuid,
    end: HoldEnd,
    at: jiff::Timestamp,
) -> Result<(), Stop> {
    let sql = "/* entry::end_hold */ UPDATE hold SET state = ?, ended_at = ?
        WHERE hold_id = ? AND state = 'open'";
    let changed = connection.prepare_cached(sql)?.execute(params![
        value::end_text(end),
        value::micros(at),
        hold_id.as_bytes(),
    ])?;
    if changed == 1 { Ok(()) } else { Err(Stop::Conflict) }
}

fn close_holds(
    connection: &Connection,
    record: RecordIndex,
    end: HoldEnd,
    entry: &Entry,
) -> Result<(), Stop> {
    let at = entry.audit.first().map_or(0, |fact| value::micros(fact.at));
    let sql = "/* entry::close_holds */ UPDATE hold SET state = ?, ended_at = ?
        WHERE record_index = ? AND state = 'open'";
    connection.prepare_cached(sql)?.execute(params![value::end_text(end), at, record.0])?;
    Ok(())
}

fn bind_key(connection: &Connection, bound: &BoundKey) -> Result<(), Stop> {
    let sql = "/* entry::bind_key */ INSERT INTO idempotency
        (key_index, force, body, answer, bound_at) VALUES (?, ?, ?, ?, ?)";
    connection.prepare_cached(sql)?.execute(params![
        bound.key.0,
        bound.force.0,
        bound.body.0,
        bound.answer,
        value::micros(bound.at),
    ])?;
    Ok(())
}

/// Ends work on message rows; whether each was still waiting.
pub(super) fn settle(
    connection: &Connection,
    rows: Vec<(i64, Settled)>,
    facts: &mut Vec<Fact>,
) -> Result<Vec<bool>, Error> {
    let mut answers = Vec::with_capacity(rows.len());
    for (number, settled) in rows {
        let changed = match settled {
            Settled::Done { at, disclosure } => {
                let sql = "/* entry::settle */ UPDATE message
                    SET state = 1, confirmed_at = ?, reason = NULL WHERE number = ? AND state = 0";
                let changed = execute(connection, sql, params![value::micros(at), number])?;
                if changed == 1 {
                    facts.push(*disclosure);
                }
                changed
            }
            Settled::Retry { not_before, reason } => {
                let sql = "/* entry::settle */ UPDATE message SET attempts = attempts + 1,
                    not_before = ?, reason = ? WHERE number = ? AND state = 0";
                execute(connection, sql, params![value::micros(not_before), reason, number])?
            }
            Settled::Dead { reason } => {
                let sql = "/* entry::settle */ UPDATE message SET state = 2,
                    attempts = attempts + 1, reason = ? WHERE number = ? AND state = 0";
                execute(connection, sql, params![reason, number])?
            }
        };
        answers.push(changed == 1);
    }
    Ok(answers)
}

pub(super) fn revive(connection: &Connection, event_id: Uuid) -> Result<bool, Error> {
    let sql = "/* entry::revive */ UPDATE message SET state = 0, not_before = 0, reason = NULL
        WHERE event_id = ? AND state = 2";
    Ok(execute(connection, sql, params![event_id.as_bytes()])? == 1)
}

pub(super) fn plan_version(
    connection: &Connection,
    version: &PlanVersion,
) -> Result<Result<(), Refused>, Error> {
    let sql = "/* entry::plan_version */ INSERT INTO plan_version
        (force, name, version, sha256, text, by_whom, activated_at, because)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    let inserted = connection.prepare_cached(sql).map_err(failed)?.execute(params![
        version.force.0,
        version.name,
        version.version,
        version.sha256,
        version.text,
        version.by,
        value::micros(version.at),
        version.because,
    ]);
    match inserted {
        Ok(_) => Ok(Ok(())),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
            Ok(Err(Refused::Conflict))
        }
        Err(error) => Err(failed(error)),
    }
}

/// A real write that harms nothing.
pub(super) fn probe(connection: &Connection) -> Result<(), Error> {
    execute(connection, "/* entry::probe */ UPDATE probe SET count = count + 1 WHERE one = 1", [])?;
    Ok(())
}

/// Appends facts to the chain; its head is read in the same transaction.
pub(super) fn chain(connection: &Connection, vault: &Vault, facts: &[Fact]) -> Result<(), Error> {
    if facts.is_empty() {
        return Ok(());
    }
    let (mut sequence, mut last) = match super::read::audit_head(connection)? {
        Some(head) => (head.sequence, head.mac),
        None => (0, [0; 32]),
    };
    let sql = "/* entry::chain */ INSERT INTO audit (sequence, fact, mac) VALUES (?, ?, ?)";
    let mut insert = connection.prepare_cached(sql).map_err(failed)?;
    for fact in facts {
        let Ok(text) = serde_json::to_string(fact) else {
            unreachable!("a fact has only text keys")
        };
        sequence += 1;
        last = vault.audit_mac(&last, sequence, &text);
        insert.execute(params![sequence, text, last]).map_err(failed)?;
    }
    let seal = vault.audit_head_mac(sequence, &last);
    let sql = "/* entry::chain */ INSERT INTO audit_head (one, sequence, mac, seal)
        VALUES (1, ?1, ?2, ?3)
        ON CONFLICT (one) DO UPDATE SET sequence = ?1, mac = ?2, seal = ?3";
    execute(connection, sql, params![sequence, last, seal])?;
    Ok(())
}

fn execute(
    connection: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
) -> Result<usize, Error> {
    connection.prepare_cached(sql).and_then(|mut it| it.execute(parameters)).map_err(failed)
}

/// The sealed body that a message of this compartment publishes.
pub(super) fn body(
    compartment: Compartment,
    offender: Option<Vec<u8>>,
    victim: Option<Vec<u8>>,
) -> Result<LeasedBody, Error> {
    use crate::vault::Sealed;
    let missing =
        || Error::Inconsistent { table: "revision", what: "a message has no sealed event" };
    match compartment {
        Compartment::Offender => {
            offender.map(|it| LeasedBody::Offender(Sealed::from_stored(it))).ok_or_else(missing)
        }
        Compartment::Victim => {
            victim.map(|it| LeasedBody::Victim(Sealed::from_stored(it))).ok_or_else(missing)
        }
    }
}
