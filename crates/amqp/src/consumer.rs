//! Reading the outcome queues: each side of each provider by a link of its own, so that nobody's
//! trouble is anybody else's.
//!
//! A message is acknowledged only after the commit that holds it, and is never given back with
//! requeue: when something cannot be done now, it waits here or the link is let go, and the broker
//! hands everything that was not acknowledged out again.

use cara_domain::Compartment;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cara_wire::event::CONTENT_TYPE;
use cara_wire::reconciliation;
use cara_wire::rejection::Rejection;
use futures_util::future::join_all;
use futures_util::stream::StreamExt as _;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, BasicRejectOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection};
use uuid::Uuid;

use super::definitions::{intake_user, victims_user};
use super::link::{EndCause, cause};
use super::topology::{QueueNames, refused};
use super::trim::Allowance;
use super::{Dialer, Error, Topology, channel, dead};

/// What is longer than the longest that is read comes cut, and is rejected as too long.
const BODY_BYTES_MAX: u64 = reconciliation::BYTES_MAX as u64 + 1;
/// Of the messages that the library keeps: it has in memory whatever was handed out.
const HANDED_OUT_BYTES_MAX: u64 = 16 << 20;
/// So many messages never are too much, whatever they hold.
pub const HANDED_OUT_MIN: u16 = 8;
/// Messages of one answer's round on their way at once.
const ANSWERS_AT_ONCE: usize = 64;
const LOOK_S_MAX: u64 = 20;

/// One outcome queue, and who may speak on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutcomeQueue {
    /// The provider's slug.
    pub provider: String,
    pub side: Compartment,
    /// Reports worked on in a minute, and rejected ones in an hour, before somebody is told.
    pub per_minute_max: u32,
    pub rejected_per_hour_max: u32,
    name: String,
    /// Where the answers are read.
    rejected: String,
    /// The only broker user that may write to the queue's exchange.
    user: String,
}

