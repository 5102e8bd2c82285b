//! What an operator has to know of until it ends.

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use uuid::Uuid;

use super::Error;

/// Reads of incidents.
pub trait Incidents: Send + Sync + 'static {
    /// Incidents that are open.
    fn incidents(&self) -> BoxFuture<'_, Result<Vec<Incident>, Error>>;
}

/// Something that an operator has to know of until it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    pub incident_id: Uuid,
    /// `hold_open`, `outcome_gap` …
    pub kind: String,
    /// A force's code, a provider's slug or a referral's id.
    pub about: String,
    pub count: u64,
    pub opened_at: Timestamp,
    /// When it was said last.
    pub told_at: Timestamp,
}

/// What becomes of an incident, with the e-mail that says so; each `Conflict` unless it is as that
/// expects.
#[derive(Debug)]
pub enum IncidentChange {
    Open {
        incident: Incident,
        mail: Option<Uuid>,
    },
    /// Still open; said again when there is a `mail` or `told` is set.
    Still {
        incident_id: Uuid,
        count: u64,
        told: Option<Timestamp>,
        mail: Option<Uuid>,
    },
    Close {
        incident_id: Uuid,
        at: Timestamp,
        mail: Option<Uuid>,
    },
}
