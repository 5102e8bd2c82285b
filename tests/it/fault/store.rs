//! What happens to the store's own file, and a second gateway that wants it.

use std::collections::BTreeSet;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use super::place::Place;
use super::row::{Act, Fault};
use crate::world::free_port;

const FILE: &str = "gateway.db";
/// The database and what belongs to it.
const FILES: [&str; 3] = [FILE, "gateway.db-wal", "gateway.db-shm"];

const REFUSED: &[&str] = &["start refused", "readyz store", "incident store_damaged"];
const SECOND: &[&str] = &["second refused"];

pub const FAULTS: &[Fault] = &[
    Fault::of("store_damaged", REFUSED, |place| at_rest(place, damage), put_back),
    Fault::of("store_cut", REFUSED, |place| at_rest(place, cut), put_back),
    Fault::of("store_without_wal", REFUSED, without_wal, put_back),
    Fault::of("store_wal_cut", REFUSED, wal_cut, put_back),
    Fault::of("store_behind_its_anchor", REFUSED, behind, put_back),
    Fault {
        destroys: true,
        ..Fault::of("store_removed", &["exit", "readyz store", "livez"], remove, |_| {
            async {}.boxed_local()
        })
    },
    second("second_by_path", |place| second_on(place, |folder| folder.join(FILE))).in_smoke(),
    second("second_by_link", |place| {
        second_on(place, |folder| {
            let link = folder.join("other.db");
            let _stands_already = std::os::unix::fs::symlink(folder.join(FILE), &link);
            link
        })
    }),
    second("second_by_hard_link", |place| {
        second_on(place, |folder| {
            let link = folder.join("hard.db");
            let _stands_already = std::fs::hard_link(folder.join(FILE), &link);
            link
        })
    }),
    Fault {
        // The first gateway sees that its lock is gone and takes nothing more until it is started again.
        mend: |place| {
            async {
                place.signs.clear();
                place.start_again().await;
            }
            .boxed_local()
        },
        ..second("second_after_deleted_lock", |place| {
            second_on(place, |folder| {
                for entry in std::fs::read_dir(folder).unwrap() {
                    let path = entry.unwrap().path();
                    if path.extension().is_some_and(|ending| ending == "lock") {
                        std::fs::remove_file(path).unwrap();
                    }
                }
                folder.join(FILE)
            })
        })
    },
];

const fn second(name: &'static str, strike: Act) -> Fault {
    Fault::of(name, SECOND, strike, |place| async { place.signs.clear() }.boxed_local())
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for name in FILES {
        let _was_there = std::fs::remove_file(to.join(name));
        if from.join(name).exists() {
            std::fs::copy(from.join(name), to.join(name)).unwrap();
        }
    }
}

/// Stops the gateway in order, keeps a copy, spoils the file and starts again.
fn at_rest(place: &mut Place, spoil: fn(&Path)) -> LocalBoxFuture<'_, ()> {
    async move {
        tokio::task::block_in_place(|| place.gateway.stop());
        let folder = place.gateway.folder.clone();
        copy(&folder, &folder.join("good"));
        spoil(&folder.join(FILE));
        place.start_refused().await;
    }
    .boxed_local()
}

/// A page in the middle of what was written last reads as something else.
fn damage(file: &Path) {
    let mut file = std::fs::OpenOptions::new().write(true).open(file).unwrap();
    let pages = file.metadata().unwrap().len() / 4096;
    for page in [pages - 2, pages - pages / 8, pages / 2] {
        file.seek(SeekFrom::Start(page * 4096)).unwrap();
        file.write_all(&[0xA5; 4096]).unwrap();
    }
}

fn cut(file: &Path) {
    let file = std::fs::OpenOptions::new().write(true).open(file).unwrap();
    file.set_len(file.metadata().unwrap().len() / 2 / 4096 * 4096).unwrap();
}

fn without_wal(place: &mut Place) -> LocalBoxFuture<'_, ()> {
    async {
        place.gateway.kill();
        let folder = place.gateway.folder.clone();
        copy(&folder, &folder.join("good"));
        for name in &FILES[1..] {
            std::fs::remove_file(folder.join(name)).unwrap();
        }
        place.start_refused().await;
    }
    .boxed_local()
}

/// What lies in the log since it was begun.
struct Log {
    salt: Vec<u8>,
    frame_bytes: usize,
    /// Of each frame, whether it ends a transaction.
    commits: Vec<bool>,
}

impl Log {
    const HEAD: usize = 32;
    const FRAME_HEAD: usize = 24;

