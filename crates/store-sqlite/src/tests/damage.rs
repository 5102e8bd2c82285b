//! Files that were damaged while nobody looked: refused at the start or found by the scrub, and
//! never believed.

use std::fs;

use std::path::Path;

use super::files::{add, block};
use super::*;
use cara_domain::choice::{MailStage, MessageAction};
use cara_domain::programme::ProgrammeState;
use cara_metric::alert;
use cara_store::{
    Entry, MailAbout, Mails as _, NewHold, NewRevision, Operation, StandingRow, What,
};
use cara_vault::Binding;

const PAGE: usize = 4096;

/// How a page, or the file from it on, is damaged.
const PATTERNS: [&str; 7] = ["zero", "ones", "noise", "bit", "header", "swap", "cut"];

fn damage(bytes: &mut Vec<u8>, page: usize, pattern: &str) {
    let start = page * PAGE;
    let pages = bytes.len() / PAGE;
    match pattern {
        "zero" => bytes[start..start + PAGE].fill(0),
        "ones" => bytes[start..start + PAGE].fill(0xff),
        "noise" => {
            let mut state = 0x9e37_79b9_u32.wrapping_add(page as u32);
            for byte in &mut bytes[start..start + PAGE] {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *byte = (state >> 24) as u8;
            }
        }
        // In the last cell that was put there, which lies in the middle of the page or behind it.
        "bit" => bytes[start + PAGE - 700] ^= 0x10,
        "header" => bytes[start..start + 8].fill(0x41),
        "swap" => {
            let other = (page + 1) % pages * PAGE;
            let kept = bytes[start..start + PAGE].to_vec();
            bytes.copy_within(other..other + PAGE, start);
            bytes[other..other + PAGE].copy_from_slice(&kept);
        }
        "cut" => bytes.truncate(start),
        _ => unreachable!("a pattern"),
    }
}

/// A revision that is sealed as the gateway seals one.
fn sealed(folder: &Folder, record_ref: &str) -> NewRevision {
    let mut one = revision(folder, record_ref, 1);
    let (wrapped, keys) = folder.vault.mint_keys(one.referral_id).unwrap();
    let bind = |column| Binding { id: one.referral_id, revision: 1, column };
    let text = format!("what is to be kept of {record_ref}").repeat(20);
    let text = text.as_bytes();
    let vault = &folder.vault;
    one.raw = Some(vault.seal(&keys, bind("raw"), text).unwrap());
    one.offender_event = Some(vault.seal(&keys, bind("offender_event"), text).unwrap());
    one.victim_event = Some(vault.seal(&keys, bind("victim_event"), text).unwrap());
    one.police = vault.seal(&keys, bind("police"), text).unwrap();
    one.victim = vault.seal(&keys, bind("victim"), text).unwrap();
    one.keys = Some(wrapped);
    one
}

/// A hold whose record is longer than a page.
fn sealed_hold(folder: &Folder, text: &str) -> NewHold {
    let mut one = contract::hold(folder, Some(text), text);
    let (wrapped, keys) = folder.vault.mint_keys(one.hold_id).unwrap();
    let bind = |column| Binding { id: one.hold_id, revision: 0, column };
    one.raw = folder.vault.seal(&keys, bind("raw"), text.repeat(2_000).as_bytes()).unwrap();
    one.unlisted = Some(folder.vault.seal(&keys, bind("unlisted"), b"X").unwrap());
    one.keys = wrapped;
    one
}

/// A closed store with something of most kinds, and pages that are used no more.
fn sound(folder: &Folder) {
    let store = folder.open();
    block(async {
        for number in 1..=60 {
            write(&*store, accept(folder, sealed(folder, &format!("A/{number}")))).await;
        }
        for number in 1..=20 {
            let what = What::Hold(Box::new(sealed_hold(folder, &format!("B/{number}"))));
            write(&*store, contract::entry(what)).await;
        }
        contract::drain(&*store, &folder.clock).await;
        for number in 61..=70 {
            write(&*store, accept(folder, sealed(folder, &format!("A/{number}")))).await;
        }
        store.close().await.unwrap();
    });
    let outsider = folder.outsider();
    outsider
        .execute_batch(
            "PRAGMA secure_delete = ON; UPDATE hold SET raw = x'' WHERE hold_row > 15; \
             UPDATE hold SET raw_key = x'' WHERE hold_row > 15; PRAGMA wal_checkpoint(TRUNCATE)",
        )
        .unwrap();
}

