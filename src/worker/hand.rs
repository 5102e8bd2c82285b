//! What one side of the publishing loop holds, and how it settles.

use cara_domain::Compartment;
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use futures_util::future::{BoxFuture, Fuse};
use jiff::Timestamp;

use super::outbox::{Away, Outbox};
use super::route::RouteBreaker;
use cara_clock::{Backoff, later};

/// Between two tries to reach a store that is away.
const AWAY_S: u64 = 1;

/// After the broker did not take an event.
const BACKOFF: Backoff = Backoff::of(Duration::from_secs(1), Duration::from_secs(300));

type Claiming<'o, W> = Fuse<BoxFuture<'o, Result<Vec<W>, Away>>>;
type Settling<'o> = Fuse<BoxFuture<'o, ()>>;

/// What a side remembers from one channel to the next.
pub(super) struct SideState {
    pub side: Compartment,
    pub breaker: RouteBreaker,
    /// Routing keys for which there is no queue.
    pub unroutable: BTreeSet<String>,
    /// When what was not found may be declared again, on the monotonic clock.
    pub declare_at: Duration,
    pub declare: bool,
    /// A confirm did not come in time, and none has come since.
    pub is_silent: bool,
}

/// What a side is about while it has a link.
pub(super) struct Hand<'o, O: Outbox> {
    pub claiming: Claiming<'o, O::Work>,
    pub settling: Settling<'o>,
    pub outcomes: Vec<O::Outcome>,
    /// Claimed and not yet published.
    pub claimed: VecDeque<O::Work>,
    /// What is on its way must not have company.
    pub alone: bool,
    /// Whether a claim may find something.
    pub look: bool,
}

impl SideState {
    pub fn of(side: Compartment) -> SideState {
        SideState {
            side,
            breaker: RouteBreaker::default(),
            unroutable: BTreeSet::new(),
            declare_at: Duration::ZERO,
            declare: false,
            is_silent: false,
        }
    }
}

impl<O: Outbox> Hand<'_, O> {
    pub fn new() -> Self {
        Hand {
            claiming: Fuse::terminated(),
            settling: Fuse::terminated(),
            outcomes: Vec::new(),
            claimed: VecDeque::new(),
            alone: false,
            look: true,
        }
    }
}

/// Tries until the store has it: a confirmed event that is not settled would be sent again.
pub(super) async fn settle<O: Outbox>(outbox: &O, outcomes: Vec<O::Outcome>) {
    while let Err(away) = outbox.settle(outcomes.clone()).await {
        tracing::warn!(reason = away.reason, "outcomes cannot be written; trying again");
        tokio::time::sleep(Duration::from_secs(AWAY_S)).await;
    }
}

pub(super) fn again_at(now: Timestamp, attempts: u32) -> Timestamp {
    later(now, BACKOFF.after(attempts.saturating_add(1), 0))
}
