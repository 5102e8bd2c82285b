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
pub struct Outcome<R = OffenderReport> {
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
pub enum OffenderReport {
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
        part: WorkshopPart,
        #[schemars(with = "String", extend("format" = "date"))]
        on: Date,
    },
    WorkshopRescheduled {
        part: WorkshopPart,
        #[schemars(with = "String", extend("format" = "date"))]
        on: Date,
    },
    WorkshopAttended {
        part: WorkshopPart,
        #[schemars(with = "String", extend("format" = "date"))]
        on: Date,
        arrived_late: bool,
    },
    WorkshopMissed {
        part: WorkshopPart,
        #[schemars(with = "String", extend("format" = "date"))]
        on: Date,
        reason: MissReason,
        /// Whether he offered an explanation; what it was stays with the provider.
        explanation_offered: YesNo,
        /// The workshop that he has to begin again with, as the provider states it.
        repeat_from: WorkshopPart,
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

impl OffenderReport {
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
            OffenderReport::Received => "received",
            OffenderReport::Accepted => "accepted",
            OffenderReport::Declined { .. } => "declined",
            OffenderReport::InformationRequested { .. } => "information_requested",
            OffenderReport::Uncontactable { .. } => "uncontactable",
            OffenderReport::WorkshopBooked { .. } => "workshop_booked",
            OffenderReport::WorkshopRescheduled { .. } => "workshop_rescheduled",
            OffenderReport::WorkshopAttended { .. } => "workshop_attended",
            OffenderReport::WorkshopMissed { .. } => "workshop_missed",
            OffenderReport::ProgrammeCompleted => "programme_completed",
            OffenderReport::NonComplianceReported { .. } => "non_compliance_reported",
            OffenderReport::Correction { .. } => "correction",
            OffenderReport::Returned => "returned",
            OffenderReport::Closed => "closed",
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
pub enum WorkshopPart {
    First,
    Second,
}

impl WorkshopPart {
    pub fn of(number: u64) -> Option<WorkshopPart> {
        match number {
            1 => Some(WorkshopPart::First),
            2 => Some(WorkshopPart::Second),
            _ => None,
        }
    }

    pub fn number(self) -> u8 {
        match self {
            WorkshopPart::First => 1,
            WorkshopPart::Second => 2,
        }
    }
}

impl Serialize for WorkshopPart {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.number())
    }
}

impl JsonSchema for WorkshopPart {
    fn schema_name() -> Cow<'static, str> {
        "Part".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "enum": [1, 2] })
    }
}
