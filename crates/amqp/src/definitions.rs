//! What the broker's operator loads once (`load_definitions`): users, their rights and the
//! topology. AMQP itself cannot make users.
//!
//! A virtual host for each provider, and two users in it and nowhere else. Neither may declare or delete anything, read the other
//! compartment, or write anywhere but its own outcome exchange; so the broker, not the body of a
//! message, says who spoke.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde_json::{Value, json};

use super::password::{self, NoRandomness};
use super::topology::{Argument, Exchange, ExchangeType, Queue, QueueNames, Topology, vhost};
use cara_config::SecretFile;

/// A right to nothing.
const NOTHING: &str = "^$";

/// A user of the broker. Without a password it logs in by client certificate only.
#[derive(Clone)]
pub struct Account {
    pub name: String,
    pub password: Option<String>,
}

/// Passwords are never shown.
impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The two users of one provider.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The provider's slug.
    pub provider: String,
    pub intake: Account,
    pub victims: Account,
}

/// Everything that the definitions file says.
#[derive(Clone, Debug)]
pub struct Definitions {
    /// Has its rights in every provider's virtual host.
    pub gateway: Account,
    /// May do everything; only for brokers that have no other administrator.
    pub administrator: Option<Account>,
    pub pairs: Vec<Pair>,
}

/// Why an account's password could not be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    #[error("{file} cannot be written; make its folder writable")]
    Unwritable { file: String, source: std::io::Error },
    #[error(transparent)]
    Secret(#[from] cara_config::secret::Unusable),
    #[error("{file} holds no line of text; write the password as its only line")]
    NoPassword { file: String },
}

/// The user that reads the intake and rejected queues: `harbour-intake`.
pub fn intake_user(provider: &str) -> String {
    format!("{provider}-intake")
}

/// The user that reads the victim queues: `harbour-victims`.
pub fn victims_user(provider: &str) -> String {
    format!("{provider}-victims")
}

impl Account {
    /// The account whose password stands in `<folder>/<name>.password`. A file that does not exist
    /// is made, with a fresh password that only its owner may read.
    pub fn of_folder(name: &str, folder: &Path) -> Result<Account, Error> {
        let file = folder.join(format!("{name}.password"));
        let shown = || file.display().to_string();
        let unwritable = |source| Error::Unwritable { file: shown(), source };
        let mut options = std::fs::OpenOptions::new();
        match options.write(true).create_new(true).mode(0o600).open(&file) {
            Ok(mut new) => {
                let password = password::generate()?;
                writeln!(new, "{password}").and_then(|()| new.sync_all()).map_err(unwritable)?;
                Ok(Account { name: name.to_owned(), password: Some(password) })
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                let secret = SecretFile::at(&file, shown()).read()?;
                let line = secret.line().filter(|line| !line.is_empty());
                let password = line.ok_or_else(|| Error::NoPassword { file: shown() })?;
                Ok(Account { name: name.to_owned(), password: Some(password.to_owned()) })
            }
            Err(error) => Err(unwritable(error)),
        }
    }

    fn json(&self, tags: &[&str]) -> Result<Value, NoRandomness> {
        let hash = match &self.password {
            Some(password) => password::hash(password, password::salt()?),
            None => String::new(),
        };
        Ok(json!({
            "name": self.name,
            "password_hash": hash,
            "hashing_algorithm": password::HASHING,
            "tags": tags,
        }))
    }
}

impl Pair {
    /// Both accounts of a provider, by [`Account::of_folder`].
    pub fn of_folder(provider: &str, folder: &Path) -> Result<Pair, Error> {
        Ok(Pair {
            provider: provider.to_owned(),
            intake: Account::of_folder(&intake_user(provider), folder)?,
            victims: Account::of_folder(&victims_user(provider), folder)?,
        })
    }
}

impl Definitions {
    /// The file's content. Passwords are in it only as salted hashes.
    pub fn json(&self) -> Result<Value, NoRandomness> {
        let of_each = |part: fn(&Topology) -> Vec<Value>| -> Vec<Value> {
            let providers = self.pairs.iter().map(|pair| pair.provider.as_str());
            providers.flat_map(|provider| part(&Topology::of(provider))).collect()
        };
        Ok(json!({
            "vhosts": of_each(|it| vec![json!({ "name": vhost(&it.provider) })]),
            "users": self.users()?,
            "permissions": self.permissions(),
            "policies": [],
            "exchanges": of_each(exchanges),
            "queues": of_each(queues),
            "bindings": of_each(bindings),
        }))
    }

