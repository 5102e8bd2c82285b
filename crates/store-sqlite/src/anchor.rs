//! What the gateway remembers of its store in another folder: which one it is, and how far its
//! audit chain had come. A store that is older than that, or another one, is not taken for it.
//!
//! The file is written after commits, at most once a second, and at the end; so an older copy that
//! lacks less than the last second is not seen. It is sealed under the audit key.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Error;
use super::lock::beside;
use cara_metric::{Metric, alert};
use cara_store::audit::ChainEnd;
use cara_supervisor::is_out_of_descriptors;
use cara_vault::Vault;

const EVERY: Duration = Duration::from_secs(1);

/// A store and the end of its audit chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stand {
    pub store: Uuid,
    pub end: ChainEnd,
}

/// As it lies in the file.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Written {
    store: Uuid,
    /// Of the last fact in the audit chain.
    sequence: u64,
    mac: String,
    seal: String,
}

impl Stand {
    fn written(&self, vault: &Vault) -> Written {
        let ChainEnd { sequence, mac } = self.end;
        let seal = vault.audit_anchor_mac(self.store, sequence, &mac);
        Written {
            store: self.store,
            sequence,
            mac: HEXLOWER.encode(&mac),
            seal: HEXLOWER.encode(&seal),
        }
    }

    /// Reads the file; `None`: there is none.
    pub fn read(path: &Path, vault: &Vault) -> Result<Option<Stand>, Error> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::Anchor { path: path.to_owned(), source }),
        };
        let spoilt = || Error::AnchorSpoilt { path: path.to_owned() };
        let written: Written = serde_json::from_str(&text).map_err(|_| spoilt())?;
        let mac = HEXLOWER.decode(written.mac.as_bytes()).map_err(|_| spoilt())?;
        let mac = mac.try_into().map_err(|_| spoilt())?;
        let end = ChainEnd { sequence: written.sequence, mac };
        let stand = Stand { store: written.store, end };
        if stand.written(vault).seal != written.seal {
            return Err(spoilt());
        }
        Ok(Some(stand))
    }

    /// Puts it in the file's place, whole or not at all.
    pub fn write(&self, path: &Path, vault: &Vault) -> io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let fresh = beside(path, ".next");
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        file.write_all(&serde_json::to_vec(&self.written(vault))?)?;
        file.sync_all()?;
        fs::rename(&fresh, path)?;
        File::open(folder)?.sync_all()
    }
}

/// The thread that writes the file, so that no commit waits for it.
#[derive(Debug)]
pub(crate) struct Keeper {
    latest: Arc<(Mutex<Latest>, Condvar)>,
    thread: Mutex<Option<thread::JoinHandle<()>>>,
}

#[derive(Debug)]
struct Latest {
    end: ChainEnd,
    closing: bool,
}

impl Keeper {
    /// `stand` is what the file holds now.
    pub fn start(
        path: PathBuf,
        stand: Stand,
        vault: Arc<Vault>,
        metric: Metric,
    ) -> io::Result<Keeper> {
        let latest = Latest { end: stand.end, closing: false };
        let latest = Arc::new((Mutex::new(latest), Condvar::new()));
        let shared = Arc::clone(&latest);
        let thread = thread::Builder::new()
            .name("store-anchor".into())
            .spawn(move || keep(&shared, &path, stand, &vault, &metric))?;
        Ok(Keeper { latest, thread: Mutex::new(Some(thread)) })
    }

    /// A commit has brought the chain to here.
    pub fn reached(&self, end: ChainEnd) {
        let (latest, changed) = &*self.latest;
        let mut latest = latest.lock().unwrap_or_else(PoisonError::into_inner);
        if latest.end != end {
            latest.end = end;
            changed.notify_one();
        }
    }

    /// Writes what is not written and ends the thread. Blocks.
    pub fn close(&self) {
        let (latest, changed) = &*self.latest;
        latest.lock().unwrap_or_else(PoisonError::into_inner).closing = true;
        changed.notify_one();
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = thread.join();
        }
    }
}

fn keep(
    shared: &(Mutex<Latest>, Condvar),
    path: &Path,
    mut stand: Stand,
    vault: &Vault,
    metric: &Metric,
) {
    let (latest, changed) = shared;
    let mut failing = false;
    loop {
        let waiting = latest.lock().unwrap_or_else(PoisonError::into_inner);
        let nothing_new = |latest: &mut Latest| latest.end == stand.end && !latest.closing;
        let now = changed.wait_while(waiting, nothing_new).unwrap_or_else(PoisonError::into_inner);
        let (end, closing) = (now.end, now.closing);
        drop(now);
        if end != stand.end {
            match (Stand { end, ..stand }).write(path, vault) {
                Ok(()) => {
                    stand.end = end;
                    if std::mem::take(&mut failing) {
                        metric.troubles().over(alert::STORE_ANCHOR, "cannot be written");
                    }
                }
                // That is told as what it is.
                Err(error) if is_out_of_descriptors(&error) => {}
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        metric.troubles().are(alert::STORE_ANCHOR, "cannot be written", 1);
                        tracing::error!(
                            error = &error as &dyn std::error::Error,
                            file = %path.display(),
                            "store.anchor cannot be written; it is tried again every second"
                        );
                    }
                }
            }
        }
        if closing {
            return;
        }
        let waiting = latest.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = changed.wait_timeout_while(waiting, EVERY, |latest| !latest.closing);
    }
}
