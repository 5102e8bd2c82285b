//! Certificates that the gateway itself presents or asks for on outgoing connections.

use std::path::Path;

use jiff::Timestamp;
use rustls::sign::CertifiedKey;

use super::file::{self, Error};
use super::presented::timestamp;
use super::server;
use crate::config::SecretFile;

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

/// Reads a client certificate and its key as PEM text.
pub fn outgoing(certificate: &Path, key: &SecretFile) -> Result<Outgoing, Error> {
    let chain = file::certificates(certificate)?;
    let chain_pem = text(certificate)?;
    let ends_at = end_of(certificate)?;
    let no_key = || Error::NoKey { setting: key.key().to_owned() };
    let der = file::private_key(key)?;
    let key_pem = key.read()?.line().ok_or_else(no_key)?.to_owned();
    match CertifiedKey::from_der(chain, der, &server::provider()) {
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
pub(in crate::tls) fn end_of(file: &Path) -> Result<Timestamp, Error> {
    let chain = file::certificates(file)?;
    let own = chain.first().and_then(|der| x509_parser::parse_x509_certificate(der).ok());
    let (_, own) = own.ok_or_else(|| Error::NoCertificate { file: file.to_path_buf() })?;
    Ok(timestamp(own.validity().not_after))
}

fn text(file: &Path) -> Result<String, Error> {
    String::from_utf8(file::read(file)?)
        .map_err(|_| Error::NoCertificate { file: file.to_path_buf() })
}
