//! Sealing bytes under one compartment's key, and opening them again.

use std::marker::PhantomData;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use uuid::Uuid;

use super::secrets::Error;
use super::{Compartment, Offender, Raw, Sealed, Vault, Victim};

pub(in crate::vault) const KEY_BYTES: usize = 32;

/// The key of one compartment of one referral or hold.
pub struct Key<C: Compartment> {
    cipher: LessSafeKey,
    compartment: PhantomData<C>,
}

impl<C: Compartment> Key<C> {
    pub(in crate::vault) fn from_bytes(bytes: &[u8]) -> Self {
        match UnboundKey::new(&AES_256_GCM, bytes) {
            Ok(key) => Key { cipher: LessSafeKey::new(key), compartment: PhantomData },
            Err(_) => unreachable!("every caller gives 32 bytes"),
        }
    }
}

impl<C: Compartment> std::fmt::Debug for Key<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key<{}>", C::NAME)
    }
}

/// The three keys of one referral or hold.
#[derive(Debug)]
pub struct Keys {
    pub raw: Key<Raw>,
    pub offender: Key<Offender>,
    pub victim: Key<Victim>,
}

/// What sealed bytes are bound to besides their compartment: they open nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The referral's or hold's id.
    pub id: Uuid,
    /// The referral's revision; 0 for a hold.
    pub revision: u32,
    pub column: Column,
}

/// Which column the sealed bytes are kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Column {
    Raw,
    OffenderEvent,
    VictimEvent,
    Police,
    Victim,
    Unlisted,
}

impl Column {
    fn name(self) -> &'static str {
        match self {
            Column::Raw => "raw",
            Column::OffenderEvent => "offender_event",
            Column::VictimEvent => "victim_event",
            Column::Police => "police",
            Column::Victim => "victim",
            Column::Unlisted => "unlisted",
        }
    }
}

impl Vault {
    /// Seals bytes under a fresh random nonce, which is kept in front of them. A referral's key
    /// seals a few columns for each revision: far below what random nonces allow.
    pub fn seal<C: Compartment>(
        &self,
        key: &Key<C>,
        binding: Binding,
        plain: &[u8],
    ) -> Result<Sealed<C>, Error> {
        let nonce = self.nonce()?;
        let mut bytes = Vec::with_capacity(NONCE_LEN + plain.len() + AES_256_GCM.tag_len());
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(plain);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = key
            .cipher
            .seal_in_place_separate_tag(nonce, aad::<C>(binding), &mut bytes[NONCE_LEN..])
            .map_err(|_| Error::Broken { what: "text: it is over 64 GiB" })?;
        bytes.extend_from_slice(tag.as_ref());
        Ok(Sealed { bytes, compartment: PhantomData })
    }

    /// The bytes that were sealed, if they are unchanged and in their place.
    pub fn unseal<C: Compartment>(
        &self,
        key: &Key<C>,
        binding: Binding,
        sealed: &Sealed<C>,
    ) -> Result<Vec<u8>, Error> {
        let broken = Error::Broken { what: C::NAME };
        let Some((nonce, sealed)) = sealed.bytes.split_first_chunk::<NONCE_LEN>() else {
            return Err(broken);
        };
        let mut bytes = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        match key.cipher.open_in_place(nonce, aad::<C>(binding), &mut bytes) {
            Ok(plain) => {
                let plain_bytes = plain.len();
                bytes.truncate(plain_bytes);
                Ok(bytes)
            }
            Err(_) => Err(broken),
        }
    }
}

/// Fixed-length parts first, then two names of which the first ends with a zero: no two bindings
/// give the same bytes.
fn aad<C: Compartment>(binding: Binding) -> Aad<Vec<u8>> {
    let mut bound = Vec::with_capacity(64);
    bound.extend_from_slice(b"cara seal 1");
    bound.extend_from_slice(binding.id.as_bytes());
    bound.extend_from_slice(&binding.revision.to_be_bytes());
    bound.extend_from_slice(C::NAME.as_bytes());
    bound.push(0);
    bound.extend_from_slice(binding.column.name().as_bytes());
    Aad::from(bound)
}
