//! What is written and found again: referrals, revisions, holds, keys, plans, days.

use super::*;

pub async fn a_referral_is_found_as_it_was_written(place: &dyn TestStore) {
    let store = place.open();
    let one = revision(place, "A/1", 1);
    let (id, record, wrapped) = (one.referral_id, one.record, one.keys.clone().unwrap());
    let messages = one.messages.clone();
    let two = next(place, &one, "A/1");
    let entry_id = write(&*store, accept(place, one)).await;
    assert_eq!(entry_id, id);
    write(&*store, accept(place, two)).await;

    let known = store.look(HAMPSHIRE, record).await.unwrap();
    let referral = known.referral.unwrap();
    assert_eq!((referral.referral_id, referral.keys), (id, wrapped.clone()));
    assert_eq!(referral.person, digest(place, "A/1"));
    assert_eq!(referral.revisions.len(), 2);
    assert_eq!(referral.revisions[1].revision, 2);
    assert_eq!(referral.revisions[1].content, digest(place, "A/1 2"));
    assert_eq!(referral.revisions[0].message_ref, Some(digest(place, "m A/1 1")));
    assert_eq!(referral.revisions[0].extracted_at, Some(start()));
    assert_eq!(referral.revisions[0].flags, vec![cause()]);
    assert!(store.look(NORFOLK, record).await.unwrap().referral.is_none());

    let row = store.referral(id).await.unwrap().unwrap();
    assert_eq!((row.force, row.provider.as_str()), (HAMPSHIRE, "harbour"));
    assert_eq!(row.revisions[0].deadline, Some("2026-06-01".parse().unwrap()));
    assert_eq!(row.revisions[0].received_at, start());
    assert_eq!(row.revisions[0].mapping, mapping());
    assert_eq!(row.revisions[0].raw.as_ref().unwrap().as_bytes(), b"raw A/1 1");
    assert_eq!(row.revisions[1].police.as_bytes(), b"police A/1 2");
    let ids: Vec<_> = row.revisions[0].messages.iter().map(|message| message.event_id).collect();
    assert_eq!(ids, messages.iter().map(|message| message.event_id).collect::<Vec<_>>());
    assert!(row.revisions[0].messages.iter().all(|message| message.confirmed_at.is_none()));
    assert!(store.referral(place.clock().id()).await.unwrap().is_none());
}

pub async fn the_same_record_twice_makes_one_referral(place: &dyn TestStore) {
    let store = place.open();
    let (one, same) = (revision(place, "A/1", 1), revision(place, "A/1", 1));
    let first = one.referral_id;
    let record = one.record;
    let results = store.write(vec![accept(place, one), accept(place, same)]).await;
    assert!(results[0].is_ok());
    assert_eq!(results[1].as_ref().unwrap_err(), &NotWritten::Conflict);
    let known = store.look(HAMPSHIRE, record).await.unwrap();
    assert_eq!(known.referral.unwrap().referral_id, first);
    assert_eq!(store.backlog().await.unwrap().rows, 2);
}

pub async fn callers_at_the_same_instant_make_one_referral(place: &dyn TestStore) {
    let store = place.open();
    let writes = (0..20).map(|_| store.write(vec![accept(place, revision(place, "A/1", 1))]));
    let results = futures_util::future::join_all(writes).await.concat();
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert_eq!(store.audit_rows(0, 100).await.unwrap().len(), 1);
}

pub async fn a_revision_must_be_the_next_one(place: &dyn TestStore) {
    let store = place.open();
    let one = revision(place, "A/1", 1);
    let two = next(place, &one, "A/1");
    let other = next(place, &one, "A/1");
    let three = next(place, &two, "A/1");
    let absent = revision(place, "B/1", 2);
    write(&*store, accept(place, one)).await;
    assert_eq!(refused(&*store, accept(place, three)).await, NotWritten::Conflict);
    assert_eq!(refused(&*store, accept(place, absent)).await, NotWritten::Conflict);
    write(&*store, accept(place, two)).await;
    assert_eq!(refused(&*store, accept(place, other)).await, NotWritten::Conflict);
}

