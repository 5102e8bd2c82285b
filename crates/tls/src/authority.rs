//! One CA of `gateway.toml` with its own root store and revocation list.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{CertificateError, RootCertStore};

use super::file::{self, Error, timestamp};
use cara_config::{CaSettings, Crl};

/// Signs client certificates of the identities that name it, and of those named by their key.
#[derive(Debug)]
pub(crate) struct Authority {
    pub(crate) name: String,
    verifier: Arc<dyn ClientCertVerifier>,
    /// When its last certificate ends.
    pub(crate) ends_at: Timestamp,
    /// When its revocation list should have been replaced by a newer one.
    pub(crate) crl_ends_at: Option<Timestamp>,
}

/// What one CA says of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChainVerdict {
    Signed,
    Revoked,
    Expired,
    /// Not signed by it, or wrong in another way.
    Untrusted,
}

impl Authority {
    pub(crate) fn load(ca: &CaSettings, provider: &Arc<CryptoProvider>) -> Result<Self, Error> {
        let certificates = file::certificates(&ca.certificate)?;
        let lists = match &ca.crl {
            Crl::None => Vec::new(),
            Crl::File(path) => file::revocation_lists(path, &certificates, &ca.certificate)?,
        };
        let crl_ends_at = lists.iter().filter_map(next_update).min();
        let not_a_ca = |source| Error::NotACa { file: ca.certificate.clone(), source };
        let mut roots = RootCertStore::empty();
        for certificate in &certificates {
            if !is_ca(certificate) {
                return Err(not_a_ca("it is not marked as a CA".into()));
            }
            roots.add(certificate.clone()).map_err(|source| not_a_ca(source.into()))?;
        }
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
                .with_crls(lists)
                .build()
                .map_err(|source| not_a_ca(source.into()))?;
        let ends = certificates.iter().filter_map(|der| {
            let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
            Some(timestamp(certificate.validity().not_after))
        });
        let ends_at = ends.max().unwrap_or(Timestamp::MAX);
        Ok(Authority { name: ca.name.clone(), verifier, ends_at, crl_ends_at })
    }

    /// The files that it was read from.
    pub(crate) fn files(ca: &CaSettings) -> Vec<PathBuf> {
        let crl = match &ca.crl {
            Crl::File(path) => Some(path.clone()),
            Crl::None => None,
        };
        std::iter::once(ca.certificate.clone()).chain(crl).collect()
    }

    /// Whether the chain, own certificate first, ends at this CA and is good at this time.
    pub(crate) fn judge(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        at: UnixTime,
    ) -> ChainVerdict {
        match self.verifier.verify_client_cert(own, others, at) {
            Ok(_) => ChainVerdict::Signed,
            Err(rustls::Error::InvalidCertificate(error)) => match error {
                CertificateError::Revoked => ChainVerdict::Revoked,
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    ChainVerdict::Expired
                }
                _ => ChainVerdict::Untrusted,
            },
            Err(_) => ChainVerdict::Untrusted,
        }
    }
}

fn is_ca(der: &CertificateDer<'_>) -> bool {
    x509_parser::parse_x509_certificate(der).is_ok_and(|(_, certificate)| certificate.is_ca())
}

fn next_update(list: &rustls::pki_types::CertificateRevocationListDer<'_>) -> Option<Timestamp> {
    let (_, list) = x509_parser::parse_x509_crl(list).ok()?;
    list.next_update().map(timestamp)
}
