//! Opening the file: who has it, whether it is the one that was left here, the settings of a
//! connection, the tables, the checks of the keys.
//!
//! Before anything is written the file is looked at without a trace; so a store that is refused lies
//! as it was found, and can be saved.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, params};
use uuid::Uuid;

use super::anchor::Stand;
use super::finding::RowFinding;
use super::harm::Mark;
use super::lock::{Held, LockedPath, OpenedNames};
use super::table::Table;
use super::transaction::StepFailure;
use super::{Error, Inspected, Options, audit, check, harm, migrate, scrub};
use cara_clock::Clock;
use cara_store::audit::ChainEnd;
use cara_vault::Vault;

/// The file of one process: nobody else has it.
pub(crate) struct Opened {
    pub writer: Connection,
    pub readers: Vec<Connection>,
    pub held: Held,
    pub names: OpenedNames,
    /// What the anchor holds; `None`: the store is opened for reading only.
    pub stand: Option<Stand>,
    /// Whether the run before this one, if there was one, closed the store.
    pub ended_cleanly: bool,
    /// Whether the anchor of a store that has facts was not there.
    pub anchor_was_gone: bool,
    pub tables: Arc<[Table]>,
}

/// What a store says of itself.
struct Found {
    stand: Stand,
    /// Somebody had it open and has not closed it.
    is_open: bool,
    findings: Vec<RowFinding>,
    tables: Arc<[Table]>,
}

const READERS: usize = 2;
const STATEMENTS_KEPT: usize = 64;

/// The names of rows in `fixed`.
const STORE: &str = "store";
const IS_OPEN: &str = "is_open";
const INDEX_KEY: &str = "index_key";

pub(crate) fn open(options: &Options, vault: &Vault, clock: &Clock) -> Result<Opened, Error> {
    let place = LockedPath::take(&options.path)?;
    if options.anchor.parent().and_then(|folder| folder.canonicalize().ok()).as_ref()
        == Some(&place.folder)
    {
        return Err(Error::AnchorBesideStore { path: options.anchor.clone() });
    }
    let read_anchor = || Stand::read(&options.anchor, vault);
    if options.read_only {
        return open_for_reading(place, options);
    }
    let is_new = place.bytes() == 0;
    if is_new && let Some(anchored) = read_anchor()? {
        return Err(gone(&place, options, anchored));
    }
    let held = place.hold()?;
    Mark::beside(&options.anchor).ensure_none()?;
    // The first start was cut short before the store was whole: that one goes on where it ended.
    let has_anchor = options.anchor.try_exists().unwrap_or(true);
    let is_new = is_new || (!has_anchor && !is_begun(&held)?);
    let found = if is_new { None } else { Some(look(&held, vault)?) };
    let anchored = read_anchor()?;
    if let Some(found) = &found {
        weigh(&held.place, options, anchored, found)?;
    }
    let mut writer = connect(&held.place.path, options.busy_timeout_ms)?;
    writer.execute_batch(
        "-- open::open\n\
         PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 1000; \
         PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -16384;",
    )?;
    migrate::apply(&mut writer, migrate::ALL, clock.now())?;
    let stand = begin(&mut writer, vault, clock)?;
    if let Some(found) = &found {
        scrub::note(&writer, &found.findings, clock.now())?;
    }
    let tables = check::schema(&writer)?;
    if anchored != Some(stand) {
        stand
            .write(&options.anchor, vault)
            .map_err(|source| Error::Anchor { path: options.anchor.clone(), source })?;
    }
    let mut readers = Vec::new();
    for _ in 0..READERS {
        let reader = connect(&held.place.path, options.busy_timeout_ms)?;
        reader.execute_batch(
            "-- open::open\n\
             PRAGMA query_only = ON; PRAGMA cache_size = -4096;",
        )?;
        readers.push(reader);
    }
    let names = held.names()?;
    Ok(Opened {
        writer,
        readers,
        names,
        held,
        stand: Some(stand),
        ended_cleanly: found.as_ref().is_none_or(|found| !found.is_open),
        anchor_was_gone: anchored.is_none() && stand.end != ChainEnd::START,
        tables,
    })
}

/// Whatever is wrong with it; nothing of it is changed.
fn open_for_reading(place: LockedPath, options: &Options) -> Result<Opened, Error> {
    if place.bytes() == 0 {
        return Err(Error::Absent { path: place.path.clone() });
    }
    let held = place.hold()?;
    let mut readers = Vec::new();
    for _ in 0..READERS {
        readers.push(connect_for_reading(&held.place)?);
    }
    let writer = connect_for_reading(&held.place)?;
    tracing::warn!(path = %options.path.display(), "the store is opened for reading only");
    let names = held.names()?;
    Ok(Opened {
        writer,
        readers,
        names,
        held,
        stand: None,
        ended_cleanly: true,
        anchor_was_gone: false,
        tables: Arc::default(),
    })
}

