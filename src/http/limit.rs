//! Bounds on what forces may use at once: bytes of bodies being read, and requests a second.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::web::Bytes;
use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use cara_clock::Clock;
use cara_metric::{Metric, alert};

/// Bytes that all bodies being read may hold together. A force may hold as much as it leaves free for
/// all others: one force alone half, two a third each, and there is always some left for the next.
#[derive(Debug)]
pub(in crate::http) struct Budget {
    used: Mutex<Used>,
    bytes_max: usize,
    metric: Metric,
}

#[derive(Debug, Default)]
struct Used {
    bytes: usize,
    /// By force; `None`: the operators'.
    own: HashMap<Option<u8>, usize>,
}

/// Some bytes of the budget; dropped, they are free again.
#[derive(Debug)]
pub(in crate::http) struct Share {
    budget: Arc<Budget>,
    holder: Option<u8>,
    bytes: usize,
}

impl Budget {
    pub(in crate::http) fn of(bytes_max: usize, metric: Metric) -> Arc<Self> {
        Arc::new(Budget { used: Mutex::default(), bytes_max, metric })
    }

    /// A share of the one of these forces that holds the least; of the operators if there is none.
    pub(in crate::http) fn share(self: &Arc<Self>, forces: &[u8]) -> Share {
        let used = self.used();
        let holders = forces.iter().copied().map(Some);
        let holder = holders.min_by_key(|holder| used.of(*holder)).flatten();
        drop(used);
        Share { budget: Arc::clone(self), holder, bytes: 0 }
    }

    fn take(&self, holder: Option<u8>, bytes: usize) -> bool {
        let mut used = self.used();
        let free = self.bytes_max.checked_sub(used.bytes).and_then(|free| free.checked_sub(bytes));
        let granted = free.is_some_and(|free| used.of(holder) + bytes <= free);
        if granted {
            used.bytes += bytes;
            *used.own.entry(holder).or_default() += bytes;
            self.metric.in_flight_bytes(used.bytes);
        }
        granted
    }

    fn give_back(&self, holder: Option<u8>, bytes: usize) {
        let mut used = self.used();
        used.bytes -= bytes;
        if let Some(own) = used.own.get_mut(&holder) {
            *own -= bytes;
        }
        self.metric.in_flight_bytes(used.bytes);
    }

    fn used(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Used {
    fn of(&self, holder: Option<u8>) -> usize {
        self.own.get(&holder).copied().unwrap_or_default()
    }
}

impl Share {
    /// Whose it is; `None`: the operators'.
    pub(in crate::http) fn holder(&self) -> Option<u8> {
        self.holder
    }

    /// Grows the share to this size if the budget allows it. It never shrinks before its end.
    pub(in crate::http) fn grow_to(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        let granted = more == 0 || self.budget.take(self.holder, more);
        if granted {
            self.bytes += more;
        }
        granted
    }

    /// An answer that nobody reads takes memory as a body does: the share lives until it is written.
    pub(in crate::http) fn kept_with(mut self, response: HttpResponse) -> HttpResponse {
        if let BodySize::Sized(bytes) = response.body().size() {
            // Where there is no room for that much, what it has must do: the work is done.
            let _or_not = self.grow_to(usize::try_from(bytes).unwrap_or(usize::MAX));
        }
        response.map_body(|_, body| BoxBody::new(Answering { body, _share: self }))
    }
}

/// An answer and its share.
struct Answering {
    body: BoxBody,
    _share: Share,
}

impl MessageBody for Answering {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.body.as_pin_mut().poll_next(cx)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.give_back(self.holder, self.bytes);
    }
}

/// Requests a second for each force, whichever identity makes them.
#[derive(Debug)]
pub(in crate::http) struct Rates {
    beat: Beat,
    limiters: Mutex<HashMap<u8, Arc<Limiter>>>,
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

    /// Counts one request against one of these forces (code, requests a second): the first that has
    /// room. Err: after so many whole seconds there is room again.
    pub(in crate::http) fn count(
        &self,
        forces: impl IntoIterator<Item = (u8, u32)>,
    ) -> Result<(), u32> {
        let mut shortest = u32::MAX;
        for (force, per_s_max) in forces {
            match self.limiter(force, per_s_max).0.check() {
                Ok(()) => return Ok(()),
                Err(not_until) => {
                    let wait = not_until.wait_time_from(self.beat.now());
                    let wait = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
                    shortest = shortest.min(wait);
                }
            }
        }
        Err(shortest)
    }

