//! Connections to the broker: every address in turn, by password, client certificate or both.

use std::time::Duration;

use lapin::tcp::{OwnedIdentity, OwnedTLSConfig};
use lapin::uri::{AMQPScheme, AMQPUri, SASLMechanism};
use lapin::{Connection, ConnectionProperties};

use super::Error;
use crate::config;
use crate::tls;

/// How long one address may take to answer.
const DIAL_S_MAX: u64 = 10;

/// The broker and this end notice within about twice this time that the other is gone.
const HEARTBEAT_S: u16 = 10;

/// Makes connections by the settings of `[broker]`. Secrets and certificates are read for every
/// connection, so that new ones are used without a restart.
#[derive(Clone, Debug)]
pub struct Dialer {
    settings: config::Broker,
    addresses: Vec<AMQPUri>,
}

impl Dialer {
    pub fn of(settings: &config::Broker) -> Result<Dialer, Error> {
        let mut addresses = Vec::with_capacity(settings.urls.len());
        for (index, url) in settings.urls.iter().enumerate() {
            let address: AMQPUri = url.parse().map_err(|_| Error::Address { number: index + 1 })?;
            addresses.push(address);
        }
        Ok(Dialer { settings: settings.clone(), addresses })
    }

    /// What is written as `user_id`, which the broker checks; none where the certificate alone says
    /// who this is.
    pub fn user_id(&self) -> Option<&str> {
        self.settings.password.as_ref().map(|_| self.settings.user.as_str())
    }

    /// The virtual host of the first address.
    pub fn vhost(&self) -> Option<&str> {
        self.addresses.first().map(|address| address.vhost.as_str())
    }

    /// Tries each address once. `purpose` is what the broker's operator sees as the connection's
    /// name.
    pub async fn dial(&self, purpose: &str) -> Result<Connection, Error> {
        if tracing::enabled!(target: "lapin::returned_messages", tracing::Level::WARN) {
            return Err(Error::LogsBodies);
        }
        let password = match &self.settings.password {
            Some(file) => Some(file.read()?.line().ok_or(Error::Password)?.to_owned()),
            None => None,
        };
        let tls = self.tls()?;
        let mut reasons = Vec::new();
        for address in &self.addresses {
            let mut address = address.clone();
            address.query.heartbeat = Some(HEARTBEAT_S);
            match &password {
                Some(password) => {
                    address.authority.userinfo.username = self.settings.user.clone();
                    address.authority.userinfo.password = password.clone();
                }
                None => address.query.auth_mechanism = Some(SASLMechanism::External),
            }
            let place = format!("{}:{}", address.authority.host, address.authority.port);
            let tls = match address.scheme {
                AMQPScheme::AMQPS => tls.clone(),
                AMQPScheme::AMQP => OwnedTLSConfig::default(),
            };
            match connect(address, tls, purpose).await {
                Ok(connection) => return Ok(connection),
                Err(reason) => reasons.push(format!("{place}: {reason}")),
            }
        }
        Err(Error::Away { reasons: reasons.join("; ") })
    }

    /// Only the CA of the settings is trusted: the library is built without any other roots.
    fn tls(&self) -> Result<OwnedTLSConfig, Error> {
        let cert_chain = match &self.settings.ca {
            Some(ca) => Some(tls::roots_pem(ca)?),
            None => None,
        };
        let identity = match (&self.settings.certificate, &self.settings.key) {
            (Some(certificate), Some(key)) => {
                let own = tls::outgoing(certificate, key)?;
                let (pem, key) = (own.chain_pem.into_bytes(), own.key_pem.into_bytes());
                Some(OwnedIdentity::PKCS8 { pem, key })
            }
            _ => None,
        };
        Ok(OwnedTLSConfig { identity, cert_chain })
    }
}

async fn connect(
    address: AMQPUri,
    tls: OwnedTLSConfig,
    purpose: &str,
) -> Result<Connection, String> {
    let name = format!("cara-gateway {purpose}");
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    let runtime = lapin::runtime::default_runtime().map_err(|error| error.to_string())?;
    let dialing = Connection::connect_uri_with_config(address, properties, tls, runtime);
    match tokio::time::timeout(Duration::from_secs(DIAL_S_MAX), dialing).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {DIAL_S_MAX} s")),
    }
}
