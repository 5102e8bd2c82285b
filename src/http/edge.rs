//! What every handler may reach.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::dead_letters::DeadLetters;
use super::handshake::Handshakes;
use super::intake::TakesRecords;
use super::limit::{Budget, Rates, Refusals};
use super::permit::Permits;
use cara_clock::Clock;
use cara_config::Settings;
use cara_flow::Gateway;
use cara_flow::record::turn::Turns;
use cara_metric::{Health, Metric};
use cara_tls::{Identity, Trust};

/// The edge's shared state: one for all listeners and workers.
pub struct Edge {
    pub(in crate::http) settings: Settings,
    pub(in crate::http) clock: Clock,
    pub(in crate::http) metric: Metric,
    pub(in crate::http) health: Health,
    pub(in crate::http) trust: Arc<Trust>,
    pub(in crate::http) gateway: Gateway,
    pub(in crate::http) records: Arc<dyn TakesRecords>,
    pub(in crate::http) dead_letters: Arc<dyn DeadLetters>,
    pub(in crate::http) budget: Arc<Budget>,
    pub(in crate::http) turns: Arc<Turns>,
    pub(in crate::http) rates: Rates,
    /// Requests of forces that were answered.
    pub(in crate::http) answered: AtomicU64,
    pub(in crate::http) permits: Arc<Permits>,
    pub(in crate::http) handshakes: Handshakes,
    pub(in crate::http) refusals: Arc<Refusals>,
}

impl Edge {
    /// `records`: the gateway, or what a test has in its place.
    pub fn assemble(
        settings: Settings,
        health: Health,
        trust: Arc<Trust>,
        gateway: Gateway,
        records: Arc<dyn TakesRecords>,
        dead_letters: Arc<dyn DeadLetters>,
    ) -> Arc<Self> {
        let (clock, metric) = (gateway.clock.clone(), gateway.metric.clone());
        let budget = Budget::of(settings.api.in_flight_bytes_max, metric.clone());
        let turns = Turns::of(settings.api.in_flight_bytes_max);
        let rates = Rates::of(clock.clone());
        let refusals = Refusals::of(clock.clone(), metric.clone());
        let permits = Permits::of(&settings.api, clock.clone(), Arc::clone(&refusals));
        let handshakes =
            Handshakes::of(settings.api.workers, permits.coming_max(), Arc::clone(&refusals));
        Arc::new(Edge {
            settings,
            clock,
            metric,
            health,
            trust,
            gateway,
            records,
            dead_letters,
            budget,
            turns,
            rates,
            answered: AtomicU64::new(0),
            permits,
            handshakes,
            refusals,
        })
    }

    /// The largest body that the identity may send: the most that one of its forces may.
    pub(in crate::http) fn body_bytes_max(&self, identity: &Identity) -> usize {
        let own = self.forces_of(identity).map(|force| self.settings.body_bytes_max(force));
        own.max().unwrap_or(self.settings.api.body_bytes_max)
    }

    /// The identity's forces, each with its requests a second.
    pub(in crate::http) fn rates_of(&self, identity: &Identity) -> Vec<(u8, u32)> {
        let rate = |force| self.settings.requests_per_s_max(force);
        self.forces_of(identity).map(|force| (force.code_number(), rate(force))).collect()
    }

    fn forces_of(&self, identity: &Identity) -> impl Iterator<Item = &cara_config::ForceSettings> {
        let all = self.settings.forces.iter();
        all.filter(|force| identity.forces.contains(&force.code_number()))
    }
}
