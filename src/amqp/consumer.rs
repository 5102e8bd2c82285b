//! Reading the outcome queues, on connections of their own.
//!
//! A message is acknowledged only after the commit that holds it, and is never given back with
//! requeue: when something cannot be done now, the connection is let go, and the broker hands
//! everything that was not acknowledged out again.

use std::sync::Arc;

use bytes::Bytes;
use cara_record::wire::Compartment;
use cara_record::wire::event::CONTENT_TYPE;
use cara_record::wire::rejection::Rejection;
use futures_util::stream::{BoxStream, SelectAll, StreamExt as _};
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, BasicRejectOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection};
use uuid::Uuid;

use super::definitions::{intake_user, victims_user};
use super::topology::Names;
use super::{Dialer, Error, Topology, channel, dead};
use crate::config;

/// Messages that one queue may hand out before they are acknowledged.
const PREFETCH: u16 = 64;

/// One outcome queue, and who may speak on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbox {
    /// The provider's slug.
    pub provider: String,
    pub side: Compartment,
    queue: String,
    /// The only broker user that may write to the queue's exchange.
    user: String,
}

impl Inbox {
    /// Both queues of a provider.
    fn of(provider: &config::Provider) -> [Inbox; 2] {
        let slug = provider.slug.as_str();
        let names = Names::of(slug);
        let inbox = |side, queue, user| Inbox { provider: slug.to_owned(), side, queue, user };
        let intake = provider.intake_user.clone().unwrap_or_else(|| intake_user(slug));
        let victims = provider.victims_user.clone().unwrap_or_else(|| victims_user(slug));
        [
            inbox(Compartment::Offender, names.outcomes, intake),
            inbox(Compartment::Victim, names.victim_outcomes, victims),
        ]
    }
}

/// One message as it was handed out.
#[derive(Debug)]
pub struct Received {
    pub inbox: Arc<Inbox>,
    /// The broker's user, if it is the one who may speak on this queue; the broker checks it.
    pub speaker: Option<String>,
    pub message_id: Option<Uuid>,
    pub body: Bytes,
    delivery: Delivery,
}

impl Received {
    /// Everything about it is on the disk.
    pub async fn acknowledge(&self) -> Result<(), Error> {
        let acked = self.delivery.ack(BasicAckOptions::default()).await;
        acked.map(drop).map_err(Error::Broken)
    }

    /// It cannot be worked on and would not be tomorrow: it goes to the queue of the dead, where it
    /// is an incident.
    pub async fn set_aside(&self) -> Result<(), Error> {
        let rejected = self.delivery.reject(BasicRejectOptions { requeue: false }).await;
        rejected.map(drop).map_err(Error::Broken)
    }
}

/// Makes consuming links of one provider.
#[derive(Clone, Debug)]
pub struct Consumer {
    dialer: Dialer,
    topology: Topology,
    inboxes: Vec<Arc<Inbox>>,
    gateway_user: String,
}

impl Consumer {
    pub fn of(settings: &config::Broker, provider: &config::Provider) -> Result<Consumer, Error> {
        Ok(Consumer {
            dialer: Dialer::of(settings, &provider.slug)?,
            topology: Topology::of(&provider.slug),
            inboxes: Inbox::of(provider).map(Arc::new).to_vec(),
            gateway_user: settings.user.clone(),
        })
    }

    /// Connects once and begins to consume every outcome queue.
    pub async fn link(&self) -> Result<(Inflow, Answering), Error> {
        let connection = self.dialer.dial("consume").await?;
        self.topology.declare(&channel::open(&connection).await?).await?;
        let mut messages = SelectAll::new();
        for inbox in &self.inboxes {
            messages.push(self.consume(&connection, inbox).await?);
        }
        // What is answered goes over a connection that may be blocked without stopping the reading.
        let answering = self.dialer.dial("answer").await?;
        let channel = channel::confirming(&answering).await?;
        let user_id = self.dialer.user_id().map(str::to_owned);
        let answering = Answering { _connection: answering, channel, user_id };
        Ok((Inflow { _connection: connection, messages }, answering))
    }

    async fn consume(
        &self,
        connection: &Connection,
        inbox: &Arc<Inbox>,
    ) -> Result<BoxStream<'static, Result<Received, Error>>, Error> {
        let channel = channel::open(connection).await?;
        let qos = BasicQosOptions::default();
        channel.basic_qos(PREFETCH, qos).await.map_err(Error::Broken)?;
        let consumer = channel
            .basic_consume(
                inbox.queue.as_str().into(),
                "cara-gateway".into(),
                BasicConsumeOptions::default(),
                FieldTable::default(),
            )
            .await
            .map_err(Error::Broken)?;
        let (inbox, gateway_user) = (Arc::clone(inbox), self.gateway_user.clone());
        let received = consumer.map(move |delivery| {
            let delivery = delivery.map_err(Error::Broken)?;
            Ok(received(&inbox, &gateway_user, delivery))
        });
        Ok(received.boxed())
    }
}

fn received(inbox: &Arc<Inbox>, gateway_user: &str, mut delivery: Delivery) -> Received {
    let properties = &delivery.properties;
    let said_by = properties.user_id().as_ref().map(|user| user.as_str());
    // What a person has put back from the dead queue is said by the gateway, which kept who spoke.
    let kept = properties.headers().as_ref().and_then(|headers| headers.inner().get(dead::SAID_BY));
    let speaks = match (said_by, kept) {
        (Some(user), _) if user == inbox.user => true,
        (Some(user), Some(AMQPValue::LongString(kept))) if user == gateway_user => {
            kept.as_bytes() == inbox.user.as_bytes()
        }
        _ => false,
    };
    let message_id = properties.message_id().as_ref().and_then(|id| id.as_str().parse().ok());
    Received {
        inbox: Arc::clone(inbox),
        speaker: speaks.then(|| inbox.user.clone()),
        message_id,
        body: std::mem::take(&mut delivery.data).into(),
        delivery,
    }
}

/// A consuming link. Dropped, it gives everything back that was not acknowledged.
pub struct Inflow {
    _connection: Connection,
    messages: SelectAll<BoxStream<'static, Result<Received, Error>>>,
}

impl Inflow {
    /// What has arrived, at least one and at most `limit`; none when the link is at its end.
    pub async fn next(&mut self, limit: usize) -> Result<Vec<Received>, Error> {
        let mut batch = Vec::new();
        let Some(first) = self.messages.next().await else { return Ok(batch) };
        batch.push(first?);
        while batch.len() < limit {
            match futures_util::FutureExt::now_or_never(self.messages.next()) {
                Some(Some(one)) => batch.push(one?),
                Some(None) | None => break,
            }
        }
        Ok(batch)
    }
}

/// What tells providers why an outcome could not be applied.
pub struct Answering {
    _connection: Connection,
    channel: Channel,
    user_id: Option<String>,
}

impl Answering {
    /// Tells the provider why an outcome could not be applied, and waits until its queue has it.
    pub async fn answer(&self, rejection: &Rejection) -> Result<(), Error> {
        let properties = channel::properties(
            rejection.id,
            rejection.type_name(),
            CONTENT_TYPE,
            rejection.at,
            self.user_id.as_deref(),
        );
        let exchange = rejection.side.rejected_exchange();
        let (routing_key, body) = (rejection.routing_key(), rejection.body());
        if channel::publish(&self.channel, exchange, &routing_key, &body, properties).await? {
            return Ok(());
        }
        Err(Error::Refused {
            what: format!("an answer to {}", rejection.provider),
            said: "its rejected queue would not take it".to_owned(),
        })
    }
}
