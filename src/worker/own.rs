//! What the gateway sees of itself: its disk, memory, descriptors, its sweep, its last end.

use std::path::Path;

use crate::clock::Clock;
use crate::config;
use crate::metric::alert::{DESCRIPTORS_HIGH, DISK_LOW, MEMORY_HIGH, SWEEP_LATE};
use crate::metric::{Health, Metric, Part};
use crate::supervisor::{Descriptors, disk_free_bytes};

/// A sweep that is older than this is told by other ways than its own.
const SWEEP_S_MAX: u64 = 120;
const GATEWAY: &str = "gateway";

/// One look after another, each a few system calls.
pub(in crate::worker) struct Own {
    pub store: config::Store,
    pub clock: Clock,
    pub metric: Metric,
    pub health: Health,
}

impl Own {
    pub fn of(store: config::Store, clock: Clock, metric: Metric, health: Health) -> Own {
        metric.swept(clock.monotonic());
        Own { store, clock, metric, health }
    }

    pub fn look(&self) {
        self.say(DISK_LOW, "disk of the store", self.is_disk_low());
        self.say(MEMORY_HIGH, GATEWAY, is_memory_high());
        let descriptors = Descriptors::now();
        // That it cannot be asked means that there is none left to ask with.
        let is_high = descriptors.is_none_or(|it| it.open >= it.limit / 10 * 8);
        self.say(DESCRIPTORS_HIGH, GATEWAY, is_high);
        let now = self.clock.monotonic();
        self.metric.troubles().pass(now);
        let age = self.metric.sweep_age(now).as_secs();
        self.say(SWEEP_LATE, GATEWAY, age > SWEEP_S_MAX);
        let changed = match age > SWEEP_S_MAX {
            true => self.health.bad(Part::Sweep, "the sweep fails or has not run for two minutes"),
            false => self.health.good(Part::Sweep),
        };
        if changed && age > SWEEP_S_MAX {
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

/// Above 85% of what the control group may have; without a limit it is never high.
fn is_memory_high() -> bool {
    let limit = group_limit();
    let used = resident();
    limit.zip(used).is_some_and(|(limit, used)| used >= limit / 100 * 85)
}

/// The limit of this process's control group (version 2), in bytes.
fn group_limit() -> Option<u64> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let file = Path::new("/sys/fs/cgroup").join(own.trim_start_matches('/')).join("memory.max");
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// Resident bytes of this process.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_process_knows_what_it_uses() {
        assert!(resident().is_some_and(|bytes| bytes > 1 << 20));
    }

    #[test]
    fn a_sweep_that_does_not_run_is_said_after_two_minutes_and_taken_back() {
        let clock = Clock::manual(jiff::Timestamp::UNIX_EPOCH);
        let (metric, health) = (Metric::default(), Health::default());
        let store = config::Store {
            path: "gateway.db".into(),
            anchor: "gateway.anchor".into(),
            read_only: false,
            disk_reserve_bytes: u64::MAX,
        };
        let own = Own::of(store, clock.clone(), metric.clone(), health.clone());
        let is_so = |kind| metric.troubles().now().keys().any(|it| it.0 == kind);
        own.look();
        assert!(is_so(DISK_LOW) && !is_so(SWEEP_LATE) && health.state(Part::Sweep).is_good());
        clock.advance(Duration::from_secs(121));
        own.look();
        assert!(is_so(SWEEP_LATE) && !health.state(Part::Sweep).is_good());
        assert!(metric.encode().contains("cara_sweep_age_seconds 121"));
        metric.swept(clock.monotonic());
        own.look();
        assert!(!is_so(SWEEP_LATE) && health.state(Part::Sweep).is_good());
    }
}
