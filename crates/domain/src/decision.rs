//! What police decided about a caution (`decision/1`, DESIGN section 5).

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::choice::Decided;
use super::identifier::ForceCode;

/// One decision, as the force's record system sent it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub decision_id: Uuid,
    pub decided_on: Date,
    pub decided: Decided,
    /// With `varied`: the day by which the conditions have to be met now.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub new_deadline: Option<Date>,
    /// An earlier decision that this one replaces.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub supersedes: Option<Uuid>,
}

/// A decision as a record states it, before its case is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionRecord {
    /// Only where one system sends for several forces.
    pub force: Option<ForceCode>,
    /// The force's key of the case, as in `source.record_ref`.
    pub record_ref: String,
    /// The force's own key of this decision.
    pub decision_ref: Option<String>,
    pub decided_on: Date,
    pub decided: Decided,
    /// With `varied`, after `decided_on`.
    pub new_deadline: Option<Date>,
    pub decided_by_collar_number: String,
    /// The `decision_ref` of an earlier decision that this one replaces.
    pub supersedes: Option<String>,
}
