//! The embedded store: one SQLite file, one process, one writer.
//!
//! What a commit holds survives a power cut (WAL, `synchronous=FULL`). Writes of all callers gather
//! in one transaction (`writer`), each step in a savepoint of its own, and nobody is answered before
//! its commit. Reads run beside it on connections of their own (`readers`). Claims on outbox rows
//! live in memory (`claim`). A commit of which nobody can know whether the disk has it poisons the
//! store: nothing more is written, and the process must end.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;

use rusqlite::Connection;
use tokio::sync::{Notify, mpsc};

mod anchor;
mod audit;
mod call;
mod case;
mod check;
mod column;
mod day;
mod entry;
mod finding;
mod growth;
mod harm;
mod hold;
mod incident;
mod letter;
mod lock;
mod mail;
mod mapping;
mod migrate;
mod notice;
mod open;
mod outbox;
mod readers;
mod reconciliation;
mod referral;
mod scrub;
mod seal;
mod step;
mod sweep;
mod table;
mod transaction;
mod upkeep;
mod writer;

#[cfg(test)]
mod tests;

use anchor::Keeper;
use cara_clock::Clock;
use cara_metric::{Metric, alert};
use cara_store::CheckedTable;
use cara_vault::Vault;
use growth::Growth;
use harm::{Harm, Mark};
use lock::Held;
use open::Opened;
use outbox::Claims;
use readers::Readers;
use scrub::Scrub;
use writer::{Writer, WriterCommand};

pub use upkeep::key_samples_beside;

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
    #[error(
        "the store was written by a program from before the first release (step {applied}, this one \
         begins at {first}) and cannot be brought up to date; start that program, or move the \
         store's files and the one of store.anchor away to begin another store"
    )]
    Older { applied: i64, first: i64 },
    #[error("the store was made with another vault.index_key; restore that key")]
    OtherIndexKey,
    #[error(
        "the audit chain's head is not under vault.audit_key: restore that key; if it is the right \
         one, somebody changed the store"
    )]
    AuditHead,
    #[error(
        "the store {} is not there or empty, and {} says that it had {facts} facts in its audit \
         chain; put the database back together with its -wal file, or its newest backup (to begin \
         another store, move that file away)",
        path.display(), anchor.display()
    )]
    Gone { path: PathBuf, anchor: PathBuf, facts: u64 },
    #[error(
        "the store {} is not the one that was here before, as {} says; put the right one back{HELP}",
        path.display(), anchor.display()
    )]
    Foreign { path: PathBuf, anchor: PathBuf },
    #[error(
        "the store {} has lost what it had: its audit chain ends at fact {facts} and was at \
         {anchored}; it is an older copy, or one without its -wal file; put the newest back{HELP}",
        path.display()
    )]
    Behind { path: PathBuf, facts: u64, anchored: u64 },
    #[error(
        "the store {} was not closed and its -wal file is gone, so what was written last is \
         missing; put that file back beside it{HELP}",
        path.display()
    )]
    WalGone { path: PathBuf },
    #[error(
        "the store's file is damaged, {about}: {what}; keep all of its files, run `cara-gateway doctor \
         --deep`, and put a backup back{HELP}"
    )]
    Damaged { about: String, what: String },
    #[error(
        "the store was found to be damaged, {what}; keep all of its files, put a backup in its place, \
         and let `cara-gateway doctor --deep` look at it, which removes {} if all of it is good{HELP}",
        path.display()
    )]
    Marked { path: PathBuf, what: String },
    #[error("there is no store at {}, and `store.read_only` makes none", path.display())]
    Absent { path: PathBuf },
    #[error(
        "store.anchor ({}) is in the store's own folder; give it another one",
        path.display()
    )]
    AnchorBesideStore { path: PathBuf },
    #[error(
        "store.anchor ({}) cannot be read or written; make it and its folder writable for this user",
        path.display()
    )]
    Anchor { path: PathBuf, source: std::io::Error },
    #[error(
        "store.anchor ({}) is not under vault.audit_key: somebody changed it, or restore that key; \
         if the store is surely the newest one, move the file away",
        path.display()
    )]
    AnchorSpoilt { path: PathBuf },
    #[error("another program reads the store, so its log cannot be put into it; end that program")]
    LogBusy,
    #[error("the store's file failed")]
    Backend(#[source] rusqlite::Error),
    #[error("the store's threads could not be started")]
    Thread(#[source] std::io::Error),
}

const HELP: &str = "; meanwhile `store.read_only = true` lets it be read";

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Error {
        let damaged = |what| Error::Damaged { about: "file".to_owned(), what };
        if harm::is_damage(&error) {
            // SQLite names tables, indexes and pages, never a value.
            return damaged(error.to_string());
        }
        if harm::is_of_one_row(&error) {
            return damaged("a column holds what no writer of this program makes".to_owned());
        }
        Error::Backend(error)
    }
}

/// How one file is opened.
#[derive(Clone, Debug)]
struct Options {
    path: PathBuf,
    anchor: PathBuf,
    read_only: bool,
    /// Below it new records are refused; settling goes on. 0 keeps no reserve.
    disk_reserve_bytes: u64,
    /// How long another program's lock on the file is waited for.
    busy_timeout_ms: u32,
}

impl From<&cara_config::StoreSettings> for Options {
    fn from(settings: &cara_config::StoreSettings) -> Self {
        Options {
            path: settings.path.clone(),
            anchor: settings.anchor.clone(),
            read_only: settings.read_only,
            disk_reserve_bytes: settings.disk_reserve_bytes,
            busy_timeout_ms: 1_000,
        }
    }
}

