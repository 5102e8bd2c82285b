//! Mappings: how one goes live, and comes back.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::hold::HoldReason;

/// Of which force.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForceAsked {
    /// Its slug.
    pub force: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MappingHistory {
    /// The newest first.
    pub versions: Vec<MappingVersion>,
}

/// One version of a mapping; without its text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MappingVersion {
    /// `referral`
    pub name: String,
    pub version: u32,
    pub sha256: String,
    pub by: String,
    pub at: Timestamp,
    pub because: String,
    pub live: bool,
}

/// An earlier version that is to go live again.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MappingRollback {
    /// The force's slug.
    pub force: String,
    /// `referral`
    pub name: String,
    pub version: u32,
    /// It stands in the version's history and in the audit chain; never empty.
    pub because: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MappingRolledBack {
    /// The version that is live now, with the earlier one's text.
    pub version: u32,
}

/// A mapping file that an operator wants to go live, with everything that its tests read.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// The force's slug.
    pub force: String,
    /// `referral`, `decision` or `notice`.
    pub name: String,
    pub text: String,
    /// The bytes of the examples, by the names that the file gives them.
    pub files: BTreeMap<String, Vec<u8>>,
    /// It stands in the version's history and in the audit chain; never empty.
    pub because: String,
    /// Why its tests need not reach everything.
    #[serde(default)]
    pub uncovered: Option<String>,
    /// Check, compare and try; put nothing live.
    #[serde(default)]
    pub dry_run: bool,
    /// What a dry run answered. Nothing goes live without one, nor when it was of another text or
    /// another version has gone live since.
    #[serde(default)]
    pub seen: Option<CandidateSeen>,
    /// Of a dry run: on how many kept records it is tried; 1 to 10,000, 1,000 when left out.
    #[serde(default)]
    pub records: Option<u32>,
    /// Of a dry run: show old and new values. They are audited as a consultation.
    #[serde(default)]
    pub reveal: bool,
}

impl Candidate {
    /// The same, to go live as it was tried and over what it was tried against.
    pub fn live(self, seen: CandidateSeen) -> Candidate {
        Candidate { dry_run: false, seen: Some(seen), reveal: false, ..self }
    }
}

/// What a dry run was about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CandidateSeen {
    /// Of the text.
    pub sha256: String,
    /// The version that was live; 0: none was.
    pub live: u32,
}

/// What came of a candidate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CandidateAnswer {
    /// The version that is live now; absent when nothing went live.
    pub version: Option<u32>,
    /// To be sent back to put it live.
    pub seen: CandidateSeen,
    /// Against the version that was live, as `mapping diff` says them; absent when none was.
    pub changes: Option<Vec<String>>,
    /// Some change can get somebody hurt: two operators have to ask for it.
    pub sensitive: bool,
    /// Of a dry run: what would become of the records that are kept. Absent for letters.
    pub replay: Option<Replay>,
    /// Who asked first; another operator has to ask for the same text.
    pub waits_after: Option<String>,
    /// Open holds that the version which is live now would accept, by cause.
    pub waiting: Vec<WaitingHolds>,
}

/// What a candidate would make of the records that are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Replay {
    /// Records of this mapping that are still kept: accepted ones, and holds that are open.
    pub kept: u64,
    /// How many of them it was tried on, the newest first.
    pub looked_at: u64,
    /// How they would end: what is the same, then accepted, changed, and last what would be stopped.
    /// A record with two changed fields is in both.
    pub ends: Vec<Ending>,
    /// Holds that would be accepted now; at most 50.
    pub now_accepted: Vec<Uuid>,
    /// Old and new values, where the operator asked for them; at most 50.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revealed: Vec<Revealed>,
}

/// One way in which records would end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ending {
    pub sort: Sort,
    pub how: RecordEnd,
    pub records: u64,
}

/// In the order in which they are told.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    Same,
    Accepted,
    Changed,
    /// It would be held, refused, or not even read.
    Stopped,
}

/// How a record would end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum RecordEnd {
    Same,
    /// With another value in this field.
    Field {
        field: String,
    },
    Accepted,
    Withdrawn,
    Decided,
    /// The operators would have to clear it.
    Held {
        findings: Vec<EndFinding>,
    },
    /// The force would have to mend it.
    Refused {
        findings: Vec<EndFinding>,
    },
    NotRead,
    /// In more ways than are told apart.
    Otherwise,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct EndFinding {
    /// `V201`
    pub code: String,
    pub name: String,
    /// Dotted; empty for the whole record.
    pub field: String,
}

/// One value that would be another.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Revealed {
    pub referral_id: Uuid,
    pub field: String,
    pub was: RevealedValue,
    pub is: RevealedValue,
}

/// A value as it may be shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RevealedValue {
    Nothing,
    /// Only who may see victims is shown it.
    Masked,
    /// At most 200 characters of it.
    Text(String),
}

/// Values are never shown by accident.
impl std::fmt::Debug for Revealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Revealed").field("field", &self.field).finish_non_exhaustive()
    }
}

/// Holds that a mapping which has gone live would accept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WaitingHolds {
    /// Why they were held.
    pub reasons: Vec<HoldReason>,
    pub holds: u64,
    /// One of them.
    pub hold_id: Uuid,
}
