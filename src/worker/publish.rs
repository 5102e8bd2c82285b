//! From the outbox to one provider's broker: claim what the window has room for, publish, settle in
//! batches. Both sides have a channel and a breaker of their own on one connection.
//!
//! Publishing, claiming and settling overlap. The broker being away is nobody's failure: nothing is
//! claimed without a link, and what was on its way when a link broke is released and sent again.

use cara_domain::Compartment;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::{FusedFuture as _, FutureExt as _, join};
use tokio::sync::{Notify, watch};
use uuid::Uuid;

use super::hand::{Hand, SideState, again_at, settle};
use super::outbox::{Away, Outbox};
use super::route::Closed;
use super::{Stop, stopped};
use cara_amqp::{EndCause, Ended, Fate, Link, LinkEvent, Publisher, PublisherConnection};
use cara_clock::Clock;
use cara_flow::Gateway;
use cara_metric::Metric;

/// The outbox is looked at this often even if nobody says that something is in it.
const POLL_S: u64 = 2;

/// How long a stop waits for what is on its way.
const STOP_S_MAX: u64 = 10;

/// Between two channels of one side, and between two declarations of what a message did not find.
const REOPEN_S: u64 = 1;
const DECLARE_S: u64 = 10;

/// A connection that lived so long has proved itself, messages or not.
const PROVED_S: u64 = 60;

mod age;

/// The publishing loop of one provider.
pub struct Publish<O: Outbox> {
    outbox: Arc<O>,
    publisher: Publisher,
    clock: Clock,
    metric: Metric,
    /// Says *look*; what there is to do stands in the outbox.
    wake: Arc<Notify>,
    /// Becomes true when the gateway stops.
    stop: Stop,
    /// A message was confirmed on the connection in use.
    proved: AtomicBool,
}

/// Why a link is not used any more.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// The channel alone.
    Closed,
    Broken,
    Stopped,
}

