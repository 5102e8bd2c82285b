//! Typed settings: one file for each section; `sample.toml` shows them all.
//!
//! [`Settings::load`] reads a whole `gateway.toml` or says everything that is wrong with it at
//! once. It fails closed: an unknown key, a missing section or a value out of bounds stops the
//! start. A variable `CARA_API__LISTEN` of the environment replaces `api.listen`; variables
//! without the double underscore are not settings.

mod api;
mod broker;
mod ca;
pub mod delivery;
mod fault;
mod force;
mod identity;
mod internal;
pub mod mail;
mod mappings;
pub mod operators;
mod provider;
pub mod secret;
mod store;
mod vault;

mod check;
mod read;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use api::ApiSettings;
pub use broker::BrokerSettings;
pub use ca::{CaSettings, Crl};
pub use delivery::{Address, DeliverySettings};
pub use fault::Fault;
pub use force::ForceSettings;
pub use identity::{Fingerprint, IdentitySettings};
pub use internal::InternalSettings;
pub use mail::MailSettings;
pub use mappings::MappingSettings;
pub use operators::{OperatorRole, OperatorSettings};
pub use provider::ProviderSettings;
pub use secret::{Secret, SecretFile};
pub use store::StoreSettings;
pub use vault::VaultSettings;

/// The whole of `gateway.toml`, valid and with every path absolute.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The file that was read.
    pub file: PathBuf,
    pub api: ApiSettings,
    pub internal: InternalSettings,
    pub operators: OperatorSettings,
    pub store: StoreSettings,
    pub vault: VaultSettings,
    pub broker: BrokerSettings,
    pub mappings: MappingSettings,
    /// `None`: nothing can be pushed; forces poll.
    pub delivery: Option<DeliverySettings>,
    /// `None`: nobody is written to.
    pub mail: Option<MailSettings>,
    pub cas: Vec<CaSettings>,
    pub providers: Vec<ProviderSettings>,
    pub forces: Vec<ForceSettings>,
    pub identities: Vec<IdentitySettings>,
}

impl Settings {
    /// Reads the file and the environment. The error holds every problem that was found.
    pub fn load(file: &Path) -> Result<Settings, Vec<Fault>> {
        read::from_file(file, std::env::vars())
    }

    /// As [`Settings::load`], from text: relative paths are under the folder of `file`, which need
    /// not exist. `environment` stands for the process's variables.
    pub fn read(
        text: &str,
        file: &Path,
        environment: &BTreeMap<String, String>,
    ) -> Result<Settings, Vec<Fault>> {
        read::from_text(text, file, environment.clone())
    }

    pub fn force(&self, slug: &str) -> Option<&ForceSettings> {
        self.forces.iter().find(|force| force.slug == slug)
    }

    pub fn provider(&self, slug: &str) -> Option<&ProviderSettings> {
        self.providers.iter().find(|provider| provider.slug == slug)
    }

    pub fn ca(&self, name: &str) -> Option<&CaSettings> {
        self.cas.iter().find(|ca| ca.name == name)
    }

    pub fn identity(&self, name: &str) -> Option<&IdentitySettings> {
        self.identities.iter().find(|identity| identity.name == name)
    }

    /// The largest body that a force may send, in bytes.
    pub fn body_bytes_max(&self, force: &ForceSettings) -> usize {
        force.body_bytes_max.unwrap_or(self.api.body_bytes_max)
    }

    /// How many requests a force may make in a second.
    pub fn requests_per_s_max(&self, force: &ForceSettings) -> u32 {
        force.requests_per_s_max.unwrap_or(self.api.requests_per_s_max)
    }

    /// What a force's records may add to the store in a day, in bytes.
    pub fn store_bytes_per_day_max(&self, force: &ForceSettings) -> u64 {
        force.store_bytes_per_day_max.unwrap_or(self.api.store_bytes_per_day_max)
    }
}
