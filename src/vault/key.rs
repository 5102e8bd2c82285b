//! The three keys of a case: made, wrapped, used.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::SecureRandom;
use uuid::Uuid;

use super::{Binding, Compartment, Error, Sealed, Vault, WrappedKeys};

pub(super) const KEY_BYTES: usize = 32;

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
    /// Three new keys for a case, and the same wrapped by the newest epoch.
    pub fn mint_keys(&self, id: Uuid) -> Result<(WrappedKeys, Keys), Error> {
        let mut random = [0; 3 * (KEY_BYTES + NONCE_LEN)];
        self.random.fill(&mut random).map_err(|_| Error::NoRandom)?;
        let (number, master) = self.epochs.newest();
        let mut parts = random.chunks_exact(KEY_BYTES + NONCE_LEN);
        let mut mint = |name: &str| {
            let Some((key, nonce)) = parts.next().and_then(|part| part.split_at_checked(KEY_BYTES))
            else {
                unreachable!("the random bytes are three parts of this length")
            };
            let mut wrapped = nonce.to_vec();
            let mut body = key.to_vec();
            let sealed = master.seal_in_place_append_tag(
                nonce_of(nonce)?,
                Aad::from(wrap_aad(id, name, number)),
                &mut body,
            );
            sealed.map_err(|_| Error::DoesNotOpen)?;
            wrapped.append(&mut body);
            Ok::<_, Error>((wrapped, aes(key)?))
        };
        let (raw, raw_key) = mint("raw")?;
        let (offender, offender_key) = mint("offender")?;
        let (victim, victim_key) = mint("victim")?;
        random.fill(0);
        let keys = Keys { raw: raw_key, offender: offender_key, victim: victim_key };
        Ok((WrappedKeys { epoch: number, raw, offender, victim }, keys))
    }

    /// Opens the keys of a case.
    pub fn unwrap_keys(&self, id: Uuid, wrapped: &WrappedKeys) -> Result<Keys, Error> {
        let master = self.epochs.numbered(wrapped.epoch)?;
        let open = |bytes: &[u8], name: &str| {
            let aad = wrap_aad(id, name, wrapped.epoch);
            let mut plain = open(master, &aad, bytes)?;
            let key = aes(&plain);
            plain.fill(0);
            key
        };
        Ok(Keys {
            raw: open(&wrapped.raw, "raw")?,
            offender: open(&wrapped.offender, "offender")?,
            victim: open(&wrapped.victim, "victim")?,
        })
    }

    /// Seals bytes for one column of one row.
    pub fn seal<C: Compartment>(
        &self,
        keys: &Keys,
        binding: Binding,
        plain: &[u8],
    ) -> Result<Sealed<C>, Error> {
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).map_err(|_| Error::NoRandom)?;
        let mut bytes = Vec::with_capacity(NONCE_LEN + plain.len() + AES_256_GCM.tag_len());
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(plain);
        let aad = Aad::from(binding.aad::<C>());
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = C::key(keys)
            .seal_in_place_separate_tag(nonce, aad, &mut bytes[NONCE_LEN..])
            .map_err(|_| Error::DoesNotOpen)?;
        bytes.extend_from_slice(tag.as_ref());
        Ok(Sealed::from_stored(bytes))
    }

    /// Opens what was sealed for the same column of the same row.
    pub fn open_sealed<C: Compartment>(
        &self,
        keys: &Keys,
        binding: Binding,
        sealed: &Sealed<C>,
    ) -> Result<Vec<u8>, Error> {
        open(C::key(keys), &binding.aad::<C>(), sealed.as_bytes())
    }
}

impl Binding {
    fn aad<C: Compartment>(self) -> Vec<u8> {
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

fn open(key: &LessSafeKey, aad: &[u8], bytes: &[u8]) -> Result<Vec<u8>, Error> {
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