/// Whether a store that no anchor knows was ever whole: it says whose it is, or has a fact.
fn is_begun(held: &Held) -> Result<bool, Error> {
    let header = check::header(held);
    // The very first write was torn: SQLite takes it back with its journal, or refuses the file.
    if header.is_err() && held.place.has_journal() {
        return Ok(false);
    }
    header?;
    let connection = connect_for_reading(&held.place)?;
    let tables: i64 = connection.query_row(
        "/* open::is_begun */ SELECT count(*) FROM sqlite_schema WHERE type = 'table' \
         AND name IN ('fixed', 'audit')",
        [],
        |row| row.get(0),
    )?;
    match tables {
        0 => Ok(false),
        _ => Ok(connection.query_row(
            "/* open::is_begun */ SELECT EXISTS (SELECT 1 FROM fixed) \
             OR EXISTS (SELECT 1 FROM audit)",
            [],
            |row| row.get(0),
        )?),
    }
}

/// Looks at a store that is there, and changes nothing.
fn look(held: &Held, vault: &Vault) -> Result<Found, Error> {
    check::header(held)?;
    if held.place.wal_bytes().unwrap_or(0) == 0 {
        check::unused(held)?;
    }
    let connection = connect_for_reading(&held.place)?;
    let tables = check::schema(&connection)?;
    let index_key: Vec<u8> = fixed(&connection, INDEX_KEY)?;
    if index_key != mark(vault) {
        return Err(Error::OtherIndexKey);
    }
    let store = Uuid::from_bytes(fixed(&connection, STORE)?);
    let [is_open] = fixed(&connection, IS_OPEN)?;
    let end = head(&connection, vault)?;
    let findings = check::last_rows(&connection, vault, &tables, end)?;
    Ok(Found { stand: Stand { store, end }, is_open: is_open != 0, findings, tables })
}

/// As a start would look at it, without the start. Looked at whole and good, it may start again.
pub(crate) fn inspect(options: &Options, vault: &Vault, deep: bool) -> Result<Inspected, Error> {
    let place = LockedPath::take(&options.path)?;
    if place.bytes() == 0 {
        return match Stand::read(&options.anchor, vault)? {
            Some(anchored) => Err(gone(&place, options, anchored)),
            None => Err(Error::Absent { path: place.path.clone() }),
        };
    }
    let held = place.hold()?;
    let found = look(&held, vault)?;
    let anchored = Stand::read(&options.anchor, vault)?;
    weigh(&held.place, options, anchored, &found)?;
    let connection = connect_for_reading(&held.place)?;
    let mark = Mark::beside(&options.anchor);
    let (findings, was_marked) = match deep {
        true => (scrub::whole(&connection, vault, &found.tables)?, mark.remove()?),
        false => {
            mark.ensure_none()?;
            (found.findings, false)
        }
    };
    Ok(Inspected {
        findings: findings.iter().map(scrub::words).collect(),
        was_marked,
        facts: found.stand.end.sequence,
        anchored: anchored.map(|anchored| anchored.end.sequence),
        was_closed: !found.is_open,
        checked: scrub::checked(&connection, &found.tables)?,
    })
}

fn gone(place: &LockedPath, options: &Options, anchored: Stand) -> Error {
    let (path, anchor) = (place.path.clone(), options.anchor.clone());
    Error::Gone { path, anchor, facts: anchored.end.sequence }
}

/// Refuses a store that has lost its log, or is not the one that `store.anchor` knows.
fn weigh(
    place: &LockedPath,
    options: &Options,
    anchored: Option<Stand>,
    found: &Found,
) -> Result<(), Error> {
    if found.is_open && place.wal_bytes().is_none() {
        return Err(Error::WalGone { path: place.path.clone() });
    }
    match anchored {
        Some(anchored) => compare(place, options, anchored, found.stand),
        None => Ok(()),
    }
}

/// Refuses a store that is not the one that was left here, or has lost what it had.
fn compare(
    place: &LockedPath,
    options: &Options,
    anchored: Stand,
    found: Stand,
) -> Result<(), Error> {
    let other = || Error::Foreign { path: place.path.clone(), anchor: options.anchor.clone() };
    if anchored.store != found.store {
        return Err(other());
    }
    if found.end.sequence < anchored.end.sequence {
        return Err(Error::Behind {
            path: place.path.clone(),
            facts: found.end.sequence,
            anchored: anchored.end.sequence,
        });
    }
    if anchored.end.sequence == 0 {
        return Ok(());
    }
    let connection = connect_for_reading(place)?;
    let mac: [u8; 32] = connection.query_row(
        "/* open::compare */ SELECT mac FROM audit WHERE sequence = ?1",
        [anchored.end.sequence as i64],
        |row| row.get(0),
    )?;
    if mac == anchored.end.mac { Ok(()) } else { Err(other()) }
}

