//! A provider's publishing connection, made again for ever, and the channels on it.

use cara_domain::Compartment;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lapin::Connection;

use super::link::{EndCause, Link, Manner};
use super::{Dialer, Error, Topology, channel};
use cara_clock::{Backoff, Clock};
use cara_metric::alert::{
    BROKER_AWAY, BROKER_REFUSES, LAYOUT_MISSING, QUEUE_MISMATCH, ROUTE_CLOSED,
};
use cara_metric::{Health, Metric, Part, State};

/// How long the broker may take to declare everything and open a channel.
const OPEN_S_MAX: u64 = 20;

/// A routing key for which nothing is bound: what is published with it has to come back.
const NOBODYS: &str = "doctor";

/// Makes one provider's publishing links: connects, declares the topology, asks for confirms.
#[derive(Clone, Debug)]
pub struct Publisher {
    dialer: Dialer,
    topology: Topology,
    manner: Manner,
    clock: Clock,
    metric: Metric,
    health: Health,
    /// By this process, so what is not there was deleted.
    is_declared: Arc<AtomicBool>,
}

/// A connection on which both sides' channels are opened.
#[derive(Clone)]
pub struct PublisherConnection {
    connection: Arc<Connection>,
}

impl Publisher {
    /// `provider` by its slug.
    pub fn of(
        settings: &cara_config::BrokerSettings,
        provider: &str,
        clock: Clock,
        metric: Metric,
        health: Health,
    ) -> Result<Publisher, Error> {
        let dialer = Dialer::of(settings, provider)?;
        let manner = Manner {
            window: settings.window,
            confirm_timeout: Duration::from_secs(settings.confirm_timeout_s.into()),
            user_id: dialer.user_id().map(str::to_owned),
        };
        let bad = State::Bad("not reached yet".to_owned());
        health.set_for(Part::Broker, provider, bad);
        let topology = Topology::of(provider);
        let is_declared = Arc::default();
        Ok(Publisher { dialer, topology, manner, clock, metric, health, is_declared })
    }

    pub fn provider(&self) -> &str {
        &self.topology.provider
    }

    /// Unconfirmed events at once.
    pub fn window(&self) -> usize {
        self.manner.window
    }

    /// Tries every address once, and declares everything.
    pub async fn connect(&self) -> Result<PublisherConnection, Error> {
        let line = PublisherConnection { connection: Arc::new(self.dialer.dial("publish").await?) };
        // What ended the connection before may have been a deletion, which nothing else tells.
        if self.is_declared.load(Ordering::Acquire) && !self.is_whole(&line).await? {
            self.missing();
        }
        self.declare(&line).await?;
        self.is_declared.store(true, Ordering::Release);
        Ok(line)
    }

    /// Declares what is not there. A refused declaration closes its channel, so it gets one of its own.
    pub async fn declare(&self, line: &PublisherConnection) -> Result<(), Error> {
        in_time(async { self.topology.declare(&channel::open(&line.connection).await?).await })
            .await
    }

    async fn is_whole(&self, line: &PublisherConnection) -> Result<bool, Error> {
        in_time(async { self.topology.is_whole(&channel::open(&line.connection).await?).await })
            .await
    }

