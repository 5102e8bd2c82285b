//! Constant load of both legs: forces push records and read what they are told, a charity reads both
//! queues and reports back. All of them go on whatever happens, as real ones would.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cara_sandbox::people::People;
use cara_sandbox::record::{RecordShape, SHAPES, SandboxCase, Twist};
use futures_util::StreamExt as _;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions,
    ConfirmSelectOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Connection, ConnectionProperties};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::ledger::{Ledger, Noticed, Seen};
use crate::broker::{ADMINISTRATOR, Broker};
use crate::world::{FORCES, ForceSystem, TestGateway};

/// Between two records of one force.
const PACE: Duration = Duration::from_millis(150);
/// After something that did not work.
const AGAIN: Duration = Duration::from_millis(200);

/// Runs until dropped; `stop` ends the records alone, so that everything can arrive.
pub struct Load {
    senders: Vec<JoinHandle<()>>,
    others: Vec<JoinHandle<()>>,
}

impl Load {
    pub fn start(gateway: &TestGateway, broker: &Broker, ledger: &Ledger) -> Load {
        let (mut senders, mut others) = (Vec::new(), Vec::new());
        for (slug, _) in FORCES {
            let force = gateway.force(slug);
            senders.push(tokio::spawn(push(force.clone(), slug, ledger.clone())));
            others.push(tokio::spawn(read(force, slug, ledger.clone())));
        }
        let provider = &gateway.provider;
        let admin = broker.url(ADMINISTRATOR, provider);
        for victim in [true, false] {
            let queue = if victim { "victims" } else { "intake" };
            let queue = format!("cara.{queue}.{provider}");
            others.push(tokio::spawn(drain(admin.clone(), queue, victim, ledger.clone())));
        }
        let user = format!("{provider}-intake");
        let url = broker.url(&user, provider);
        others.push(tokio::spawn(report(url, user, provider.clone(), ledger.clone())));
        Load { senders, others }
    }

    /// No more records.
    pub fn stop(&self) {
        for sender in &self.senders {
            sender.abort();
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        for task in self.senders.iter().chain(&self.others) {
            task.abort();
        }
    }
}

/// Numbers that no other case of this process has.
fn serial() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1_000);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn shape(slug: &str) -> &'static RecordShape {
    SHAPES.iter().find(|shape| shape.force == slug).unwrap()
}

fn case(people: &mut People) -> SandboxCase {
    let (serial, now) = (serial(), jiff::Timestamp::now());
    SandboxCase {
        serial,
        body: serial,
        offender: people.offender(),
        victim: people.victim(),
        written_at: now,
        today: today(),
        amended: false,
        twist: Twist::None,
    }
}

fn today() -> jiff::civil::Date {
    jiff::Zoned::now().in_tz("Europe/London").unwrap().date()
}

/// Pushes new and amended records, each until it is taken: only a 202 or a 503 is right.
async fn push(force: ForceSystem, slug: &'static str, ledger: Ledger) {
    let shape = shape(slug);
    let mut people = People::seeded(serial());
    for count in 0_u64.. {
        let first = case(&mut people);
        let second = SandboxCase {
            body: serial(),
            written_at: first.written_at + jiff::Span::new().minutes(1),
            amended: true,
            ..first.clone()
        };
        let versions = if count % 3 == 0 { vec![first, second] } else { vec![first] };
        for version in versions {
            let body = shape.body(&[version]);
            while !taken(&force, shape, &body, &ledger).await {
                tokio::time::sleep(AGAIN).await;
            }
            tokio::time::sleep(PACE).await;
        }
    }
}

async fn taken(force: &ForceSystem, shape: &RecordShape, body: &str, ledger: &Ledger) -> bool {
    let Ok(answer) = force.send(shape.media_type, body.to_owned(), "", &[]).await else {
        return false;
    };
    let record = answer.record(0);
    match (answer.status, record["referral_id"].as_str(), record["revision"].as_u64()) {
        (202, Some(referral), Some(revision)) => {
            let key = (referral.to_owned(), revision);
            ledger.book(|book| {
                book.acknowledged.entry(key).or_insert_with(Instant::now);
            });
            true
        }
        (503, ..) => false,
        (status, ..) => {
            let wrong = format!("{} got {status}: {}", shape.force, answer.text);
            ledger.book(|book| book.wrong.push(wrong));
            // A force's people would look at it; the next record is sent.
            (400..500).contains(&status)
        }
    }
}

