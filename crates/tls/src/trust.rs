//! Whom the gateway trusts now.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::sign::CertifiedKey;

use super::authority::{Authority, Verdict};
use super::directory::{Directory, Identity};
use super::file::Error;
use super::presented::{Last, Presented};
use super::reload::Watched;
use super::server;
use cara_clock::Clock;
use cara_config::Settings;
use cara_metric::Metric;

/// A chain is verified in full again after so long, even when no file has changed: certificates
/// between it and its CA end too.
const FULL_CHECK: Duration = Duration::from_secs(60);

/// Why a certificate is not answered. Nothing more is said to its holder than the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    #[error("the certificate has ended")]
    Expired,
    #[error("the certificate is revoked")]
    Revoked,
    #[error("no trusted CA signed the certificate")]
    Untrusted,
    #[error("no identity of gateway.toml fits the certificate")]
    Unknown,
    #[error("two identities of gateway.toml fit the certificate")]
    Ambiguous,
}

/// The CAs, identities and the server's certificate, as their files are now.
#[derive(Debug)]
pub struct Trust {
    pub(crate) clock: Clock,
    pub(crate) metric: Metric,
    pub(crate) provider: Arc<CryptoProvider>,
    current: RwLock<Arc<Current>>,
    pub(crate) server: RwLock<Arc<CertifiedKey>>,
    pub(crate) watched: Mutex<Watched>,
    /// Identities seen on connections and when the certificates they showed last end.
    pub(crate) seen: Mutex<BTreeMap<String, Timestamp>>,
}

/// One state of the files. It is replaced whole, never changed.
#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) generation: u64,
    pub(crate) authorities: Vec<Arc<Authority>>,
    pub(crate) directory: Arc<Directory>,
}

impl Trust {
    /// Reads every file. The error holds all that is wrong.
    pub fn open(settings: &Settings, clock: Clock, metric: Metric) -> Result<Trust, Vec<Error>> {
        let provider = Arc::new(server::provider());
        let mut errors = Vec::new();
        let watched = Watched::of(settings);
        let key = server::certified_key(&settings.api, &provider).map_err(|e| errors.push(e)).ok();
        let mut authorities = Vec::new();
        for ca in &settings.cas {
            match Authority::load(ca, &provider) {
                Ok(authority) => authorities.push(Arc::new(authority)),
                Err(error) => errors.push(error),
            }
        }
        let (Some(key), true) = (key, errors.is_empty()) else { return Err(errors) };
        let directory = Arc::new(Directory::of(settings));
        let current = Current { generation: 1, authorities, directory };
        Ok(Trust {
            clock,
            metric,
            provider,
            current: RwLock::new(Arc::new(current)),
            server: RwLock::new(Arc::new(key)),
            watched: Mutex::new(watched),
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
        let outcome = self.check_in_full(&current, presented);
        if let Ok(identity) = &outcome {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.insert(identity.name.clone(), presented.not_after());
        }
        let generation = current.generation;
        presented.remember(Last { generation, checked_at: monotonic, outcome: outcome.clone() });
        outcome
    }

    fn check_in_full(
        &self,
        current: &Current,
        presented: &Presented,
    ) -> Result<Arc<Identity>, Denied> {
        let signers =
            self.signers(current, presented.own(), presented.others(), self.unix_time())?;
        current.directory.find(presented, signers.iter().map(|ca| ca.name.as_str()))
    }

    /// The CAs that stand behind a chain; never empty. Revoked by one is revoked.
    pub(crate) fn signers<'a>(
        &self,
        current: &'a Current,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        at: UnixTime,
    ) -> Result<Vec<&'a Authority>, Denied> {
        let mut signers = Vec::new();
        let mut denied = Denied::Untrusted;
        for authority in &current.authorities {
            match authority.judge(own, others, at) {
                Verdict::Signed => signers.push(authority.as_ref()),
                Verdict::Revoked => return Err(Denied::Revoked),
                Verdict::Expired => denied = Denied::Expired,
                Verdict::Untrusted => {}
            }
        }
        if signers.is_empty() { Err(denied) } else { Ok(signers) }
    }

    pub(crate) fn current(&self) -> Arc<Current> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another state of the files into force; every connection is checked in full again.
    pub(crate) fn replace(&self, authorities: Vec<Arc<Authority>>, directory: Arc<Directory>) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let generation = current.generation + 1;
        *current = Arc::new(Current { generation, authorities, directory });
    }

    pub(crate) fn unix_time(&self) -> UnixTime {
        let seconds = u64::try_from(self.clock.now().as_second()).unwrap_or(0);
        UnixTime::since_unix_epoch(Duration::from_secs(seconds))
    }
}
