//! A read record to the rows that hold it: sealed, serialised and named on the caller's thread, so
//! that the writer only writes.

use cara_domain::Compartment;
use cara_domain::choice::ContactAgreed;
use cara_domain::notice::NoticeContent;
use cara_domain::{Recorded, Referral, Validated, Withdrawal};
use cara_wire::v1::Prompt;
use cara_wire::{Event, OffenderContent, RevisionChange, Stamp, VictimContent};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::case::caused;
use crate::hold::clearing;
use crate::hold::clearing::Clearing;
use crate::record::compare::Arriving;
use crate::record::read::Read;
use crate::{Caller, Force, Gateway};
use cara_clock::Clock;
use cara_store::{
    About, Action, Cause, Digest, Entry, Fact, ForceNumber, HoldEnd, KnownReferral, KnownRevision,
    MappingRef, NewHold, NewMessage, NewRevision, Operation, RecordIndex, What,
};
use cara_vault::{Binding, Keys, RawKey, Sealed, Vault};

/// What every row of one submission shares.
pub(crate) struct Bench<'a> {
    pub vault: &'a Vault,
    pub clock: &'a Clock,
    pub caller: &'a Caller,
    pub received_at: jiff::Timestamp,
    pub media_type: &'a str,
}

/// What is stored and published of one valid record, and what it is compared by.
pub(crate) struct Content {
    pub action: Action,
    /// Both sides; none for a withdrawal.
    sides: Option<(OffenderContent, VictimContent)>,
    police: Vec<u8>,
    /// What notices to the force say of the case.
    told: Option<Told>,
    contact_agreed: bool,
    offender_content: Digest,
    victim_content: Digest,
    pub content: Digest,
    pub person: Option<Digest>,
    pub message_ref: Option<Digest>,
    pub extracted_at: Option<jiff::Timestamp>,
    pub record: RecordIndex,
    pub record_ref: String,
}

impl Content {
    pub fn of_referral(vault: &Vault, force: ForceNumber, test: bool, referral: &Referral) -> Self {
        let offender = OffenderContent::of(&referral.offender_side);
        let victim = VictimContent::of(&referral.victim_side);
        let police = referral.police_content();
        let agreed = victim.contact_agreed() == Recorded::Is(ContactAgreed::Yes);
        let (offender_bytes, victim_bytes) = (offender.as_bytes(), victim.as_bytes());
        // While contact is not agreed only that fact is published, so only it can change.
        let said = match victim.contact_agreed() {
            Recorded::Is(said) => said as u8,
            Recorded::NotRecorded => u8::MAX,
        };
        let published_victim = if agreed { victim_bytes } else { &[said] };
        Content {
            action: Action::New,
            contact_agreed: agreed,
            offender_content: vault.digest("offender", &[offender_bytes]),
            victim_content: vault.digest("victim", &[&[u8::from(agreed)], published_victim]),
            content: vault.digest("content", &[offender_bytes, victim_bytes, &police]),
            person: Some(vault.digest("person", &[&referral.person_key()])),
            message_ref: message_digest(vault, referral.source.message_ref.as_deref()),
            extracted_at: referral.source.extracted_at,
            record: vault.record_index(force.0, test, &referral.source.record_ref),
            record_ref: referral.source.record_ref.clone(),
            sides: Some((offender, victim)),
            police,
            told: Some(Told::of(referral)),
        }
    }

    pub fn of_withdrawal(
        vault: &Vault,
        force: ForceNumber,
        test: bool,
        withdrawal: &Withdrawal,
    ) -> Self {
        let none = Digest([0; 32]);
        let source = &withdrawal.source;
        Content {
            action: Action::Withdrawn,
            sides: None,
            police: Vec::new(),
            told: None,
            contact_agreed: false,
            offender_content: none,
            victim_content: none,
            content: none,
            person: None,
            message_ref: message_digest(vault, source.message_ref.as_deref()),
            extracted_at: source.extracted_at,
            record: vault.record_index(force.0, test, &source.record_ref),
            record_ref: source.record_ref.clone(),
        }
    }

    /// What the force is told of a correction, with what it knows the case by.
    pub fn said_of_correction(&self, told: NoticeContent) -> NoticeContent {
        let known = self.told.as_ref();
        NoticeContent {
            record_ref: Some(self.record_ref.clone()),
            occurrence_number: known.map(|it| it.occurrence_number.clone()),
            collar_number: known.map(|it| it.collar_number.clone()),
            compliance_inbox: known.map(|it| it.compliance_inbox.clone()),
            deadline: known.map(|it| it.deadline),
            prosecution_time_bar: known.and_then(|it| it.prosecution_time_bar),
            ..told
        }
    }

    pub fn arriving(&self, released: bool) -> Arriving {
        Arriving {
            withdrawn: self.action == Action::Withdrawn,
            content: self.content,
            person: self.person,
            message_ref: self.message_ref,
            extracted_at: self.extracted_at,
            released,
        }
    }
}

/// What notices to the force say of the case, besides its key.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Told {
    pub occurrence_number: String,
    pub collar_number: String,
    pub compliance_inbox: String,
    /// None when the force did not record it.
    pub given_on: Option<Date>,
    pub deadline: Date,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub prosecution_time_bar: Option<Date>,
}

