//! The statements behind each kind of entry. Everything here runs inside one savepoint.

use cara_domain::Compartment;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use uuid::Uuid;

use super::column::{from_action, from_compartment, from_day, from_time};
use super::step::{Outcome, Prepared};
use cara_clock::london_day;
use cara_store::audit::End;
use cara_store::{About, BoundKey, NewMessage, NewRevision, PlanVersion, What};
use cara_vault::Vault;

/// Places for messages in one revision: outbox_row = revision_row * 8 + place.
pub(crate) const MESSAGES_MAX: usize = 8;

/// Why a step was not carried out.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The state is not the one that the step names.
    Conflict,
    /// The caller gave what no caller may give; a fault of ours.
    Impossible(&'static str),
    Backend(rusqlite::Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Failure::Backend(error)
    }
}

/// One transaction: what every step needs, and what it changes besides the tables.
pub(crate) struct Transaction<'w> {
    pub connection: &'w Connection,
    pub vault: &'w Vault,
    pub now: Timestamp,
    /// The audit chain's end as far as this transaction has written it.
    pub end: End,
}

impl Transaction<'_> {
    /// Carries out one entry; says how many outbox rows it added and from which revision row.
    pub fn entry(&mut self, prepared: &Prepared) -> Result<(Outcome, Option<Added>), Failure> {
        let entry = &prepared.entry;
        let mut added = None;
        if let Some((About::Hold(hold_id), notice)) = &entry.notice {
            self.hold_notice(*hold_id, notice)?;
        }
        if let Some((hold_id, end)) = entry.clear_hold {
            self.end_hold(hold_id, end, self.now)?;
        }
        let entry_id = match &entry.what {
            What::Revision(revision) => {
                added = Some(self.revision(revision, &prepared.causes)?);
                revision.referral_id
            }
            What::Hold(hold) => {
                self.hold(hold, &prepared.causes)?;
                hold.hold_id
            }
            What::EndHold { hold_id, end, at } => {
                self.end_hold(*hold_id, *end, *at)?;
                *hold_id
            }
            What::Outcome(outcome) => {
                added = self.outcome(outcome)?;
                outcome.outcome_id
            }
            What::Decision(decision) => {
                added = self.decision(decision)?;
                decision.decision_id
            }
            What::TakeOver { notice_id, at } => {
                self.take_over(*notice_id, *at)?;
                *notice_id
            }
            What::Tend(tend) => {
                self.tend(tend)?;
                Uuid::nil()
            }
            What::BindKey(key) => {
                self.bind_key(key)?;
                Uuid::nil()
            }
            What::Nothing { entry_id } => *entry_id,
        };
        if let Some((About::Referral(referral_id), notice)) = &entry.notice {
            self.notice(self.referral_row(*referral_id)?, notice)?;
        }
        self.facts(&prepared.facts)?;
        if let Some((record, end)) = entry.close_holds {
            let by = entry.audit.first().map_or("gateway", |fact| fact.by.as_str());
            self.close_holds((record, end), entry_id, by)?;
        }
        Ok((Outcome::Written { entry_id }, added))
    }

    fn revision(&self, revision: &NewRevision, flags: &str) -> Result<Added, Failure> {
        if revision.messages.len() > MESSAGES_MAX {
            return Err(Failure::Impossible("a revision has more than eight messages"));
        }
        let referral_row = if revision.revision == 1 {
            self.insert_referral(revision)?
        } else {
            self.advance_referral(revision)?
        };
        let revision_row = self.insert_revision(referral_row, revision, flags)?;
        for (place, message) in (0..).zip(&revision.messages) {
            let body_is_there = match message.compartment {
                Compartment::Offender => revision.offender_event.is_some(),
                Compartment::Victim => revision.victim_event.is_some(),
            };
            if !body_is_there {
                return Err(Failure::Impossible("a message has no body in its revision"));
            }
            self.insert_message(referral_row, revision_row * MESSAGES_MAX as i64 + place, message)?;
        }
        self.caused(referral_row, &revision.caused)?;
        let messages = revision.messages.len() + revision.caused.len();
        Ok(Added { revision_row, messages: messages as u64 })
    }

    fn insert_referral(&self, revision: &NewRevision) -> Result<i64, Failure> {
        let Some(keys) = &revision.keys else {
            return Err(Failure::Impossible("revision 1 brings no keys"));
        };
        let mut insert = self.connection.prepare_cached(
            "/* write::insert_referral */ INSERT INTO referral (referral_id, force, record_index, \
             provider, test_data, latest_revision, person, epoch, raw_key, offender_key, \
             victim_key) VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?7, ?8, ?9, ?10)",
        )?;
        let row = insert.insert(params![
            revision.referral_id.as_bytes(),
            revision.force.0,
            revision.record.0,
            revision.provider,
            revision.test_data,
            revision.person.0,
            keys.epoch,
            keys.raw,
            keys.offender,
            keys.victim,
        ]);
        unique(row)
    }

    /// Moves the referral from the revision before this one to this one.
    fn advance_referral(&self, revision: &NewRevision) -> Result<i64, Failure> {
        let mut update = self.connection.prepare_cached(
            "/* write::advance_referral */ UPDATE referral SET latest_revision = ?1 \
             WHERE referral_id = ?2 AND latest_revision = ?1 - 1 AND force = ?3 \
             AND record_index = ?4 AND provider = ?5 RETURNING referral_row",
        )?;
        let mut rows = update.query(params![
            revision.revision,
            revision.referral_id.as_bytes(),
            revision.force.0,
            revision.record.0,
            revision.provider,
        ])?;
        let referral_row = match rows.next()? {
            Some(row) => row.get(0)?,
            None => return Err(Failure::Conflict),
        };
        // An UPDATE with RETURNING has ended only when its rows have.
        if rows.next()?.is_some() {
            return Err(Failure::Impossible("two referrals have one id"));
        }
        Ok(referral_row)
    }

    fn insert_revision(
        &self,
        referral_row: i64,
        revision: &NewRevision,
        flags: &str,
    ) -> Result<i64, Failure> {
        let mut insert = self.connection.prepare_cached(
            "/* write::insert_revision */ INSERT INTO revision (revision_row, referral_row, revision, force, \
             received_day, received_at, action, contact_agreed, extracted_at, deadline, \
             mapping_version, mapping_name, mapping_sha256, flags, content, offender_content, \
             victim_content, message_ref, police, victim, offender_event, victim_event, raw, \
             held_bytes) VALUES (?23, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, \
             ?17, ?18, ?19, ?20, ?21, ?22, ?24)",
        )?;
        let revision_row = self.next_row()?;
        unique(insert.execute(params![
            referral_row,
            revision.revision,
            revision.force.0,
            from_day(london_day(revision.received_at)),
            from_time(revision.received_at),
            from_action(revision.action),
            revision.contact_agreed,
            revision.extracted_at.map(from_time),
            revision.deadline.map(|deadline| deadline.to_string()),
            revision.mapping.version,
            revision.mapping.name,
            revision.mapping.sha256,
            flags,
            revision.content.0,
            revision.offender_content.0,
            revision.victim_content.0,
            revision.message_ref.map(|digest| digest.0),
            revision.police.as_bytes(),
            revision.victim.as_bytes(),
            revision.offender_event.as_ref().map(|event| event.as_bytes()),
            revision.victim_event.as_ref().map(|event| event.as_bytes()),
            revision.raw.as_ref().map(|raw| raw.as_bytes()),
            revision_row,
            revision.held_bytes.map(|digest| digest.0),
        ]))
        .map(|_| revision_row)
    }

    pub(super) fn insert_message(
        &self,
        referral_row: i64,
        outbox_row: i64,
        message: &NewMessage,
    ) -> Result<(), Failure> {
        let mut insert = self.connection.prepare_cached(
            "/* write::insert_message */ INSERT INTO outbox (outbox_row, compartment, attempts, \
             event_id, after, kind, provider, waits_since) VALUES (?1, ?2, 0, ?3, ?4, ?5, \
             (SELECT provider FROM referral WHERE referral_row = ?6), ?7)",
        )?;
        insert.execute(params![
            outbox_row,
            from_compartment(message.compartment),
            message.event_id.as_bytes(),
            message.after.as_ref().map(|event_id| event_id.as_bytes()),
            message.kind,
            referral_row,
            from_time(self.now),
        ])?;
        Ok(())
    }

    fn bind_key(&self, key: &BoundKey) -> Result<(), Failure> {
        let mut insert = self.connection.prepare_cached(
            "/* write::bind_key */ INSERT INTO bound_key (force, key_index, body, answer, at) \
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        let bound = params![key.force.0, key.key.0, key.body.0, key.answer, from_time(key.at)];
        unique(insert.execute(bound)).map(drop)
    }

    pub fn activate(&mut self, version: &PlanVersion, facts: &[String]) -> Result<(), Failure> {
        let mut insert = self.connection.prepare_cached(
            "/* write::activate */ INSERT INTO plan_version (force, name, version, sha256, by, \
             at, because, text) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE ?3 = 1 + coalesce(\
             (SELECT max(version) FROM plan_version WHERE force = ?1 AND name = ?2), 0)",
        )?;
        let inserted = unique(insert.execute(params![
            version.force.0,
            version.name,
            version.version,
            version.sha256,
            version.by,
            from_time(version.at),
            version.because,
            version.text,
        ]))?;
        drop(insert);
        let mut settle = self.connection.prepare_cached(
            "/* write::activate */ DELETE FROM plan_pending WHERE force = ?1 AND name = ?2",
        )?;
        settle.execute(params![version.force.0, version.name])?;
        drop(settle);
        match inserted {
            1 => self.facts(facts),
            _ => Err(Failure::Conflict),
        }
    }

    /// Adds links to the audit chain.
    pub fn facts(&mut self, facts: &[String]) -> Result<(), Failure> {
        let mut insert = self.connection.prepare_cached(
            "/* write::facts */ INSERT INTO audit (sequence, mac, fact) VALUES (?1, ?2, ?3)",
        )?;
        for fact in facts {
            let next = self.end.link(self.vault, fact);
            insert.execute(params![next.sequence as i64, next.mac, fact])?;
            self.end = next;
        }
        Ok(())
    }

    /// Moves the chain's head to where this transaction has brought it.
    pub fn advance_head(&self, before: End) -> Result<(), Failure> {
        if self.end == before {
            return Ok(());
        }
        let head = self.end.seal(self.vault);
        let mut update = self.connection.prepare_cached(
            "/* write::advance_head */ UPDATE audit_head SET sequence = ?1, mac = ?2, seal = ?3 \
             WHERE only = 1 AND sequence = ?4",
        )?;
        let sequence = head.sequence as i64;
        match update.execute(params![sequence, head.mac, head.seal, before.sequence as i64])? {
            1 => {}
            _ => return Err(Failure::Impossible("the audit head moved by itself")),
        }
        let mut day = self.connection.prepare_cached(
            "/* write::advance_head */ INSERT INTO audit_day (day, sequence) VALUES (?1, ?2) \
             ON CONFLICT (day) DO UPDATE SET sequence = excluded.sequence",
        )?;
        day.execute(params![from_day(london_day(self.now)), sequence])?;
        Ok(())
    }
}

