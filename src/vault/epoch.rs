//! Master-key epochs: wrapping and unwrapping the three keys of a referral or hold.

use std::collections::BTreeMap;
use std::path::Path;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use ring::rand::SecureRandom as _;
use uuid::Uuid;

use super::seal::{KEY_BYTES, Key, Keys};
use super::secrets::{self, Error};
use super::{Compartment, Offender, Raw, Vault, Victim};
use crate::config;

/// The three keys of one referral or hold, wrapped by a master-key epoch. An empty one is erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKeys {
    /// The epoch that wrapped them.
    pub epoch: u32,
    pub raw: Vec<u8>,
    pub offender: Vec<u8>,
    pub victim: Vec<u8>,
}

/// Every epoch that is in the folder, by number.
pub(in crate::vault) struct Epochs {
    by_number: BTreeMap<u32, hmac::Key>,
}

/// `epoch-0000001.key`
pub(in crate::vault) fn file_name(number: u32) -> String {
    format!("epoch-{number:07}.key")
}

fn number_of(file_name: &str) -> Option<u32> {
    let digits = file_name.strip_prefix("epoch-")?.strip_suffix(".key")?;
    if digits.len() != 7 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().filter(|&number| number > 0)
}

impl Epochs {
    pub(in crate::vault) fn read(folder: &Path) -> Result<Epochs, Error> {
        let missing = |source| Error::EpochsMissing { path: folder.to_owned(), source };
        if secrets::open_to_others(folder).map_err(missing)? {
            return Err(Error::EpochsExposed { path: folder.to_owned() });
        }
        let mut by_number = BTreeMap::new();
        for file in std::fs::read_dir(folder).map_err(missing)? {
            let path = file.map_err(missing)?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            if let Some(number) = name.and_then(number_of) {
                let file = config::SecretFile::at(&path, format!("vault.epochs/{number:07}"));
                let secret = secrets::read_secret(&file)?;
                by_number.insert(number, hmac::Key::new(hmac::HMAC_SHA256, &secret));
            }
        }
        if by_number.is_empty() {
            return Err(Error::EpochsEmpty { path: folder.to_owned() });
        }
        Ok(Epochs { by_number })
    }

    /// The number of the epoch that wraps new keys.
    pub(in crate::vault) fn newest(&self) -> u32 {
        self.by_number.last_key_value().map_or(0, |(&number, _)| number)
    }

    /// The key that wraps the keys of one id under one epoch. It is derived anew for each id, so
    /// that an epoch has no limit on how many keys it may wrap.
    fn wrapping_key(&self, epoch: u32, id: Uuid) -> Result<LessSafeKey, Error> {
        let secret = self.by_number.get(&epoch).ok_or(Error::EpochAbsent { epoch })?;
        let mut derivation = hmac::Context::with_key(secret);
        derivation.update(b"cara wrap 1");
        derivation.update(id.as_bytes());
        let derived = derivation.sign();
        UnboundKey::new(&AES_256_GCM, derived.as_ref())
            .map(LessSafeKey::new)
            .map_err(|_| unreachable!("an HMAC-SHA-256 tag is as long as the key"))
    }
}

impl Vault {
    /// The epoch that wraps new keys.
    pub fn newest_epoch(&self) -> u32 {
        self.epochs.newest()
    }

    /// Three fresh keys for a new referral or hold, and how to keep them.
    pub fn mint_keys(&self, id: Uuid) -> Result<(WrappedKeys, Keys), Error> {
        let mut fresh = [0; 3 * KEY_BYTES];
        self.random.fill(&mut fresh).map_err(|_| Error::Random)?;
        let (raw, rest) = fresh.split_at(KEY_BYTES);
        let (offender, victim) = rest.split_at(KEY_BYTES);
        let wrapped = self.wrap(id, raw, offender, victim)?;
        let keys = Keys {
            raw: Key::from_bytes(raw),
            offender: Key::from_bytes(offender),
            victim: Key::from_bytes(victim),
        };
        wipe(&mut fresh);
        Ok((wrapped, keys))
    }

    /// All three keys of a referral or hold.
    pub fn unwrap_keys(&self, id: Uuid, wrapped: &WrappedKeys) -> Result<Keys, Error> {
        Ok(Keys {
            raw: self.unwrap_key(id, wrapped)?,
            offender: self.unwrap_key(id, wrapped)?,
            victim: self.unwrap_key(id, wrapped)?,
        })
    }

