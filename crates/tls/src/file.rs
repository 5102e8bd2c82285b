//! Certificates, keys and revocation lists from their files, checked as far as they can be alone.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use x509_parser::time::ASN1Time;

use cara_config::SecretFile;
use cara_config::secret::Unusable;

/// Why a file cannot be used: which one, what is wrong, what to do now.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{} cannot be read; make it readable for the gateway's user", file.display())]
    Unreadable { file: PathBuf, source: std::io::Error },
    #[error("{} holds no usable certificate; write PEM, the own certificate first", file.display())]
    NoCertificate { file: PathBuf },
    #[error("{} is not a revocation list that {} signed; fetch the CA's newest one", file.display(), ca.display())]
    ForeignCrl { file: PathBuf, ca: PathBuf },
    #[error("the key that `{setting}` names holds no PEM private key")]
    NoKey { setting: String },
    #[error("the key that `{setting}` names does not belong to {}; replace both together", certificate.display())]
    Mismatch { setting: String, certificate: PathBuf },
    #[error("{} cannot be trusted as a CA; it must be a CA certificate", file.display())]
    NotACa { file: PathBuf, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("TLS cannot be set up")]
    Rustls(#[source] rustls::Error),
    #[error("an identity names a force that this process was not started with; restart it")]
    ForcesChanged,
    #[error("gateway.toml cannot be used: {0}")]
    Settings(cara_config::Fault),
    #[error(transparent)]
    Secret(#[from] Unusable),
}

pub(crate) fn read(file: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(file).map_err(|source| Error::Unreadable { file: file.to_path_buf(), source })
}

/// The certificates of a PEM file, in its order; at least one, each well formed.
pub(crate) fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let wrong = || Error::NoCertificate { file: file.to_path_buf() };
    let pem = read(file)?;
    let all: Vec<_> =
        CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>().map_err(|_| wrong())?;
    let sound = |der: &CertificateDer<'_>| x509_parser::parse_x509_certificate(der).is_ok();
    if all.is_empty() || !all.iter().all(sound) { Err(wrong()) } else { Ok(all) }
}

pub(crate) fn private_key(key: &SecretFile) -> Result<PrivateKeyDer<'static>, Error> {
    let secret = key.read()?;
    PrivateKeyDer::from_pem_slice(secret.as_bytes())
        .map_err(|_| Error::NoKey { setting: key.key().to_owned() })
}

/// The revocation lists of a PEM or DER file; one of them must be signed by one of the CAs.
pub(crate) fn revocation_lists(
    file: &Path,
    cas: &[CertificateDer<'static>],
    ca_file: &Path,
) -> Result<Vec<CertificateRevocationListDer<'static>>, Error> {
    let foreign = || Error::ForeignCrl { file: file.to_path_buf(), ca: ca_file.to_path_buf() };
    let bytes = read(file)?;
    let mut lists: Vec<_> = CertificateRevocationListDer::pem_slice_iter(&bytes)
        .collect::<Result<_, _>>()
        .map_err(|_| foreign())?;
    if lists.is_empty() {
        lists.push(CertificateRevocationListDer::from(bytes));
    }
    let mut signed = false;
    for list in &lists {
        let (_, list) = x509_parser::parse_x509_crl(list).map_err(|_| foreign())?;
        signed |= cas.iter().any(|ca| {
            x509_parser::parse_x509_certificate(ca).is_ok_and(|(_, ca)| {
                ca.subject() == list.issuer() && list.verify_signature(ca.public_key()).is_ok()
            })
        });
    }
    if signed { Ok(lists) } else { Err(foreign()) }
}

pub(crate) fn timestamp(time: ASN1Time) -> Timestamp {
    Timestamp::from_second(time.timestamp()).unwrap_or(Timestamp::MAX)
}
