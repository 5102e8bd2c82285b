//! Lanes, leases, retries.

use std::time::Duration;

use super::*;

pub async fn what_was_confirmed_is_sent_again_in_its_lanes(place: &dyn TestStore) {
    let store = place.open();
    let one = revision(place, "A/1", 1);
    let ids: Vec<Uuid> = one.messages.iter().map(|message| message.event_id).collect();
    let two = next(place, &one, "A/1");
    let later: Vec<Uuid> = two.messages.iter().map(|message| message.event_id).collect();
    write(&*store, accept(place, one)).await;
    let first = drain(&*store, place.clock()).await;
    assert_eq!(first, ids);
    let between = place.clock().now().checked_add(jiff::SignedDuration::from_secs(5)).unwrap();
    place.clock().advance(std::time::Duration::from_secs(10));
    write(&*store, accept(place, two)).await;
    drain(&*store, place.clock()).await;
    place.clock().advance(std::time::Duration::from_secs(10));
    let now = place.clock().now();
    let why = || fact(place.clock(), Operation::Disclosure, ids[0]);
    let resend = |provider: &str, since| store.resend(provider.to_owned(), since, now, why());
    assert_eq!(resend("beacon", start()).await.unwrap(), 0);
    assert_eq!(resend("harbour", between).await.unwrap(), 2);
    assert_eq!(drain(&*store, place.clock()).await, later);
    // What has gone out since the call is not taken again.
    assert_eq!(resend("harbour", start()).await.unwrap(), 2);
    let store = place.crash(store);
    let rows = claim(&*store, 7, LEASE_S).await;
    assert_eq!(events(&rows), ids[..1], "the offender's message waits for the victim's");
    settle_all(&*store, place.clock(), &rows).await;
    assert_eq!(drain(&*store, place.clock()).await, ids[1..]);
    assert_eq!(store.backlog().await.unwrap().rows, 0);
    links(&*store, place).await;
}

fn in_s(clock: &Clock, seconds: i64) -> Timestamp {
    clock.now() + jiff::SignedDuration::from_secs(seconds)
}

fn retry(leased: &Leased, not_before: Timestamp) -> Vec<(Lease, Settled)> {
    vec![(leased.lease.clone(), Settled::Retry { not_before, reason: "returned" })]
}

pub async fn a_leased_row_brings_all_that_reopens_its_event(place: &dyn TestStore) {
    let store = place.open();
    let one = revision(place, "A/1", 1);
    let (id, wrapped, messages) = (one.referral_id, one.keys.clone(), one.messages.clone());
    write(&*store, accept(place, one)).await;
    let rows = claim(&*store, 10, LEASE_S).await;
    assert_eq!(rows.len(), 1);
    let row = &rows[0];
    assert_eq!((row.event_id, row.referral_id, row.revision), (messages[0].event_id, id, Some(1)));
    assert_eq!(
        (row.force, row.provider.as_str(), row.kind.clone()),
        (HAMPSHIRE, "harbour", Ok(MessageAction::New))
    );
    assert_eq!((row.received_at, row.attempts), (start(), 0));
    assert_eq!(Some(&row.keys), wrapped.as_ref());
    match &row.body {
        LeasedBody::Victim(body) => assert_eq!(body.as_bytes(), b"victim A/1 1"),
        LeasedBody::Offender(_) => panic!("the victim's message is first"),
    }
    settle_all(&*store, place.clock(), &rows).await;
    let rows = claim(&*store, 10, LEASE_S).await;
    assert_eq!(events(&rows), vec![messages[1].event_id]);
    match &rows[0].body {
        LeasedBody::Offender(body) => assert_eq!(body.as_bytes(), b"offender A/1 1"),
        LeasedBody::Victim(_) => panic!("it is the offender's message"),
    }
    settle_all(&*store, place.clock(), &rows).await;
    let referral = store.referral(id).await.unwrap().unwrap();
    let confirmed: Vec<_> =
        referral.revisions[0].messages.iter().map(|message| message.confirmed_at).collect();
    assert_eq!(confirmed, vec![Some(start()); 2]);
    assert_eq!(store.backlog().await.unwrap(), Backlog::default());
}

pub async fn one_message_of_a_lane_is_in_flight_at_a_time(place: &dyn TestStore) {
    let store = place.open();
    let one = revision(place, "A/1", 1);
    let two = next(place, &one, "A/1");
    let three = next(place, &two, "A/1");
    let ids: Vec<Vec<Uuid>> = [&one, &two, &three]
        .map(|revision| revision.messages.iter().map(|message| message.event_id).collect())
        .into();
    for revision in [one, two, three] {
        write(&*store, accept(place, revision)).await;
    }
    let first = claim(&*store, 10, LEASE_S).await;
    assert_eq!(events(&first), vec![ids[0][0]]);
    assert!(claim(&*store, 10, LEASE_S).await.is_empty());
    settle_all(&*store, place.clock(), &first).await;
    // The offender's first and the victim's second are in different lanes.
    let second = claim(&*store, 10, LEASE_S).await;
    assert_eq!(events(&second), vec![ids[0][1], ids[1][0]]);
    settle_all(&*store, place.clock(), &second[1..]).await;
    // The offender's second waits for the offender's first, which is still leased.
    let third = claim(&*store, 10, LEASE_S).await;
    assert_eq!(events(&third), vec![ids[2][0]]);
    settle_all(&*store, place.clock(), &second[..1]).await;
    settle_all(&*store, place.clock(), &third).await;
    assert_eq!(drain(&*store, place.clock()).await, vec![ids[1][1], ids[2][1]]);
}

