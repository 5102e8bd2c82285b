//! How holds end: with a fact each, with what the force is told, and once.

use super::*;

fn notice(place: &dyn TestStore, cause: Uuid) -> NewNotice {
    NewNotice {
        notice_id: place.clock().id(),
        kind: cara_domain::notice::NoticeKind::RecordReturned,
        cause,
        made_at: place.clock().now(),
        body: SealedSide::Offender(Sealed::from_stored(b"notice".to_vec())),
    }
}

async fn held(
    place: &dyn TestStore,
    store: &dyn Store,
    record_ref: Option<&str>,
    text: &str,
) -> Uuid {
    let hold = NewHold { test_data: false, ..hold(place, record_ref, text) };
    write(store, entry(What::Hold(Box::new(hold)))).await
}

async fn sequences(store: &dyn Store) -> Vec<(u64, About)> {
    let stream = Compartment::Offender;
    let filter = NoticeFilter { force: HAMPSHIRE, test_data: false, stream, after: 0 };
    let rows = store.notices(filter, 100).await.unwrap();
    rows.iter().map(|row| (row.sequence, row.about)).collect()
}

async fn facts(store: &dyn Store) -> Vec<(String, String)> {
    let rows = store.audit_rows(0, 1000).await.unwrap();
    let read = rows.iter().map(|row| serde_json::from_str::<Fact>(&row.fact).unwrap());
    read.map(|fact| (fact.by().to_owned(), fact.about().to_owned())).collect()
}

/// The notice and the end of its hold are one: refused, neither is there and no number is missing.
pub async fn a_hold_ends_together_with_what_the_force_is_told(place: &dyn TestStore) {
    let store = place.open();
    let (one, two) =
        (held(place, &*store, None, "b1").await, held(place, &*store, None, "b2").await);
    let back = |hold_id| {
        let what = What::EndHold { hold_id, end: HoldEnd::Returned, at: start() };
        let notice = Some((About::Hold(hold_id), notice(place, hold_id)));
        Entry { notice, ..entry(what) }
    };
    write(&*store, back(one)).await;
    assert_eq!(refused(&*store, back(one)).await, NotWritten::Conflict);
    let store = place.crash(store);
    assert_eq!(refused(&*store, back(one)).await, NotWritten::Conflict);
    write(&*store, back(two)).await;
    assert_eq!(sequences(&*store).await, [(1, About::Hold(one)), (2, About::Hold(two))]);
}

/// A correction writes revision, notice and the end of the hold, or nothing; and it is once.
pub async fn a_correction_is_written_whole_and_once(place: &dyn TestStore) {
    let store = place.open();
    let hold_id = held(place, &*store, Some("A/1"), "b1").await;
    let bytes = digest(place, "b1");
    let corrected = |name: &str| {
        let revision = NewRevision { held_bytes: Some(bytes), ..revision(place, name, 1) };
        let told = (About::Referral(revision.referral_id), notice(place, hold_id));
        Entry {
            clear_hold: Some((hold_id, HoldEnd::Corrected)),
            notice: Some(told),
            ..accept(place, revision)
        }
    };
    let (first, second) = (corrected("A/1"), corrected("A/2"));
    let referral_id = write(&*store, first).await;
    let store = place.crash(store);
    assert_eq!(refused(&*store, second).await, NotWritten::Conflict);
    assert_eq!(sequences(&*store).await, [(1, About::Referral(referral_id))]);
    let ended = store.hold(hold_id).await.unwrap().unwrap().ended;
    assert_eq!(ended, Some((HoldEnd::Corrected, start())));
    let record = place.vault().record_index(HAMPSHIRE.0, false, "A/1");
    let known = store.look(HAMPSHIRE, record).await.unwrap().referral.unwrap();
    assert_eq!(known.revisions[0].held_bytes, Some(bytes));
    let unwritten = place.vault().record_index(HAMPSHIRE.0, false, "A/2");
    assert!(store.look(HAMPSHIRE, unwritten).await.unwrap().referral.is_none());
    assert_eq!(drain(&*store, place.clock()).await.len(), 2);
}

pub async fn every_hold_that_a_record_closes_has_a_fact(place: &dyn TestStore) {
    let store = place.open();
    let one = held(place, &*store, Some("A/1"), "b1").await;
    let two = held(place, &*store, Some("A/1"), "b2").await;
    let other = held(place, &*store, Some("A/2"), "b3").await;
    let good = revision(place, "A/1", 1);
    let (record, referral_id) = (good.record, good.referral_id);
    let closing = Entry { close_holds: Some((record, HoldEnd::Superseded)), ..accept(place, good) };
    write(&*store, closing).await;
    let record = place.vault().record_index(HAMPSHIRE.0, false, "A/2");
    let (close_holds, entry_id) = (Some((record, HoldEnd::Withdrawn)), place.clock().id());
    write(&*store, Entry { close_holds, ..entry(What::Nothing { entry_id }) }).await;
    let said = |by: &str, about: String| (by.to_owned(), about);
    let expected = [
        said("hampshire-records", referral_id.to_string()),
        said("hampshire-records", format!("hold {one} superseded")),
        said("hampshire-records", format!("hold {two} superseded")),
        said("gateway", format!("hold {other} withdrawn")),
    ];
    assert_eq!(facts(&*store).await, expected);
    assert_eq!(links(&*store, place).await, 4);
}

