//! The power is cut: what a process wrote to its store is recorded in order, and for each point of
//! the record the disks that a cut there could leave are made and opened.
//!
//! What was synchronised is there. What was not may be there or not, in any order, or torn at any
//! sector; of names in a folder (made, renamed, removed) the first few are there.

#![expect(clippy::disallowed_methods, reason = "tests look at the machine's clock from outside")]

use std::collections::{BTreeMap, HashSet};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::*;

mod disk;

use disk::{Disk, Kept, Op};

/// Cuts that the ordinary run tries; all of them with `POWER_ALL=1`.
const CUTS_USUAL: usize = 60;
/// Of each cut: nothing of what was not synchronised, all of it, all of it with the last write torn,
/// and so many mixtures.
const MIXTURES: u64 = 1;
const MIXTURES_ALL: u64 = 2;
const TELL_EVERY: Duration = Duration::from_secs(30);
/// So many that each run's log is longer than what makes SQLite put it into the file.
const RECORDS_PER_RUN: usize = 45;

fn at(root: &Path, disk: &Path) -> (Folder, Options) {
    let folder = Folder {
        path: root.to_owned(),
        generation: Mutex::new(0),
        clock: Clock::manual(start()),
        vault: vault_in(root),
    };
    let options = Options {
        path: disk.join("data/gateway.db"),
        anchor: disk.join("anchor/store.anchor"),
        ..folder.options()
    };
    (folder, options)
}

/// The process that is recorded; as a test of its own it does nothing.
#[tokio::test]
async fn the_process_that_is_recorded() {
    let Some(root) = std::env::var_os("RECORD_ROOT") else { return };
    let root = PathBuf::from(root);
    let disk = root.join("disk");
    let (folder, options) = at(&root, &disk);
    let acknowledged = disk.join("acknowledged");
    let mut said =
        std::fs::OpenOptions::new().append(true).create(true).open(acknowledged).unwrap();
    let mut say = |word: &str, referral_id: Uuid| {
        said.write_all(format!("{word} {referral_id}\n").as_bytes()).unwrap();
    };
    // It is closed in between, and at the end it is not.
    for run in 0..2 {
        let store = folder.open_with(&options).unwrap();
        for number in 0..RECORDS_PER_RUN {
            let mut one = revision(&folder, &format!("A/{run}/{number}"), 1);
            if number % 10 == 0 {
                one.raw = Some(cara_vault::Sealed::from_stored(vec![7; 150_000]));
            }
            say("accepted", write(&store, accept(&folder, one)).await);
            let leased = match number % 3 {
                0 => contract::claim(&store, 4, contract::LEASE_S).await,
                _ => Vec::new(),
            };
            contract::settle_all(&store, &folder.clock, &leased).await;
            for row in &leased {
                let side = match row.compartment {
                    cara_domain::Compartment::Offender => "offender",
                    cara_domain::Compartment::Victim => "victim",
                };
                say(side, row.referral_id);
            }
        }
        if run == 0 {
            store.close().await.unwrap();
        } else {
            std::process::exit(0);
        }
    }
}

fn recorded(root: &Path) -> Vec<Op> {
    let library = root.join("recorder.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/power/recorder.c");
    let built = std::process::Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([&library, &source])
        .arg("-ldl")
        .status()
        .expect("a C compiler; `make install` installs one");
    assert!(built.success());
    let disk = root.join("disk");
    std::fs::create_dir_all(disk.join("data")).unwrap();
    std::fs::create_dir_all(disk.join("anchor")).unwrap();
    let ended = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["tests::power::the_process_that_is_recorded", "--exact"])
        .env("LD_PRELOAD", &library)
        .env("RECORD_ROOT", root)
        .env("RECORD_FOLDER", &disk)
        .env("RECORD_LOG", root.join("record"))
        .output()
        .unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    disk::read(&std::fs::read(root.join("record")).unwrap(), &disk)
}

/// Where the record is cut: before and after whatever is not an ordinary write, and at some more.
fn cuts(ops: &[Op], all: bool) -> Vec<usize> {
    let turns = |index: &usize| {
        let is_write = |op: Option<&Op>| matches!(op, Some(Op::Write { .. }));
        !is_write(ops.get(*index)) || !is_write(index.checked_sub(1).and_then(|it| ops.get(it)))
    };
    let every: Vec<usize> = (0..=ops.len()).collect();
    if all {
        return every;
    }
    let turning: Vec<usize> = every.iter().copied().filter(turns).collect();
    let thinned = |from: &[usize], count: usize| {
        from.iter().copied().step_by((from.len() / count).max(1)).collect::<Vec<_>>()
    };
    // The first store's making and the turn between the runs are short: they are tried whole.
    let mut chosen =
        every.iter().take(40).chain(turning.iter().take(30)).copied().collect::<Vec<_>>();
    chosen.extend(thinned(&turning, CUTS_USUAL / 2));
    chosen.extend(thinned(&every, CUTS_USUAL / 2));
    chosen.push(ops.len());
    chosen.sort_unstable();
    chosen.dedup();
    chosen
}

/// What was acknowledged: referrals, and of which side the confirmation of each.
#[derive(Default)]
struct Acknowledged {
    records: BTreeMap<Uuid, Vec<cara_domain::Compartment>>,
    /// How many lines said so.
    heard: usize,
}

