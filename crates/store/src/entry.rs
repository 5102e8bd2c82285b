//! What is written whole or not at all.

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use super::case::{NewDecision, NewOutcome};
use super::fact::Fact;
use super::hold::{HeldAgain, HoldEnd, NewHold, PendingCorrection};
use super::incident::IncidentChange;
use super::letter::{EndpointChange, LetterChange};
use super::mail::MailChange;
use super::mapping::PendingPlan;
use super::notice::{About, DueNotice, NewNotice};
use super::reconciliation::Reconciled;
use super::referral::{BoundKey, NewRevision};
use super::sweep::SweepChange;
use super::value::ForceNumber;
use super::{NotWritten, Receipt};
use cara_vault::RecordIndex;

/// How entries get into the store.
pub trait Entries: Send + Sync + 'static {
    /// Writes each entry whole or not at all, in order, in as few transactions as the waiting work
    /// allows. Answers after the commit. A conflict fails its entry and never the batch.
    fn write(&self, entries: Vec<Entry>) -> BoxFuture<'_, Vec<Result<Receipt, NotWritten>>>;

    /// Bytes that this force's records have added on a day in Europe/London, the newest that it sent on.
    fn grown(&self, force: ForceNumber, day: Date) -> u64;
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
    pub sent_by: Option<ForceNumber>,
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
    /// A notice that a clock made.
    DueNotice(DueNotice),
    /// An open hold was tried in vain; `Conflict` unless it is open.
    HeldAgain(Box<HeldAgain>),
    /// A correction waits for a second operator; it replaces one that waited for the same hold.
    /// `Conflict` unless that is open.
    PendCorrection(PendingCorrection),
    /// A mapping waits for a second operator; it replaces one that waited before.
    PendPlan(PendingPlan),
    Letter(LetterChange),
    Endpoint(EndpointChange),
    Incident(IncidentChange),
    Mail(MailChange),
    Sweep(SweepChange),
    /// What a provider says of a day, compared; it replaces what it said before.
    Reconciled(Reconciled),
    /// Binds an idempotency key to the answer of a 202; `Conflict` when it is bound already.
    BindKey(BoundKey),
    /// Only the entry's `close_holds` and audit facts.
    Nothing {
        entry_id: Uuid,
    },
}
