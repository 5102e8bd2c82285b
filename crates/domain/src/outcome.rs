//! What the provider reports: facts, never verdicts (DESIGN section 7). Only police or a prosecutor
//! decide what a fact means for the caution (CJA 2003 s24A, s25).

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use uuid::Uuid;

use super::choice::{ContactStatus, DeclineReason, MissReason, NonCompliance, RiskGrade, YesNo};

/// One thing that happened, as one side of the provider reports it: the offender's unless said
/// otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Outcome<R = Report> {
    /// Stable over retries: the same id with the same content is the same report.
    pub outcome_id: Uuid,
    pub referral_id: Uuid,
    /// 1, 2, 3 … for each referral and side, without gaps; set by the provider.
    #[schemars(range(min = 1))]
    pub number: u32,
    /// The newest revision of the referral that the provider had seen.
    #[schemars(range(min = 1))]
    pub revision_seen: u32,
    /// The day in Europe/London on which it happened.
    #[schemars(with = "String", extend("format" = "date"))]
    pub happened_on: Date,
    /// When the provider wrote it down.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub recorded_at: Timestamp,
    #[serde(flatten)]
    pub report: R,
}

/// What an outcome says. Every member is mandatory; members that are not listed are ignored and
/// never kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Report {
    /// The referral has arrived and was read.
    Received,
    /// The provider takes the offender on.
    Accepted,
    /// The provider cannot take him on: he can no longer comply, through no fault of his own.
    Declined { reason: DeclineReason },
    /// The provider needs these fields of the referral, by their dotted names.
    InformationRequested { fields: Vec<String> },
    /// He could not be reached so far.
    Uncontactable { attempts: u32 },
    WorkshopBooked {
        part: Part,
        #[schemars(with = "String", extend("format" = "date"))]
        on: Date,
    },
    WorkshopRescheduled {
        part: Part,
        #[schemars(with = "String", extend("format" = "date"))]
        on: Date,
    },
    WorkshopAttended {
        part: Part,
        #[schemars(with = "String", extend("format" = "date"))]
        on: Date,
        arrived_late: bool,
    },
    WorkshopMissed {
        part: Part,
        #[schemars(with = "String", extend("format" = "date"))]
        on: Date,
        reason: MissReason,
        /// Whether he offered an explanation; what it was stays with the provider.
        explanation_offered: YesNo,
        /// The workshop that he has to begin again with, as the provider states it.
        repeat_from: Part,
    },
    /// Both workshops were attended.
    ProgrammeCompleted,
    /// The provider reports that a condition was not met; whether it was breached is decided by
    /// police.
    NonComplianceReported { facts: Vec<NonCompliance> },
    /// Takes an earlier outcome back as if it had never been reported; what is right follows under
    /// its own number.
    Correction { supersedes: Uuid },
    /// The provider gives the case back.
    Returned,
    /// The provider has closed its file.
    Closed,
}

impl Report {
    /// Every kind, in the order of the design.
    pub const KINDS: [&'static str; 14] = [
        "received",
        "accepted",
        "declined",
        "information_requested",
        "uncontactable",
        "workshop_booked",
        "workshop_rescheduled",
        "workshop_attended",
        "workshop_missed",
        "programme_completed",
        "non_compliance_reported",
        "correction",
        "returned",
        "closed",
    ];

    pub fn kind(&self) -> &'static str {
        match self {
            Report::Received => "received",
            Report::Accepted => "accepted",
            Report::Declined { .. } => "declined",
            Report::InformationRequested { .. } => "information_requested",
            Report::Uncontactable { .. } => "uncontactable",
            Report::WorkshopBooked { .. } => "workshop_booked",
            Report::WorkshopRescheduled { .. } => "workshop_rescheduled",
            Report::WorkshopAttended { .. } => "workshop_attended",
            Report::WorkshopMissed { .. } => "workshop_missed",
            Report::ProgrammeCompleted => "programme_completed",
            Report::NonComplianceReported { .. } => "non_compliance_reported",
            Report::Correction { .. } => "correction",
            Report::Returned => "returned",
            Report::Closed => "closed",
        }
    }
}

/// What the provider's victim side says: codes only, no free text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum VictimReport {
    VictimContactStatus {
        status: ContactStatus,
    },
    /// The victim worker has graded the risk anew.
    VictimRiskChanged {
        grade: RiskGrade,
    },
    /// A person at the police has to be told within 15 minutes, at any hour.
    SafeguardingConcern,
}

impl VictimReport {
    pub const KINDS: [&'static str; 3] =
        ["victim_contact_status", "victim_risk_changed", "safeguarding_concern"];

    pub fn kind(&self) -> &'static str {
        match self {
            VictimReport::VictimContactStatus { .. } => "victim_contact_status",
            VictimReport::VictimRiskChanged { .. } => "victim_risk_changed",
            VictimReport::SafeguardingConcern => "safeguarding_concern",
        }
    }
}

/// The first or the second workshop; 1 or 2 in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    First,
    Second,
}

impl Part {
    pub fn of(number: u64) -> Option<Part> {
        match number {
            1 => Some(Part::First),
            2 => Some(Part::Second),
            _ => None,
        }
    }

    pub fn number(self) -> u8 {
        match self {
            Part::First => 1,
            Part::Second => 2,
        }
    }
}

impl Serialize for Part {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.number())
    }
}

impl JsonSchema for Part {
    fn schema_name() -> Cow<'static, str> {
        "Part".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "enum": [1, 2] })
    }
}
