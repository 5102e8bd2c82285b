//! Keyed hashes: the blind index, digests of content, the audit chain's links.

use ring::hmac;
use uuid::Uuid;

use super::Vault;

/// Keyed hash of (force, test or live, `record_ref`): the store can find a record without knowing
/// its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RecordIndex(pub [u8; 16]);

/// Keyed hash of (force, identity, `Idempotency-Key`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyIndex(pub [u8; 16]);

/// Keyed hash of some content; equal content gives an equal digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// An id that equal content gives again.
    pub fn id(&self) -> Uuid {
        let mut id = [0; 16];
        id.copy_from_slice(&self.0[..16]);
        Uuid::from_bytes(id)
    }
}

/// One key for each purpose, derived from the two secrets.
pub(super) struct Hashing {
    record: hmac::Key,
    idempotency: hmac::Key,
    content: hmac::Key,
    audit: hmac::Key,
}

impl Hashing {
    pub fn from_secrets(index_key: &[u8], audit_key: &[u8]) -> Hashing {
        let index = hmac::Key::new(hmac::HMAC_SHA256, index_key);
        let derive = |purpose: &[u8]| {
            hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&index, purpose).as_ref())
        };
        Hashing {
            record: derive(b"record index 1"),
            idempotency: derive(b"idempotency key 1"),
            content: derive(b"content digest 1"),
            audit: hmac::Key::new(hmac::HMAC_SHA256, audit_key),
        }
    }
}

impl Vault {
    pub fn record_index(&self, force: u8, test: bool, record_ref: &str) -> RecordIndex {
        let parts: [&[u8]; 2] = [&[force, u8::from(test)], record_ref.as_bytes()];
        RecordIndex(first_half(mac(&self.hashing.record, "record", &parts)))
    }

    pub fn key_index(&self, force: u8, identity: &str, key: &str) -> KeyIndex {
        let parts: [&[u8]; 3] = [&[force], identity.as_bytes(), key.as_bytes()];
        KeyIndex(first_half(mac(&self.hashing.idempotency, "idempotency", &parts)))
    }

    /// Keyed hash of parts under a label. Lengths are hashed too, so parts cannot run together.
    pub fn digest(&self, label: &str, parts: &[&[u8]]) -> Digest {
        Digest(mac(&self.hashing.content, label, parts))
    }

    /// One link of the audit chain: over the link before it, its own number and its fact.
    pub fn audit_mac(&self, before: &[u8; 32], sequence: u64, fact: &str) -> [u8; 32] {
        mac(&self.hashing.audit, "fact", &[before, &sequence.to_be_bytes(), fact.as_bytes()])
    }

    /// Seals the head of the audit chain, so that a tail cannot be cut off unnoticed.
    pub fn audit_head_mac(&self, sequence: u64, last: &[u8; 32]) -> [u8; 32] {
        mac(&self.hashing.audit, "head", &[&sequence.to_be_bytes(), last])
    }

    /// Seals what is remembered of a store outside of it.
    pub fn audit_anchor_mac(&self, store: Uuid, sequence: u64, last: &[u8; 32]) -> [u8; 32] {
        let parts: [&[u8]; 3] = [store.as_bytes(), &sequence.to_be_bytes(), last];
        mac(&self.hashing.audit, "anchor", &parts)
    }
}

fn mac(key: &hmac::Key, label: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(key);
    for part in std::iter::once(label.as_bytes()).chain(parts.iter().copied()) {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut bytes = [0; 32];
    bytes.copy_from_slice(context.sign().as_ref());
    bytes
}

fn first_half(whole: [u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&whole[..16]);
    half
}
