//! Opening the vault from its files, and making them once for a new gateway.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use ring::rand::SecureRandom as _;

use super::Vault;
use super::epoch::{self, Epochs};
use super::index::Hashing;
use crate::config;

/// Bytes of every secret; in a file 64 hexadecimal digits or the bare bytes.
pub(in crate::vault) const SECRET_BYTES: usize = 32;

/// Why the vault could not be opened, or could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the secret cannot be used")]
    Secret(#[source] config::secret::Unusable),
    #[error(
        "the secret that `{setting}` names is not 32 bytes or 64 hexadecimal digits; restore the \
         right file"
    )]
    WrongLength { setting: String },
    #[error(
        "the folder {} that `vault.epochs` names cannot be read; restore it, never start with a \
         fresh one beside an old store", path.display()
    )]
    EpochsMissing { path: PathBuf, source: io::Error },
    #[error(
        "the folder {} that `vault.epochs` names holds no epoch-0000001.key or later; restore its \
         files", path.display()
    )]
    EpochsEmpty { path: PathBuf },
    #[error("others may read the folder {}; run chmod 700 on it", path.display())]
    EpochsExposed { path: PathBuf },
    #[error("the secret {} could not be made", path.display())]
    NotMade { path: PathBuf, source: io::Error },
    #[error("the operating system gave no random bytes")]
    Random,
    #[error("the master-key epoch {epoch} is not in the folder; restore epoch-{epoch:07}.key")]
    EpochAbsent { epoch: u32 },
    #[error("the keys were erased")]
    Erased,
    /// Wrong key, wrong place or changed bytes; which of them cannot be told.
    #[error("the sealed {what} does not open: it was changed, moved, or sealed with other keys")]
    Broken { what: &'static str },
}

impl Vault {
    /// Reads every secret. One that is missing, empty or open to others stops the start.
    pub fn open(settings: &config::Vault) -> Result<Vault, Error> {
        let index_key = read_secret(&settings.index_key)?;
        let audit_key = read_secret(&settings.audit_key)?;
        Ok(Vault {
            epochs: Epochs::read(&settings.epochs)?,
            hashing: Hashing::from_secrets(&index_key, &audit_key),
            random: ring::rand::SystemRandom::new(),
        })
    }

    /// Makes the secrets of a new gateway: the first epoch, the index key and the audit key, each
    /// readable for this user only. A file that is there already is kept as it is.
    pub fn create_secrets(settings: &config::Vault) -> Result<(), Error> {
        let first_epoch = settings.epochs.join(epoch::file_name(1));
        let paths = [settings.index_key.path(), settings.audit_key.path(), &first_epoch];
        for path in paths {
            create_secret(path)
                .map_err(|source| Error::NotMade { path: path.to_owned(), source })?;
        }
        Ok(())
    }
}

pub(in crate::vault) fn read_secret(
    file: &config::SecretFile,
) -> Result<[u8; SECRET_BYTES], Error> {
    let secret = file.read().map_err(Error::Secret)?;
    parse_secret(secret.as_bytes()).ok_or_else(|| Error::WrongLength { setting: file.key().into() })
}

/// Bare bytes, or hexadecimal digits with or without a line end.
fn parse_secret(bytes: &[u8]) -> Option<[u8; SECRET_BYTES]> {
    if let Ok(bare) = <[u8; SECRET_BYTES]>::try_from(bytes) {
        return Some(bare);
    }
    let digits = bytes.trim_ascii();
    if digits.len() != SECRET_BYTES * 2 {
        return None;
    }
    let mut secret = [0; SECRET_BYTES];
    for (byte, pair) in secret.iter_mut().zip(digits.chunks_exact(2)) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    Some(secret)
}

fn create_secret(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = match made {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut secret = [0; SECRET_BYTES];
    ring::rand::SystemRandom::new()
        .fill(&mut secret)
        .map_err(|_| io::Error::other("no random bytes"))?;
    let mut digits = super::index::hex(&secret);
    digits.push('\n');
    file.write_all(digits.as_bytes())?;
    file.sync_all()?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// Whether somebody else may list or enter the folder.
pub(in crate::vault) fn open_to_others(folder: &Path) -> io::Result<bool> {
    Ok(std::fs::metadata(folder)?.permissions().mode() & 0o077 != 0)
}
