//! Letters that are pushed to forces.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryList {
    /// One for each force.
    pub deliveries: Vec<DeliveryLine>,
}

/// Where a force's letters are pushed, and whether they arrive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryLine {
    /// The force's slug.
    pub force: String,
    /// Absent: nothing is pushed, the force collects.
    pub to: Option<String>,
    pub waiting: u64,
    pub paused: Option<DeliveryPause>,
    pub arrived_at: Option<Timestamp>,
    /// Since when nothing gets through.
    pub failing_since: Option<Timestamp>,
    /// Why the last try of the endpoint failed.
    pub reason: Option<String>,
    /// Letters that were tried in vain and wait; counted up to 100.
    pub failing: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryPause {
    pub at: Timestamp,
    /// An operator's name, or `gateway`.
    pub by: String,
    pub because: String,
}

/// Which letter.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LetterAsked {
    pub notice_id: Uuid,
}

/// One letter and what its last try came to. What it says is not shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LetterView {
    pub notice_id: Uuid,
    /// The force's slug.
    pub force: String,
    pub sequence: u64,
    pub kind: String,
    pub referral_id: Option<Uuid>,
    pub made_at: Timestamp,
    pub state: LetterState,
    pub taken_over_at: Option<Timestamp>,
    pub cancelled_at: Option<Timestamp>,
    pub delivered_at: Option<Timestamp>,
    pub push_cancelled_at: Option<Timestamp>,
    pub attempts: u32,
    pub failing_since: Option<Timestamp>,
    pub next_try_at: Option<Timestamp>,
    /// What the endpoint answered last.
    pub status: Option<u16>,
    /// Why the last try failed.
    pub reason: Option<String>,
}

/// Where a letter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LetterState {
    /// The force has taken it over.
    TakenOver,
    /// Its notice no longer applies.
    NoticeCancelled,
    Arrived,
    /// It is pushed no more; the force can fetch it.
    PushCancelled,
    /// It is refused and tried again.
    Refused,
    Waits,
}

impl LetterState {
    /// For a sentence.
    pub fn words(self) -> &'static str {
        match self {
            LetterState::TakenOver => "the force has taken it over",
            LetterState::NoticeCancelled => "the notice no longer applies",
            LetterState::Arrived => "it has arrived",
            LetterState::PushCancelled => "it is pushed no more; the force can fetch it",
            LetterState::Refused => "it is refused and tried again",
            LetterState::Waits => "it waits",
        }
    }
}
