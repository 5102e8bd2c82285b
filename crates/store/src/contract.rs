//! The store's contract as tests over any backend: a backend's tests make a [`TestStore`] for each and
//! call all of them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::sync::Arc;

use cara_domain::Compartment;
use cara_domain::choice::{Action, MessageAction};
use jiff::Timestamp;
use uuid::Uuid;

use super::*;
use cara_clock::Clock;
use cara_vault::{Sealed, Vault, WrappedKeys};

pub mod audit;
pub mod hold;
pub mod interleave;
pub mod outbox;
pub mod outcome;
pub mod record;

/// One store's files, or its schema, for one test.
pub trait TestStore {
    /// Opens what is there.
    fn open(&self) -> Arc<dyn Store>;
    /// Opens what a crash at this moment would leave behind.
    fn crash(&self, store: Arc<dyn Store>) -> Arc<dyn Store>;
    fn clock(&self) -> &Clock;
    fn vault(&self) -> &Vault;
}

pub const HAMPSHIRE: ForceNumber = ForceNumber(44);
pub const NORFOLK: ForceNumber = ForceNumber(36);
pub const LEASE_S: u32 = 60;

pub fn start() -> Timestamp {
    "2026-03-02T10:00:00Z".parse().unwrap()
}

pub fn keys(clock: &Clock) -> WrappedKeys {
    let fresh = || clock.id().as_bytes().repeat(3);
    // No vault has this epoch: what is sealed here is made up and cannot be opened.
    WrappedKeys { epoch: 7, raw: fresh(), offender: fresh(), victim: fresh() }
}

pub fn fact(clock: &Clock, operation: Operation, about: Uuid) -> Fact {
    Fact::of_contract(operation, clock.now(), &about.to_string(), None)
}

pub fn mapping() -> MappingRef {
    MappingRef { name: "referral".into(), version: 3, sha256: "ab".repeat(32) }
}

pub fn cause() -> Cause {
    Cause {
        code: "F103".into(),
        name: "asn_check_letter".into(),
        kind: cara_domain::FindingKind::Flag,
        field: "case.asn".into(),
        source_path: Some("Case/ASN".into()),
        line: Some(12),
        expected_letter: Some('K'),
        named: None,
    }
}

fn digest(place: &dyn TestStore, text: &str) -> Digest {
    place.vault().digest("test", &[text.as_bytes()])
}

/// A revision with the victim's message first and the offender's after it.
pub fn revision(place: &dyn TestStore, record_ref: &str, number: u32) -> NewRevision {
    let clock = place.clock();
    let (victim_id, offender_id) = (clock.id(), clock.id());
    let message = |event_id, compartment, after| NewMessage {
        event_id,
        compartment,
        kind: if number == 1 { MessageAction::New } else { MessageAction::Amended },
        after,
    };
    let text = format!("{record_ref} {number}");
    NewRevision {
        referral_id: clock.id(),
        force: HAMPSHIRE,
        provider: "harbour".into(),
        record: place.vault().record_index(HAMPSHIRE.0, false, record_ref),
        revision: number,
        action: if number == 1 { Action::New } else { Action::Amended },
        content: digest(place, &text),
        offender_content: digest(place, &format!("o {text}")),
        victim_content: digest(place, &format!("v {text}")),
        person: digest(place, record_ref),
        message_ref: Some(digest(place, &format!("m {text}"))),
        held_bytes: None,
        extracted_at: Some(clock.now()),
        contact_agreed: true,
        deadline: Some("2026-06-01".parse().unwrap()),
        flags: vec![cause()],
        mapping: mapping(),
        received_at: clock.now(),
        test_data: false,
        keys: (number == 1).then(|| keys(clock)),
        raw: Some(Sealed::from_stored(format!("raw {text}").into_bytes())),
        offender_event: Some(Sealed::from_stored(format!("offender {text}").into_bytes())),
        victim_event: Some(Sealed::from_stored(format!("victim {text}").into_bytes())),
        police: Sealed::from_stored(format!("police {text}").into_bytes()),
        victim: Sealed::from_stored(format!("kept {text}").into_bytes()),
        messages: vec![
            message(victim_id, Compartment::Victim, None),
            message(offender_id, Compartment::Offender, Some(victim_id)),
        ],
        caused: Vec::new(),
    }
}

