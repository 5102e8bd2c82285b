//! What is wrong with the store's files, once something is: from then on nothing more is taken.
//!
//! What was taken already goes on to be read, sent and settled, as far as the files allow.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rusqlite::ErrorCode;

use super::Error;
use super::lock::beside;
use cara_metric::{Metric, alert};

pub(crate) const DAMAGED: &str = "the store's file is damaged; nothing more is taken";
pub(crate) const MOVED: &str =
    "the store's files were removed or replaced under the gateway; nothing more is taken";
pub(crate) use cara_store::READ_ONLY;

#[derive(Debug)]
pub(crate) struct Harm {
    reason: OnceLock<&'static str>,
    mark: Mark,
    metric: Metric,
}

/// A file beside `store.anchor` that says that the store was found to be damaged: so that no later
/// start believes it, until `doctor --deep` has looked at all of it and found it good.
#[derive(Clone, Debug)]
pub(crate) struct Mark(PathBuf);

impl Mark {
    pub fn beside(anchor: &Path) -> Mark {
        Mark(beside(anchor, ".damaged"))
    }

    /// Refuses a store that has one.
    pub fn ensure_none(&self) -> Result<(), Error> {
        match fs::read_to_string(&self.0) {
            Ok(what) => Err(Error::Marked { path: self.0.clone(), what: what.trim().to_owned() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(Error::Anchor { path: self.0.clone(), source }),
        }
    }

    /// Whether there was one.
    pub fn remove(&self) -> Result<bool, Error> {
        match fs::remove_file(&self.0) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(Error::Anchor { path: self.0.clone(), source }),
        }
    }

    fn put(&self, about: &str, what: &str) -> io::Result<()> {
        let mut file = fs::File::create(&self.0)?;
        writeln!(file, "{about}: {what}")?;
        file.sync_all()?;
        let folder = self.0.parent().unwrap_or(Path::new("."));
        fs::File::open(folder)?.sync_all()
    }
}

impl Harm {
    pub fn none(mark: Mark, metric: Metric) -> Harm {
        Harm { reason: OnceLock::new(), mark, metric }
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
            if reason == DAMAGED
                && let Err(error) = self.mark.put(about, what)
            {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, file = %self.mark.0.display(), "the file that would keep a \
                    start from believing the store cannot be written; do not start again");
            }
        }
    }

    /// Looks at a failed statement.
    pub fn weigh(&self, error: &rusqlite::Error, about: &str) {
        if is_damage(error) {
            self.found(DAMAGED, about, &error.to_string());
        } else if is_of_one_row(error) {
            self.metric.troubles().are(alert::ROW_DAMAGED, format!("a row of {about}"), 1);
        }
    }
}

pub(crate) fn damaged<T>(about: impl Into<String>, what: impl Into<String>) -> Result<T, Error> {
    Err(Error::Damaged { about: about.into(), what: what.into() })
}

/// Whether the error says that the file does not hold what was written.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    let damage = [ErrorCode::DatabaseCorrupt, ErrorCode::NotADatabase];
    error.sqlite_error_code().is_some_and(|code| damage.contains(&code))
}

/// Whether the error says that a column of the row holds what was never written to it; the row after
/// it can be read.
pub(crate) fn is_of_one_row(error: &rusqlite::Error) -> bool {
    use rusqlite::Error as Sql;
    matches!(
        error,
        Sql::InvalidColumnType(..)
            | Sql::FromSqlConversionFailure(..)
            | Sql::IntegralValueOutOfRange(..)
            | Sql::Utf8Error(..)
    )
}
