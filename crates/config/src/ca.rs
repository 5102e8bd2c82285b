//! `[[ca]]`: who may sign client certificates.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::fault::SettingsFaults;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaSettings {
    pub name: String,
    /// PEM; more than one certificate while a CA is being renewed.
    pub certificate: PathBuf,
    pub crl: Crl,
}

/// The CA's revocation list. Having none has to be said in writing.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "PathBuf")]
pub enum Crl {
    /// PEM or DER.
    File(PathBuf),
    None,
}

impl From<PathBuf> for Crl {
    fn from(path: PathBuf) -> Self {
        if path.as_os_str() == "none" { Crl::None } else { Crl::File(path) }
    }
}

impl CaSettings {
    pub(crate) fn resolve(&mut self, base: &Path) {
        self.certificate = base.join(&self.certificate);
        if let Crl::File(path) = &mut self.crl
            && !path.as_os_str().is_empty()
        {
            *path = base.join(&path);
        }
    }

    pub(crate) fn validate(&self, key: &str, faults: &mut SettingsFaults) {
        faults.slug(format!("{key}.name"), &self.name);
        if let Crl::File(path) = &self.crl
            && path.as_os_str().is_empty()
        {
            faults.add(format!("{key}.crl"), "it is empty", "Name a file, or write \"none\"");
        }
    }
}
