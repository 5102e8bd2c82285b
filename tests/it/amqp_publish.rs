//! The publisher against a real broker: confirmed, returned, stopped and back, blocked, mismatched,
//! dead and put back, over TLS.

use std::path::Path;
use std::time::Duration;

use cara_amqp::{Dialer, Ended, Error, Fate, Link, LinkEvent, Publisher, Topology, dead};
use cara_clock::Clock;
use cara_metric::{Health, Metric, Part};
use cara_wire::{Event, Header, MessageKind};
use futures_util::StreamExt as _;
use lapin::options::{
    BasicConsumeOptions, BasicGetOptions, BasicPublishOptions, BasicRejectOptions,
    QueueDeclareOptions, QueuePurgeOptions,
};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use uuid::Uuid;

use crate::broker::{ADMINISTRATOR, Broker, Wishes, shared, unique};
use crate::patience::eventually;

pub fn event(provider: &str, kind: MessageKind) -> Event {
    let clock = Clock::system();
    let header = Header {
        id: clock.id(),
        kind,
        referral_id: clock.id(),
        force: "44".to_owned(),
        provider: provider.to_owned(),
        received_at: clock.now(),
    };
    Event::reopen(header, format!("{{\"for\":\"{provider}\"}}").into())
}

fn publisher(settings: &cara_config::BrokerSettings, provider: &str) -> (Publisher, Health) {
    let health = Health::default();
    let made =
        Publisher::of(settings, provider, Clock::system(), Metric::default(), health.clone());
    (made.unwrap(), health)
}

async fn link_for_ever(publisher: &Publisher) -> Link<Uuid> {
    let line = publisher.connect_for_ever(&mut cara_amqp::BACKOFF.clone()).await;
    publisher.link(&line).await.unwrap()
}

pub struct Administrator {
    pub channel: Channel,
    _connection: Connection,
}

pub async fn administrator(broker: &Broker, provider: &str) -> Administrator {
    let properties = ConnectionProperties::default();
    let url = broker.url(ADMINISTRATOR, provider);
    let connection = Connection::connect(&url, properties).await.unwrap();
    Administrator { channel: connection.create_channel().await.unwrap(), _connection: connection }
}

/// The message ids in the provider's queue, oldest first, taken out.
pub async fn take_all(broker: &Broker, queue: &str) -> Vec<Uuid> {
    let provider = queue.rsplit('.').next().unwrap();
    let at = administrator(broker, provider).await;
    let look = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let none = FieldTable::default();
    let found = at.channel.queue_declare(queue.into(), look, none.clone()).await.unwrap();
    let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
    let mut consumer =
        at.channel.basic_consume(queue.into(), "".into(), options, none).await.unwrap();
    let mut ids = Vec::new();
    for _ in 0..found.message_count() {
        let message = consumer.next().await.expect("as many as there are").unwrap();
        let id = message.properties.message_id().clone().unwrap();
        ids.push(id.as_str().parse().unwrap());
    }
    ids
}

async fn settled(link: &mut Link<Uuid>) -> Vec<(Uuid, Fate)> {
    match link.step().await {
        LinkEvent::Settled(settled) => settled,
        other => panic!("{other:?}"),
    }
}

