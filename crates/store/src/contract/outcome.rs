//! The way back: outcomes, where a case stands, notices with numbers that have no gap.

use super::*;
use cara_domain::caution::CautionState;
use cara_domain::choice::{Choice as _, Decided};
use cara_domain::notice::NoticeKind;
use cara_domain::programme::ProgrammeState;

fn notice(place: &dyn TestStore, kind: NoticeKind, cause: Uuid) -> NewNotice {
    NewNotice {
        notice_id: place.clock().id(),
        kind,
        cause,
        made_at: place.clock().now(),
        body: SealedSide::Offender(Sealed::from_stored(
            format!("notice {}", kind.code()).into_bytes(),
        )),
    }
}

/// The outcome with this number, folded from so many facts, with one notice.
fn outcome(place: &dyn TestStore, referral_id: Uuid, number: u32, facts_before: u32) -> NewOutcome {
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
        standing: standing(ProgrammeState::Accepted, facts_before),
        notices: vec![notice(place, NoticeKind::Accepted, outcome_id)],
        messages: Vec::new(),
    }
}

fn standing(programme: ProgrammeState, facts_before: u32) -> NewStanding {
    NewStanding {
        facts_before,
        programme,
        caution: CautionState::Active,
        gap: None,
        deadline: None,
        booked_on: None,
        is_recalled: false,
        is_closed: false,
        has_ended: false,
    }
}

fn caused(place: &dyn TestStore, side: Compartment, after: Option<Uuid>) -> CausedMessage {
    let bytes = b"caused".to_vec();
    CausedMessage {
        event_id: place.clock().id(),
        kind: MessageAction::Decision,
        made_at: place.clock().now(),
        body: match side {
            Compartment::Offender => SealedSide::Offender(Sealed::from_stored(bytes)),
            Compartment::Victim => SealedSide::Victim(Sealed::from_stored(bytes)),
        },
        after,
    }
}

/// A decision with a message to each side, the victim's first.
fn decision(place: &dyn TestStore, referral_id: Uuid, facts_before: u32) -> NewDecision {
    let prompt = caused(place, Compartment::Victim, None);
    let told = caused(place, Compartment::Offender, Some(prompt.event_id));
    NewDecision {
        referral_id,
        decision_id: place.clock().id(),
        decided: Decided::Continue,
        decided_on: "2026-03-02".parse().unwrap(),
        received_at: place.clock().now(),
        content: digest(place, "decision"),
        body: Sealed::from_stored(b"decided".to_vec()),
        standing: standing(ProgrammeState::Sent, facts_before),
        messages: vec![prompt, told],
        clock_notices: ClockNotices::Cancelled,
    }
}

fn concluded(outcome: NewOutcome) -> Entry {
    entry(What::Outcome(Box::new(outcome)))
}

async fn referral(place: &dyn TestStore, store: &dyn Store, record_ref: &str) -> Uuid {
    write(store, accept(place, revision(place, record_ref, 1))).await
}

async fn notices(store: &dyn Store, after: u64) -> Vec<NoticeRow> {
    let stream = Compartment::Offender;
    let filter = NoticeFilter { force: HAMPSHIRE, test_data: false, stream, after };
    store.notices(filter, 100).await.unwrap()
}

pub async fn a_case_is_found_with_all_that_was_reported(place: &dyn TestStore) {
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
    let (programme, caution) = (Ok(ProgrammeState::Accepted), Ok(CautionState::Active));
    assert_eq!(row.standing, Some(StandingRow { programme, caution }));
    assert_eq!(
        (row.notices[0].sequence, row.notices[0].kind.clone()),
        (1, Ok(NoticeKind::Accepted))
    );
}

/// Two that were folded from the same facts: one wins, and the other leaves nothing behind.
pub async fn an_outcome_folded_from_old_facts_is_refused_whole(place: &dyn TestStore) {
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
    assert!(conflicts.into_iter().all(|refused| refused == NotWritten::Conflict));
    let case = store.case(id).await.unwrap().unwrap();
    assert_eq!((case.facts, case.outcomes.len()), (2, 2));
    let sequences: Vec<_> = notices(&*store, 0).await.iter().map(|it| it.sequence).collect();
    assert_eq!(sequences, [1, 2], "a refused outcome takes no number");
}

pub async fn numbers_have_no_gap_after_a_crash_and_a_cause_is_told_once(place: &dyn TestStore) {
    let store = place.open();
    let (a, b) = (referral(place, &*store, "A/1").await, referral(place, &*store, "B/1").await);
    let first = outcome(place, a, 1, 0);
    let cause = first.outcome_id;
    write(&*store, concluded(first)).await;
    let store = place.crash(store);
    write(&*store, concluded(outcome(place, b, 1, 0))).await;
    let mut again = outcome(place, a, 2, 1);
    again.notices.insert(0, notice(place, NoticeKind::Accepted, cause));
    write(&*store, concluded(again)).await;
    let all = notices(&*store, 0).await;
    let told: Vec<_> = all.iter().map(|it| (it.sequence, it.about.id())).collect();
    assert_eq!(told, [(1, a), (2, b), (3, a)]);
    assert_eq!(notices(&*store, 2).await.len(), 1);
    assert_eq!(all[0].body.as_bytes(), b"notice accepted");
}