/// Publishes what the gateway's outbox holds for the publisher's provider, until told to stop.
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
        let proved = AtomicBool::new(false);
        Publish { outbox, publisher, clock, metric, wake, stop, proved }
    }

    /// Runs until it is told to stop. What is on its way then is waited for, up to a limit; the rest
    /// is released.
    pub async fn run(self) {
        tokio::select! {
            () = self.serve() => {}
            () = self.watch_age() => {}
        }
    }

    async fn serve(&self) {
        let mut stop = self.stop.clone();
        let mut backoff = cara_amqp::BACKOFF;
        let mut sides = [SideState::of(Compartment::Victim), SideState::of(Compartment::Offender)];
        loop {
            let line = tokio::select! {
                biased;
                () = stopped(&mut stop) => return,
                line = self.publisher.connect_for_ever(&mut backoff) => line,
            };
            let since = self.clock.monotonic();
            self.proved.store(false, Ordering::Relaxed);
            let (over, is_over) = watch::channel(false);
            let [victims, offenders] = &mut sides;
            join(
                self.follow(&line, victims, &over, is_over.clone()),
                self.follow(&line, offenders, &over, is_over),
            )
            .await;
            if *stop.borrow() {
                return;
            }
            let lived = self.clock.monotonic().saturating_sub(since);
            if self.proved.load(Ordering::Relaxed) || lived >= Duration::from_secs(PROVED_S) {
                backoff.reset();
            }
            drop(line);
            tokio::select! {
                () = stopped(&mut stop) => return,
                () = tokio::time::sleep(backoff.next(self.clock.random())) => {}
            }
        }
    }

    /// One side, channel after channel, until the connection is at its end or the gateway stops.
    async fn follow(
        &self,
        line: &PublisherConnection,
        side: &mut SideState,
        over: &watch::Sender<bool>,
        is_over: Stop,
    ) {
        let (mut stop, mut ending) = (self.stop.clone(), is_over.clone());
        loop {
            let opened = tokio::select! {
                biased;
                () = stopped(&mut stop) => return,
                () = stopped(&mut ending) => return,
                opened = self.publisher.link(line) => opened,
            };
            let end = match opened {
                Ok(link) => self.work(line, side, link, is_over.clone()).await,
                Err(error) => {
                    self.publisher.down(&error);
                    End::Broken
                }
            };
            match end {
                End::Closed => {}
                End::Broken => {
                    over.send_replace(true);
                    return;
                }
                // The other side finishes what is on its way by itself.
                End::Stopped => return,
            }
            tokio::select! {
                () = stopped(&mut stop) => return,
                () = stopped(&mut ending) => return,
                () = tokio::time::sleep(Duration::from_secs(REOPEN_S)) => {}
            }
            // A broker that confirms nothing may be as slow to declare, and nothing is missing.
            if !side.is_silent
                && let Err(error) = self.declare(line, side).await
            {
                self.publisher.down(&error);
                over.send_replace(true);
                return;
            }
        }
    }

    /// Declares again what a message did not find.
    async fn declare(
        &self,
        line: &PublisherConnection,
        side: &mut SideState,
    ) -> Result<(), cara_amqp::Error> {
        side.declare = false;
        side.declare_at = self.clock.monotonic() + Duration::from_secs(DECLARE_S);
        let mut stop = self.stop.clone();
        tokio::select! {
            () = stopped(&mut stop) => Ok(()),
            declared = self.publisher.declare(line) => declared,
        }
    }

    async fn work(
        &self,
        line: &PublisherConnection,
        side: &mut SideState,
        mut link: Link<O::Work>,
        mut is_over: Stop,
    ) -> End {
        let outbox = self.outbox.as_ref();
        let mut stop = self.stop.clone();
        let mut poll = tokio::time::interval(Duration::from_secs(POLL_S));
        // Created before the outbox is looked at, so that no wake-up is lost.
        let mut woken = Box::pin(self.wake.notified());
        let mut hand = Hand::<O>::new();
        loop {
            self.begin(outbox, side, &mut link, &mut hand);
            tokio::select! {
                step = link.step() => {
                    let end = self.stepped(side, step, &mut hand);
                    if let Some(end) = end {
                        self.finish(outbox, hand).await;
                        return end;
                    }
                }
                claimed = &mut hand.claiming, if !hand.claiming.is_terminated() => {
                    self.claimed(side, claimed, &link, &mut hand);
                }
                () = &mut hand.settling, if !hand.settling.is_terminated() => {
                    // What waited behind these in their lanes may go now.
                    hand.look = true;
                }
                () = woken.as_mut() => {
                    woken = Box::pin(self.wake.notified());
                    hand.look = true;
                }
                _ = poll.tick() => hand.look = true,
                () = stopped(&mut is_over) => {
                    let rest = link.abandon();
                    hand.outcomes.extend(self.outcomes(side, rest));
                    self.finish(outbox, hand).await;
                    return End::Broken;
                }
                () = stopped(&mut stop) => break,
            }
            if side.declare
                && self.clock.monotonic() >= side.declare_at
                && let Err(error) = self.declare(line, side).await
            {
                self.publisher.down(&error);
                let rest = link.abandon();
                hand.outcomes.extend(self.outcomes(side, rest));
                self.finish(outbox, hand).await;
                return End::Broken;
            }
        }
        self.wind_up(outbox, side, link, hand).await;
        End::Stopped
    }

    /// Starts what can be started.
    fn begin<'o>(
        &self,
        outbox: &'o O,
        side: &SideState,
        link: &mut Link<O::Work>,
        hand: &mut Hand<'o, O>,
    ) {
        if hand.settling.is_terminated() && !hand.outcomes.is_empty() {
            let outcomes = std::mem::take(&mut hand.outcomes);
            hand.settling = settle(outbox, outcomes).boxed().fuse();
        }
        while let Some(work) = hand.claimed.front() {
            let alone = side.breaker.is_aside(O::event(work).message_id());
            if link.in_flight() > 0 && (alone || hand.alone) {
                break;
            }
            hand.alone = alone;
            let Some(work) = hand.claimed.pop_front() else { break };
            let event = O::event(&work).clone();
            self.metric.messages(cara_metric::MessageStep::Published, 1);
            link.publish(work, &event);
        }
        // Not for every single place that becomes free: a claim is a transaction.
        let in_flight = link.in_flight();
        let room = side.breaker.room(link.free(), in_flight, self.clock.monotonic());
        let window = self.publisher.window();
        let worth_it = room > 0 && (in_flight == 0 || room >= window / 4);
        // What the store has not taken back yet counts as well, or it would grow without end.
        let settles = hand.outcomes.len() < window;
        let is_free = hand.claiming.is_terminated() && hand.claimed.is_empty();
        // What was in doubt goes again in its order, so it has to be settled first.
        let in_order = !side.breaker.is_careful() || hand.settling.is_terminated();
        if hand.look && worth_it && settles && is_free && in_order {
            hand.look = false;
            let provider = self.publisher.provider().to_owned();
            hand.claiming = outbox.claim(provider, side.side, room).fuse();
        }
    }

    fn claimed(
        &self,
        side: &mut SideState,
        claimed: Result<Vec<O::Work>, Away>,
        link: &Link<O::Work>,
        hand: &mut Hand<'_, O>,
    ) {
        match claimed {
            Ok(works) => {
                if works.is_empty() && link.in_flight() == 0 {
                    side.breaker.found_nothing();
                }
                hand.claimed.extend(works);
            }
            Err(away) => {
                tracing::warn!(reason = away.reason, "nothing can be claimed; it is tried again");
            }
        }
    }

    /// How the link ended, if it did.
    fn stepped(
        &self,
        side: &mut SideState,
        step: LinkEvent<O::Work>,
        hand: &mut Hand<'_, O>,
    ) -> Option<End> {
        match step {
            LinkEvent::Settled(fates) => {
                hand.outcomes.extend(self.outcomes(side, fates));
                hand.look = true;
                None
            }
            LinkEvent::Blocked => {
                self.publisher.blocked(true);
                None
            }
            LinkEvent::Unblocked => {
                self.publisher.blocked(false);
                hand.look = true;
                None
            }
            LinkEvent::Broken(ended) => {
                self.publisher.broke(&ended.reason);
                hand.outcomes.extend(self.ended(side, ended));
                Some(End::Broken)
            }
            LinkEvent::Closed(ended) => {
                self.publisher.closed(&ended.reason, ended.cause);
                hand.outcomes.extend(self.ended(side, ended));
                Some(End::Closed)
            }
        }
    }

    fn outcomes(&self, side: &mut SideState, fates: Vec<(O::Work, Fate)>) -> Vec<O::Outcome> {
        fates.into_iter().map(|(work, fate)| self.outcome(side, work, fate)).collect()
    }

    /// What was on its way when the broker ended the link: the one that is to blame waits longer.
    fn ended(&self, side: &mut SideState, ended: Ended<O::Work>) -> Vec<O::Outcome> {
        let in_doubt = |fate: &Fate| *fate == Fate::Unknown;
        let doubted = ended.settled.iter().filter(|(_, fate)| in_doubt(fate));
        let ids: Vec<Uuid> = doubted.map(|(work, _)| O::event(work).message_id()).collect();
        if ended.cause == EndCause::Silence && !side.is_silent {
            side.is_silent = true;
            self.publisher.route(side.side, Some("the broker confirms nothing".to_owned()));
        }
        if ended.cause != EndCause::Message || ids.is_empty() {
            return self.outcomes(side, ended.settled);
        }
        let closed = side.breaker.closed(&ids, self.clock.monotonic(), &self.metric);
        let Closed::Guilty { opens_breaker } = closed else {
            return self.outcomes(side, ended.settled);
        };
        let (provider, reason) = (self.publisher.provider(), ended.reason.as_str());
        let message_id = ids.first().map(Uuid::to_string);
        tracing::error!(provider, message_id, reason, "the broker refuses this message; set aside");
        if opens_breaker {
            self.publisher.breaker(side.side, true);
        }
        if side.breaker.is_open() {
            let wrong = format!("the broker closes the channel over each message: {reason}");
            self.publisher.route(side.side, Some(wrong));
        }
        let now = self.clock.now();
        let set_aside = |(work, fate): (O::Work, Fate)| match in_doubt(&fate) {
            true => {
                self.metric.message(cara_metric::MessageStep::Retried);
                let again_at = again_at(now, O::attempts(&work));
                O::retry(work, again_at, "the broker closed the channel over it")
            }
            false => self.outcome(side, work, fate),
        };
        ended.settled.into_iter().map(set_aside).collect()
    }

    fn outcome(&self, side: &mut SideState, work: O::Work, fate: Fate) -> O::Outcome {
        let now = self.clock.now();
        let again_at = again_at(now, O::attempts(&work));
        match fate {
            Fate::Confirmed => {
                self.proved.store(true, Ordering::Relaxed);
                self.metric.message(cara_metric::MessageStep::Confirmed);
                let event = O::event(&work);
                if side.breaker.confirmed(event.message_id(), &self.metric) {
                    self.publisher.breaker(side.side, false);
                    self.publisher.route(side.side, None);
                }
                if std::mem::take(&mut side.is_silent) && side.unroutable.is_empty() {
                    self.publisher.route(side.side, None);
                }
                if side.unroutable.remove(&event.routing_key()) {
                    self.routed(side, &event.routing_key());
                }
                O::done(work, now)
            }
            Fate::Returned => {
                self.metric.message(cara_metric::MessageStep::Returned);
                side.declare = true;
                self.not_routed(side, &O::event(&work).routing_key());
                O::retry(work, again_at, "no queue takes it")
            }
            Fate::Refused => {
                self.metric.message(cara_metric::MessageStep::Retried);
                O::retry(work, again_at, "the broker refused it")
            }
            Fate::Unknown => {
                self.metric.message(cara_metric::MessageStep::Retried);
                O::retry(work, now, "the connection broke before the confirm")
            }
        }
    }

    fn not_routed(&self, side: &mut SideState, routing_key: &str) {
        if side.unroutable.insert(routing_key.to_owned()) {
            self.publisher.missing();
            self.publisher.route(side.side, Some(format!("no queue takes {routing_key}")));
            tracing::error!(
                routing_key,
                "no queue takes these messages; they are kept and tried again. Is the provider in \
                 gateway.toml, and did somebody delete its queue or binding?"
            );
        }
    }

    fn routed(&self, side: &SideState, routing_key: &str) {
        tracing::info!(routing_key, "a queue takes these messages again");
        let next = side.unroutable.first().map(|key| format!("no queue takes {key}"));
        self.publisher.route(side.side, next);
    }

    /// After a stop: nothing new, what is on its way is waited for, what is left is released.
    async fn wind_up(
        &self,
        outbox: &O,
        side: &mut SideState,
        mut link: Link<O::Work>,
        mut hand: Hand<'_, O>,
    ) {
        let deadline = tokio::time::sleep(Duration::from_secs(STOP_S_MAX));
        tokio::pin!(deadline);
        while link.in_flight() > 0 {
            tokio::select! {
                step = link.step() => {
                    if self.stepped(side, step, &mut hand).is_some() {
                        break;
                    }
                }
                () = &mut deadline => {
                    let rest = link.abandon();
                    hand.outcomes.extend(self.outcomes(side, rest));
                }
            }
        }
        self.finish(outbox, hand).await;
    }

    /// Writes the last outcomes and releases what was claimed meanwhile; while the store is away,
    /// until it is back or a stop has waited long enough.
    async fn finish(&self, outbox: &O, hand: Hand<'_, O>) {
        let Hand { claiming, settling, mut outcomes, mut claimed, .. } = hand;
        let last = async {
            if !claiming.is_terminated()
                && let Ok(works) = claiming.await
            {
                claimed.extend(works);
            }
            let now = self.clock.now();
            let release = |work| O::retry(work, now, "the connection ended before its turn");
            outcomes.extend(claimed.into_iter().map(release));
            if !settling.is_terminated() {
                settling.await;
            }
            if !outcomes.is_empty() {
                settle(outbox, outcomes).await;
            }
        };
        let mut stop = self.stop.clone();
        let limit = async {
            stopped(&mut stop).await;
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
