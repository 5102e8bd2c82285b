//! `sandbox.json`: everything that another program needs to use the sandbox.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::certificate::write;
use cara_amqp::topology::QueueNames;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// `https://localhost:8443`
    pub api: String,
    /// `http://127.0.0.1:9100`
    pub internal: String,
    /// The operators' Unix socket.
    pub socket: PathBuf,
    /// The administrator's URL, with user and password and without a virtual host; each provider has
    /// one, `cara.<provider>`.
    pub amqp: String,
    pub providers: BTreeMap<String, ProviderAccess>,
    /// PEM of the CA that signed everything.
    pub ca: PathBuf,
    pub forces: BTreeMap<String, ForceAccess>,
    pub pids: Pids,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderAccess {
    /// Reads `intake` and `rejected`, writes `outcomes`; nothing else.
    pub intake_url: String,
    /// Reads `victims`, writes `victim_outcomes`; nothing else.
    pub victims_url: String,
    pub queues: Queues,
    pub exchanges: Exchanges,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queues {
    pub intake: String,
    pub victims: String,
    pub rejected: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchanges {
    pub outcomes: String,
    pub victim_outcomes: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForceAccess {
    /// Home Office code.
    pub code: String,
    /// PEM
    pub cert: PathBuf,
    /// PEM
    pub key: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pids {
    pub gateway: u32,
    /// Null: the broker is not the sandbox's own.
    pub broker: Option<u32>,
}

impl ProviderAccess {
    pub fn of(slug: &str, intake_url: String, victims_url: String) -> ProviderAccess {
        let names = QueueNames::of(slug);
        ProviderAccess {
            intake_url,
            victims_url,
            queues: Queues {
                intake: names.intake,
                victims: names.victims,
                rejected: names.rejected,
            },
            exchanges: Exchanges {
                outcomes: names.outcomes,
                victim_outcomes: names.victim_outcomes,
            },
        }
    }
}

impl Description {
    /// Writes the file whole or not at all. It holds passwords: only its owner may read it.
    pub fn write(&self, file: &Path) -> anyhow::Result<()> {
        let part = file.with_extension("json.part");
        write(&part, &serde_json::to_string_pretty(self)?, 0o600)?;
        Ok(std::fs::rename(part, file)?)
    }

    pub fn read(file: &Path) -> anyhow::Result<Description> {
        Ok(serde_json::from_slice(&std::fs::read(file)?)?)
    }
}
