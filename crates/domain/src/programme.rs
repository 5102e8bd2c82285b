//! The provider's run of workshops for one referral, as far as its outcomes tell.
//!
//! ```mermaid
//! stateDiagram-v2
//!     [*] --> sent
//!     sent --> received: received
//!     sent --> accepted: accepted
//!     sent --> declined: declined
//!     received --> accepted: accepted
//!     received --> declined: declined
//!     accepted --> booked_1: workshop_booked 1
//!     accepted --> declined: declined
//!     booked_1 --> booked_1: workshop_rescheduled 1
//!     booked_1 --> attended_1: workshop_attended 1
//!     booked_1 --> accepted: workshop_missed 1
//!     attended_1 --> booked_2: workshop_booked 2
//!     booked_2 --> booked_2: workshop_rescheduled 2
//!     booked_2 --> booked_2: workshop_attended 2
//!     booked_2 --> accepted: workshop_missed 2, repeat from 1
//!     booked_2 --> attended_1: workshop_missed 2, repeat from 2
//!     booked_2 --> completed: programme_completed
//!     sent --> returned: returned
//!     received --> returned: returned
//!     accepted --> returned: returned
//!     booked_1 --> returned: returned
//!     attended_1 --> returned: returned
//!     booked_2 --> returned: returned
//! ```
//!
//! `information_requested`, `uncontactable` and `non_compliance_reported` are facts about a
//! programme that has not ended and move nothing; `closed` is one about a programme that has ended.
//! A withdrawal by police ends any programme that has not ended (see [`super::standing`]).

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::choice::{Choice, DeclineReason, MissReason, choices};
use super::outcome::{OffenderReport, Outcome, WorkshopPart};

/// Where a programme is; each state carries the facts that led to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Programme {
    /// On its way to the provider, who has not said anything yet.
    Sent,
    Received {
        on: Date,
    },
    /// Taken on, nothing booked; also after a missed workshop that has to be begun again.
    Accepted {
        on: Date,
    },
    Declined {
        on: Date,
        reason: DeclineReason,
    },
    #[serde(rename = "booked_1")]
    Booked1 {
        on: Date,
    },
    #[serde(rename = "attended_1")]
    Attended1 {
        first: Date,
    },
    #[serde(rename = "booked_2")]
    Booked2 {
        first: Date,
        on: Date,
        /// Set once the second workshop was attended; completing is a report of its own.
        #[serde(skip_serializing_if = "Option::is_none")]
        second: Option<Date>,
    },
    Completed {
        first: Date,
        second: Date,
        on: Date,
    },
    /// The provider gave the case back.
    Returned {
        on: Date,
    },
    /// Police took the case back, or had sent it in error.
    Withdrawn {
        on: Date,
    },
}

choices! {
    /// Where a programme is, without the facts that led there.
    ProgrammeState {
        Sent "sent", Received "received", Accepted "accepted", Declined "declined",
        Booked1 "booked_1", Attended1 "attended_1", Booked2 "booked_2", Completed "completed",
        Returned "returned", Withdrawn "withdrawn",
    }
}

/// Why an outcome does not fit what is known. It changes nothing and goes to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Contradiction {
    /// The programme has ended.
    HasEnded,
    /// The programme has not ended, so the file cannot be closed.
    HasNotEnded,
    /// The programme is not in a state in which this can happen.
    OutOfOrder,
    /// Completed without both workshops attended.
    NotBothAttended,
    /// A cancellation by the provider that would cost the offender an attended workshop, or a
    /// repetition from a workshop that was not reached.
    RepeatFrom,
}

