//! Referrals with their revisions, and the keys that their answers are bound to.

use cara_domain::Compartment;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use uuid::Uuid;

use super::Sqlite;
use super::column::{Columns, MESSAGES_MAX, from_action, from_day, from_time};
use super::readers::in_snapshot;
use super::transaction::{Added, StepFailure, Transaction, unique};
use cara_clock::london_day;
use cara_store::{
    BoundKey, Digest, Error, ForceNumber, KeptPlace, KeptRaw, KeyIndex, Known, KnownReferral,
    KnownRevision, NewRevision, RecordIndex, ReferralRow, RevisionRow, RowId,
};

impl cara_store::Referrals for Sqlite {
    fn look(&self, force: ForceNumber, record: RecordIndex) -> BoxFuture<'_, Result<Known, Error>> {
        self.read(move |connection| {
            in_snapshot(connection, |connection| look(connection, force, record))
        })
        .boxed()
    }

    fn bound_key(
        &self,
        force: ForceNumber,
        key: KeyIndex,
    ) -> BoxFuture<'_, Result<Option<BoundKey>, Error>> {
        self.read(move |connection| bound_key(connection, force, key)).boxed()
    }

    fn referral(&self, referral_id: Uuid) -> BoxFuture<'_, Result<Option<ReferralRow>, Error>> {
        self.read(move |connection| {
            in_snapshot(connection, |connection| referral(connection, referral_id))
        })
        .boxed()
    }

    fn kept_raws(
        &self,
        force: ForceNumber,
        mapping: String,
        before: Option<KeptPlace>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<KeptRaw>, Error>> {
        self.read(move |connection| kept_raws(connection, force, &mapping, before, limit)).boxed()
    }

    fn kept_count(
        &self,
        force: ForceNumber,
        mapping: String,
        at_most: usize,
    ) -> BoxFuture<'_, Result<u64, Error>> {
        self.read(move |connection| kept_count(connection, force, &mapping, at_most)).boxed()
    }
}

pub(crate) fn look(
    connection: &Connection,
    force: ForceNumber,
    record: RecordIndex,
) -> rusqlite::Result<Known> {
    let mut select = connection.prepare_cached(
        "/* referral::look */ SELECT referral_row, referral_id, provider, person, epoch, raw_key, \
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
        "/* referral::known_revisions */ SELECT revision, action, contact_agreed, extracted_at, flags, \
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
    force: ForceNumber,
    key: KeyIndex,
) -> rusqlite::Result<Option<BoundKey>> {
    let mut select = connection.prepare_cached(
        "/* referral::bound_key */ SELECT body, answer, at FROM bound_key \
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
        "/* referral::referral */ SELECT referral_row, force, provider, test_data, epoch, raw_key, \
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
        "/* referral::referral */ SELECT revision_row, revision, action, flags, mapping_name, \
         mapping_version, mapping_sha256, received_at, deadline, raw, police FROM revision \
         WHERE referral_row = ?1 ORDER BY revision",
    )?;
    let mut rows = select.query([referral_row])?;
    while let Some(row) = rows.next()? {
        referral.revisions.push(revision(connection, row)?);
    }
    let mut select = connection.prepare_cached(
        "/* referral::referral */ SELECT message_row FROM message WHERE referral_row = ?1 \
         ORDER BY message_row",
    )?;
    let mut rows = select.query([referral_row])?;
    while let Some(row) = rows.next()? {
        referral.messages.extend(super::outbox::messages(connection, row.get(0)?)?);
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
        messages: super::outbox::messages(connection, row.get("revision_row")?)?,
    })
}

