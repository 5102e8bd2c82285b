//! The publishing loop: leases what may be published, puts it on its way, and settles what the
//! broker said of it. While the broker is away nothing is leased and nothing is lost.

use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinSet;

use super::{Stop, told};
use crate::amqp::{Fate, Link, Publisher, Step};
use crate::flow::Gateway;
use crate::flow::dispatch::Work;
use crate::metric;
use crate::store::{Lease, Settled};

/// Longer than a confirm may take, so that a lease outlives its confirm.
const LEASE_S: u32 = 300;

/// The loop looks this often without being woken: for rows that may be tried again.
const LOOK: Duration = Duration::from_secs(1);

/// No queue wanted it: somebody is mending the broker.
const RETURNED_DELAY_S: i64 = 5;

/// A queue is full or has lost its majority.
const REFUSED_DELAY_S: i64 = 2;

/// Confirms that are on their way when the stop is told have so long.
const STOP_DEADLINE: Duration = Duration::from_secs(10);

/// Settlings that may be on their way to the disk at once.
const SETTLING_MAX: usize = 4;

/// Publishes until told to stop.
pub async fn publish(gateway: Gateway, publisher: Publisher, mut stop: Stop) {
    while !*stop.borrow() {
        let link = tokio::select! {
            link = publisher.link_for_ever() => link,
            () = told(&mut stop) => return,
        };
        let mut run =
            Run { gateway: &gateway, publisher: &publisher, link, settling: JoinSet::new() };
        run.drive(&mut stop).await;
        while run.settling.join_next().await.is_some() {}
    }
}

struct Run<'a> {
    gateway: &'a Gateway,
    publisher: &'a Publisher,
    link: Link<Work>,
    settling: JoinSet<()>,
}

/// Whether a link can still be used.
#[derive(PartialEq)]
enum Usable {
    Yes,
    No,
}

impl Run<'_> {
    /// Works with one link until it breaks or the stop is told.
    async fn drive(&mut self, stop: &mut Stop) {
        let wake = self.gateway.wake();
        while !*stop.borrow() {
            // Registered before looking, so that no wake-up falls between.
            let woken = wake.notified();
            self.lease().await;
            tokio::select! {
                step = self.link.step() => {
                    if self.take(step).await == Usable::No {
                        return;
                    }
                }
                () = woken => {}
                _ = self.settling.join_next(), if !self.settling.is_empty() => {}
                () = tokio::time::sleep(LOOK) => {}
                () = told(stop) => {}
            }
        }
        let _ = tokio::time::timeout(STOP_DEADLINE, self.finish()).await;
    }

    /// Waits for what is on its way, without leasing more.
    async fn finish(&mut self) {
        while self.link.in_flight() > 0 {
            let step = self.link.step().await;
            if self.take(step).await == Usable::No {
                return;
            }
        }
    }

    /// Leases as much as the window has room for, in pieces worth a query.
    async fn lease(&mut self) {
        let free = self.link.free();
        let piece = (self.publisher.window() / 4).max(1);
        if free == 0 || (free < piece && self.link.in_flight() > 0) {
            return;
        }
        match self.gateway.claim(free, LEASE_S).await {
            Ok(claimed) => {
                let count = claimed.len() as u64;
                for work in claimed {
                    let event = work.event.clone();
                    self.link.publish(work, &event);
                }
                self.gateway.metric.messages(metric::Step::Published, count);
            }
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "outbox rows cannot be leased; it is tried again",
                );
                tokio::time::sleep(LOOK).await;
            }
        }
    }

    async fn take(&mut self, step: Step<Work>) -> Usable {
        match step {
            Step::Settled(settled) => {
                self.settle(settled).await;
                Usable::Yes
            }
            Step::Blocked => {
                self.publisher.blocked(true);
                Usable::Yes
            }
            Step::Unblocked => {
                self.publisher.blocked(false);
                Usable::Yes
            }
            Step::Broken { settled, reason } => {
                self.publisher.broke(&reason);
                self.settle(settled).await;
                Usable::No
            }
        }
    }

    /// Settles on the side, so that publishing goes on while the disk writes.
    async fn settle(&mut self, settled: Vec<(Work, Fate)>) {
        if settled.is_empty() {
            return;
        }
        while self.settling.len() >= SETTLING_MAX {
            self.settling.join_next().await;
        }
        let now = self.gateway.clock.now();
        let outcomes: Vec<_> =
            settled.into_iter().map(|(work, fate)| self.outcome(work, fate, now)).collect();
        let gateway = self.gateway.clone();
        self.settling.spawn(async move {
            // Rows that were not settled are leased again when their lease has ended.
            if let Err(error) = gateway.settle(outcomes).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "what the broker said could not be stored; it is sent again");
            }
        });
    }

    fn outcome(&self, work: Work, fate: Fate, now: Timestamp) -> (Lease, Settled) {
        let metric = &self.gateway.metric;
        let later = |seconds: i64| {
            now.saturating_add(jiff::SignedDuration::from_secs(seconds)).unwrap_or(now)
        };
        match fate {
            Fate::Confirmed => {
                metric.message(metric::Step::Confirmed);
                work.done(now)
            }
            Fate::Returned => {
                metric.message(metric::Step::Returned);
                tracing::error!(
                    event.id = %work.event.message_id(),
                    "no queue is bound for a message: somebody changed the broker's topology",
                );
                work.retry(later(RETURNED_DELAY_S), "no queue is bound for it")
            }
            Fate::Refused => {
                metric.message(metric::Step::Retried);
                work.retry(later(REFUSED_DELAY_S), "the broker refused it")
            }
            Fate::Unknown => {
                metric.message(metric::Step::Retried);
                work.retry(now, "the connection broke before the confirm")
            }
        }
    }
}
