//! Certificates that the gateway itself presents or asks for on outgoing connections.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, version};

use super::file::{self, Error, timestamp};
use super::provider::provider;
use cara_config::SecretFile;

/// A client certificate of the gateway, checked: chain and key belong together.
#[derive(Clone)]
pub struct Outgoing {
    /// PEM, the own certificate first.
    pub chain_pem: String,
    /// PEM
    pub key_pem: String,
    pub ends_at: Timestamp,
}

impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outgoing").field("ends_at", &self.ends_at).finish_non_exhaustive()
    }
}

impl Outgoing {
    /// A configuration that shows this certificate to servers which a CA of the PEM file signed,
    /// and to nobody else. Nothing is resumed: every connection is checked in full.
    pub fn client_config(&self, ca: &Path) -> Result<ClientConfig, Error> {
        let mut roots = RootCertStore::empty();
        for root in file::certificates(ca)? {
            roots.add(root).map_err(|error| Error::NotACa {
                file: ca.to_path_buf(),
                source: Box::new(error),
            })?;
        }
        let chain = CertificateDer::pem_slice_iter(self.chain_pem.as_bytes());
        let chain = chain.collect::<Result<Vec<_>, _>>();
        let key = PrivateKeyDer::from_pem_slice(self.key_pem.as_bytes());
        let (Ok(chain), Ok(key)) = (chain, key) else {
            unreachable!("both were read from the same text before")
        };
        let mut config = ClientConfig::builder_with_provider(Arc::new(provider()))
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])
            .map_err(Error::Rustls)?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .map_err(Error::Rustls)?;
        config.resumption = Resumption::disabled();
        Ok(config)
    }
}

impl Error {
    /// Whether TLS is what failed, somewhere among the causes of an error.
    pub fn is_behind(error: &(dyn std::error::Error + 'static)) -> bool {
        let mut next = Some(error);
        while let Some(error) = next {
            if error.is::<rustls::Error>() {
                return true;
            }
            // An I/O error does not name what it wraps as its source.
            let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
            next = match wrapped {
                Some(wrapped) => Some(wrapped),
                None => error.source(),
            };
        }
        false
    }
}

/// Reads a client certificate and its key as PEM text.
pub fn outgoing(certificate: &Path, key: &SecretFile) -> Result<Outgoing, Error> {
    let chain = file::certificates(certificate)?;
    let chain_pem = text(certificate)?;
    let ends_at = end_of(certificate)?;
    let no_key = || Error::NoKey { setting: key.key().to_owned() };
    let der = file::private_key(key)?;
    let key_pem = key.read()?.line().ok_or_else(no_key)?.to_owned();
    match CertifiedKey::from_der(chain, der, &provider()) {
        Ok(_) => Ok(Outgoing { chain_pem, key_pem, ends_at }),
        Err(rustls::Error::InconsistentKeys(_)) => Err(Error::Mismatch {
            setting: key.key().to_owned(),
            certificate: certificate.to_path_buf(),
        }),
        Err(_) => Err(no_key()),
    }
}

/// The CA certificates of a PEM file as its text.
pub fn roots_pem(file: &Path) -> Result<String, Error> {
    file::certificates(file)?;
    text(file)
}

/// When the first certificate of a PEM file ends.
pub(crate) fn end_of(file: &Path) -> Result<Timestamp, Error> {
    let chain = file::certificates(file)?;
    let own = chain.first().and_then(|der| x509_parser::parse_x509_certificate(der).ok());
    let (_, own) = own.ok_or_else(|| Error::NoCertificate { file: file.to_path_buf() })?;
    Ok(timestamp(own.validity().not_after))
}

fn text(file: &Path) -> Result<String, Error> {
    String::from_utf8(file::read(file)?)
        .map_err(|_| Error::NoCertificate { file: file.to_path_buf() })
}
