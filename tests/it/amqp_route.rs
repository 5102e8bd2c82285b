//! One provider's trouble is its own, and one message's: rights taken for one side, one message that
//! the broker will not have, a queue with other arguments, a broker that says nothing.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use cara_metric::Part;
use cara_metric::alert::{MESSAGE_SET_ASIDE, QUEUE_MISMATCH, ROUTE_CLOSED};
use cara_wire::{Event, MessageKind};
use lapin::options::{QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::FieldTable;

use crate::amqp_publish::{administrator, event, take_all};
use crate::amqp_worker::{Loop, start};
use crate::broker::{Broker, GATEWAY, Wishes, shared};
use crate::patience::eventually;
use crate::world::{World, plain_client};

/// What the gateway may write to one exchange, by a pattern of routing keys; none: anything.
fn topic_right(broker: &Broker, provider: &str, exchange: &str, pattern: Option<&str>) {
    let (host, module) = (format!("cara.{provider}"), "rabbit_auth_backend_internal");
    broker.evaluate(&match pattern {
        Some(pattern) => format!(
            r#"{module}:set_topic_permissions(<<"{GATEWAY}">>, <<"{host}">>, <<"{exchange}">>,
               <<"{pattern}">>, <<".*">>, <<"test">>)."#
        ),
        None => format!(
            r#"{module}:clear_topic_permissions(<<"{GATEWAY}">>, <<"{host}">>, <<"test">>)."#
        ),
    });
}

/// Whether there is such a trouble now.
fn is_so(publishing: &Loop, kind: &str) -> bool {
    publishing.metric.troubles().now().keys().any(|(open, _)| *open == kind)
}