pub async fn a_correction_waits_while_its_hold_is_open(place: &dyn TestStore) {
    let store = place.open();
    let hold_id = held(place, &*store, Some("A/1"), "b1").await;
    let asked = |by: &str, text: &str| PendingCorrection {
        hold_id,
        field: "offender.phones".into(),
        digest: digest(place, text),
        by: by.into(),
        at: start(),
        because: "he said so".into(),
    };
    let pend = |pending| entry(What::PendCorrection(pending));
    assert_eq!(store.pending_correction(hold_id).await.unwrap(), None);
    write(&*store, pend(asked("ann", "one"))).await;
    write(&*store, pend(asked("bo", "two"))).await;
    let store = place.crash(store);
    assert_eq!(store.pending_correction(hold_id).await.unwrap(), Some(asked("bo", "two")));
    let end = What::EndHold { hold_id, end: HoldEnd::Returned, at: start() };
    write(&*store, entry(end)).await;
    assert_eq!(store.pending_correction(hold_id).await.unwrap(), None);
    assert_eq!(refused(&*store, pend(asked("ann", "one"))).await, NotWritten::Conflict);
}

pub async fn a_hold_that_was_tried_says_what_stops_it_now(place: &dyn TestStore) {
    let store = place.open();
    let hold_id = held(place, &*store, Some("A/1"), "b1").await;
    let again = |name: &str, unlisted: Option<&[u8]>| {
        let causes = vec![Cause { name: name.to_owned(), ..cause() }];
        let mapping = MappingRef { version: 4, ..mapping() };
        let unlisted = unlisted.map(|bytes| Sealed::from_stored(bytes.to_vec()));
        let again = HeldAgain { hold_id, causes, mapping, unlisted };
        entry(What::HeldAgain(Box::new(again)))
    };
    write(&*store, again("one", Some(b"sealed"))).await;
    write(&*store, again("two", None)).await;
    let store = place.crash(store);
    let row = store.hold(hold_id).await.unwrap().unwrap();
    assert_eq!((row.causes[0].name.as_str(), row.mapping.version), ("two", 4));
    assert!(row.unlisted.is_none() && row.ended.is_none());
    let end = What::EndHold { hold_id, end: HoldEnd::Returned, at: start() };
    write(&*store, entry(end)).await;
    assert_eq!(refused(&*store, again("three", None)).await, NotWritten::Conflict);
}

/// The day on which a hold came says where it is now; the day on which it ended says so as well.
pub async fn a_hold_is_on_the_day_it_came_and_on_the_day_it_ended(place: &dyn TestStore) {
    let store = place.open();
    let clock = place.clock();
    let mut ids = Vec::new();
    for text in ["b1", "b2", "b3", "b4"] {
        ids.push(held(place, &*store, None, text).await);
    }
    let end =
        |index: usize, end| entry(What::EndHold { hold_id: ids[index], end, at: clock.now() });
    write(&*store, end(0, HoldEnd::Released)).await;
    // To the last second of the next day, and over it.
    clock.advance(std::time::Duration::from_secs(38 * 3600 - 1));
    write(&*store, end(1, HoldEnd::Returned)).await;
    clock.advance(std::time::Duration::from_secs(1));
    write(&*store, end(2, HoldEnd::Corrected)).await;
    let day = |text: &'static str| store.day(HAMPSHIRE, false, text.parse().unwrap());
    let came = day("2026-03-02").await.unwrap();
    let ended = [HoldEnd::Released, HoldEnd::Returned, HoldEnd::Corrected].into_iter().zip(&ids);
    assert_eq!(came.holds_ended, ended.map(|(end, id)| (*id, end)).collect::<Vec<_>>());
    assert_eq!((came.holds_open, came.earlier_ended), (vec![ids[3]], Vec::new()));
    let next = day("2026-03-03").await.unwrap();
    assert_eq!(
        (next.holds_ended.len(), next.earlier_ended),
        (0, vec![(ids[1], HoldEnd::Returned)])
    );
    let last = day("2026-03-04").await.unwrap();
    assert_eq!(last.earlier_ended, vec![(ids[2], HoldEnd::Corrected)]);
    assert!(day("2026-03-05").await.unwrap().earlier_ended.is_empty());
}
