//! What the disk holds: sealed bytes, clear ids and states, the outbox, holds, the audit chain.
//!
//! A [`Receipt`] exists only because a commit happened; a [`Lease`] is the right to work on one
//! outbox row; [`Settled`] is the only way a step of work ends.

use cara_domain::Compartment;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use uuid::Uuid;

pub mod audit;
mod outcome;
mod push;
pub mod row;

mod sweep;

#[cfg(feature = "contract")]
pub mod contract;

pub use outcome::*;
pub use push::*;
pub use row::*;

pub use sweep::*;

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Time will mend it: locked, disk full, below the reserve, stopping. Nothing was promised.
    #[error("the store cannot commit now: {reason}")]
    Unavailable { reason: &'static str },
    /// We must mend it.
    #[error("the store is inconsistent in {table}: {what}")]
    Inconsistent { table: &'static str, what: &'static str },
    #[error("the store failed")]
    Backend(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Why a store that was opened only to save what is in it takes nothing.
pub const READ_ONLY: &str = "the store is opened for reading only";

/// Why one entry was not written while the rest of its batch was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Somebody else wrote the same record, revision, hold or key first: look again.
    #[error("somebody else was first")]
    Conflict,
    /// A fault of the gateway's own in this entry: the same entry will fail again.
    #[error("the entry cannot be stored: {what}")]
    Fault { what: &'static str },
    /// Nothing was written; the whole call is worth a later try.
    #[error("the store cannot commit now: {reason}")]
    Unavailable { reason: &'static str },
}

/// Proof that a commit holds the entry. Only a store makes one.
#[derive(Clone, Debug)]
#[must_use]
pub struct Receipt {
    pub entry_id: Uuid,
    pub committed_at: Timestamp,
}

impl Receipt {
    /// The referral's or hold's id.
    pub fn entry_id(&self) -> Uuid {
        self.entry_id
    }
    pub fn committed_at(&self) -> Timestamp {
        self.committed_at
    }
}

/// What came of a turn of the scrub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scrubbed {
    /// How long to rest until the next.
    pub rest: std::time::Duration,
    /// Tables that were not looked at whole since the start, of how many.
    pub unchecked: (usize, usize),
}

/// A table, and when the last look at every row of it began; `None`: not yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    pub table: String,
    pub at: Option<Timestamp>,
}

/// One contract for every backend; `tests` holds it as tests that each backend must pass.
pub trait Store: Send + Sync + 'static {
    /// What is known of a force's record: its referral with every revision's digests, and its open holds.
    fn look(&self, force: ForceCode, record: RecordIndex) -> BoxFuture<'_, Result<Known, Error>>;

    /// Writes each entry whole or not at all, in order, in as few transactions as the waiting work
    /// allows. Answers after the commit. A conflict fails its entry and never the batch.
    fn write(&self, entries: Vec<Entry>) -> BoxFuture<'_, Vec<Result<Receipt, Refused>>>;

    /// The request that an idempotency key is bound to.
    fn bound_key(
        &self,
        force: ForceCode,
        key: KeyIndex,
    ) -> BoxFuture<'_, Result<Option<BoundKey>, Error>>;

    /// Bytes that this force's records have added on a day in Europe/London, the newest that it sent on.
    fn grown(&self, force: ForceCode, day: jiff::civil::Date) -> u64;

    /// The open hold of these bytes, if there is one.
    fn open_hold(
        &self,
        force: ForceCode,
        bytes: Digest,
    ) -> BoxFuture<'_, Result<Option<Uuid>, Error>>;

    fn referral(&self, referral_id: Uuid) -> BoxFuture<'_, Result<Option<ReferralRow>, Error>>;

    /// A case with everything that the provider has reported.
    fn case(&self, referral_id: Uuid) -> BoxFuture<'_, Result<Option<Case>, Error>>;

    /// Whether an outcome with this id is stored, for whichever referral.
    fn has_outcome(&self, outcome_id: Uuid) -> BoxFuture<'_, Result<bool, Error>>;

    /// One stream's notices by number; at most `limit`.
    fn notices(
        &self,
        filter: NoticeFilter,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<NoticeRow>, Error>>;

    fn notice(&self, notice_id: Uuid) -> BoxFuture<'_, Result<Option<NoticeRow>, Error>>;

    fn hold(&self, hold_id: Uuid) -> BoxFuture<'_, Result<Option<HoldRow>, Error>>;

    /// The correction of an open hold that waits for a second operator.
    fn pending_correction(
        &self,
        hold_id: Uuid,
    ) -> BoxFuture<'_, Result<Option<PendingCorrection>, Error>>;

    /// Holds oldest first, `after` exclusive; at most `limit`.
    fn holds(
        &self,
        filter: HoldFilter,
        after: Option<Uuid>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<HoldRow>, Error>>;

    /// Leases up to `limit` outbox rows of the route, without a look at others': none whose lane has an earlier unsettled row, none whose
    /// `after` message is unsettled (a leased row is unsettled). A lease that is not settled
    /// within `lease_s` is free again; so is every lease when the store is opened. May answer with
    /// none while it still looks through a long backlog; then it wakes its waiters again. A row that
    /// cannot be read is its lease alone, and stops no other.
    fn claim(
        &self,
        route: Route,
        limit: usize,
        lease_s: u32,
    ) -> BoxFuture<'_, Result<Vec<Result<Leased, Lease>>, Error>>;

    /// Since when the oldest message to the provider waits to be sent; what is sent again waits anew.
    fn oldest_waiting(&self, provider: String) -> BoxFuture<'_, Result<Option<Timestamp>, Error>>;

    /// Ends work on leased rows. A lease is lost when another claim has taken its row: then nothing
    /// changes and the answer is `false`. After an error some may be settled and some not; trying
    /// again is right, and a row that was settled already answers `false`.
    fn settle(&self, outcomes: Vec<(Lease, Settled)>) -> BoxFuture<'_, Result<Vec<bool>, Error>>;

    /// Outbox rows that wait, and since when the oldest does.
    fn backlog(&self) -> BoxFuture<'_, Result<Backlog, Error>>;

    /// Makes claimable again, with their ids, the messages to a provider that were confirmed from
    /// `since` on and before `until`; answers how many.
    fn resend(
        &self,
        provider: String,
        since: Timestamp,
        until: Timestamp,
        audit: Fact,
    ) -> BoxFuture<'_, Result<u64, Error>>;

    /// Of the next `limit` cases by their place, `after` exclusive, those that have not ended.
    fn cases_on_clock(&self, after: i64, limit: usize) -> BoxFuture<'_, Result<CasePage, Error>>;

    /// Records that have been held since before this moment, and of which the force was not told.
    fn untold_holds(&self, before: Timestamp) -> BoxFuture<'_, Result<Vec<HoldRow>, Error>>;

    /// What a person has to know of.
    fn late(&self, before: LateBefore) -> BoxFuture<'_, Result<Late, Error>>;

    /// The last day in Europe/London on which something arrived from a force.
    fn last_heard(
        &self,
        force: ForceCode,
    ) -> BoxFuture<'_, Result<Option<jiff::civil::Date>, Error>>;

    /// Incidents that are open.
    fn incidents(&self) -> BoxFuture<'_, Result<Vec<Incident>, Error>>;

    /// None before the first sweep.
    fn sweep(&self) -> BoxFuture<'_, Result<Option<Sweep>, Error>>;

    /// E-mail whose turn it is, oldest first; at most `limit`.
    fn mails(&self, now: Timestamp, limit: usize) -> BoxFuture<'_, Result<Vec<Mail>, Error>>;

    /// Live notices of a force whose turn it is to be pushed, the first of each case that waits: what
    /// was never tried first, then what has waited longest for its turn. None while it is paused.
    fn pushes(
        &self,
        force: ForceCode,
        now: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<PushRow>, Error>>;

    /// Live notices of a force's offender stream that nobody has or was told of.
    fn pushes_waiting(&self, force: ForceCode) -> BoxFuture<'_, Result<u64, Error>>;

    /// Where the letter of a notice is.
    fn push_state(&self, notice_id: Uuid) -> BoxFuture<'_, Result<Option<PushState>, Error>>;

    fn endpoint(&self, force: ForceCode) -> BoxFuture<'_, Result<EndpointState, Error>>;

    /// What has not got through since before this moment, or was refused.
    fn push_troubles(&self, before: Timestamp) -> BoxFuture<'_, Result<PushTroubles, Error>>;

    /// The first notice of a stream, above a number, that was neither taken over nor cancelled.
    fn next_notice(&self, filter: NoticeFilter) -> BoxFuture<'_, Result<Option<NoticeRow>, Error>>;

    /// What one side of a provider said of a day.
    fn reconciled(
        &self,
        provider: String,
        side: Compartment,
        day: jiff::civil::Date,
    ) -> BoxFuture<'_, Result<Option<Reconciled>, Error>>;

    /// Endpoints to which nothing is pushed now.
    fn paused(&self) -> BoxFuture<'_, Result<Vec<Paused>, Error>>;

    /// Messages to one side of a provider whose own time is on this day in Europe/London, and
    /// whether the broker has confirmed each.
    fn exchanged(
        &self,
        provider: String,
        side: Compartment,
        day: jiff::civil::Date,
    ) -> BoxFuture<'_, Result<Vec<(Uuid, bool)>, Error>>;

    /// Which of these outcomes are not stored.
    fn absent_outcomes(&self, outcomes: Vec<Uuid>) -> BoxFuture<'_, Result<Vec<Uuid>, Error>>;

    /// For every key epoch that the store names, some of what is wrapped by it: a few of each.
    fn key_samples(&self) -> BoxFuture<'_, Result<Vec<(Uuid, cara_vault::WrappedKeys)>, Error>>;

    /// Wakes all that wait after a commit that may have made a row claimable. It carries no data:
    /// register, look, wait; and poll as well.
    fn wake(&self) -> std::sync::Arc<tokio::sync::Notify>;

    /// Looks at some rows that were not looked at for a day or since the start. What it finds to be
    /// wrong with one row opens an incident; with the file, stops acceptance as well.
    fn scrub(&self) -> BoxFuture<'_, Result<Scrubbed, Error>>;

    /// True once a commit failed in a way that says nothing about what the disk holds: the process
    /// must end and look again.
    fn is_poisoned(&self) -> bool {
        self.poison().is_some()
    }

    /// Why that is so.
    fn poison(&self) -> Option<&'static str>;

    /// Counts and ids by state for one force, test or live, and one day in Europe/London.
    fn day(
        &self,
        force: ForceCode,
        test: bool,
        day: jiff::civil::Date,
    ) -> BoxFuture<'_, Result<Day, Error>>;

    /// The audit chain in order, `after` exclusive; at most `limit` rows.
    fn audit_rows(&self, after: u64, limit: usize) -> BoxFuture<'_, Result<Vec<AuditRow>, Error>>;

    /// Sequence and link of the last audit row, and the seal of both; sequence 0 before the first.
    /// None when somebody has removed it.
    fn audit_head(&self) -> BoxFuture<'_, Result<Option<AuditHead>, Error>>;

    /// The newest live version of every mapping.
    fn plan_versions(&self) -> BoxFuture<'_, Result<Vec<PlanVersion>, Error>>;

    /// Every version of a force's mappings, the newest first.
    fn plan_history(&self, force: ForceCode) -> BoxFuture<'_, Result<Vec<PlanVersion>, Error>>;

    /// The mapping of this name that waits for a second operator.
    fn pending_plan(
        &self,
        force: ForceCode,
        name: String,
    ) -> BoxFuture<'_, Result<Option<PendingPlan>, Error>>;

    /// The number of the newest version of every mapping: cheap enough to ask every second.
    fn plan_numbers(&self) -> BoxFuture<'_, Result<Vec<PlanNumber>, Error>>;

    /// One version of a mapping.
    fn plan_version(&self, number: PlanNumber)
    -> BoxFuture<'_, Result<Option<PlanVersion>, Error>>;

    /// Accepted records that a mapping read and that are still kept, the newest first, from `before`
    /// on (exclusive); at most `limit`.
    fn kept_raws(
        &self,
        force: ForceCode,
        mapping: String,
        before: Option<KeptPlace>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<KeptRaw>, Error>>;

    /// Open holds of a mapping, the newest first, from `before` on (exclusive); at most `limit`.
    fn kept_holds(
        &self,
        force: ForceCode,
        mapping: String,
        before: Option<Uuid>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<HoldRow>, Error>>;

    /// How many records of a mapping are still kept, open holds among them; counted up to `at_most`
    /// of each.
    fn kept_count(
        &self,
        force: ForceCode,
        mapping: String,
        at_most: usize,
    ) -> BoxFuture<'_, Result<u64, Error>>;

    /// Puts the next version of a mapping live; `Refused::Conflict` when its number is taken.
    fn activate_plan(
        &self,
        version: PlanVersion,
        audit: Vec<Fact>,
    ) -> BoxFuture<'_, Result<Result<(), Refused>, Error>>;

    /// Whether a commit would succeed now: a real write, rolled forward and harmless.
    fn probe(&self) -> BoxFuture<'_, Result<(), Error>>;

    /// Finishes what was promised and closes the files.
    fn close(&self) -> BoxFuture<'_, Result<(), Error>>;
}
