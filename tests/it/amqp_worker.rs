//! The publishing loop between an outbox in memory and a real broker.

use cara_domain::Compartment;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cara_amqp::Publisher;
use cara_clock::Clock;
use cara_gateway::worker::{Away, Outbox, Publish};
use cara_metric::{Health, Metric, Part, State};
use cara_wire::{Event, MessageKind};
use futures_util::future::{BoxFuture, FutureExt as _, ready};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::amqp_publish::{event, take_all};
use crate::broker::{Broker, Wishes, shared};
use crate::patience::eventually;

/// An event, when it may be claimed, and how often it was.
type Waiting = (Event, jiff::Timestamp, u32);

#[derive(Default)]
struct Rows {
    /// By number, in order.
    waiting: BTreeMap<u64, Waiting>,
    leased: BTreeMap<u64, (Event, u32)>,
    added: u64,
    done: usize,
    /// Reasons of retries.
    retried: BTreeSet<&'static str>,
    /// The next so many calls fail.
    away: u32,
}

/// Rows in memory.
#[derive(Default)]
pub struct Memory {
    rows: Mutex<Rows>,
}

impl Memory {
    pub fn add(&self, events: impl IntoIterator<Item = Event>) {
        let mut rows = self.rows.lock().unwrap();
        for event in events {
            rows.added += 1;
            let number = rows.added;
            rows.waiting.insert(number, (event, jiff::Timestamp::MIN, 0));
        }
    }

    pub fn done(&self) -> usize {
        self.rows.lock().unwrap().done
    }

    fn retried(&self) -> Vec<&'static str> {
        self.rows.lock().unwrap().retried.iter().copied().collect()
    }

    fn leased(&self) -> usize {
        self.rows.lock().unwrap().leased.len()
    }
}

impl Rows {
    fn answer(&mut self) -> Result<(), Away> {
        if self.away == 0 {
            return Ok(());
        }
        self.away -= 1;
        Err(Away { reason: "the test says so".to_owned() })
    }
}

/// A leased row.
pub struct Work {
    number: u64,
    event: Event,
    attempts: u32,
}

