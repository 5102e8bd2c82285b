//! Opening the file: the lock, the settings of a connection, the tables, the checks of the keys.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Error, Options, migrate, write};
use crate::clock::Clock;
use crate::store::audit::End;
use crate::vault::Vault;

/// The file of one process: nobody else holds `lock`.
pub(in crate::store::sqlite) struct Opened {
    pub writer: Connection,
    pub readers: Vec<Connection>,
    pub lock: File,
    pub folder: PathBuf,
}

const READERS: usize = 2;
const STATEMENTS_KEPT: usize = 64;

pub(in crate::store::sqlite) fn open(
    options: &Options,
    vault: &Vault,
    clock: &Clock,
) -> Result<Opened, Error> {
    let path = &options.path;
    let cannot = |source| Error::Folder { path: path.clone(), source };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(cannot)?;
    let lock = lock(path)?;
    // Made before SQLite opens it, so that it and the files beside it are for this user only.
    own_file(path).map_err(cannot)?;
    let mut writer = connect(path, options.busy_timeout_ms)?;
    writer.execute_batch(
        "-- open::open\n\
         PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 1000; \
         PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -16384;",
    )?;
    migrate::apply(&mut writer, migrate::ALL, clock.now())?;
    check_keys(&mut writer, vault)?;
    let mut readers = Vec::new();
    for _ in 0..READERS {
        let reader = connect(path, options.busy_timeout_ms)?;
        reader.execute_batch(
            "-- open::open\n\
             PRAGMA query_only = ON; PRAGMA cache_size = -4096;",
        )?;
        readers.push(reader);
    }
    Ok(Opened { writer, readers, lock, folder })
}

/// Two processes that write would each hold leases that the other does not know.
fn lock(path: &Path) -> Result<File, Error> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let cannot = |source| Error::Folder { path: name.clone(), source };
    let file = own_file(&name).map_err(cannot)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(cannot(source)),
    }
}

fn own_file(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

fn connect(path: &Path, busy_timeout_ms: u32) -> Result<Connection, Error> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_millis(u64::from(busy_timeout_ms)))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    // Without it SQLite makes a plan anew whenever a bound value might suit another one better,
    // which is at every claim.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.execute_batch(
        "-- open::connect\n\
         PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; \
         PRAGMA trusted_schema = OFF;",
    )?;
    Ok(connection)
}

/// A store that was made with other keys finds no record again and continues no audit chain, so it
/// must not be opened with these.
fn check_keys(connection: &mut Connection, vault: &Vault) -> Result<(), Error> {
    let mark = vault.digest("store made with this key", &[]).0;
    let transaction = connection.transaction()?;
    let kept: Option<Vec<u8>> = transaction
        .query_row(
            "/* open::check_keys */ SELECT value FROM fixed WHERE name = 'index_key'",
            [],
            |row| row.get(0),
        )
        .optional()?;
    match kept {
        Some(kept) if kept == mark => {}
        Some(_) => return Err(Error::OtherIndexKey),
        None => {
            let head = End::START.seal(vault);
            transaction.execute(
                "/* open::check_keys */ INSERT INTO fixed (name, value) VALUES ('index_key', ?1)",
                [mark],
            )?;
            transaction.execute(
                "/* open::check_keys */ INSERT INTO audit_head (only, sequence, mac, seal) \
                 VALUES (1, 0, ?1, ?2)",
                params![head.mac, head.seal],
            )?;
        }
    }
    if let Err(failure) = write::read_end(&transaction, vault) {
        return Err(match failure {
            write::Failure::Backend(error) => Error::Backend(error),
            write::Failure::Conflict | write::Failure::Impossible(_) => Error::AuditHead,
        });
    }
    transaction.commit()?;
    Ok(())
}
