//! The embedded store: SQLite in WAL mode with full synchronisation, one writer thread that commits
//! for everybody who waits, a few readers, and claims of outbox rows in memory (a start frees them).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::BoxFuture;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::Notify;
use uuid::Uuid;

use super::*;
use crate::clock::Clock;
use crate::vault::Vault;

mod claim;
mod entry;
mod read;
mod schema;
mod value;
mod writer;

#[cfg(test)]
mod tests;

/// How long a statement waits for a lock that somebody outside holds before it is `Unavailable`.
const BUSY_MS: u64 = 1000;

/// Readers that are kept open.
const READERS_MAX: usize = 4;

/// The embedded store.
pub struct Sqlite {
    path: PathBuf,
    writer: writer::Writer,
    readers: Arc<read::Readers>,
    claims: Arc<claim::Claims>,
    clock: Clock,
    wake: Arc<Notify>,
    poisoned: Arc<AtomicBool>,
    _lock: nix::fcntl::Flock<std::fs::File>,
}

impl Sqlite {
    /// Opens the file, or makes it, and brings its tables up to date. One process at a time.
    pub fn open(
        settings: &crate::config::Store,
        clock: Clock,
        vault: Arc<Vault>,
        metric: crate::metric::Metric,
    ) -> Result<Self, Error> {
        let path = &settings.path;
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(backend)?;
        }
        let lock = lock(path)?;
        let mut connection = connect(path, false)?;
        schema::migrate(&mut connection, clock.now())?;
        let wake = Arc::new(Notify::new());
        let poisoned = Arc::new(AtomicBool::new(false));
        let writer = writer::Writer::start(writer::Parts {
            connection,
            vault,
            metric,
            folder: path.parent().map(Path::to_path_buf).unwrap_or_default(),
            disk_reserve_bytes: settings.disk_reserve_bytes,
            wake: Arc::clone(&wake),
            poisoned: Arc::clone(&poisoned),
            clock: clock.clone(),
        })?;
        Ok(Sqlite {
            path: path.clone(),
            writer,
            readers: Arc::new(read::Readers::new(path.clone())),
            claims: Arc::default(),
            clock,
            wake,
            poisoned,
            _lock: lock,
        })
    }

    /// Runs a query on a reader, off the caller's thread.
    fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> BoxFuture<'_, Result<T, Error>> {
        let readers = Arc::clone(&self.readers);
        Box::pin(async move {
            let reading = tokio::task::spawn_blocking(move || readers.with(query));
            match reading.await {
                Ok(answer) => answer,
                Err(_) => Err(Error::Unavailable { reason: "the gateway is stopping" }),
            }
        })
    }
}

impl std::fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sqlite({})", self.path.display())
    }
}

/// The lock is the process's own, so it is gone when the process is, however it ended.
fn lock(path: &Path) -> Result<nix::fcntl::Flock<std::fs::File>, Error> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let mut options = std::fs::OpenOptions::new();
    let file = options.create(true).truncate(false).write(true).open(&name).map_err(backend)?;
    nix::fcntl::Flock::lock(file, nix::fcntl::FlockArg::LockExclusiveNonblock)
        .map_err(|_| Error::Unavailable { reason: "another gateway serves this store" })
}

fn connect(path: &Path, read_only: bool) -> Result<Connection, Error> {
    let flags = if read_only {
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX
    } else {
        OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
    };
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(std::time::Duration::from_millis(BUSY_MS)).map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(64);
    if !read_only {
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
                 PRAGMA secure_delete = ON; PRAGMA cache_size = -16384;",
            )
            .map_err(failed)?;
    }
    Ok(connection)
}

fn backend(error: std::io::Error) -> Error {
    Error::Backend(Box::new(error))
}

/// What a statement's failure means to the caller.
fn failed(error: rusqlite::Error) -> Error {
    use rusqlite::ErrorCode::{
        CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, SystemIoFailure,
    };
    match error.sqlite_error_code() {
        Some(DatabaseBusy | DatabaseLocked) => {
            Error::Unavailable { reason: "the store is locked by somebody else" }
        }
        Some(DiskFull) => Error::Unavailable { reason: "the disk is full" },
        Some(SystemIoFailure | CannotOpen) => {
            Error::Unavailable { reason: "the disk does not answer as it should" }
        }
        _ => Error::Backend(Box::new(error)),
    }
}

