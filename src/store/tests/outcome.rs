//! The way back: outcomes, where a case stands, notices with numbers that have no gap.

use super::*;

fn notice(place: &dyn Place, kind: &str, cause: Uuid) -> NewNotice {
    NewNotice {
        notice_id: place.clock().id(),
        kind: kind.into(),
        cause,
        made_at: place.clock().now(),
        body: SealedSide::Offender(Sealed::from_stored(format!("notice {kind}").into_bytes())),
    }
}

/// The outcome with this number, folded from so many facts, with one notice.
fn outcome(place: &dyn Place, referral_id: Uuid, number: u32, facts_before: u32) -> NewOutcome {
    let outcome_id = place.clock().id();
    NewOutcome {
        referral_id,
        outcome_id,
        number,
        kind: "accepted".into(),
        happened_on: "2026-03-01".parse().unwrap(),
        received_at: place.clock().now(),
        content: digest(place, &format!("outcome {number}")),
        body: SealedSide::Offender(Sealed::from_stored(format!("body {number}").into_bytes())),
        standing: NewStanding {
            facts_before,
            programme: format!("state {number}"),
            caution: "active".into(),
            gap: None,
        },
        notices: vec![notice(place, "accepted", outcome_id)],
    }
}

fn concluded(outcome: NewOutcome) -> Entry {
    entry(What::Outcome(Box::new(outcome)))
}

async fn referral(place: &dyn Place, store: &dyn Store, record_ref: &str) -> Uuid {
    write(store, accept(place, revision(place, record_ref, 1))).await
}

async fn notices(store: &dyn Store, after: u64) -> Vec<NoticeRow> {
    let stream = Compartment::Offender;
    let filter = NoticeFilter { force: HAMPSHIRE, test_data: false, stream, after };
    store.notices(filter, 100).await.unwrap()
}

pub(in crate::store) async fn a_case_is_found_with_all_that_was_reported(place: &dyn Place) {
    let store = place.open();
    let id = referral(place, &*store, "A/1").await;
    let fresh = store.case(id).await.unwrap().unwrap();
    assert_eq!((fresh.facts, fresh.latest_revision, fresh.outcomes.len()), (0, 1, 0));
    assert_eq!(fresh.police.as_bytes(), b"police A/1 1");
    assert_eq!(fresh.withdrawn_at, None);
    let first = outcome(place, id, 1, 0);
    let outcome_id = first.outcome_id;
    write(&*store, concluded(first)).await;
    let case = store.case(id).await.unwrap().unwrap();
    assert_eq!((case.facts, case.provider.as_str()), (1, "harbour"));
    assert_eq!((case.outcomes[0].outcome_id, case.outcomes[0].number), (outcome_id, 1));
    assert_eq!(case.outcomes[0].body.as_bytes(), b"body 1");
    assert_eq!(case.outcomes[0].content, digest(place, "outcome 1"));
    assert!(store.has_outcome(outcome_id).await.unwrap());
    assert!(!store.has_outcome(id).await.unwrap());
    assert!(store.case(place.clock().id()).await.unwrap().is_none());
    let row = store.referral(id).await.unwrap().unwrap();
    assert_eq!(row.standing, Some(("state 1".to_owned(), "active".to_owned())));
    assert_eq!((row.notices[0].sequence, row.notices[0].kind.as_str()), (1, "accepted"));
}

/// Two that were folded from the same facts: one wins, and the other leaves nothing behind.
pub(in crate::store) async fn an_outcome_folded_from_old_facts_is_refused_whole(place: &dyn Place) {
    let store = place.open();
    let id = referral(place, &*store, "A/1").await;
    let race = vec![
        concluded(outcome(place, id, 1, 0)),
        concluded(outcome(place, id, 2, 0)),
        concluded(outcome(place, id, 1, 1)),
        concluded(outcome(place, id, 2, 1)),
        concluded(outcome(place, id, 3, 1)),
    ];
    let results = store.write(race).await;
    let taken: Vec<bool> = results.iter().map(Result::is_ok).collect();
    assert_eq!(taken, [true, false, false, true, false]);
    let conflicts = results.into_iter().filter_map(Result::err);
    assert!(conflicts.into_iter().all(|refused| refused == Refused::Conflict));
    let case = store.case(id).await.unwrap().unwrap();
    assert_eq!((case.facts, case.outcomes.len()), (2, 2));
    let sequences: Vec<_> = notices(&*store, 0).await.iter().map(|it| it.sequence).collect();
    assert_eq!(sequences, [1, 2], "a refused outcome takes no number");
}

pub(in crate::store) async fn numbers_have_no_gap_after_a_crash_and_a_cause_is_told_once(
    place: &dyn Place,
) {
    let store = place.open();
    let (a, b) = (referral(place, &*store, "A/1").await, referral(place, &*store, "B/1").await);
    let first = outcome(place, a, 1, 0);
    let cause = first.outcome_id;
    write(&*store, concluded(first)).await;
    let store = place.crash(store);
    write(&*store, concluded(outcome(place, b, 1, 0))).await;
    let mut again = outcome(place, a, 2, 1);
    again.notices.insert(0, notice(place, "accepted", cause));
    write(&*store, concluded(again)).await;
    let all = notices(&*store, 0).await;
    let told: Vec<_> = all.iter().map(|it| (it.sequence, it.referral_id)).collect();
    assert_eq!(told, [(1, a), (2, b), (3, a)]);
    assert_eq!(notices(&*store, 2).await.len(), 1);
    assert_eq!(all[0].body.as_bytes(), b"notice accepted");
}

pub(in crate::store) async fn a_notice_is_taken_over_once(place: &dyn Place) {
    let store = place.open();
    let id = referral(place, &*store, "A/1").await;
    write(&*store, concluded(outcome(place, id, 1, 0))).await;
    let notice_id = notices(&*store, 0).await[0].notice_id;
    let take_over = || entry(What::TakeOver { notice_id, at: start() });
    write(&*store, take_over()).await;
    assert_eq!(refused(&*store, take_over()).await, Refused::Conflict);
    let today = crate::clock::london_day(place.clock().now());
    let day = store.day(HAMPSHIRE, false, today).await.unwrap();
    assert_eq!(day.notices, [(notice_id, true)]);
    assert_eq!(store.day(NORFOLK, false, today).await.unwrap().notices, []);
    let row = store.notice(notice_id).await.unwrap().unwrap();
    assert_eq!((row.taken_over_at, row.referral_id), (Some(start()), id));
    assert!(store.notice(id).await.unwrap().is_none());
}