/// Outbox rows that an entry added.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Added {
    pub revision_row: i64,
    pub messages: u64,
}

/// The audit chain's end, if its head is sealed with our audit key.
pub(crate) fn read_end(connection: &Connection, vault: &Vault) -> Result<End, Failure> {
    let mut select = connection
        .prepare_cached("/* write::read_end */ SELECT sequence, mac, seal FROM audit_head")?;
    let head = select
        .query_row([], |row| {
            Ok((row.get::<_, i64>(0)? as u64, row.get(1)?, row.get::<_, [u8; 32]>(2)?))
        })
        .optional()?;
    let Some((sequence, mac, seal)) = head else {
        return Err(Failure::Impossible("the audit chain has no head"));
    };
    let end = End { sequence, mac };
    if end.seal(vault).seal != seal {
        return Err(Failure::Impossible("the audit head is not under this gateway's audit key"));
    }
    Ok(end)
}

/// A row that is there already is somebody who was first.
pub(crate) fn unique<T>(written: rusqlite::Result<T>) -> Result<T, Failure> {
    use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};
    written.map_err(|error| match error.sqlite_error() {
        Some(code)
            if matches!(
                code.extended_code,
                SQLITE_CONSTRAINT_UNIQUE | SQLITE_CONSTRAINT_PRIMARYKEY
            ) =>
        {
            Failure::Conflict
        }
        _ => Failure::Backend(error),
    })
}