    /// One compartment's key alone: what works on one side never holds the other side's key.
    pub fn unwrap_key<C: Compartment>(
        &self,
        id: Uuid,
        wrapped: &WrappedKeys,
    ) -> Result<Key<C>, Error> {
        let mut bytes = C::wrapped(wrapped).to_vec();
        let wrapping = self.epochs.wrapping_key(wrapped.epoch, id)?;
        let opened = open_wrapped(&wrapping, aad(id, wrapped.epoch, C::NAME), &mut bytes);
        let key = opened.map(|bare| Key::from_bytes(bare));
        wipe(&mut bytes);
        key
    }

    /// The same keys wrapped by the newest epoch, so that an older one can be destroyed. Keys that
    /// were erased stay erased.
    pub fn rewrap(&self, id: Uuid, wrapped: &WrappedKeys) -> Result<WrappedKeys, Error> {
        let old = self.epochs.wrapping_key(wrapped.epoch, id)?;
        let epoch = self.epochs.newest();
        let wrapping = self.epochs.wrapping_key(epoch, id)?;
        let rewrap_one = |name, kept: &[u8]| {
            if kept.is_empty() {
                return Ok(Vec::new());
            }
            let mut bytes = kept.to_vec();
            let again = open_wrapped(&old, aad(id, wrapped.epoch, name), &mut bytes)
                .and_then(|bare| self.wrap_one(&wrapping, aad(id, epoch, name), bare));
            wipe(&mut bytes);
            again
        };
        Ok(WrappedKeys {
            epoch,
            raw: rewrap_one(Raw::NAME, &wrapped.raw)?,
            offender: rewrap_one(Offender::NAME, &wrapped.offender)?,
            victim: rewrap_one(Victim::NAME, &wrapped.victim)?,
        })
    }

    fn wrap(
        &self,
        id: Uuid,
        raw: &[u8],
        offender: &[u8],
        victim: &[u8],
    ) -> Result<WrappedKeys, Error> {
        let epoch = self.epochs.newest();
        let wrapping = self.epochs.wrapping_key(epoch, id)?;
        Ok(WrappedKeys {
            epoch,
            raw: self.wrap_one(&wrapping, aad(id, epoch, Raw::NAME), raw)?,
            offender: self.wrap_one(&wrapping, aad(id, epoch, Offender::NAME), offender)?,
            victim: self.wrap_one(&wrapping, aad(id, epoch, Victim::NAME), victim)?,
        })
    }

    fn wrap_one(
        &self,
        wrapping: &LessSafeKey,
        aad: Aad<Vec<u8>>,
        bare: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let nonce = self.nonce()?;
        let mut wrapped = Vec::with_capacity(NONCE_LEN + KEY_BYTES + AES_256_GCM.tag_len());
        wrapped.extend_from_slice(&nonce);
        wrapped.extend_from_slice(bare);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = wrapping
            .seal_in_place_separate_tag(nonce, aad, &mut wrapped[NONCE_LEN..])
            .map_err(|_| unreachable!("a key is far below the longest plaintext"))?;
        wrapped.extend_from_slice(tag.as_ref());
        Ok(wrapped)
    }

    /// Fresh random bytes for one sealing.
    pub(in crate::vault) fn nonce(&self) -> Result<[u8; NONCE_LEN], Error> {
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).map_err(|_| Error::Random)?;
        Ok(nonce)
    }
}

/// Binds a wrapped key to its id, epoch and compartment.
fn aad(id: Uuid, epoch: u32, compartment: &str) -> Aad<Vec<u8>> {
    let mut bound = Vec::with_capacity(48);
    bound.extend_from_slice(b"cara key 1");
    bound.extend_from_slice(id.as_bytes());
    bound.extend_from_slice(&epoch.to_be_bytes());
    bound.extend_from_slice(compartment.as_bytes());
    Aad::from(bound)
}

fn open_wrapped<'b>(
    wrapping: &LessSafeKey,
    aad: Aad<Vec<u8>>,
    bytes: &'b mut [u8],
) -> Result<&'b mut [u8], Error> {
    if bytes.is_empty() {
        return Err(Error::Erased);
    }
    let broken = Error::Broken { what: "key" };
    let Some((nonce, sealed)) = bytes.split_first_chunk_mut::<NONCE_LEN>() else {
        return Err(broken);
    };
    match wrapping.open_in_place(Nonce::assume_unique_for_key(*nonce), aad, sealed) {
        Ok(bare) if bare.len() == KEY_BYTES => Ok(bare),
        _ => Err(broken),
    }
}

/// Overwrites a key that lay in a buffer of ours. The cipher's own copies are beyond reach.
fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    // Keeps the compiler from leaving out a write that nobody reads.
    std::hint::black_box(bytes);
}
