//! Letters on their way to a force's endpoint.

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use uuid::Uuid;

use super::Error;
use super::value::ForceNumber;

/// Reads of letters and endpoints.
pub trait Letters: Send + Sync + 'static {
    /// Live notices of a force whose turn it is to be pushed, the first of each case that waits: what
    /// was never tried first, then what has waited longest for its turn. None while it is paused.
    fn pushes(
        &self,
        force: ForceNumber,
        now: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<PushRow>, Error>>;

    /// Live notices of a force's offender stream that nobody has or was told of.
    fn pushes_waiting(&self, force: ForceNumber) -> BoxFuture<'_, Result<u64, Error>>;

    /// Where the letter of a notice is.
    fn push_state(&self, notice_id: Uuid) -> BoxFuture<'_, Result<Option<PushState>, Error>>;

    /// What has not got through since before this moment, or was refused.
    fn push_troubles(&self, before: Timestamp) -> BoxFuture<'_, Result<PushTroubles, Error>>;

    fn endpoint(&self, force: ForceNumber) -> BoxFuture<'_, Result<EndpointState, Error>>;

    /// Endpoints to which nothing is pushed now.
    fn paused(&self) -> BoxFuture<'_, Result<Vec<Paused>, Error>>;
}

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

/// What becomes of a letter; each `Conflict` unless it is as that expects.
#[derive(Debug)]
pub enum LetterChange {
    /// The force's endpoint has it; with `taken_over` it said so.
    Delivered { notice_id: Uuid, at: Timestamp, taken_over: bool },
    /// A try that failed. `reason` is a code of ours.
    PushAgain { notice_id: Uuid, at: Timestamp, not_before: Timestamp, failed: PushFailed },
    /// An operator wants it pushed now, as if it never had been.
    PushAnew { notice_id: Uuid },
    /// An operator wants it pushed no more; the notice stays.
    CancelPush { notice_id: Uuid, at: Timestamp },
}

/// What becomes of a force's endpoint; each `Conflict` unless it is as that expects.
#[derive(Debug)]
pub enum EndpointChange {
    /// It answers again: letters that wait to be tried again need not.
    Answers {
        force: ForceNumber,
    },
    /// Nothing gets through to it.
    Fails {
        force: ForceNumber,
        at: Timestamp,
        reason: &'static str,
    },
    Pause(Paused),
    Resume {
        force: ForceNumber,
    },
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
    pub endpoints: Vec<(ForceNumber, u64)>,
}

/// An endpoint to which nothing is pushed now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paused {
    pub force: ForceNumber,
    pub at: Timestamp,
    /// An operator's name, or `gateway`.
    pub by: String,
    pub because: String,
}