/// Everything that is stored, read from the tables alone; `None` where SQLite finds something wrong.
fn content(path: &Path) -> Option<Vec<String>> {
    let uri = format!("file:{}?immutable=1", path.display());
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY | rusqlite::OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(uri, flags).ok()?;
    let said: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).ok()?;
    if said != "ok" {
        return None;
    }
    let mut rows = Vec::new();
    for table in table::tables(&connection).ok()? {
        let sql = format!("SELECT * FROM {} NOT INDEXED", table.name);
        let mut select = connection.prepare(&sql).ok()?;
        let count = select.column_count();
        let row = |row: &rusqlite::Row<'_>| {
            let values = (0..count).map(|at| row.get(at));
            let values = values.collect::<rusqlite::Result<Vec<rusqlite::types::Value>>>()?;
            Ok(format!("{} {values:?}", table.name))
        };
        rows.extend(select.query_map([], row).ok()?.collect::<rusqlite::Result<Vec<_>>>().ok()?);
    }
    Some(rows)
}

#[test]
fn a_damaged_page_is_refused_found_by_the_scrub_or_changes_nothing() {
    let folder = Folder::create("damage");
    sound(&folder);
    let (path, anchor) = (folder.options().path, folder.options().anchor);
    let (sound, anchored) = (fs::read(&path).unwrap(), fs::read(&anchor).unwrap());
    let whole = content(&path).unwrap();
    let (mut refused, mut found, mut harmless, mut passed) = (0, 0, 0, Vec::new());
    let pages = sound.len() / PAGE;
    for page in 0..pages {
        // All of them where the schema and the heads lie; of the rest three each, in turn.
        let some = [0, 3, 5].map(|of| PATTERNS[(page + of) % PATTERNS.len()]);
        for &pattern in if page < 12 { &PATTERNS[..] } else { &some[..] } {
            let mut bytes = sound.clone();
            damage(&mut bytes, page, pattern);
            if bytes == sound || bytes.is_empty() {
                continue;
            }
            fs::write(&path, &bytes).unwrap();
            match folder.open_with(&folder.options()) {
                Err(error) => {
                    refused += 1;
                    let line = error.to_string();
                    assert!(line.ends_with('.') || line.len() > 40, "{page} {pattern}: {line}");
                }
                Ok(store) => match block(scrubbed(&store)) {
                    true => found += 1,
                    false => {
                        drop(store);
                        fs::write(&path, &bytes).unwrap();
                        match content(&path).as_ref() == Some(&whole) {
                            true => harmless += 1,
                            false => passed.push((page, pattern)),
                        }
                    }
                },
            }
            fs::write(&path, &sound).unwrap();
            fs::write(&anchor, &anchored).unwrap();
            for left in ["-wal", "-shm"].map(|suffix| lock::beside(&path, suffix)) {
                let _ = fs::remove_file(left);
            }
            let _ = fs::remove_file(lock::beside(&anchor, ".damaged"));
        }
    }
    let all = refused + found + harmless + passed.len();
    println!(
        "{pages} pages, {all} damaged: {refused} refused at the start, {found} found by the scrub, \
         {harmless} changed nothing that is read; not seen: {passed:?}"
    );
    assert!(all > 485, "{all}");
    assert!(passed.is_empty(), "{passed:?}");
    folder.open_with(&folder.options()).unwrap();
}

/// Whether the scrub finds something: in the file, and then no record is taken, or in a row.
async fn scrubbed(store: &Sqlite) -> bool {
    while store.scrub().await.is_ok_and(|it| it.rest != scrub::IDLE) {}
    let refuses = store.probe().await.is_err();
    assert_eq!(refuses, store.harm.reason().is_some());
    let kinds: Vec<_> = store.metric.troubles().now().into_keys().map(|(kind, _)| kind).collect();
    assert_eq!(refuses, kinds.contains(&alert::STORE_DAMAGED), "{kinds:?}");
    refuses || kinds.contains(&alert::ROW_DAMAGED)
}

