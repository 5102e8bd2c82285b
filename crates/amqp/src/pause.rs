//! When to connect again.

use std::time::Duration;

use cara_clock::Clock;

const DELAY_MS_MIN: u64 = 200;
const DELAY_MS_MAX: u64 = 10_000;

/// The pause before the next connection. It grows until a link has proved something: a connection
/// that was made and did nothing is no proof.
#[derive(Debug)]
pub struct Pause {
    delay_ms: u64,
}

impl Default for Pause {
    fn default() -> Self {
        Pause { delay_ms: DELAY_MS_MIN }
    }
}

impl Pause {
    /// The link did its work.
    pub fn proved(&mut self) {
        self.delay_ms = DELAY_MS_MIN;
    }

    /// Waits out the pause that is due; the next is twice as long, up to 10 s.
    pub async fn wait(&mut self, clock: &Clock) {
        tokio::time::sleep(self.next(clock.random())).await;
    }

    /// Between half of it and all of it, so that several gateways do not come at once.
    fn next(&mut self, random: u64) -> Duration {
        let uneven = self.delay_ms / 2 + random % (self.delay_ms / 2 + 1);
        self.delay_ms = (self.delay_ms * 2).min(DELAY_MS_MAX);
        Duration::from_millis(uneven)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_ten_seconds_are_uneven_and_begin_anew_when_a_link_has_worked() {
        let mut pause = Pause::default();
        let mut eight = |random: fn(&Pause) -> u64| -> Vec<u128> {
            pause.proved();
            (0..8).map(|_| pause.next(random(&pause)).as_millis()).collect()
        };
        let least = [100, 200, 400, 800, 1600, 3200, 5000, 5000];
        assert_eq!(eight(|_| 0), least);
        assert_eq!(eight(|pause| pause.delay_ms / 2), least.map(|least| 2 * least));
    }
}
