//! `[vault]`: where the keys are.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::fault::SettingsFaults;
use super::secret::SecretFile;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaultSettings {
    /// Folder of master-key epochs; never in the store's backup.
    pub epochs: PathBuf,
    /// Blind index and content digests.
    pub index_key: SecretFile,
    /// The audit chain.
    pub audit_key: SecretFile,
}

impl VaultSettings {
    pub(crate) fn resolve(&mut self, base: &Path) {
        self.epochs = base.join(&self.epochs);
        self.index_key.resolve(base, "vault.index_key");
        self.audit_key.resolve(base, "vault.audit_key");
    }

    pub(crate) fn validate(&self, faults: &mut SettingsFaults) {
        if self.index_key.path() == self.audit_key.path() {
            faults.add(
                "vault.audit_key",
                "it is the same file as `vault.index_key`",
                "Give each its own key",
            );
        }
    }
}
