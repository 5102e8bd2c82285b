//! What goes into the store and comes out of it. Anything personal is already sealed.

use cara_domain::Compartment;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::outcome::{About, CausedMessage, NewDecision, NewNotice, NewOutcome, NoticeState};
use super::sweep::Tend;
pub use cara_vault::{Digest, KeyIndex, RecordIndex};
use cara_vault::{Offender, Raw, Sealed, Victim, WrappedKeys};

/// Home Office two-digit force code, `44`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ForceCode(pub u8);

impl From<u8> for ForceCode {
    fn from(code: u8) -> Self {
        ForceCode(code)
    }
}

impl std::fmt::Display for ForceCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}", self.0)
    }
}

/// What one record makes the store write, whole or not at all.
#[derive(Debug)]
pub struct Entry {
    pub what: What,
    /// An open hold that an operator ends with this entry, and as what; `Conflict` unless it is open.
    pub clear_hold: Option<(Uuid, HoldEnd)>,
    /// Open holds of the same (force, record) that this entry closes, and as what; each gets an audit
    /// fact of its own, by whoever is named in the first of `audit`.
    pub close_holds: Option<(RecordIndex, HoldEnd)>,
    /// What the force is told with it. About a hold: `Conflict` unless that is open before the entry.
    pub notice: Option<(About, NewNotice)>,
    /// Of which force's day it counts, when a force sent it.
    pub sent_by: Option<ForceCode>,
    pub audit: Vec<Fact>,
}

impl Entry {
    /// An entry that touches no hold but the one that it may be about.
    pub fn of(what: What, audit: Vec<Fact>) -> Entry {
        Entry { what, clear_hold: None, close_holds: None, notice: None, sent_by: None, audit }
    }
}

#[derive(Debug)]
pub enum What {
    Revision(Box<NewRevision>),
    Hold(Box<NewHold>),
    /// Ends one hold; refused with `Conflict` unless it is open.
    EndHold {
        hold_id: Uuid,
        end: HoldEnd,
        at: Timestamp,
    },
    /// An outcome of the provider; `Conflict` when its id or number is taken, or another fact of the
    /// case was stored since it was looked at.
    Outcome(Box<NewOutcome>),
    /// A decision of police; `Conflict` as with an outcome.
    Decision(Box<NewDecision>),
    /// A force has taken a notice over; `Conflict` when it had before.
    TakeOver {
        notice_id: Uuid,
        at: Timestamp,
    },
    /// What a sweep or a delivery writes.
    Tend(Tend),
    /// Binds an idempotency key to the answer of a 202; `Conflict` when it is bound already.
    BindKey(BoundKey),
    /// Only the entry's `close_holds` and audit facts.
    Nothing {
        entry_id: Uuid,
    },
}

/// The next revision of a referral. The first also makes the referral row.
#[derive(Debug)]
pub struct NewRevision {
    pub referral_id: Uuid,
    pub force: ForceCode,
    pub provider: String,
    pub record: RecordIndex,
    /// 1 inserts the referral (unique by force and record); n expects n-1 to be the latest.
    pub revision: u32,
    pub action: Action,
    pub content: Digest,
    pub offender_content: Digest,
    pub victim_content: Digest,
    /// Family name and birth date: another one under the same `record_ref` is another person.
    pub person: Digest,
    pub message_ref: Option<Digest>,
    /// Keyed hash of the held bytes that an operator released or corrected into it.
    pub held_bytes: Option<Digest>,
    pub extracted_at: Option<Timestamp>,
    pub contact_agreed: bool,
    pub deadline: Option<jiff::civil::Date>,
    pub flags: Vec<Cause>,
    pub mapping: MappingRef,
    pub received_at: Timestamp,
    pub test_data: bool,
    /// Revision 1 brings the referral's keys; later ones use the same.
    pub keys: Option<WrappedKeys>,
    pub raw: Option<Sealed<Raw>>,
    /// The offender event's body, exactly as it is published.
    pub offender_event: Option<Sealed<Offender>>,
    /// The victim event's body, exactly as it is published.
    pub victim_event: Option<Sealed<Victim>>,
    /// Police-only facts of the offender's side (notices, matching); never published.
    pub police: Sealed<Offender>,
    /// Victim facts that are not (or not yet) published.
    pub victim: Sealed<Victim>,
    /// In the order in which they must be confirmed: the victim's first. At most eight.
    pub messages: Vec<NewMessage>,
    /// What is told besides the revision's own messages.
    pub caused: Vec<CausedMessage>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    New,
    Amended,
    Withdrawn,
}

