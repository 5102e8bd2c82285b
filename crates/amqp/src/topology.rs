//! Exchanges and queues (DESIGN section 9). Arguments never change after release; what may be
//! tuned is a policy on the broker.

use cara_domain::Compartment;
use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{Channel, ExchangeKind};

use super::link::{EndCause, cause};
use super::{Error, channel};

/// Everything dead goes through this exchange, by the name of the queue where it died.
pub const DEAD_EXCHANGE: &str = "cara.dead";

/// How often a message may come back to its queue before it is dead. High: it is there for the
/// message that kills its consumer, not for a consumer's bad night.
pub const DELIVERIES_MAX: i64 = 10_000;

/// A dead queue's limit: none in effect. It is written because RabbitMQ 4 has one of 20 otherwise,
/// and what goes over it there is lost.
const DEAD_DELIVERIES_MAX: i64 = 2_000_000_000;

/// What the gateway declares for one provider, in the order in which it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    /// The provider's slug.
    pub provider: String,
    pub exchanges: Vec<Exchange>,
    pub queues: Vec<Queue>,
}

/// Durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    pub name: String,
    pub kind: ExchangeType,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExchangeType {
    Topic,
    Direct,
}

/// A durable quorum queue with its one binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    pub name: String,
    pub exchange: String,
    pub binding_key: String,
    pub arguments: Vec<(&'static str, Argument)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Argument {
    Text(String),
    Number(i64),
}

/// The names that belong to one provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueNames {
    /// What the offender's side reads.
    pub intake: String,
    pub victims: String,
    /// Exchange and queue of what the offender's side says.
    pub outcomes: String,
    pub victim_outcomes: String,
    /// Outcomes that the gateway could not apply.
    pub rejected: String,
    pub victim_rejected: String,
}

impl QueueNames {
    pub fn of(provider: &str) -> QueueNames {
        QueueNames {
            intake: format!("cara.intake.{provider}"),
            victims: format!("cara.victims.{provider}"),
            outcomes: format!("cara.outcomes.{provider}"),
            victim_outcomes: format!("cara.victim_outcomes.{provider}"),
            rejected: format!("cara.rejected.{provider}"),
            victim_rejected: format!("cara.victim_rejected.{provider}"),
        }
    }
}

/// The virtual host of a provider: all that is exchanged with it, and nothing of anybody else's, so
/// that one provider's users cannot even see that another has queues.
pub fn vhost(provider: &str) -> String {
    format!("cara.{provider}")
}

/// The queue that keeps what died in `queue`.
pub fn dead_queue(queue: &str) -> String {
    format!("{queue}.dead")
}

impl Topology {
    /// `provider` by its slug.
    pub fn of(provider: &str) -> Topology {
        let topic = |name: &str| Exchange { name: name.to_owned(), kind: ExchangeType::Topic };
        let mut exchanges =
            vec![Exchange { name: DEAD_EXCHANGE.to_owned(), kind: ExchangeType::Direct }];
        exchanges.extend(Compartment::ALL.map(|side| topic(cara_wire::exchange(side))));
        exchanges.extend(Compartment::ALL.map(|side| topic(cara_wire::rejected_exchange(side))));
        let names = QueueNames::of(provider);
        exchanges.extend([&names.outcomes, &names.victim_outcomes].map(|name| topic(name)));
        let own = format!("{provider}.#");
        let everything = "#".to_owned();
        let mut queues = Vec::new();
        for (queue, exchange, key) in [
            (&names.intake, cara_wire::exchange(Compartment::Offender), &own),
            (&names.victims, cara_wire::exchange(Compartment::Victim), &own),
            (&names.rejected, cara_wire::rejected_exchange(Compartment::Offender), &own),
            (&names.victim_rejected, cara_wire::rejected_exchange(Compartment::Victim), &own),
            (&names.outcomes, names.outcomes.as_str(), &everything),
            (&names.victim_outcomes, names.victim_outcomes.as_str(), &everything),
        ] {
            queues.push(Queue::of_the_dead(queue));
            queues.push(Queue::living(queue, exchange, key));
        }
        Topology { provider: provider.to_owned(), exchanges, queues }
    }

    /// The queues that keep the dead, and those where they died.
    pub fn dead(&self) -> impl Iterator<Item = (&Queue, &Queue)> {
        self.queues.chunks_exact(2).map(|pair| (&pair[0], &pair[1]))
    }

    /// Only this queue, its dead one, and the exchanges that lead to them: what one side of a
    /// provider needs, so that another's trouble is not its own.
    pub(crate) fn part(&self, queue: &str) -> Topology {
        let dead = dead_queue(queue);
        let mut part = self.clone();
        part.queues.retain(|it| it.name == queue || it.name == dead);
        let queues = &part.queues;
        part.exchanges.retain(|it| queues.iter().any(|queue| queue.exchange == it.name));
        part
    }

    /// Declares and binds all of it. What exists already with the same arguments is left alone.
    pub async fn declare(&self, channel: &Channel) -> Result<(), Error> {
        for exchange in &self.exchanges {
            exchange.declare(channel).await?;
        }
        for queue in &self.queues {
            queue.declare(channel).await?;
        }
        Ok(())
    }

