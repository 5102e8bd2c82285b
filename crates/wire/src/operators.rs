//! Bodies of the operators' API, version 1: codes, ids, numbers and times. What they mean, and what
//! to do, stands on the published pages; whoever shows them finds the words.

pub mod call;
pub mod delivery;
pub mod hold;
pub mod mapping;

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Why something is done or shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Because {
    /// It stands in the audit chain; never empty.
    pub because: String,
}

/// Whether the gateway takes records, and how each of its parts is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Readiness {
    pub ready: bool,
    pub parts: Vec<ReadyPart>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReadyPart {
    /// `store`, `broker` …
    pub name: String,
    pub good: bool,
    /// Why it is not good.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub what: Option<String>,
}

/// Who asks, and how the gateway is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GatewayStatus {
    /// The operator's name.
    pub operator: String,
    #[serde(flatten)]
    pub readiness: Readiness,
    pub certificates: Vec<CertificateEnd>,
}

/// When one of the gateway's own certificates, or one that it trusts, ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CertificateEnd {
    pub name: String,
    pub ends_at: Timestamp,
    /// Negative: it has ended.
    pub days_left: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IncidentList {
    pub incidents: Vec<IncidentLine>,
}

/// What is wrong now; `GET /problems/{kind}` says what it means and what to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IncidentLine {
    /// `hold_open`, `broker_away` …
    pub kind: String,
    /// A force, a provider, an id; what it is depends on the kind.
    pub about: String,
    pub count: u64,
    /// Absent while it is so and the store has not noted it.
    pub opened_at: Option<Timestamp>,
}

/// Of which force's day.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForceDayAsked {
    /// Its slug.
    pub force: String,
    /// A day in Europe/London.
    pub day: Date,
}

/// Of which provider's day.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderDayAsked {
    /// Its slug.
    pub provider: String,
    /// A day in Europe/London.
    pub day: Date,
}

/// Messages to a provider by the day of their own time, and what the provider says of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProviderDay {
    pub provider: String,
    pub day: Date,
    pub sides: Vec<ProviderSide>,
}

/// One side of a provider's day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProviderSide {
    /// `offender` or `victim`.
    pub side: String,
    /// Messages that the broker has confirmed.
    pub sent: Vec<Uuid>,
    pub queued: Vec<Uuid>,
    /// Absent: it has said nothing of this day.
    pub provider: Option<ProviderSaid>,
}

/// What one side of a provider says of a day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProviderSaid {
    pub said_at: Timestamp,
    /// Messages that were sent and that it has not got.
    pub missing_there: Vec<Uuid>,
    /// Outcomes that it reported and that are not here.
    pub missing_here: Vec<Uuid>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeadQueues {
    /// Those that are not empty, or not known.
    pub queues: Vec<DeadQueue>,
}

/// A dead queue. One message in it is an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeadQueue {
    /// `cara.intake.harbour`: where its messages died.
    pub queue: String,
    /// Absent: its broker could not be asked.
    pub messages: Option<u64>,
}

/// Which dead queue's messages are put back where they died.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeadReturn {
    /// `cara.intake.harbour`
    pub queue: String,
}

/// What is sent again because a provider has lost it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SendAgain {
    /// The provider's slug.
    pub provider: String,
    /// What the broker confirmed from this moment on.
    pub since: Timestamp,
    /// It stands in the audit chain; never empty.
    pub because: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessagesMoved {
    pub messages: u64,
}