    fn users(&self) -> Result<Vec<Value>, NoRandomness> {
        let mut users = vec![self.gateway.json(&[])?];
        for pair in &self.pairs {
            users.push(pair.intake.json(&[])?);
            users.push(pair.victims.json(&[])?);
        }
        if let Some(administrator) = &self.administrator {
            users.push(administrator.json(&["administrator"])?);
        }
        Ok(users)
    }

    fn permissions(&self) -> Vec<Value> {
        let own = r"^cara\.";
        let mut all = Vec::new();
        for Pair { provider, intake, victims } in &self.pairs {
            let names = QueueNames::of(provider);
            all.push(permission(provider, &self.gateway, own, own, own));
            let read = exactly(&[&names.intake, &names.rejected]);
            let write = exactly(&[&names.outcomes]);
            all.push(permission(provider, intake, NOTHING, &write, &read));
            let read = exactly(&[&names.victims, &names.victim_rejected]);
            let write = exactly(&[&names.victim_outcomes]);
            all.push(permission(provider, victims, NOTHING, &write, &read));
            if let Some(administrator) = &self.administrator {
                all.push(permission(provider, administrator, ".*", ".*", ".*"));
            }
        }
        all
    }
}

/// Rights in the virtual host of a provider.
fn permission(
    provider: &str,
    account: &Account,
    configure: &str,
    write: &str,
    read: &str,
) -> Value {
    json!({
        "user": account.name,
        "vhost": vhost(provider),
        "configure": configure,
        "write": write,
        "read": read,
    })
}

fn exchanges(topology: &Topology) -> Vec<Value> {
    let json = |exchange: &Exchange| {
        json!({
            "name": exchange.name,
            "vhost": vhost(&topology.provider),
            "type": match exchange.kind { ExchangeType::Topic => "topic", ExchangeType::Direct => "direct" },
            "durable": true,
            "auto_delete": false,
            "internal": false,
            "arguments": {},
        })
    };
    topology.exchanges.iter().map(json).collect()
}

fn queues(topology: &Topology) -> Vec<Value> {
    let json = |queue: &Queue| {
        json!({
            "name": queue.name,
            "vhost": vhost(&topology.provider),
            "durable": true,
            "auto_delete": false,
            "arguments": arguments(&queue.arguments),
        })
    };
    topology.queues.iter().map(json).collect()
}

fn bindings(topology: &Topology) -> Vec<Value> {
    let json = |queue: &Queue| {
        json!({
            "source": queue.exchange,
            "vhost": vhost(&topology.provider),
            "destination": queue.name,
            "destination_type": "queue",
            "routing_key": queue.binding_key,
            "arguments": {},
        })
    };
    topology.queues.iter().map(json).collect()
}

/// A pattern of exactly these names. Slugs hold letters, digits and hyphens only, so the dot is
/// all there is to escape.
fn exactly(names: &[&str]) -> String {
    let names: Vec<_> = names.iter().map(|name| name.replace('.', r"\.")).collect();
    format!("^({})$", names.join("|"))
}

fn arguments(arguments: &[(&'static str, Argument)]) -> Value {
    let json = |argument: &Argument| match argument {
        Argument::Text(text) => Value::from(text.as_str()),
        Argument::Number(number) => Value::from(*number),
    };
    arguments.iter().map(|(key, argument)| ((*key).to_owned(), json(argument))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definitions() -> Definitions {
        let account = |name: &str| Account {
            name: name.to_owned(),
            password: Some(format!("secret of {name}")),
        };
        Definitions {
            gateway: account("cara-gateway"),
            administrator: None,
            pairs: vec![Pair {
                provider: "harbour".to_owned(),
                intake: account("harbour-intake"),
                victims: account("harbour-victims"),
            }],
        }
    }

    #[test]
    fn no_password_is_in_the_file() {
        let text = definitions().json().unwrap().to_string();
        assert!(!text.contains("secret of"));
    }

    #[test]
    fn a_provider_reads_and_writes_its_own_compartment_only() {
        let permissions = definitions().permissions();
        assert_eq!(
            permissions[1],
            json!({
                "user": "harbour-intake", "vhost": "cara.harbour", "configure": "^$",
                "write": r"^(cara\.outcomes\.harbour)$",
                "read": r"^(cara\.intake\.harbour|cara\.rejected\.harbour)$",
            })
        );
        assert_eq!(
            permissions[2],
            json!({
                "user": "harbour-victims", "vhost": "cara.harbour", "configure": "^$",
                "write": r"^(cara\.victim_outcomes\.harbour)$",
                "read": r"^(cara\.victims\.harbour|cara\.victim_rejected\.harbour)$",
            })
        );
    }
}
