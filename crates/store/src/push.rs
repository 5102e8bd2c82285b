//! Letters on their way to a force's endpoint.

use jiff::Timestamp;
use uuid::Uuid;

use super::row::ForceCode;

/// A notice whose turn it is to be pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushRow {
    pub notice_id: Uuid,
    pub attempts: u32,
    /// Its last try was refused.
    pub is_refused: bool,
}

/// What a try came to. Codes only, never words of the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PushFailed {
    /// None: nothing was sent, or nothing answered.
    pub status: Option<u16>,
    pub reason: &'static str,
    /// A person must look; otherwise time will mend it.
    pub is_refused: bool,
}

/// Where one letter is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushState {
    /// It is of the stream and kind of data that is pushed at all.
    pub is_pushed: bool,
    pub delivered_at: Option<Timestamp>,
    pub push_cancelled_at: Option<Timestamp>,
    /// Tries that failed.
    pub attempts: u32,
    pub failing_since: Option<Timestamp>,
    pub not_before: Option<Timestamp>,
    pub status: Option<u16>,
    pub reason: Option<String>,
    pub is_refused: bool,
}

/// What gets through to a force's endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointState {
    pub arrived_at: Option<Timestamp>,
    /// Since when nothing does.
    pub failing_since: Option<Timestamp>,
    pub reason: Option<String>,
    /// Letters that were tried in vain and wait; counted up to 100.
    pub failing: u64,
}

/// What a person has to know of letters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PushTroubles {
    /// Letters that do not arrive while nothing is wrong with their endpoint, the oldest first; at
    /// most 20 of a force.
    pub letters: Vec<Uuid>,
    /// Forces whose endpoint lets nothing through, with the letters that wait.
    pub endpoints: Vec<(ForceCode, u64)>,
}
