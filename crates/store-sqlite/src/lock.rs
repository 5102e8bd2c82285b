//! Keeps a second gateway off the same file, by whatever name it comes, and sees when the files
//! under the open handles are no longer those of their names.
//!
//! The lock is on the database's own inode (flock, which SQLite's record locks do not meet) and on
//! a file beside it, which a person sees. Closing any handle of the database would drop the record
//! locks that SQLite holds in this process, so the handle lives as long as the store, and whoever
//! looks at the file meanwhile asks for its state by name and never opens it.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::Error;

/// Device and number of a file.
type Inode = (u64, u64);

/// What this process has open: a second store of it must not even open the file.
static OPEN: Mutex<BTreeSet<Inode>> = Mutex::new(BTreeSet::new());

/// The path of the store, and the sign beside it that somebody has it.
#[derive(Debug)]
pub(crate) struct LockedPath {
    /// Without symbolic links.
    pub path: PathBuf,
    pub folder: PathBuf,
    lock: File,
}

/// The store's files, which nobody else has.
#[derive(Debug)]
pub(crate) struct Held {
    pub place: LockedPath,
    /// The database itself.
    pub file: File,
    inode: Inode,
}

/// The names of the open files with what they named when they were opened.
#[derive(Debug)]
pub(crate) struct OpenedNames(Vec<(PathBuf, Inode)>);

impl LockedPath {
    /// Makes the folder and takes the lock beside the file, which need not exist.
    pub fn take(path: &Path) -> Result<LockedPath, Error> {
        let cannot = |source| Error::Folder { path: path.to_owned(), source };
        let folder = folder_of(path);
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(cannot)?;
        let path = match path.symlink_metadata() {
            // One that leads nowhere is a store that is gone, never a place for another.
            Ok(_) => path.canonicalize(),
            Err(_) => folder.canonicalize().map(|folder| match path.file_name() {
                Some(name) => folder.join(name),
                None => folder,
            }),
        };
        let path = path.map_err(cannot)?;
        let name = beside(&path, ".lock");
        let cannot = |source| Error::Folder { path: name.clone(), source };
        let lock = own_file(&name).map_err(cannot)?;
        try_lock(&lock, &path)?;
        Ok(LockedPath { folder: folder_of(&path), path, lock })
    }

    /// Bytes of the database; 0 when it is not there.
    pub fn bytes(&self) -> u64 {
        fs::metadata(&self.path).map_or(0, |facts| facts.len())
    }

    /// Whether something is written in the log that belongs to the database.
    pub fn wal_bytes(&self) -> Option<u64> {
        fs::metadata(beside(&self.path, "-wal")).ok().map(|facts| facts.len())
    }

    /// Whether SQLite was about to make or change the file without its log, as it does only until
    /// the first start has made it a store.
    pub fn has_journal(&self) -> bool {
        fs::exists(beside(&self.path, "-journal")).unwrap_or(false)
    }

    /// Takes the database itself, made if it is not there.
    pub fn hold(self) -> Result<Held, Error> {
        let cannot = |source| Error::Folder { path: self.path.clone(), source };
        let in_use = || Error::InUse { path: self.path.clone() };
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        if fs::metadata(&self.path).is_ok_and(|facts| open.contains(&inode(&facts))) {
            return Err(in_use());
        }
        // Made before SQLite opens it, so that it and the files beside it are for this user only.
        let is_new = !self.path.exists();
        let file = own_file(&self.path).map_err(cannot)?;
        if is_new {
            File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(cannot)?;
        }
        try_lock(&file, &self.path)?;
        let inode = inode(&file.metadata().map_err(cannot)?);
        open.insert(inode);
        Ok(Held { place: self, file, inode })
    }
}

impl Held {
    /// What every name stands for now; taken once SQLite has opened its files.
    pub fn names(&self) -> Result<OpenedNames, Error> {
        let cannot = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::Folder { path, source }
        };
        let lock = beside(&self.place.path, ".lock");
        let beside_it = self.place.lock.metadata().map_err(cannot(&lock))?;
        let mut names = vec![(self.place.path.clone(), self.inode), (lock, inode(&beside_it))];
        let wal = beside(&self.place.path, "-wal");
        if let Ok(facts) = fs::metadata(&wal) {
            names.push((wal, inode(&facts)));
        }
        Ok(OpenedNames(names))
    }
}

/// A lock is given back in so many words: a child that is just being started has the handles of this
/// process until it runs its own program, and closing ours would leave the lock with it.
impl Drop for LockedPath {
    fn drop(&mut self) {
        let _ = self.lock.unlock();
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.file.unlock();
        OPEN.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.inode);
    }
}

impl OpenedNames {
    /// The first name under which the open file no longer lies.
    pub fn changed(&self) -> Option<&Path> {
        let stands = |(path, was): &&(PathBuf, Inode)| {
            fs::metadata(path).is_ok_and(|facts| inode(&facts) == *was)
        };
        self.0.iter().find(|name| !stands(name)).map(|(path, _)| path.as_path())
    }
}

fn inode(facts: &Metadata) -> Inode {
    (facts.dev(), facts.ino())
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// The file of this name with something behind it.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Two processes that write would each hold leases that the other does not know.
fn try_lock(file: &File, path: &Path) -> Result<(), Error> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(Error::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(Error::Folder { path: path.to_owned(), source }),
    }
}

fn own_file(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_that_is_being_started_keeps_no_lock() {
        let folder = std::env::temp_dir().join(format!("cara-lock-{}", std::process::id()));
        let path = folder.join("gateway.db");
        let held = LockedPath::take(&path).unwrap().hold().unwrap();
        assert!(matches!(LockedPath::take(&path), Err(Error::InUse { .. })));
        let childs = [held.file.try_clone().unwrap(), held.place.lock.try_clone().unwrap()];
        drop(held);
        LockedPath::take(&path).unwrap().hold().unwrap();
        drop(childs);
        fs::remove_dir_all(folder).unwrap();
    }
}