/// One outbox row. Its body is the revision's `offender_event` or `victim_event`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// The event's id: stable across retries and restarts.
    pub event_id: Uuid,
    pub compartment: Compartment,
    /// `new`, `amended`, `withdrawn`, `recalled`: the last part of the routing key's kind.
    pub kind: String,
    /// A message of the same referral that must be confirmed before this one may be claimed.
    pub after: Option<Uuid>,
}

/// A code with where it applies; never a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// `V201`
    pub code: String,
    pub name: String,
    /// `violation`, `hold` or `flag`
    pub kind: cara_domain::Kind,
    pub field: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expected_letter: Option<char>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub named: Option<String>,
}

/// Which version of which mapping made something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappingRef {
    pub name: String,
    pub version: u32,
    /// Lower-case hexadecimal.
    pub sha256: String,
}

#[derive(Debug)]
pub struct NewHold {
    pub hold_id: Uuid,
    pub force: ForceCode,
    /// None when the record's key could not be read.
    pub record: Option<RecordIndex>,
    /// Keyed hash of the record's bytes: the same faulty bytes open no second hold.
    pub bytes: Digest,
    pub causes: Vec<Cause>,
    pub mapping: MappingRef,
    pub received_at: Timestamp,
    pub test_data: bool,
    /// Only the raw key is used.
    pub keys: WrappedKeys,
    pub raw: Sealed<Raw>,
    /// Media type the record came with.
    pub media_type: String,
    /// The unlisted codes that held it, sealed as JSON, for the operator's list.
    pub unlisted: Option<Sealed<Raw>>,
}

/// How a hold ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldEnd {
    /// An operator released it and its referral was written.
    Released,
    /// An operator corrected one field, and so its referral was written.
    Corrected,
    /// An operator gave it back to the force.
    Returned,
    /// A later good record of the same case made it needless.
    Superseded,
    /// The force withdrew the case.
    Withdrawn,
}

/// A fact for the audit chain (DPA 2018 s62): ids, codes, times and digests only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    pub operation: Operation,
    /// Who did it: an identity's name, an operator's user name, or `gateway`.
    pub by: String,
    pub at: Timestamp,
    /// Referral, hold or mapping id.
    pub about: String,
    /// Recipient of a disclosure: provider slug or identity name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub to: Option<String>,
    /// Short code or reason given by a person: never a value from a record.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<String>,
}

/// The six operations of DPA 2018 s62(1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    Collection,
    Alteration,
    Consultation,
    Disclosure,
    Combination,
    Erasure,
}

/// What the store knows of one (force, record).
#[derive(Debug, Default)]
pub struct Known {
    pub referral: Option<KnownReferral>,
    pub open_holds: Vec<Uuid>,
}

#[derive(Debug)]
pub struct KnownReferral {
    pub referral_id: Uuid,
    pub provider: String,
    pub keys: WrappedKeys,
    pub person: Digest,
    /// Oldest first; never empty.
    pub revisions: Vec<KnownRevision>,
}

#[derive(Clone, Debug)]
pub struct KnownRevision {
    pub revision: u32,
    pub action: Action,
    pub content: Digest,
    pub offender_content: Digest,
    pub victim_content: Digest,
    pub message_ref: Option<Digest>,
    pub held_bytes: Option<Digest>,
    pub extracted_at: Option<Timestamp>,
    pub contact_agreed: bool,
    pub flags: Vec<Cause>,
}

/// An idempotency key bound by a 202.
#[derive(Clone, Debug)]
pub struct BoundKey {
    pub force: ForceCode,
    pub key: KeyIndex,
    pub body: Digest,
    /// The answer without anything personal, as JSON.
    pub answer: String,
    pub at: Timestamp,
}

#[derive(Debug)]
pub struct ReferralRow {
    pub referral_id: Uuid,
    pub force: ForceCode,
    pub provider: String,
    pub test_data: bool,
    pub keys: WrappedKeys,
    /// Oldest first.
    pub revisions: Vec<RevisionRow>,
    /// Programme and caution; none before the first outcome.
    pub standing: Option<(String, String)>,
    /// In the order in which they were made.
    pub notices: Vec<NoticeState>,
    /// Messages that outcomes and decisions caused.
    pub messages: Vec<MessageState>,
}