pub async fn a_notice_is_taken_over_once(place: &dyn TestStore) {
    let store = place.open();
    let id = referral(place, &*store, "A/1").await;
    write(&*store, concluded(outcome(place, id, 1, 0))).await;
    let notice_id = notices(&*store, 0).await[0].notice_id;
    let take_over = || entry(What::TakeOver { notice_id, at: start() });
    write(&*store, take_over()).await;
    assert_eq!(refused(&*store, take_over()).await, NotWritten::Conflict);
    let today = cara_clock::london_day(place.clock().now());
    let day = store.day(HAMPSHIRE, false, today).await.unwrap();
    assert_eq!(day.notices, [(notice_id, "notice_taken_over")]);
    assert_eq!(store.day(NORFOLK, false, today).await.unwrap().notices, []);
    let row = store.notice(notice_id).await.unwrap().unwrap();
    assert_eq!((row.taken_over_at, row.about), (Some(start()), About::Referral(id)));
    assert!(store.notice(id).await.unwrap().is_none());
}

pub async fn a_decision_is_stored_with_its_messages_and_cancels(place: &dyn TestStore) {
    let store = place.open();
    let id = referral(place, &*store, "A/1").await;
    let mut first = outcome(place, id, 1, 0);
    first.notices.push(notice(place, NoticeKind::DeadlinePassed, Uuid::from_u128(20_260_601)));
    write(&*store, concluded(first)).await;
    let made = decision(place, id, 1);
    let (decision_id, content) = (made.decision_id, made.content);
    let told: Vec<Uuid> = made.messages.iter().map(|message| message.event_id).collect();
    write(&*store, entry(What::Decision(Box::new(made)))).await;
    let case = store.case(id).await.unwrap().unwrap();
    assert_eq!((case.facts, case.decisions.len()), (2, 1));
    assert_eq!((case.decisions[0].decision_id, case.decisions[0].content), (decision_id, content));
    assert_eq!(case.decisions[0].body.as_bytes(), b"decided");
    let all = notices(&*store, 0).await;
    let cancelled: Vec<_> = all
        .iter()
        .map(|it| (it.kind.clone().map(|kind| kind.code()), it.cancelled_at.is_some()))
        .collect();
    assert_eq!(cancelled, [(Ok("accepted"), false), (Ok("deadline_passed"), true)]);
    let shown = store.referral(id).await.unwrap().unwrap();
    assert_eq!(shown.messages.iter().map(|it| it.event_id).collect::<Vec<_>>(), told);
    // One that was folded from fewer facts than are stored is refused and leaves nothing behind.
    let late = store.write(vec![entry(What::Decision(Box::new(decision(place, id, 1))))]).await;
    assert!(matches!(late.as_slice(), [Err(NotWritten::Conflict)]));
    assert_eq!(store.case(id).await.unwrap().unwrap().decisions.len(), 1);
}

pub async fn caused_messages_go_out_in_their_lanes(place: &dyn TestStore) {
    let store = place.open();
    let made = revision(place, "A/1", 1);
    let (id, first) = (made.referral_id, made.messages.clone());
    let amended = next(place, &made, "A/1");
    let later = amended.messages.clone();
    write(&*store, accept(place, made)).await;
    let decided = decision(place, id, 0);
    let told: Vec<Uuid> = decided.messages.iter().map(|message| message.event_id).collect();
    write(&*store, entry(What::Decision(Box::new(decided)))).await;
    write(&*store, accept(place, amended)).await;
    let expected = [
        first[0].event_id,
        first[1].event_id,
        told[0],
        told[1],
        later[0].event_id,
        later[1].event_id,
    ];
    let mut lanes = [Vec::new(), Vec::new()];
    for _ in 0..12 {
        for row in claim(&*store, 16, 60).await {
            let lane = match row.compartment {
                Compartment::Victim => 0,
                Compartment::Offender => 1,
            };
            assert_eq!(row.revision.is_none(), told.contains(&row.event_id));
            if row.revision.is_none() {
                let body = match &row.body {
                    LeasedBody::Offender(sealed) => sealed.as_bytes(),
                    LeasedBody::Victim(sealed) => sealed.as_bytes(),
                };
                assert_eq!(body, b"caused");
            }
            lanes[lane].push(row.event_id);
            settle_all(&*store, place.clock(), std::slice::from_ref(&row)).await;
        }
    }
    assert_eq!(lanes[0], [expected[0], expected[2], expected[4]]);
    assert_eq!(lanes[1], [expected[1], expected[3], expected[5]]);
    let since = place.clock().now() - jiff::Span::new().hours(1);
    let until = place.clock().now() + jiff::Span::new().hours(1);
    let resent = store
        .resend("harbour".into(), since, until, fact(place.clock(), Operation::Disclosure, id))
        .await
        .unwrap();
    assert_eq!(resent, 6);
}
