//! A read record to the rows that hold it: sealed, serialised and named on the caller's thread, so
//! that the writer only writes.

use cara_domain::choice::Action;
use cara_domain::{Compartment, Validated};
use cara_wire::v1::Prompt;
use cara_wire::{Event, RevisionChange, Stamp};
use uuid::Uuid;

use crate::case_file::{CaseKeys, PoliceColumn};
use crate::outbox::message;
use crate::record::content::Content;
use crate::record::read::Read;
use crate::record::release::{self, HoldRelease};
use crate::{Caller, Failure, Force, Gateway, RecordRefusal, Unfinished};
use cara_store::{
    About, Cause, Digest, Entry, Fact, ForceNumber, HoldEnd, KnownReferral, KnownRevision,
    MappingRef, NewHold, NewMessage, NewNotice, NewRevision, RecordIndex, What,
};
use cara_vault::WrappedKeys;

/// What every row of one submission shares.
pub(crate) struct Arrival<'a> {
    pub caller: &'a Caller,
    pub received_at: jiff::Timestamp,
    pub media_type: &'a str,
}

/// One revision ready to be written, and its number and id for the answer.
pub(crate) struct Revision {
    pub referral_id: Uuid,
    pub number: u32,
    pub flags: Vec<Cause>,
    pub entry: Entry,
}

/// What the first or next revision of a case is made of.
#[derive(Clone, Copy)]
pub(crate) struct NextRevision<'a> {
    pub force: &'a Force,
    pub read: &'a Read,
    pub content: &'a Content,
    /// None: it is the first.
    pub known: Option<&'a KnownReferral>,
    /// An operator let it go on.
    pub release: Option<&'a HoldRelease>,
}

/// The first or next revision of a case.
pub(crate) fn revision(
    gateway: &Gateway,
    arrival: &Arrival<'_>,
    next: NextRevision<'_>,
) -> Result<Revision, Unfinished<RecordRefusal>> {
    let NextRevision { content, known, release, .. } = next;
    let number = known.map_or(1, |known| latest(known).revision + 1);
    let referral_id = known.map_or_else(|| gateway.clock.id(), |known| known.referral_id);
    let (wrapped, keys) = match known {
        None => {
            let (wrapped, keys) = CaseKeys::mint(gateway, referral_id)?;
            (Some(wrapped), keys)
        }
        Some(known) => (None, CaseKeys::unwrap(gateway, referral_id, &known.keys)?),
    };
    let stamp = stamp(arrival, next, referral_id, number)?;
    let row = row(gateway, arrival, next, (&keys, wrapped), &stamp)?;
    let taken = if number == 1 { Fact::case_opened } else { Fact::case_amended };
    let mut audit = vec![taken(&arrival.caller.identity, arrival.received_at, referral_id, number)];
    audit.extend(release.map(HoldRelease::fact));
    let flags = row.flags.clone();
    let entry = Entry {
        what: What::Revision(Box::new(row)),
        clear_hold: release.map(|it| (it.hold_id, it.end())),
        close_holds: Some((content.record, HoldEnd::Superseded)),
        notice: notice(gateway, &keys, next, referral_id)?,
        sent_by: None,
        audit,
    };
    Ok(Revision { referral_id, number, flags, entry })
}

/// What goes on every message of it.
fn stamp(
    arrival: &Arrival<'_>,
    next: NextRevision<'_>,
    referral_id: Uuid,
    revision: u32,
) -> Result<Stamp, RecordRefusal> {
    let test_data = arrival.caller.test;
    let provider = match next.known {
        Some(known) => known.provider.as_str(),
        None => next.force.provider(test_data).ok_or(RecordRefusal::NoProvider)?,
    };
    Ok(Stamp {
        referral_id,
        revision,
        force: next.force.code.to_string(),
        provider: provider.to_owned(),
        received_at: arrival.received_at,
        agreement_ref: next.force.agreement_ref.clone(),
        test_data,
    })
}

