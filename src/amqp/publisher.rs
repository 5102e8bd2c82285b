//! Publishing links, made again for ever.

use std::collections::BTreeMap;
use std::time::Duration;

use super::link::{Link, Manner};
use super::{Dialer, Error, Topology, channel};
use crate::clock::Clock;
use crate::config;
use crate::metric::{Health, Metric, Part};

const RETRY_DELAY_MS_MIN: u64 = 200;
const RETRY_DELAY_MS_MAX: u64 = 10_000;

/// Makes publishing links: connects, declares the topology, asks for confirms.
#[derive(Clone, Debug)]
pub struct Publisher {
    lines: Vec<(Dialer, Topology)>,
    manner: Manner,
    clock: Clock,
    metric: Metric,
    health: Health,
}

impl Publisher {
    pub fn of<'p>(
        settings: &config::Broker,
        providers: impl IntoIterator<Item = &'p str>,
        clock: Clock,
        metric: Metric,
        health: Health,
    ) -> Result<Publisher, Error> {
        let mut lines = Vec::new();
        for provider in providers {
            lines.push((Dialer::of(settings, provider)?, Topology::of(provider)));
        }
        let manner = Manner {
            window: settings.window,
            confirm_timeout: Duration::from_secs(settings.confirm_timeout_s.into()),
            user_id: lines.first().and_then(|(dialer, _)| dialer.user_id()).map(str::to_owned),
        };
        Ok(Publisher { lines, manner, clock, metric, health })
    }

    /// Unconfirmed events at once.
    pub fn window(&self) -> usize {
        self.manner.window
    }

    /// Tries every address once. The start calls this to learn early of what a person must mend;
    /// see [`Error::is_passing`].
    pub async fn link<T: Send + 'static>(&self) -> Result<Link<T>, Error> {
        let mut lines = BTreeMap::new();
        for (dialer, topology) in &self.lines {
            let connection = dialer.dial("publish").await?;
            // A refused declaration closes its channel, so it gets one of its own.
            topology.declare(&channel::open(&connection).await?).await?;
            let channel = channel::confirming(&connection).await?;
            lines.insert(topology.provider.clone(), (connection, channel));
        }
        Ok(Link::over(lines, self.manner.clone(), self.clock.clone()))
    }

    /// Tries until it succeeds, with growing pauses of uneven length, so that several gateways do
    /// not come at once when a broker is back. Each change is said once, in the log and on the
    /// health board.
    pub async fn link_for_ever<T: Send + 'static>(&self) -> Link<T> {
        let mut delay_ms = RETRY_DELAY_MS_MIN;
        loop {
            match self.link().await {
                Ok(link) => {
                    self.up();
                    return link;
                }
                Err(error) => self.down(&error),
            }
            tokio::time::sleep(Duration::from_millis(self.uneven(delay_ms))).await;
            delay_ms = (delay_ms * 2).min(RETRY_DELAY_MS_MAX);
        }
    }

    fn up(&self) {
        self.metric.broker_up(true);
        if self.health.good(Part::Broker) {
            tracing::info!("the broker is reached; messages go out");
        }
    }

    fn down(&self, error: &Error) {
        self.metric.broker_up(false);
        if !self.health.bad(Part::Broker, error.to_string()) {
            return;
        }
        if error.is_passing() {
            tracing::warn!(error = error as &dyn std::error::Error, "the broker is away");
        } else {
            tracing::error!(error = error as &dyn std::error::Error, "nothing can be published");
        }
    }

    /// A link broke: says so where it is watched.
    pub fn broke(&self, reason: &str) {
        self.metric.broker_up(false);
        if self.health.bad(Part::Broker, format!("the connection broke: {reason}")) {
            tracing::warn!(reason, "the connection to the broker broke");
        }
    }

    /// The broker asked to wait, or took that back.
    pub fn blocked(&self, blocked: bool) {
        if !blocked {
            self.up();
        } else if self.health.bad(Part::Broker, "it asks to wait: it is short of memory or disk") {
            tracing::warn!("the broker asks to wait; it is short of memory or disk");
        }
    }

    /// There is no queue for this routing key, or for none.
    pub fn unroutable(&self, routing_key: Option<&str>) {
        match routing_key {
            Some(key) => self.health.bad(Part::Broker, format!("no queue takes {key}")),
            None => self.health.good(Part::Broker),
        };
    }

    /// Between half of it and all of it.
    fn uneven(&self, delay_ms: u64) -> u64 {
        delay_ms / 2 + self.clock.random() % (delay_ms / 2 + 1)
    }
}