/// Polls a force's notices for ever.
async fn read(force: ForceSystem, slug: &'static str, ledger: Ledger) {
    let mut after = 0;
    loop {
        tokio::time::sleep(AGAIN).await;
        let url = format!("{}/v1/notices?after={after}", force.api);
        let Ok(answer) = force.client.get(url).send().await else { continue };
        let status = answer.status().as_u16();
        let Ok(text) = answer.text().await else { continue };
        if (400..500).contains(&status) {
            ledger.book(|book| book.wrong.push(format!("a poll got {status}: {text}")));
        }
        let page: Value = serde_json::from_str(&text).unwrap_or_default();
        for notice in page["notices"].as_array().into_iter().flatten() {
            let text = |name: &str| notice[name].as_str().unwrap_or_default().to_owned();
            let (referral_id, kind) = (text("referral_id"), text("kind"));
            let noticed = Noticed { referral_id, kind, force: slug };
            ledger.book(|book| book.notice(&text("notice_id"), noticed));
            after = after.max(notice["sequence"].as_u64().unwrap_or_default());
        }
    }
}

/// Reads one queue of the charity's for ever, over as many connections as it takes.
async fn drain(url: String, queue: String, victim: bool, ledger: Ledger) {
    loop {
        let _ended = drain_once(&url, &queue, victim, &ledger).await;
        tokio::time::sleep(AGAIN).await;
    }
}

async fn drain_once(url: &str, queue: &str, victim: bool, ledger: &Ledger) -> lapin::Result<()> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.basic_qos(64, BasicQosOptions::default()).await?;
    let options = BasicConsumeOptions::default();
    let table = FieldTable::default();
    let mut consumer = channel.basic_consume(queue.into(), "".into(), options, table).await?;
    while let Some(delivery) = consumer.next().await {
        let delivery = delivery?;
        let body: Value = serde_json::from_slice(&delivery.data).unwrap();
        let (id, subject) = (body["id"].as_str(), body["subject"].as_str());
        let message = Seen {
            referral_id: subject.unwrap().to_owned(),
            revision: body["data"]["revision"].as_u64().unwrap_or_default(),
            victim,
            message_id: id.unwrap().to_owned(),
        };
        ledger.book(|book| book.seen.push(message));
        delivery.ack(BasicAckOptions::default()).await?;
    }
    Ok(())
}

/// Reports `received` and `accepted` of every referral that has arrived, until the broker has them.
async fn report(url: String, user: String, provider: String, ledger: Ledger) {
    loop {
        let _ended = report_once(&url, &user, &provider, &ledger).await;
        tokio::time::sleep(AGAIN).await;
    }
}

async fn report_once(url: &str, user: &str, provider: &str, ledger: &Ledger) -> lapin::Result<()> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let exchange = format!("cara.outcomes.{provider}");
    let key = format!("{provider}.44.outcome");
    loop {
        let due: BTreeSet<String> = ledger.book(|book| {
            let arrived = book.seen.iter().filter(|message| !message.victim);
            let arrived = arrived.map(|message| message.referral_id.clone());
            arrived
                .filter(|it| !book.reported.contains(it))
                .filter(|it| book.acknowledged.contains_key(&(it.clone(), 1)))
                .collect()
        });
        for referral_id in due {
            for (number, kind) in [(1, "received"), (2, "accepted")] {
                let message = outcome(&referral_id, number, kind);
                let properties = BasicProperties::default()
                    .with_delivery_mode(2)
                    .with_user_id(user.into())
                    .with_message_id(message["id"].as_str().unwrap().into());
                let options = BasicPublishOptions { mandatory: true, immediate: false };
                let body = message.to_string();
                let (exchange, key) = (exchange.as_str().into(), key.as_str().into());
                let sent =
                    channel.basic_publish(exchange, key, options, body.as_bytes(), properties);
                let confirmed = tokio::time::timeout(Duration::from_secs(10), sent.await?).await;
                match confirmed {
                    Ok(Ok(lapin::Confirmation::Ack(None))) => {}
                    // No queue took it, or nobody knows: it is said again, under the same id.
                    _ => return Ok(()),
                }
            }
            ledger.book(|book| book.reported.insert(referral_id));
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// The same outcome under the same id, however often it is said.
fn outcome(referral_id: &str, number: u128, kind: &str) -> Value {
    let referral: Uuid = referral_id.parse().unwrap();
    let id = Uuid::from_u128(referral.as_u128() ^ (number << 32));
    json!({
        "specversion": "1.0", "id": id, "source": "/providers/test",
        "type": "uk.cara.outcome.v1",
        "data": {
            "outcome_id": id, "referral_id": referral_id, "number": number as u64,
            "revision_seen": 1, "kind": kind, "happened_on": today().to_string(),
            "recorded_at": format!("{}T00:00:00Z", today()),
        },
    })
}
