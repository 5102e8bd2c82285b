//! Reading the outcome queues: each side of each provider by a link of its own, so that nobody's
//! trouble is anybody else's.
//!
//! A message is acknowledged only after the commit that holds it, and is never given back with
//! requeue: when something cannot be done now, it waits here or the link is let go, and the broker
//! hands everything that was not acknowledged out again.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cara_record::wire::Compartment;
use cara_record::wire::event::CONTENT_TYPE;
use cara_record::wire::rejection::Rejection;
use futures_util::future::join_all;
use futures_util::stream::StreamExt as _;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicQosOptions, BasicRejectOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection};
use uuid::Uuid;

use super::definitions::{intake_user, victims_user};
use super::topology::{Names, refused};
use super::{Dialer, Error, Topology, channel, dead};
use crate::config;

/// Messages that one queue may hand out before they are acknowledged. Many: what is urgent is looked
/// for among them while the others wait.
pub const PREFETCH: u16 = 3_000;
/// Messages of one answer's round on their way at once.
const ANSWERS_AT_ONCE: usize = 64;
const LOOK_S_MAX: u64 = 20;

/// One outcome queue, and who may speak on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbox {
    /// The provider's slug.
    pub provider: String,
    pub side: Compartment,
    /// Reports worked on in a minute, and rejected ones in an hour, before somebody is told.
    pub per_minute_max: u32,
    pub rejected_per_hour_max: u32,
    queue: String,
    /// Where the answers are read.
    rejected: String,
    /// The only broker user that may write to the queue's exchange.
    user: String,
}

impl Inbox {
    /// Both queues of a provider.
    fn of(provider: &config::Provider) -> [Inbox; 2] {
        let slug = provider.slug.as_str();
        let names = Names::of(slug);
        let inbox = |side, queue, rejected, user| Inbox {
            provider: slug.to_owned(),
            side,
            per_minute_max: provider.outcomes_per_minute_max,
            rejected_per_hour_max: provider.rejections_per_hour_max,
            queue,
            rejected,
            user,
        };
        let intake = provider.intake_user.clone().unwrap_or_else(|| intake_user(slug));
        let victims = provider.victims_user.clone().unwrap_or_else(|| victims_user(slug));
        [
            inbox(Compartment::Offender, names.outcomes, names.rejected, intake),
            inbox(Compartment::Victim, names.victim_outcomes, names.victim_rejected, victims),
        ]
    }