/// Publishes and waits for all.
async fn publish_all(link: &mut Link<Uuid>, events: &[Event]) -> Vec<(Uuid, Fate)> {
    for event in events {
        link.publish(event.message_id(), event);
    }
    let mut all = Vec::new();
    while all.len() < events.len() {
        all.extend(settled(link).await);
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmed_event_is_on_its_queue_with_its_properties() {
    let provider = shared().provider("confirmed");
    let (publisher, health) = publisher(&shared().settings(), &provider);
    let mut link = link_for_ever(&publisher).await;
    assert!(health.state(Part::Broker).is_good());
    let sent = event(&provider, MessageKind::VictimNew);
    let fates = publish_all(&mut link, std::slice::from_ref(&sent)).await;
    assert_eq!(fates, [(sent.message_id(), Fate::Confirmed)]);

    let at = administrator(shared(), &provider).await;
    let queue = format!("cara.victims.{provider}");
    let got = at.channel.basic_get(queue.as_str().into(), BasicGetOptions::default()).await;
    let got = got.unwrap().expect("a message").delivery;
    assert_eq!(got.data, sent.body().to_vec());
    assert_eq!(got.routing_key.as_str(), format!("{provider}.44.victim.new"));
    let text = |value: &Option<lapin::types::ShortString>| value.as_ref().unwrap().to_string();
    let properties = &got.properties;
    assert_eq!(text(properties.message_id()), sent.message_id().to_string());
    assert_eq!(text(properties.kind()), "uk.cara.victim.new.v1");
    assert_eq!(text(properties.content_type()), "application/cloudevents+json");
    assert_eq!(text(properties.user_id()), "cara-gateway");
    assert_eq!(text(properties.app_id()), "cara-gateway");
    assert_eq!(*properties.delivery_mode(), Some(2));
    let seconds = u64::try_from(sent.timestamp().as_second()).unwrap();
    assert_eq!(*properties.timestamp(), Some(seconds));
    let headers = properties.headers().as_ref().unwrap().inner();
    let expected = AMQPValue::LongString(LongString::from(sent.traceparent()));
    assert_eq!(headers.get("traceparent"), Some(&expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_event_without_a_queue_counts_as_returned() {
    let provider = shared().provider("returned");
    let (publisher, _) = publisher(&shared().settings(), &provider);
    let mut link = link_for_ever(&publisher).await;
    // Strangers between others, in one window: each return must find its own event.
    let events: Vec<_> = (0..200)
        .map(|number| {
            let to = if number % 7 == 3 { "nobody" } else { provider.as_str() };
            event(to, MessageKind::ReferralNew)
        })
        .collect();
    for (id, fate) in publish_all(&mut link, &events).await {
        let event = events.iter().find(|event| event.message_id() == id).unwrap();
        let routed = event.header().provider == provider;
        // In doubt is allowed (it is sent again); the wrong certainty is not.
        let right = if routed { Fate::Confirmed } else { Fate::Returned };
        assert!(fate == right || fate == Fate::Unknown, "{fate:?} for routed = {routed}");
    }
    let after = [event(&provider, MessageKind::ReferralNew)];
    assert_eq!(publish_all(&mut link, &after).await, [(after[0].message_id(), Fate::Confirmed)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn five_thousand_a_second_are_confirmed() {
    let provider = shared().provider("fast");
    let (publisher, _) = publisher(&shared().settings(), &provider);
    let mut link = link_for_ever(&publisher).await;
    let clock = Clock::system();
    let (count, mut sent, mut confirmed) = (20_000, 0, 0);
    let started = clock.monotonic();
    while confirmed < count {
        while sent < count && link.free() > 0 {
            let event = event(&provider, MessageKind::ReferralNew);
            link.publish(event.message_id(), &event);
            sent += 1;
        }
        let fates = settled(&mut link).await;
        assert!(fates.iter().all(|(_, fate)| *fate == Fate::Confirmed));
        confirmed += fates.len();
    }
    let rate = count as f64 / (clock.monotonic() - started).as_secs_f64();
    println!("{rate:.0} messages/s confirmed, window {}", publisher.window());
    let at = administrator(shared(), &provider).await;
    let queue = format!("cara.intake.{provider}");
    let options = QueuePurgeOptions::default();
    assert_eq!(at.channel.queue_purge(queue.as_str().into(), options).await.unwrap(), 20_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_stops_and_comes_back_has_every_confirmed_event() {
    let mut broker = Broker::start(Wishes::default());
    let (publisher, health) = publisher(&broker.settings(), "harbour");
    let mut link = link_for_ever(&publisher).await;
    let first =
        [event("harbour", MessageKind::ReferralNew), event("harbour", MessageKind::ReferralNew)];
    let fates = publish_all(&mut link, &first).await;
    assert!(fates.iter().all(|(_, fate)| *fate == Fate::Confirmed));

    broker.stop();
    let waiting = event("harbour", MessageKind::ReferralNew);
    link.publish(waiting.message_id(), &waiting);
    let LinkEvent::Broken(Ended { settled, reason, .. }) = link.step().await else {
        panic!("the link outlived its broker");
    };
    assert_eq!(settled, [(waiting.message_id(), Fate::Unknown)]);
    publisher.broke(&reason);
    drop(link);
    assert!(!health.state(Part::Broker).is_good());
    let error = publisher.connect().await.err().expect("nothing listens");
    assert!(error.is_passing(), "{error}");

    let back = tokio::spawn({
        let publisher = publisher.clone();
        async move { link_for_ever(&publisher).await }
    });
    broker.start_again();
    let mut link = back.await.unwrap();
    assert!(health.state(Part::Broker).is_good());
    publish_all(&mut link, std::slice::from_ref(&waiting)).await;
    let expected: Vec<_> = first.iter().chain([&waiting]).map(|event| event.message_id()).collect();
    assert_eq!(take_all(&broker, "cara.intake.harbour").await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_asks_to_wait_gets_nothing_and_fails_nothing() {
    let broker = Broker::start(Wishes {
        conf: "vm_memory_high_watermark.absolute = 1024".to_owned(),
        ..Wishes::default()
    });
    let settings = cara_config::BrokerSettings { confirm_timeout_s: 2, ..broker.settings() };
    let (publisher, _) = publisher(&settings, "harbour");
    let mut link = link_for_ever(&publisher).await;
    let sent = event("harbour", MessageKind::ReferralNew);
    link.publish(sent.message_id(), &sent);
    assert!(matches!(link.step().await, LinkEvent::Blocked));
    assert_eq!(link.free(), 0, "nothing may be claimed while it asks to wait");
    // Longer than the confirm timeout: being blocked is no failure.
    let waited = tokio::time::timeout(Duration::from_secs(4), link.step()).await;
    assert!(waited.is_err(), "{waited:?}");
    broker.control(&["set_vm_memory_high_watermark", "0.9"]);
    // The confirm and the permission to go on come in either order.
    let mut fates = Vec::new();
    while fates.is_empty() || link.is_blocked() {
        match link.step().await {
            LinkEvent::Settled(settled) => fates.extend(settled),
            LinkEvent::Unblocked => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(fates, [(sent.message_id(), Fate::Confirmed)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_with_other_arguments_is_named() {
    let provider = shared().provider("mismatch");
    let queue = format!("cara.intake.{provider}");
    let at = administrator(shared(), &provider).await;
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    at.channel.queue_declare(queue.as_str().into(), options, FieldTable::default()).await.unwrap();
    let (publisher, _) = publisher(&shared().settings(), &provider);
    let error = publisher.connect().await.err().expect("another kind of queue is there");
    assert!(!error.is_passing());
    let Error::Mismatch { what, said } = &error else { panic!("{error:?}") };
    assert_eq!(*what, format!("the queue {queue}"));
    assert!(said.contains("inequivalent arg"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dead_are_listed_without_content_and_go_back_under_their_ids() {
    let provider = shared().provider("dead");
    let (publisher, _) = publisher(&shared().settings(), &provider);
    let mut link = link_for_ever(&publisher).await;
    let events = [
        event(&provider, MessageKind::ReferralNew),
        event(&provider, MessageKind::ReferralAmended),
    ];
    publish_all(&mut link, &events).await;
    let queue = format!("cara.intake.{provider}");
    let at = administrator(shared(), &provider).await;
    for _ in &events {
        let options = BasicGetOptions::default();
        let got = at.channel.basic_get(queue.as_str().into(), options).await.unwrap().unwrap();
        got.delivery.reject(BasicRejectOptions { requeue: false }).await.unwrap();
    }

    let dialer = Dialer::of(&shared().settings(), &provider).unwrap();
    let topology = Topology::of(&provider);
    let mut standings = Vec::new();
    eventually("both are dead", async || {
        standings = dead::list(&dialer, &topology, 100).await.unwrap();
        standings.first().is_some_and(|standing| standing.count == 2)
    })
    .await;
    let [standing] = standings.as_slice() else { panic!("{standings:?}") };
    assert_eq!(standing.queue, queue);
    let listed: Vec<_> = standing.messages.iter().map(|dead| dead.message_id.clone()).collect();
    let ids: Vec<_> = events.iter().map(|event| Some(event.message_id().to_string())).collect();
    assert_eq!(listed, ids);
    assert_eq!(standing.messages[0].kind.as_deref(), Some("uk.cara.referral.new.v1"));
    assert_eq!(standing.messages[0].reason.as_deref(), Some("rejected"));
    assert!(standing.messages[0].died_at.is_some());

    let second = events[1].message_id();
    // What was only looked at goes back to the dead queue a moment after its channel closed.
    let only = [second.to_string()];
    eventually("one is put back", async || {
        dead::put_back(&dialer, &topology, &queue, &only).await.unwrap().returned == 1
    })
    .await;
    assert_eq!(take_all(shared(), &queue).await, [second]);
    eventually("the rest is put back", async || {
        dead::put_back(&dialer, &topology, &queue, &[]).await.unwrap().returned == 1
    })
    .await;
    assert_eq!(take_all(shared(), &queue).await, [events[0].message_id()]);
    assert_eq!(dead::list(&dialer, &topology, 100).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_said_goes_back_with_its_speaker() {
    let speaker = "harbour-intake";
    let properties = ConnectionProperties::default();
    let said = Connection::connect(&shared().url(speaker, "harbour"), properties).await.unwrap();
    let channel = said.create_channel().await.unwrap();
    let id = unique("said");
    let exchange = "cara.outcomes.harbour";
    let properties =
        BasicProperties::default().with_user_id(speaker.into()).with_message_id(id.as_str().into());
    let options = BasicPublishOptions::default();
    channel.basic_publish(exchange.into(), "x".into(), options, b"{}", properties).await.unwrap();
    // Other tests say things here too.
    let at = administrator(shared(), "harbour").await;
    let is_ours = |properties: &BasicProperties| {
        properties.message_id().as_ref().is_some_and(|found| found.as_str() == id)
    };
    let mut unread = Vec::new();
    eventually("it is on the queue", async || {
        let options = BasicGetOptions::default();
        match at.channel.basic_get(exchange.into(), options).await.unwrap() {
            Some(got) if is_ours(&got.delivery.properties) => {
                got.delivery.reject(BasicRejectOptions { requeue: false }).await.unwrap();
                true
            }
            got => {
                unread.extend(got);
                false
            }
        }
    })
    .await;
    let dialer = Dialer::of(&shared().settings(), "harbour").unwrap();
    let topology = Topology::of("harbour");
    eventually("it is put back", async || {
        let only = [id.clone()];
        let done = dead::put_back(&dialer, &topology, exchange, &only).await.unwrap();
        done.returned == 1
    })
    .await;
    let mut found = None;
    eventually("it is back", async || {
        let options = BasicGetOptions::default();
        let got = at.channel.basic_get(exchange.into(), options).await.unwrap();
        found = got.filter(|got| is_ours(&got.delivery.properties));
        found.is_some()
    })
    .await;
    let properties = found.unwrap().delivery.properties.clone();
    assert_eq!(properties.user_id().as_ref().unwrap().as_str(), "cara-gateway");
    let headers = properties.headers().as_ref().unwrap().inner();
    let expected = AMQPValue::LongString(LongString::from(speaker));
    assert_eq!(headers.get(dead::SAID_BY), Some(&expected));
    assert!(!headers.contains_key("x-death"));
}

struct Made {
    pem: String,
    key: String,
}

/// A CA, the broker's certificate and the gateway's, written into the folder.
fn certificates(folder: &Path) {
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = authority.self_signed(&authority_key).unwrap();
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let made = |common_name: &str| {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut own = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        own.distinguished_name.push(rcgen::DnType::CommonName, common_name);
        let certificate = own.signed_by(&key, &issuer).unwrap();
        Made { pem: certificate.pem(), key: key.serialize_pem() }
    };
    let write = |name: &str, text: &str| {
        use std::os::unix::fs::OpenOptionsExt as _;
        let mut options = std::fs::OpenOptions::new();
        let mut file =
            options.write(true).create_new(true).mode(0o600).open(folder.join(name)).unwrap();
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
    };
    write("ca.pem", &root.pem());
    for (file, common_name) in
        [("broker", "localhost"), ("gateway", "cara-gateway"), ("stranger", "nobody")]
    {
        let made = made(common_name);
        write(&format!("{file}.pem"), &made.pem);
        write(&format!("{file}.key"), &made.key);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_certificate_alone_is_enough_and_another_is_refused() {
    let folder = std::env::temp_dir().join(unique("cara-broker-tls"));
    std::fs::create_dir_all(&folder).unwrap();
    certificates(&folder);
    let at = folder.display();
    let broker = Broker::start(Wishes {
        conf: format!(
            "listeners.ssl.1 = 127.0.0.1:{{tls}}\nssl_options.cacertfile = {at}/ca.pem\n\
             ssl_options.certfile = {at}/broker.pem\nssl_options.keyfile = {at}/broker.key\n\
             ssl_options.verify = verify_peer\nssl_options.fail_if_no_peer_cert = true\n\
             ssl_cert_login_from = common_name\n\
             auth_mechanisms.1 = PLAIN\nauth_mechanisms.2 = EXTERNAL\n"
        ),
        plugins: vec!["rabbitmq_auth_mechanism_ssl"],
    });
    let with = |own: &str| cara_config::BrokerSettings {
        urls: vec![
            "amqps://localhost:1".to_owned(),
            format!("amqps://localhost:{}", broker.tls_port()),
        ],
        password: None,
        ca: Some(folder.join("ca.pem")),
        certificate: Some(folder.join(format!("{own}.pem"))),
        key: Some(cara_config::SecretFile::at(folder.join(format!("{own}.key")), "broker.key")),
        ..broker.settings()
    };
    let (own, _) = publisher(&with("gateway"), "harbour");
    let mut link = link_for_ever(&own).await;
    let sent = [event("harbour", MessageKind::ReferralNew)];
    assert_eq!(publish_all(&mut link, &sent).await, [(sent[0].message_id(), Fate::Confirmed)]);

    let (stranger, _) = publisher(&with("stranger"), "harbour");
    let error = stranger.connect().await.err().expect("nobody of that name");
    assert!(error.to_string().contains("ACCESS_REFUSED"), "{error}");

    // A broker whose certificate another CA signed is not spoken to.
    let other = folder.join("other");
    std::fs::create_dir_all(&other).unwrap();
    certificates(&other);
    let distrusting =
        cara_config::BrokerSettings { ca: Some(other.join("ca.pem")), ..with("gateway") };
    let (distrusting, _) = publisher(&distrusting, "harbour");
    assert!(distrusting.connect().await.is_err());
    std::fs::remove_dir_all(&folder).unwrap();
}
