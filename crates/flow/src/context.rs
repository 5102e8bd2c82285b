//! What every story needs.

use std::sync::Arc;

use cara_clock::Clock;
use cara_document::Limits;
use cara_metric::Metric;
use cara_store::{Scrubbed, Store};
use cara_vault::Vault;

use crate::fault::EntryFaults;
use crate::live::Live;
use crate::{Failure, Forces};

/// Everything a story needs. Clones share it.
#[derive(Clone)]
pub struct Gateway {
    pub clock: Clock,
    pub(crate) vault: Arc<Vault>,
    pub(crate) store: Arc<dyn Store>,
    pub metric: Metric,
    pub(crate) live: Arc<Live>,
    pub(crate) forces: Arc<Forces>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) records_max: usize,
    pub(crate) letters_wake: Arc<tokio::sync::Notify>,
    pub(crate) faults: Arc<EntryFaults>,
}

impl Gateway {
    pub fn assemble(
        clock: Clock,
        vault: Arc<Vault>,
        store: Arc<dyn Store>,
        metric: Metric,
        forces: Forces,
        records_max: usize,
    ) -> Self {
        let faults = Arc::new(EntryFaults::of(clock.clone(), metric.clone()));
        Gateway {
            clock,
            vault,
            store,
            metric,
            live: Arc::default(),
            forces: Arc::new(forces),
            limits: Arc::new(Limits::default()),
            records_max,
            letters_wake: Arc::default(),
            faults,
        }
    }

    /// Fires when there may be a letter to push. It says nothing else: look.
    pub fn letters_wake(&self) -> Arc<tokio::sync::Notify> {
        Arc::clone(&self.letters_wake)
    }

    /// Fires when there may be something to publish. It says nothing else: look.
    pub fn wake(&self) -> Arc<tokio::sync::Notify> {
        self.store.wake()
    }

    /// Why the process must end: see [`Store::is_poisoned`].
    pub fn poison(&self) -> Option<&'static str> {
        self.store.poison()
    }

    /// Looks at some stored rows: see [`Store::scrub`].
    pub async fn scrub(&self) -> Result<Scrubbed, Failure> {
        Ok(self.store.scrub().await?)
    }

    /// Finishes what was promised and closes the store.
    pub async fn close(&self) -> Result<(), Failure> {
        Ok(self.store.close().await?)
    }

    pub fn live(&self) -> &Live {
        &self.live
    }

    pub fn forces(&self) -> &Forces {
        &self.forces
    }
}