    /// `offender` or `victim`.
    pub fn side_name(&self) -> &'static str {
        match self.side {
            Compartment::Offender => "offender",
            Compartment::Victim => "victim",
        }
    }

    /// What an operator is told about: `harbour offender`.
    pub fn about(&self) -> String {
        format!("{} {}", self.provider, self.side_name())
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
    /// The same without what it says: only its end is waited for.
    pub fn without_body(self) -> Received {
        Received { body: Bytes::new(), ..self }
    }

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

    /// Both sides of the provider.
    pub fn inboxes(&self) -> &[Arc<Inbox>] {
        &self.inboxes
    }

    /// Connects once, declares what this side needs, and begins to read its queue.
    pub async fn link(&self, inbox: &Arc<Inbox>) -> Result<Inflow, Error> {
        let connection = self.dialer.dial(&format!("consume {}", inbox.side_name())).await?;
        let part = self.topology.part(&inbox.queue);
        part.declare(&channel::open(&connection).await?).await?;
        let reading = channel::open(&connection).await?;
        let qos = BasicQosOptions::default();
        reading.basic_qos(PREFETCH, qos).await.map_err(Error::Broken)?;
        let messages = reading
            .basic_consume(
                inbox.queue.as_str().into(),
                "cara-gateway".into(),
                BasicConsumeOptions::default(),
                FieldTable::default(),
            )
            .await
            .map_err(|error| refused(format!("reading {}", inbox.queue), error))?;
        let looking = channel::open(&connection).await?;
        Ok(Inflow {
            _connection: connection,
            looking,
            messages,
            inbox: Arc::clone(inbox),
            gateway_user: self.gateway_user.clone(),
        })
    }

    /// Connects once for the answers to a side. What is answered goes over a connection that may be
    /// blocked without stopping the reading.
    pub async fn answering(&self, inbox: &Inbox) -> Result<Answering, Error> {
        let connection = self.dialer.dial(&format!("answer {}", inbox.side_name())).await?;
        let part = self.topology.part(&inbox.rejected);
        part.declare(&channel::open(&connection).await?).await?;
        let channel = channel::confirming(&connection).await?;
        let user_id = self.dialer.user_id().map(str::to_owned);
        Ok(Answering { _connection: connection, channel, user_id })
    }

    /// Puts messages that were set aside back into the side's queue, by their ids.
    pub async fn put_back(&self, inbox: &Inbox, ids: &[String]) -> Result<dead::PutBack, Error> {
        dead::put_back(&self.dialer, &self.topology, &inbox.queue, ids).await
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

/// A consuming link of one side. Dropped, it gives everything back that was not acknowledged.
pub struct Inflow {
    _connection: Connection,
    /// A refused look closes its channel, so it has one of its own.
    looking: Channel,
    messages: lapin::Consumer,
    inbox: Arc<Inbox>,
    gateway_user: String,
}

impl Inflow {
    /// The next message; an error when the link is at its end, however it ended. Dropping the
    /// future loses nothing.
    pub async fn next(&mut self) -> Result<Received, Error> {
        let Some(delivery) = self.messages.next().await else {
            let why = "the queue was deleted, or the broker cancelled the reading";
            return Err(Error::Deaf { queue: self.inbox.queue.clone(), why });
        };
        let delivery = delivery.map_err(Error::Broken)?;
        Ok(received(&self.inbox, &self.gateway_user, delivery))
    }

    /// Asks the broker whether the queue is read at all, and how many messages stand in it.
    pub fn look(&self) -> impl Future<Output = Result<u32, Error>> + Send + 'static {
        let (channel, queue) = (self.looking.clone(), self.inbox.queue.clone());
        async move {
            let deaf = |why| Error::Deaf { queue: queue.clone(), why };
            let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
            let looking =
                channel.queue_declare(queue.as_str().into(), options, FieldTable::default());
            let found = tokio::time::timeout(Duration::from_secs(LOOK_S_MAX), looking)
                .await
                .map_err(|_| deaf("the broker does not answer"))?
                .map_err(|_| deaf("the queue cannot be looked at"))?;
            match found.consumer_count() {
                0 => Err(deaf("the broker knows of no consumer")),
                _ => Ok(found.message_count()),
            }
        }
    }
}

/// What tells providers why an outcome could not be applied.
pub struct Answering {
    _connection: Connection,
    channel: Channel,
    user_id: Option<String>,
}

impl Answering {
    /// Tells the provider why outcomes could not be applied, and waits until its queue has each;
    /// answers which it has. What is in doubt counts as not: the same answer again has the same id.
    pub async fn answer(&self, rejections: &[&Rejection]) -> Result<Vec<bool>, Error> {
        let mut taken = Vec::with_capacity(rejections.len());
        for round in rejections.chunks(ANSWERS_AT_ONCE) {
            let sent = join_all(round.iter().map(|rejection| self.publish(rejection))).await;
            let sent = sent.into_iter().collect::<Result<Vec<_>, _>>()?;
            // A returned message is attached to whichever confirm comes next, so one of them leaves
            // its whole round in doubt; alone, each can only be itself.
            if sent.iter().all(|taken| *taken) {
                taken.extend(sent);
                continue;
            }
            for rejection in round {
                taken.push(self.publish(rejection).await?);
            }
        }
        Ok(taken)
    }

    async fn publish(&self, rejection: &Rejection) -> Result<bool, Error> {
        let properties = channel::properties(
            rejection.id,
            rejection.type_name(),
            CONTENT_TYPE,
            rejection.at,
            self.user_id.as_deref(),
        );
        let exchange = rejection.side.rejected_exchange();
        let (routing_key, body) = (rejection.routing_key(), rejection.body());
        channel::publish(&self.channel, exchange, &routing_key, &body, properties).await
    }
}
