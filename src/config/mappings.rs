//! `[mappings]`: the folder with a folder for each force.

use std::path::{Path, PathBuf};

use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mappings {
    pub folder: PathBuf,
}

impl Mappings {
    pub(in crate::config) fn resolve(&mut self, base: &Path) {
        self.folder = base.join(&self.folder);
    }
}
