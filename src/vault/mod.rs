//! Keys and sealing. Stores nothing: it hands out sealed bytes and wrapped keys.

use std::marker::PhantomData;

/// Marks the compartment whose key seals some bytes.
pub trait Compartment: Send + Sync + 'static {
    const NAME: &'static str;
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
}
impl Compartment for Offender {
    const NAME: &'static str = "offender";
}
impl Compartment for Victim {
    const NAME: &'static str = "victim";
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

/// The three keys of one referral or hold, wrapped by a master-key epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKeys {
    /// The epoch that wrapped them.
    pub epoch: u32,
    pub raw: Vec<u8>,
    pub offender: Vec<u8>,
    pub victim: Vec<u8>,
}
