//! `[store]`: the embedded store.

use std::path::{Path, PathBuf};

use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    pub path: PathBuf,
    /// Below it new records get 503; settling goes on. 0 keeps no reserve.
    #[serde(default = "default_disk_reserve_bytes")]
    pub disk_reserve_bytes: u64,
}

fn default_disk_reserve_bytes() -> u64 {
    256 << 20
}

impl Store {
    pub(in crate::config) fn resolve(&mut self, base: &Path) {
        self.path = base.join(&self.path);
    }
}
