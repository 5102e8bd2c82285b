//! Who calls.

use cara_store::ForceNumber;

use crate::{ForceRefusal, Unfinished};

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

impl Caller {
    /// The force that a call is about: the caller's only one, or the one of several that it names.
    pub(crate) fn force(
        &self,
        named: Option<&str>,
    ) -> Result<ForceNumber, Unfinished<ForceRefusal>> {
        match named {
            None if self.forces.len() > 1 => Err(ForceRefusal::Parameter { name: "force" }.into()),
            None => Ok(self.forces[0]),
            Some(named) => {
                let mut own = self.forces.iter().copied();
                let found = own.find(|code| code.to_string() == named);
                found.ok_or(ForceRefusal::Absent.into())
            }
        }
    }

    /// Whether it may see what is stored of this force.
    pub(crate) fn may_see(&self, force: ForceNumber, test_data: bool) -> bool {
        self.forces.contains(&force) && self.test == test_data
    }
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
