//! The embedded store: one SQLite file, one process, one writer.
//!
//! What a commit holds survives a power cut (WAL, `synchronous=FULL`). Writes of all callers gather
//! in one transaction (`writer`), each step in a savepoint of its own, and nobody is answered before
//! its commit. Reads run beside it on connections of their own (`readers`). Claims on outbox rows
//! live in memory (`claim`). A commit of which nobody can know whether the disk has it poisons the
//! store: nothing more is written, and the process must end.

use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rusqlite::Connection;
use tokio::sync::{Notify, mpsc};

mod claim;
mod column;
mod conclude;
mod backend;
mod case;
mod hold;
mod migrate;
mod open;
mod pending;
mod plan;
mod read;
mod readers;
mod settle;
mod step;
mod sweep;
mod tend;
mod write;
mod writer;

#[cfg(test)]
mod tests;

use crate::clock::Clock;
use crate::config;
use crate::metric::Metric;
use crate::supervisor::point;
use crate::vault::Vault;
use claim::Claims;
use open::Opened;
use readers::Readers;
use writer::{Command, Writer};

/// Why the file could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "another process has the store {} open; end it, or give this one another store.path",
        path.display()
    )]
    InUse { path: PathBuf },
    #[error("the store {} cannot be made or opened", path.display())]
    Folder { path: PathBuf, source: std::io::Error },
    #[error(
        "the store was written by a newer program (step {applied}, this one knows {known}); start \
         that one"
    )]
    Newer { applied: i64, known: i64 },
    #[error("the store was made with another vault.index_key; restore that key")]
    OtherIndexKey,
    #[error(
        "the audit chain's head is not under vault.audit_key: restore that key; if it is the right \
         one, somebody changed the store"
    )]
    AuditHead,
    #[error("the store's file failed")]
    Backend(#[from] rusqlite::Error),
    #[error("the store's threads could not be started")]
    Thread(#[source] std::io::Error),
}

/// How one file is opened.
#[derive(Clone, Debug)]
struct Options {
    path: PathBuf,
    /// Below it new records are refused; settling goes on. 0 keeps no reserve.
    disk_reserve_bytes: u64,
    /// How long another program's lock on the file is waited for.
    busy_timeout_ms: u32,
}

impl From<&config::Store> for Options {
    fn from(settings: &config::Store) -> Self {
        Options {
            path: settings.path.clone(),
            disk_reserve_bytes: settings.disk_reserve_bytes,
            busy_timeout_ms: 1_000,
        }
    }
}

/// Callers whose work waits for the writer; one beyond it waits for room.
const WAITING_MAX: usize = 1_024;

/// An opened store. Dropping it finishes what was handed in and frees the file.
pub struct Sqlite {
    readers: Readers,
    /// None once closed.
    commands: Mutex<Option<mpsc::Sender<Command>>>,
    writer: Mutex<Option<thread::JoinHandle<()>>>,
    claims: Arc<Claims>,
    clock: Clock,
    wake: Arc<Notify>,
    poisoned: Arc<AtomicBool>,
    /// Held as long as the threads live.
    lock: Mutex<Option<File>>,
}

impl std::fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sqlite").field("claims", &self.claims.counts()).finish_non_exhaustive()
    }
}

impl Sqlite {
    /// Opens the file, or makes it; brings its tables up to date. Refused while another process has
    /// it, and with other keys than it was made with.
    pub fn open(
        settings: &config::Store,
        clock: Clock,
        vault: Arc<Vault>,
        metric: Metric,
    ) -> Result<Sqlite, Error> {
        Sqlite::open_with(&Options::from(settings), clock, vault, metric)
    }

    fn open_with(
        options: &Options,
        clock: Clock,
        vault: Arc<Vault>,
        metric: Metric,
    ) -> Result<Sqlite, Error> {
        let opened = open::open(options, &vault, &clock)?;
        Sqlite::start(opened, options, clock, vault, metric)
    }

    fn start(
        opened: Opened,
        options: &Options,
        clock: Clock,
        vault: Arc<Vault>,
        metric: Metric,
    ) -> Result<Sqlite, Error> {
        let claims = Arc::new(Claims::open(&opened.writer)?);
        let wake = Arc::new(Notify::new());
        let poisoned = Arc::new(AtomicBool::new(false));
        let (commands, waiting) = mpsc::channel(WAITING_MAX);
        let writer = Writer {
            connection: opened.writer,
            commands: waiting,
            vault,
            clock: clock.clone(),
            metric,
            claims: Arc::clone(&claims),
            wake: Arc::clone(&wake),
            poisoned: Arc::clone(&poisoned),
            folder: opened.folder,
            disk_reserve_bytes: options.disk_reserve_bytes,
        };
        let writer = thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || {
                point("store-writer");
                writer.run();
            })
            .map_err(Error::Thread)?;
        Ok(Sqlite {
            readers: Readers::start(opened.readers).map_err(Error::Thread)?,
            commands: Mutex::new(Some(commands)),
            writer: Mutex::new(Some(writer)),
            claims,
            clock,
            wake,
            poisoned,
            lock: Mutex::new(Some(opened.lock)),
        })
    }

    fn commands(&self) -> Option<mpsc::Sender<Command>> {
        self.commands.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for the threads and frees the file. Blocks.
    fn end(&self) {
        drop(self.commands.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.readers.close();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            let _ = writer.join();
        }
        drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        self.end();
    }
}

/// Runs a statement without parameters that answers nothing.
fn statement(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}
