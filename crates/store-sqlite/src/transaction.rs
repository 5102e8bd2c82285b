//! One transaction of the writer, as each entity adds to it.

use jiff::Timestamp;
use rusqlite::{Connection, Params};

use cara_store::audit::End;
use cara_vault::Vault;

/// Why a step was not carried out.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The state is not the one that the step names.
    Conflict,
    /// The caller gave what no caller may give; a fault of ours.
    Impossible(&'static str),
    Backend(rusqlite::Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Failure::Backend(error)
    }
}

/// One transaction: what every step needs, and what it changes besides the tables.
pub(crate) struct Transaction<'w> {
    pub connection: &'w Connection,
    pub vault: &'w Vault,
    pub now: Timestamp,
    /// The audit chain's end as far as this transaction has written it.
    pub end: End,
}

/// Outbox rows that an entry added.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Added {
    pub revision_row: i64,
    pub messages: u64,
}

/// A row that is there already is somebody who was first.
pub(crate) fn unique<T>(written: rusqlite::Result<T>) -> Result<T, Failure> {
    use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};
    written.map_err(|error| match error.sqlite_error() {
        Some(code)
            if matches!(
                code.extended_code,
                SQLITE_CONSTRAINT_UNIQUE | SQLITE_CONSTRAINT_PRIMARYKEY
            ) =>
        {
            Failure::Conflict
        }
        _ => Failure::Backend(error),
    })
}

impl Transaction<'_> {
    /// An update of exactly one row; none is a `Conflict`.
    pub fn one(&self, sql: &str, bound: impl Params) -> Result<(), Failure> {
        match self.connection.prepare_cached(sql)?.execute(bound)? {
            1 => Ok(()),
            _ => Err(Failure::Conflict),
        }
    }
}
