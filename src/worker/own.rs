//! What the gateway sees of itself: its disk, memory, descriptors, its sweep, its last end.

use std::path::Path;
use std::time::Duration;

use cara_clock::Clock;
use cara_metric::alert::{DESCRIPTORS_HIGH, DISK_LOW, MEMORY_HIGH, SWEEP_LATE};
use cara_metric::{Health, Metric, Part};
use cara_supervisor::{Descriptors, disk_free_bytes, is_memory_high};

/// A sweep that is older than this is told by other ways than its own.
const SWEEP_S_MAX: u64 = 120;
const GATEWAY: &str = "gateway";

/// One look after another, each a few system calls.
pub(in crate::worker) struct Own {
    pub store: cara_config::StoreSettings,
    pub clock: Clock,
    pub metric: Metric,
    pub health: Health,
    /// On the monotonic clock.
    started: Duration,
}

impl Own {
    pub fn of(
        store: cara_config::StoreSettings,
        clock: Clock,
        metric: Metric,
        health: Health,
    ) -> Own {
        let started = clock.monotonic();
        Own { store, clock, metric, health, started }
    }

    pub fn look(&self) {
        self.say(DISK_LOW, "disk of the store", self.is_disk_low());
        self.say(MEMORY_HIGH, GATEWAY, is_memory_high());
        let descriptors = Descriptors::now();
        // That it cannot be asked means that there is none left to ask with.
        self.say(DESCRIPTORS_HIGH, GATEWAY, descriptors.is_none_or(Descriptors::is_high));
        let _changed = match descriptors.is_none_or(Descriptors::are_used_up) {
            true => self.health.bad(
                Part::Descriptors,
                "none is left for another connection, letter or e-mail; raise the limit \
                 (LimitNOFILE) or lower `api.connections_max`",
            ),
            false => self.health.good(Part::Descriptors),
        };
        let now = self.clock.monotonic();
        self.metric.troubles().pass(now);
        let swept_at = self.metric.swept_at();
        let age = now.saturating_sub(swept_at.unwrap_or(self.started));
        self.metric.sweep_age(age);
        let is_late = age.as_secs() > SWEEP_S_MAX;
        self.say(SWEEP_LATE, GATEWAY, is_late);
        let changed = match (is_late, swept_at) {
            (true, _) => self.health.bad(Part::Sweep, "it fails or has not run for two minutes"),
            (false, None) => self.health.bad(Part::Sweep, "the first has not come to its end yet"),
            (false, Some(_)) => self.health.good(Part::Sweep),
        };
        if changed && is_late {
            let age = age.as_secs();
            tracing::error!(age, "the sweep is late: no incident is opened and no notice made");
        }
    }

    fn say(&self, kind: &'static str, about: &str, is_so: bool) {
        match is_so {
            true => self.metric.troubles().are(kind, about, 1),
            false => self.metric.troubles().over(kind, about),
        }
    }

    fn is_disk_low(&self) -> bool {
        let enough = self.store.disk_reserve_bytes.saturating_mul(2);
        let folder = self.store.path.parent().filter(|it| !it.as_os_str().is_empty());
        let free = disk_free_bytes(folder.unwrap_or(Path::new(".")));
        free.is_some_and(|free| free < enough)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_that_does_not_run_is_said_after_two_minutes_and_taken_back() {
        let clock = Clock::manual(jiff::Timestamp::UNIX_EPOCH);
        let (metric, health) = (Metric::default(), Health::default());
        let store = cara_config::StoreSettings {
            path: "gateway.db".into(),
            anchor: "gateway.anchor".into(),
            read_only: false,
            disk_reserve_bytes: u64::MAX,
        };
        let own = Own::of(store, clock.clone(), metric.clone(), health.clone());
        let is_so = |kind| metric.troubles().now().keys().any(|it| it.0 == kind);
        own.look();
        assert!(is_so(DISK_LOW) && !is_so(SWEEP_LATE));
        assert!(!health.state(Part::Sweep).is_good(), "none has run");
        metric.swept(clock.monotonic());
        own.look();
        assert!(health.state(Part::Sweep).is_good());
        clock.advance(Duration::from_secs(121));
        own.look();
        assert!(is_so(SWEEP_LATE) && !health.state(Part::Sweep).is_good());
        assert!(metric.encode().contains("cara_sweep_age_seconds 121"));
        metric.swept(clock.monotonic());
        own.look();
        assert!(!is_so(SWEEP_LATE) && health.state(Part::Sweep).is_good());
    }
}
