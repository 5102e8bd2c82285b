//! What one route (a provider's side) has been through: which messages the broker closed the channel
//! over, and how much may go out now.

use std::collections::BTreeSet;
use std::time::Duration;

use uuid::Uuid;

use cara_metric::Metric;
use cara_metric::alert::MESSAGE_SET_ASIDE;

/// So many different messages in a row that make the broker close the channel open the breaker.
const CLOSES_IN_A_ROW_MAX: u32 = 3;
/// An open breaker lets one message through this often.
const PROBE: Duration = Duration::from_secs(60);
/// Messages set aside that are incidents of their own; more of one route are only log lines.
const INCIDENTS_MAX: usize = 20;

/// How much a route may send.
#[derive(Debug, Default)]
pub(super) struct RouteBreaker {
    /// Messages of which one made the broker close the channel; they go one at a time.
    suspects: usize,
    in_a_row: u32,
    /// While the breaker is open: when one message may go, on the monotonic clock.
    probe_at: Option<Duration>,
    aside: BTreeSet<Uuid>,
}

/// What a close of the channel means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closed {
    /// Nobody knows which message it was; all go again, one at a time.
    Unclear,
    /// This message alone was on its way.
    Guilty { opens_breaker: bool },
}

impl RouteBreaker {
    /// How many of `free` places may be filled now.
    pub fn room(&self, free: usize, in_flight: usize, now: Duration) -> usize {
        let one = usize::from(in_flight == 0).min(free);
        match self.probe_at {
            Some(at) if at > now => 0,
            Some(_) => one,
            None if self.suspects > 0 => one,
            None => free,
        }
    }

    pub fn is_open(&self) -> bool {
        self.probe_at.is_some()
    }

    /// Whether messages go one at a time.
    pub fn is_careful(&self) -> bool {
        self.suspects > 0 || self.is_open()
    }

    /// Whether this message has to go alone.
    pub fn is_aside(&self, id: Uuid) -> bool {
        self.aside.contains(&id)
    }

    /// The broker closed the channel while these were on their way.
    pub fn closed(&mut self, ids: &[Uuid], now: Duration, metric: &Metric) -> Closed {
        let [id] = ids else {
            self.suspects = self.suspects.max(ids.len());
            return Closed::Unclear;
        };
        self.suspects = self.suspects.saturating_sub(1);
        // The same one again says nothing new about the route.
        if self.aside.insert(*id) {
            self.in_a_row += 1;
            if self.aside.len() <= INCIDENTS_MAX {
                metric.troubles().are(MESSAGE_SET_ASIDE, id.to_string(), 1);
            }
        }
        let was_open = self.is_open();
        if was_open || self.in_a_row >= CLOSES_IN_A_ROW_MAX {
            self.probe_at = Some(now + PROBE);
        }
        Closed::Guilty { opens_breaker: self.is_open() && !was_open }
    }

    /// A message was confirmed; whether that closes the breaker.
    pub fn confirmed(&mut self, id: Uuid, metric: &Metric) -> bool {
        self.in_a_row = 0;
        self.suspects = self.suspects.saturating_sub(1);
        if self.aside.remove(&id) {
            metric.troubles().over(MESSAGE_SET_ASIDE, &id.to_string());
        }
        self.probe_at.take().is_some()
    }

    /// Nothing of what was in doubt waits any more.
    pub fn found_nothing(&mut self) {
        self.suspects = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(100);

    #[test]
    fn after_an_unclear_close_messages_go_one_at_a_time_until_each_was_heard_of() {
        let (mut breaker, metric) = (RouteBreaker::default(), Metric::default());
        assert_eq!(breaker.room(256, 0, NOW), 256);
        let ids: Vec<_> = (1..=3).map(Uuid::from_u128).collect();
        assert_eq!(breaker.closed(&ids, NOW, &metric), Closed::Unclear);
        assert_eq!((breaker.room(256, 0, NOW), breaker.room(256, 1, NOW)), (1, 0));
        assert!(!breaker.confirmed(ids[0], &metric));
        assert_eq!(
            breaker.closed(&ids[1..2], NOW, &metric),
            Closed::Guilty { opens_breaker: false }
        );
        assert!(breaker.is_aside(ids[1]) && !breaker.is_aside(ids[0]));
        assert_eq!(metric.troubles().now().len(), 1);
        breaker.confirmed(ids[2], &metric);
        assert_eq!(breaker.room(256, 0, NOW), 256);
        breaker.confirmed(ids[1], &metric);
        assert!(metric.troubles().now().is_empty(), "confirmed at last");
    }

    #[test]
    fn three_in_a_row_open_the_breaker_and_a_confirmed_probe_closes_it() {
        let (mut breaker, metric) = (RouteBreaker::default(), Metric::default());
        let guilty = |breaker: &mut RouteBreaker, number: u128, now| {
            breaker.closed(&[Uuid::from_u128(number)], now, &metric)
        };
        assert_eq!(guilty(&mut breaker, 1, NOW), Closed::Guilty { opens_breaker: false });
        assert_eq!(guilty(&mut breaker, 2, NOW), Closed::Guilty { opens_breaker: false });
        assert_eq!(guilty(&mut breaker, 3, NOW), Closed::Guilty { opens_breaker: true });
        assert_eq!(breaker.room(256, 0, NOW + PROBE / 2), 0);
        let later = NOW + PROBE;
        assert_eq!((breaker.room(256, 0, later), breaker.room(256, 1, later)), (1, 0));
        assert_eq!(guilty(&mut breaker, 4, later), Closed::Guilty { opens_breaker: false });
        assert_eq!(breaker.room(256, 0, later), 0, "the next probe is a minute away");
        assert!(breaker.confirmed(Uuid::from_u128(1), &metric));
        assert_eq!(breaker.room(256, 0, later), 256);
    }
}
