//! What is wrong with a `gateway.toml`, for the person who must mend it.

use std::fmt;
use std::path::{Path, PathBuf};

/// One thing wrong: where, what, and what to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub file: PathBuf,
    /// `identity[2].forces`; lists are numbered from 1. Empty for the whole file.
    pub key: String,
    pub what: String,
    pub now: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.file.display())?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{}. {}.", self.what, self.now)
    }
}

impl std::error::Error for Fault {}

/// Collects faults while a file is read.
#[derive(Debug)]
pub(crate) struct SettingsFaults {
    file: PathBuf,
    found: Vec<Fault>,
}

impl SettingsFaults {
    pub(crate) fn of(file: &Path) -> Self {
        SettingsFaults { file: file.to_path_buf(), found: Vec::new() }
    }

    pub(crate) fn add(
        &mut self,
        key: impl Into<String>,
        what: impl Into<String>,
        now: impl Into<String>,
    ) {
        let (key, what, now) = (key.into(), what.into(), now.into());
        self.found.push(Fault { file: self.file.clone(), key, what, now });
    }

    /// The number must lie within the bounds, both included.
    pub(crate) fn bound<T>(&mut self, key: impl Into<String>, value: T, from: T, to: T)
    where
        T: PartialOrd + fmt::Display,
    {
        if value < from || value > to {
            self.add(key, format!("{value} is out of bounds"), format!("Use {from} to {to}"));
        }
    }

    /// A name that stands in file names, routing keys and log lines.
    pub(crate) fn slug(&mut self, key: impl Into<String>, value: &str) {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if value.is_empty() || value.len() > 48 || !value.chars().all(plain) {
            self.add(
                key,
                format!("`{value}` is not a name"),
                "Use 1 to 48 lower-case letters, digits and hyphens",
            );
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(crate) fn into_found(self) -> Vec<Fault> {
        self.found
    }
}