impl Store for Sqlite {
    fn look(&self, force: ForceCode, record: RecordIndex) -> BoxFuture<'_, Result<Known, Error>> {
        self.read(move |connection| read::known(connection, force, record))
    }

    fn write(&self, entries: Vec<Entry>) -> BoxFuture<'_, Vec<Result<Receipt, Refused>>> {
        Box::pin(self.writer.entries(entries))
    }

    fn bound_key(
        &self,
        force: ForceCode,
        key: KeyIndex,
    ) -> BoxFuture<'_, Result<Option<BoundKey>, Error>> {
        self.read(move |connection| read::bound_key(connection, force, key))
    }

    fn open_hold(
        &self,
        force: ForceCode,
        bytes: Digest,
    ) -> BoxFuture<'_, Result<Option<Uuid>, Error>> {
        self.read(move |connection| read::open_hold(connection, force, bytes))
    }

    fn referral(&self, referral_id: Uuid) -> BoxFuture<'_, Result<Option<ReferralRow>, Error>> {
        self.read(move |connection| read::referral(connection, referral_id))
    }

    fn hold(&self, hold_id: Uuid) -> BoxFuture<'_, Result<Option<HoldRow>, Error>> {
        self.read(move |connection| read::hold(connection, hold_id))
    }

    fn holds(
        &self,
        filter: HoldFilter,
        after: Option<Uuid>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<HoldRow>, Error>> {
        self.read(move |connection| read::holds(connection, &filter, after, limit))
    }

    fn claim(&self, limit: usize, lease_s: u32) -> BoxFuture<'_, Result<Vec<Leased>, Error>> {
        let (claims, clock) = (Arc::clone(&self.claims), self.clock.clone());
        self.read(move |connection| claims.claim(connection, &clock, limit, lease_s))
    }

    fn settle(&self, outcomes: Vec<(Lease, Settled)>) -> BoxFuture<'_, Result<Vec<bool>, Error>> {
        Box::pin(async move {
            let held = self.claims.held(&outcomes, &self.clock);
            let rows: Vec<i64> = outcomes.iter().map(|(lease, _)| lease.row_id).collect();
            let kept: Vec<_> = outcomes
                .into_iter()
                .zip(&held)
                .filter(|(_, held)| **held)
                .map(|((lease, settled), _)| (lease.row_id, settled))
                .collect();
            let changed = self.writer.settle(kept).await?;
            let given_back: Vec<_> =
                rows.iter().zip(&held).filter(|(_, held)| **held).map(|(row, _)| *row).collect();
            self.claims.release(&given_back);
            // What was blocked behind these rows may be claimable now.
            self.wake.notify_one();
            let mut changed = changed.into_iter();
            Ok(held.iter().map(|held| *held && changed.next().unwrap_or(false)).collect())
        })
    }

    fn backlog(&self) -> BoxFuture<'_, Result<Backlog, Error>> {
        self.read(read::backlog)
    }

    fn dead(&self) -> BoxFuture<'_, Result<Vec<DeadRow>, Error>> {
        self.read(read::dead)
    }

    fn revive(&self, event_id: Uuid, audit: Fact) -> BoxFuture<'_, Result<bool, Error>> {
        Box::pin(self.writer.revive(event_id, audit))
    }

    fn wake(&self) -> Arc<Notify> {
        Arc::clone(&self.wake)
    }

    fn is_poisoned(&self) -> bool {
        self.poisoned.load(Ordering::Acquire)
    }

    fn day(
        &self,
        force: ForceCode,
        test: bool,
        day: jiff::civil::Date,
    ) -> BoxFuture<'_, Result<Day, Error>> {
        self.read(move |connection| read::day(connection, force, test, day))
    }

    fn audit_rows(&self, after: u64, limit: usize) -> BoxFuture<'_, Result<Vec<AuditRow>, Error>> {
        self.read(move |connection| read::audit_rows(connection, after, limit))
    }

    fn audit_head(&self) -> BoxFuture<'_, Result<Option<AuditHead>, Error>> {
        self.read(read::audit_head)
    }

    fn plan_versions(&self) -> BoxFuture<'_, Result<Vec<PlanVersion>, Error>> {
        self.read(read::plan_versions)
    }

    fn activate_plan(
        &self,
        version: PlanVersion,
        audit: Vec<Fact>,
    ) -> BoxFuture<'_, Result<Result<(), Refused>, Error>> {
        Box::pin(self.writer.activate_plan(version, audit))
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.writer.probe())
    }

    fn close(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.writer.close())
    }
}
