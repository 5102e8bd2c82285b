//! Records that are held.

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Error;
use super::mapping::MappingRef;
use super::value::{Cause, ForceNumber};
use cara_vault::{Digest, RawKey, RecordIndex, Sealed, WrappedKeys};

/// Reads of holds.
pub trait Holds: Send + Sync + 'static {
    fn hold(&self, hold_id: Uuid) -> BoxFuture<'_, Result<Option<HoldRow>, Error>>;

    /// Holds oldest first, `after` exclusive; at most `limit`.
    fn holds(
        &self,
        filter: HoldFilter,
        after: Option<Uuid>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<HoldRow>, Error>>;

    /// The open hold of these bytes, if there is one.
    fn open_hold(
        &self,
        force: ForceNumber,
        bytes: Digest,
    ) -> BoxFuture<'_, Result<Option<Uuid>, Error>>;

    /// Records that have been held since before this moment, and of which the force was not told.
    fn untold_holds(&self, before: Timestamp) -> BoxFuture<'_, Result<Vec<HoldRow>, Error>>;

    /// Open holds of a mapping, the newest first, from `before` on (exclusive); at most `limit`.
    fn kept_holds(
        &self,
        force: ForceNumber,
        mapping: String,
        before: Option<Uuid>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<HoldRow>, Error>>;

    /// The correction of an open hold that waits for a second operator.
    fn pending_correction(
        &self,
        hold_id: Uuid,
    ) -> BoxFuture<'_, Result<Option<PendingCorrection>, Error>>;
}

#[derive(Debug)]
pub struct NewHold {
    pub hold_id: Uuid,
    pub force: ForceNumber,
    /// None when the record's key could not be read.
    pub record: Option<RecordIndex>,
    /// Keyed hash of the record's bytes: the same faulty bytes open no second hold.
    pub bytes: Digest,
    pub causes: Vec<Cause>,
    pub mapping: MappingRef,
    pub received_at: Timestamp,
    pub test_data: bool,
    /// Only the raw key is used.
    pub keys: WrappedKeys,
    pub raw: Sealed<RawKey>,
    /// Media type the record came with.
    pub media_type: String,
    /// The unlisted codes that held it, sealed as JSON, for the operator's list.
    pub unlisted: Option<Sealed<RawKey>>,
}

/// How a hold ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldEnd {
    /// An operator released it and its referral was written.
    Released,
    /// An operator corrected one field, and so its referral was written.
    Corrected,
    /// An operator gave it back to the force.
    Returned,
    /// A later good record of the same case made it needless.
    Superseded,
    /// The force withdrew the case.
    Withdrawn,
}

#[derive(Debug)]
pub struct HoldRow {
    pub hold_id: Uuid,
    pub force: ForceNumber,
    pub record: Option<RecordIndex>,
    pub causes: Vec<Cause>,
    pub mapping: MappingRef,
    pub received_at: Timestamp,
    pub test_data: bool,
    pub keys: WrappedKeys,
    pub raw: Sealed<RawKey>,
    pub media_type: String,
    pub unlisted: Option<Sealed<RawKey>>,
    pub ended: Option<(HoldEnd, Timestamp)>,
}

#[derive(Clone, Debug, Default)]
pub struct HoldFilter {
    pub force: Option<ForceNumber>,
    pub record: Option<RecordIndex>,
    pub open_only: bool,
}

/// What stops an open hold after it was tried again.
#[derive(Debug)]
pub struct HeldAgain {
    pub hold_id: Uuid,
    pub causes: Vec<Cause>,
    pub mapping: MappingRef,
    /// As of [`super::NewHold`].
    pub unlisted: Option<Sealed<RawKey>>,
}

/// A correction of an open hold that one operator wants and that another has to agree to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingCorrection {
    pub hold_id: Uuid,
    /// `offender.phones`
    pub field: String,
    /// Keyed hash of field and value: the value itself is nowhere.
    pub digest: Digest,
    pub by: String,
    pub at: Timestamp,
    pub because: String,
}
