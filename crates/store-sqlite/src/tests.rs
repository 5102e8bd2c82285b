mod damage;
mod files;

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;

mod large;
mod plans;
mod power;

use super::*;
use cara_store::audit::verify;
use cara_store::contract::{self, TestStore, accept, revision, start, write};
use cara_store::{
    AuditChain as _, Cases as _, Days as _, Entries as _, NotWritten, OutboxRows as _,
    Reconciliations as _, Referrals as _, Store, Upkeep as _,
};

/// A folder of its own for one test, gone with the value.
struct Folder {
    path: PathBuf,
    /// Which copy of the file is the living one: a crash leaves the older behind.
    generation: Mutex<u32>,
    clock: Clock,
    vault: Arc<Vault>,
}

fn vault_in(path: &std::path::Path) -> Arc<Vault> {
    let settings = cara_config::VaultSettings {
        epochs: path.join("epochs"),
        index_key: cara_config::SecretFile::at(path.join("index.key"), "vault.index_key"),
        audit_key: cara_config::SecretFile::at(path.join("audit.key"), "vault.audit_key"),
    };
    Arc::new(Vault::open(&settings).unwrap())
}

impl Folder {
    fn create(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("cara-store-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        cara_vault::create_secrets(&path).unwrap();
        let vault = vault_in(&path);
        Folder { path, generation: Mutex::new(0), clock: Clock::manual(start()), vault }
    }

    fn options(&self) -> Options {
        let generation = *self.generation.lock().unwrap();
        Options {
            path: self.path.join(format!("gateway-{generation}.db")),
            anchor: self.path.join("anchor/store.anchor"),
            read_only: false,
            disk_reserve_bytes: 0,
            busy_timeout_ms: 50,
        }
    }

    fn open_with(&self, options: &Options) -> Result<Sqlite, Error> {
        Sqlite::open_with(options, self.clock.clone(), Arc::clone(&self.vault), Metric::default())
    }

    /// The file as another program sees it.
    fn outsider(&self) -> Connection {
        Connection::open(self.options().path).unwrap()
    }
}

impl TestStore for Folder {
    fn open(&self) -> Arc<dyn Store> {
        Arc::new(self.open_with(&self.options()).unwrap())
    }