pub async fn a_conflict_fails_its_entry_and_not_the_batch(place: &dyn TestStore) {
    let store = place.open();
    let taken = revision(place, "A/0", 1);
    write(&*store, accept(place, taken)).await;
    let entries =
        (0..600).map(|number| accept(place, revision(place, &format!("A/{}", number / 2), 1)));
    let results = store.write(entries.collect()).await;
    assert_eq!(results.len(), 600);
    for (number, result) in results.iter().enumerate() {
        assert_eq!(result.is_ok(), number % 2 == 0 && number > 0, "entry {number}");
    }
    assert_eq!(store.backlog().await.unwrap().rows, 600);
    assert_eq!(links(&*store, place).await, 300);
}

pub async fn an_entry_is_written_whole_or_not_at_all(place: &dyn TestStore) {
    let store = place.open();
    let faulty = hold(place, Some("A/1"), "bytes");
    let hold_id = faulty.hold_id;
    write(&*store, entry(What::Hold(Box::new(faulty)))).await;
    let one = revision(place, "A/1", 1);
    let same = NewRevision { referral_id: place.clock().id(), ..revision(place, "A/1", 1) };
    write(&*store, accept(place, one)).await;
    // It conflicts, so that its holds stay open and its fact is not kept.
    let closing =
        Entry { close_holds: Some((same.record, HoldEnd::Superseded)), ..accept(place, same) };
    assert_eq!(refused(&*store, closing).await, NotWritten::Conflict);
    assert!(store.hold(hold_id).await.unwrap().unwrap().ended.is_none());
    assert_eq!(store.audit_rows(0, 10).await.unwrap().len(), 1);
}

pub async fn a_message_without_a_body_is_refused(place: &dyn TestStore) {
    let store = place.open();
    let bare = NewRevision { victim_event: None, ..revision(place, "A/1", 1) };
    let record = bare.record;
    let refusal = refused(&*store, accept(place, bare)).await;
    assert!(matches!(refusal, NotWritten::Fault { .. }));
    assert!(store.look(HAMPSHIRE, record).await.unwrap().referral.is_none());
    assert!(!store.is_poisoned());
}

pub async fn a_hold_is_found_as_it_was_written(place: &dyn TestStore) {
    let store = place.open();
    let faulty = hold(place, Some("A/1"), "bytes");
    let (hold_id, record, bytes) = (faulty.hold_id, faulty.record, faulty.bytes);
    write(&*store, entry(What::Hold(Box::new(faulty)))).await;
    let row = store.hold(hold_id).await.unwrap().unwrap();
    assert_eq!((row.force, row.record, row.test_data), (HAMPSHIRE, record, true));
    assert_eq!((row.raw.as_bytes(), row.media_type.as_str()), (&b"bytes"[..], "application/xml"));
    assert_eq!(row.unlisted.unwrap().as_bytes(), b"unlisted");
    assert_eq!((row.causes, row.ended), (vec![cause()], None));
    let known = store.look(HAMPSHIRE, record.unwrap()).await.unwrap();
    assert_eq!(known.open_holds, vec![hold_id]);
    assert_eq!(store.open_hold(HAMPSHIRE, bytes).await.unwrap(), Some(hold_id));
    assert_eq!(store.open_hold(NORFOLK, bytes).await.unwrap(), None);
}

pub async fn the_same_bytes_open_no_second_hold_until_it_ends(place: &dyn TestStore) {
    let store = place.open();
    let (one, same, again) =
        (hold(place, None, "b"), hold(place, None, "b"), hold(place, None, "b"));
    let hold_id = one.hold_id;
    write(&*store, entry(What::Hold(Box::new(one)))).await;
    assert_eq!(refused(&*store, entry(What::Hold(Box::new(same)))).await, NotWritten::Conflict);
    let end = || What::EndHold { hold_id, end: HoldEnd::Returned, at: place.clock().now() };
    write(&*store, entry(end())).await;
    assert_eq!(refused(&*store, entry(end())).await, NotWritten::Conflict);
    write(&*store, entry(What::Hold(Box::new(again)))).await;
    let ended = store.hold(hold_id).await.unwrap().unwrap().ended;
    assert_eq!(ended, Some((HoldEnd::Returned, start())));
}

