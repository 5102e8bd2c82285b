//! What a client presented in its handshake, read once for each connection.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use x509_parser::extensions::GeneralName;

use super::file::timestamp;
use super::identity::{Denied, Identity};
use cara_config::Fingerprint;

/// A client's certificate chain and the last answer about it.
#[derive(Debug)]
pub struct Presented {
    chain: Vec<CertificateDer<'static>>,
    fingerprint: Fingerprint,
    names: Vec<String>,
    not_after: Timestamp,
    pub(crate) last: Mutex<Option<Last>>,
}

/// The last full check: good while nothing that it depends on has changed.
#[derive(Clone, Debug)]
pub(crate) struct Last {
    pub(crate) generation: u64,
    /// [`cara_clock::Clock::monotonic`]
    pub(crate) checked_at: Duration,
    pub(crate) outcome: Result<Arc<Identity>, Denied>,
}

impl Presented {
    /// Reads a chain, own certificate first. `None`: it is empty or not X.509, which a handshake
    /// lets nobody through with.
    pub fn read(chain: &[CertificateDer<'_>]) -> Option<Presented> {
        let chain: Vec<_> = chain.iter().map(|der| der.clone().into_owned()).collect();
        let (_, own) = x509_parser::parse_x509_certificate(chain.first()?).ok()?;
        let names = own.subject_alternative_name().ok()?.map(|extension| {
            let names = extension.value.general_names.iter();
            names
                .filter_map(|name| match name {
                    GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
                    _ => None,
                })
                .collect()
        });
        let fingerprint = fingerprint(own.public_key().raw);
        let names = names.unwrap_or_default();
        let not_after = timestamp(own.validity().not_after);
        Some(Presented { fingerprint, names, not_after, last: Mutex::new(None), chain })
    }

    /// SHA-256 of the public key (SubjectPublicKeyInfo).
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// DNS names, lower case.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The last second at which the certificate is good.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    pub(crate) fn own(&self) -> &CertificateDer<'static> {
        &self.chain[0]
    }

    pub(crate) fn others(&self) -> &[CertificateDer<'static>] {
        &self.chain[1..]
    }

    pub(crate) fn last(&self) -> Option<Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn remember(&self, last: Last) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
    }
}

/// The fingerprint of a public key as `gateway.toml` writes it.
fn fingerprint(public_key: &[u8]) -> Fingerprint {
    let suite = rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
    let Some(suite) = suite.tls13() else { unreachable!("the suite is one of TLS 1.3") };
    let mut digest = [0; 32];
    digest.copy_from_slice(suite.common.hash_provider.hash(public_key).as_ref());
    Fingerprint(digest)
}
