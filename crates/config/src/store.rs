//! `[store]`: the embedded store.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::fault::SettingsFaults;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreSettings {
    pub path: PathBuf,
    /// Remembers how far the store had come, so that an older copy of it is not taken for it. Never
    /// in the store's own folder nor in its backup: what befalls the one shall not befall the other.
    #[serde(default = "default_anchor")]
    pub anchor: PathBuf,
    /// Nothing is taken and nothing is written: for a store that a start refuses.
    #[serde(default)]
    pub read_only: bool,
    /// Below it new records get 503; settling goes on. 0 keeps no reserve.
    #[serde(default = "default_disk_reserve_bytes")]
    pub disk_reserve_bytes: u64,
}

fn default_anchor() -> PathBuf {
    PathBuf::from("secrets/store.anchor")
}

fn default_disk_reserve_bytes() -> u64 {
    256 << 20
}

impl StoreSettings {
    pub(crate) fn resolve(&mut self, base: &Path) {
        self.path = base.join(&self.path);
        self.anchor = base.join(&self.anchor);
    }

    pub(crate) fn validate(&self, faults: &mut SettingsFaults) {
        if self.anchor.parent() == self.path.parent() {
            faults.add(
                "store.anchor",
                "it is in the store's own folder, so what befalls the store befalls it too",
                "Put it into another folder, such as the one of the secrets",
            );
        }
    }
}
