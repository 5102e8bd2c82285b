//! One transaction of the writer, as each entity adds to it.

use jiff::Timestamp;
use rusqlite::{Connection, Params};

use cara_store::audit::ChainEnd;
use cara_vault::Vault;

/// Why a step was not carried out.
#[derive(Debug)]
pub(crate) enum StepFailure {
    /// The state is not the one that the step names.
    Conflict,
    /// The caller gave what no caller may give; a fault of ours.
    Impossible(&'static str),
    Backend(rusqlite::Error),
}

impl From<rusqlite::Error> for StepFailure {
    fn from(error: rusqlite::Error) -> Self {
        StepFailure::Backend(error)
    }
}

/// One transaction: what every step needs, and what it changes besides the tables.
pub(crate) struct Transaction<'w> {
    pub connection: &'w Connection,
    pub vault: &'w Vault,
    pub now: Timestamp,
    /// The audit chain's end as far as this transaction has written it.
    pub end: ChainEnd,
}

/// Outbox rows that an entry added.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Added {
    pub revision_row: i64,
    pub messages: u64,
}

/// A row that is there already is somebody who was first.
pub(crate) fn unique<T>(written: rusqlite::Result<T>) -> Result<T, StepFailure> {
    use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};
    written.map_err(|error| match error.sqlite_error() {
        Some(code)
            if matches!(
                code.extended_code,
                SQLITE_CONSTRAINT_UNIQUE | SQLITE_CONSTRAINT_PRIMARYKEY
            ) =>
        {
            StepFailure::Conflict
        }
        _ => StepFailure::Backend(error),
    })
}

impl Transaction<'_> {
    /// An update of exactly one row; none is a `Conflict`.
    pub fn one(&self, sql: &str, bound: impl Params) -> Result<(), StepFailure> {
        match self.connection.prepare_cached(sql)?.execute(bound)? {
            1 => Ok(()),
            _ => Err(StepFailure::Conflict),
        }
    }
}
