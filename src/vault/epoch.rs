//! Master-key epochs: one file each, `epoch-0000001.key`; the newest wraps, all unwrap.

use std::collections::BTreeMap;
use std::path::Path;

use ring::aead::LessSafeKey;

use super::{Error, key, secret};

pub(super) struct Epochs {
    /// Never empty.
    keys: BTreeMap<u32, LessSafeKey>,
}

impl Epochs {
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let wrong = |what: String| Error::Secret { path: folder.to_owned(), what };
        let entries = std::fs::read_dir(folder)
            .map_err(|error| wrong(format!("the folder cannot be read ({})", error.kind())))?;
        let mut keys = BTreeMap::new();
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Some(number) = number_of(&name.to_string_lossy()) else { continue };
            let bytes = secret::read(&entry.path())?;
            keys.insert(number, key::aes(&bytes)?);
        }
        if keys.is_empty() {
            return Err(wrong("it holds no file like epoch-0000001.key".to_owned()));
        }
        Ok(Epochs { keys })
    }

    pub fn newest(&self) -> (u32, &LessSafeKey) {
        match self.keys.last_key_value() {
            Some((number, key)) => (*number, key),
            None => unreachable!("read refuses a folder without epochs"),
        }
    }

    pub fn numbered(&self, number: u32) -> Result<&LessSafeKey, Error> {
        self.keys.get(&number).ok_or(Error::EpochMissing(number))
    }
}

pub(super) fn file_name(number: u32) -> String {
    format!("epoch-{number:07}.key")
}

fn number_of(name: &str) -> Option<u32> {
    name.strip_prefix("epoch-")?.strip_suffix(".key")?.parse().ok()
}
