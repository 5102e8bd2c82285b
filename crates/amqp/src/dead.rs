//! The dead queues: one message in them is an incident. Bodies are never shown.

use jiff::Timestamp;
use lapin::message::{BasicGetMessage, Delivery};
use lapin::options::{BasicAckOptions, BasicGetOptions};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{BasicProperties, Channel};

use super::channel::{self, PERSISTENT};
use super::topology::Queue;
use super::{Dialer, Error, Topology};

/// Header of a message that was put back: the user whom the broker saw say it first. Only the
/// gateway's own user may be believed in it.
pub const SAID_BY: &str = "cara-said-by";

/// What stands in one dead queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadQueueState {
    /// The queue where they died: `cara.intake.harbour`.
    pub queue: String,
    pub count: u32,
    /// The oldest ones.
    pub messages: Vec<DeadMessage>,
}

/// A dead message without its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadMessage {
    pub message_id: Option<String>,
    /// `uk.cara.referral.new.v1`
    pub kind: Option<String>,
    pub died_at: Option<Timestamp>,
    /// `rejected` or `delivery_limit`, as the broker calls it.
    pub reason: Option<String>,
}

/// How putting back went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PutBack {
    pub returned: u32,
    /// Not chosen, or without a note of where they came from.
    pub left: u32,
}

/// Every dead queue that is not empty, with up to `limit` of its messages. Looking changes nothing.
pub async fn list(
    dialer: &Dialer,
    topology: &Topology,
    limit: u32,
) -> Result<Vec<DeadQueueState>, Error> {
    let connection = dialer.dial("dead list").await?;
    let mut standings = Vec::new();
    for (dead, living) in topology.dead() {
        let channel = channel::open(&connection).await?;
        let count = count(&channel, dead).await?;
        if count == 0 {
            continue;
        }
        let mut messages = Vec::new();
        for _ in 0..count.min(limit) {
            let Some(message) = take(&channel, dead).await? else { break };
            messages.push(described(&message.delivery, &living.name));
        }
        // Nothing was acknowledged, so closing the channel puts them back.
        channel.close(200, "looked".into()).await.map_err(Error::Broken)?;
        standings.push(DeadQueueState { queue: living.name.clone(), count, messages });
    }
    Ok(standings)
}

/// Puts the dead of `queue` back where they came from, under the same id, each confirmed before it
/// leaves the dead queue. `only` names message ids; empty means all.
pub async fn put_back(
    dialer: &Dialer,
    topology: &Topology,
    queue: &str,
    only: &[String],
) -> Result<PutBack, Error> {
    let what = || format!("putting messages back into {queue}");
    let Some((dead, living)) = topology.dead().find(|(_, living)| living.name == queue) else {
        let said = "this gateway has no such queue; `dead list` names them".to_owned();
        return Err(Error::Refused { what: what(), said });
    };
    let connection = dialer.dial("dead return").await?;
    let channel = channel::confirming(&connection).await?;
    let mut done = PutBack::default();
    for _ in 0..count(&channel, dead).await? {
        let Some(message) = take(&channel, dead).await? else { break };
        let delivery = &message.delivery;
        let id = delivery.properties.message_id().as_ref().map(ToString::to_string);
        let chosen = only.is_empty() || id.is_some_and(|id| only.contains(&id));
        let Some((exchange, routing_key)) = origin(delivery, &living.name).filter(|_| chosen)
        else {
            done.left += 1;
            continue;
        };
        let properties = revived(&delivery.properties, dialer.user_id());
        let body = &delivery.data;
        if !channel::publish(&channel, &exchange, &routing_key, body, properties).await? {
            let said = "the queue would not take it; it stays with the dead".to_owned();
            return Err(Error::Refused { what: what(), said });
        }
        delivery.ack(BasicAckOptions::default()).await.map_err(Error::Broken)?;
        done.returned += 1;
    }
    // Whatever was not acknowledged goes back into the dead queue.
    channel.close(200, "done".into()).await.map_err(Error::Broken)?;
    Ok(done)
}

