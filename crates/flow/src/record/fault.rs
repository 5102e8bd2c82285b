//! Faults of the gateway's own that met one entry: told, set aside, and never everybody's.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::{Gateway, Refusal};
use cara_metric::alert::ENTRY_FAULT;

/// A fault is told for a day after it was met last.
const TOLD: SignedDuration = SignedDuration::from_hours(24);
/// More are told as one.
const APART_MAX: usize = 50;

/// When each was met last, by what it is about.
pub(crate) type Faults = Mutex<BTreeMap<String, Timestamp>>;

/// A fault of our own met this (an id, never a value); everything else goes on.
pub(crate) fn entry_fault(
    gateway: &Gateway,
    about: &str,
    error: &(dyn std::error::Error + 'static),
) {
    tracing::error!(about, error, "a fault of the gateway's own met one entry; it is set aside");
    let mut faults = gateway.faults.lock().unwrap_or_else(PoisonError::into_inner);
    let apart = faults.contains_key(about) || faults.len() < APART_MAX;
    let about = if apart { about } else { "and more" };
    faults.insert(about.to_owned(), gateway.clock.now());
    gateway.metric.troubles().are(ENTRY_FAULT, about, 1);
}

/// What this step met with, where it is the fault of one entry; an error that time mends is
/// everybody's and goes on.
pub(crate) fn set_aside<T: Default>(
    gateway: &Gateway,
    about: &str,
    step: Result<Result<T, Refusal>, cara_supervisor::Panicked>,
) -> Result<T, Refusal> {
    match step {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(passing @ Refusal::Unavailable { .. })) => Err(passing),
        Ok(Err(error)) => {
            entry_fault(gateway, about, &error);
            Ok(T::default())
        }
        Err(panicked) => {
            entry_fault(gateway, about, &panicked);
            Ok(T::default())
        }
    }
}

/// Ends what has not been met for a day.
pub(crate) fn forget_faults(gateway: &Gateway, now: Timestamp) {
    let mut faults = gateway.faults.lock().unwrap_or_else(PoisonError::into_inner);
    faults.retain(|about, at| {
        let stays = now < at.saturating_add(TOLD).unwrap_or(now);
        if !stays {
            gateway.metric.troubles().over(ENTRY_FAULT, about);
        }
        stays
    });
}