/// A row, when it may go again and why.
type Outcome = (u64, Option<(jiff::Timestamp, &'static str)>);

impl Outbox for Memory {
    type Work = Work;
    type Outcome = Outcome;

    fn oldest(&self, _: String) -> BoxFuture<'_, Result<Option<jiff::Timestamp>, Away>> {
        ready(Ok(None)).boxed()
    }

    fn claim(
        &self,
        _: String,
        side: Compartment,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Work>, Away>> {
        let mut rows = self.rows.lock().unwrap();
        let works = rows.answer().map(|()| {
            let now = Clock::system().now();
            let is_due = |(_, (event, not_before, _)): &(&u64, &Waiting)| {
                event.exchange() == cara_wire::exchange(side) && *not_before <= now
            };
            let due = rows.waiting.iter().filter(is_due).map(|(number, _)| *number);
            let numbers: Vec<_> = due.take(limit).collect();
            let lease = |number: u64| {
                let (event, _, attempts) = rows.waiting.remove(&number).unwrap();
                rows.leased.insert(number, (event.clone(), attempts));
                Work { number, event, attempts }
            };
            numbers.into_iter().map(lease).collect()
        });
        ready(works).boxed()
    }

    fn event(work: &Work) -> &Event {
        &work.event
    }

    fn attempts(work: &Work) -> u32 {
        work.attempts
    }

    fn done(work: Work, _: jiff::Timestamp) -> Outcome {
        (work.number, None)
    }

    fn retry(work: Work, not_before: jiff::Timestamp, reason: &'static str) -> Outcome {
        (work.number, Some((not_before, reason)))
    }

    fn settle(&self, outcomes: Vec<Outcome>) -> BoxFuture<'_, Result<(), Away>> {
        let mut rows = self.rows.lock().unwrap();
        let settled = rows.answer().map(|()| {
            for (number, again) in outcomes {
                let (event, attempts) =
                    rows.leased.remove(&number).expect("a lease is settled once");
                match again {
                    None => rows.done += 1,
                    Some((not_before, reason)) => {
                        rows.retried.insert(reason);
                        rows.waiting.insert(number, (event, not_before, attempts + 1));
                    }
                }
            }
        });
        ready(settled).boxed()
    }
}

pub struct Loop {
    pub outbox: Arc<Memory>,
    pub health: Health,
    pub metric: Metric,
    pub wake: Arc<Notify>,
    stop: watch::Sender<bool>,
    running: JoinHandle<()>,
}

pub fn start(settings: &cara_config::BrokerSettings, provider: &str) -> Loop {
    let (health, metric) = (Health::default(), Metric::default());
    let publisher =
        Publisher::of(settings, provider, Clock::system(), metric.clone(), health.clone()).unwrap();
    let outbox = Arc::new(Memory::default());
    let wake = Arc::new(Notify::new());
    let (stop, stops) = watch::channel(false);
    let publish = Publish::over(
        Arc::clone(&outbox),
        publisher,
        Clock::system(),
        metric.clone(),
        Arc::clone(&wake),
        stops,
    );
    Loop { outbox, health, metric, wake, stop, running: tokio::spawn(publish.run()) }
}

impl Loop {
    pub async fn end(self) {
        self.stop.send(true).unwrap();
        self.running.await.unwrap();
    }
}

fn ids(events: &[Event]) -> BTreeSet<uuid::Uuid> {
    events.iter().map(Event::message_id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_drains_at_five_thousand_a_second() {
    let provider = shared().provider("backlog");
    let publishing = start(&shared().settings(), &provider);
    eventually("the broker is reached", async || publishing.health.state(Part::Broker).is_good())
        .await;
    let clock = Clock::system();
    let count = 20_000;
    publishing.outbox.add((0..count).map(|_| event(&provider, MessageKind::ReferralNew)));
    let started = clock.monotonic();
    publishing.wake.notify_waiters();
    eventually("all are sent", async || publishing.outbox.done() == count).await;
    let rate = count as f64 / (clock.monotonic() - started).as_secs_f64();
    println!("{rate:.0} messages/s from the outbox");
    assert!(rate > 1_000.0, "{rate:.0} messages/s, far below what one machine can do");
    let numbers = publishing.metric.encode();
    assert!(numbers.contains("cara_messages_total{step=\"confirmed\"} 20000"), "{numbers}");
    publishing.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_stopped_under_load_loses_none_and_nothing_is_given_up() {
    let mut broker = Broker::start(Wishes::default());
    let publishing = start(&broker.settings(), "harbour");
    let events: Vec<_> = (0..20_000).map(|_| event("harbour", MessageKind::ReferralNew)).collect();
    publishing.outbox.add(events.iter().cloned());
    publishing.wake.notify_waiters();
    eventually("some are sent", async || publishing.outbox.done() > 500).await;
    broker.stop();
    eventually("it is said", async || !publishing.health.state(Part::Broker).is_good()).await;
    eventually("what was on its way is released", async || publishing.outbox.leased() == 0).await;
    assert!(publishing.outbox.done() < events.len(), "it stopped too late to show anything");
    broker.start_again();
    eventually("all are sent", async || publishing.outbox.done() == events.len()).await;
    publishing.end().await;
    let found: BTreeSet<_> = take_all(&broker, "cara.intake.harbour").await.into_iter().collect();
    assert!(found == ids(&events), "{} of {}", found.len(), events.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_away_from_the_start_costs_no_claim() {
    let settings = cara_config::BrokerSettings {
        urls: vec!["amqp://127.0.0.1:1".to_owned()],
        ..shared().settings()
    };
    let publishing = start(&settings, "harbour");
    publishing.outbox.add([event("harbour", MessageKind::ReferralNew)]);
    publishing.wake.notify_waiters();
    eventually("it is said", async || {
        matches!(publishing.health.state(Part::Broker), State::Bad(what) if what.contains("127.0.0.1:1"))
    })
    .await;
    assert_eq!(publishing.outbox.leased(), 0);
    publishing.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_without_a_queue_is_kept_and_named() {
    let provider = shared().provider("known");
    let publishing = start(&shared().settings(), &provider);
    let routed = event(&provider, MessageKind::ReferralNew);
    publishing.outbox.add([event("nobody", MessageKind::ReferralNew), routed]);
    publishing.wake.notify_waiters();
    eventually("the other is sent", async || publishing.outbox.done() == 1).await;
    eventually("it is returned", async || {
        publishing.outbox.retried().contains(&"no queue takes it")
    })
    .await;
    let State::Bad(what) = publishing.health.state(Part::Broker) else {
        panic!("a message without a queue is an incident");
    };
    assert_eq!(what, format!("{provider} offender: no queue takes nobody.44.referral.new"));
    publishing.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_away_gets_its_outcomes_later() {
    let provider = shared().provider("away");
    let publishing = start(&shared().settings(), &provider);
    publishing.outbox.rows.lock().unwrap().away = 3;
    let events: Vec<_> = (0..300).map(|_| event(&provider, MessageKind::ReferralNew)).collect();
    publishing.outbox.add(events.iter().cloned());
    publishing.wake.notify_waiters();
    eventually("all are settled", async || publishing.outbox.done() == events.len()).await;
    publishing.end().await;
    let queue = format!("cara.intake.{provider}");
    assert_eq!(take_all(shared(), &queue).await.len(), events.len(), "none was sent twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_waits_for_what_is_on_its_way() {
    let provider = shared().provider("stop");
    let publishing = start(&shared().settings(), &provider);
    let events: Vec<_> = (0..20_000).map(|_| event(&provider, MessageKind::ReferralNew)).collect();
    publishing.outbox.add(events.iter().cloned());
    publishing.wake.notify_waiters();
    eventually("some are sent", async || publishing.outbox.done() > 500).await;
    let outbox = Arc::clone(&publishing.outbox);
    let ended = tokio::time::timeout(Duration::from_secs(15), publishing.end()).await;
    assert!(ended.is_ok(), "it does not stop");
    assert_eq!(outbox.leased(), 0, "every lease was settled");
    assert!(outbox.done() < events.len(), "it stopped too late to show anything");
    let queue = format!("cara.intake.{provider}");
    assert_eq!(take_all(shared(), &queue).await.len(), outbox.done());
}
