//! Keys and sealing. Stores nothing: it hands out sealed bytes, wrapped keys and keyed hashes.
//!
//! Three layers. A *master-key epoch* is a file in a folder; its number is in the name and the
//! newest wraps. Each referral or hold has three random keys of its own (raw, offender, victim),
//! wrapped under a key that is derived from an epoch and the id, so that no key ever sees enough
//! random nonces for one to repeat. Those three seal the bytes (AES-256-GCM): the sealed text opens
//! only with the id, revision, compartment and column that it was sealed for.
//!
//! Two further secrets make keyed hashes (HMAC-SHA-256): the index key (blind index, content
//! digests) and the audit key (the audit chain). Neither opens anything.
//!
//! What lies on the disk without the epoch files is therefore unreadable, and a referral is erased
//! when its wrapped keys are gone.

use std::marker::PhantomData;

mod epoch;
mod index;
mod seal;
mod secrets;

pub use epoch::WrappedKeys;
pub use index::{Digest, KeyIndex, RecordIndex, sha256_hex};
pub use seal::{Binding, Column, Key, Keys};
pub use secrets::Error;

use epoch::Epochs;
use index::Hashing;

/// Marks the compartment whose key seals some bytes.
pub trait Compartment: Send + Sync + 'static {
    const NAME: &'static str;
    /// This compartment's wrapped key among the three.
    #[doc(hidden)]
    fn wrapped(keys: &WrappedKeys) -> &[u8];
}

/// A record as the force sent it.
#[derive(Debug)]
pub enum Raw {}
/// The offender's side, and the police-only facts of it.
#[derive(Debug)]
pub enum Offender {}
/// The victim's side.
#[derive(Debug)]
pub enum Victim {}

impl Compartment for Raw {
    const NAME: &'static str = "raw";
    fn wrapped(keys: &WrappedKeys) -> &[u8] {
        &keys.raw
    }
}
impl Compartment for Offender {
    const NAME: &'static str = "offender";
    fn wrapped(keys: &WrappedKeys) -> &[u8] {
        &keys.offender
    }
}
impl Compartment for Victim {
    const NAME: &'static str = "victim";
    fn wrapped(keys: &WrappedKeys) -> &[u8] {
        &keys.victim
    }
}

/// Bytes sealed under one compartment's key of one referral or hold.
pub struct Sealed<C: Compartment> {
    bytes: Vec<u8>,
    compartment: PhantomData<C>,
}

impl<C: Compartment> Sealed<C> {
    /// Sealed bytes as read from the store.
    pub fn from_stored(bytes: Vec<u8>) -> Self {
        Sealed { bytes, compartment: PhantomData }
    }
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl<C: Compartment> std::fmt::Debug for Sealed<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealed<{}>({} bytes)", C::NAME, self.bytes.len())
    }
}

/// The key ring of a running gateway. Shared by reference; every call takes `&self`.
pub struct Vault {
    epochs: Epochs,
    hashing: Hashing,
    random: ring::rand::SystemRandom,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").field("newest_epoch", &self.epochs.newest()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