pub async fn a_good_record_closes_the_open_holds_of_its_case(place: &dyn TestStore) {
    let store = place.open();
    let holds = [hold(place, Some("A/1"), "b1"), hold(place, Some("A/1"), "b2")];
    let other = hold(place, Some("A/2"), "b3");
    let (ids, other_id) = (holds.each_ref().map(|hold| hold.hold_id), other.hold_id);
    for hold in holds.into_iter().chain([other]) {
        write(&*store, entry(What::Hold(Box::new(hold)))).await;
    }
    let good = revision(place, "A/1", 1);
    let record = good.record;
    let closing = Entry { close_holds: Some((record, HoldEnd::Superseded)), ..accept(place, good) };
    write(&*store, closing).await;
    for id in ids {
        let ended = store.hold(id).await.unwrap().unwrap().ended;
        assert_eq!(ended, Some((HoldEnd::Superseded, start())));
        let release = What::EndHold { hold_id: id, end: HoldEnd::Released, at: start() };
        assert_eq!(refused(&*store, entry(release)).await, NotWritten::Conflict);
    }
    assert!(store.hold(other_id).await.unwrap().unwrap().ended.is_none());
    assert!(store.look(HAMPSHIRE, record).await.unwrap().open_holds.is_empty());
}

pub async fn a_new_hold_can_replace_the_older_ones_of_its_case(place: &dyn TestStore) {
    let store = place.open();
    let (old, new) = (hold(place, Some("A/1"), "b1"), hold(place, Some("A/1"), "b2"));
    let (record, new_id) = (old.record.unwrap(), new.hold_id);
    write(&*store, entry(What::Hold(Box::new(old)))).await;
    let replacing = Entry {
        close_holds: Some((record, HoldEnd::Superseded)),
        ..entry(What::Hold(Box::new(new)))
    };
    write(&*store, replacing).await;
    assert_eq!(store.look(HAMPSHIRE, record).await.unwrap().open_holds, vec![new_id]);
}

pub async fn a_release_needs_its_hold_open_and_writes_both(place: &dyn TestStore) {
    let store = place.open();
    let held = hold(place, None, "b");
    let hold_id = held.hold_id;
    write(&*store, entry(What::Hold(Box::new(held)))).await;
    let release = |name: &str| Entry {
        clear_hold: Some((hold_id, HoldEnd::Released)),
        ..accept(place, revision(place, name, 1))
    };
    let (first, second) = (release("A/1"), release("A/2"));
    write(&*store, first).await;
    assert_eq!(refused(&*store, second).await, NotWritten::Conflict);
    let ended = store.hold(hold_id).await.unwrap().unwrap().ended;
    assert_eq!(ended, Some((HoldEnd::Released, start())));
    let unwritten = place.vault().record_index(HAMPSHIRE.0, false, "A/2");
    assert!(store.look(HAMPSHIRE, unwritten).await.unwrap().referral.is_none());
}

pub async fn holds_are_listed_oldest_first_in_pages(place: &dyn TestStore) {
    let store = place.open();
    let mut ids = Vec::new();
    for number in 0..5 {
        let record = format!("A/{}", number % 2);
        let mut held = hold(place, Some(&record), &format!("b{number}"));
        held.force = if number == 4 { NORFOLK } else { HAMPSHIRE };
        ids.push(held.hold_id);
        write(&*store, entry(What::Hold(Box::new(held)))).await;
    }
    let end = What::EndHold { hold_id: ids[1], end: HoldEnd::Returned, at: start() };
    write(&*store, entry(end)).await;

    let list = async |filter: HoldFilter, after, limit| {
        let rows = store.holds(filter, after, limit).await.unwrap();
        rows.into_iter().map(|row| row.hold_id).collect::<Vec<_>>()
    };
    assert_eq!(list(HoldFilter::default(), None, 10).await, ids);
    assert_eq!(list(HoldFilter::default(), Some(ids[0]), 2).await, ids[1..3]);
    let open = HoldFilter { open_only: true, ..HoldFilter::default() };
    assert_eq!(list(open.clone(), None, 2).await, vec![ids[0], ids[2]]);
    let of_force = HoldFilter { force: Some(NORFOLK), ..open };
    assert_eq!(list(of_force, None, 10).await, vec![ids[4]]);
    let record = Some(place.vault().record_index(HAMPSHIRE.0, false, "A/1"));
    let of_record = HoldFilter { record, ..HoldFilter::default() };
    assert_eq!(list(of_record.clone(), None, 10).await, vec![ids[1], ids[3]]);
    let open_of_record = HoldFilter { open_only: true, ..of_record };
    assert_eq!(list(open_of_record, None, 10).await, vec![ids[3]]);
}