impl Told {
    fn of(referral: &Referral) -> Told {
        let side = &referral.offender_side;
        Told {
            occurrence_number: side.case.occurrence_number.clone(),
            collar_number: side.officer.collar_number.clone(),
            compliance_inbox: referral.police.compliance_inbox.to_string(),
            given_on: match side.caution.given_on {
                Recorded::Is(day) => Some(day),
                Recorded::NotRecorded => None,
            },
            deadline: referral.deadline(),
            prosecution_time_bar: referral.police.prosecution_time_bar,
        }
    }
}

fn message_digest(vault: &Vault, message_ref: Option<&str>) -> Option<Digest> {
    message_ref.map(|text| vault.digest("message_ref", &[text.as_bytes()]))
}

/// One revision ready to be written, and its number and id for the answer.
pub(crate) struct Revision {
    pub referral_id: Uuid,
    pub number: u32,
    pub flags: Vec<Cause>,
    pub entry: Entry,
}

/// The first or next revision of a case.
pub(crate) fn revision(
    gateway: &Gateway,
    bench: &Bench<'_>,
    force: &Force,
    read: &Read,
    content: &Content,
    known: Option<&KnownReferral>,
    clearing: Option<&Clearing>,
) -> Result<Revision, crate::Refusal> {
    let number = known.map_or(1, |known| latest(known).revision + 1);
    let referral_id = known.map_or_else(|| bench.clock.id(), |known| known.referral_id);
    let (wrapped, keys) = match known {
        None => {
            let (wrapped, keys) = bench.vault.mint_keys(referral_id)?;
            (Some(wrapped), keys)
        }
        Some(known) => (None, bench.vault.unwrap_keys(referral_id, &known.keys)?),
    };
    let provider = match known {
        Some(known) => known.provider.clone(),
        None => force.provider(bench.caller.test)?.to_owned(),
    };
    let stamp = Stamp {
        referral_id,
        revision: number,
        force: force.code.to_string(),
        provider,
        received_at: bench.received_at,
        agreement_ref: force.agreement_ref.clone(),
        test_data: bench.caller.test,
    };
    let published = publish(bench, read, content, known.map(latest), &stamp);
    let seal = Seal { vault: bench.vault, keys: &keys, referral_id, revision: number };
    let flags = match &read.outcome {
        Validated::Referral(referral) => read.causes(&referral.flags),
        _ => Vec::new(),
    };
    let victim = content.sides.as_ref().map_or(&b"null"[..], |(_, victim)| victim.as_bytes());
    let row = NewRevision {
        referral_id,
        force: force.code,
        provider: stamp.provider.clone(),
        record: content.record,
        revision: number,
        action: action(content, number),
        content: content.content,
        offender_content: content.offender_content,
        victim_content: content.victim_content,
        person: content.person.or(known.map(|known| known.person)).unwrap_or(Digest([0; 32])),
        message_ref: content.message_ref,
        held_bytes: clearing.map(|_| held_bytes(bench, force.code, &read.excerpt)),
        extracted_at: content.extracted_at,
        contact_agreed: content.contact_agreed,
        deadline: deadline(read),
        flags: flags.clone(),
        mapping: read.live.reference.clone(),
        received_at: bench.received_at,
        test_data: bench.caller.test,
        keys: wrapped,
        raw: Some(seal.raw(&read.excerpt)?),
        offender_event: match &published.offender {
            Some(event) => Some(seal.offender("offender_event", event.body())?),
            None => None,
        },
        victim_event: match &published.victim {
            Some(event) => Some(seal.victim("victim_event", event.body())?),
            None => None,
        },
        police: seal.offender("police", &police_row(content, clearing))?,
        victim: seal.victim("victim", victim)?,
        messages: published.messages(),
        caused: match content.action {
            Action::Withdrawn => {
                let on = bench.clock.today();
                vec![caused::prompt(gateway, &keys, &stamp, (Prompt::Withdrawn, on))?]
            }
            Action::New | Action::Amended => Vec::new(),
        },
    };
    let mut audit = vec![Fact {
        operation: if number == 1 { Operation::Collection } else { Operation::Alteration },
        by: bench.caller.identity.clone(),
        at: bench.received_at,
        about: format!("{referral_id}/{number}"),
        to: None,
        note: None,
    }];
    audit.extend(clearing.map(Clearing::fact));
    let notice = match clearing.and_then(Clearing::told) {
        Some(told) => {
            let about = About::Referral(referral_id);
            let said = content.said_of_correction(told);
            Some((about, clearing::notice_of_correction(gateway, &keys, &said)?))
        }
        None => None,
    };
    let entry = Entry {
        what: What::Revision(Box::new(row)),
        clear_hold: clearing.map(|it| (it.hold_id, it.end())),
        close_holds: Some((content.record, HoldEnd::Superseded)),
        notice,
        sent_by: None,
        audit,
    };
    Ok(Revision { referral_id, number, flags, entry })
}

