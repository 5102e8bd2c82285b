//! When to try again.

use std::time::Duration;

/// A push that was tried for so long is a person's business.
pub const GIVE_UP_AFTER: Duration = Duration::from_secs(3 * 24 * 3600);

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(3600);

/// How long to wait after the `attempts`th attempt has failed: 1 s, doubled each time up to 1 h.
/// `random` adds up to half of it and takes nothing away, so that letters which failed together
/// do not come back together, and none before its time.
pub fn backoff(attempts: u32, random: u64) -> Duration {
    let doublings = attempts.saturating_sub(1).min(31);
    let wait = FIRST.saturating_mul(1 << doublings).min(LONGEST);
    wait + wait.div_f64(2.0).mul_f64(share(random))
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

    #[test]
    fn it_doubles_from_a_second_to_an_hour() {
        let waits = [0, 1, 2, 3, 11, 12, 13, u32::MAX].map(|attempts| backoff(attempts, 0));
        assert_eq!(waits.map(|wait| wait.as_secs()), [1, 1, 2, 4, 1024, 2048, 3600, 3600]);
    }

    proptest! {
        #[test]
        fn jitter_only_adds_and_at_most_half(attempts: u32, random: u64) {
            let (least, wait) = (backoff(attempts, 0), backoff(attempts, random));
            prop_assert!(wait >= least, "{wait:?}");
            prop_assert!(wait < least + least / 2, "{wait:?}");
        }

        #[test]
        fn more_attempts_never_wait_less(attempts in 0..u32::MAX, random: u64) {
            prop_assert!(backoff(attempts + 1, random) >= backoff(attempts, random));
        }

        #[test]
        fn it_stays_between_a_second_and_ninety_minutes(attempts: u32, random: u64) {
            let wait = backoff(attempts, random);
            prop_assert!(wait >= FIRST && wait < LONGEST + LONGEST / 2, "{wait:?}");
        }
    }
}
