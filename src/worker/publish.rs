//! From the outbox to the broker: claim what the window has room for, publish, settle in batches.
//!
//! Publishing, claiming and settling overlap. The broker being away is nobody's failure: nothing is
//! claimed without a link, and what was on its way when a link broke is released and sent again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, Fuse, FusedFuture as _, FutureExt as _};
use jiff::Timestamp;
use tokio::sync::Notify;

use super::outbox::{Away, Outbox};
use super::{Stop, told};
use crate::amqp::{Fate, Link, Publisher, Step};
use crate::clock::Clock;
use crate::flow::Gateway;
use crate::metric::{self, Metric};

/// The outbox is looked at this often even if nobody says that something is in it.
const POLL_S: u64 = 1;

/// Between two tries to reach a store that is away.
const AWAY_S: u64 = 1;

/// How long a stop waits for what is on its way.
const STOP_S_MAX: u64 = 10;

/// The first pause after the broker did not take an event; it doubles with every attempt.
const RETRY_DELAY_S_MIN: i64 = 1;
const RETRY_DELAY_S_MAX: i64 = 300;

/// The publishing loop.
pub struct Publish<O: Outbox> {
    outbox: Arc<O>,
    publisher: Publisher,
    clock: Clock,
    metric: Metric,
    /// `notify_one` says *look*; what there is to do stands in the outbox.
    wake: Arc<Notify>,
    /// Becomes true when the gateway stops.
    stop: Stop,
    /// Routing keys for which there is no queue.
    unroutable: BTreeSet<String>,
}

type Claiming<'o, W> = Fuse<BoxFuture<'o, Result<Vec<W>, Away>>>;
type Settling<'o> = Fuse<BoxFuture<'o, ()>>;

/// Why a link is not used any more.
enum End {
    Broken,
    Stopped,
}

/// What the loop is about while it has a link.
struct Course<'o, O: Outbox> {
    claiming: Claiming<'o, O::Work>,
    settling: Settling<'o>,
    outcomes: Vec<O::Outcome>,
    /// Whether a claim may find something.
    look: bool,
}

/// Publishes what the gateway's outbox holds, until told to stop.
pub async fn publish(gateway: Gateway, publisher: Publisher, stop: Stop) {
    let (clock, metric, wake) = (gateway.clock.clone(), gateway.metric.clone(), gateway.wake());
    Publish::over(Arc::new(gateway), publisher, clock, metric, wake, stop).run().await;
}

impl<O: Outbox> Publish<O> {
    pub fn over(
        outbox: Arc<O>,
        publisher: Publisher,
        clock: Clock,
        metric: Metric,
        wake: Arc<Notify>,
        stop: Stop,
    ) -> Self {
        let unroutable = BTreeSet::new();
        Publish { outbox, publisher, clock, metric, wake, stop, unroutable }
    }

    /// Runs until it is told to stop. What is on its way then is waited for, up to a limit; the rest
    /// is released.
    pub async fn run(mut self) {
        let outbox = Arc::clone(&self.outbox);
        let mut stop = self.stop.clone();
        loop {
            let link = tokio::select! {
                biased;
                () = told(&mut stop) => return,
                link = self.publisher.link_for_ever() => link,
            };
            match self.follow(&outbox, link).await {
                End::Broken => {}
                End::Stopped => return,
            }
        }
    }

    async fn follow(&mut self, outbox: &O, mut link: Link<O::Work>) -> End {
        let mut stop = self.stop.clone();
        let wake = Arc::clone(&self.wake);
        let mut poll = tokio::time::interval(Duration::from_secs(POLL_S));
        let mut course = Course::<O> {
            claiming: Fuse::terminated(),
            settling: Fuse::terminated(),
            outcomes: Vec::new(),
            look: true,
        };
        loop {
            self.begin(outbox, &link, &mut course);
            tokio::select! {
                step = link.step() => {
                    if !self.stepped(step, &mut course) {
                        self.finish(outbox, course).await;
                        return End::Broken;
                    }
                }
                claimed = &mut course.claiming, if !course.claiming.is_terminated() => {
                    self.claimed(claimed, &mut link);
                }
                () = &mut course.settling, if !course.settling.is_terminated() => {
                    // What waited behind these in their lanes may go now.
                    course.look = true;
                }
                () = wake.notified() => course.look = true,
                _ = poll.tick() => course.look = true,
                () = told(&mut stop) => break,
            }
        }
        self.wind_up(outbox, link, course).await;
        End::Stopped
    }

