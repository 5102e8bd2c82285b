//! What the gateway itself sees to be wrong with itself.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::alert::Alerts;

/// What the gateway itself sees to be wrong with itself now. Each room says and takes back its own;
/// shared by all clones.
#[derive(Clone, Debug, Default)]
pub struct Troubles(Arc<Seen>);

/// What happened and is over is said for so long, so that a person sees it.
const HAPPENED_SAID: Duration = Duration::from_secs(3600);

#[derive(Debug, Default)]
struct Seen {
    now: Mutex<Alerts>,
    happened: Mutex<BTreeMap<(&'static str, String), Happened>>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Happened {
    /// On the monotonic clock.
    last: Duration,
    /// How often since it was said first.
    count: u64,
}

impl Troubles {
    /// It is so: `kind` (a constant of this room) about this, so many of them.
    pub fn are(&self, kind: &'static str, about: impl Into<String>, count: u64) {
        let mut now = self.0.now.lock().unwrap_or_else(PoisonError::into_inner);
        if now.insert((kind, about.into()), count).is_none() {
            self.0.changed.notify_one();
        }
    }

    /// It happened at this time of the monotonic clock, and is said for an hour, with how often.
    pub fn happened(&self, kind: &'static str, about: &str, at: Duration) {
        let mut happened = self.0.happened.lock().unwrap_or_else(PoisonError::into_inner);
        let it = happened.entry((kind, about.to_owned())).or_default();
        (it.last, it.count) = (at, it.count + 1);
        self.are(kind, about, it.count);
        self.0.changed.notify_one();
    }

    /// Takes back what happened more than an hour ago.
    pub fn pass(&self, now: Duration) {
        let mut happened = self.0.happened.lock().unwrap_or_else(PoisonError::into_inner);
        happened.retain(|(kind, about), it| {
            let is_said = now.saturating_sub(it.last) <= HAPPENED_SAID;
            if !is_said {
                self.over(kind, about);
            }
            is_said
        });
    }

    /// It is so no longer; harmless when it was not.
    pub fn over(&self, kind: &'static str, about: &str) {
        let mut now = self.0.now.lock().unwrap_or_else(PoisonError::into_inner);
        if now.remove(&(kind, about.to_owned())).is_some() {
            self.0.changed.notify_one();
        }
    }

    /// Exactly these are so now of this kind.
    pub fn exactly(&self, kind: &'static str, these: impl IntoIterator<Item = (String, u64)>) {
        let mut now = self.0.now.lock().unwrap_or_else(PoisonError::into_inner);
        let before: Vec<_> = now.keys().filter(|it| it.0 == kind).cloned().collect();
        now.retain(|(known, _), _| *known != kind);
        now.extend(these.into_iter().map(|(about, count)| ((kind, about), count)));
        let after = now.keys().filter(|it| it.0 == kind);
        if !after.eq(before.iter()) {
            self.0.changed.notify_one();
        }
    }

    /// All that is so now.
    pub fn now(&self) -> Alerts {
        self.0.now.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until a trouble has begun or ended since this was last asked; only one may wait.
    pub async fn changed(&self) {
        self.0.changed.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::super::alert::{BROKER_AWAY, DISK_LOW, LAYOUT_MISSING};
    use super::*;

    #[test]
    fn a_trouble_is_so_until_it_is_over() {
        let troubles = Troubles::default();
        troubles.are(BROKER_AWAY, "harbour", 1);
        troubles.clone().are(DISK_LOW, "store", 1);
        troubles.exactly(BROKER_AWAY, [("pennine".to_owned(), 2)]);
        let expected =
            [((BROKER_AWAY, "pennine".to_owned()), 2), ((DISK_LOW, "store".to_owned()), 1)];
        assert_eq!(troubles.now(), Alerts::from(expected));
        troubles.over(DISK_LOW, "store");
        troubles.exactly(BROKER_AWAY, []);
        assert_eq!(troubles.now(), Alerts::new());
    }

    #[test]
    fn what_happened_is_said_for_an_hour_after_the_last_time() {
        let (troubles, minutes) =
            (Troubles::default(), |count: u64| Duration::from_secs(count * 60));
        troubles.happened(LAYOUT_MISSING, "harbour", minutes(0));
        troubles.happened(LAYOUT_MISSING, "harbour", minutes(30));
        troubles.pass(minutes(90));
        let expected = [((LAYOUT_MISSING, "harbour".to_owned()), 2)];
        assert_eq!(troubles.now(), Alerts::from(expected));
        troubles.pass(minutes(91));
        assert_eq!(troubles.now(), Alerts::new());
    }
}
