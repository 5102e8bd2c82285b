//! `notice/1`: what a force is told because of an outcome, or because time has passed.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::choice::{Choice, choices};
use super::outcome::{OffenderReport, VictimReport};

choices! {
    /// Every kind of notice. The first group tells an outcome of the offender's side, the second is
    /// made by a clock, the third tells what an operator did with a record that was held, the fourth
    /// is the victim's stream.
    NoticeKind {
        Accepted "accepted", Declined "declined", InformationRequested "information_requested",
        Uncontactable "uncontactable", WorkshopBooked "workshop_booked",
        WorkshopRescheduled "workshop_rescheduled", WorkshopAttended "workshop_attended",
        WorkshopMissed "workshop_missed", ProgrammeCompleted "programme_completed",
        NonComplianceReported "non_compliance_reported", Correction "correction",
        Returned "returned",

        CompletionAtRisk "completion_at_risk", CompletionImpossible "completion_impossible",
        DeadlinePassed "deadline_passed", NoContact14Days "no_contact_14_days",
        RecordHeld "record_held",

        RecordReturned "record_returned", RecordCorrected "record_corrected",

        VictimContactStatus "victim_contact_status", VictimRiskChanged "victim_risk_changed",
        SafeguardingConcern "safeguarding_concern",
    }
}

/// What makes notices of a kind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NoticeOrigin {
    Outcome,
    VictimOutcome,
    Clock,
    Hold,
}

impl NoticeKind {
    /// What makes it, and whether a person is told when nobody has taken it over in time.
    fn origin(self) -> (NoticeOrigin, bool) {
        use NoticeKind::*;
        match self {
            Accepted
            | Declined
            | InformationRequested
            | Uncontactable
            | WorkshopBooked
            | WorkshopRescheduled
            | WorkshopAttended
            | ProgrammeCompleted
            | NonComplianceReported
            | Correction
            | Returned => (NoticeOrigin::Outcome, false),
            WorkshopMissed => (NoticeOrigin::Outcome, true),
            CompletionAtRisk | CompletionImpossible | DeadlinePassed | NoContact14Days => {
                (NoticeOrigin::Clock, false)
            }
            RecordHeld | RecordReturned | RecordCorrected => (NoticeOrigin::Hold, false),
            VictimContactStatus | VictimRiskChanged => (NoticeOrigin::VictimOutcome, false),
            SafeguardingConcern => (NoticeOrigin::VictimOutcome, true),
        }
    }

    /// Whether a person is told when nobody has taken it over in time.
    pub fn is_urgent(self) -> bool {
        self.origin().1
    }

    /// Whether only a running clock made it of a case: it no longer applies once police have decided
    /// about the caution, or have given it another deadline.
    pub fn is_of_clock(self) -> bool {
        self.origin().0 == NoticeOrigin::Clock
    }

    /// Whether it belongs to the victim's stream.
    pub fn is_of_victim(self) -> bool {
        self.origin().0 == NoticeOrigin::VictimOutcome
    }

    /// What tells the force of a report; `None`: that is between the provider and the gateway.
    pub fn of_report(report: &OffenderReport) -> Option<NoticeKind> {
        Some(match report {
            OffenderReport::Received | OffenderReport::Closed => return None,
            OffenderReport::Accepted => NoticeKind::Accepted,
            OffenderReport::Declined { .. } => NoticeKind::Declined,
            OffenderReport::InformationRequested { .. } => NoticeKind::InformationRequested,
            OffenderReport::Uncontactable { .. } => NoticeKind::Uncontactable,
            OffenderReport::WorkshopBooked { .. } => NoticeKind::WorkshopBooked,
            OffenderReport::WorkshopRescheduled { .. } => NoticeKind::WorkshopRescheduled,
            OffenderReport::WorkshopAttended { .. } => NoticeKind::WorkshopAttended,
            OffenderReport::WorkshopMissed { .. } => NoticeKind::WorkshopMissed,
            OffenderReport::ProgrammeCompleted => NoticeKind::ProgrammeCompleted,
            OffenderReport::NonComplianceReported { .. } => NoticeKind::NonComplianceReported,
            OffenderReport::Correction { .. } => NoticeKind::Correction,
            OffenderReport::Returned => NoticeKind::Returned,
        })
    }

    pub fn of_victim_report(report: &VictimReport) -> NoticeKind {
        match report {
            VictimReport::VictimContactStatus { .. } => NoticeKind::VictimContactStatus,
            VictimReport::VictimRiskChanged { .. } => NoticeKind::VictimRiskChanged,
            VictimReport::SafeguardingConcern => NoticeKind::SafeguardingConcern,
        }
    }
}

/// What a notice says, beside its own id, number and kind. Facts, never a verdict. What is not known
/// is absent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NoticeContent {
    /// Absent where the record is held and its key could not be read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub record_ref: Option<String>,
    /// Absent, as the next two, where the record is held and could not be read so far.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub occurrence_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub collar_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub compliance_inbox: Option<String>,
    /// The day on which it happened, or on which it was reported.
    #[schemars(with = "String", extend("format" = "date"))]
    pub happened_on: Date,
    /// 1 or 2: the workshop that it is about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub part: Option<u8>,
    /// The day of that workshop.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "Option<String>", extend("format" = "date"))]
    pub workshop_on: Option<Date>,
    /// Codes of the outcome, with blanks between: why it was missed or declined, what the report of
    /// non-compliance rests on, which fields of the referral are asked for. Of a record that was held:
    /// the published codes, given back with their fields (`V101:offender.phones`); corrected, the field.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// The day that police set, as varied last.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "Option<String>", extend("format" = "date"))]
    pub deadline: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "Option<String>", extend("format" = "date"))]
    pub prosecution_time_bar: Option<Date>,
    /// Whether two workshops five weeks apart still fit before the deadline, on the day on which
    /// the notice was made. Absent once the programme has ended.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub completion_still_possible: Option<bool>,
    /// How police reach the provider about it, as the gateway's operator wrote it down.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub provider_contact: Option<String>,
    /// The outcome or the hold behind it. Absent where a clock made the notice.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub evidence_ref: Option<Uuid>,
    /// The outcome that this one takes back.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub supersedes: Option<Uuid>,
}

impl NoticeContent {
    /// That something happened on this day, and nothing else.
    pub fn of_day(happened_on: Date) -> NoticeContent {
        NoticeContent {
            record_ref: None,
            occurrence_number: None,
            collar_number: None,
            compliance_inbox: None,
            happened_on,
            part: None,
            workshop_on: None,
            reason: None,
            deadline: None,
            prosecution_time_bar: None,
            completion_still_possible: None,
            provider_contact: None,
            evidence_ref: None,
            supersedes: None,
        }
    }
}

/// A notice whole, as a letter is rendered from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice<'a> {
    pub notice_id: Uuid,
    /// 1, 2, 3 … for each force and stream, without gaps.
    pub sequence: u64,
    pub kind: NoticeKind,
    /// Absent while the record is held and is no referral yet.
    pub referral_id: Option<Uuid>,
    pub made_at: jiff::Timestamp,
    pub content: &'a NoticeContent,
}
