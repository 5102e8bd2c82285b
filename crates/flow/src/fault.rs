//! Faults of the gateway's own that met one entry: told, set aside, and never everybody's.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::SignedDuration;
use jiff::Timestamp;

use crate::Failure;
use cara_clock::Clock;
use cara_metric::Metric;
use cara_metric::alert::ENTRY_FAULT;

/// A fault is told for a day after it was met last.
const TOLD: SignedDuration = SignedDuration::from_hours(24);
/// More are told as one.
const EACH_MAX: usize = 50;

/// Those that are told now.
#[derive(Debug)]
pub(crate) struct EntryFaults {
    clock: Clock,
    metric: Metric,
    /// When each was met last, by what it is about.
    met: Mutex<BTreeMap<String, Timestamp>>,
}

impl EntryFaults {
    pub fn of(clock: Clock, metric: Metric) -> EntryFaults {
        EntryFaults { clock, metric, met: Mutex::default() }
    }

    /// A fault of our own met this (an id, never a value); everything else goes on.
    pub fn met(&self, about: &str, error: &(dyn std::error::Error + 'static)) {
        tracing::error!(
            about,
            error,
            "a fault of the gateway's own met one entry; it is set aside"
        );
        let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        let is_each = met.contains_key(about) || met.len() < EACH_MAX;
        let about = if is_each { about } else { "and more" };
        met.insert(about.to_owned(), self.clock.now());
        self.metric.troubles().are(ENTRY_FAULT, about, 1);
    }

    /// What this step met with, where it is the fault of one entry; an error that time mends is
    /// everybody's and goes on.
    pub fn set_aside<T: Default, E: Into<Failure>>(
        &self,
        about: &str,
        step: Result<Result<T, E>, cara_supervisor::Panicked>,
    ) -> Result<T, Failure> {
        match step {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(error)) => match error.into() {
                passing @ Failure::Passing { .. } => return Err(passing),
                ours => self.met(about, &ours),
            },
            Err(panicked) => self.met(about, &panicked),
        }
        Ok(T::default())
    }

    /// Ends what has not been met for a day.
    pub fn forget(&self, now: Timestamp) {
        let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        met.retain(|about, at| {
            let stays = now < at.saturating_add(TOLD).unwrap_or(now);
            if !stays {
                self.metric.troubles().over(ENTRY_FAULT, about);
            }
            stays
        });
    }
}
