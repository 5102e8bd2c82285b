//! Version 1 of the messages' bodies: the `data` of the CloudEvents envelope.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use cara_domain::Recorded;
use cara_domain::choice::{Choice, ContactAgreed, Decided};
use cara_domain::recorded::NOT_RECORDED;

/// The protective marking that every message with personal content carries.
pub const MARKING: &str = "OFFICIAL-SENSITIVE";

/// What the gateway sets on a revision of a referral.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub referral_id: Uuid,
    /// 1, 2, …: a consumer ignores a message whose revision is not above the last one it saw.
    pub revision: u32,
    /// Home Office two-digit code: `44`.
    pub force: String,
    /// The provider's slug.
    pub provider: String,
    pub received_at: Timestamp,
    /// The information-sharing agreement under which the force sends.
    pub agreement_ref: String,
    pub test_data: bool,
}

/// The head of a body with content, as JSON writes it; the side's own members follow it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Head")]
pub(super) struct ContentHead<'a> {
    referral_id: Uuid,
    /// 1, 2, …: ignore a message whose revision is not above the last one seen.
    #[schemars(range(min = 1))]
    revision: u32,
    /// Home Office force code.
    #[schemars(regex(pattern = "^[0-9]{2}$"))]
    force: &'a str,
    provider: &'a str,
    /// When the gateway took the record.
    #[schemars(with = "String", extend("format" = "date-time"))]
    received_at: Timestamp,
    #[schemars(extend("const" = MARKING))]
    marking: &'static str,
    /// The information-sharing agreement under which the force sends.
    agreement_ref: &'a str,
    /// True: made up; never act on it.
    test_data: bool,
    /// Worth a look; only those of fields that this side may see. Absent: none.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schemars(with = "Option<Vec<Flag>>")]
    flags: &'a [Flag],
}

impl<'a> ContentHead<'a> {
    pub(super) fn of(stamp: &'a Stamp, flags: &'a [Flag]) -> Self {
        ContentHead {
            referral_id: stamp.referral_id,
            revision: stamp.revision,
            force: &stamp.force,
            provider: &stamp.provider,
            received_at: stamp.received_at,
            marking: MARKING,
            agreement_ref: &stamp.agreement_ref,
            test_data: stamp.test_data,
            flags,
        }
    }
}

/// One thing that is worth a look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Flag {
    /// `V103`; never reused.
    pub code: Cow<'static, str>,
    pub name: Cow<'static, str>,
    /// Dotted, with a 1-based number for a group: `offences[2].title`.
    pub field: Cow<'static, str>,
}

/// The case is off: `referral.withdrawn`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ReferralWithdrawn<'a> {
    #[serde(flatten)]
    pub head: ContentHead<'a>,
}

/// The case is off: `victim.withdrawn`. It goes out whether or not she agreed to contact, so it
/// says nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VictimWithdrawn {
    pub referral_id: Uuid,
    #[schemars(range(min = 1))]
    pub revision: u32,
}

/// What a victim's message holds unless she agreed to be contacted.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct VictimNotAgreed {
    pub referral_id: Uuid,
    /// 1, 2, …: ignore a message whose revision is not above the last one seen.
    #[schemars(range(min = 1))]
    pub revision: u32,
    /// Never `yes`.
    #[schemars(with = "NotAgreed")]
    pub contact_agreed: Recorded<ContactAgreed>,
}

/// She agreed before and does not now: `victim.recalled`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct VictimRecalled {
    pub referral_id: Uuid,
    /// 1, 2, …: ignore a message whose revision is not above the last one seen.
    #[schemars(range(min = 1))]
    pub revision: u32,
    /// Never `yes`.
    #[schemars(with = "NotAgreed")]
    pub contact_agreed: Recorded<ContactAgreed>,
    /// What the provider has to do now, in this order.
    #[schemars(extend("const" = RecallDemand::ALL))]
    pub demand: [RecallDemand; 3],
}

/// What police decided: `caution.decision`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct CautionDecision<'a> {
    #[serde(flatten)]
    pub head: ContentHead<'a>,
    /// Stable: a decision that is told twice has the same.
    pub decision_id: Uuid,
    #[schemars(with = "String", extend("format" = "date"))]
    pub decided_on: Date,
    pub decision: Decided,
    /// With `varied`: the day by which the conditions have to be met now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date"))]
    pub new_deadline: Option<Date>,
    /// An earlier decision that this one replaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<Uuid>,
}

/// The referral was sent in error: `recall`. Confirmed by the outcome `closed`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Recall<'a> {
    #[serde(flatten)]
    pub head: ContentHead<'a>,
    /// What the provider has to do now, in this order.
    #[schemars(extend("const" = RecallDemand::ALL))]
    pub demand: [RecallDemand; 3],
}

/// Something happened on the offender's side: `victim.prompt`. Nothing else of him is said.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct VictimPrompt {
    pub referral_id: Uuid,
    pub what: Prompt,
    #[schemars(with = "String", extend("format" = "date"))]
    pub happened_on: Date,
    /// One working day after the gateway learned of it; bank holidays count as working days.
    #[schemars(with = "String", extend("format" = "date"))]
    pub due_by: Date,
    /// With `recalled`: what the provider has to do now, in this order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<[RecallDemand; 3]>")]
    pub demand: Option<[RecallDemand; 3]>,
}

/// What a prompt tells the victim worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    /// He missed a workshop; one that the provider cancelled is none.
    WorkshopMissed,
    ProgrammeCompleted,
    /// Police decided that the caution goes on.
    CautionContinued,
    /// Police gave the caution another deadline.
    CautionVaried,
    /// Police decided to prosecute.
    Prosecuted,
    NoFurtherAction,
    /// Police took the case back.
    Withdrawn,
    /// The referral was sent in error.
    Recalled,
}

/// What `contact_agreed` may be where she did not agree.
struct NotAgreed;

impl JsonSchema for NotAgreed {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "NotAgreed".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let codes = ContactAgreed::CODES.iter().copied();
        let others = codes.filter(|code| *code != ContactAgreed::Yes.code());
        let others: Vec<_> = others.chain([NOT_RECORDED]).collect();
        json_schema!({ "enum": others })
    }
}

/// What a recall asks of the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Demand")]
pub enum RecallDemand {
    /// Do nothing more in this case; with `victim.recalled`, contact her no more.
    Stop,
    /// Destroy what earlier messages of this side said.
    Destroy,
    /// Say that it is done.
    Confirm,
}

impl RecallDemand {
    pub const ALL: [RecallDemand; 3] =
        [RecallDemand::Stop, RecallDemand::Destroy, RecallDemand::Confirm];
}
