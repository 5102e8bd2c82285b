//! What the disk holds: sealed bytes, clear ids and states, the outbox, holds, the audit chain.
//!
//! A [`Receipt`] exists only because a commit happened; a [`Lease`] is the right to work on one
//! outbox row; [`Settled`] is the only way a step of work ends.

use jiff::Timestamp;
use uuid::Uuid;

pub mod audit;
mod case;
mod day;
mod entry;
pub mod fact;
mod hold;
mod incident;
mod letter;
mod mail;
mod mapping;
mod notice;
mod outbox;
mod reconciliation;
mod referral;
mod sweep;
mod upkeep;
mod value;

#[cfg(feature = "contract")]
pub mod contract;

pub use audit::{AuditChain, AuditHead, AuditRow};
pub use cara_vault::{Digest, KeyIndex, RecordIndex};
pub use case::*;
pub use day::*;
pub use entry::*;
pub use fact::{FACTS, Fact, FactKind, GATEWAY, Operation};
pub use hold::*;
pub use incident::*;
pub use letter::*;
pub use mail::*;
pub use mapping::*;
pub use notice::*;
pub use outbox::*;
pub use reconciliation::*;
pub use referral::*;
pub use sweep::*;
pub use upkeep::*;
pub use value::*;

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Time will mend it: locked, disk full, below the reserve, stopping. Nothing was promised.
    #[error("the store cannot commit now: {reason}")]
    Unavailable { reason: &'static str },
    /// We must mend it.
    #[error("the store is inconsistent in {table}: {what}")]
    Inconsistent { table: &'static str, what: &'static str },
    #[error("the store failed")]
    Backend(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Why a store that was opened only to save what is in it takes nothing.
pub const READ_ONLY: &str = "the store is opened for reading only";

/// Why one entry was not written while the rest of its batch was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotWritten {
    /// Somebody else wrote the same record, revision, hold or key first: look again.
    #[error("somebody else was first")]
    Conflict,
    /// A fault of the gateway's own in this entry: the same entry will fail again.
    #[error("the entry cannot be stored: {what}")]
    Fault { what: &'static str },
    /// Nothing was written; the whole call is worth a later try.
    #[error("the store cannot commit now: {reason}")]
    Unavailable { reason: &'static str },
}

/// Proof that a commit holds the entry. Only a store makes one.
#[derive(Clone, Debug)]
#[must_use]
pub struct Receipt {
    pub entry_id: Uuid,
    pub committed_at: Timestamp,
}

impl Receipt {
    /// The referral's or hold's id.
    pub fn entry_id(&self) -> Uuid {
        self.entry_id
    }
    pub fn committed_at(&self) -> Timestamp {
        self.committed_at
    }
}

/// One contract for every backend, entity by entity; `contract` holds it as tests that each backend
/// must pass.
pub trait Store:
    AuditChain
    + Cases
    + Days
    + Entries
    + Holds
    + Incidents
    + Letters
    + Mails
    + MappingVersions
    + Notices
    + OutboxRows
    + Reconciliations
    + Referrals
    + Sweeps
    + Upkeep
{
}

impl<T> Store for T where
    T: AuditChain
        + Cases
        + Days
        + Entries
        + Holds
        + Incidents
        + Letters
        + Mails
        + MappingVersions
        + Notices
        + OutboxRows
        + Reconciliations
        + Referrals
        + Sweeps
        + Upkeep
{
}