impl Acknowledged {
    fn hear(&mut self, line: &str) {
        let (word, id) = line.trim().split_once(' ').unwrap();
        self.heard += 1;
        let sides = self.records.entry(id.parse().unwrap()).or_default();
        match word {
            "offender" => sides.push(cara_domain::Compartment::Offender),
            "victim" => sides.push(cara_domain::Compartment::Victim),
            _ => {}
        }
    }
}

/// Opens a disk as the program does, and says what is not as it has to be.
async fn wrong(root: &Path, disk: &Path, known: &Acknowledged) -> Option<String> {
    let (folder, options) = at(root, disk);
    let folder = std::mem::ManuallyDrop::new(folder);
    let folder: &Folder = &folder;
    let store = match folder.open_with(&options) {
        Ok(store) => store,
        Err(error) => return Some(format!("it does not open: {error}")),
    };
    for (id, sides) in &known.records {
        let Some(referral) = store.referral(*id).await.ok().flatten() else {
            return Some("an acknowledged record is lost".to_owned());
        };
        let messages = referral.revisions.iter().flat_map(|it| &it.messages);
        let confirmed: Vec<_> = messages
            .filter(|message| message.confirmed_at.is_some())
            .map(|message| message.compartment)
            .collect();
        if sides.iter().any(|side| !confirmed.contains(side)) {
            return Some("a confirmation that was settled is lost".to_owned());
        }
    }
    let verified = verify(&store, &folder.vault).await.unwrap();
    if let Some(broken) = verified.broken {
        return Some(format!("the audit chain is broken: {broken:?}"));
    }
    let outsider = Connection::open(&options.path).unwrap();
    let counted: (i64, i64, i64, String) = outsider
        .query_row(
            "SELECT (SELECT count(*) FROM referral), (SELECT count(*) FROM revision), \
             (SELECT count(*) FROM outbox) + (SELECT count(*) FROM sent), \
             (SELECT quick_check FROM pragma_quick_check)",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )
        .unwrap();
    drop(outsider);
    let (referrals, revisions, messages, check) = counted;
    if revisions != referrals || messages != 2 * referrals || check != "ok" {
        return Some(format!(
            "half of something is there: {counted:?}",
            counted = (referrals, revisions, messages, check)
        ));
    }
    let entry = accept(folder, revision(folder, "after the cut", 1));
    store.write(vec![entry]).await.remove(0).err().map(|refused| format!("{refused}"))
}

#[tokio::test]
async fn whatever_a_power_cut_leaves_opens_and_has_all_that_was_acknowledged() {
    let all = std::env::var_os("POWER_ALL").is_some();
    let folder = Folder::create("power");
    let ops = recorded(&folder.path);
    let quick = Path::new("/dev/shm");
    let scratch = if quick.is_dir() { quick.to_owned() } else { std::env::temp_dir() };
    let scratch = scratch.join(format!("cara-power-{}", std::process::id()));
    let chosen = cuts(&ops, all);
    let mut disk = Disk::default();
    let mut known = Acknowledged::default();
    let (mut disks, mut same, mut found, mut done) = (0, 0, Vec::new(), 0);
    let mut seen = HashSet::new();
    let began = Instant::now();
    let mut told = began;
    for &cut in &chosen {
        for op in &ops[done..cut] {
            match op {
                Op::Write { path, data, .. } if path == "acknowledged" => {
                    known.hear(std::str::from_utf8(data).unwrap());
                }
                op => disk.carry_out(op),
            }
        }
        done = cut;
        let mixtures = if all { MIXTURES_ALL } else { MIXTURES };
        let mixed = (0..mixtures).map(|seed| Kept::Some(seed * 1_000_003 + cut as u64));
        let usual = [Kept::Nothing, Kept::All, Kept::Torn(cut as u64)];
        for kept in usual.into_iter().chain(mixed) {
            let image = disk.image(kept);
            // Whoever heard of more has to find more.
            if !seen.insert((image.number(), known.heard)) {
                same += 1;
                continue;
            }
            image.lay(&scratch);
            disks += 1;
            if let Some(what) = wrong(&folder.path, &scratch, &known).await {
                let line = format!("cut {cut} of {}, {kept:?}: {what}", ops.len());
                println!("wrong: {line}");
                found.push(line);
            }
        }
        if told.elapsed() >= TELL_EVERY {
            told = Instant::now();
            println!(
                "{} s: cut {cut} of {}, {disks} disks, {} wrong",
                began.elapsed().as_secs(),
                ops.len(),
                found.len()
            );
        }
    }
    let _ = std::fs::remove_dir_all(&scratch);
    let syncs = ops.iter().filter(|op| matches!(op, Op::Sync { .. })).count();
    println!(
        "{} writes and {syncs} syncs recorded, {} records acknowledged; {} cuts, {disks} disks and \
         {same} that were the same as one of them, {} wrong; {} s",
        ops.len(),
        known.records.len(),
        chosen.len(),
        found.len(),
        began.elapsed().as_secs()
    );
    assert!(found.is_empty(), "{} of {disks}:\n{}", found.len(), found.join("\n"));
    assert_eq!(known.records.len(), 2 * RECORDS_PER_RUN);
    assert!(syncs > 100, "the recorder has seen {syncs} syncs");
}