    /// Starts what can be started.
    fn begin<'o>(&self, outbox: &'o O, link: &Link<O::Work>, course: &mut Course<'o, O>) {
        let idle = course.settling.is_terminated();
        if idle && !course.outcomes.is_empty() {
            let outcomes = std::mem::take(&mut course.outcomes);
            course.settling = settle(outbox, outcomes).boxed().fuse();
        }
        // Not for every single place that becomes free: a claim is a transaction.
        let room = link.free();
        let window = self.publisher.window();
        let worth_it = room > 0 && (link.in_flight() == 0 || room >= window / 4);
        // What the store has not taken back yet counts as well, or it would grow without end.
        let settles = course.outcomes.len() < window;
        if course.look && worth_it && settles && course.claiming.is_terminated() {
            course.look = false;
            course.claiming = outbox.claim(room).fuse();
        }
    }

    fn claimed(&self, claimed: Result<Vec<O::Work>, Away>, link: &mut Link<O::Work>) {
        let works = match claimed {
            Ok(works) => works,
            Err(away) => {
                tracing::warn!(reason = away.reason, "nothing can be claimed; it is tried again");
                return;
            }
        };
        self.metric.messages(metric::Step::Published, works.len() as u64);
        for work in works {
            let event = O::event(&work).clone();
            link.publish(work, &event);
        }
    }

    /// False when the link is at its end.
    fn stepped(&mut self, step: Step<O::Work>, course: &mut Course<'_, O>) -> bool {
        match step {
            Step::Settled(fates) => {
                course
                    .outcomes
                    .extend(fates.into_iter().map(|(work, fate)| self.outcome(work, fate)));
                course.look = true;
            }
            Step::Blocked => self.publisher.blocked(true),
            Step::Unblocked => {
                self.publisher.blocked(false);
                course.look = true;
            }
            Step::Broken { settled, reason } => {
                self.publisher.broke(&reason);
                course
                    .outcomes
                    .extend(settled.into_iter().map(|(work, fate)| self.outcome(work, fate)));
                return false;
            }
        }
        true
    }

    fn outcome(&mut self, work: O::Work, fate: Fate) -> O::Outcome {
        let now = self.clock.now();
        let again_at = again_at(now, O::attempts(&work));
        match fate {
            Fate::Confirmed => {
                self.metric.message(metric::Step::Confirmed);
                if !self.unroutable.is_empty() {
                    self.routed(&O::event(&work).routing_key());
                }
                O::done(work, now)
            }
            Fate::Returned => {
                self.metric.message(metric::Step::Returned);
                self.not_routed(&O::event(&work).routing_key());
                O::retry(work, again_at, "no queue takes it")
            }
            Fate::Refused => {
                self.metric.message(metric::Step::Retried);
                O::retry(work, again_at, "the broker refused it")
            }
            Fate::Unknown => {
                self.metric.message(metric::Step::Retried);
                O::retry(work, now, "the connection broke before the confirm")
            }
        }
    }

    fn not_routed(&mut self, routing_key: &str) {
        if self.unroutable.insert(routing_key.to_owned()) {
            self.publisher.unroutable(Some(routing_key));
            tracing::error!(
                routing_key,
                "no queue takes these messages; they are kept and tried again. Is the provider in \
                 gateway.toml, and did somebody delete its queue or binding?"
            );
        }
    }

    fn routed(&mut self, routing_key: &str) {
        if self.unroutable.remove(routing_key) {
            tracing::info!(routing_key, "a queue takes these messages again");
            self.publisher.unroutable(self.unroutable.first().map(String::as_str));
        }
    }

    /// After a stop: nothing new, what is on its way is waited for, what is left is released.
    async fn wind_up(&mut self, outbox: &O, mut link: Link<O::Work>, mut course: Course<'_, O>) {
        let deadline = tokio::time::sleep(Duration::from_secs(STOP_S_MAX));
        tokio::pin!(deadline);
        while link.in_flight() > 0 {
            tokio::select! {
                step = link.step() => {
                    if !self.stepped(step, &mut course) {
                        break;
                    }
                }
                () = &mut deadline => {
                    let rest = link.abandon();
                    let rest = rest.into_iter().map(|(work, fate)| self.outcome(work, fate));
                    course.outcomes.extend(rest);
                }
            }
        }
        self.finish(outbox, course).await;
    }

    /// Writes the last outcomes and releases what was claimed meanwhile; while the store is away,
    /// until it is back or a stop has waited long enough.
    async fn finish(&self, outbox: &O, course: Course<'_, O>) {
        let Course { claiming, settling, mut outcomes, .. } = course;
        let last = async {
            if !claiming.is_terminated()
                && let Ok(works) = claiming.await
            {
                let now = self.clock.now();
                let release = |work| O::retry(work, now, "the connection ended before its turn");
                outcomes.extend(works.into_iter().map(release));
            }
            if !settling.is_terminated() {
                settling.await;
            }
            if !outcomes.is_empty() {
                settle(outbox, outcomes).await;
            }
        };
        let mut stop = self.stop.clone();
        let limit = async {
            told(&mut stop).await;
            tokio::time::sleep(Duration::from_secs(STOP_S_MAX)).await;
        };
        tokio::select! {
            () = last => {}
            () = limit => tracing::warn!(
                "stopped before the store took every outcome; those messages will be sent again"
            ),
        }
    }
}

/// Tries until the store has it: a confirmed event that is not settled would be sent again.
async fn settle<O: Outbox>(outbox: &O, outcomes: Vec<O::Outcome>) {
    while let Err(away) = outbox.settle(outcomes.clone()).await {
        tracing::warn!(reason = away.reason, "outcomes cannot be written; trying again");
        tokio::time::sleep(Duration::from_secs(AWAY_S)).await;
    }
}

fn again_at(now: Timestamp, attempts: u32) -> Timestamp {
    let doubled = RETRY_DELAY_S_MIN << attempts.min(16);
    let delay = jiff::SignedDuration::from_secs(doubled.min(RETRY_DELAY_S_MAX));
    now.checked_add(delay).unwrap_or(now)
}
