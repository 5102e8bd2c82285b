//! The server's rustls configuration: client certificates required, nothing resumed.

use std::sync::{Arc, PoisonError};

use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert, ServerConfig};
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, SignatureScheme, version,
};

use super::file::Error;
use super::identity::Denied;
use super::trust::Trust;

impl Trust {
    /// The configuration of the forces' listener. It follows the files: it need not be made again.
    pub fn server_config(self: &Arc<Self>, tls_1_2: bool) -> Result<ServerConfig, Error> {
        let versions: &[_] =
            if tls_1_2 { &[&version::TLS13, &version::TLS12] } else { &[&version::TLS13] };
        let gate = Arc::new(Gate { trust: Arc::clone(self) });
        let mut config = ServerConfig::builder_with_details(
            Arc::clone(&self.provider),
            Arc::clone(&gate) as Arc<dyn TimeProvider>,
        )
        .with_protocol_versions(versions)
        .map_err(Error::Rustls)?
        .with_client_cert_verifier(Arc::clone(&gate) as Arc<dyn ClientCertVerifier>)
        .with_cert_resolver(gate);
        // A resumed session would carry yesterday's answer about the certificate.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.max_early_data_size = 0;
        Ok(config)
    }
}

/// What rustls asks during a handshake.
#[derive(Debug)]
struct Gate {
    trust: Arc<Trust>,
}

impl TimeProvider for Gate {
    fn current_time(&self) -> Option<UnixTime> {
        Some(self.trust.unix_time())
    }
}

impl ResolvesServerCert for Gate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let key = self.trust.server.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&key))
    }
}

impl ClientCertVerifier for Gate {
    /// None: a stranger need not learn whom we trust, and the list may change at any time.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let current = self.trust.current();
        match current.signers(own, others, now) {
            Ok(_) => Ok(ClientCertVerified::assertion()),
            Err(denied) => {
                tracing::warn!(cause = %denied, "tls.handshake_refused");
                Err(rustls::Error::InvalidCertificate(match denied {
                    Denied::Revoked => CertificateError::Revoked,
                    Denied::Expired => CertificateError::Expired,
                    _ => CertificateError::UnknownIssuer,
                }))
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.trust.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.trust.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trust.provider.signature_verification_algorithms.supported_schemes()
    }
}
