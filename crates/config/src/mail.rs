//! `[mail]`: who is written to when a person must look. Mail holds references, never a name.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::fault::SettingsFaults;
use super::secret::SecretFile;

/// An incident is told to so many addresses at most.
const OPERATORS_MAX: usize = 20;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailSettings {
    /// `host:port`. On port 465 TLS comes first, elsewhere STARTTLS.
    pub server: String,
    #[serde(default)]
    pub tls: Encryption,
    /// PEM: who may sign the server's certificate; the machine's own roots when it is left out.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// The sender's plain address.
    pub from: String,
    /// Both or neither, with `password`.
    #[serde(default)]
    pub user: Option<String>,
    #[serde(default)]
    pub password: Option<SecretFile>,
    /// Who gets alerts.
    pub operators: Vec<String>,
}

/// Whether the way to the mail server is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encryption {
    #[default]
    Required,
    /// On this machine only.
    None,
}

impl MailSettings {
    /// Host and port of the server; `None`: it is no such pair, which no valid settings hold.
    pub fn host_and_port(&self) -> Option<(&str, u16)> {
        let (host, port) = self.server.rsplit_once(':')?;
        let port = port.parse().ok().filter(|port| *port != 0)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = bare.unwrap_or(host);
        let of_host = |c: char| c.is_ascii_alphanumeric() || "-.:".contains(c);
        let sound = !host.is_empty()
            && host.chars().all(of_host)
            && host.contains(':') == bare.is_some()
            && (bare.is_none() || host.parse::<IpAddr>().is_ok());
        sound.then_some((host, port))
    }

    pub(crate) fn resolve(&mut self, base: &Path) {
        if let Some(ca) = &mut self.ca {
            *ca = base.join(&ca);
        }
        if let Some(password) = &mut self.password {
            password.resolve(base, "mail.password");
        }
    }

    pub(crate) fn validate(&self, faults: &mut SettingsFaults) {
        match self.host_and_port() {
            None => faults.add(
                "mail.server",
                "it is no host with a port",
                "Write such as \"smtp.example:587\"",
            ),
            Some((host, _)) if self.tls == Encryption::None && !is_loopback(host) => faults.add(
                "mail.tls",
                "mail would cross the network in clear",
                "Leave it at \"required\"; \"none\" is for a server on this machine",
            ),
            Some(_) => {}
        }
        if self.user.is_some() != self.password.is_some() {
            faults.add(
                "mail.user",
                "a user and a password come together",
                "Set both `mail.user` and `mail.password`, or leave both out",
            );
        }
        mailbox("mail.from".to_owned(), &self.from, faults);
        if self.operators.is_empty() || self.operators.len() > OPERATORS_MAX {
            faults.add(
                "mail.operators",
                format!("there are {} of them", self.operators.len()),
                format!("Name 1 to {OPERATORS_MAX} addresses that get the alerts"),
            );
        }
        for (index, operator) in self.operators.iter().enumerate() {
            mailbox(format!("mail.operators[{}]", index + 1), operator, faults);
        }
    }
}

/// Faults never repeat the address.
fn mailbox(key: String, address: &str, faults: &mut SettingsFaults) {
    let plain = |c: char| c.is_ascii_graphic() && !"<>()[],;:\\\"".contains(c);
    let sound = address.len() <= 254
        && address.chars().all(plain)
        && address.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && !domain.is_empty() && !domain.contains('@')
        });
    if !sound {
        faults.add(key, "it is no mail address", "Write such as \"ops@gateway.example\"");
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
