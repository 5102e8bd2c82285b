//! How much a force may make the store grow in a day, so that one that repeats itself does not fill
//! the disk of all.

use jiff::ToSpan as _;

use super::{Force, Gateway, Refusal};
use cara_clock::{london_day, london_start};
use cara_metric::alert::STORE_GROWTH;
use cara_store::ForceCode;

/// From so much of its limit on a force is told of.
const TOLD_PERCENT: u64 = 80;

/// The limit may be raised at any time, so a sender never waits longer than this.
const RETRY_AFTER_S_MAX: u32 = 3600;

impl Gateway {
    /// Whether records of this force may still be stored today.
    pub(super) fn room_for(&self, code: ForceCode) -> Result<(), Refusal> {
        let force = self.forces.of(code);
        let percent = self.grown_percent(&force);
        if percent >= TOLD_PERCENT {
            self.tell_growth();
        }
        if percent < 100 {
            return Ok(());
        }
        let now = self.clock.now();
        let midnight = london_start(london_day(now).saturating_add(1.day()));
        let wait = u32::try_from(midnight.duration_since(now).as_secs()).unwrap_or(0);
        Err(Refusal::DayFull {
            bytes_max: force.store_bytes_per_day_max,
            retry_after_s: wait.clamp(1, RETRY_AFTER_S_MAX),
        })
    }

    /// Says which forces are near their limit or over it, and which no longer are.
    pub(super) fn tell_growth(&self) {
        let grown = self.forces.all().map(|it| (it.code.to_string(), self.grown_percent(it)));
        let near = grown.filter(|(_, percent)| *percent >= TOLD_PERCENT);
        self.metric.troubles().exactly(STORE_GROWTH, near);
    }

    fn grown_percent(&self, force: &Force) -> u64 {
        let bytes = self.store.grown(force.code, self.clock.today());
        (u128::from(bytes) * 100 / u128::from(force.store_bytes_per_day_max.max(1))) as u64
    }
}
