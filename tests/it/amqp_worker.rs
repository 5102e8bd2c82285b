//! The publishing loop between an outbox in memory and a real broker.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cara_gateway::amqp::Publisher;
use cara_gateway::clock::Clock;
use cara_gateway::config;
use cara_gateway::metric::{Health, Metric, Part, State};
use cara_gateway::worker::{Away, Outbox, Publish};
use cara_record::wire::{Event, Kind};
use futures_util::future::{BoxFuture, FutureExt as _, ready};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::amqp_publish::{event, take_all};
use crate::broker::{Broker, Wishes, eventually, shared};

#[derive(Default)]
struct Rows {
    waiting: VecDeque<Event>,
    leased: BTreeMap<u64, Event>,
    leases: u64,
    done: usize,
    /// Reasons of retries.
    retried: BTreeSet<&'static str>,
    /// The next so many calls fail.
    away: u32,
}

/// Rows in memory; what is retried waits at once again.
#[derive(Default)]
struct Memory {
    rows: Mutex<Rows>,
}

impl Memory {
    fn add(&self, events: impl IntoIterator<Item = Event>) {
        self.rows.lock().unwrap().waiting.extend(events);
    }

    fn done(&self) -> usize {
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

/// A lease with its event.
struct Work {
    lease: u64,
    event: Event,
}

/// A lease, and why it is tried again.
type Outcome = (u64, Option<&'static str>);

impl Outbox for Memory {
    type Work = Work;
    type Outcome = Outcome;

    fn claim(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Work>, Away>> {
        let mut rows = self.rows.lock().unwrap();
        let works = rows.answer().map(|()| {
            let count = limit.min(rows.waiting.len());
            let events: Vec<_> = rows.waiting.drain(..count).collect();
            let lease = |event: Event| {
                rows.leases += 1;
                let lease = rows.leases;
                rows.leased.insert(lease, event.clone());
                Work { lease, event }
            };
            events.into_iter().map(lease).collect()
        });
        ready(works).boxed()
    }

    fn event(work: &Work) -> &Event {
        &work.event
    }

    fn attempts(_: &Work) -> u32 {
        0
    }

    fn done(work: Work, _: jiff::Timestamp) -> Outcome {
        (work.lease, None)
    }

    fn retry(work: Work, _: jiff::Timestamp, reason: &'static str) -> Outcome {
        (work.lease, Some(reason))
    }

    fn settle(&self, outcomes: Vec<Outcome>) -> BoxFuture<'_, Result<(), Away>> {
        let mut rows = self.rows.lock().unwrap();
        let settled = rows.answer().map(|()| {
            for (lease, again) in outcomes {
                let event = rows.leased.remove(&lease).expect("a lease is settled once");
                match again {
                    None => rows.done += 1,
                    Some(reason) => {
                        rows.retried.insert(reason);
                        rows.waiting.push_back(event);
                    }
                }
            }
        });
        ready(settled).boxed()
    }
}

struct Loop {
    outbox: Arc<Memory>,
    health: Health,
    metric: Metric,
    wake: Arc<Notify>,
    stop: watch::Sender<bool>,
    running: JoinHandle<()>,
}

fn start(settings: &config::Broker, provider: &str) -> Loop {
    let (health, metric) = (Health::default(), Metric::default());
    let publisher =
        Publisher::of(settings, [provider], Clock::system(), metric.clone(), health.clone())
            .unwrap();
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
    async fn end(self) {
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
    publishing.outbox.add((0..count).map(|_| event(&provider, Kind::ReferralNew)));
    let started = clock.monotonic();
    publishing.wake.notify_one();
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
    let events: Vec<_> = (0..20_000).map(|_| event("harbour", Kind::ReferralNew)).collect();
    publishing.outbox.add(events.iter().cloned());
    publishing.wake.notify_one();
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
    let settings =
        config::Broker { urls: vec!["amqp://127.0.0.1:1".to_owned()], ..shared().settings() };
    let publishing = start(&settings, "harbour");
    publishing.outbox.add([event("harbour", Kind::ReferralNew)]);
    publishing.wake.notify_one();
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
    let routed = event(&provider, Kind::ReferralNew);
    publishing.outbox.add([event("nobody", Kind::ReferralNew), routed]);
    publishing.wake.notify_one();
    eventually("the other is sent", async || publishing.outbox.done() == 1).await;
    eventually("it is returned", async || {
        publishing.outbox.retried().contains(&"no queue takes it")
    })
    .await;
    let State::Bad(what) = publishing.health.state(Part::Broker) else {
        panic!("a message without a queue is an incident");
    };
    assert_eq!(what, "no queue takes nobody.44.referral.new");
    publishing.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_away_gets_its_outcomes_later() {
    let provider = shared().provider("away");
    let publishing = start(&shared().settings(), &provider);
    publishing.outbox.rows.lock().unwrap().away = 3;
    let events: Vec<_> = (0..300).map(|_| event(&provider, Kind::ReferralNew)).collect();
    publishing.outbox.add(events.iter().cloned());
    publishing.wake.notify_one();
    eventually("all are settled", async || publishing.outbox.done() == events.len()).await;
    publishing.end().await;
    let queue = format!("cara.intake.{provider}");
    assert_eq!(take_all(shared(), &queue).await.len(), events.len(), "none was sent twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_waits_for_what_is_on_its_way() {
    let provider = shared().provider("stop");
    let publishing = start(&shared().settings(), &provider);
    let events: Vec<_> = (0..20_000).map(|_| event(&provider, Kind::ReferralNew)).collect();
    publishing.outbox.add(events.iter().cloned());
    publishing.wake.notify_one();
    eventually("some are sent", async || publishing.outbox.done() > 500).await;
    let outbox = Arc::clone(&publishing.outbox);
    let ended = tokio::time::timeout(Duration::from_secs(15), publishing.end()).await;
    assert!(ended.is_ok(), "it does not stop");
    assert_eq!(outbox.leased(), 0, "every lease was settled");
    assert!(outbox.done() < events.len(), "it stopped too late to show anything");
    let queue = format!("cara.intake.{provider}");
    assert_eq!(take_all(shared(), &queue).await.len(), outbox.done());
}
