//! Holds: what waits and why, and how it ends.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::api::{FindingView, RecordAnswer};

/// Which holds are listed.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldsAsked {
    /// A force's slug; of all forces when left out.
    pub force: Option<String>,
    /// Also those that ended.
    #[serde(default)]
    pub all: bool,
    /// `next` of the page before.
    pub after: Option<Uuid>,
}

/// Of one force only.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldCausesAsked {
    /// A force's slug; of all forces when left out.
    pub force: Option<String>,
}

/// Which hold.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldAsked {
    pub hold_id: Uuid,
}

/// One page of holds, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HoldPage {
    pub holds: Vec<HoldLine>,
    /// Ask again with `after` set to this for the rest.
    pub next: Option<Uuid>,
}

/// One hold; nothing of the record's values but codes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HoldLine {
    pub hold_id: Uuid,
    /// The force's slug.
    pub force: String,
    pub received_at: Timestamp,
    /// `open`, `released`, `corrected`, `returned`, `superseded` or `withdrawn`.
    pub state: String,
    pub causes: Vec<FindingView>,
    pub unlisted: Vec<UnlistedCode>,
}

/// A code that no lookup of the mapping lists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UnlistedCode {
    pub field: String,
    /// Present when it looks like a code: 12 characters at most, no space.
    pub text: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HoldShown {
    pub hold: HoldLine,
    /// The record as the force sent it; only when unmasked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub record: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HoldCauses {
    /// The most frequent first.
    pub causes: Vec<HoldCause>,
}

/// Open holds that wait for the same reasons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HoldCause {
    pub reasons: Vec<HoldReason>,
    pub count: u64,
    /// When the oldest of them came.
    pub since: Timestamp,
    /// The force's slug.
    pub force: String,
    /// The oldest of them.
    pub like: Uuid,
}

/// One thing that stops a record by itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct HoldReason {
    /// `V201`
    pub code: String,
    pub name: String,
    /// Dotted; empty for the whole record.
    pub field: String,
    /// The mapping's lookup or rule.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub named: Option<String>,
    /// The code that no lookup lists; present when it looks like a code.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub text: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MappingNumber {
    /// `referral`
    pub name: String,
    pub version: u32,
}

/// Everything that waits for the same reasons as one hold, and where it would go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HoldsAlike {
    pub reasons: Vec<HoldReason>,
    /// The force's slug.
    pub force: String,
    /// What would read them.
    pub mapping: MappingNumber,
    /// `cara.intake.harbour`; the victim's side goes to the provider's own queue for it.
    pub queues: Vec<String>,
    /// Oldest first.
    pub hold_ids: Vec<Uuid>,
}

/// One field of a held record that is replaced.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldCorrection {
    /// As a mapping writes it, such as `caution.deadline`; of several things `offences[1].title`.
    pub field: String,
    pub values: FieldValues,
    /// It stands in the audit chain; never empty.
    pub because: String,
}

/// What a field is to say: the whole list of a list field, else one value. Personal, so `Debug`
/// shows nothing of it.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct FieldValues(pub Vec<String>);

impl std::fmt::Debug for FieldValues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FieldValues(…)")
    }
}

/// How a release or a correction ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HoldCleared {
    pub hold_id: Uuid,
    /// The record's fate on the full path; still `held` when it is at fault again.
    pub record: RecordAnswer,
    /// Who asked first for this correction; another operator has to ask for the same.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub waits_after: Option<String>,
}
