//! Versions of mappings.

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::fact::Fact;
use super::value::ForceNumber;
use super::{Error, NotWritten};

/// Reads of mappings, and how one goes live.
pub trait MappingVersions: Send + Sync + 'static {
    /// The newest live version of every mapping.
    fn plan_versions(&self) -> BoxFuture<'_, Result<Vec<PlanVersion>, Error>>;

    /// Every version of a force's mappings, the newest first.
    fn plan_history(&self, force: ForceNumber) -> BoxFuture<'_, Result<Vec<PlanVersion>, Error>>;

    /// The number of the newest version of every mapping: cheap enough to ask every second.
    fn plan_numbers(&self) -> BoxFuture<'_, Result<Vec<PlanNumber>, Error>>;

    /// One version of a mapping.
    fn plan_version(&self, number: PlanNumber)
    -> BoxFuture<'_, Result<Option<PlanVersion>, Error>>;

    /// The mapping of this name that waits for a second operator.
    fn pending_plan(
        &self,
        force: ForceNumber,
        name: String,
    ) -> BoxFuture<'_, Result<Option<PendingPlan>, Error>>;

    /// Puts the next version of a mapping live; `NotWritten::Conflict` when its number is taken.
    fn activate_plan(
        &self,
        version: PlanVersion,
        audit: Vec<Fact>,
    ) -> BoxFuture<'_, Result<Result<(), NotWritten>, Error>>;
}

/// Which version of which mapping made something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappingRef {
    pub name: String,
    pub version: u32,
    /// Lower-case hexadecimal.
    pub sha256: String,
}

/// One live version of one mapping file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanVersion {
    pub force: ForceNumber,
    /// `referral`
    pub name: String,
    pub version: u32,
    pub sha256: String,
    pub text: String,
    pub by: String,
    pub at: Timestamp,
    pub because: String,
}

/// A mapping that one operator wants to go live and that another has to agree to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingPlan {
    pub force: ForceNumber,
    pub name: String,
    pub sha256: String,
    pub by: String,
    pub at: Timestamp,
    pub because: String,
}

/// Which version of which mapping.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlanNumber {
    pub force: ForceNumber,
    /// `referral`
    pub name: String,
    pub version: u32,
}
