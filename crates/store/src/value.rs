//! Values that rows of several entities have.

use cara_domain::Compartment;
use serde::{Deserialize, Serialize};

use cara_vault::{OffenderKey, Sealed, VictimKey};

/// Home Office two-digit force code, `44`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ForceNumber(pub u8);

impl From<u8> for ForceNumber {
    fn from(code: u8) -> Self {
        ForceNumber(code)
    }
}

impl std::fmt::Display for ForceNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}", self.0)
    }
}

/// Which row it is, as a backend numbers them: to be handed back to it and not to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowId(i64);

impl RowId {
    /// For a backend alone.
    pub fn of(number: i64) -> RowId {
        RowId(number)
    }

    /// For a backend alone.
    pub fn number(self) -> i64 {
        self.0
    }
}

impl std::fmt::Display for RowId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A code with where it applies; never a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// `V201`
    pub code: String,
    pub name: String,
    /// `violation`, `hold` or `flag`
    pub kind: cara_domain::FindingKind,
    pub field: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expected_letter: Option<char>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub named: Option<String>,
}

/// Bytes sealed under the key of one of the two sides.
#[derive(Debug)]
pub enum SealedSide {
    Offender(Sealed<OffenderKey>),
    Victim(Sealed<VictimKey>),
}

impl SealedSide {
    pub fn compartment(&self) -> Compartment {
        match self {
            SealedSide::Offender(_) => Compartment::Offender,
            SealedSide::Victim(_) => Compartment::Victim,
        }
    }

    pub fn as_bytes(&self) -> &[u8] {
        match self {
            SealedSide::Offender(sealed) => sealed.as_bytes(),
            SealedSide::Victim(sealed) => sealed.as_bytes(),
        }
    }
}
