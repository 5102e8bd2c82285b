//! Master-key epochs: one file each, `epoch-0000001.key`; the newest wraps, all unwrap.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use ring::aead::LessSafeKey;
use ring::hmac;
use uuid::Uuid;

use super::{Error, cipher, secret};

pub(super) struct Epochs {
    /// Never empty.
    secrets: BTreeMap<u32, hmac::Key>,
}

impl Epochs {
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let wrong = |what: String| Error::Secret { path: folder.to_owned(), what };
        let unreadable = |error: std::io::Error| {
            let kind = error.kind();
            wrong(format!("the folder cannot be read ({kind}); restore it, never make a new one"))
        };
        let mode = std::fs::metadata(folder).map_err(unreadable)?.permissions().mode();
        if mode & 0o022 != 0 {
            return Err(wrong("others may put files into it: run chmod 700 on it".to_owned()));
        }
        let mut secrets = BTreeMap::new();
        for entry in std::fs::read_dir(folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name();
            let Some(number) = number_of(&name.to_string_lossy()) else { continue };
            let bytes = secret::read(&entry.path())?;
            secrets.insert(number, hmac::Key::new(hmac::HMAC_SHA256, &bytes));
        }
        if secrets.is_empty() {
            return Err(wrong("it holds no file like epoch-0000001.key".to_owned()));
        }
        Ok(Epochs { secrets })
    }

    /// The number of the epoch that wraps new keys.
    pub fn newest(&self) -> u32 {
        match self.secrets.last_key_value() {
            Some((number, _)) => *number,
            None => unreachable!("read refuses a folder without epochs"),
        }
    }

    /// The key that wraps the keys of one id under one epoch: made anew for each id, so that an
    /// epoch has no limit on how many keys it may wrap.
    pub fn wrapping_key(&self, number: u32, id: Uuid) -> Result<LessSafeKey, Error> {
        let secret = self.secrets.get(&number).ok_or(Error::EpochMissing(number))?;
        let mut derivation = hmac::Context::with_key(secret);
        derivation.update(b"wrap 1");
        derivation.update(id.as_bytes());
        cipher::aes(derivation.sign().as_ref())
    }
}

pub(super) fn file_name(number: u32) -> String {
    format!("epoch-{number:07}.key")
}

fn number_of(name: &str) -> Option<u32> {
    let digits = name.strip_prefix("epoch-")?.strip_suffix(".key")?;
    if digits.len() != 7 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().filter(|&number| number > 0)
}
