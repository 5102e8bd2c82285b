//! The way back: outcomes and decisions as they arrived, and where the case stands.

use cara_domain::caution::CautionState;
use cara_domain::choice::Decided;
use cara_domain::notice::NoticeKind;
use cara_domain::programme::ProgrammeState;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use super::Error;
use super::notice::NewNotice;
use super::outbox::CausedMessage;
use super::value::{ForceNumber, RowId, SealedSide};
use cara_vault::{Digest, OffenderKey, Sealed, WrappedKeys};

/// Reads of cases.
pub trait Cases: Send + Sync + 'static {
    /// A case with everything that the provider has reported.
    fn case(&self, referral_id: Uuid) -> BoxFuture<'_, Result<Option<Case>, Error>>;

    /// Whether an outcome with this id is stored, for whichever referral.
    fn has_outcome(&self, outcome_id: Uuid) -> BoxFuture<'_, Result<bool, Error>>;

    /// Which of these outcomes are not stored.
    fn absent_outcomes(&self, outcomes: Vec<Uuid>) -> BoxFuture<'_, Result<Vec<Uuid>, Error>>;

    /// Of the next `limit` cases by their place, `after` exclusive, those that have not ended.
    fn cases_on_clock(
        &self,
        after: Option<RowId>,
        limit: usize,
    ) -> BoxFuture<'_, Result<CasePage, Error>>;
}

/// One outcome, where the case stands with it, and what the force is told because of it.
#[derive(Debug)]
pub struct NewOutcome {
    pub referral_id: Uuid,
    pub outcome_id: Uuid,
    /// Unique for each referral and side.
    pub number: u32,
    pub kind: String,
    pub happened_on: Date,
    pub received_at: Timestamp,
    /// Keyed hash of the content: the same id with another content is another report.
    pub content: Digest,
    pub body: SealedSide,
    pub standing: NewStanding,
    pub notices: Vec<NewNotice>,
    pub messages: Vec<CausedMessage>,
}

/// What police decided, where the case stands with it, and what the provider is told.
#[derive(Debug)]
pub struct NewDecision {
    pub referral_id: Uuid,
    pub decision_id: Uuid,
    pub decided: Decided,
    pub decided_on: Date,
    pub received_at: Timestamp,
    /// Keyed hash of the content: the same id with another content is another decision.
    pub content: Digest,
    pub body: Sealed<OffenderKey>,
    pub standing: NewStanding,
    pub messages: Vec<CausedMessage>,
    pub clock_notices: ClockNotices,
}

/// What becomes of notices that only a clock made of a case and that nobody has taken over yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockNotices {
    Stand,
    /// They no longer apply.
    Cancelled,
}

/// Where a case stands, in clear states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewStanding {
    /// How many outcomes and decisions were stored when this was folded; `Conflict` when there are
    /// more by now.
    pub facts_before: u32,
    pub programme: ProgrammeState,
    pub caution: CautionState,
    /// Programme or caution has ended: no clock looks at it any more.
    pub has_ended: bool,
    /// The first number that has not arrived while a later one of the offender's side has.
    pub gap: Option<u32>,
    /// As police varied it last.
    pub deadline: Option<Date>,
    /// The workshop that is booked and not yet attended.
    pub booked_on: Option<Date>,
    /// Police said that the referral was sent in error.
    pub is_recalled: bool,
    /// The provider has closed its file.
    pub is_closed: bool,
}

/// Everything that is known of one case on the way back.
#[derive(Debug)]
pub struct Case {
    pub referral_id: Uuid,
    pub force: ForceNumber,
    pub provider: String,
    pub test_data: bool,
    pub keys: WrappedKeys,
    pub latest_revision: u32,
    /// The police-only row of the latest revision that is no withdrawal, and that revision.
    pub police: Sealed<OffenderKey>,
    pub police_revision: u32,
    /// When the force took the case back.
    pub withdrawn_at: Option<Timestamp>,
    /// Outcomes and decisions that are stored, of both sides.
    pub facts: u32,
    /// Of both sides, each by number.
    pub outcomes: Vec<OutcomeRow>,
    pub decisions: Vec<DecisionRow>,
}

#[derive(Debug)]
pub struct OutcomeRow {
    pub outcome_id: Uuid,
    pub number: u32,
    pub content: Digest,
    pub body: SealedSide,
}

#[derive(Debug)]
pub struct DecisionRow {
    pub decision_id: Uuid,
    pub content: Digest,
    pub received_at: Timestamp,
    pub body: Sealed<OffenderKey>,
}

/// What clocks look at of one case: clear columns only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseClock {
    pub referral_id: Uuid,
    pub force: ForceNumber,
    pub provider: String,
    pub test_data: bool,
    /// When the first revision was received.
    pub received_at: Timestamp,
    /// When the first revision's message to the offender's side was confirmed.
    pub sent_at: Option<Timestamp>,
    /// As police sent it last, or as they varied it.
    pub deadline: Option<Date>,
    /// `sent` before the first outcome; `Err`: a state that this version does not know.
    pub programme: Result<ProgrammeState, String>,
    pub booked_on: Option<Date>,
    /// Kind and cause of the notices that clocks have made of it.
    pub told: Vec<(NoticeKind, Uuid)>,
}

/// A chunk of the walk over all cases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CasePage {
    pub cases: Vec<CaseClock>,
    /// Where the walk goes on; none at its end.
    pub next: Option<RowId>,
}