/// The revision that follows another of the same referral.
pub fn next(place: &dyn TestStore, before: &NewRevision, name: &str) -> NewRevision {
    let number = before.revision + 1;
    NewRevision { referral_id: before.referral_id, ..revision(place, name, number) }
}

pub fn hold(place: &dyn TestStore, record_ref: Option<&str>, text: &str) -> NewHold {
    let clock = place.clock();
    NewHold {
        hold_id: clock.id(),
        force: HAMPSHIRE,
        record: record_ref.map(|name| place.vault().record_index(HAMPSHIRE.0, false, name)),
        bytes: digest(place, text),
        causes: vec![cause()],
        mapping: mapping(),
        received_at: clock.now(),
        test_data: true,
        keys: keys(clock),
        raw: Sealed::from_stored(text.as_bytes().to_vec()),
        media_type: "application/xml".into(),
        unlisted: Some(Sealed::from_stored(b"unlisted".to_vec())),
    }
}

pub fn entry(what: What) -> Entry {
    Entry::of(what, Vec::new())
}

pub fn accept(place: &dyn TestStore, revision: NewRevision) -> Entry {
    let about = revision.referral_id;
    let audit = vec![fact(place.clock(), Operation::Collection, about)];
    Entry::of(What::Revision(Box::new(revision)), audit)
}

/// Writes one entry that must be taken; the id of its receipt.
pub async fn write(store: &dyn Store, entry: Entry) -> Uuid {
    store.write(vec![entry]).await.remove(0).unwrap().entry_id()
}

/// Writes one entry that must be refused.
pub async fn refused(store: &dyn Store, entry: Entry) -> NotWritten {
    store.write(vec![entry]).await.remove(0).unwrap_err()
}

pub fn done(clock: &Clock, leased: &Leased) -> (Lease, Settled) {
    let (about, to) = (leased.event_id.to_string(), Some(leased.provider.as_str()));
    let disclosure = Fact::of_contract(Operation::Disclosure, clock.now(), &about, to);
    let done = Settled::Done { at: clock.now(), disclosure: Box::new(disclosure) };
    (leased.lease.clone(), done)
}

/// Settles rows as done; every lease must still be good.
pub async fn settle_all(store: &dyn Store, clock: &Clock, rows: &[Leased]) {
    let answers = store.settle(rows.iter().map(|row| done(clock, row)).collect()).await.unwrap();
    assert_eq!(answers, vec![true; rows.len()]);
}

/// Claims from both routes of the tests' provider, in the order of the outbox.
pub async fn claim(store: &dyn Store, limit: usize, lease_s: u32) -> Vec<Leased> {
    let mut rows = Vec::new();
    for side in [Compartment::Victim, Compartment::Offender] {
        let route = OutboxRoute { provider: "harbour".to_owned(), side };
        let claimed = store.claim(route, limit - rows.len(), lease_s).await.unwrap();
        rows.extend(claimed.into_iter().map(Result::unwrap));
    }
    rows.sort_by_key(|row| row.lease.row_id);
    rows
}

/// Claims and settles until nothing is left; the event ids in the order of their claims.
pub async fn drain(store: &dyn Store, clock: &Clock) -> Vec<Uuid> {
    let mut order = Vec::new();
    loop {
        let rows = claim(store, 7, LEASE_S).await;
        if rows.is_empty() {
            return order;
        }
        order.extend(rows.iter().map(|row| row.event_id));
        settle_all(store, clock, &rows).await;
    }
}

pub fn events(rows: &[Leased]) -> Vec<Uuid> {
    rows.iter().map(|row| row.event_id).collect()
}

/// Where each id stands in a list.
pub fn places(ids: &[Uuid]) -> BTreeMap<Uuid, usize> {
    ids.iter().enumerate().map(|(index, &id)| (id, index)).collect()
}

/// How many links of the audit chain hold; all must.
pub async fn links(store: &dyn Store, place: &dyn TestStore) -> u64 {
    let verified = super::audit::verify(store, place.vault()).await.unwrap();
    assert_eq!(verified.broken, None);
    verified.rows
}