#[tokio::test]
async fn a_scrub_goes_on_where_a_restart_left_it_and_again_after_a_day() {
    let folder = Folder::create("scrub");
    let store = folder.open_with(&folder.options()).unwrap();
    add(&folder, &store, 1..=3).await;
    // More facts than one turn looks at: the walk through them goes on behind the first thousand.
    for number in 1..=1_200 {
        let what = What::Nothing { entry_id: folder.clock.id() };
        let about = folder.clock.id();
        let facts = vec![contract::fact(&folder.clock, Operation::Consultation, about); 2];
        let entry = Entry::of(what, facts);
        assert!(store.write(vec![entry]).await.remove(0).is_ok(), "{number}");
    }
    let after = |table: &str| -> Option<String> {
        let sql = "SELECT after FROM scrub WHERE name = ?1";
        folder.outsider().query_row(sql, [table], |row| row.get(0)).unwrap_or_default()
    };
    // And so many rows of a table that does not number them.
    let keys = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500) \
                INSERT INTO bound_key SELECT 44, randomblob(32), x'01', '{}', i FROM n";
    folder.outsider().execute_batch(keys).unwrap();
    let (left, all) = store.scrub().await.unwrap().unchecked;
    assert_eq!(left, all, "the facts alone are more than a turn");
    assert_eq!(after("audit").as_deref(), Some("[1000]"));
    drop(store);
    folder.clock.advance(std::time::Duration::from_secs(1));
    let store = folder.open_with(&folder.options()).unwrap();
    assert_eq!(store.scrub().await.unwrap().unchecked.0, all, "none of it since this start");
    assert_eq!(after("audit").as_deref(), Some("[2000]"), "it goes on where it was");
    while after("bound_key").is_none() {
        store.scrub().await.unwrap();
    }
    let place = after("bound_key").unwrap();
    assert!(place.starts_with("[44,["), "{place}");
    drop(store);
    folder.clock.advance(std::time::Duration::from_secs(1));
    let store = folder.open_with(&folder.options()).unwrap();
    // The next turn comes to its end, which one from the beginning would not.
    store.scrub().await.unwrap();
    assert_eq!(after("bound_key"), None);
    assert!(!scrubbed(&store).await);
    assert_eq!(store.scrub().await.unwrap().unchecked.0, 0);
    let damage =
        "UPDATE audit SET fact = replace(fact, 'collection', 'erasure') WHERE sequence = 2";
    folder.outsider().execute_batch(damage).unwrap();
    assert!(!scrubbed(&store).await, "a day has not passed");
    folder.clock.advance(std::time::Duration::from_secs(24 * 3600));
    assert!(scrubbed(&store).await);
    let entry = accept(&folder, revision(&folder, "A/9", 1));
    let refused = contract::refused(&store, entry).await;
    assert_eq!(refused, NotWritten::Unavailable { reason: harm::DAMAGED });
}

#[tokio::test]
async fn a_row_that_is_spoilt_is_told_by_name_and_everything_else_goes_on() {
    let folder = Folder::create("spoilt");
    let store = folder.open_with(&folder.options()).unwrap();
    let one = sealed(&folder, "A/1");
    let case = one.referral_id;
    write(&store, accept(&folder, one)).await;
    write(&store, accept(&folder, sealed(&folder, "A/2"))).await;
    let told = |store: &Sqlite| {
        let now = store.metric.troubles().now().into_keys();
        now.filter(|it| it.0 == alert::ROW_DAMAGED).map(|it| it.1).collect::<Vec<_>>()
    };
    let sound: Vec<u8> = folder
        .outsider()
        .query_row("SELECT police FROM revision WHERE revision_row = 1", [], |row| row.get(0))
        .unwrap();
    let swap = |bytes: &[u8]| {
        let update = "UPDATE revision SET police = ?1 WHERE revision_row = 1";
        assert_eq!(folder.outsider().execute(update, [bytes]).unwrap(), 1);
    };
    swap(&vec![0; sound.len()]);
    assert!(scrubbed(&store).await);
    let named = format!("revision row 1, case {case}: a seal does not open");
    let [about] = &told(&store)[..] else { panic!("{:?}", told(&store)) };
    assert!(about.starts_with(&named), "{about}");
    write(&store, accept(&folder, sealed(&folder, "A/3"))).await;
    drop(store);
    // A start says it at once and goes on; so does one that does not look at that row.
    folder.clock.advance(std::time::Duration::from_secs(1));
    let store = folder.open_with(&folder.options()).unwrap();
    assert_eq!(told(&store).len(), 1);
    write(&store, accept(&folder, sealed(&folder, "A/4"))).await;
    swap(&sound);
    folder.clock.advance(std::time::Duration::from_secs(1));
    assert!(!scrubbed(&store).await, "it is mended");
}