/// What a look found at a closed store that is sound as a whole.
#[derive(Debug)]
pub struct Inspected {
    /// In the audit chain.
    pub facts: u64,
    /// How many facts `store.anchor` knows of; `None`: it is not there.
    pub anchored: Option<u64>,
    pub was_closed: bool,
    pub checked: Vec<CheckedTable>,
    /// Rows that are not as they were written, each in words.
    pub findings: Vec<String>,
    /// A run had found it damaged, and all of it is good now.
    pub was_marked: bool,
}

/// Callers whose work waits for the writer; one beyond it waits for room.
const WAITING_MAX: usize = 1_024;

/// An opened store. Dropping it finishes what was handed in and frees the file.
pub struct Sqlite {
    readers: Readers,
    /// None once closed.
    commands: Mutex<Option<mpsc::Sender<WriterCommand>>>,
    writer: Mutex<Option<thread::JoinHandle<()>>>,
    claims: Arc<Claims>,
    growth: Arc<Growth>,
    clock: Clock,
    wake: Arc<Notify>,
    poisoned: Arc<OnceLock<&'static str>>,
    harm: Arc<Harm>,
    scrub: Arc<Scrub>,
    metric: Metric,
    vault: Arc<Vault>,
    ended_cleanly: bool,
    /// `None`: nothing is written.
    keeper: Option<Arc<Keeper>>,
    /// Held as long as the threads live.
    held: Mutex<Option<Held>>,
}

impl std::fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sqlite").field("waiting", &self.claims.rows()).finish_non_exhaustive()
    }
}

impl Sqlite {
    /// Opens the file, or makes it; brings its tables up to date. Refused while another process has
    /// it, and with other keys than it was made with.
    pub fn open(
        settings: &cara_config::StoreSettings,
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
        let (claims, growth) = match options.read_only {
            true => Default::default(),
            false => (Claims::open(&opened.writer)?, Growth::open(&opened.writer)?),
        };
        let (claims, growth) = (Arc::new(claims), Arc::new(growth));
        let opened_at = clock.now();
        let harm = Arc::new(told(&opened, options, &metric)?);
        let keep = |stand| {
            let (path, vault) = (options.anchor.clone(), Arc::clone(&vault));
            Keeper::start(path, stand, vault, metric.clone()).map(Arc::new)
        };
        let keeper = opened.stand.map(keep).transpose().map_err(Error::Thread)?;
        let wake = Arc::new(Notify::new());
        let poisoned = Arc::new(OnceLock::new());
        let (commands, waiting) = mpsc::channel(WAITING_MAX);
        let writer = Writer::start(Writer {
            connection: opened.writer,
            commands: waiting,
            vault: Arc::clone(&vault),
            clock: clock.clone(),
            metric: metric.clone(),
            claims: Arc::clone(&claims),
            growth: Arc::clone(&growth),
            wake: Arc::clone(&wake),
            poisoned: Arc::clone(&poisoned),
            folder: opened.held.place.folder.clone(),
            names: opened.names,
            harm: Arc::clone(&harm),
            keeper: keeper.clone(),
            disk_reserve_bytes: options.disk_reserve_bytes,
        })?;
        Ok(Sqlite {
            readers: Readers::start(opened.readers)?,
            commands: Mutex::new(Some(commands)),
            writer: Mutex::new(Some(writer)),
            claims,
            growth,
            clock,
            wake,
            poisoned,
            harm,
            scrub: Arc::new(Scrub::of(opened.tables, opened_at)),
            metric,
            vault,
            ended_cleanly: opened.ended_cleanly,
            keeper,
            held: Mutex::new(Some(opened.held)),
        })
    }

    /// Whether the run before this one ended by closing the store; a new store was never left open.
    pub fn ended_cleanly(&self) -> bool {
        self.ended_cleanly
    }

    /// Looks at a store that nobody has open, as a start would, and changes nothing. `deep`: every
    /// row and everything that SQLite can say, which takes long.
    pub fn inspect(
        settings: &cara_config::StoreSettings,
        vault: &Vault,
        deep: bool,
    ) -> Result<Inspected, Error> {
        open::inspect(&Options::from(settings), vault, deep)
    }

    fn commands(&self) -> Option<mpsc::Sender<WriterCommand>> {
        self.commands.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for the threads and frees the file. Blocks.
    fn end(&self) {
        // The writer's connection is the last: of two that close at the same instant neither empties
        // the log.
        self.readers.close();
        drop(self.commands.lock().unwrap_or_else(PoisonError::into_inner).take());
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            let _ = writer.join();
        }
        if let Some(keeper) = &self.keeper {
            keeper.close();
        }
        drop(self.held.lock().unwrap_or_else(PoisonError::into_inner).take());
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

/// Says what was known of the file when it was opened; what harms it from then on is said there.
fn told(opened: &Opened, options: &Options, metric: &Metric) -> Result<Harm, Error> {
    if !options.read_only {
        scrub::tell(&opened.writer, metric)?;
    }
    let harm = Harm::none(Mark::beside(&options.anchor), metric.clone());
    if options.read_only {
        harm.refuse(harm::READ_ONLY);
    }
    if opened.anchor_was_gone {
        metric.troubles().are(alert::STORE_ANCHOR, "not there at the start", 1);
        tracing::warn!(
            file = %options.anchor.display(),
            "store.anchor was not there: nobody can say whether the store is the newest one"
        );
    }
    Ok(harm)
}
