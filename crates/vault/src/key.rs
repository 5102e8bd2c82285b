//! The three keys of a case: made, wrapped, used.

use std::collections::{BTreeMap, BTreeSet};

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce};
use ring::rand::SecureRandom;
use uuid::Uuid;

use super::cipher::{KEY_BYTES, aes, open, wipe};
use super::{
    Binding, CompartmentKey, Error, OffenderKey, RawKey, Sealed, Vault, VictimKey, WrappedKeys,
    epoch,
};

/// The opened keys of one referral or hold. Never stored, never shown.
pub struct Keys {
    pub(super) raw: LessSafeKey,
    pub(super) offender: LessSafeKey,
    pub(super) victim: LessSafeKey,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys")
    }
}

impl Vault {
    /// Epochs, by the names of their files, that are missing or are not those that these were wrapped
    /// by: nothing of theirs opens.
    pub fn epochs_missing(&self, samples: &[(Uuid, WrappedKeys)]) -> BTreeSet<String> {
        let mut opens: BTreeMap<u32, bool> = BTreeMap::new();
        for (id, wrapped) in samples {
            // An erased case has no keys, but its epoch is there.
            let is_open = matches!(self.unwrap_keys(*id, wrapped), Ok(_) | Err(Error::Erased));
            *opens.entry(wrapped.epoch).or_default() |= is_open;
        }
        let shut = opens.into_iter().filter(|(_, is_open)| !is_open);
        shut.map(|(number, _)| epoch::file_name(number)).collect()
    }

    /// Three new keys for a case, and the same wrapped by the newest epoch.
    pub fn mint_keys(&self, id: Uuid) -> Result<(WrappedKeys, Keys), Error> {
        let mut fresh = [[0; KEY_BYTES]; 3];
        for key in &mut fresh {
            self.random.fill(key).map_err(|_| Error::NoRandom)?;
        }
        let [raw, offender, victim] = &fresh;
        let keys = Keys { raw: aes(raw)?, offender: aes(offender)?, victim: aes(victim)? };
        let wrapped = self.wrap(id, [raw, offender, victim])?;
        fresh.iter_mut().for_each(|key| wipe(key));
        Ok((wrapped, keys))
    }

    /// Opens the keys of a case.
    pub fn unwrap_keys(&self, id: Uuid, wrapped: &WrappedKeys) -> Result<Keys, Error> {
        let wrapping = self.epochs.wrapping_key(wrapped.epoch, id)?;
        let open = |bytes: &[u8], name: &str| {
            let mut plain = open_wrapped(&wrapping, id, name, wrapped.epoch, bytes)?;
            let key = aes(&plain);
            wipe(&mut plain);
            key
        };
        Ok(Keys {
            raw: open(&wrapped.raw, RawKey::NAME)?,
            offender: open(&wrapped.offender, OffenderKey::NAME)?,
            victim: open(&wrapped.victim, VictimKey::NAME)?,
        })
    }

    /// The same keys wrapped by the newest epoch, so that an older one can be destroyed. A key that
    /// was erased stays erased.
    pub fn rewrap(&self, id: Uuid, wrapped: &WrappedKeys) -> Result<WrappedKeys, Error> {
        let old = self.epochs.wrapping_key(wrapped.epoch, id)?;
        let epoch = self.epochs.newest();
        let wrapping = self.epochs.wrapping_key(epoch, id)?;
        let rewrap = |bytes: &[u8], name: &str| {
            if bytes.is_empty() {
                return Ok(Vec::new());
            }
            let mut plain = open_wrapped(&old, id, name, wrapped.epoch, bytes)?;
            let again = self.sealed(&wrapping, &wrap_aad(id, name, epoch), &plain);
            wipe(&mut plain);
            again
        };
        Ok(WrappedKeys {
            epoch,
            raw: rewrap(&wrapped.raw, RawKey::NAME)?,
            offender: rewrap(&wrapped.offender, OffenderKey::NAME)?,
            victim: rewrap(&wrapped.victim, VictimKey::NAME)?,
        })
    }

    fn wrap(&self, id: Uuid, keys: [&[u8; KEY_BYTES]; 3]) -> Result<WrappedKeys, Error> {
        let epoch = self.epochs.newest();
        let wrapping = self.epochs.wrapping_key(epoch, id)?;
        let wrap = |key: &[u8], name| self.sealed(&wrapping, &wrap_aad(id, name, epoch), key);
        let [raw, offender, victim] = keys;
        Ok(WrappedKeys {
            epoch,
            raw: wrap(raw, RawKey::NAME)?,
            offender: wrap(offender, OffenderKey::NAME)?,
            victim: wrap(victim, VictimKey::NAME)?,
        })
    }

    /// A fresh random nonce, the ciphertext, the tag.
    fn sealed(&self, key: &LessSafeKey, aad: &[u8], plain: &[u8]) -> Result<Vec<u8>, Error> {
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).map_err(|_| Error::NoRandom)?;
        let mut bytes = Vec::with_capacity(NONCE_LEN + plain.len() + AES_256_GCM.tag_len());
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(plain);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = key
            .seal_in_place_separate_tag(nonce, Aad::from(aad), &mut bytes[NONCE_LEN..])
            .map_err(|_| Error::DoesNotOpen)?;
        bytes.extend_from_slice(tag.as_ref());
        Ok(bytes)
    }

    /// Seals bytes for one column of one row.
    pub fn seal<C: CompartmentKey>(
        &self,
        keys: &Keys,
        binding: Binding,
        plain: &[u8],
    ) -> Result<Sealed<C>, Error> {
        self.sealed(C::key(keys), &binding.aad::<C>(), plain).map(Sealed::from_stored)
    }

    /// Opens what was sealed for the same column of the same row.
    pub fn open_sealed<C: CompartmentKey>(
        &self,
        keys: &Keys,
        binding: Binding,
        sealed: &Sealed<C>,
    ) -> Result<Vec<u8>, Error> {
        open(C::key(keys), &binding.aad::<C>(), sealed.as_bytes())
    }
}

impl Vault {
    /// Whether sealed bytes are as they were sealed; what they hold is overwritten unseen.
    pub fn holds<C: CompartmentKey>(
        &self,
        keys: &Keys,
        binding: Binding,
        sealed: &Sealed<C>,
    ) -> Result<(), Error> {
        self.open_sealed(keys, binding, sealed).map(|mut plain| wipe(&mut plain))
    }
}

impl Binding {
    fn aad<C: CompartmentKey>(self) -> Vec<u8> {
        let mut aad = Vec::with_capacity(64);
        aad.extend_from_slice(self.id.as_bytes());
        aad.extend_from_slice(&self.revision.to_be_bytes());
        aad.extend_from_slice(C::NAME.as_bytes());
        aad.push(0);
        aad.extend_from_slice(self.column.as_bytes());
        aad
    }
}

fn wrap_aad(id: Uuid, name: &str, epoch: u32) -> Vec<u8> {
    let mut aad = Vec::with_capacity(32);
    aad.extend_from_slice(id.as_bytes());
    aad.extend_from_slice(&epoch.to_be_bytes());
    aad.extend_from_slice(name.as_bytes());
    aad
}

fn open_wrapped(
    wrapping: &LessSafeKey,
    id: Uuid,
    name: &str,
    epoch: u32,
    bytes: &[u8],
) -> Result<Vec<u8>, Error> {
    if bytes.is_empty() {
        return Err(Error::Erased);
    }
    open(wrapping, &wrap_aad(id, name, epoch), bytes)
}
