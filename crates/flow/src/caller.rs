//! Who calls.

use cara_store::ForceNumber;

/// Who is calling, proven by a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The identity's name in `gateway.toml`.
    pub identity: String,
    /// Never empty.
    pub forces: Vec<ForceNumber>,
    /// A test identity's records never reach a live queue.
    pub test: bool,
    /// May read the notices that concern victims.
    pub victims: bool,
}

/// An operator, proven by the operating system's user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    pub name: String,
    pub role: Role,
    pub victims: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Look,
    Operate,
    Administer,
}