pub async fn a_lease_that_ran_out_is_free_and_its_holder_changes_nothing(place: &dyn TestStore) {
    let store = place.open();
    let clock = place.clock();
    write(&*store, accept(place, revision(place, "A/1", 1))).await;
    let first = claim(&*store, 1, LEASE_S).await;
    clock.advance(Duration::from_secs(59));
    assert!(claim(&*store, 1, LEASE_S).await.is_empty());
    clock.advance(Duration::from_secs(1));
    let second = claim(&*store, 1, LEASE_S).await;
    assert_eq!(events(&first), events(&second));
    let lost = vec![done(clock, &first[0])];
    assert_eq!(store.settle(lost).await.unwrap(), vec![false]);
    assert_eq!(store.settle(retry(&first[0], in_s(clock, 30))).await.unwrap(), vec![false]);
    assert_eq!(store.backlog().await.unwrap().rows, 2);
    settle_all(&*store, clock, &second).await;
    assert_eq!(store.backlog().await.unwrap().rows, 1);
}

pub async fn settling_twice_settles_once(place: &dyn TestStore) {
    let store = place.open();
    let clock = place.clock();
    write(&*store, accept(place, revision(place, "A/1", 1))).await;
    let rows = claim(&*store, 1, LEASE_S).await;
    let twice = vec![done(clock, &rows[0]), done(clock, &rows[0])];
    assert_eq!(store.settle(twice).await.unwrap(), vec![true, false]);
    let again = vec![done(clock, &rows[0])];
    assert_eq!(store.settle(again).await.unwrap(), vec![false]);
    let after_retry = claim(&*store, 1, LEASE_S).await;
    let mut both = retry(&after_retry[0], clock.now());
    both.extend(retry(&after_retry[0], clock.now()));
    assert_eq!(store.settle(both).await.unwrap(), vec![true, false]);
    // One collection and one disclosure.
    assert_eq!(store.audit_rows(0, 10).await.unwrap().len(), 2);
}

pub async fn a_retry_waits_for_its_time_and_keeps_its_lane(place: &dyn TestStore) {
    let store = place.open();
    let clock = place.clock();
    let one = revision(place, "A/1", 1);
    let two = next(place, &one, "A/1");
    let first = one.messages[0].event_id;
    write(&*store, accept(place, one)).await;
    write(&*store, accept(place, two)).await;
    let rows = claim(&*store, 10, LEASE_S).await;
    assert_eq!(store.settle(retry(&rows[0], in_s(clock, 30))).await.unwrap(), vec![true]);
    clock.advance(Duration::from_secs(29));
    assert!(claim(&*store, 10, LEASE_S).await.is_empty());
    clock.advance(Duration::from_secs(1));
    let rows = claim(&*store, 10, LEASE_S).await;
    assert_eq!((events(&rows), rows[0].attempts), (vec![first], 1));
    assert_eq!(store.settle(retry(&rows[0], in_s(clock, 30))).await.unwrap(), vec![true]);
    // The time is kept across a start.
    let store = place.crash(store);
    assert!(claim(&*store, 10, LEASE_S).await.is_empty());
    clock.advance(Duration::from_secs(30));
    assert_eq!(events(&claim(&*store, 10, LEASE_S).await), vec![first]);
    assert_eq!(store.backlog().await.unwrap().rows, 4);
}

pub async fn a_lease_ends_with_its_deadline_whatever_became_of_its_holder(place: &dyn TestStore) {
    let store = place.open();
    let written = (0..40).map(|number| accept(place, revision(place, &format!("A/{number}"), 1)));
    for result in store.write(written.collect()).await {
        let _ = result.unwrap();
    }
    let before = claim(&*store, 30, LEASE_S).await;
    let store = place.crash(store);
    place.clock().advance(Duration::from_secs(LEASE_S.into()));
    let after = claim(&*store, 40, LEASE_S).await;
    assert_eq!(after.len(), 40);
    assert_eq!(events(&before), events(&after)[..30]);
    let lost = store.settle(vec![done(place.clock(), &before[0])]).await.unwrap();
    assert_eq!(lost, vec![false]);
}

pub async fn a_long_backlog_drains_whole_and_in_order(place: &dyn TestStore) {
    let store = place.open();
    let mut lanes: Vec<[Vec<Uuid>; 2]> = Vec::new();
    let mut entries = Vec::new();
    for number in 0..300 {
        let name = format!("A/{number}");
        let mut lane = [Vec::new(), Vec::new()];
        let mut latest: Option<NewRevision> = None;
        for _ in 0..=(number % 4) {
            let one = match &latest {
                None => revision(place, &name, 1),
                Some(before) => next(place, before, &name),
            };
            lane[0].push(one.messages[0].event_id);
            lane[1].push(one.messages[1].event_id);
            let again = NewRevision {
                messages: one.messages.clone(),
                referral_id: one.referral_id,
                ..revision(place, &name, one.revision)
            };
            entries.push(accept(place, again));
            latest = Some(one);
        }
        lanes.push(lane);
    }
    for result in store.write(entries).await {
        let _ = result.unwrap();
    }
    let order = drain(&*store, place.clock()).await;
    assert_eq!(order.len(), lanes.iter().map(|lane| lane[0].len() * 2).sum::<usize>());
    let at = places(&order);
    assert_eq!(at.len(), order.len());
    for [victim, offender] in &lanes {
        assert!(victim.is_sorted_by_key(|id| at[id]) && offender.is_sorted_by_key(|id| at[id]));
        assert!(victim.iter().zip(offender).all(|(first, second)| at[first] < at[second]));
    }
}

pub async fn a_commit_that_adds_work_wakes_the_waiting(place: &dyn TestStore) {
    let store = place.open();
    let wake = store.wake();
    let waiting = wake.notified();
    write(&*store, accept(place, revision(place, "A/1", 1))).await;
    tokio::time::timeout(Duration::from_secs(5), waiting).await.unwrap();
}
