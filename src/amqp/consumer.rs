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
use cara_record::wire::reconciliation;
use cara_record::wire::rejection::Rejection;
use futures_util::future::join_all;
use futures_util::stream::StreamExt as _;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicGetOptions, BasicQosOptions,
    BasicRejectOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection};
use uuid::Uuid;

use super::definitions::{intake_user, victims_user};
use super::link::{Cause, cause};
use super::topology::{Names, refused};
use super::{Dialer, Error, Topology, channel, dead};
use crate::config;

/// Messages that the broker may hand out by itself before they are acknowledged. Few: the client
/// library keeps in memory whatever was handed out. Who wants to look further fetches one by one.
const PREFETCH: u16 = 8;
/// What is longer than the longest that is read comes cut, and is rejected as too long.
const BODY_BYTES_MAX: u64 = reconciliation::BYTES_MAX as u64 + 1;
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
        let connection = self
            .dialer
            .dial_to_read(&format!("consume {}", inbox.side_name()), BODY_BYTES_MAX)
            .await?;
        let part = self.topology.part(&inbox.queue);
        part.declare(&channel::open(&connection).await?).await?;
        let reading = channel::open(&connection).await?;
        let qos = BasicQosOptions::default();
        reading.basic_qos(PREFETCH, qos).await.map_err(Error::Broken)?;
        let messages = consume(&reading, inbox).await?;
        let looking = channel::open(&connection).await?;
        Ok(Inflow {
            connection,
            reading,
            looking,
            messages: Some(messages),
            is_ending: false,
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
}

/// The broker names each reader.
async fn consume(channel: &Channel, inbox: &Inbox) -> Result<lapin::Consumer, Error> {
    let (queue, options) = (inbox.queue.as_str().into(), BasicConsumeOptions::default());
    let consuming = channel.basic_consume(queue, "".into(), options, FieldTable::default());
    consuming.await.map_err(|error| refused(format!("reading {}", inbox.queue), error))
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
///
/// Messages come by themselves, or are fetched one by one; in the order of the queue, either way.
pub struct Inflow {
    connection: Connection,
    reading: Channel,
    /// A refused look closes its channel, so it has one of its own.
    looking: Channel,
    /// None while messages are fetched.
    messages: Option<lapin::Consumer>,
    /// The broker hands out nothing more by itself; what it has is taken first.
    is_ending: bool,
    inbox: Arc<Inbox>,
    gateway_user: String,
}

impl Inflow {
    /// The next message that comes by itself; none when they are fetched from now on, and an error
    /// when the link is at its end, however it ended. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Result<Option<Received>, Error> {
        let Some(messages) = &mut self.messages else { return Ok(None) };
        match messages.next().await {
            Some(delivery) => {
                let delivery = delivery.map_err(Error::Broken)?;
                Ok(Some(received(&self.inbox, &self.gateway_user, delivery)))
            }
            None if self.is_ending => {
                self.messages = None;
                Ok(None)
            }
            // A connection that ends takes its readings with it; the queue may be well.
            None if !self.connection.status().connected() => Err(silent()),
            None => {
                let why = "the queue was deleted, or the broker cancelled the reading";
                Err(Error::Deaf { queue: self.inbox.queue.clone(), why })
            }
        }
    }

    /// Whether messages are fetched, and none comes by itself.
    pub fn is_fetched(&self) -> bool {
        self.messages.is_none()
    }

    /// Has the broker hand out nothing more by itself. [`Inflow::next`] gives what it did, then none.
    pub async fn stem(&mut self) -> Result<(), Error> {
        let Some(messages) = self.messages.as_ref().filter(|_| !self.is_ending) else {
            return Ok(());
        };
        let tag = messages.tag();
        self.is_ending = true;
        let cancelling = self.reading.basic_cancel(tag, BasicCancelOptions::default());
        cancelling.await.map_err(Error::Broken)
    }

    /// Has messages come by themselves again.
    pub async fn open(&mut self) -> Result<(), Error> {
        self.messages = Some(consume(&self.reading, &self.inbox).await?);
        self.is_ending = false;
        Ok(())
    }

    /// Fetches the next message, if there is one. The future has to be carried to its end: what it
    /// fetched is gone from the queue until the link is.
    pub fn fetch(&self) -> impl Future<Output = Result<Option<Received>, Error>> + Send + 'static {
        let (channel, inbox) = (self.reading.clone(), Arc::clone(&self.inbox));
        let gateway_user = self.gateway_user.clone();
        async move {
            let fetching =
                channel.basic_get(inbox.queue.as_str().into(), BasicGetOptions::default());
            let fetched = fetching.await;
            let fetched =
                fetched.map_err(|error| refused(format!("reading {}", inbox.queue), error))?;
            Ok(fetched.map(|message| received(&inbox, &gateway_user, message.delivery)))
        }
    }

    /// Asks the broker whether the queue is read at all, and how many messages stand in it.
    pub fn look(&self) -> impl Future<Output = Result<u32, Error>> + Send + 'static {
        let (channel, queue) = (self.looking.clone(), self.inbox.queue.clone());
        let is_read = self.messages.is_some() && !self.is_ending;
        async move {
            let deaf = |why| Error::Deaf { queue: queue.clone(), why };
            let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
            let looking =
                channel.queue_declare(queue.as_str().into(), options, FieldTable::default());
            let found = tokio::time::timeout(Duration::from_secs(LOOK_S_MAX), looking)
                .await
                .map_err(|_| silent())?
                .map_err(|error| match cause(&error) {
                    Cause::Missing => deaf("the queue was deleted"),
                    _ => Error::Broken(error),
                })?;
            match found.consumer_count() {
                0 if is_read => Err(deaf("the broker knows of no consumer")),
                _ => Ok(found.message_count()),
            }
        }
    }
}

/// The broker was reached and does not answer any more.
fn silent() -> Error {
    Error::Away { reasons: "it was reached and is silent or gone now".to_owned() }
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