/// What the store keeps of it. `wrapped`: the keys as they are stored, of a first one.
fn row(
    gateway: &Gateway,
    arrival: &Arrival<'_>,
    next: NextRevision<'_>,
    (keys, wrapped): (&CaseKeys<'_>, Option<WrappedKeys>),
    stamp: &Stamp,
) -> Result<NewRevision, Failure> {
    let NextRevision { force, read, content, known, release } = next;
    let revision = stamp.revision;
    let published = publish(gateway, next, stamp);
    let victim = content.sides.as_ref().map(|(_, victim)| victim.as_bytes());
    let of_referral = match &read.outcome {
        Validated::Referral(referral) => Some(referral),
        _ => None,
    };
    let police = PoliceColumn {
        record_ref: &content.record_ref,
        facts: content.facts.as_ref(),
        corrected: release.and_then(HoldRelease::corrected_field),
        content: content.police.as_deref(),
    };
    Ok(NewRevision {
        referral_id: stamp.referral_id,
        force: force.code,
        provider: stamp.provider.clone(),
        record: content.record,
        revision,
        action: action(content, revision),
        content: content.content,
        offender_content: content.offender_content,
        victim_content: content.victim_content,
        person: content.person.or(known.map(|known| known.person)).unwrap_or(Digest([0; 32])),
        message_ref: content.message_ref,
        held_bytes: release.map(|_| held_bytes(gateway, arrival, force.code, &read.excerpt)),
        extracted_at: content.extracted_at,
        contact_agreed: content.contact_agreed,
        deadline: of_referral.map(|referral| referral.deadline()),
        flags: of_referral.map(|referral| read.causes(&referral.flags)).unwrap_or_default(),
        mapping: read.live.reference.clone(),
        received_at: arrival.received_at,
        test_data: arrival.caller.test,
        keys: wrapped,
        raw: Some(keys.seal_raw(revision, &read.excerpt)?),
        offender_event: keys.seal_offender_event(revision, published.offender.as_ref())?,
        victim_event: keys.seal_victim_event(revision, published.victim.as_ref())?,
        police: keys.seal_police(revision, police)?,
        victim: keys.seal_victim(revision, victim)?,
        messages: published.messages(),
        caused: match content.action {
            Action::Withdrawn => {
                let on = gateway.clock.today();
                vec![message::prompt(gateway, keys, stamp, (Prompt::Withdrawn, on))?]
            }
            Action::New | Action::Amended => Vec::new(),
        },
    })
}

/// What the force is told of a correction.
fn notice(
    gateway: &Gateway,
    keys: &CaseKeys<'_>,
    next: NextRevision<'_>,
    referral_id: Uuid,
) -> Result<Option<(About, NewNotice)>, Failure> {
    let Some(told) = next.release.and_then(HoldRelease::notice_content) else { return Ok(None) };
    let said = next.content.said_of_correction(told);
    let notice = release::notice_of_correction(gateway, keys, &said)?;
    Ok(Some((About::Referral(referral_id), notice)))
}

fn latest(known: &KnownReferral) -> &KnownRevision {
    match known.revisions.last() {
        Some(revision) => revision,
        None => unreachable!("a referral is written together with its first revision"),
    }
}

fn action(content: &Content, number: u32) -> Action {
    match (content.action, number) {
        (Action::Withdrawn, _) => Action::Withdrawn,
        (_, 1) => Action::New,
        _ => Action::Amended,
    }
}

/// The messages of one revision. A side that did not change is not sent.
struct Published {
    offender: Option<Event>,
    victim: Option<Event>,
}

impl Published {
    /// The victim's first: the offender's waits until it is confirmed.
    fn messages(&self) -> Vec<NewMessage> {
        let row = |event: &Event, after: Option<Uuid>| NewMessage {
            event_id: event.message_id(),
            compartment: event.header().kind.compartment(),
            kind: event.header().kind.action(),
            after,
        };
        let victim = self.victim.as_ref().map(|event| row(event, None));
        let after = victim.as_ref().map(|message| message.event_id);
        let offender = self.offender.as_ref().map(|event| row(event, after));
        victim.into_iter().chain(offender).collect()
    }
}

fn publish(gateway: &Gateway, next: NextRevision<'_>, stamp: &Stamp) -> Published {
    let NextRevision { read, content, known, .. } = next;
    let (id, latest) = (|| gateway.clock.id(), known.map(latest));
    let (Validated::Referral(referral), Some((offender_side, victim_side))) =
        (&read.outcome, &content.sides)
    else {
        return Published {
            offender: Some(Event::withdrawn(id(), Compartment::Offender, stamp)),
            victim: Some(Event::withdrawn(id(), Compartment::Victim, stamp)),
        };
    };
    let change = if latest.is_none() { RevisionChange::New } else { RevisionChange::Amended };
    let changed = |of: fn(&KnownRevision) -> Digest, now: Digest| {
        latest.is_none_or(|latest| of(latest) != now)
    };
    let recalled = !content.contact_agreed && latest.is_some_and(|latest| latest.contact_agreed);
    let victim = if recalled {
        Some(Event::victim_recalled(id(), stamp, referral.contact_agreed()))
    } else if changed(|revision| revision.victim_content, content.victim_content) {
        Some(Event::victim(id(), change, stamp, victim_side, &referral.flags))
    } else {
        None
    };
    let offender = changed(|revision| revision.offender_content, content.offender_content)
        .then(|| Event::referral(id(), change, stamp, offender_side, &referral.flags));
    Published { offender, victim }
}

/// Keyed hash of a record's bytes: the same faulty bytes open no second hold.
pub(crate) fn held_bytes(
    gateway: &Gateway,
    arrival: &Arrival<'_>,
    force: ForceNumber,
    excerpt: &[u8],
) -> Digest {
    let test = u8::from(arrival.caller.test);
    gateway.vault.digest("held bytes", &[&[force.0, test], excerpt])
}

/// A hold ready to be written.
pub(crate) fn hold(
    gateway: &Gateway,
    arrival: &Arrival<'_>,
    read: &Read,
    record: Option<RecordIndex>,
    causes: Vec<Cause>,
) -> Result<(Uuid, Digest, Entry), Failure> {
    let (hold_id, force) = (gateway.clock.id(), read.force);
    let (wrapped, keys) = CaseKeys::mint(gateway, hold_id)?;
    let bytes = held_bytes(gateway, arrival, force, &read.excerpt);
    let row = NewHold {
        hold_id,
        force,
        record,
        bytes,
        causes,
        mapping: MappingRef::clone(&read.live.reference),
        received_at: arrival.received_at,
        test_data: arrival.caller.test,
        raw: keys.seal_raw(0, &read.excerpt)?,
        keys: wrapped,
        media_type: arrival.media_type.to_owned(),
        unlisted: keys.seal_unlisted(&read.unlisted)?,
    };
    let fact = Fact::record_held(&arrival.caller.identity, arrival.received_at, hold_id);
    Ok((hold_id, bytes, Entry::of(What::Hold(Box::new(row)), vec![fact])))
}