fn connect(path: &Path, busy_timeout_ms: u32) -> Result<Connection, Error> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_millis(u64::from(busy_timeout_ms)))?;
    set_up(&connection)?;
    connection.execute_batch("/* open::connect */ PRAGMA secure_delete = ON")?;
    // Only an orderly end takes the log away; without it the log must be found again.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(connection)
}

/// A connection that leaves no trace: where the log holds nothing it is not looked for, and where
/// it does it stays as it is.
fn connect_for_reading(place: &LockedPath) -> Result<Connection, Error> {
    let mut uri = String::from("file:");
    for byte in place.path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                uri.push(char::from(*byte));
            }
            other => drop(write!(uri, "%{other:02X}")),
        }
    }
    if place.wal_bytes().unwrap_or(0) == 0 {
        uri.push_str("?immutable=1");
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(uri, flags)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    set_up(&connection)?;
    connection.execute_batch("/* open::connect_for_reading */ PRAGMA query_only = ON")?;
    Ok(connection)
}

fn set_up(connection: &Connection) -> Result<(), Error> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    // Without it SQLite makes a plan anew whenever a bound value might suit another one better,
    // which is at every claim.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.execute_batch(
        "-- open::set_up\n\
         PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; \
         PRAGMA cell_size_check = ON;",
    )?;
    Ok(())
}

/// A store that was made with other keys finds no record again and continues no audit chain, so it
/// must not be opened with these.
fn mark(vault: &Vault) -> Vec<u8> {
    vault.digest("store made with this key", &[]).0.to_vec()
}

fn fixed<T: rusqlite::types::FromSql>(connection: &Connection, name: &str) -> Result<T, Error> {
    let read = connection.query_row(
        "/* open::fixed */ SELECT value FROM fixed WHERE name = ?1",
        [name],
        |row| row.get(0),
    );
    match read {
        Ok(value) => Ok(value),
        Err(rusqlite::Error::QueryReturnedNoRows) => {
            harm::damaged("fixed", format!("it has no row `{name}`"))
        }
        Err(error) => Err(error.into()),
    }
}

fn head(connection: &Connection, vault: &Vault) -> Result<ChainEnd, Error> {
    audit::read_end(connection, vault).map_err(|failure| match failure {
        StepFailure::Backend(error) => error.into(),
        StepFailure::Conflict | StepFailure::Impossible(_) => Error::AuditHead,
    })
}

/// Says in the file, before anything else, that it is open: so that a copy without its log is never
/// taken for one that was closed.
fn begin(connection: &mut Connection, vault: &Vault, clock: &Clock) -> Result<Stand, Error> {
    let transaction = connection.transaction()?;
    let is_new: bool = transaction.query_row(
        "/* open::begin */ SELECT NOT EXISTS (SELECT 1 FROM fixed)",
        [],
        |row| row.get(0),
    )?;
    if is_new {
        let mut insert = transaction
            .prepare("/* open::begin */ INSERT INTO fixed (name, value) VALUES (?1, ?2)")?;
        insert.execute(params![INDEX_KEY, mark(vault)])?;
        insert.execute(params![STORE, clock.id().as_bytes()])?;
        insert.execute(params![IS_OPEN, [1_u8]])?;
        let head = ChainEnd::START.seal(vault);
        transaction.execute(
            "/* open::begin */ INSERT INTO audit_head (only, sequence, mac, seal) \
             VALUES (1, 0, ?1, ?2)",
            params![head.mac, head.seal],
        )?;
    } else {
        say_open(&transaction, true)?;
    }
    let store = Uuid::from_bytes(fixed(&transaction, STORE)?);
    let stand = Stand { store, end: head(&transaction, vault)? };
    transaction.commit()?;
    if empty_log(connection)? { Ok(stand) } else { Err(Error::LogBusy) }
}

/// Puts everything into the file and only then says there that it is closed. While another program
/// reads the file some of it stays in the log, which then stays too.
pub(crate) fn end(connection: &Connection) -> Result<(), Error> {
    empty_log(connection)?;
    say_open(connection, false)?;
    empty_log(connection)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(())
}

fn say_open(connection: &Connection, is_open: bool) -> Result<(), Error> {
    let changed = connection.execute(
        "/* open::say_open */ UPDATE fixed SET value = ?2 WHERE name = ?1",
        params![IS_OPEN, [u8::from(is_open)]],
    )?;
    match changed {
        1 => Ok(()),
        _ => harm::damaged("fixed", format!("it has no row `{IS_OPEN}`")),
    }
}

/// Answers whether everything was put into the file.
fn empty_log(connection: &Connection) -> Result<bool, Error> {
    let is_busy: bool =
        connection
            .query_row("/* open::empty_log */ PRAGMA wal_checkpoint(FULL)", [], |row| row.get(0))?;
    Ok(!is_busy)
}
