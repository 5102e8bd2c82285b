//! AES-256-GCM under one key, and the buffers that a key lay in.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::Error;

pub(super) const KEY_BYTES: usize = 32;

/// Opens a nonce, a ciphertext and its tag.
pub(super) fn open(key: &LessSafeKey, aad: &[u8], bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let (nonce, body) = bytes.split_at_checked(NONCE_LEN).ok_or(Error::DoesNotOpen)?;
    let mut body = body.to_vec();
    let plain = key
        .open_in_place(nonce_of(nonce)?, Aad::from(aad), &mut body)
        .map_err(|_| Error::DoesNotOpen)?
        .len();
    body.truncate(plain);
    Ok(body)
}

fn nonce_of(bytes: &[u8]) -> Result<Nonce, Error> {
    Nonce::try_assume_unique_for_key(bytes).map_err(|_| Error::DoesNotOpen)
}

pub(super) fn aes(key: &[u8]) -> Result<LessSafeKey, Error> {
    let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| Error::DoesNotOpen)?;
    Ok(LessSafeKey::new(key))
}

/// Overwrites a key that lay in a buffer of ours. The cipher's own copies are beyond reach.
pub(super) fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    // Keeps the compiler from leaving out a write that nobody reads.
    std::hint::black_box(bytes);
}
