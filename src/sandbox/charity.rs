//! A charity: two consumers for each provider, each under its own user, which remember what they
//! saw and drop what they saw before.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use futures_util::StreamExt as _;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties};
use serde_json::Value;

use super::shape::SHAPES;
use super::world::World;
use crate::amqp::topology::Names;

/// Unacknowledged messages a consumer may have.
const PREFETCH: u16 = 64;

/// What both sides of all providers have seen.
#[derive(Clone, Default)]
pub struct Charity {
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
pub struct Seen {
    /// Referral and revision of each offender's message.
    pub offender: HashSet<(String, u64)>,
    /// Message ids of the victims' side.
    pub victim: HashSet<String>,
    /// Messages that had been seen before: at least once, so it may happen.
    pub repeated: u64,
    /// Offender's messages that held something of a victim. There must be none.
    pub leaks: u64,
    ids: HashSet<String>,
}

impl Charity {
    /// Connects both consumers of every provider; they work until the connections are dropped.
    pub async fn open(world: &World) -> anyhow::Result<(Charity, Vec<Connection>)> {
        let charity = Charity::default();
        let mut connections = Vec::new();
        for (provider, intake_url, victims_url) in &world.providers {
            let names = Names::of(provider);
            for (url, queue, victim) in
                [(intake_url, &names.intake, false), (victims_url, &names.victims, true)]
            {
                connections.push(charity.consume(url, queue, victim).await?);
            }
        }
        Ok((charity, connections))
    }

    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn consume(&self, url: &str, queue: &str, victim: bool) -> anyhow::Result<Connection> {
        let connection = Connection::connect(url, ConnectionProperties::default())
            .await
            .context("the charity cannot reach the broker")?;
        let channel = connection.create_channel().await?;
        channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
        let options = BasicConsumeOptions::default();
        let consumer =
            channel.basic_consume(queue.into(), "charity".into(), options, FieldTable::default());
        let mut consumer = consumer.await?;
        let charity = self.clone();
        tokio::spawn(async move {
            while let Some(Ok(delivery)) = consumer.next().await {
                charity.take(&delivery.data, victim);
                // Acknowledged only after it is remembered.
                if delivery.ack(BasicAckOptions::default()).await.is_err() {
                    return;
                }
            }
        });
        Ok(connection)
    }

    fn take(&self, body: &[u8], victim: bool) {
        let text = String::from_utf8_lossy(body);
        let Ok(event) = serde_json::from_str::<Value>(&text) else { return };
        let field = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        let mut seen = self.seen();
        if !seen.ids.insert(field("id")) {
            seen.repeated += 1;
            return;
        }
        if victim {
            seen.victim.insert(field("id"));
            return;
        }
        let revision = event["data"]["revision"].as_u64().unwrap_or_default();
        seen.offender.insert((field("subject"), revision));
        let mut marks = SHAPES.iter().flat_map(|shape| shape.victim_marks);
        if marks.any(|mark| text.contains(mark)) {
            seen.leaks += 1;
        }
    }
}