#[derive(Debug)]
pub struct RevisionRow {
    pub revision: u32,
    pub action: Action,
    pub flags: Vec<Cause>,
    pub mapping: MappingRef,
    pub received_at: Timestamp,
    pub deadline: Option<jiff::civil::Date>,
    pub raw: Option<Sealed<Raw>>,
    pub police: Sealed<Offender>,
    pub messages: Vec<MessageState>,
}

#[derive(Clone, Debug)]
pub struct MessageState {
    pub event_id: Uuid,
    pub compartment: Compartment,
    pub kind: String,
    pub confirmed_at: Option<Timestamp>,
}

#[derive(Debug)]
pub struct HoldRow {
    pub hold_id: Uuid,
    pub force: ForceCode,
    pub record: Option<RecordIndex>,
    pub causes: Vec<Cause>,
    pub mapping: MappingRef,
    pub received_at: Timestamp,
    pub test_data: bool,
    pub keys: WrappedKeys,
    pub raw: Sealed<Raw>,
    pub media_type: String,
    pub unlisted: Option<Sealed<Raw>>,
    pub ended: Option<(HoldEnd, Timestamp)>,
}

#[derive(Clone, Debug, Default)]
pub struct HoldFilter {
    pub force: Option<ForceCode>,
    pub record: Option<RecordIndex>,
    pub open_only: bool,
}

/// Where messages go: one side of one provider. Each route has a channel of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Route {
    pub provider: String,
    pub side: Compartment,
}

/// The right to work on one outbox row. The token is new for every claim.
#[derive(Clone, Debug)]
pub struct Lease {
    pub row_id: i64,
    pub token: u64,
}

impl Lease {
    /// What it is the right to, for the log and for incidents.
    pub fn about(&self) -> String {
        format!("outbox row {}", self.row_id)
    }
}

/// A leased outbox row with all that is needed to reopen its event.
#[derive(Debug)]
pub struct Leased {
    pub lease: Lease,
    pub event_id: Uuid,
    pub referral_id: Uuid,
    /// None: an outcome or a decision caused it, and it is sealed under its own id.
    pub revision: Option<u32>,
    pub force: ForceCode,
    pub provider: String,
    pub compartment: Compartment,
    pub kind: String,
    pub received_at: Timestamp,
    pub keys: WrappedKeys,
    pub body: LeasedBody,
    /// How often work on it has ended in a retry.
    pub attempts: u32,
}

#[derive(Debug)]
pub enum LeasedBody {
    Offender(Sealed<Offender>),
    Victim(Sealed<Victim>),
}

/// The two ways a step of work ends; there is no third.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The receiver has it. `disclosure` goes into the audit chain in the same transaction.
    Done { at: Timestamp, disclosure: Box<Fact> },
    /// Again, not before this time.
    Retry { not_before: Timestamp, reason: &'static str },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Not settled.
    pub rows: u64,
    /// Since when the oldest of `rows` waits.
    pub oldest: Option<Timestamp>,
}

/// One force's day: every id that arrived on it, by where it is now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Day {
    /// Revisions received on the day: referral, revision, and whether every message is confirmed.
    pub revisions: Vec<(Uuid, u32, bool)>,
    pub holds_open: Vec<Uuid>,
    pub holds_ended: Vec<(Uuid, HoldEnd)>,
    /// Holds of earlier days that ended on this one.
    pub earlier_ended: Vec<(Uuid, HoldEnd)>,
    /// Decisions received on the day.
    pub decisions: Vec<Uuid>,
    /// Notices made on the day: `notice_waiting`, `notice_delivered`, `notice_taken_over` or
    /// `notice_cancelled`.
    pub notices: Vec<(Uuid, &'static str)>,
    /// The audit chain's head at the end of the day, hexadecimal, with its sequence.
    pub audit_head: Option<(u64, String)>,
}

/// One link of the audit chain.
#[derive(Clone, Debug)]
pub struct AuditRow {
    pub sequence: u64,
    /// The fact as the JSON text that was hashed.
    pub fact: String,
    pub mac: [u8; 32],
}

/// One live version of one mapping file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanVersion {
    pub force: ForceCode,
    /// `referral`
    pub name: String,
    pub version: u32,
    pub sha256: String,
    pub text: String,
    pub by: String,
    pub at: Timestamp,
    pub because: String,
}

/// The head of the audit chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditHead {
    pub sequence: u64,
    pub mac: [u8; 32],
    pub seal: [u8; 32],
}
