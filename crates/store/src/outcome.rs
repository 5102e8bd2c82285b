//! What the way back stores: outcomes as they arrived, where the case stands, notices to forces.

use cara_domain::Compartment;
use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use super::row::ForceCode;
use cara_vault::{Digest, Offender, Sealed, Victim, WrappedKeys};

/// Bytes sealed under the key of one of the two sides.
#[derive(Debug)]
pub enum SealedSide {
    Offender(Sealed<Offender>),
    Victim(Sealed<Victim>),
}

impl SealedSide {
    pub fn compartment(&self) -> Compartment {
        match self {
            SealedSide::Offender(_) => Compartment::Offender,
            SealedSide::Victim(_) => Compartment::Victim,
        }
    }

    pub fn as_bytes(&self) -> &[u8] {
        match self {
            SealedSide::Offender(sealed) => sealed.as_bytes(),
            SealedSide::Victim(sealed) => sealed.as_bytes(),
        }
    }
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
    /// `varied`, `recalled` …
    pub decided: String,
    pub decided_on: Date,
    pub received_at: Timestamp,
    /// Keyed hash of the content: the same id with another content is another decision.
    pub content: Digest,
    pub body: Sealed<Offender>,
    pub standing: NewStanding,
    pub messages: Vec<CausedMessage>,
    /// Notices of these kinds that nobody has taken over yet no longer apply.
    pub cancels: &'static [&'static str],
}

/// A message to the provider that an outcome or a decision caused; no revision carries it.
#[derive(Debug)]
pub struct CausedMessage {
    /// The event's id: stable across retries and restarts.
    pub event_id: Uuid,
    /// `decision`, `recall`, `prompt`: the last part of the routing key's kind.
    pub kind: String,
    pub made_at: Timestamp,
    /// The event's body, exactly as it is published.
    pub body: SealedSide,
    /// A message of the same referral that must be confirmed before this one may be claimed.
    pub after: Option<Uuid>,
}

/// Where a case stands, in clear states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewStanding {
    /// How many outcomes and decisions were stored when this was folded; `Conflict` when there are
    /// more by now.
    pub facts_before: u32,
    pub programme: String,
    pub caution: String,
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

/// A notice without its number: that is drawn in the transaction that stores it.
#[derive(Debug)]
pub struct NewNotice {
    pub notice_id: Uuid,
    pub kind: String,
    /// The outcome that caused it. Each (referral, kind, cause) makes one notice at most.
    pub cause: Uuid,
    pub made_at: Timestamp,
    /// A side's notices are a stream of their own with numbers of their own.
    pub body: SealedSide,
}

/// Everything that is known of one case on the way back.
#[derive(Debug)]
pub struct Case {
    pub referral_id: Uuid,
    pub force: ForceCode,
    pub provider: String,
    pub test_data: bool,
    pub keys: WrappedKeys,
    pub latest_revision: u32,
    /// The police-only row of the latest revision that is no withdrawal, and that revision.
    pub police: Sealed<Offender>,
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
pub struct DecisionRow {
    pub decision_id: Uuid,
    pub content: Digest,
    pub received_at: Timestamp,
    pub body: Sealed<Offender>,
}

#[derive(Debug)]
pub struct OutcomeRow {
    pub outcome_id: Uuid,
    pub number: u32,
    pub content: Digest,
    pub body: SealedSide,
}

/// Which notices a caller asks for.
#[derive(Clone, Debug)]
pub struct NoticeFilter {
    pub force: ForceCode,
    pub test_data: bool,
    pub stream: Compartment,
    /// Numbers above this one.
    pub after: u64,
}

/// A notice with what opens it.
#[derive(Debug)]
pub struct NoticeRow {
    pub notice_id: Uuid,
    pub about: About,
    pub force: ForceCode,
    pub test_data: bool,
    /// 1, 2, 3 … for each force, test or live, and stream; without gaps.
    pub sequence: u64,
    pub kind: String,
    pub made_at: Timestamp,
    pub taken_over_at: Option<Timestamp>,
    /// A decision made it needless before anybody took it over. It keeps its number.
    pub cancelled_at: Option<Timestamp>,
    pub keys: WrappedKeys,
    pub body: SealedSide,
}

/// Whose keys a notice is sealed under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum About {
    Referral(Uuid),
    /// A record that is held and no referral yet.
    Hold(Uuid),
}

impl About {
    /// The id that its keys are bound to.
    pub fn id(self) -> Uuid {
        match self {
            About::Referral(id) | About::Hold(id) => id,
        }
    }

    pub fn referral_id(self) -> Option<Uuid> {
        match self {
            About::Referral(id) => Some(id),
            About::Hold(_) => None,
        }
    }
}

/// A notice as a referral's page names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeState {
    pub notice_id: Uuid,
    pub stream: Compartment,
    pub sequence: u64,
    pub kind: String,
    pub taken_over_at: Option<Timestamp>,
    pub cancelled_at: Option<Timestamp>,
}