pub async fn an_idempotency_key_is_bound_once(place: &dyn TestStore) {
    let store = place.open();
    let key = |force, text: &str| BoundKey {
        force,
        key: place.vault().key_index(44, "hampshire-records", "k-1"),
        body: digest(place, text),
        answer: "{\"records\":[]}".into(),
        at: place.clock().now(),
    };
    assert!(store.bound_key(HAMPSHIRE, key(HAMPSHIRE, "").key).await.unwrap().is_none());
    write(&*store, entry(What::BindKey(key(HAMPSHIRE, "one")))).await;
    let other = entry(What::BindKey(key(HAMPSHIRE, "two")));
    assert_eq!(refused(&*store, other).await, NotWritten::Conflict);
    write(&*store, entry(What::BindKey(key(NORFOLK, "three")))).await;
    let bound = store.bound_key(HAMPSHIRE, key(HAMPSHIRE, "").key).await.unwrap().unwrap();
    assert_eq!((bound.body, bound.at), (digest(place, "one"), start()));
    assert_eq!(bound.answer, "{\"records\":[]}");
}

pub async fn mappings_go_live_one_version_after_the_other(place: &dyn TestStore) {
    let store = place.open();
    let version = |name: &str, number| PlanVersion {
        force: HAMPSHIRE,
        name: name.into(),
        version: number,
        sha256: "cd".repeat(32),
        text: format!("format = 1 # {number}"),
        by: "root".into(),
        at: start(),
        because: "first".into(),
    };
    let about = place.clock().id();
    let activate = async |plan| {
        let audit = vec![fact(place.clock(), Operation::Alteration, about)];
        store.activate_plan(plan, audit).await.unwrap()
    };
    assert_eq!(activate(version("referral", 1)).await, Ok(()));
    assert_eq!(activate(version("decision", 1)).await, Ok(()));
    assert_eq!(activate(version("referral", 1)).await, Err(NotWritten::Conflict));
    assert_eq!(activate(version("referral", 3)).await, Err(NotWritten::Conflict));
    assert_eq!(activate(version("referral", 2)).await, Ok(()));
    let live = store.plan_versions().await.unwrap();
    let live: Vec<_> = live.iter().map(|plan| (plan.name.as_str(), plan.version)).collect();
    assert_eq!(live, vec![("decision", 1), ("referral", 2)]);
    let number = |name: &str, version| PlanNumber { force: HAMPSHIRE, name: name.into(), version };
    let numbers = store.plan_numbers().await.unwrap();
    assert_eq!(numbers, vec![number("decision", 1), number("referral", 2)]);
    let first = store.plan_version(number("referral", 1)).await.unwrap().unwrap();
    assert_eq!(first, version("referral", 1));
    assert_eq!(store.plan_version(number("referral", 3)).await.unwrap(), None);
    assert_eq!(store.audit_rows(0, 10).await.unwrap().len(), 3);
}

pub async fn kept_records_are_walked_the_newest_first(place: &dyn TestStore) {
    let store = place.open();
    let day = std::time::Duration::from_secs(86_400);
    let mut accepted = Vec::new();
    let mut held = Vec::new();
    for number in 0..7_u32 {
        let mut record = revision(place, &format!("K/{number}"), 1);
        // Some come on one day, and one was read by another mapping.
        if number == 3 {
            record.mapping.name = "other".into();
        } else {
            accepted.push(record.referral_id);
        }
        write(&*store, accept(place, record)).await;
        let hold = hold(place, None, &format!("kept {number}"));
        held.push(hold.hold_id);
        write(&*store, entry(What::Hold(Box::new(hold)))).await;
        if number % 2 == 1 {
            place.clock().advance(day);
        }
    }
    let ended = held.remove(2);
    let end = What::EndHold { hold_id: ended, end: HoldEnd::Returned, at: place.clock().now() };
    write(&*store, entry(end)).await;
    accepted.reverse();
    held.reverse();
    let count =
        async |at_most| store.kept_count(HAMPSHIRE, "referral".into(), at_most).await.unwrap();
    assert_eq!([count(100).await, count(4).await], [12, 8]);
    for chunk in [1, 2, 3, 100] {
        let (mut found, mut before) = (Vec::new(), None);
        loop {
            let rows = store.kept_raws(HAMPSHIRE, "referral".into(), before, chunk).await.unwrap();
            assert!(rows.len() <= chunk);
            let Some(last) = rows.last() else { break };
            before = Some(last.place);
            found.extend(rows.iter().map(|row| row.referral_id));
        }
        assert_eq!(found, accepted, "by {chunk}");
        let (mut found, mut before) = (Vec::new(), None);
        loop {
            let rows = store.kept_holds(HAMPSHIRE, "referral".into(), before, chunk).await.unwrap();
            assert!(rows.len() <= chunk);
            let Some(last) = rows.last() else { break };
            before = Some(last.hold_id);
            found.extend(rows.iter().map(|row| row.hold_id));
        }
        assert_eq!(found, held, "by {chunk}");
    }
    assert!(store.kept_raws(NORFOLK, "referral".into(), None, 9).await.unwrap().is_empty());
    assert!(store.kept_holds(NORFOLK, "referral".into(), None, 9).await.unwrap().is_empty());
}

