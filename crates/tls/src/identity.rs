//! Who a certificate stands for, or why it stands for nobody.

/// Who a certificate stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// As in `gateway.toml`.
    pub name: String,
    /// Codes of the forces that it stands for, 1 to 99; never empty.
    pub forces: Vec<u8>,
    /// A test identity's records never reach a live queue.
    pub test: bool,
    /// May read the notices that concern victims.
    pub victims: bool,
}

/// Why a certificate is not answered. Nothing more is said to its holder than the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    #[error("the certificate has ended")]
    Expired,
    #[error("the certificate is revoked")]
    Revoked,
    #[error("no trusted CA signed the certificate")]
    Untrusted,
    #[error("no identity of gateway.toml fits the certificate")]
    Unknown,
    #[error("two identities of gateway.toml fit the certificate")]
    Ambiguous,
}
