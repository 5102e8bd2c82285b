//! The files that trust is read from, and whether they are still as they were.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::authority::Authority;
use cara_config::Settings;

/// The files that trust is read from, as they were when they were looked at last.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) settings: Settings,
    pub(crate) stamps: BTreeMap<PathBuf, Option<FileStamp>>,
    /// Something was refused at the last change: the next one looks at everything.
    pub(crate) refused: bool,
}

/// Changes whenever a file is written or replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileStamp {
    inode: u64,
    bytes: u64,
    modified_s: i64,
    modified_ns: i64,
}

impl Watched {
    pub(crate) fn of(settings: &Settings) -> Self {
        let stamps =
            files(settings).map(|file| (stamp(&file), file)).map(|(s, f)| (f, s)).collect();
        Watched { settings: settings.clone(), stamps, refused: false }
    }

    /// The files that are not as they were.
    pub(crate) fn changed(&mut self) -> BTreeSet<PathBuf> {
        let now = files(&self.settings).map(|file| (file.clone(), stamp(&file)));
        let now: BTreeMap<_, _> = now.collect();
        let differs = |(file, stamp): &(&PathBuf, &Option<FileStamp>)| {
            self.stamps.get(*file).is_none_or(|before| before != *stamp)
        };
        let changed = now.iter().filter(differs).map(|(file, _)| file.clone()).collect();
        self.stamps = now;
        changed
    }
}

fn files(settings: &Settings) -> impl Iterator<Item = PathBuf> {
    let own = [settings.file.clone(), settings.api.certificate.clone()];
    let key = settings.api.key.path().to_path_buf();
    own.into_iter().chain([key]).chain(settings.cas.iter().flat_map(Authority::files))
}

fn stamp(file: &Path) -> Option<FileStamp> {
    let facts = std::fs::metadata(file).ok()?;
    Some(FileStamp {
        inode: facts.ino(),
        bytes: facts.len(),
        modified_s: facts.mtime(),
        modified_ns: facts.mtime_nsec(),
    })
}