    fn limiter(&self, force: u8, per_s_max: u32) -> Arc<Limiter> {
        let mut limiters = self.limiters.lock().unwrap_or_else(PoisonError::into_inner);
        let limiter = limiters.entry(force).or_insert_with(|| {
            let quota = Quota::per_second(NonZeroU32::new(per_s_max).unwrap_or(NonZeroU32::MIN));
            Arc::new(Limiter(RateLimiter::direct_with_clock(quota, self.beat.clone())))
        });
        Arc::clone(limiter)
    }
}

/// What an incident is about where it is no force: one address, whoever is behind it.
pub(in crate::http) const SOURCE: &str = "source";

/// Who was refused for a limit of its own: an incident while it goes on.
#[derive(Debug)]
pub(in crate::http) struct Refusals {
    clock: Clock,
    metric: Metric,
    /// When and how often, by force or [`SOURCE`].
    seen: Mutex<HashMap<String, (Duration, u64)>>,
}

impl Refusals {
    /// Without a refusal for so long, the incident is over.
    const OVER: Duration = Duration::from_secs(60);

    pub(in crate::http) fn of(clock: Clock, metric: Metric) -> Arc<Self> {
        Arc::new(Refusals { clock, metric, seen: Mutex::default() })
    }

    pub(in crate::http) fn count_force(&self, force: u8) {
        self.count(&format!("{force:02}"));
    }

    /// Something of this force (its code), or of a source, was refused.
    pub(in crate::http) fn count(&self, about: &str) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = seen.entry(about.to_owned()).or_default();
        *entry = (self.clock.monotonic(), entry.1 + 1);
        self.metric.troubles().are(alert::FORCE_AT_LIMITS, about, entry.1);
    }

    /// Ends what has not been seen for a minute.
    pub(in crate::http) fn settle(&self) {
        let now = self.clock.monotonic();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.retain(|about, (last, _)| {
            let goes_on = now.saturating_sub(*last) < Self::OVER;
            if !goes_on {
                self.metric.troubles().over(alert::FORCE_AT_LIMITS, about);
            }
            goes_on
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_grows_within_the_budget_and_gives_all_back() {
        let budget = Budget::of(100, Metric::default());
        let mut one = budget.share(&[44]);
        assert!(one.grow_to(30));
        assert!(one.grow_to(30), "the same size is no growth");
        assert!(one.grow_to(50));
        assert!(!one.grow_to(51));
        assert!(!budget.share(&[44]).grow_to(1), "the force's own, not the body's");
        drop(one);
        let mut again = budget.share(&[44]);
        assert!(again.grow_to(50));
        drop(again);
        assert_eq!(budget.used().bytes, 0);
        assert!(!budget.share(&[44]).grow_to(usize::MAX));
    }

    #[test]
    fn whatever_forces_hold_there_is_some_left_for_the_next() {
        let budget = Budget::of(1_000, Metric::default());
        let mut held = Vec::new();
        for force in 1..=5 {
            loop {
                let mut share = budget.share(&[force]);
                if !share.grow_to(10) {
                    break;
                }
                held.push(share);
            }
        }
        assert!(budget.share(&[6]).grow_to(10));
        assert!(budget.share(&[]).grow_to(10), "the operators too");
        assert!(!budget.share(&[1]).grow_to(10));
        assert!(budget.share(&[1, 6]).grow_to(10), "an identity of two has the room of either");
    }

    #[test]
    fn a_force_is_slowed_down_alone_and_whichever_identity_asks() {
        let clock = Clock::manual(jiff::Timestamp::UNIX_EPOCH);
        let rates = Rates::of(clock.clone());
        assert!((0..5).all(|_| rates.count([(44, 5)]).is_ok()));
        assert_eq!(rates.count([(44, 5)]), Err(1));
        assert!(rates.count([(44, 5), (20, 1)]).is_ok(), "a shared identity has the other's room");
        assert_eq!(rates.count([(44, 5), (20, 1)]), Err(1), "the shorter wait");
        assert!(rates.count([(20, 1)]).is_err(), "which is the other's own");
        clock.advance(Duration::from_millis(200));
        assert!(rates.count([(44, 5)]).is_ok());
        assert!(rates.count([(44, 5)]).is_err());
    }

    #[test]
    fn a_refusal_is_told_until_a_minute_has_passed_without_one() {
        let (clock, metric) = (Clock::manual(jiff::Timestamp::UNIX_EPOCH), Metric::default());
        let refusals = Refusals::of(clock.clone(), metric.clone());
        refusals.count_force(4);
        refusals.count_force(4);
        let key = (alert::FORCE_AT_LIMITS, "04".to_owned());
        assert_eq!(metric.troubles().now().get(&key), Some(&2));
        clock.advance(Duration::from_secs(59));
        refusals.settle();
        assert_eq!(metric.troubles().now().len(), 1);
        clock.advance(Duration::from_secs(1));
        refusals.settle();
        assert!(metric.troubles().now().is_empty());
    }
}
