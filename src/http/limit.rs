//! Bounds on what forces may use at once: bytes of bodies being read, and requests a second.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use crate::clock::Clock;
use crate::metric::Metric;

/// Bytes that all bodies being read may hold together.
#[derive(Debug)]
pub(in crate::http) struct Budget {
    used: AtomicUsize,
    bytes_max: usize,
    metric: Metric,
}

/// Some bytes of the budget; dropped, they are free again.
#[derive(Debug)]
pub(in crate::http) struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Budget {
    pub(in crate::http) fn of(bytes_max: usize, metric: Metric) -> Arc<Self> {
        Arc::new(Budget { used: AtomicUsize::new(0), bytes_max, metric })
    }

    pub(in crate::http) fn share(self: &Arc<Self>) -> Share {
        Share { budget: Arc::clone(self), bytes: 0 }
    }

    fn take(&self, bytes: usize) -> bool {
        let within = |used: usize| used.checked_add(bytes).filter(|sum| *sum <= self.bytes_max);
        let before = self.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, within);
        if let Ok(before) = before {
            self.metric.in_flight_bytes(before + bytes);
        }
        before.is_ok()
    }
}

impl Share {
    /// Grows the share to this size if the budget allows it. It never shrinks before its end.
    pub(in crate::http) fn grow_to(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        let granted = more == 0 || self.budget.take(more);
        if granted {
            self.bytes += more;
        }
        granted
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let before = self.budget.used.fetch_sub(self.bytes, Ordering::AcqRel);
        self.budget.metric.in_flight_bytes(before - self.bytes);
    }
}

/// Requests a second for each set of forces; identities of one force share its rate.
#[derive(Debug)]
pub(in crate::http) struct Rates {
    beat: Beat,
    limiters: Mutex<HashMap<Vec<u8>, Arc<Limiter>>>,
}

#[derive(Debug)]
struct Limiter(RateLimiter<NotKeyed, InMemoryState, Beat, NoOpMiddleware<Nanos>>);

/// The gateway's clock as governor asks for it.
#[derive(Clone, Debug)]
struct Beat(Clock);

impl governor::clock::Clock for Beat {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(self.0.monotonic())
    }
}

impl Rates {
    pub(in crate::http) fn of(clock: Clock) -> Self {
        Rates { beat: Beat(clock), limiters: Mutex::default() }
    }

    /// Counts one request. Err: after so many whole seconds there is room again.
    pub(in crate::http) fn count(&self, forces: &[u8], per_s_max: u32) -> Result<(), u32> {
        let limiter = self.limiter(forces, per_s_max);
        limiter.0.check().map_err(|not_until| {
            let wait = not_until.wait_time_from(self.beat.now());
            u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1)
        })
    }

    fn limiter(&self, forces: &[u8], per_s_max: u32) -> Arc<Limiter> {
        let mut limiters = self.limiters.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(limiter) = limiters.get(forces) {
            return Arc::clone(limiter);
        }
        let quota = Quota::per_second(NonZeroU32::new(per_s_max).unwrap_or(NonZeroU32::MIN));
        let limiter = RateLimiter::direct_with_clock(quota, self.beat.clone());
        let limiter = Arc::new(Limiter(limiter));
        limiters.insert(forces.to_vec(), Arc::clone(&limiter));
        limiter
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_share_grows_within_the_budget_and_gives_all_back() {
        let budget = Budget::of(100, Metric::default());
        let (mut one, mut other) = (budget.share(), budget.share());
        assert!(one.grow_to(60));
        assert!(one.grow_to(60), "the same size is no growth");
        assert!(!other.grow_to(41));
        assert!(other.grow_to(40));
        drop(one);
        assert!(other.grow_to(100));
        drop(other);
        assert_eq!(budget.used.load(Ordering::Acquire), 0);
        assert!(!budget.share().grow_to(usize::MAX));
    }

    #[test]
    fn a_force_is_slowed_down_alone() {
        let clock = Clock::manual(jiff::Timestamp::UNIX_EPOCH);
        let rates = Rates::of(clock.clone());
        assert!((0..5).all(|_| rates.count(&[44], 5).is_ok()));
        assert_eq!(rates.count(&[44], 5), Err(1));
        assert!(rates.count(&[20], 5).is_ok());
        clock.advance(Duration::from_millis(200));
        assert!(rates.count(&[44], 5).is_ok());
        assert!(rates.count(&[44], 5).is_err());
    }
}
