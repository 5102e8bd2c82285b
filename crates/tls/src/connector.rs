//! Outgoing connections over TLS: one CA is trusted, and a certificate of the gateway's is shown
//! where it has one.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore, version};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::client;
use super::file::{self, Error};
use super::provider::provider;
use cara_config::SecretFile;

/// Encrypts outgoing connections. Clones share one configuration.
#[derive(Clone)]
pub struct Connector {
    connector: TlsConnector,
}

impl Connector {
    /// `ca` is a PEM file: whoever it names may sign the other side's certificate, nobody else.
    /// `own` is the gateway's certificate with its key.
    pub fn of(ca: &Path, own: Option<(&Path, &SecretFile)>) -> Result<Connector, Error> {
        let mut roots = RootCertStore::empty();
        for root in file::certificates(ca)? {
            roots.add(root).map_err(|error| Error::NotACa {
                file: ca.to_path_buf(),
                source: Box::new(error),
            })?;
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(provider()))
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])
            .map_err(Error::Rustls)?
            .with_root_certificates(roots);
        let config = match own {
            Some((certificate, key)) => {
                client::outgoing(certificate, key)?;
                let chain = file::certificates(certificate)?;
                builder
                    .with_client_auth_cert(chain, file::private_key(key)?)
                    .map_err(Error::Rustls)?
            }
            None => builder.with_no_client_auth(),
        };
        Ok(Connector { connector: TlsConnector::from(Arc::new(config)) })
    }

    /// The handshake; `host` is the name or address that the other side's certificate must bear.
    pub async fn connect<S>(&self, host: &str, stream: S) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        self.connector.connect(name, stream).await
    }
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connector")
    }
}
