//! Referrals with every revision that a force sent.

use cara_domain::caution::CautionState;
use cara_domain::choice::Action;
use cara_domain::programme::ProgrammeState;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use super::Error;
use super::mapping::MappingRef;
use super::notice::NoticeState;
use super::outbox::{CausedMessage, MessageState, NewMessage};
use super::value::{Cause, ForceNumber, RowId};
use cara_vault::{
    Digest, KeyIndex, OffenderKey, RawKey, RecordIndex, Sealed, VictimKey, WrappedKeys,
};

/// Reads of referrals.
pub trait Referrals: Send + Sync + 'static {
    /// What is known of a force's record: its referral with every revision's digests, and its open holds.
    fn look(&self, force: ForceNumber, record: RecordIndex) -> BoxFuture<'_, Result<Known, Error>>;

    /// The request that an idempotency key is bound to.
    fn bound_key(
        &self,
        force: ForceNumber,
        key: KeyIndex,
    ) -> BoxFuture<'_, Result<Option<BoundKey>, Error>>;

    fn referral(&self, referral_id: Uuid) -> BoxFuture<'_, Result<Option<ReferralRow>, Error>>;

    /// Accepted records that a mapping read and that are still kept, the newest first, from `before`
    /// on (exclusive); at most `limit`.
    fn kept_raws(
        &self,
        force: ForceNumber,
        mapping: String,
        before: Option<KeptPlace>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<KeptRaw>, Error>>;

    /// How many records of a mapping are still kept, open holds among them; counted up to `at_most`
    /// of each.
    fn kept_count(
        &self,
        force: ForceNumber,
        mapping: String,
        at_most: usize,
    ) -> BoxFuture<'_, Result<u64, Error>>;
}

/// The next revision of a referral. The first also makes the referral row.
#[derive(Debug)]
pub struct NewRevision {
    pub referral_id: Uuid,
    pub force: ForceNumber,
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
    pub deadline: Option<Date>,
    pub flags: Vec<Cause>,
    pub mapping: MappingRef,
    pub received_at: Timestamp,
    pub test_data: bool,
    /// Revision 1 brings the referral's keys; later ones use the same.
    pub keys: Option<WrappedKeys>,
    pub raw: Option<Sealed<RawKey>>,
    /// The offender event's body, exactly as it is published.
    pub offender_event: Option<Sealed<OffenderKey>>,
    /// The victim event's body, exactly as it is published.
    pub victim_event: Option<Sealed<VictimKey>>,
    /// Police-only facts of the offender's side (notices, matching); never published.
    pub police: Sealed<OffenderKey>,
    /// Victim facts that are not (or not yet) published.
    pub victim: Sealed<VictimKey>,
    /// In the order in which they must be confirmed: the victim's first. At most eight.
    pub messages: Vec<NewMessage>,
    /// What is told besides the revision's own messages.
    pub caused: Vec<CausedMessage>,
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
    pub force: ForceNumber,
    pub key: KeyIndex,
    pub body: Digest,
    /// The answer without anything personal, as JSON.
    pub answer: String,
    pub at: Timestamp,
}

#[derive(Debug)]
pub struct ReferralRow {
    pub referral_id: Uuid,
    pub force: ForceNumber,
    pub provider: String,
    pub test_data: bool,
    pub keys: WrappedKeys,
    /// Oldest first.
    pub revisions: Vec<RevisionRow>,
    /// `None` before the first outcome.
    pub standing: Option<StandingRow>,
    /// In the order in which they were made.
    pub notices: Vec<NoticeState>,
    /// Messages that outcomes and decisions caused.
    pub messages: Vec<MessageState>,
}

/// Where a case stands, in clear states; `Err`: one that this version does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingRow {
    pub programme: Result<ProgrammeState, String>,
    pub caution: Result<CautionState, String>,
}

#[derive(Debug)]
pub struct RevisionRow {
    pub revision: u32,
    pub action: Action,
    pub flags: Vec<Cause>,
    pub mapping: MappingRef,
    pub received_at: Timestamp,
    pub deadline: Option<Date>,
    pub raw: Option<Sealed<RawKey>>,
    pub police: Sealed<OffenderKey>,
    pub messages: Vec<MessageState>,
}

/// Where a walk over kept records, the newest first, goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptPlace {
    pub received_day: Date,
    pub revision_row: RowId,
}

/// A record as it was kept, with the revision that was made of it.
#[derive(Debug)]
pub struct KeptRaw {
    pub place: KeptPlace,
    pub received_at: Timestamp,
    pub referral_id: Uuid,
    pub revision: u32,
    pub keys: WrappedKeys,
    pub raw: Sealed<RawKey>,
}
