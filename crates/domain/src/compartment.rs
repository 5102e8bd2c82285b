//! The two compartments of a case, which nobody reads together.

use serde::{Deserialize, Serialize};

/// Who of a provider works with what a message or a lane holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compartment {
    /// The provider's staff who work with the offender: no victim data.
    Offender,
    /// The provider's victim workers.
    Victim,
}

impl Compartment {
    pub const ALL: [Compartment; 2] = [Compartment::Offender, Compartment::Victim];
}
