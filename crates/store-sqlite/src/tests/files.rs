//! Whose the files are, and whether they are the ones that were left here.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use cara_metric::alert;

/// A store with so many facts, closed.
fn closed(name: &str, facts: u32) -> Folder {
    let folder = Folder::create(name);
    let store = folder.open();
    block(async {
        add(&folder, &*store, 1..=facts).await;
        store.close().await.unwrap();
    });
    folder
}

pub(super) fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

pub(super) async fn add(
    folder: &Folder,
    store: &dyn Store,
    numbers: std::ops::RangeInclusive<u32>,
) {
    for number in numbers {
        write(store, accept(folder, revision(folder, &format!("A/{number}"), 1))).await;
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    lock::beside(path, suffix)
}

fn refused(folder: &Folder) -> Error {
    folder.open_with(&folder.options()).unwrap_err()
}

#[test]
fn another_name_of_the_same_file_is_the_same_store() {
    let folder = Folder::create("names");
    let options = folder.options();
    let store = folder.open_with(&options).unwrap();
    let other = |path: PathBuf| Options { path, ..options.clone() };
    let link = folder.path.join("link.db");
    std::os::unix::fs::symlink(&options.path, &link).unwrap();
    let hard = folder.path.join("hard.db");
    fs::hard_link(&options.path, &hard).unwrap();
    let by_folder = folder.path.join("here");
    std::os::unix::fs::symlink(&folder.path, &by_folder).unwrap();
    fs::remove_file(beside(&options.path, ".lock")).unwrap();
    let again = by_folder.join(options.path.file_name().unwrap());
    for path in [options.path.clone(), link, hard, again] {
        let error = folder.open_with(&other(path.clone())).unwrap_err();
        assert!(matches!(error, Error::InUse { .. }), "{}: {error}", path.display());
    }
    drop(store);
    folder.open_with(&options).unwrap();
}

#[test]
fn a_link_that_leads_nowhere_is_no_place_for_a_store() {
    let folder = Folder::create("nowhere");
    let link = folder.path.join("link.db");
    std::os::unix::fs::symlink(folder.path.join("absent.db"), &link).unwrap();
    let refused = folder.open_with(&Options { path: link, ..folder.options() }).unwrap_err();
    assert!(matches!(refused, Error::Folder { .. }), "{refused}");
}

#[test]
fn a_store_says_whether_it_was_closed() {
    let folder = closed("clean", 3);
    let store = folder.open_with(&folder.options()).unwrap();
    assert!(store.ended_cleanly());
    let (path, copy) = (folder.options().path, folder.path.join("copy.db"));
    for suffix in ["", "-wal"] {
        fs::copy(beside(&path, suffix), beside(&copy, suffix)).unwrap();
    }
    drop(store);
    let store = folder.open_with(&Options { path: copy, ..folder.options() }).unwrap();
    assert!(!store.ended_cleanly());
}

#[test]
fn a_store_that_was_killed_needs_its_log() {
    let folder = Folder::create("log");
    let store = folder.open();
    block(add(&folder, &*store, 1..=3));
    let (path, copy) = (folder.options().path, folder.path.join("copy.db"));
    fs::copy(&path, &copy).unwrap();
    drop(store);
    let options = Options { path: copy.clone(), ..folder.options() };
    for _ in 0..2 {
        let refused = folder.open_with(&options).unwrap_err();
        assert!(matches!(refused, Error::WalGone { .. }), "{refused}");
        assert!(!beside(&copy, "-wal").exists(), "a look leaves no trace");
    }
}

/// The log of a store that was killed may end anywhere: in the middle of a frame, of a transaction.
#[test]
fn a_log_that_ends_anywhere_gives_what_the_anchor_knows_or_is_refused() {
    const FRAME: u64 = 24 + 4096;
    let folder = Folder::create("torn");
    let (path, copy) = (folder.options().path, folder.path.join("copy.db"));
    let anchor = folder.path.join("anchor/copy.anchor");
    let store = folder.open();
    block(add(&folder, &*store, 1..=3));
    let known = |facts| {
        let stand = anchor::Stand::read(&folder.options().anchor, &folder.vault).unwrap();
        stand.is_some_and(|stand| stand.end.sequence == facts)
    };
    while !known(3) {
        std::thread::yield_now();
    }
    let known = fs::read(folder.options().anchor).unwrap();
    block(add(&folder, &*store, 4..=6));
    let log = fs::read(beside(&path, "-wal")).unwrap();
    let database = fs::read(&path).unwrap();
    drop(store);
    let mut ends = std::collections::BTreeMap::new();
    for frame in (0..log.len() as u64 / FRAME).step_by(3) {
        let end = 32 + frame * FRAME + (frame % 2) * FRAME / 2;
        fs::write(&copy, &database).unwrap();
        fs::write(beside(&copy, "-wal"), &log[..usize::try_from(end).unwrap()]).unwrap();
        fs::write(&anchor, &known).unwrap();
        let options = Options { path: copy.clone(), anchor: anchor.clone(), ..folder.options() };
        let found = match folder.open_with(&options) {
            Ok(store) => {
                let facts = block(store.audit_rows(0, 9)).unwrap().len();
                assert!((3..=6).contains(&facts), "{facts} facts at {end}");
                block(add(&folder, &store, 7..=7));
                facts
            }
            Err(Error::Behind { facts, anchored: 3, .. }) => usize::try_from(facts).unwrap(),
            Err(Error::WalGone { .. } | Error::Gone { .. }) => 0,
            Err(other) => panic!("{other} at {end}"),
        };
        *ends.entry(found).or_insert(0) += 1;
        for suffix in ["", "-wal", "-shm"] {
            let _may_be_missing = fs::remove_file(beside(&copy, suffix));
        }
    }
    assert!(ends.keys().copied().eq(0..=6), "{ends:?}");
}

#[test]
fn an_older_copy_is_not_taken_for_the_store() {
    let folder = closed("older", 3);
    let (path, copy) = (folder.options().path, folder.path.join("copy"));
    fs::copy(&path, &copy).unwrap();
    let store = folder.open();
    block(add(&folder, &*store, 4..=5));
    drop(store);
    fs::rename(&copy, &path).unwrap();
    let refused = refused(&folder);
    assert!(matches!(refused, Error::Behind { facts: 3, anchored: 5, .. }), "{refused}");
}

#[test]
fn another_store_is_not_taken_for_the_store() {
    let folder = closed("foreign", 3);
    let mut other = folder.options();
    other.path = folder.path.join("other.db");
    other.anchor = folder.path.join("anchor/other.anchor");
    let store = folder.open_with(&other).unwrap();
    block(add(&folder, &store, 1..=9));
    drop(store);
    fs::rename(&other.path, folder.options().path).unwrap();
    let refused = refused(&folder);
    assert!(matches!(refused, Error::Foreign { .. }), "{refused}");
}

#[test]
fn a_copy_that_went_its_own_way_is_not_taken_for_the_store() {
    let folder = closed("fork", 3);
    let (path, copy) = (folder.options().path, folder.path.join("copy.db"));
    fs::copy(&path, &copy).unwrap();
    let store = folder.open();
    block(add(&folder, &*store, 4..=5));
    drop(store);
    let anchor = folder.path.join("anchor/copy.anchor");
    let options = Options { path: copy.clone(), anchor, ..folder.options() };
    let store = folder.open_with(&options).unwrap();
    assert_eq!(block(store.audit_rows(0, 9)).unwrap().len(), 3);
    block(add(&folder, &store, 14..=19));
    drop(store);
    fs::rename(&copy, &path).unwrap();
    let refused = refused(&folder);
    assert!(matches!(refused, Error::Foreign { .. }), "{refused}");
}

#[test]
fn a_store_that_is_gone_is_never_begun_anew() {
    let folder = closed("gone", 3);
    let path = folder.options().path;
    for change in
        [|path: &Path| fs::remove_file(path).unwrap(), |path: &Path| fs::write(path, b"").unwrap()]
    {
        change(&path);
        let refused = refused(&folder);
        assert!(matches!(refused, Error::Gone { facts: 3, .. }), "{refused}");
    }
    fs::remove_file(folder.options().anchor).unwrap();
    folder.open_with(&folder.options()).unwrap();
}

#[test]
fn an_anchor_that_is_gone_is_said_and_made_again() {
    let folder = closed("anchorless", 3);
    let anchor = folder.options().anchor;
    fs::remove_file(&anchor).unwrap();
    let metric = Metric::default();
    let (clock, vault) = (folder.clock.clone(), Arc::clone(&folder.vault));
    let store = Sqlite::open_with(&folder.options(), clock, vault, metric.clone()).unwrap();
    assert!(metric.troubles().now().keys().any(|(kind, _)| *kind == alert::STORE_ANCHOR));
    assert!(anchor.exists());
    drop(store);
    fs::write(&anchor, "{}").unwrap();
    let refused = refused(&folder);
    assert!(matches!(refused, Error::AnchorSpoilt { .. }), "{refused}");
}

#[test]
fn an_anchor_in_the_folder_of_the_store_is_refused() {
    let folder = Folder::create("beside");
    let anchor = folder.path.join("store.anchor");
    let refused = folder.open_with(&Options { anchor, ..folder.options() }).unwrap_err();
    assert!(matches!(refused, Error::AnchorBesideStore { .. }), "{refused}");
}

#[tokio::test]
async fn files_that_are_removed_under_the_gateway_stop_acceptance_and_nothing_else() {
    for (name, suffix) in [("file", ""), ("wal", "-wal"), ("sign", ".lock")] {
        let folder = Folder::create(&format!("removed-{name}"));
        let path = folder.options().path;
        let metric = Metric::default();
        let (clock, vault) = (folder.clock.clone(), Arc::clone(&folder.vault));
        let store = Sqlite::open_with(&folder.options(), clock, vault, metric.clone()).unwrap();
        add(&folder, &store, 1..=2).await;
        store.probe().await.unwrap();
        fs::remove_file(beside(&path, suffix)).unwrap();
        assert!(store.probe().await.is_err());
        let entry = accept(&folder, revision(&folder, "A/9", 1));
        let refused = contract::refused(&store, entry).await;
        assert_eq!(refused, NotWritten::Unavailable { reason: harm::MOVED });
        let about = beside(&path, suffix).file_name().unwrap().to_string_lossy().into_owned();
        assert!(metric.troubles().now().contains_key(&(alert::STORE_DAMAGED, about)), "{name}");
        assert_eq!(contract::drain(&store, &folder.clock).await.len(), 4, "{name}");
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_store_that_is_replaced_under_the_gateway_is_not_written_to() {
    let folder = Folder::create("replaced");
    let path = folder.options().path;
    let store = folder.open();
    add(&folder, &*store, 1..=2).await;
    let copy = folder.path.join("copy");
    fs::copy(&path, &copy).unwrap();
    fs::rename(&copy, &path).unwrap();
    let before = fs::read(&path).unwrap();
    assert!(store.probe().await.is_err());
    store.close().await.unwrap();
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_refused_store_can_be_read() {
    let folder = Folder::create("read-only");
    let store = folder.open();
    add(&folder, &*store, 1..=3).await;
    let (path, copy) = (folder.options().path, folder.path.join("copy.db"));
    for suffix in ["", "-wal"] {
        fs::copy(beside(&path, suffix), beside(&copy, suffix)).unwrap();
    }
    drop(store);
    let before = fs::read(&copy).unwrap();
    let options = Options { path: copy.clone(), read_only: true, ..folder.options() };
    let store = folder.open_with(&options).unwrap();
    assert_eq!(store.audit_rows(0, 9).await.unwrap().len(), 3);
    let entry = accept(&folder, revision(&folder, "A/9", 1));
    let refused = contract::refused(&store, entry).await;
    assert_eq!(refused, NotWritten::Unavailable { reason: harm::READ_ONLY });
    assert!(contract::claim(&store, 9, 60).await.is_empty());
    store.close().await.unwrap();
    assert_eq!(fs::read(&copy).unwrap(), before);
}
