//! What keeps a store sound.

use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use uuid::Uuid;

use super::Error;
use cara_vault::WrappedKeys;

/// Whether a store can be relied on, and its end.
pub trait Upkeep: Send + Sync + 'static {
    /// Whether a commit would succeed now: a real write, rolled forward and harmless.
    fn probe(&self) -> BoxFuture<'_, Result<(), Error>>;

    /// Looks at some rows that were not looked at for a day or since the start. What it finds to be
    /// wrong with one row opens an incident; with the file, stops acceptance as well.
    fn scrub(&self) -> BoxFuture<'_, Result<Scrubbed, Error>>;

    /// For every key epoch that the store names, some of what is wrapped by it: a few of each.
    fn key_samples(&self) -> BoxFuture<'_, Result<Vec<(Uuid, WrappedKeys)>, Error>>;

    /// True once a commit failed in a way that says nothing about what the disk holds: the process
    /// must end and look again.
    fn is_poisoned(&self) -> bool {
        self.poison().is_some()
    }

    /// Why that is so.
    fn poison(&self) -> Option<&'static str>;

    /// Finishes what was promised and closes the files.
    fn close(&self) -> BoxFuture<'_, Result<(), Error>>;
}

/// What came of a turn of the scrub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scrubbed {
    /// How long to rest until the next.
    pub rest: Duration,
    /// Tables that were not looked at whole since the start, of how many.
    pub unchecked: (usize, usize),
}

/// A table, and when the last look at every row of it began; `None`: not yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedTable {
    pub table: String,
    pub at: Option<Timestamp>,
}