pub async fn a_day_tells_where_everything_is_that_arrived_on_it(place: &dyn TestStore) {
    let store = place.open();
    let clock = place.clock();
    let (one, two) = (revision(place, "A/1", 1), revision(place, "A/2", 1));
    let (one_id, two_id) = (one.referral_id, two.referral_id);
    write(&*store, accept(place, one)).await;
    drain(&*store, clock).await;
    write(&*store, accept(place, two)).await;
    let live = |text| NewHold { test_data: false, ..hold(place, None, text) };
    let (open, ended, test) = (live("b1"), live("b2"), hold(place, None, "b3"));
    let (open_id, ended_id, test_id) = (open.hold_id, ended.hold_id, test.hold_id);
    for held in [open, ended, test] {
        write(&*store, entry(What::Hold(Box::new(held)))).await;
    }
    let end = What::EndHold { hold_id: ended_id, end: HoldEnd::Returned, at: clock.now() };
    write(&*store, entry(end)).await;
    let head = store.audit_head().await.unwrap().unwrap();

    // 23:30 UTC in summer is the next day in London.
    clock.advance(std::time::Duration::from_secs(160 * 86_400 + 13 * 3_600 + 1_800));
    let late = revision(place, "A/3", 1);
    let late_id = late.referral_id;
    write(&*store, accept(place, late)).await;

    let day = store.day(HAMPSHIRE, false, "2026-03-02".parse().unwrap()).await.unwrap();
    assert_eq!(day.revisions, vec![(one_id, 1, true), (two_id, 1, false)]);
    assert_eq!(day.holds_open, vec![open_id]);
    assert_eq!(day.holds_ended, vec![(ended_id, HoldEnd::Returned)]);
    let (sequence, mac) = day.audit_head.unwrap();
    assert_eq!(sequence, head.sequence);
    assert_eq!(mac, head.mac.map(|byte| format!("{byte:02x}")).concat());
    let tests = store.day(HAMPSHIRE, true, "2026-03-02".parse().unwrap()).await.unwrap();
    assert_eq!((tests.revisions, tests.holds_open), (Vec::new(), vec![test_id]));
    let norfolk = store.day(NORFOLK, false, "2026-03-02".parse().unwrap()).await.unwrap();
    assert!(norfolk.revisions.is_empty() && norfolk.holds_open.is_empty());
    let late = store.day(HAMPSHIRE, false, "2026-08-10".parse().unwrap()).await.unwrap();
    assert_eq!(late.revisions, vec![(late_id, 1, false)]);
}

pub async fn a_closed_store_refuses_and_an_opened_one_has_all(place: &dyn TestStore) {
    let store = place.open();
    let one = revision(place, "A/1", 1);
    let id = one.referral_id;
    write(&*store, accept(place, one)).await;
    store.probe().await.unwrap();
    store.close().await.unwrap();
    store.close().await.unwrap();
    let late = accept(place, revision(place, "A/2", 1));
    assert!(matches!(refused(&*store, late).await, NotWritten::Unavailable { .. }));
    assert!(store.probe().await.is_err());
    assert!(store.referral(id).await.is_err());
    let store = place.open();
    assert!(store.referral(id).await.unwrap().is_some());
    assert_eq!(store.backlog().await.unwrap().rows, 2);
}