    /// The files as they lie on the disk while the store is open are what a crash leaves.
    fn crash(&self, store: Arc<dyn Store>) -> Arc<dyn Store> {
        let before = self.options().path;
        *self.generation.lock().unwrap() += 1;
        let after = self.options().path;
        for suffix in ["", "-wal"] {
            let with = |path: &std::path::Path| format!("{}{suffix}", path.display());
            std::fs::copy(with(&before), with(&after)).unwrap();
        }
        drop(store);
        self.open()
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }
    fn vault(&self) -> &Vault {
        &self.vault
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

macro_rules! keeps_the_contract {
    ($($room:ident: $($name:ident),+;)+) => {$($(
        #[tokio::test]
        async fn $name() {
            contract::$room::$name(&Folder::create(stringify!($name))).await;
        }
    )+)+};
}

keeps_the_contract! {
    record: a_referral_is_found_as_it_was_written, the_same_record_twice_makes_one_referral,
        callers_at_the_same_instant_make_one_referral, a_revision_must_be_the_next_one,
        a_conflict_fails_its_entry_and_not_the_batch, an_entry_is_written_whole_or_not_at_all,
        a_message_without_a_body_is_refused, a_hold_is_found_as_it_was_written,
        the_same_bytes_open_no_second_hold_until_it_ends,
        a_good_record_closes_the_open_holds_of_its_case,
        a_new_hold_can_replace_the_older_ones_of_its_case,
        a_release_needs_its_hold_open_and_writes_both, holds_are_listed_oldest_first_in_pages,
        an_idempotency_key_is_bound_once, mappings_go_live_one_version_after_the_other,
        kept_records_are_walked_the_newest_first,
        a_day_tells_where_everything_is_that_arrived_on_it,
        a_closed_store_refuses_and_an_opened_one_has_all;
    outcome: a_case_is_found_with_all_that_was_reported,
        an_outcome_folded_from_old_facts_is_refused_whole,
        numbers_have_no_gap_after_a_crash_and_a_cause_is_told_once, a_notice_is_taken_over_once,
        a_decision_is_stored_with_its_messages_and_cancels, caused_messages_go_out_in_their_lanes;
    outbox: what_was_confirmed_is_sent_again_in_its_lanes, a_leased_row_brings_all_that_reopens_its_event,
        one_message_of_a_lane_is_in_flight_at_a_time,
        a_lease_that_ran_out_is_free_and_its_holder_changes_nothing, settling_twice_settles_once,
        a_retry_waits_for_its_time_and_keeps_its_lane,
        a_lease_ends_with_its_deadline_whatever_became_of_its_holder,
        a_long_backlog_drains_whole_and_in_order, a_commit_that_adds_work_wakes_the_waiting;
    hold: a_hold_ends_together_with_what_the_force_is_told, a_correction_is_written_whole_and_once,
        every_hold_that_a_record_closes_has_a_fact, a_correction_waits_while_its_hold_is_open,
        a_hold_that_was_tried_says_what_stops_it_now,
        a_hold_is_on_the_day_it_came_and_on_the_day_it_ended;
    audit: facts_of_every_step_are_chained_in_order;
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]
    #[test]
    fn any_interleaving_keeps_every_row_and_every_lane(moves in contract::interleave::moves()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let folder = Folder::create("interleave");
        runtime.block_on(
            contract::interleave::any_interleaving_keeps_every_row_and_every_lane(&folder, moves),
        );
    }
}

#[test]
fn a_second_process_is_refused_while_the_first_has_the_file() {
    let folder = Folder::create("second");
    let first = folder.open_with(&folder.options()).unwrap();
    let refused = folder.open_with(&folder.options()).unwrap_err();
    assert!(matches!(refused, Error::InUse { .. }), "{refused}");
    drop(first);
    folder.open_with(&folder.options()).unwrap();
}

#[test]
fn the_files_are_for_this_user_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::create("mode");
    let _store = folder.open_with(&folder.options()).unwrap();
    for suffix in ["", "-wal", "-shm", ".lock"] {
        let file = format!("{}{suffix}", folder.options().path.display());
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[tokio::test]
async fn below_the_disk_reserve_new_records_are_refused_and_settling_goes_on() {
    let folder = Folder::create("reserve");
    let store = folder.open();
    write(&*store, accept(&folder, revision(&folder, "A/1", 1))).await;
    drop(store);
    let options = Options { disk_reserve_bytes: u64::MAX, ..folder.options() };
    let store = folder.open_with(&options).unwrap();
    let hold = contract::hold(&folder, None, "b");
    for entry in [
        accept(&folder, revision(&folder, "A/2", 1)),
        contract::entry(cara_store::What::Hold(Box::new(hold))),
    ] {
        let refused = contract::refused(&store, entry).await;
        assert_eq!(refused, NotWritten::Unavailable { reason: writer::BELOW_RESERVE });
    }
    assert_eq!(contract::drain(&store, &folder.clock).await.len(), 2);
    assert_eq!(store.audit_rows(0, 10).await.unwrap().len(), 3);
    assert!(!store.is_poisoned());
}

#[tokio::test]
async fn while_the_file_is_locked_nothing_is_written_or_acknowledged() {
    let folder = Folder::create("locked");
    let store = folder.open();
    let outsider = folder.outsider();
    outsider.execute_batch("BEGIN IMMEDIATE").unwrap();
    let one = revision(&folder, "A/1", 1);
    let record = one.record;
    let refused = contract::refused(&*store, accept(&folder, one)).await;
    assert!(matches!(refused, NotWritten::Unavailable { .. }));
    assert!(store.probe().await.is_err());
    outsider.execute_batch("ROLLBACK").unwrap();
    assert!(store.look(contract::HAMPSHIRE, record).await.unwrap().referral.is_none());
    assert_eq!(store.backlog().await.unwrap().rows, 0);
    store.probe().await.unwrap();
    write(&*store, accept(&folder, revision(&folder, "A/1", 1))).await;
    assert!(!store.is_poisoned());
}

#[tokio::test]
async fn a_full_disk_acknowledges_nothing_and_is_no_poison() {
    let folder = Folder::create("full");
    let options = folder.options();
    drop(folder.open_with(&options).unwrap());
    let opened = open::open(&options, &folder.vault, &folder.clock).unwrap();
    let pages: i64 = opened.writer.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    opened.writer.execute_batch(&format!("PRAGMA max_page_count = {}", pages + 40)).unwrap();
    let (clock, vault) = (folder.clock.clone(), Arc::clone(&folder.vault));
    let store = Sqlite::start(opened, &options, clock, vault, Metric::default()).unwrap();
    let mut taken = 0;
    let mut full = false;
    for number in 0..200 {
        let entry = accept(&folder, revision(&folder, &format!("A/{number}"), 1));
        match store.write(vec![entry]).await.remove(0) {
            Ok(_) => taken += 1,
            Err(refused) => {
                assert_eq!(refused, NotWritten::Unavailable { reason: "the disk is full" });
                full = true;
            }
        }
    }
    assert!(full && taken > 0);
    assert!(!store.is_poisoned());
    assert_eq!(store.backlog().await.unwrap().rows, taken * 2);
    store.close().await.unwrap();
    let store = folder.open();
    assert_eq!(store.backlog().await.unwrap().rows, taken * 2);
    assert_eq!(contract::links(&*store, &folder).await, taken);
}

#[tokio::test]
async fn retries_beyond_those_kept_by_time_are_found_again() {
    let folder = Folder::create("later");
    let store = folder.open();
    let count = outbox::LATER_MAX + 50;
    for first in (0..count).step_by(1_000) {
        let entries = (first..count.min(first + 1_000)).map(|number| {
            let mut one = revision(&folder, &format!("A/{number}"), 1);
            one.messages.truncate(1);
            accept(&folder, one)
        });
        for result in store.write(entries.collect()).await {
            let _ = result.unwrap();
        }
    }
    let not_before = folder.clock.now() + jiff::SignedDuration::from_secs(10);
    let mut postponed = 0;
    while postponed < count {
        let rows = contract::claim(&*store, 500, 60).await;
        assert!(!rows.is_empty());
        postponed += rows.len();
        let retry = cara_store::Settled::Retry { not_before, reason: "returned" };
        let outcomes = rows.into_iter().map(|row| (row.lease, retry.clone()));
        assert!(store.settle(outcomes.collect()).await.unwrap().iter().all(|&settled| settled));
    }
    assert!(contract::claim(&*store, 500, 60).await.is_empty());
    folder.clock.advance(std::time::Duration::from_secs(10));
    assert_eq!(contract::drain(&*store, &folder.clock).await.len(), count);
}

/// Three facts, then a change behind the store's back, then what checking says.
async fn tampered(name: &str, change: &str) -> (u64, &'static str) {
    let folder = Folder::create(name);
    let store = folder.open();
    for number in 1..=3 {
        let entry = accept(&folder, revision(&folder, &format!("A/{number}"), 1));
        write(&*store, entry).await;
    }
    assert_eq!(contract::links(&*store, &folder).await, 3);
    folder.outsider().execute_batch(change).unwrap();
    verify(&*store, &folder.vault).await.unwrap().broken.unwrap()
}

#[tokio::test]
async fn every_change_of_the_audit_chain_is_found_where_it_is() {
    let cases = [
        (
            "fact",
            "UPDATE audit SET fact = replace(fact, 'collection', 'erasure') WHERE sequence = 2",
            (2, cara_store::audit::CHANGED),
        ),
        (
            "mac",
            "UPDATE audit SET mac = zeroblob(32) WHERE sequence = 1",
            (1, cara_store::audit::CHANGED),
        ),
        ("middle", "DELETE FROM audit WHERE sequence = 2", (2, cara_store::audit::MISSING)),
        ("first", "DELETE FROM audit WHERE sequence = 1", (1, cara_store::audit::MISSING)),
        (
            "swap",
            "UPDATE audit SET sequence = 9 WHERE sequence = 1; \
             UPDATE audit SET sequence = 1 WHERE sequence = 2; \
             UPDATE audit SET sequence = 2 WHERE sequence = 9",
            (1, cara_store::audit::CHANGED),
        ),
        ("tail", "DELETE FROM audit WHERE sequence = 3", (3, cara_store::audit::SHORT)),
        (
            "added",
            "INSERT INTO audit SELECT 4, mac, fact FROM audit WHERE sequence = 3",
            (4, cara_store::audit::CHANGED),
        ),
        (
            "tail and head",
            "DELETE FROM audit WHERE sequence = 3; UPDATE audit_head SET sequence = 2, \
             mac = (SELECT mac FROM audit WHERE sequence = 2)",
            (2, cara_store::audit::HEAD),
        ),
        ("head", "DELETE FROM audit_head", (4, cara_store::audit::HEADLESS)),
        ("all", "DELETE FROM audit_head; DELETE FROM audit", (1, cara_store::audit::HEADLESS)),
    ];
    for (name, change, expected) in cases {
        assert_eq!(tampered(name, change).await, expected, "{name}");
    }
}

#[tokio::test]
async fn a_forged_head_stops_writing_and_the_next_start() {
    let folder = Folder::create("forged");
    let store = folder.open();
    write(&*store, accept(&folder, revision(&folder, "A/1", 1))).await;
    folder.outsider().execute_batch("UPDATE audit_head SET sequence = 0").unwrap();
    let refused = contract::refused(&*store, accept(&folder, revision(&folder, "A/2", 1))).await;
    assert!(matches!(refused, NotWritten::Unavailable { .. }));
    assert!(store.is_poisoned());
    let after = contract::refused(&*store, accept(&folder, revision(&folder, "A/3", 1))).await;
    assert_eq!(after, NotWritten::Unavailable { reason: writer::POISONED });
    drop(store);
    assert!(matches!(folder.open_with(&folder.options()), Err(Error::AuditHead)));
}

#[test]
fn a_store_of_other_keys_is_refused() {
    let folder = Folder::create("keys");
    drop(folder.open_with(&folder.options()).unwrap());
    let other = Folder::create("keys-other");
    let (clock, vault) = (other.clock.clone(), Arc::clone(&other.vault));
    let opened = Sqlite::open_with(&folder.options(), clock, vault, Metric::default());
    assert!(matches!(opened, Err(Error::OtherIndexKey)));
}

#[test]
fn an_existing_file_gets_the_steps_it_lacks_and_a_newer_one_is_refused() {
    let folder = Folder::create("migrate");
    let mut connection = folder.outsider();
    let steps = [
        migrate::Migration { number: 1, name: "one", sql: "CREATE TABLE one (a INTEGER)" },
        migrate::Migration { number: 2, name: "two", sql: "INSERT INTO one VALUES (7)" },
    ];
    let now = folder.clock.now();
    migrate::apply(&mut connection, &steps[..1], now).unwrap();
    connection.execute_batch("INSERT INTO one VALUES (5)").unwrap();
    migrate::apply(&mut connection, &steps, now).unwrap();
    migrate::apply(&mut connection, &steps, now).unwrap();
    let sum: i64 = connection.query_row("SELECT sum(a) FROM one", [], |row| row.get(0)).unwrap();
    assert_eq!(sum, 12);
    let newer = migrate::apply(&mut connection, &steps[..1], now).unwrap_err();
    assert!(matches!(newer, Error::Newer { applied: 2, known: 1 }), "{newer}");
}

#[test]
fn a_store_from_before_the_first_release_is_refused_by_name() {
    let folder = Folder::create("older");
    drop(folder.open_with(&folder.options()).unwrap());
    let made =
        "DELETE FROM migration; INSERT INTO migration VALUES (1, 'referral', 0), (14, 'place', 0)";
    folder.outsider().execute_batch(made).unwrap();
    let older = folder.open_with(&folder.options()).unwrap_err();
    assert!(matches!(older, Error::Older { applied: 14, first: 101 }), "{older}");
    let inspected = open::inspect(&folder.options(), &folder.vault, false).unwrap_err();
    assert_eq!(
        inspected.to_string(),
        "the store was written by a program from before the first release (step 14, this one begins \
         at 101) and cannot be brought up to date; start that program, or move the store's files and \
         the one of store.anchor away to begin another store"
    );
}

#[test]
fn a_step_that_fails_leaves_the_file_as_it_was() {
    let folder = Folder::create("migrate-fails");
    let mut connection = folder.outsider();
    let sql = "CREATE TABLE one (a INTEGER); INSERT INTO absent VALUES (1)";
    let steps = [migrate::Migration { number: 1, name: "one", sql }];
    migrate::apply(&mut connection, &steps, folder.clock.now()).unwrap_err();
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'one'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(tables, 0);
}

/// One process has the file, so nobody holds what was leased before its start.
#[tokio::test]
async fn a_start_frees_every_lease() {
    let folder = Folder::create("start-frees");
    let store = folder.open();
    for number in 0..20 {
        write(&*store, accept(&folder, revision(&folder, &format!("A/{number}"), 1))).await;
    }
    let before = contract::claim(&*store, 15, contract::LEASE_S).await;
    let store = folder.crash(store);
    let after = contract::claim(&*store, 20, contract::LEASE_S).await;
    assert_eq!((before.len(), after.len()), (15, 20));
    let lost = store.settle(vec![contract::done(&folder.clock, &before[0])]).await.unwrap();
    assert_eq!(lost, vec![false]);
}