async fn count(channel: &Channel, queue: &Queue) -> Result<u32, Error> {
    let looked = channel::look_at(channel, &queue.name).await;
    let found = looked.map_err(|error| Error::Refused {
        what: format!("a look at {}", queue.name),
        said: error.to_string(),
    })?;
    Ok(found.message_count())
}

async fn take(channel: &Channel, queue: &Queue) -> Result<Option<BasicGetMessage>, Error> {
    channel
        .basic_get(queue.name.as_str().into(), BasicGetOptions::default())
        .await
        .map_err(Error::Broken)
}

/// The properties without the marks of death, said by this gateway's user.
fn revived(dead: &BasicProperties, user_id: Option<&str>) -> BasicProperties {
    let mut headers = FieldTable::default();
    if let Some(found) = dead.headers() {
        for (key, value) in found.inner() {
            let name = key.as_str();
            if !name.contains("-death") && name != "x-delivery-count" {
                headers.insert(key.clone(), value.clone());
            }
        }
    }
    if let Some(speaker) = dead.user_id().as_ref().filter(|user| user_id != Some(user.as_str())) {
        let speaker = LongString::from(speaker.as_str());
        headers.insert(SAID_BY.into(), AMQPValue::LongString(speaker));
    }
    let mut properties =
        BasicProperties::default().with_headers(headers).with_delivery_mode(PERSISTENT);
    if let Some(id) = dead.message_id() {
        properties = properties.with_message_id(id.clone());
    }
    if let Some(kind) = dead.kind() {
        properties = properties.with_type(kind.clone());
    }
    if let Some(content_type) = dead.content_type() {
        properties = properties.with_content_type(content_type.clone());
    }
    if let Some(timestamp) = dead.timestamp() {
        properties = properties.with_timestamp(*timestamp);
    }
    if let Some(app_id) = dead.app_id() {
        properties = properties.with_app_id(app_id.clone());
    }
    channel::said_by(properties, user_id)
}

fn described(delivery: &Delivery, queue: &str) -> DeadMessage {
    let death = death(delivery, queue);
    let field = |name: &str| death.and_then(|death| death.inner().get(name));
    let died_at = match field("time") {
        Some(AMQPValue::Timestamp(seconds)) => {
            i64::try_from(*seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok())
        }
        _ => None,
    };
    DeadMessage {
        message_id: delivery.properties.message_id().as_ref().map(ToString::to_string),
        kind: delivery.properties.kind().as_ref().map(ToString::to_string),
        died_at,
        reason: field("reason").and_then(text),
    }
}

/// The exchange and routing key by which the message came into the queue where it died.
fn origin(delivery: &Delivery, queue: &str) -> Option<(String, String)> {
    let death = death(delivery, queue)?.inner();
    let exchange = death.get("exchange").and_then(text)?;
    let AMQPValue::FieldArray(keys) = death.get("routing-keys")? else { return None };
    let routing_key = keys.as_slice().first().and_then(text)?;
    Some((exchange, routing_key))
}

/// The broker's note of this death.
fn death<'a>(delivery: &'a Delivery, queue: &str) -> Option<&'a FieldTable> {
    let headers = delivery.properties.headers().as_ref()?;
    let AMQPValue::FieldArray(deaths) = headers.inner().get("x-death")? else { return None };
    deaths.as_slice().iter().find_map(|death| match death {
        AMQPValue::FieldTable(death)
            if death.inner().get("queue").and_then(text).as_deref() == Some(queue) =>
        {
            Some(death)
        }
        _ => None,
    })
}

fn text(value: &AMQPValue) -> Option<String> {
    match value {
        AMQPValue::LongString(text) => Some(text.to_string()),
        AMQPValue::ShortString(text) => Some(text.to_string()),
        _ => None,
    }
}
