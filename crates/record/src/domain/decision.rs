//! What police decided about a caution (`decision/1`, DESIGN section 5).

use jiff::civil::Date;
use serde::Serialize;
use uuid::Uuid;

use super::choice::Decided;

/// One decision, as the force's record system sent it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decision {
    pub decision_id: Uuid,
    pub decided_on: Date,
    pub decided: Decided,
    /// With `varied`: the day by which the conditions have to be met now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_deadline: Option<Date>,
    /// An earlier decision that this one replaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<Uuid>,
}