pub(crate) fn kept_raws(
    connection: &Connection,
    force: ForceNumber,
    mapping: &str,
    before: Option<KeptPlace>,
    limit: usize,
) -> rusqlite::Result<Vec<KeptRaw>> {
    // The index holds the rows of a day in order, so nothing is sorted.
    let mut select = connection.prepare_cached(
        "/* referral::kept_raws */ SELECT f.referral_id, f.epoch, f.raw_key, f.offender_key, \
         f.victim_key, r.revision_row, r.received_day, r.received_at, r.revision, r.raw \
         FROM revision AS r CROSS JOIN referral AS f \
         ON f.referral_row = r.referral_row WHERE r.force = ?1 AND r.received_day <= ?3 \
         AND (r.received_day < ?3 OR r.revision_row < ?4) AND r.mapping_name = ?2 \
         AND r.raw IS NOT NULL ORDER BY r.received_day DESC, r.revision_row DESC LIMIT ?5",
    )?;
    let (day, place) = before.map_or((i64::MAX, i64::MAX), |before| {
        (from_day(before.received_day), before.revision_row.number())
    });
    let bound = params![force.0, mapping, day, place, limit as i64];
    let rows = select.query_map(bound, |row| {
        let columns = Columns(row);
        Ok(KeptRaw {
            place: KeptPlace {
                received_day: columns.day("received_day")?,
                revision_row: RowId::of(row.get("revision_row")?),
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

pub(crate) fn kept_count(
    connection: &Connection,
    force: ForceNumber,
    mapping: &str,
    at_most: usize,
) -> rusqlite::Result<u64> {
    let mut select = connection.prepare_cached(
        "/* referral::kept_count */ SELECT (SELECT count(*) FROM (SELECT 1 FROM revision \
         WHERE force = ?1 AND mapping_name = ?2 AND raw IS NOT NULL LIMIT ?3)) \
         + (SELECT count(*) FROM (SELECT 1 FROM hold WHERE ended IS NULL AND force = ?1 \
         AND mapping_name = ?2 LIMIT ?3)) AS count",
    )?;
    let count = select
        .query_row(params![force.0, mapping, at_most as i64], |row| row.get::<_, i64>("count"))?;
    Ok(count as u64)
}

impl Transaction<'_> {
    pub fn revision(&self, revision: &NewRevision, flags: &str) -> Result<Added, StepFailure> {
        if revision.messages.len() > MESSAGES_MAX {
            return Err(StepFailure::Impossible("a revision has more than eight messages"));
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
                return Err(StepFailure::Impossible("a message has no body in its revision"));
            }
            self.insert_message(referral_row, revision_row * MESSAGES_MAX as i64 + place, message)?;
        }
        self.caused(referral_row, &revision.caused)?;
        let messages = revision.messages.len() + revision.caused.len();
        Ok(Added { revision_row, messages: messages as u64 })
    }

    fn insert_referral(&self, revision: &NewRevision) -> Result<i64, StepFailure> {
        let Some(keys) = &revision.keys else {
            return Err(StepFailure::Impossible("revision 1 brings no keys"));
        };
        let mut insert = self.connection.prepare_cached(
            "/* referral::insert_referral */ INSERT INTO referral (referral_id, force, record_index, \
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
    fn advance_referral(&self, revision: &NewRevision) -> Result<i64, StepFailure> {
        let mut update = self.connection.prepare_cached(
            "/* referral::advance_referral */ UPDATE referral SET latest_revision = ?1 \
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
            None => return Err(StepFailure::Conflict),
        };
        // An UPDATE with RETURNING has ended only when its rows have.
        if rows.next()?.is_some() {
            return Err(StepFailure::Impossible("two referrals have one id"));
        }
        Ok(referral_row)
    }

    fn insert_revision(
        &self,
        referral_row: i64,
        revision: &NewRevision,
        flags: &str,
    ) -> Result<i64, StepFailure> {
        let mut insert = self.connection.prepare_cached(
            "/* referral::insert_revision */ INSERT INTO revision (revision_row, referral_row, revision, force, \
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

    pub fn bind_key(&self, key: &BoundKey) -> Result<(), StepFailure> {
        let mut insert = self.connection.prepare_cached(
            "/* referral::bind_key */ INSERT INTO bound_key (force, key_index, body, answer, at) \
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        let bound = params![key.force.0, key.key.0, key.body.0, key.answer, from_time(key.at)];
        unique(insert.execute(bound)).map(drop)
    }
}
