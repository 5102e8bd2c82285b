//! What the sweep looks at: what is late, and when it ran.

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use super::Error;
use super::value::ForceNumber;

/// Reads of the sweep.
pub trait Sweeps: Send + Sync + 'static {
    /// None before the first sweep.
    fn sweep(&self) -> BoxFuture<'_, Result<Option<Sweep>, Error>>;

    /// What a person has to know of.
    fn late(&self, before: LateBefore) -> BoxFuture<'_, Result<Late, Error>>;
}

/// What a person has to know of, as the store sees it now. Counts are never zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Late {
    /// Open holds by force.
    pub holds_open: Vec<(ForceNumber, u64)>,
    /// Referrals with a number missing for too long.
    pub gaps: Vec<Uuid>,
    /// Recalls that the provider has not confirmed.
    pub recalls: Vec<Uuid>,
    /// Messages whose other half was confirmed too long ago, by provider.
    pub pairs: Vec<(String, u64)>,
    /// Safeguarding concerns that nobody has taken over, however new, by force.
    pub concerns: Vec<(ForceNumber, u64)>,
    /// Urgent notices that nobody has taken over, by force.
    pub not_collected: Vec<(ForceNumber, u64)>,
    /// Those of them of which no e-mail was written yet.
    pub unmailed: Vec<Uuid>,
    /// Days on which a provider's counts and ours differ.
    pub reconciliation: Vec<(String, Date)>,
}

/// The moments before which something is late.
#[derive(Clone, Copy, Debug)]
pub struct LateBefore {
    pub gap: Timestamp,
    pub recall: Timestamp,
    pub pair: Timestamp,
    pub urgent: Timestamp,
}

/// When the sweep ran last, and whether it has stopped because the clock cannot be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sweep {
    pub seen_at: Timestamp,
    pub stopped_at: Option<Timestamp>,
}

/// What becomes of the sweep.
#[derive(Debug)]
pub enum SweepChange {
    /// It ran, or stopped: the clock cannot be right.
    Ran { at: Timestamp, is_stopped: bool },
    /// An operator says that the clock is right; `Conflict` unless it is stopped.
    AcceptClock { at: Timestamp },
}
