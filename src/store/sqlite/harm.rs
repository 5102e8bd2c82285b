//! What is wrong with the store's files, once something is: from then on nothing more is taken.
//!
//! What was taken already goes on to be read, sent and settled, as far as the files allow.

use std::sync::OnceLock;

use rusqlite::ErrorCode;

use crate::metric::{Metric, alert};

pub(in crate::store::sqlite) const DAMAGED: &str =
    "the store's file is damaged; nothing more is taken";
pub(in crate::store::sqlite) const MOVED: &str =
    "the store's files were removed or replaced under the gateway; nothing more is taken";
pub(in crate::store::sqlite) const READ_ONLY: &str = "the store is opened for reading only";

#[derive(Debug)]
pub(in crate::store::sqlite) struct Harm {
    reason: OnceLock<&'static str>,
    metric: Metric,
}

impl Harm {
    pub fn none(metric: Metric) -> Harm {
        Harm { reason: OnceLock::new(), metric }
    }

    /// Why nothing more is taken.
    pub fn reason(&self) -> Option<&'static str> {
        self.reason.get().copied()
    }

    /// Nothing is taken, which is no incident.
    pub fn refuse(&self, reason: &'static str) {
        let _ = self.reason.set(reason);
    }

    /// Something is found to be wrong with a part of the store: a table, a file's name.
    pub fn found(&self, reason: &'static str, about: &str, what: &str) {
        self.metric.troubles().are(alert::STORE_DAMAGED, about, 1);
        if self.reason.set(reason).is_ok() {
            tracing::error!(about, what, "{reason}");
        }
    }

    /// Looks at a failed statement.
    pub fn weigh(&self, error: &rusqlite::Error, about: &str) {
        if is_damage(error) {
            self.found(DAMAGED, about, &words(error));
        }
    }
}

/// Whether the error says that the file does not hold what was written.
pub(in crate::store::sqlite) fn is_damage(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    is_of_one_row(error)
        || matches!(code, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Whether the error says that a column of the row holds what was never written to it; the row after it can be
/// read.
pub(in crate::store::sqlite) fn is_of_one_row(error: &rusqlite::Error) -> bool {
    use rusqlite::Error as Sql;
    matches!(
        error,
        Sql::InvalidColumnType(..)
            | Sql::FromSqlConversionFailure(..)
            | Sql::IntegralValueOutOfRange(..)
            | Sql::Utf8Error(..)
    )
}

/// The damage without a value from the file.
pub(in crate::store::sqlite) fn words(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(..) => error.to_string(),
        _ => "a column holds what no writer of this program makes".to_owned(),
    }
}
