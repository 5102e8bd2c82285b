//! `[broker]`: where referrals are published.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::fault::SettingsFaults;
use super::secret::SecretFile;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrokerSettings {
    /// `amqps://host:port` without user, password or virtual host: each provider has one of its own,
    /// `cara.<slug>`. Tried in turn, for ever.
    pub urls: Vec<String>,
    #[serde(default = "default_user")]
    pub user: String,
    /// Left out with a client certificate.
    #[serde(default)]
    pub password: Option<SecretFile>,
    /// PEM: who may sign the broker's certificate.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// The gateway's client certificate, with its key; leave both out for none.
    #[serde(default)]
    pub certificate: Option<PathBuf>,
    #[serde(default)]
    pub key: Option<SecretFile>,
    /// Unconfirmed publishes at once.
    #[serde(default = "default_window")]
    pub window: usize,
    #[serde(default = "default_confirm_timeout_s")]
    pub confirm_timeout_s: u32,
    /// False: accept and keep, send nothing.
    #[serde(default = "default_publish")]
    pub publish: bool,
    /// True allows `amqp://` to another machine. Personal data then crosses the network in clear.
    #[serde(default)]
    pub unencrypted: bool,
}

fn default_user() -> String {
    "cara-gateway".to_owned()
}
fn default_window() -> usize {
    256
}
fn default_confirm_timeout_s() -> u32 {
    30
}
fn default_publish() -> bool {
    true
}

impl BrokerSettings {
    pub(crate) fn resolve(&mut self, base: &Path) {
        for path in [&mut self.ca, &mut self.certificate].into_iter().flatten() {
            *path = base.join(&path);
        }
        if let Some(password) = &mut self.password {
            password.resolve(base, "broker.password");
        }
        if let Some(key) = &mut self.key {
            key.resolve(base, "broker.key");
        }
    }

    pub(crate) fn validate(&self, faults: &mut SettingsFaults) {
        faults.bound("broker.window", self.window, 1, 4096);
        faults.bound("broker.confirm_timeout_s", self.confirm_timeout_s, 1, 600);
        if self.certificate.is_some() != self.key.is_some() {
            faults.add(
                "broker.certificate",
                "a certificate and its key come together",
                "Set both `broker.certificate` and `broker.key`, or leave both out",
            );
        }
        if self.publish && self.password.is_none() && self.certificate.is_none() {
            faults.add(
                "broker",
                "there is neither a password file nor a client certificate",
                "Set `broker.password`, or `broker.certificate` and `broker.key`",
            );
        }
        if self.publish && self.urls.is_empty() {
            faults.add("broker.urls", "it is empty", "Name one broker at least");
        }
        for (index, url) in self.urls.iter().enumerate() {
            self.validate_url(&format!("broker.urls[{}]", index + 1), url, faults);
        }
    }

    /// Faults never repeat the URL: it may hold a password.
    fn validate_url(&self, key: &str, url: &str, faults: &mut SettingsFaults) {
        if url.contains('@') {
            faults.add(
                key,
                "it holds a user or a password",
                "Move them to `broker.user` and the file that `broker.password` names",
            );
        }
        let encrypted = url.strip_prefix("amqps://");
        let Some(rest) = encrypted.or_else(|| url.strip_prefix("amqp://")) else {
            faults.add(key, "it is no AMQP address", "Write amqps://host:port");
            return;
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if !path.is_empty() {
            faults.add(
                key,
                "it names a virtual host; every provider has its own, `cara.<slug>`",
                "Write amqps://host:port, and make the virtual hosts with `broker definitions`",
            );
        }
        let authority = authority.rsplit('@').next().unwrap_or_default();
        if authority.is_empty() {
            faults.add(key, "it names no host", "Write amqps://host:port");
        }
        if encrypted.is_none() && !self.unencrypted && !is_loopback(authority) {
            faults.add(
                key,
                "amqp:// would carry personal data in clear to another machine",
                "Use amqps://, or set `broker.unencrypted = true`",
            );
        }
        if encrypted.is_some() && self.ca.is_none() {
            faults.add(
                "broker.ca",
                "amqps:// needs to know who signs the broker's certificate",
                "Name the CA's PEM file",
            );
        }
    }
}

fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let address = host.parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
