//! How much a force may make the store grow in a day, so that one that repeats itself does not fill
//! the disk of all.

use jiff::ToSpan as _;

use crate::{Force, Gateway, RecordRefusal};
use cara_clock::{london_day, london_start};
use cara_metric::alert::STORE_GROWTH;
use cara_store::ForceNumber;

/// From so much of its limit on a force is told of.
const TOLD_PERCENT: u64 = 80;

/// The limit may be raised at any time, so a sender never waits longer than this.
const RETRY_AFTER_S_MAX: u32 = 3600;

/// Whether records of this force may still be stored today.
pub(crate) fn room_for(gateway: &Gateway, code: ForceNumber) -> Result<(), RecordRefusal> {
    let force = gateway.forces.of(code);
    let percent = grown_percent(gateway, &force);
    if percent >= TOLD_PERCENT {
        tell_growth(gateway);
    }
    if percent < 100 {
        return Ok(());
    }
    let now = gateway.clock.now();
    let midnight = london_start(london_day(now).saturating_add(1.day()));
    let wait = u32::try_from(midnight.duration_since(now).as_secs()).unwrap_or(0);
    Err(RecordRefusal::DayFull {
        bytes_max: force.store_bytes_per_day_max,
        retry_after_s: wait.clamp(1, RETRY_AFTER_S_MAX),
    })
}

/// Says which forces are near their limit or over it, and which no longer are.
pub(crate) fn tell_growth(gateway: &Gateway) {
    let grown = gateway.forces.all().map(|it| (it.code.to_string(), grown_percent(gateway, it)));
    let near = grown.filter(|(_, percent)| *percent >= TOLD_PERCENT);
    gateway.metric.troubles().exactly(STORE_GROWTH, near);
}

fn grown_percent(gateway: &Gateway, force: &Force) -> u64 {
    let bytes = gateway.store.grown(force.code, gateway.clock.today());
    (u128::from(bytes) * 100 / u128::from(force.store_bytes_per_day_max.max(1))) as u64
}