    /// Whether every exchange and queue is there. A look that finds one missing closes its channel.
    pub(crate) async fn is_whole(&self, channel: &Channel) -> Result<bool, Error> {
        for exchange in &self.exchanges {
            let (name, kind) = (exchange.name.as_str(), ExchangeKind::Topic);
            let options = ExchangeDeclareOptions { passive: true, ..Default::default() };
            let looking =
                channel.exchange_declare(name.into(), kind, options, FieldTable::default());
            if !is_there(looking.await, || format!("the exchange {name}"))? {
                return Ok(false);
            }
        }
        for queue in &self.queues {
            let looked = channel::look_at(channel, &queue.name).await;
            if !is_there(looked, || format!("the queue {}", queue.name))? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn is_there<T>(found: Result<T, lapin::Error>, what: impl Fn() -> String) -> Result<bool, Error> {
    match found {
        Ok(_) => Ok(true),
        Err(error) if cause(&error) == EndCause::Missing => Ok(false),
        Err(error) => Err(refused(what(), error)),
    }
}

impl Exchange {
    async fn declare(&self, channel: &Channel) -> Result<(), Error> {
        let kind = match self.kind {
            ExchangeType::Topic => ExchangeKind::Topic,
            ExchangeType::Direct => ExchangeKind::Direct,
        };
        let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        let name = self.name.as_str();
        channel
            .exchange_declare(name.into(), kind, options, FieldTable::default())
            .await
            .map_err(|error| refused(format!("the exchange {name}"), error))
    }
}

impl Queue {
    /// At-least-once dead lettering needs `reject-publish`: with the default overflow the broker
    /// silently falls back to at-most-once.
    fn living(name: &str, exchange: &str, binding_key: &str) -> Queue {
        let text = |text: &str| Argument::Text(text.to_owned());
        Queue {
            name: name.to_owned(),
            exchange: exchange.to_owned(),
            binding_key: binding_key.to_owned(),
            arguments: vec![
                ("x-queue-type", text("quorum")),
                ("x-dead-letter-strategy", text("at-least-once")),
                ("x-overflow", text("reject-publish")),
                ("x-dead-letter-exchange", text(DEAD_EXCHANGE)),
                ("x-dead-letter-routing-key", text(name)),
                ("x-delivery-limit", Argument::Number(DELIVERIES_MAX)),
            ],
        }
    }

    fn of_the_dead(of: &str) -> Queue {
        Queue {
            name: dead_queue(of),
            exchange: DEAD_EXCHANGE.to_owned(),
            binding_key: of.to_owned(),
            arguments: vec![
                ("x-queue-type", Argument::Text("quorum".to_owned())),
                ("x-delivery-limit", Argument::Number(DEAD_DELIVERIES_MAX)),
            ],
        }
    }

    async fn declare(&self, channel: &Channel) -> Result<(), Error> {
        let name = self.name.as_str();
        let what = || format!("the queue {name}");
        let mut arguments = FieldTable::default();
        for (key, value) in &self.arguments {
            arguments.insert((*key).into(), value.into());
        }
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        channel
            .queue_declare(name.into(), options, arguments)
            .await
            .map_err(|error| refused(what(), error))?;
        let (exchange, key) = (self.exchange.as_str(), self.binding_key.as_str());
        channel
            .queue_bind(
                name.into(),
                exchange.into(),
                key.into(),
                QueueBindOptions::default(),
                FieldTable::default(),
            )
            .await
            .map_err(|error| refused(what(), error))
    }
}

impl From<&Argument> for AMQPValue {
    fn from(argument: &Argument) -> AMQPValue {
        match argument {
            Argument::Text(text) => AMQPValue::LongString(LongString::from(text.as_str())),
            Argument::Number(number) => AMQPValue::LongLongInt(*number),
        }
    }
}

/// What a declaration's error means. The broker's text names arguments and resources, no content.
pub(crate) fn refused(what: String, error: lapin::Error) -> Error {
    const PRECONDITION_FAILED: u16 = 406;
    match error.kind() {
        lapin::ErrorKind::ProtocolError(said) => {
            let text = said.get_message().to_string();
            if said.get_id() == PRECONDITION_FAILED {
                Error::Mismatch { what, said: text }
            } else {
                Error::Refused { what, said: text }
            }
        }
        _ => Error::Broken(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_queue_has_a_dead_one_that_is_declared_first() {
        let topology = Topology::of("harbour");
        assert_eq!(topology.queues.len(), 12);
        for (dead, living) in topology.dead() {
            assert_eq!(dead.name, format!("{}.dead", living.name));
            assert_eq!(dead.exchange, DEAD_EXCHANGE);
            assert_eq!(dead.binding_key, living.name);
            let routing = ("x-dead-letter-routing-key", Argument::Text(living.name.clone()));
            assert!(living.arguments.contains(&routing));
        }
    }

    #[test]
    fn every_queue_is_bound_to_an_exchange_that_is_declared() {
        let topology = Topology::of("harbour");
        for queue in &topology.queues {
            assert!(
                topology.exchanges.iter().any(|exchange| exchange.name == queue.exchange),
                "{}",
                queue.name
            );
        }
    }
}
