//! Bodies of the HTTP API for forces, version 1.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use cara_domain::notice::NoticeContent;

/// Answer of `POST /v1/records`: one entry for each record of the body, in its order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecordsAnswer {
    pub records: Vec<RecordAnswer>,
}

/// What became of one record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecordAnswer {
    /// The force's own key of the record; absent when it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record_ref: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referral_id: Option<Uuid>,
    /// Set when the record is a decision of police.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub decision_id: Option<Uuid>,
    /// Set when the record is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    pub status: RecordStatus,
    /// What stops the record: violations (the force mends them) and holds (the operators clear them).
    pub violations: Vec<FindingView>,
    /// What is worth a look; the case goes on.
    pub flags: Vec<FindingView>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordStatus {
    /// Stored; it will be delivered.
    Accepted,
    /// Equal to what is stored already; nothing new is sent.
    Duplicate,
    /// Kept, not sent, until the force mends it or the operators clear it.
    Held,
}

/// A code with where it applies; never a value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FindingView {
    /// `V201`: `GET /problems/V201` explains it.
    pub code: String,
    pub name: String,
    /// `violation`, `hold` or `flag`.
    pub kind: String,
    /// Dotted field name of the referral; empty for the whole record.
    pub field: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The check letter that would be right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_letter: Option<char>,
    /// The mapping's lookup or rule that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub named: Option<String>,
}

/// Answer of `GET /v1/referrals/{id}`: where the case is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReferralView {
    pub referral_id: Uuid,
    pub record_ref: String,
    /// Force code, two digits.
    pub force: String,
    pub provider: String,
    /// `queued`, `sent` or `withdrawn`.
    pub state: String,
    pub test_data: bool,
    pub revisions: Vec<RevisionView>,
    /// Open holds of the same record.
    pub holds: Vec<HoldView>,
    /// Where the programme is, as the provider's outcomes tell: `sent`, `received`, `accepted`,
    /// `declined`, `booked_1`, `attended_1`, `booked_2`, `completed`, `returned`, `withdrawn`.
    pub programme: String,
    /// The caution, mirrored: `active`, `varied`, `non_compliance_reported`, `complied`,
    /// `prosecuted`, `closed`, `withdrawn`.
    pub caution: String,
    /// What the force was or will be told about the case.
    pub notices: Vec<NoticeView>,
    /// What the provider was or will be told because of outcomes and decisions.
    pub messages: Vec<MessageView>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RevisionView {
    pub revision: u32,
    /// `new`, `amended` or `withdrawn`.
    pub action: String,
    /// RFC 3339.
    pub received_at: String,
    pub mapping: MappingView,
    pub flags: Vec<FindingView>,
    pub messages: Vec<MessageView>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MappingView {
    pub name: String,
    pub version: u32,
    pub sha256: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageView {
    pub message_id: Uuid,
    /// `offender` or `victim`.
    pub compartment: String,
    pub kind: String,
    /// RFC 3339; absent until the broker has confirmed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmed_at: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HoldView {
    pub hold_id: Uuid,
    pub received_at: String,
    pub causes: Vec<FindingView>,
    /// `open`, `released`, `returned`, `superseded` or `withdrawn`.
    pub state: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NoticeView {
    pub notice_id: Uuid,
    pub sequence: u64,
    pub kind: String,
    /// RFC 3339; absent until the force has acknowledged it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken_over_at: Option<String>,
    /// RFC 3339; present when a decision made the notice needless before anybody took it over.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cancelled_at: Option<String>,
}

/// Answer of `GET /v1/notices`: one page of a stream, by number.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NoticePage {
    pub notices: Vec<NoticeFacts>,
    /// Numbers of this page whose notices cannot be read now. Operators are told; ask again later
    /// with `after` set below the first of them.
    pub unreadable: Vec<u64>,
    /// Ask again with `after` set to this.
    pub last: u64,
}

/// `notice/1`: what the force is told because of an outcome. Facts, never a verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Notice")]
pub struct NoticeFacts {
    /// Stable: a notice that is read twice has the same.
    pub notice_id: Uuid,
    /// 1, 2, 3 … for each force and stream, without gaps.
    pub sequence: u64,
    pub kind: String,
    /// Absent while the record is held and is no referral yet.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub referral_id: Option<Uuid>,
    /// RFC 3339.
    pub made_at: String,
    /// RFC 3339; absent until the force has acknowledged it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken_over_at: Option<String>,
    /// RFC 3339; present when a decision made the notice needless before anybody took it over. It
    /// keeps its number.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cancelled_at: Option<String>,
    #[serde(flatten)]
    pub content: NoticeContent,
}

/// Body of `POST /v1/referrals/find`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Find {
    pub record_ref: String,
}

/// Answer of `POST /v1/referrals/find`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Found")]
pub struct FindAnswer {
    /// Absent when the record was only ever held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referral: Option<ReferralView>,
    pub holds: Vec<HoldView>,
}

/// Answer of `GET /v1/reconciliation?day=`: everything that arrived from the force on the day, and
/// everything that it was told on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reconciliation {
    pub force: String,
    /// The day in Europe/London.
    pub day: String,
    /// How many ids each state holds.
    pub counts: BTreeMap<String, u64>,
    /// Ids by state, of records that came on the day: `queued`, `sent`, `held`, `released`, `corrected`,
    /// `returned`, `superseded`, `withdrawn`; of holds of earlier days that ended on it:
    /// `earlier_released` and so on; of what the force was told that day: `notice_waiting`,
    /// `notice_taken_over`.
    pub ids: BTreeMap<String, Vec<Uuid>>,
    /// Head of the gateway's audit chain, so that the force holds an anchor of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit_head: Option<AuditHeadView>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AuditHead")]
pub struct AuditHeadView {
    pub sequence: u64,
    pub mac: String,
}

/// Answer of `GET /v1/whoami`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Whoami {
    pub identity: String,
    pub forces: Vec<ForceView>,
    /// When the presented certificate ends, RFC 3339.
    pub certificate_ends_at: String,
    /// `test` or `live`.
    pub mode: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ForceView {
    pub code: String,
    pub slug: String,
    pub mappings: Vec<MappingView>,
}

/// RFC 9457 `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub struct ProblemView {
    /// `/problems/P400`
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    /// What, where, what now; never a value from a record.
    pub detail: String,
    /// `P…`
    pub code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// Present on 422 when every record is at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<Vec<RecordAnswer>>,
}

/// Answer of `GET /problems/{code}` as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProblemPage {
    pub code: String,
    pub name: String,
    pub means: String,
    pub cause: String,
    pub fix: String,
    pub avoid: String,
}

impl ProblemPage {
    /// What it means, its usual cause, how to fix it, how to avoid it.
    pub fn of(code: &str, name: &str, [means, cause, fix, avoid]: [&str; 4]) -> ProblemPage {
        ProblemPage {
            code: code.to_owned(),
            name: name.to_owned(),
            means: means.to_owned(),
            cause: cause.to_owned(),
            fix: fix.to_owned(),
            avoid: avoid.to_owned(),
        }
    }
}
