//! A charity that drains both queues of a provider and remembers what it saw, in order.

use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ConnectionProperties};
use serde_json::Value;

use crate::broker::{ADMINISTRATOR, Broker};
use crate::patience::eventually;

/// One message as a consumer saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub referral_id: String,
    pub victim: bool,
    pub body: Value,
}

/// Two consumers at work.
pub struct Drain {
    seen: Arc<Mutex<Vec<Seen>>>,
    _connection: Connection,
}

impl Drain {
    /// Everything so far, in order of arrival.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub fn of(&self, victim: bool) -> Vec<Seen> {
        self.seen().into_iter().filter(|message| message.victim == victim).collect()
    }
}

/// Consumes both queues of a provider until dropped.
pub async fn drain(broker: &Broker, provider: &str) -> Drain {
    let url = broker.url(ADMINISTRATOR, provider);
    let connection = Connection::connect(&url, ConnectionProperties::default());
    let connection = connection.await.unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    for victim in [true, false] {
        let queue = if victim { "victims" } else { "intake" };
        let queue = format!("cara.{queue}.{provider}");
        let channel = reached(&connection, &queue).await;
        tokio::spawn(consume(channel, queue, victim, Arc::clone(&seen)));
    }
    Drain { seen, _connection: connection }
}

/// A channel, once the gateway has declared the queue; a look in vain closes the channel.
async fn reached(connection: &Connection, queue: &str) -> Channel {
    eventually("the gateway declares its queues", async || {
        let channel = connection.create_channel().await.unwrap();
        let look = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let found = channel.queue_declare(queue.into(), look, FieldTable::default()).await;
        found.is_ok().then_some(channel)
    })
    .await
}

async fn consume(channel: Channel, queue: String, victim: bool, seen: Arc<Mutex<Vec<Seen>>>) {
    channel.basic_qos(64, BasicQosOptions::default()).await.unwrap();
    let options = BasicConsumeOptions::default();
    let consumer =
        channel.basic_consume(queue.into(), "".into(), options, FieldTable::default()).await;
    let mut consumer = consumer.unwrap();
    while let Some(Ok(delivery)) = consumer.next().await {
        let message_id = delivery.properties.message_id().as_ref().unwrap().as_str().to_owned();
        let body: Value = serde_json::from_slice(&delivery.data).unwrap();
        assert_eq!(body["id"], message_id, "the event's id is the message's");
        let message =
            Seen { referral_id: body["subject"].as_str().unwrap().to_owned(), victim, body };
        seen.lock().unwrap().push(message);
        delivery.ack(BasicAckOptions::default()).await.unwrap();
    }
}
