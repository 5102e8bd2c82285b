//! Keys and sealing. Stores nothing: it hands out sealed bytes and wrapped keys.
//!
//! Every referral and hold has three keys of its own (raw record, offender, victim), wrapped by a
//! master-key *epoch* that lives in a file outside the store; the newest epoch wraps, under a key
//! derived from it and the id, so that no key ever sees enough random nonces for one to repeat. So erasing a case is deleting its key
//! row, and it is final when the last epoch that wrapped it is destroyed. Sealing is AES-256-GCM
//! with a random nonce; the referral, revision, compartment and column are bound to it, so sealed
//! bytes cannot be moved to another row. Indexes and digests are HMAC-SHA256 under keys of their
//! own: without them equal texts cannot be told from different ones.

use std::marker::PhantomData;

use data_encoding::HEXLOWER;
use uuid::Uuid;

mod cipher;
mod create;
mod epoch;
mod index;
mod key;
mod secret;
#[cfg(test)]
mod tests;

pub use create::create_secrets;
pub use index::{Digest, KeyIndex, RecordIndex};
pub use key::Keys;

/// Marks the compartment whose key seals some bytes.
pub trait CompartmentKey: Send + Sync + 'static {
    const NAME: &'static str;
    /// This compartment's key among the three.
    #[doc(hidden)]
    fn key(keys: &Keys) -> &ring::aead::LessSafeKey;
}

/// A record as the force sent it.
#[derive(Debug)]
pub enum RawKey {}
/// The offender's side, and the police-only facts of it.
#[derive(Debug)]
pub enum OffenderKey {}
/// The victim's side.
#[derive(Debug)]
pub enum VictimKey {}

impl CompartmentKey for RawKey {
    const NAME: &'static str = "raw";
    fn key(keys: &Keys) -> &ring::aead::LessSafeKey {
        &keys.raw
    }
}
impl CompartmentKey for OffenderKey {
    const NAME: &'static str = "offender";
    fn key(keys: &Keys) -> &ring::aead::LessSafeKey {
        &keys.offender
    }
}
impl CompartmentKey for VictimKey {
    const NAME: &'static str = "victim";
    fn key(keys: &Keys) -> &ring::aead::LessSafeKey {
        &keys.victim
    }
}

/// Bytes sealed under one compartment's key of one referral or hold: nonce, ciphertext, tag.
pub struct Sealed<C: CompartmentKey> {
    bytes: Vec<u8>,
    compartment: PhantomData<C>,
}

impl<C: CompartmentKey> Sealed<C> {
    /// Sealed bytes as read from the store.
    pub fn from_stored(bytes: Vec<u8>) -> Self {
        Sealed { bytes, compartment: PhantomData }
    }
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl<C: CompartmentKey> std::fmt::Debug for Sealed<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealed<{}>({} bytes)", C::NAME, self.bytes.len())
    }
}

/// The three keys of one referral or hold, wrapped by a master-key epoch.
#[derive(Clone, PartialEq, Eq)]
pub struct WrappedKeys {
    /// The epoch that wrapped them.
    pub epoch: u32,
    pub raw: Vec<u8>,
    pub offender: Vec<u8>,
    pub victim: Vec<u8>,
}

impl std::fmt::Debug for WrappedKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WrappedKeys(epoch {})", self.epoch)
    }
}

/// What sealed bytes are bound to, besides their compartment.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// Referral or hold.
    pub id: Uuid,
    /// 0 for a hold.
    pub revision: u32,
    pub column: &'static str,
}

/// Why something could not be sealed, opened or loaded.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the secret {path} cannot be used: {what}")]
    Secret { path: std::path::PathBuf, what: String },
    #[error(
        "master-key epoch {0} is missing: put its file back; without it what it wrapped is erased"
    )]
    EpochMissing(u32),
    #[error(
        "sealed bytes do not fit their row: they were changed, moved, or sealed under another key"
    )]
    DoesNotOpen,
    #[error("the keys of this case were erased")]
    Erased,
    #[error("the operating system gives no random bytes")]
    NoRandom,
}

/// The key ring.
pub struct Vault {
    epochs: epoch::Epochs,
    hashing: index::Hashing,
    random: ring::rand::SystemRandom,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault")
    }
}

impl Vault {
    /// Reads every secret. A missing one stops the start: nothing is made up in its place.
    pub fn open(settings: &cara_config::VaultSettings) -> Result<Self, Error> {
        let index_key = secret::read(settings.index_key.path())?;
        let audit_key = secret::read(settings.audit_key.path())?;
        Ok(Vault {
            epochs: epoch::Epochs::read(&settings.epochs)?,
            hashing: index::Hashing::from_secrets(&index_key, &audit_key),
            random: ring::rand::SystemRandom::new(),
        })
    }

    /// SHA-256 of a text that is no secret, lower-case hexadecimal.
    pub fn sha256(&self, text: &[u8]) -> String {
        HEXLOWER.encode(ring::digest::digest(&ring::digest::SHA256, text).as_ref())
    }
}
