//! Secrets: files that only the gateway's user may read. No setting holds one.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// A secret file is never larger than this; a larger one is the wrong file.
const SECRET_BYTES_MAX: u64 = 1 << 20;

/// Names a file that holds a secret. Neither `Debug` nor an error shows the path: a person who
/// types the password itself into the setting shall not find it in a log.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "PathBuf")]
pub struct SecretFile {
    path: PathBuf,
    /// The setting that names the file: `broker.password`.
    key: String,
}

/// The bytes of a secret; `Debug` does not show them.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

/// Why a secret cannot be used. Names the setting, never the path or the content.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    #[error("the file that `{key}` names cannot be read; make it readable for the gateway's user")]
    Unreadable { key: String, source: std::io::Error },
    #[error("others may read or write the file that `{key}` names; run chmod 600 on it")]
    Exposed { key: String },
    #[error("the file that `{key}` names is empty or over 1 MiB; it is not the secret")]
    WrongSize { key: String },
}

impl SecretFile {
    /// A secret file by its path; `key` is the setting's name for errors.
    pub fn at(path: impl Into<PathBuf>, key: impl Into<String>) -> Self {
        SecretFile { path: path.into(), key: key.into() }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn key(&self) -> &str {
        &self.key
    }

    /// The file's bytes, if nobody else may read or change them (mode 600 or narrower).
    pub fn read(&self) -> Result<Secret, Unusable> {
        let unreadable = |source| Unusable::Unreadable { key: self.key.clone(), source };
        let file = File::open(&self.path).map_err(unreadable)?;
        let facts = file.metadata().map_err(unreadable)?;
        if facts.permissions().mode() & 0o077 != 0 {
            return Err(Unusable::Exposed { key: self.key.clone() });
        }
        let mut bytes = Vec::new();
        file.take(SECRET_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.is_empty() || bytes.len() as u64 > SECRET_BYTES_MAX {
            return Err(Unusable::WrongSize { key: self.key.clone() });
        }
        Ok(Secret(bytes))
    }

    pub(crate) fn resolve(&mut self, base: &Path, key: &str) {
        self.path = base.join(&self.path);
        self.key = key.to_owned();
    }
}

impl From<PathBuf> for SecretFile {
    fn from(path: PathBuf) -> Self {
        SecretFile { path, key: String::new() }
    }
}

impl fmt::Debug for SecretFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretFile({})", self.key)
    }
}

impl Secret {
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The secret as one line of text: without the line end that editors add. `None`: not UTF-8.
    pub fn line(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok().map(|text| text.trim_end_matches(['\r', '\n']))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.0.len())
    }
}