impl OutcomeQueue {
    /// Both queues of a provider.
    fn of(provider: &cara_config::ProviderSettings) -> [OutcomeQueue; 2] {
        let slug = provider.slug.as_str();
        let names = QueueNames::of(slug);
        let queue = |side, name, rejected, user| OutcomeQueue {
            provider: slug.to_owned(),
            side,
            per_minute_max: provider.outcomes_per_minute_max,
            rejected_per_hour_max: provider.rejections_per_hour_max,
            name,
            rejected,
            user,
        };
        let intake = provider.intake_user.clone().unwrap_or_else(|| intake_user(slug));
        let victims = provider.victims_user.clone().unwrap_or_else(|| victims_user(slug));
        [
            queue(Compartment::Offender, names.outcomes, names.rejected, intake),
            queue(Compartment::Victim, names.victim_outcomes, names.victim_rejected, victims),
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
    pub queue: Arc<OutcomeQueue>,
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
    queues: Vec<Arc<OutcomeQueue>>,
    gateway_user: String,
}

impl Consumer {
    pub fn of(
        settings: &cara_config::BrokerSettings,
        provider: &cara_config::ProviderSettings,
    ) -> Result<Consumer, Error> {
        Ok(Consumer {
            dialer: Dialer::of(settings, &provider.slug)?,
            topology: Topology::of(&provider.slug),
            queues: OutcomeQueue::of(provider).map(Arc::new).to_vec(),
            gateway_user: settings.user.clone(),
        })
    }

    /// Both sides of the provider.
    pub fn queues(&self) -> &[Arc<OutcomeQueue>] {
        &self.queues
    }

    /// Connects once, declares what this side needs, and begins to read its queue: the broker hands
    /// out so many messages before the first of them is acknowledged.
    pub async fn link(
        &self,
        queue: &Arc<OutcomeQueue>,
        handed_out_max: u16,
    ) -> Result<Inflow, Error> {
        let allowance = Arc::new(Allowance::of(BODY_BYTES_MAX, HANDED_OUT_BYTES_MAX));
        let purpose = format!("consume {}", queue.side_name());
        let connection = self.dialer.dial_to_read(&purpose, Arc::clone(&allowance)).await?;
        let part = self.topology.part(&queue.name);
        part.declare(&channel::open(&connection).await?).await?;
        let reading = channel::open(&connection).await?;
        let qos = BasicQosOptions::default();
        reading.basic_qos(handed_out_max, qos).await.map_err(Error::Broken)?;
        let messages = consume(&reading, queue).await?;
        let looking = channel::open(&connection).await?;
        Ok(Inflow {
            connection,
            looking,
            messages,
            allowance,
            queue: Arc::clone(queue),
            gateway_user: self.gateway_user.clone(),
        })
    }

    /// Connects once for the answers to a side. What is answered goes over a connection that may be
    /// blocked without stopping the reading.
    pub async fn answering(&self, queue: &OutcomeQueue) -> Result<Answering, Error> {
        let connection = self.dialer.dial(&format!("answer {}", queue.side_name())).await?;
        let part = self.topology.part(&queue.rejected);
        part.declare(&channel::open(&connection).await?).await?;
        let channel = channel::confirming(&connection).await?;
        let user_id = self.dialer.user_id().map(str::to_owned);
        Ok(Answering { _connection: connection, channel, user_id })
    }
}

/// The broker names each reader.
async fn consume(channel: &Channel, queue: &OutcomeQueue) -> Result<lapin::Consumer, Error> {
    let (name, options) = (queue.name.as_str().into(), BasicConsumeOptions::default());
    let consuming = channel.basic_consume(name, "".into(), options, FieldTable::default());
    consuming.await.map_err(|error| refused(format!("reading {}", queue.name), error))
}

fn received(queue: &Arc<OutcomeQueue>, gateway_user: &str, mut delivery: Delivery) -> Received {
    let properties = &delivery.properties;
    let said_by = properties.user_id().as_ref().map(|user| user.as_str());
    // What a person has put back from the dead queue is said by the gateway, which kept who spoke.
    let kept = properties.headers().as_ref().and_then(|headers| headers.inner().get(dead::SAID_BY));
    let speaks = match (said_by, kept) {
        (Some(user), _) if user == queue.user => true,
        (Some(user), Some(AMQPValue::LongString(kept))) if user == gateway_user => {
            kept.as_bytes() == queue.user.as_bytes()
        }
        _ => false,
    };
    let message_id = properties.message_id().as_ref().and_then(|id| id.as_str().parse().ok());
    Received {
        queue: Arc::clone(queue),
        speaker: speaks.then(|| queue.user.clone()),
        message_id,
        body: std::mem::take(&mut delivery.data).into(),
        delivery,
    }
}

/// A consuming link of one side. Dropped, it gives everything back that was not acknowledged.
pub struct Inflow {
    connection: Connection,
    /// A refused look closes its channel, so it has one of its own.
    looking: Channel,
    messages: lapin::Consumer,
    allowance: Arc<Allowance>,
    queue: Arc<OutcomeQueue>,
    gateway_user: String,
}

impl Inflow {
    /// The next message, in the order of the queue; none when more has come than is taken
    /// ([`Inflow::is_full`]), and an error when the link is at its end, however it ended. Dropping
    /// the future loses nothing.
    pub async fn next(&mut self) -> Result<Option<Received>, Error> {
        match self.messages.next().await {
            Some(delivery) => {
                let delivery = delivery.map_err(Error::Broken)?;
                self.allowance.release(delivery.data.len());
                let is_whole = !self.is_full();
                Ok(is_whole.then(|| received(&self.queue, &self.gateway_user, delivery)))
            }
            // A connection that ends takes its readings with it; the queue may be well.
            None if !self.connection.status().connected() => Err(silent()),
            None => {
                let why = "the queue was deleted, or the broker cancelled the reading";
                Err(Error::Deaf { queue: self.queue.name.clone(), why })
            }
        }
    }

    /// The messages that were handed out are too large to be kept: what is still to come has been
    /// emptied. Another link, with fewer at once, gets all of it.
    pub fn is_full(&self) -> bool {
        self.allowance.is_full()
    }

    /// Asks the broker whether the queue is read at all, and how many messages stand in it.
    pub fn look(&self) -> impl Future<Output = Result<u32, Error>> + Send + 'static {
        let (channel, name) = (self.looking.clone(), self.queue.name.clone());
        async move {
            let deaf = |why| Error::Deaf { queue: name.clone(), why };
            let looking = channel::look_at(&channel, &name);
            let found = tokio::time::timeout(Duration::from_secs(LOOK_S_MAX), looking)
                .await
                .map_err(|_| silent())?
                .map_err(|error| match cause(&error) {
                    EndCause::Missing => deaf("the queue was deleted"),
                    _ => Error::Broken(error),
                })?;
            match found.consumer_count() {
                0 => Err(deaf("the broker knows of no consumer")),
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
        let exchange = cara_wire::rejected_exchange(rejection.side);
        let (routing_key, body) = (rejection.routing_key(), rejection.body());
        channel::publish(&self.channel, exchange, &routing_key, &body, properties).await
    }
}
