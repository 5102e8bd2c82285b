//! `[mappings]`: the folder with a folder for each force.

use std::path::{Path, PathBuf};

use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MappingSettings {
    pub folder: PathBuf,
    /// A file that changed goes live by itself, at a start and while the gateway runs, if it is
    /// sound, its tests reach everything and it needs no second operator. Otherwise it stays a
    /// draft until `mapping activate`.
    #[serde(default)]
    pub activate_changes: bool,
    /// A change that concerns the victim, the risk or how somebody is reached needs two operators.
    #[serde(default = "default_second_operator")]
    pub second_operator: bool,
}

fn default_second_operator() -> bool {
    true
}

impl MappingSettings {
    pub(crate) fn resolve(&mut self, base: &Path) {
        self.folder = base.join(&self.folder);
    }
}
