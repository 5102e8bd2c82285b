//! When to try again.

use std::time::Duration;

/// Waits that double from the first up to the longest with every failure in a row, and begin anew
/// once something has worked. The one way in which anything is tried again later and later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    failures: u32,
}

impl Backoff {
    pub const fn of(first: Duration, longest: Duration) -> Backoff {
        Backoff { first, longest, failures: 0 }
    }

    /// It works again: a connection that was made and did nothing yet is no proof of that.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// One failure more: how long to wait now.
    pub fn next(&mut self, random: u64) -> Duration {
        self.failures = self.failures.saturating_add(1);
        self.after(self.failures, random)
    }

    /// How long to wait after so many failures in a row, counted elsewhere. `random` adds up to half
    /// of it and takes nothing away, so that what failed together does not come back together, and
    /// nothing before its time; 0 adds nothing.
    pub fn after(&self, failures: u32, random: u64) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let wait = self.first.saturating_mul(1 << doublings).min(self.longest);
        wait + wait.div_f64(2.0).mul_f64(share(random))
    }
}

/// All of `u64` onto 0 to 1.
fn share(random: u64) -> f64 {
    // The 53 highest bits are what a double holds exactly.
    (random >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FIRST: Duration = Duration::from_secs(1);
    const LONGEST: Duration = Duration::from_secs(3600);
    const BACKOFF: Backoff = Backoff::of(FIRST, LONGEST);

    #[test]
    fn it_doubles_from_a_second_to_an_hour_and_begins_anew_when_something_has_worked() {
        let waits = [0, 1, 2, 3, 11, 12, 13, u32::MAX].map(|it| BACKOFF.after(it, 0).as_secs());
        assert_eq!(waits, [1, 1, 2, 4, 1024, 2048, 3600, 3600]);
        let mut backoff = BACKOFF;
        let mut three = || [0; 3].map(|random| backoff.next(random).as_secs());
        assert_eq!((three(), three()), ([1, 2, 4], [8, 16, 32]));
        backoff.reset();
        assert_eq!(backoff.next(0), FIRST);
    }

    proptest! {
        #[test]
        fn jitter_only_adds_and_at_most_half(failures: u32, random: u64) {
            let (least, wait) = (BACKOFF.after(failures, 0), BACKOFF.after(failures, random));
            prop_assert!(wait >= least, "{wait:?}");
            prop_assert!(wait < least + least / 2, "{wait:?}");
        }

        #[test]
        fn more_failures_never_wait_less(failures in 0..u32::MAX, random: u64) {
            prop_assert!(BACKOFF.after(failures + 1, random) >= BACKOFF.after(failures, random));
        }

        #[test]
        fn it_stays_between_a_second_and_ninety_minutes(failures: u32, random: u64) {
            let wait = BACKOFF.after(failures, random);
            prop_assert!(wait >= FIRST && wait < LONGEST + LONGEST / 2, "{wait:?}");
        }
    }
}