#[tokio::test]
async fn a_store_that_was_found_to_be_damaged_stays_refused_until_all_of_it_is_good() {
    let folder = Folder::create("marked");
    let store = folder.open_with(&folder.options()).unwrap();
    add(&folder, &store, 1..=3).await;
    store.close().await.unwrap();
    drop(store);
    let (path, sound) = (folder.options().path, fs::read(folder.options().path).unwrap());
    let store = folder.open_with(&folder.options()).unwrap();
    store.harm.found(harm::DAMAGED, "outbox", "a page is not as it was written");
    drop(store);
    fs::write(&path, &sound).unwrap();
    let _ = fs::remove_file(lock::beside(&path, "-wal"));
    let _ = fs::remove_file(lock::beside(&path, "-shm"));
    let look = |deep| open::inspect(&folder.options(), &folder.vault, deep);
    for _ in 0..2 {
        let refused = folder.open_with(&folder.options()).unwrap_err();
        assert!(matches!(refused, Error::Marked { .. }), "{refused}");
        assert!(refused.to_string().contains("outbox"), "{refused}");
        assert!(matches!(look(false), Err(Error::Marked { .. })));
    }
    let options = Options { read_only: true, ..folder.options() };
    assert_eq!(folder.open_with(&options).unwrap().audit_rows(0, 9).await.unwrap().len(), 3);
    assert!(look(true).unwrap().was_marked);
    assert!(!look(true).unwrap().was_marked);
    folder.open_with(&folder.options()).unwrap();
}

/// What a newer version wrote and this one cannot know.
#[tokio::test]
async fn a_text_that_this_version_does_not_know_stops_no_other_row() {
    let folder = Folder::create("unknown");
    let store = folder.open_with(&folder.options()).unwrap();
    let one = write(&store, accept(&folder, revision(&folder, "A/1", 1))).await;
    write(&store, accept(&folder, revision(&folder, "A/2", 1))).await;
    let newer = "INSERT INTO standing (referral_row, facts, programme, caution, has_ended) \
                 VALUES (1, 1, 'odd', 'odd', 0); \
                 UPDATE outbox SET kind = 'odd' WHERE outbox_row / 8 = 1; \
                 INSERT INTO incident (incident_row, incident_id, kind, about, count, opened_at, \
                 told_at) VALUES (1, randomblob(16), 'odd', '44', 1, 1, 1); \
                 INSERT INTO mail (mail_id, incident_row, stage, made_at, attempts) \
                 VALUES (randomblob(16), 1, 'odd', 1, 0), (randomblob(16), 1, 'opened', 1, 0)";
    folder.outsider().execute_batch(newer).unwrap();
    let odd = || "odd".to_owned();
    let cases = store.cases_on_clock(None, 10).await.unwrap().cases;
    let programmes: Vec<_> = cases.into_iter().map(|it| it.programme).collect();
    assert_eq!(programmes, [Err(odd()), Ok(ProgrammeState::Sent)]);
    let shown = store.referral(one).await.unwrap().unwrap();
    assert_eq!(shown.standing, Some(StandingRow { programme: Err(odd()), caution: Err(odd()) }));
    assert!(shown.revisions[0].messages.iter().all(|it| it.kind == Err(odd())));
    let claimed = contract::claim(&store, 10, 60).await;
    let kinds: Vec<_> = claimed.into_iter().map(|it| it.kind).collect();
    assert_eq!(kinds, [Err(odd()), Ok(MessageAction::New)], "the victim's of each case");
    let mails = store.mails(start(), 10).await.unwrap().into_iter();
    let stages: Vec<_> = mails
        .map(|it| match it.about {
            MailAbout::Incident { stage, .. } => stage,
            MailAbout::Notice(_) => unreachable!("both are of an incident"),
        })
        .collect();
    assert_eq!(stages, [Err(odd()), Ok(MailStage::Opened)]);
}
