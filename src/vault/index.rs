//! Keyed hashes: the blind index, content digests and the audit chain's links.

use ring::{digest, hmac};

use super::Vault;

/// Keyed hash of (force, `record_ref`): the store can find a record without knowing its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RecordIndex(pub [u8; 16]);

/// Keyed hash of (force, `Idempotency-Key`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyIndex(pub [u8; 16]);

/// Keyed hash of some content; equal content gives an equal digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

/// One key for each purpose, derived from the two secrets.
pub(in crate::vault) struct Hashing {
    record: hmac::Key,
    idempotency: hmac::Key,
    content: hmac::Key,
    audit: hmac::Key,
}

impl Hashing {
    pub(in crate::vault) fn from_secrets(index_key: &[u8], audit_key: &[u8]) -> Hashing {
        let index = hmac::Key::new(hmac::HMAC_SHA256, index_key);
        let derive = |purpose: &[u8]| {
            hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&index, purpose).as_ref())
        };
        Hashing {
            record: derive(b"cara record index 1"),
            idempotency: derive(b"cara idempotency key 1"),
            content: derive(b"cara content digest 1"),
            audit: hmac::Key::new(hmac::HMAC_SHA256, audit_key),
        }
    }
}

impl Vault {
    /// `force` is the force's number: 44.
    pub fn record_index(&self, force: u8, record_ref: &str) -> RecordIndex {
        let tag = keyed(&self.hashing.record, &[&[force], record_ref.as_bytes()]);
        RecordIndex(first_half(&tag))
    }

    pub fn key_index(&self, force: u8, idempotency_key: &str) -> KeyIndex {
        let tag = keyed(&self.hashing.idempotency, &[&[force], idempotency_key.as_bytes()]);
        KeyIndex(first_half(&tag))
    }

    /// `label` says what is hashed: digests under different labels never match.
    pub fn digest(&self, label: &str, parts: &[&[u8]]) -> Digest {
        let mut context = hmac::Context::with_key(&self.hashing.content);
        update(&mut context, label.as_bytes());
        for part in parts {
            update(&mut context, part);
        }
        Digest(whole(&context.sign()))
    }

    /// A link of the audit chain, under the audit key.
    pub fn audit_mac(&self, label: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.hashing.audit);
        update(&mut context, label.as_bytes());
        for part in parts {
            update(&mut context, part);
        }
        whole(&context.sign())
    }
}

/// Each part with its length in front, so that no two lists of parts give the same bytes.
fn update(context: &mut hmac::Context, part: &[u8]) {
    context.update(&(part.len() as u64).to_be_bytes());
    context.update(part);
}

fn keyed(key: &hmac::Key, parts: &[&[u8]]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        update(&mut context, part);
    }
    context.sign()
}

fn whole(tag: &hmac::Tag) -> [u8; 32] {
    match tag.as_ref().try_into() {
        Ok(bytes) => bytes,
        Err(_) => unreachable!("an HMAC-SHA-256 tag has 32 bytes"),
    }
}

fn first_half(tag: &hmac::Tag) -> [u8; 16] {
    match tag.as_ref().first_chunk() {
        Some(bytes) => *bytes,
        None => unreachable!("an HMAC-SHA-256 tag has 32 bytes"),
    }
}

/// SHA-256 of a text that is not secret (a mapping file), lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

pub(in crate::vault) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut digits = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}