    /// A channel of its own on the connection.
    pub async fn link<T: Send + 'static>(
        &self,
        line: &PublisherConnection,
    ) -> Result<Link<T>, Error> {
        let channel = in_time(channel::confirming(&line.connection)).await?;
        let (connection, manner) = (Arc::clone(&line.connection), self.manner.clone());
        Ok(Link::over(connection, channel, manner, self.clock.clone()))
    }

    /// Tries until it succeeds, with growing pauses. Each change is said once, in the log, on the
    /// health board and as an incident.
    pub async fn connect_for_ever(&self, backoff: &mut Backoff) -> PublisherConnection {
        loop {
            match self.connect().await {
                Ok(line) => {
                    self.up();
                    return line;
                }
                Err(error) => self.down(&error),
            }
            tokio::time::sleep(backoff.next(self.clock.random())).await;
        }
    }

    /// Walks the way of the work without giving anybody anything: each side's exchange has to send
    /// back a message that is for nobody.
    pub async fn try_out(&self) -> Result<(), Error> {
        let line = self.connect().await?;
        for side in Compartment::ALL {
            let exchange = cara_wire::exchange(side);
            let what = || format!("a message on the exchange {exchange}");
            let (id, now, user) = (self.clock.id(), self.clock.now(), self.dialer.user_id());
            let properties = channel::properties(id, "doctor", "text/plain", now, user);
            let published = in_time(async {
                let channel = channel::confirming(&line.connection).await?;
                channel::publish(&channel, exchange, NOBODYS, b"", properties).await
            });
            match published.await {
                Ok(false) => {}
                Ok(true) => {
                    let said = format!("a queue is bound for `{NOBODYS}`, which is nobody's key");
                    return Err(Error::Refused { what: what(), said });
                }
                Err(Error::Broken(error)) => return Err(super::topology::refused(what(), error)),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn say(&self, state: State) -> bool {
        let changed = self.health.set_for(Part::Broker, self.provider(), state);
        self.metric.broker_up(self.health.state(Part::Broker).is_good());
        changed
    }

    /// Exactly this trouble, or none, stands between the gateway and the provider's broker.
    fn trouble(&self, now: Option<&'static str>) {
        let troubles = self.metric.troubles();
        for kind in [BROKER_AWAY, BROKER_REFUSES, QUEUE_MISMATCH] {
            match now == Some(kind) {
                true => troubles.are(kind, self.provider(), 1),
                false => troubles.over(kind, self.provider()),
            }
        }
    }

    fn up(&self) {
        self.trouble(None);
        if self.say(State::Good) {
            tracing::info!(provider = self.provider(), "the broker is reached; messages go out");
        }
    }

    /// The provider's broker cannot be used now.
    pub fn down(&self, error: &Error) {
        self.trouble(Some(match error {
            Error::Away { .. } | Error::Broken(_) => BROKER_AWAY,
            Error::Mismatch { .. } => QUEUE_MISMATCH,
            _ => BROKER_REFUSES,
        }));
        if !self.say(State::Bad(error.to_string())) {
            return;
        }
        let (provider, error_chain) = (self.provider(), error as &dyn std::error::Error);
        if error.is_passing() {
            tracing::warn!(provider, error = error_chain, "the broker is away");
        } else {
            tracing::error!(provider, error = error_chain, "nothing can be published");
        }
    }

    /// A link broke: says so where it is watched.
    pub fn broke(&self, reason: &str) {
        if self.say(State::Bad(format!("the connection broke: {reason}"))) {
            tracing::warn!(
                provider = self.provider(),
                reason,
                "the connection to the broker broke"
            );
        }
    }

    /// The broker asked to wait, or took that back.
    pub fn blocked(&self, blocked: bool) {
        if !blocked {
            self.up();
        } else if self.say(State::Bad("it asks to wait: it is short of memory or disk".to_owned()))
        {
            let provider = self.provider();
            tracing::warn!(provider, "the broker asks to wait; it is short of memory or disk");
        }
    }

    /// What is wrong with one side's route, or nothing.
    pub fn route(&self, side: Compartment, wrong: Option<String>) {
        let state = wrong.map_or(State::Good, State::Bad);
        self.health.set_for(Part::Broker, &self.about(side), state);
    }

    /// One channel is at its end; the connection goes on.
    pub fn closed(&self, reason: &str, cause: EndCause) {
        tracing::warn!(provider = self.provider(), reason, "a channel ended");
        if cause == EndCause::Missing {
            self.missing();
        }
    }

    /// A queue, exchange or binding was gone; it is declared again.
    pub fn missing(&self) {
        let now = self.clock.monotonic();
        self.metric.troubles().happened(LAYOUT_MISSING, self.provider(), now);
    }

    /// The side's breaker was opened or closed.
    pub fn breaker(&self, side: Compartment, open: bool) {
        let (about, troubles) = (self.about(side), self.metric.troubles());
        match open {
            true => troubles.are(ROUTE_CLOSED, about, 1),
            false => troubles.over(ROUTE_CLOSED, &about),
        }
    }

    /// What an operator is told about: `harbour offender`.
    pub fn about(&self, side: Compartment) -> String {
        let side = match side {
            Compartment::Offender => "offender",
            Compartment::Victim => "victim",
        };
        format!("{} {side}", self.provider())
    }
}

/// What the broker does not do in time it will not do: the connection is as good as gone.
async fn in_time<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let limit = Duration::from_secs(OPEN_S_MAX);
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
        Err(Error::Away {
            reasons: format!("it was reached and then said nothing for {OPEN_S_MAX} s"),
        })
    })
}