    fn read(file: &Path) -> Option<Log> {
        let bytes = std::fs::read(file).ok().filter(|bytes| bytes.len() > Log::HEAD)?;
        let number = |at: &[u8]| u32::from_be_bytes(at[..4].try_into().unwrap());
        let (salt, frame_bytes) = (&bytes[16..24], Log::FRAME_HEAD + number(&bytes[8..]) as usize);
        let frames = bytes[Log::HEAD..].chunks_exact(frame_bytes);
        let frames = frames.take_while(|frame| &frame[8..16] == salt);
        let commits = frames.map(|frame| number(&frame[4..]) > 0).collect();
        Some(Log { salt: salt.to_vec(), frame_bytes, commits })
    }
}

/// The gateway is killed, and its log ends in the middle of a frame and of a transaction, before
/// what the anchor knows of.
fn wal_cut(place: &mut Place) -> LocalBoxFuture<'_, ()> {
    async {
        let folder = place.gateway.folder.clone();
        let file = folder.join(FILES[1]);
        let mut seen: Option<(Log, std::time::Instant)> = None;
        let log = loop {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            let Some(now) = Log::read(&file) else { continue };
            let Some((log, at)) = seen.take().filter(|(log, _)| log.salt == now.salt) else {
                seen = Some((now, std::time::Instant::now()))
                    .filter(|(log, _)| log.commits.len() >= 16);
                continue;
            };
            // The anchor is written at most once a second: only then does it know of all of that.
            if at.elapsed().as_millis() < 1_200 {
                seen = Some((log, at));
                continue;
            }
            place.gateway.kill();
            match Log::read(&file) {
                Some(now) if now.salt == log.salt => break log,
                // It was begun anew meanwhile.
                _ => place.start_again().await,
            }
        };
        copy(&folder, &folder.join("good"));
        let half = log.commits.len() / 2;
        let frame = (1..=half).rev().find(|it| !log.commits[it - 1]).unwrap_or(half);
        let end = Log::HEAD + frame * log.frame_bytes + log.frame_bytes / 2;
        let cut = std::fs::OpenOptions::new().write(true).open(&file).unwrap();
        cut.set_len(end as u64).unwrap();
        place.start_refused().await;
    }
    .boxed_local()
}

/// An older copy is put where the store was, while more was acknowledged since.
fn behind(place: &mut Place) -> LocalBoxFuture<'_, ()> {
    async {
        let folder = place.gateway.folder.clone();
        tokio::task::block_in_place(|| place.gateway.stop());
        copy(&folder, &folder.join("older"));
        place.start_again().await;
        let since = std::time::Instant::now();
        while place.ledger.round_since(since).is_none() && since.elapsed().as_secs() < 60 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        // The anchor is written at most once a second.
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        tokio::task::block_in_place(|| place.gateway.stop());
        copy(&folder, &folder.join("good"));
        copy(&folder.join("older"), &folder);
        place.start_refused().await;
    }
    .boxed_local()
}

fn put_back(place: &mut Place) -> LocalBoxFuture<'_, ()> {
    async {
        place.gateway.kill();
        place.signs.clear();
        let folder = place.gateway.folder.clone();
        copy(&folder.join("good"), &folder);
        place.start_again().await;
    }
    .boxed_local()
}

/// The files are removed under the running gateway, which is then started again.
fn remove(place: &mut Place) -> LocalBoxFuture<'_, ()> {
    async {
        for name in FILES {
            let _may_be_missing = std::fs::remove_file(place.gateway.folder.join(name));
        }
        let (signs, before) = (["exit", "readyz store"], BTreeSet::new());
        let noticed = place.told(&signs, &before, super::row::TOLD_MAX).await;
        place.signs.extend(noticed);
        place.start_refused().await;
    }
    .boxed_local()
}

/// A gateway with the same settings but for its ports and the way to the store.
fn second_on(place: &mut Place, way: fn(&Path) -> PathBuf) -> LocalBoxFuture<'_, ()> {
    async move {
        let folder = &place.gateway.folder;
        let path = way(folder);
        let settings = std::fs::read_to_string(folder.join("gateway.toml")).unwrap();
        let port = |address: &str| address.rsplit(':').next().unwrap().to_owned();
        let settings = settings
            .replace(&port(&place.gateway.api), &free_port().to_string())
            .replace(&port(&place.gateway.internal), &free_port().to_string())
            .replace("operators.sock", "second.sock")
            .replace("path = \"gateway.db\"", &format!("path = \"{}\"", path.display()));
        let file = folder.join("second.toml");
        std::fs::write(&file, settings).unwrap();
        let mut second = tokio::process::Command::new(env!("CARGO_BIN_EXE_cara-gateway"));
        second.args(["serve", "--config"]).arg(file).kill_on_drop(true);
        let output = tokio::time::timeout(std::time::Duration::from_secs(20), second.output());
        if let Ok(Ok(output)) = output.await
            && !output.status.success()
        {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let last = said.lines().last().unwrap_or_default();
            let last = last.replace(&format!("{}/", folder.display()), "");
            let last: String = last.chars().take(160).collect();
            place.signs.insert(format!("second refused: {last}"));
        }
    }
    .boxed_local()
}
