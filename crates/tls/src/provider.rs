//! The cryptography, and the server's key with its chain.

use rustls::CipherSuite;
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;

use super::file::{self, Error};
use cara_config::ApiSettings;

/// Ring, less the suites of TLS 1.2 that are not ECDHE with AES-GCM.
pub(crate) fn provider() -> CryptoProvider {
    let mut provider = rustls::crypto::ring::default_provider();
    provider.cipher_suites.retain(|suite| {
        !matches!(
            suite.suite(),
            CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
                | CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
        )
    });
    provider
}

/// The server's chain with its key; refused when they do not belong together.
pub(crate) fn certified_key(
    api: &ApiSettings,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, Error> {
    let chain = file::certificates(&api.certificate)?;
    let key = file::private_key(&api.key)?;
    CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => Error::Mismatch {
            setting: api.key.key().to_owned(),
            certificate: api.certificate.clone(),
        },
        rustls::Error::General(_) => Error::NoKey { setting: api.key.key().to_owned() },
        other => Error::Rustls(other),
    })
}
