//! Connections to one provider's virtual host on the broker: every address in turn, by password,
//! client certificate or both.

use std::sync::Arc;
use std::time::Duration;

use lapin::uri::{AMQPScheme, AMQPUri, SASLMechanism};
use lapin::{Connection, ConnectionProperties};

use super::topology::vhost;
use super::trim::Allowance;
use super::{Error, transport};
use cara_tls::Connector;

/// How long one address may take to answer.
const DIAL_S_MAX: u64 = 10;

/// The broker and this end notice within about twice this time that the other is gone.
const HEARTBEAT_S: u16 = 10;

/// Makes connections by the settings of `[broker]` to the virtual host of one provider. Secrets and certificates are read for every
/// connection, so that new ones are used without a restart.
#[derive(Clone, Debug)]
pub struct Dialer {
    settings: cara_config::BrokerSettings,
    addresses: Vec<AMQPUri>,
}

impl Dialer {
    /// `provider` by its slug.
    pub fn of(settings: &cara_config::BrokerSettings, provider: &str) -> Result<Dialer, Error> {
        let mut addresses = Vec::with_capacity(settings.urls.len());
        for (index, url) in settings.urls.iter().enumerate() {
            let mut address: AMQPUri =
                url.parse().map_err(|_| Error::Address { number: index + 1 })?;
            address.vhost = vhost(provider);
            addresses.push(address);
        }
        Ok(Dialer { settings: settings.clone(), addresses })
    }

    /// What is written as `user_id`, which the broker checks; none where the certificate alone says
    /// who this is.
    pub fn user_id(&self) -> Option<&str> {
        self.settings.password.as_ref().map(|_| self.settings.user.as_str())
    }

    /// Tries each address once. `purpose` is what the broker's operator sees as the connection's
    /// name.
    pub async fn dial(&self, purpose: &str) -> Result<Connection, Error> {
        self.dial_for(purpose, None).await
    }

    /// The same to read messages, cut to the allowance: what the broker hands out is in memory before
    /// anybody can look at it.
    pub(crate) async fn dial_to_read(
        &self,
        purpose: &str,
        allowance: Arc<Allowance>,
    ) -> Result<Connection, Error> {
        self.dial_for(purpose, Some(allowance)).await
    }

    async fn dial_for(
        &self,
        purpose: &str,
        allowance: Option<Arc<Allowance>>,
    ) -> Result<Connection, Error> {
        if tracing::enabled!(target: "lapin::returned_messages", tracing::Level::WARN) {
            return Err(Error::LogsBodies);
        }
        let password = match &self.settings.password {
            Some(file) => Some(file.read()?.line().ok_or(Error::Password)?.to_owned()),
            None => None,
        };
        let mut reasons = Vec::new();
        let mut refused = None;
        for address in &self.addresses {
            let place = format!("{}:{}", address.authority.host, address.authority.port);
            let address = self.dressed(address, password.as_deref());
            let tls = match address.scheme {
                AMQPScheme::AMQPS => Some(self.tls()?),
                AMQPScheme::AMQP => None,
            };
            match connect(address, tls, purpose, allowance.clone()).await {
                Ok(connection) => return Ok(connection),
                Err(failed) => {
                    let reason = format!("{place}: {failed}");
                    if matches!(&failed, Failed::Broker(error) if is_refusal(error)) {
                        refused.get_or_insert(reason.clone());
                    }
                    reasons.push(reason);
                }
            }
        }
        match refused {
            Some(said) => Err(Error::Refused {
                what: format!("the login to {}", self.vhost()),
                said: format!(
                    "{said}; compare broker.user, its password and that virtual host with the broker's"
                ),
            }),
            None => Err(Error::Away { reasons: reasons.join("; ") }),
        }
    }

    fn vhost(&self) -> &str {
        self.addresses.first().map_or("its virtual host", |address| address.vhost.as_str())
    }

    fn dressed(&self, address: &AMQPUri, password: Option<&str>) -> AMQPUri {
        let mut address = address.clone();
        address.query.heartbeat = Some(HEARTBEAT_S);
        match password {
            Some(password) => {
                address.authority.userinfo.username = self.settings.user.clone();
                address.authority.userinfo.password = password.to_owned();
            }
            None => address.query.auth_mechanism = Some(SASLMechanism::External),
        }
        address
    }

    fn tls(&self) -> Result<Connector, Error> {
        let ca = self.settings.ca.as_deref().ok_or(Error::NoCa)?;
        let own = self.settings.certificate.as_deref().zip(self.settings.key.as_ref());
        Ok(Connector::of(ca, own)?)
    }
}

/// Why one address gave no connection.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Broker(lapin::Error),
    #[error("no answer within {DIAL_S_MAX} s")]
    Silent,
}

/// The broker answered, and it will not have this user here.
fn is_refusal(error: &lapin::Error) -> bool {
    const ACCESS_REFUSED: u16 = 403;
    const NOT_ALLOWED: u16 = 530;
    match error.kind() {
        lapin::ErrorKind::ProtocolError(said) => {
            [ACCESS_REFUSED, NOT_ALLOWED].contains(&said.get_id())
        }
        _ => false,
    }
}

async fn connect(
    address: AMQPUri,
    tls: Option<Connector>,
    purpose: &str,
    allowance: Option<Arc<Allowance>>,
) -> Result<Connection, Failed> {
    let name = format!("cara-gateway {purpose}");
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    let dialing = transport::connect(address, tls, properties, allowance);
    match tokio::time::timeout(Duration::from_secs(DIAL_S_MAX), dialing).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(Failed::Broker(error)),
        Err(_) => Err(Failed::Silent),
    }
}