fn events(provider: &str, kind: MessageKind, count: usize) -> Vec<Event> {
    (0..count).map(|_| event(provider, kind)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_taken_for_one_side_stops_neither_the_other_nor_another_provider() {
    let (hurt, well) = (shared().provider("hurt"), shared().provider("well"));
    let (hurting, other) = (start(&shared().settings(), &hurt), start(&shared().settings(), &well));
    for one in [&hurting, &other] {
        eventually("the broker is reached", async || one.health.state(Part::Broker).is_good())
            .await;
    }
    let connected = connections(shared(), &hurt).await;
    topic_right(shared(), &hurt, "cara.referrals", Some("^nothing$"));
    hurting.outbox.add(events(&hurt, MessageKind::ReferralNew, 300));
    hurting.outbox.add(events(&hurt, MessageKind::VictimNew, 300));
    other.outbox.add(events(&well, MessageKind::ReferralNew, 300));
    hurting.wake.notify_waiters();
    other.wake.notify_waiters();
    eventually("the other side's go on", async || hurting.outbox.done() == 300).await;
    eventually("another provider's go on", async || other.outbox.done() == 300).await;
    eventually("the route is closed", async || is_so(&hurting, ROUTE_CLOSED)).await;
    let about = (ROUTE_CLOSED, format!("{hurt} offender"));
    assert!(hurting.metric.troubles().now().contains_key(&about));
    assert!(!hurting.health.state(Part::Broker).is_good());
    assert_eq!(hurting.outbox.done(), 300, "nothing was confirmed that may not be written");
    assert!(other.metric.troubles().now().is_empty());
    assert!(other.health.state(Part::Broker).is_good());
    assert_eq!(connections(shared(), &hurt).await, connected, "a channel closed, no connection");
    other.end().await;
    // Once the right is given back, the next probe, a minute later at most, closes the breaker.
    topic_right(shared(), &hurt, "cara.referrals", None);
    let given = Instant::now();
    while hurting.outbox.done() < 600 {
        assert!(given.elapsed() < Duration::from_secs(90), "{} sent", hurting.outbox.done());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!("all went {:?} after the right was given back", given.elapsed());
    eventually("that is said", async || hurting.metric.troubles().now().is_empty()).await;
    assert!(hurting.health.state(Part::Broker).is_good());
    assert_eq!(connections(shared(), &hurt).await, connected);
    hurting.end().await;
}

/// The connections into a provider's virtual host, each with when it was made.
async fn connections(broker: &Broker, provider: &str) -> String {
    let ask = format!(r#"lists:sort(rabbit_connection_tracking:list(<<"cara.{provider}">>))."#);
    // The broker notes them a moment after they are made.
    let mut known = String::new();
    eventually("a connection is known", async || {
        known = broker.evaluate(&ask);
        known.len() > 10
    })
    .await;
    known
}

/// Stops a queue, or lets it go on: it takes messages and confirms none.
fn stop_queue(broker: &Broker, provider: &str, queue: &str, order: &str) {
    broker.evaluate(&format!(
        r#"{{ok, Q}} = rabbit_amqqueue:lookup(rabbit_misc:r(<<"cara.{provider}">>, queue,
           <<"{queue}.{provider}">>)), ok = sys:{order}(amqqueue:get_pid(Q))."#
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_confirms_nothing_costs_its_side_a_channel_and_the_other_nothing() {
    let provider = shared().provider("mute");
    let settings = cara_config::BrokerSettings { confirm_timeout_s: 2, ..shared().settings() };
    let publishing = start(&settings, &provider);
    eventually("the broker is reached", async || publishing.health.state(Part::Broker).is_good())
        .await;
    let connected = connections(shared(), &provider).await;
    stop_queue(shared(), &provider, "cara.intake", "suspend");
    publishing.outbox.add(events(&provider, MessageKind::ReferralNew, 20));
    publishing.wake.notify_waiters();
    // Twice: the channel that is opened instead meets the same.
    eventually("nothing is confirmed", async || {
        let state = publishing.health.state(Part::Broker);
        matches!(state, cara_metric::State::Bad(what) if what.contains("confirms nothing"))
    })
    .await;
    publishing.outbox.add(events(&provider, MessageKind::VictimNew, 200));
    publishing.wake.notify_waiters();
    eventually("the other side's go on", async || publishing.outbox.done() == 200).await;
    assert_eq!(connections(shared(), &provider).await, connected);
    stop_queue(shared(), &provider, "cara.intake", "resume");
    eventually("all are sent", async || publishing.outbox.done() == 220).await;
    eventually("that is said", async || publishing.health.state(Part::Broker).is_good()).await;
    assert_eq!(connections(shared(), &provider).await, connected);
    publishing.end().await;
    let queue = format!("cara.intake.{provider}");
    let found: BTreeSet<_> = take_all(shared(), &queue).await.into_iter().collect();
    assert_eq!(found.len(), 20);
}

/// A broker that ends every connection: publishing and both sides of the reading each come ever less
/// often, down to one connection in five to ten seconds.
#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_away_is_tried_ever_less_often_by_every_loop() {
    const WINDOW: Duration = Duration::from_secs(20);
    /// Of one loop: the shortest pauses are 0.1, 0.2, 0.4 … 3.2, 5, 5 … s.
    const TRIES_MAX: usize = 9;
    /// Each sweep looks at the queues of the dead.
    const SWEEPS_MAX: usize = 5;
    let broker = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = broker.local_addr().unwrap().port();
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&tries);
    let task = tokio::spawn(async move {
        loop {
            drop(broker.accept().await.unwrap());
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    let provider = shared().provider("closing");
    let world = World::publishing(shared(), provider.as_str());
    let lines = world.broker.clone().unwrap();
    let url = lines.split('"').nth(1).unwrap().to_owned();
    let lines = lines.replace(&url, &format!("amqp://127.0.0.1:{port}"));
    let mut gateway = World { broker: Some(lines), ..world }.lay_out();
    gateway.begin(&[]);
    eventually("it tries", async || tries.load(Ordering::SeqCst) > 0).await;
    tokio::time::sleep(WINDOW).await;
    let tries = tries.load(Ordering::SeqCst);
    println!("{tries} connections of three loops in {WINDOW:?}");
    assert!((6..=3 * TRIES_MAX + SWEEPS_MAX).contains(&tries), "{tries} connections in {WINDOW:?}");
    task.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_message_that_the_broker_will_not_have_is_set_aside_and_the_others_pass_in_order() {
    let provider = shared().provider("poison");
    let publishing = start(&shared().settings(), &provider);
    eventually("the broker is reached", async || publishing.health.state(Part::Broker).is_good())
        .await;
    topic_right(shared(), &provider, "cara.referrals", Some("referral.new$"));
    let before = events(&provider, MessageKind::ReferralNew, 20);
    let poison = event(&provider, MessageKind::ReferralAmended);
    let after = events(&provider, MessageKind::ReferralNew, 20);
    let all = before.iter().chain([&poison]).chain(&after).cloned();
    publishing.outbox.add(all);
    publishing.wake.notify_waiters();
    eventually("all others are sent", async || publishing.outbox.done() == 40).await;
    eventually("it is set aside", async || is_so(&publishing, MESSAGE_SET_ASIDE)).await;
    let about = (MESSAGE_SET_ASIDE, poison.message_id().to_string());
    assert!(publishing.metric.troubles().now().contains_key(&about));
    topic_right(shared(), &provider, "cara.referrals", None);
    eventually("it goes when it may", async || publishing.outbox.done() == 41).await;
    eventually("that is said", async || publishing.metric.troubles().now().is_empty()).await;
    publishing.end().await;
    // What was in doubt is sent again: the first copies are in order.
    let mut seen = BTreeSet::new();
    let found = take_all(shared(), &format!("cara.intake.{provider}")).await;
    let firsts: Vec<_> = found.into_iter().filter(|id| seen.insert(*id)).collect();
    let sent: Vec<_> = before.iter().chain(&after).map(Event::message_id).collect();
    let others: Vec<_> = firsts.into_iter().filter(|id| *id != poison.message_id()).collect();
    assert_eq!(others, sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_with_other_arguments_is_told_and_mends_itself_when_it_is_deleted() {
    let provider = shared().provider("other");
    let queue = format!("cara.intake.{provider}");
    let at = administrator(shared(), &provider).await;
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    at.channel.queue_declare(queue.as_str().into(), options, FieldTable::default()).await.unwrap();
    let gateway = World::publishing(shared(), provider.as_str()).start().await;
    let ready = async || {
        let url = format!("{}/readyz", gateway.internal);
        let answer = plain_client().get(url).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.text().await.unwrap()
    };
    eventually("it is named", async || ready().await.contains("other arguments")).await;
    eventually("an incident is open", async || {
        let listed = gateway.command(&["incident", "list"]);
        String::from_utf8_lossy(&listed.stdout).contains(QUEUE_MISMATCH)
    })
    .await;
    at.channel.queue_delete(queue.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
    eventually("it mends itself", async || !ready().await.contains("other arguments")).await;
    eventually("the incident is closed", async || {
        let listed = gateway.command(&["incident", "list"]);
        !String::from_utf8_lossy(&listed.stdout).contains(QUEUE_MISMATCH)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_takes_connections_and_says_nothing_delays_neither_start_nor_stop() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let lines = World::publishing(shared(), shared().provider("silent"));
    let broker = lines.broker.clone().unwrap();
    let url = broker.split('"').nth(1).unwrap().to_owned();
    let broker = broker.replace(&url, &format!("amqp://127.0.0.1:{port}"));
    let started = Instant::now();
    drop(World::default().start().await);
    let without = started.elapsed();
    let started = Instant::now();
    let mut gateway = World { broker: Some(broker), ..lines }.start().await;
    let took = started.elapsed();
    println!("ready after {took:?} with a broker that says nothing, {without:?} without one");
    // As soon as without one, on a machine however busy; a dial alone would take ten seconds.
    assert!(took < without * 2 + Duration::from_millis(500), "{took:?}, {without:?} without one");
    let stopping = Instant::now();
    assert!(gateway.stop().success(), "{}", gateway.log());
    assert!(stopping.elapsed() < Duration::from_secs(8), "{:?}", stopping.elapsed());
    assert!(!gateway.log().contains("\"level\":\"ERROR\""), "{}", gateway.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_queue_is_declared_again_and_takes_what_waited() {
    let provider = shared().provider("gone");
    let publishing = start(&shared().settings(), &provider);
    eventually("the broker is reached", async || publishing.health.state(Part::Broker).is_good())
        .await;
    let queue = format!("cara.intake.{provider}");
    let at = administrator(shared(), &provider).await;
    at.channel.queue_delete(queue.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
    publishing.outbox.add(events(&provider, MessageKind::ReferralNew, 3));
    publishing.wake.notify_waiters();
    eventually("all are sent", async || publishing.outbox.done() == 3).await;
    publishing.end().await;
    assert_eq!(take_all(shared(), &queue).await.len(), 3);
}

/// A broker that closes every connection at once: the pauses grow, since nothing was proved.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_refused_is_tried_ever_less_often() {
    let broker = tokio::task::block_in_place(|| Broker::start(Wishes::default()));
    let provider = broker.provider("refused");
    broker.evaluate(&format!(
        r#"rabbit_auth_backend_internal:clear_permissions(<<"{GATEWAY}">>, <<"cara.{provider}">>,
           <<"test">>)."#
    ));
    let publishing = start(&broker.settings(), &provider);
    eventually("it is said", async || is_so(&publishing, cara_metric::alert::BROKER_REFUSES)).await;
    let cara_metric::State::Bad(what) = publishing.health.state(Part::Broker) else {
        panic!("it cannot be good");
    };
    assert!(what.contains("refused the login to cara."), "{what}");
    publishing.end().await;
}
