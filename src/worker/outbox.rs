//! What the publishing loop asks of the stories.

use cara_domain::Compartment;
use cara_wire::Event;
use futures_util::future::{BoxFuture, FutureExt as _};
use jiff::Timestamp;

use cara_flow::Gateway;
use cara_flow::outbox::dispatch::{self, OutboxWork, SettledWork};

/// Longer than a confirm takes, so that a lease outlives its confirm; if it ever does not, the
/// event is sent twice.
const LEASE_S: u32 = 300;

/// The store cannot answer now; time will mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the outbox cannot be used now: {reason}")]
pub struct Away {
    pub reason: String,
}

/// Where events come from and where their fate is written. Nothing is given up by the loop: only a
/// person gives up a message.
pub trait Outbox: Send + Sync + 'static {
    /// A leased event.
    type Work: Send + 'static;
    /// How work on it ended.
    type Outcome: Clone + Send + Sync + 'static;

    /// Leases up to `limit` events to this side of the provider whose turn it is.
    fn claim(
        &self,
        provider: String,
        side: Compartment,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Self::Work>, Away>>;

    /// Since when the provider's oldest event waits to be sent.
    fn oldest(&self, provider: String) -> BoxFuture<'_, Result<Option<Timestamp>, Away>>;

    fn event(work: &Self::Work) -> &Event;

    /// How often it was claimed before.
    fn attempts(work: &Self::Work) -> u32;

    /// The broker confirmed it.
    fn done(work: Self::Work, at: Timestamp) -> Self::Outcome;

    /// Again, not before this time.
    fn retry(work: Self::Work, not_before: Timestamp, reason: &'static str) -> Self::Outcome;

    /// Writes outcomes: all of them, or none on an error. A lost lease changes nothing.
    fn settle(&self, outcomes: Vec<Self::Outcome>) -> BoxFuture<'_, Result<(), Away>>;
}

impl Outbox for Gateway {
    type Work = OutboxWork;
    type Outcome = SettledWork;

    fn claim(
        &self,
        provider: String,
        side: Compartment,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<OutboxWork>, Away>> {
        let claim = dispatch::claim(self, provider, side, limit, LEASE_S);
        claim.map(|claimed| claimed.map_err(|error| away(&error))).boxed()
    }

    fn oldest(&self, provider: String) -> BoxFuture<'_, Result<Option<Timestamp>, Away>> {
        let oldest = async move { dispatch::oldest_waiting(self, &provider).await };
        oldest.map(|found| found.map_err(|error| away(&error))).boxed()
    }

    fn event(work: &OutboxWork) -> &Event {
        &work.event
    }

    fn attempts(work: &OutboxWork) -> u32 {
        work.attempts
    }

    fn done(work: OutboxWork, at: Timestamp) -> SettledWork {
        work.done(at)
    }

    fn retry(work: OutboxWork, not_before: Timestamp, reason: &'static str) -> SettledWork {
        work.retry(not_before, reason)
    }

    fn settle(&self, outcomes: Vec<SettledWork>) -> BoxFuture<'_, Result<(), Away>> {
        let settle = dispatch::settle(self, outcomes);
        settle.map(|settled| settled.map_err(|error| away(&error))).boxed()
    }
}

/// The error with its causes; none of them holds a value of a record.
fn away(error: &dyn std::error::Error) -> Away {
    let mut reason = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        reason.push_str(": ");
        reason.push_str(&error.to_string());
        cause = error.source();
    }
    Away { reason }
}
