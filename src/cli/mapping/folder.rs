//! The folder of mappings as it stands on disk.

use std::io;
use std::path::{Path, PathBuf};

use cara_mapping::{LETTERS, extend};

/// A mapping file as it was found on disk.
pub(super) struct File {
    pub path: PathBuf,
    pub text: String,
}

impl File {
    pub(super) fn read(path: PathBuf) -> io::Result<File> {
        let text = std::fs::read_to_string(&path)?;
        Ok(File { path, text })
    }

    /// Whether it writes letters instead of reading records.
    pub(super) fn is_letters(&self) -> bool {
        self.name() == LETTERS
    }

    /// `referral`, from `hampshire/referral.toml`.
    pub(super) fn name(&self) -> &str {
        self.path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()
    }

    /// A file that the mapping names, from its own folder.
    pub(super) fn open(&self, name: &str) -> Option<Vec<u8>> {
        std::fs::read(self.path.parent()?.join(name)).ok()
    }
}

/// The folder of shared starts, below that of all mappings.
pub(super) const BASES: &str = "base";

/// The bases that a path names: itself, or all of their folder. Empty for every other path.
pub(super) fn bases(path: &Path) -> io::Result<Vec<PathBuf>> {
    let is_base = |folder: &Path| folder.file_name().is_some_and(|name| name == BASES);
    if path.is_file() && path.parent().is_some_and(is_base) {
        return Ok(vec![path.to_owned()]);
    }
    if path.is_dir() && is_base(path) { tomls(path) } else { Ok(Vec::new()) }
}

/// The mapping files that extend a base.
pub(super) fn extenders(base: &Path) -> io::Result<Vec<PathBuf>> {
    let folder = base.parent().and_then(Path::parent).unwrap_or(Path::new(""));
    // Of `base/x.toml` it is the folder that the command was started in.
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let mut found = Vec::new();
    for path in files(folder)? {
        if base_of(&std::fs::read_to_string(&path)?).is_some_and(|it| base.ends_with(it)) {
            found.push(path);
        }
    }
    Ok(found)
}

/// The base that a mapping's text extends, below the folder of all mappings.
pub(super) fn base_of(text: &str) -> Option<PathBuf> {
    extend::base_of(text).map(|name| PathBuf::from(name.trim_start_matches("../")))
}

/// The mapping files below a path: itself, those of one force's folder, or those of all folders.
/// `base` holds shared starts, which are no mappings by themselves.
pub(super) fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let own = tomls(path)?;
    if !own.is_empty() {
        return Ok(own);
    }
    let mut all = Vec::new();
    for folder in sorted(path)? {
        if folder.is_dir() && !folder.ends_with(BASES) {
            all.extend(tomls(&folder)?);
        }
    }
    Ok(all)
}

pub(super) fn tomls(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let toml = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "toml");
    Ok(sorted(folder)?.into_iter().filter(toml).collect())
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)?
        .map(|entry| entry.map(|it| it.path()))
        .collect::<Result<_, _>>()?;
    paths.sort();
    Ok(paths)
}