impl Programme {
    /// Takes an outcome into account, or says why it cannot be.
    pub fn apply(self, outcome: &Outcome) -> Result<Programme, (Programme, Contradiction)> {
        let happened_on = outcome.happened_on;
        match (&outcome.report, self) {
            (OffenderReport::Closed, ended) if ended.has_ended() => Ok(ended),
            (OffenderReport::Closed, open) => Err((open, Contradiction::HasNotEnded)),
            // It names another outcome; leaving that one out is the fold's work.
            (OffenderReport::Correction { .. }, any) => Ok(any),
            (_, ended) if ended.has_ended() => Err((ended, Contradiction::HasEnded)),
            (OffenderReport::Received, Programme::Sent) => {
                Ok(Programme::Received { on: happened_on })
            }
            (OffenderReport::Accepted, Programme::Sent | Programme::Received { .. }) => {
                Ok(Programme::Accepted { on: happened_on })
            }
            (
                OffenderReport::Declined { reason },
                Programme::Sent | Programme::Received { .. } | Programme::Accepted { .. },
            ) => Ok(Programme::Declined { on: happened_on, reason: *reason }),
            (
                OffenderReport::InformationRequested { .. }
                | OffenderReport::Uncontactable { .. }
                | OffenderReport::NonComplianceReported { .. },
                open,
            ) => Ok(open),
            (OffenderReport::Returned, _) => Ok(Programme::Returned { on: happened_on }),
            (
                OffenderReport::WorkshopBooked { part: WorkshopPart::First, on },
                Programme::Accepted { .. },
            )
            | (
                OffenderReport::WorkshopRescheduled { part: WorkshopPart::First, on },
                Programme::Booked1 { .. },
            ) => Ok(Programme::Booked1 { on: *on }),
            (
                OffenderReport::WorkshopBooked { part: WorkshopPart::Second, on },
                Programme::Attended1 { first },
            )
            | (
                OffenderReport::WorkshopRescheduled { part: WorkshopPart::Second, on },
                Programme::Booked2 { first, second: None, .. },
            ) => Ok(Programme::Booked2 { first, on: *on, second: None }),
            (
                OffenderReport::WorkshopAttended { part: WorkshopPart::First, on, .. },
                Programme::Booked1 { .. },
            ) => Ok(Programme::Attended1 { first: *on }),
            (
                OffenderReport::WorkshopAttended { part: WorkshopPart::Second, on, .. },
                Programme::Booked2 { first, on: booked, second: None },
            ) => Ok(Programme::Booked2 { first, on: booked, second: Some(*on) }),
            (OffenderReport::WorkshopMissed { part, reason, repeat_from, .. }, open) => {
                open.missed(*part, *reason, *repeat_from, happened_on)
            }
            (
                OffenderReport::ProgrammeCompleted,
                Programme::Booked2 { first, second: Some(second), .. },
            ) => Ok(Programme::Completed { first, second, on: happened_on }),
            (OffenderReport::ProgrammeCompleted, open) => {
                Err((open, Contradiction::NotBothAttended))
            }
            (_, open) => Err((open, Contradiction::OutOfOrder)),
        }
    }

    /// "If you miss a workshop then you will have to repeat both" (DOMAIN 1.4) is the provider's
    /// rule and stated in `repeat_from`; only a workshop that the provider cancelled may never cost
    /// an attendance.
    fn missed(
        self,
        part: WorkshopPart,
        reason: MissReason,
        repeat_from: WorkshopPart,
        happened_on: Date,
    ) -> Result<Programme, (Programme, Contradiction)> {
        match (self, part, repeat_from) {
            (Programme::Booked1 { .. }, WorkshopPart::First, WorkshopPart::First) => {
                Ok(Programme::Accepted { on: happened_on })
            }
            (
                Programme::Booked2 { first, second: None, .. },
                WorkshopPart::Second,
                WorkshopPart::Second,
            ) => Ok(Programme::Attended1 { first }),
            (
                booked @ Programme::Booked2 { second: None, .. },
                WorkshopPart::Second,
                WorkshopPart::First,
            ) => match reason {
                MissReason::CancelledByProvider => Err((booked, Contradiction::RepeatFrom)),
                _ => Ok(Programme::Accepted { on: happened_on }),
            },
            (booked @ Programme::Booked1 { .. }, WorkshopPart::First, WorkshopPart::Second) => {
                Err((booked, Contradiction::RepeatFrom))
            }
            (other, _, _) => Err((other, Contradiction::OutOfOrder)),
        }
    }

    pub fn has_ended(&self) -> bool {
        matches!(
            self,
            Programme::Declined { .. }
                | Programme::Completed { .. }
                | Programme::Returned { .. }
                | Programme::Withdrawn { .. }
        )
    }

    pub fn state(&self) -> ProgrammeState {
        match self {
            Programme::Sent => ProgrammeState::Sent,
            Programme::Received { .. } => ProgrammeState::Received,
            Programme::Accepted { .. } => ProgrammeState::Accepted,
            Programme::Declined { .. } => ProgrammeState::Declined,
            Programme::Booked1 { .. } => ProgrammeState::Booked1,
            Programme::Attended1 { .. } => ProgrammeState::Attended1,
            Programme::Booked2 { .. } => ProgrammeState::Booked2,
            Programme::Completed { .. } => ProgrammeState::Completed,
            Programme::Returned { .. } => ProgrammeState::Returned,
            Programme::Withdrawn { .. } => ProgrammeState::Withdrawn,
        }
    }
}
