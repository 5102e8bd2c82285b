//! Whom the gateway trusts now.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::UnixTime;
use rustls::sign::CertifiedKey;

use super::authority::Authority;
use super::directory::Directory;
use super::file::Error;
use super::identity::{Denied, Identity};
use super::presented::{Last, Presented};
use super::provider::provider;
use super::snapshot::Snapshot;
use super::watched::Watched;
use cara_clock::Clock;
use cara_config::Settings;
use cara_metric::Metric;

/// A chain is verified in full again after so long, even when no file has changed: certificates
/// between it and its CA end too.
const FULL_CHECK: Duration = Duration::from_secs(60);

/// The CAs, identities and the server's certificate, as their files are now.
#[derive(Debug)]
pub struct Trust {
    pub(crate) clock: Clock,
    pub(crate) metric: Metric,
    pub(crate) provider: Arc<CryptoProvider>,
    current: RwLock<Arc<Snapshot>>,
    pub(crate) server: RwLock<Arc<CertifiedKey>>,
    pub(crate) watched: Mutex<Watched>,
    /// Identities seen on connections and when the certificates they showed last end.
    pub(crate) seen: Mutex<BTreeMap<String, Timestamp>>,
}

impl Trust {
    /// Reads every file. The error holds all that is wrong.
    pub fn open(settings: &Settings, clock: Clock, metric: Metric) -> Result<Trust, Vec<Error>> {
        let provider = Arc::new(provider());
        let (current, key) = Snapshot::load(settings, &provider)?;
        Ok(Trust {
            clock,
            metric,
            provider,
            current: RwLock::new(Arc::new(current)),
            server: RwLock::new(Arc::new(key)),
            watched: Mutex::new(Watched::of(settings)),
            seen: Mutex::default(),
        })
    }

    /// Who the certificate stands for, by the files as they are now. Asked for every request: it
    /// costs two locks while nothing has changed.
    pub fn check(&self, presented: &Presented) -> Result<Arc<Identity>, Denied> {
        if self.clock.now() > presented.not_after() {
            return Err(Denied::Expired);
        }
        let current = self.current();
        let monotonic = self.clock.monotonic();
        if let Some(last) = presented.last()
            && last.generation == current.generation
            && monotonic.saturating_sub(last.checked_at) < FULL_CHECK
        {
            return last.outcome;
        }
        let outcome = current.identity(presented, self.unix_time());
        if let Ok(identity) = &outcome {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.insert(identity.name.clone(), presented.not_after());
        }
        let generation = current.generation;
        presented.remember(Last { generation, checked_at: monotonic, outcome: outcome.clone() });
        outcome
    }

    pub(crate) fn current(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another state of the files into force; every connection is checked in full again.
    pub(crate) fn replace(&self, authorities: Vec<Arc<Authority>>, directory: Arc<Directory>) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let generation = current.generation + 1;
        *current = Arc::new(Snapshot { generation, authorities, directory });
    }

    pub(crate) fn unix_time(&self) -> UnixTime {
        let seconds = u64::try_from(self.clock.now().as_second()).unwrap_or(0);
        UnixTime::since_unix_epoch(Duration::from_secs(seconds))
    }
}
