//! `mapping check --watch`: checks again whenever a file changes.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use serde_json::json;

use super::{Check, Checked, Looked, look};
use crate::cli::mapping::folder::BASES;

/// How long a change may wait until it is seen.
const PAUSE: Duration = Duration::from_millis(300);

/// Folders inside each other below the one that is watched.
const DEPTH_MAX: usize = 8;

/// When each file was changed last, and its length in bytes.
type Stamps = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

/// Looks until Ctrl-C; the exit code is that of the last look.
pub(super) async fn run(check: &Check, out: &mut impl Write) -> io::Result<ExitCode> {
    // The stamps are taken first: a change while the files are read is seen by the next look.
    let mut seen = stamps(&check.path);
    let mut last = look(&check.path);
    say(check, &last, &last.mappings.iter().collect::<Vec<_>>(), out)?;
    let mut stop = std::pin::pin!(tokio::signal::ctrl_c());
    loop {
        tokio::select! {
            ended = &mut stop => {
                ended?;
                return Ok(last.code());
            }
            () = tokio::time::sleep(PAUSE) => {}
        }
        let now = stamps(&check.path);
        if now == seen {
            continue;
        }
        seen = now;
        let looked = look(&check.path);
        let changed: Vec<&Checked> =
            looked.mappings.iter().filter(|checked| !last.mappings.contains(checked)).collect();
        say(check, &looked, &changed, out)?;
        last = looked;
    }
}

/// Says what is new of single mappings, and how all of them stand.
fn say(check: &Check, looked: &Looked, new: &[&Checked], out: &mut impl Write) -> io::Result<()> {
    if check.shape.is_json() {
        let mut document = looked.document();
        document["mappings"] = json!(new.iter().map(|it| it.document()).collect::<Vec<_>>());
        writeln!(out, "{document}")?;
    } else {
        let words: String = new.iter().map(|it| it.words()).collect();
        write!(out, "{words}{}", looked.words_of_all())?;
    }
    out.flush()
}

/// Every file that a check of this path may read: mappings, examples, bases.
fn stamps(path: &Path) -> Stamps {
    let mut stamps = Stamps::new();
    let folder = if path.is_file() { path.parent().unwrap_or(path) } else { path };
    // A base is checked through the mappings beside its folder.
    let beside = folder.ends_with(BASES).then(|| folder.parent()).flatten();
    collect(beside.unwrap_or(folder), DEPTH_MAX, &mut stamps);
    collect(&folder.join("..").join(BASES), 1, &mut stamps);
    stamps
}

fn collect(folder: &Path, depth: usize, stamps: &mut Stamps) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        // A file that goes away in between is a change as well.
        let Ok(about) = std::fs::metadata(&path) else { continue };
        if about.is_file() {
            stamps.insert(path, (about.modified().ok(), about.len()));
        } else if depth > 1 {
            collect(&path, depth - 1, stamps);
        }
    }
}