/// What the police column seals: the police-only content, the key that answers show, and who
/// corrected what.
fn police_row(content: &Content, clearing: Option<&Clearing>) -> Vec<u8> {
    let police = if content.police.is_empty() { b"null".as_slice() } else { &content.police };
    let record_ref = serde_json::Value::from(content.record_ref.as_str()).to_string();
    let told = serde_json::to_vec(&content.told).unwrap_or_else(|_| b"null".to_vec());
    let mut row = Vec::with_capacity(police.len() + record_ref.len() + told.len() + 48);
    row.extend_from_slice(b"{\"record_ref\":");
    row.extend_from_slice(record_ref.as_bytes());
    row.extend_from_slice(b",\"told\":");
    row.extend_from_slice(&told);
    if let Some(corrected) = clearing.and_then(Clearing::sealed) {
        row.extend_from_slice(b",\"corrected\":");
        row.extend_from_slice(&corrected);
    }
    row.extend_from_slice(b",\"police\":");
    row.extend_from_slice(police);
    row.push(b'}');
    row
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

fn deadline(read: &Read) -> Option<jiff::civil::Date> {
    match &read.outcome {
        Validated::Referral(referral) => Some(referral.deadline()),
        _ => None,
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
            kind: event.header().kind.action().to_owned(),
            after,
        };
        let victim = self.victim.as_ref().map(|event| row(event, None));
        let after = victim.as_ref().map(|message| message.event_id);
        let offender = self.offender.as_ref().map(|event| row(event, after));
        victim.into_iter().chain(offender).collect()
    }
}

fn publish(
    bench: &Bench<'_>,
    read: &Read,
    content: &Content,
    latest: Option<&KnownRevision>,
    stamp: &Stamp,
) -> Published {
    let id = || bench.clock.id();
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

/// Seals the columns of one row.
struct Seal<'a> {
    vault: &'a Vault,
    keys: &'a Keys,
    referral_id: Uuid,
    revision: u32,
}

impl Seal<'_> {
    fn binding(&self, column: &'static str) -> Binding {
        Binding { id: self.referral_id, revision: self.revision, column }
    }

    fn raw(&self, plain: &[u8]) -> Result<cara_vault::Sealed<cara_vault::RawKey>, crate::Refusal> {
        Ok(self.vault.seal(self.keys, self.binding("raw"), plain)?)
    }

    fn offender(
        &self,
        column: &'static str,
        plain: &[u8],
    ) -> Result<cara_vault::Sealed<cara_vault::OffenderKey>, crate::Refusal> {
        Ok(self.vault.seal(self.keys, self.binding(column), plain)?)
    }

    fn victim(
        &self,
        column: &'static str,
        plain: &[u8],
    ) -> Result<cara_vault::Sealed<cara_vault::VictimKey>, crate::Refusal> {
        Ok(self.vault.seal(self.keys, self.binding(column), plain)?)
    }
}

/// Keyed hash of a record's bytes: the same faulty bytes open no second hold.
pub(crate) fn held_bytes(bench: &Bench<'_>, force: ForceNumber, excerpt: &[u8]) -> Digest {
    let test = u8::from(bench.caller.test);
    bench.vault.digest("held bytes", &[&[force.0, test], excerpt])
}

/// The codes that no lookup listed, sealed for the operators' list.
pub(crate) fn unlisted(
    vault: &Vault,
    keys: &Keys,
    hold_id: Uuid,
    read: &Read,
) -> Result<Option<Sealed<RawKey>>, crate::Refusal> {
    if read.unlisted.is_empty() {
        return Ok(None);
    }
    let json = serde_json::to_vec(&read.unlisted).map_err(crate::Refusal::internal)?;
    let binding = Binding { id: hold_id, revision: 0, column: "unlisted" };
    Ok(Some(vault.seal(keys, binding, &json)?))
}

/// A hold ready to be written.
pub(crate) fn hold(
    bench: &Bench<'_>,
    force: &Force,
    read: &Read,
    record: Option<RecordIndex>,
    causes: Vec<Cause>,
) -> Result<(Uuid, Digest, Entry), crate::Refusal> {
    let hold_id = bench.clock.id();
    let (wrapped, keys) = bench.vault.mint_keys(hold_id)?;
    let seal = Seal { vault: bench.vault, keys: &keys, referral_id: hold_id, revision: 0 };
    let bytes = held_bytes(bench, force.code, &read.excerpt);
    let unlisted = unlisted(bench.vault, &keys, hold_id, read)?;
    let row = NewHold {
        hold_id,
        force: force.code,
        record,
        bytes,
        causes,
        mapping: MappingRef::clone(&read.live.reference),
        received_at: bench.received_at,
        test_data: bench.caller.test,
        raw: seal.raw(&read.excerpt)?,
        keys: wrapped,
        media_type: bench.media_type.to_owned(),
        unlisted,
    };
    let audit = vec![Fact {
        operation: Operation::Collection,
        by: bench.caller.identity.clone(),
        at: bench.received_at,
        about: format!("hold {hold_id}"),
        to: None,
        note: None,
    }];
    Ok((hold_id, bytes, Entry::of(What::Hold(Box::new(row)), audit)))
}
