//! A charity: reads the intake queue and the victim queue of every provider, each under the user
//! that the broker has for it, looks for what must not be there, and reports what becomes of each
//! offender.

use std::time::Duration;

use cara_domain::Compartment;
use futures_util::StreamExt as _;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions,
    ConfirmSelectOptions,
};
use lapin::types::FieldTable;
use lapin::uri::AMQPUri;
use lapin::{BasicProperties, Channel, Confirmation};
use serde_json::Value;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::broker;
use super::description::Description;
use super::ledger::Ledger;
use super::people::words;
use super::story;
use cara_clock::Clock;

/// Messages that may be on their way to one consumer.
const PREFETCH: u16 = 64;

/// Members that only a victim's message has.
const VICTIM_MEMBERS: [&str; 7] = [
    "victim",
    "safe_contact",
    "contact_agreed",
    "children",
    "coercive_control",
    "orders_in_force",
    "location",
];

/// The consumers; dropping it ends them.
#[derive(Debug)]
pub struct Charity {
    _consumers: JoinSet<()>,
}

impl Charity {
    /// Starts to consume both queues of every provider, and what comes back rejected.
    pub fn open(description: &Description, ledger: &Ledger, clock: &Clock) -> Charity {
        let mut consumers = JoinSet::new();
        for provider in description.providers.values() {
            let queues = &provider.queues;
            for (url, queue, job) in [
                (&provider.intake_url, &queues.intake, Job::Read(Compartment::Offender)),
                (&provider.victims_url, &queues.victims, Job::Read(Compartment::Victim)),
                (&provider.intake_url, &queues.rejected, Job::Rejected),
            ] {
                let desk = Desk {
                    url: url.clone(),
                    queue: queue.clone(),
                    job,
                    outcomes: provider.exchanges.outcomes.clone(),
                    ledger: ledger.clone(),
                    clock: clock.clone(),
                };
                consumers.spawn(desk.run());
            }
        }
        Charity { _consumers: consumers }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Job {
    Read(Compartment),
    /// Outcomes that the gateway could not apply.
    Rejected,
}

/// One consumer with its queue.
struct Desk {
    url: String,
    queue: String,
    job: Job,
    /// The exchange for what the offender's side reports.
    outcomes: String,
    ledger: Ledger,
    clock: Clock,
}

impl Desk {
    /// Consumes for ever: a broken connection is made again.
    async fn run(self) {
        loop {
            let _broken = self.consume().await;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    async fn consume(&self) -> anyhow::Result<()> {
        let connection = broker::connect(&self.url, "charity").await?;
        let channel = connection.create_channel().await?;
        channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
        let reporting = connection.create_channel().await?;
        reporting.confirm_select(ConfirmSelectOptions::default()).await?;
        let queue = self.queue.as_str();
        let options = BasicConsumeOptions::default();
        let consumer =
            channel.basic_consume(queue.into(), "".into(), options, FieldTable::default());
        let mut consumer = consumer.await?;
        while let Some(delivery) = consumer.next().await {
            let delivery = delivery?;
            match self.job {
                Job::Read(side) => {
                    note(&delivery, side, &self.ledger);
                    if side == Compartment::Offender {
                        self.report(&delivery.data, &reporting).await?;
                    }
                }
                Job::Rejected => self.ledger.open().way_back.rejected += 1,
            }
            delivery.ack(BasicAckOptions::default()).await?;
        }
        Ok(())
    }

    /// Reports what becomes of a new case. Should it break off, the referral comes again, and the
    /// same words are said again under the same ids.
    async fn report(&self, body: &[u8], channel: &Channel) -> anyhow::Result<()> {
        let Some((referral_id, revision)) = referral(body) else { return Ok(()) };
        let story = {
            let mut pages = self.ledger.open();
            let now = self.clock.now();
            let tell = || {
                let today = cara_clock::london_day(now);
                story::of(referral_id, revision, now, today, || self.clock.id())
            };
            pages.way_back.stories.entry(referral_id).or_insert_with(tell).clone()
        };
        let user = self.url.parse::<AMQPUri>().ok().map(|url| url.authority.userinfo.username);
        for said in story {
            if self.ledger.open().way_back.reported.contains(&said.outcome_id) {
                continue;
            }
            let mut properties = BasicProperties::default()
                .with_delivery_mode(2)
                .with_message_id(said.outcome_id.to_string().into());
            if let Some(user) = &user {
                properties = properties.with_user_id(user.as_str().into());
            }
            let options = BasicPublishOptions { mandatory: true, immediate: false };
            let confirmation = channel
                .basic_publish(
                    self.outcomes.as_str().into(),
                    "outcome".into(),
                    options,
                    said.message.to_string().as_bytes(),
                    properties,
                )
                .await?
                .await?;
            anyhow::ensure!(matches!(confirmation, Confirmation::Ack(None)), "not taken");
            let mut pages = self.ledger.open();
            if pages.way_back.reported.insert(said.outcome_id) && said.is_prompted {
                pages.way_back.prompts_due += 1;
            }
            if said.is_told {
                pages.way_back.promised.insert(said.outcome_id);
            }
        }
        Ok(())
    }
}

fn referral(body: &[u8]) -> Option<(Uuid, u32)> {
    let event: Value = serde_json::from_slice(body).ok()?;
    let stated = &event["data"];
    let referral_id = stated["referral_id"].as_str()?.parse().ok()?;
    Some((referral_id, u32::try_from(stated["revision"].as_u64()?).ok()?))
}

fn note(delivery: &Delivery, side: Compartment, ledger: &Ledger) {
    let message_id = delivery.properties.message_id().as_ref().map(ToString::to_string);
    read(message_id.as_deref(), &delivery.data, side, ledger);
}

fn read(message_id: Option<&str>, body: &[u8], side: Compartment, ledger: &Ledger) {
    let mut pages = ledger.open();
    let event: Value = serde_json::from_slice(body).unwrap_or_default();
    let stated = &event["data"];
    let referral_id = stated["referral_id"].as_str().and_then(|id| id.parse::<Uuid>().ok());
    let revision = stated["revision"].as_u64().and_then(|number| u32::try_from(number).ok());
    let kind = event["type"].as_str().unwrap_or_default();
    if let (Some(message_id), "uk.cara.victim.prompt.v1") = (message_id, kind) {
        if pages.seen.message_ids.insert(message_id.to_owned()) {
            pages.seen.prompts += 1;
        }
        return;
    }
    let (Some(message_id), Some(referral_id), Some(revision)) = (message_id, referral_id, revision)
    else {
        pages.seen.unreadable += 1;
        return;
    };
    if event["id"].as_str() != Some(message_id) {
        pages.seen.unreadable += 1;
    }
    if !pages.seen.message_ids.insert(message_id.to_owned()) {
        pages.seen.again += 1;
    }
    match side {
        Compartment::Victim => {
            pages.seen.victims.insert(referral_id);
        }
        Compartment::Offender => {
            let text = String::from_utf8_lossy(body);
            let marked = words(&text).any(|word| pages.victim_marks.contains(&word));
            if marked || has_victim_member(stated) {
                pages.seen.leaks += 1;
            }
            if matches!(kind, "uk.cara.caution.decision.v1" | "uk.cara.recall.v1") {
                pages.seen.decisions.insert(message_id.to_owned());
            } else {
                pages.seen.referrals.insert((referral_id, revision));
            }
        }
    }
}

fn has_victim_member(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.iter().any(|(name, value)| {
            VICTIM_MEMBERS.contains(&name.as_str()) || has_victim_member(value)
        }),
        Value::Array(items) => items.iter().any(has_victim_member),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn leaks(content: Value) -> u64 {
        let ledger = Ledger::default();
        ledger.open().victim_marks.insert("quavizu".to_owned());
        let mut stated = json!({ "referral_id": Uuid::from_u128(1), "revision": 1 });
        stated["offender"] = content;
        let body = json!({ "id": "m1", "data": stated }).to_string();
        read(Some("m1"), body.as_bytes(), Compartment::Offender, &ledger);
        let pages = ledger.open();
        assert_eq!(pages.seen.unreadable, 0);
        pages.seen.leaks
    }

    #[test]
    fn a_victims_word_or_member_on_the_offenders_side_is_a_leak() {
        assert_eq!(leaks(json!({ "family_name": "Barcor" })), 0);
        assert_eq!(leaks(json!({ "access_needs": "lives with QUAVIZU" })), 1);
        assert_eq!(leaks(json!({ "email": "quavizu@mail.example" })), 1);
        assert_eq!(leaks(json!([{ "safe_contact": {} }])), 1);
    }

    #[test]
    fn a_message_without_a_referral_is_against_the_contract() {
        let ledger = Ledger::default();
        read(Some("m1"), b"{}", Compartment::Victim, &ledger);
        read(None, b"no JSON", Compartment::Offender, &ledger);
        assert_eq!(ledger.open().seen.unreadable, 2);
    }
}
