//! How much one side of a provider may cause. Times are of the monotonic clock.

use std::time::Duration;

/// So much a minute, with a minute's worth saved up at most.
#[derive(Debug)]
pub(super) struct Quota {
    per_minute: f64,
    left: f64,
    at: Duration,
}

impl Quota {
    pub fn of(per_minute: u32, now: Duration) -> Quota {
        let per_minute = f64::from(per_minute);
        Quota { per_minute, left: per_minute, at: now }
    }

    /// Takes one; false when there is none now.
    pub fn take(&mut self, now: Duration) -> bool {
        self.fill(now);
        if self.left < 1.0 {
            return false;
        }
        self.left -= 1.0;
        true
    }

    /// What was taken last has caused nothing.
    pub fn give_back(&mut self) {
        self.left = (self.left + 1.0).min(self.per_minute);
    }

    /// Whether half a minute's worth is saved up again.
    pub fn is_half_full(&mut self, now: Duration) -> bool {
        self.fill(now);
        self.left >= self.per_minute / 2.0
    }

    fn fill(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.at).as_secs_f64();
        self.left = (self.left + passed * self.per_minute / 60.0).min(self.per_minute);
        self.at = now;
    }
}

const SLOTS: u64 = 12;
const SLOT_S: u64 = 300;

/// What was counted within an hour, to five minutes.
#[derive(Debug, Default)]
pub(super) struct LastHour {
    counts: [u64; SLOTS as usize],
    slot: u64,
}

impl LastHour {
    pub fn count(&mut self, now: Duration, more: usize) {
        self.turn(now);
        self.counts[(self.slot % SLOTS) as usize] += more as u64;
    }

    pub fn sum(&mut self, now: Duration) -> u64 {
        self.turn(now);
        self.counts.iter().sum()
    }

    fn turn(&mut self, now: Duration) {
        let slot = now.as_secs() / SLOT_S;
        for passed in self.slot + 1..=slot.min(self.slot + SLOTS) {
            self.counts[(passed % SLOTS) as usize] = 0;
        }
        self.slot = self.slot.max(slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_minutes_worth_goes_at_once_and_the_rest_by_and_by() {
        let mut quota = Quota::of(60, at(0));
        assert_eq!((0..100).filter(|_| quota.take(at(0))).count(), 60);
        assert!(!quota.is_half_full(at(29)));
        assert!(quota.is_half_full(at(30)));
        assert_eq!((0..100).filter(|_| quota.take(at(40))).count(), 40);
        assert_eq!((0..100).filter(|_| quota.take(at(4000))).count(), 60, "no more is saved up");
    }

    #[test]
    fn what_is_an_hour_old_counts_no_more() {
        let mut hour = LastHour::default();
        hour.count(at(10), 2);
        hour.count(at(1800), 3);
        assert_eq!(hour.sum(at(3599)), 5);
        assert_eq!(hour.sum(at(3601)), 3);
        assert_eq!(hour.sum(at(90_000)), 0);
        hour.count(at(90_001), 1);
        assert_eq!(hour.sum(at(90_001)), 1);
    }
}
