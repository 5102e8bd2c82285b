//! The clock: what is due is told once, from stored facts; operators hear of each incident when it
//! opens, every day while it is open, and when it ends. The tests own the clock.

use cara_delivery::Push;
use cara_domain::Compartment;
use cara_flow::Caller;
use cara_flow::case::conclude::Urgency;
use cara_flow::clock::sweep;
use cara_flow::clock::sweep::{Sweeper, Swept};
use cara_flow::notice;
use cara_flow::notice::NoticeQuery;
use cara_flow::notice::delivery;
use cara_flow::notice::mail;
use cara_flow::notice::mail::To;
use cara_flow::outbox::reconcile;
use cara_gateway::worker::{self, Outside};
use cara_metric::{Health, Metric, Part};
use serde_json::json;

use crate::certificate::Authority;
use crate::delivery::postbox::{Guard, Postbox};
use crate::house::{House, caller, operator};
use crate::mail::post;
use crate::patience::eventually;
use crate::record::{XML, record};

/// A day after the example was extracted; its deadline is 19 December 2025.
const START: &str = "2025-09-15T09:00:00Z";

/// Passes so many days, with a sweep every six hours, as a running gateway would.
async fn days(house: &House, sweeper: &mut Sweeper, days: u32) -> Vec<Swept> {
    let mut all = Vec::new();
    for _ in 0..days * 4 {
        house.pass(6);
        all.push(sweeper.sweep(&Default::default()).await.unwrap());
    }
    all
}

async fn now(sweeper: &mut Sweeper) -> Swept {
    sweeper.sweep(&Default::default()).await.unwrap()
}

fn names(incidents: &[cara_store::Incident]) -> Vec<&str> {
    incidents.iter().map(|incident| incident.kind.as_str()).collect()
}

#[tokio::test]
async fn a_case_that_nobody_moves_is_told_of_step_by_step_and_once() {
    let house = House::at(START).await;
    let mut sweeper = Sweeper::of(house.gateway.clone());
    house.refer(&record(1).text()).await;
    now(&mut sweeper).await;
    assert_eq!(house.kinds().await, Vec::<String>::new());
    days(&house, &mut sweeper, 13).await;
    assert_eq!(house.kinds().await, Vec::<String>::new());
    days(&house, &mut sweeper, 1).await;
    assert_eq!(house.kinds().await, ["no_contact_14_days"]);
    // 31 October is seven weeks before the deadline, 14 November five.
    days(&house, &mut sweeper, 32).await;
    assert_eq!(house.clock.today().to_string(), "2025-10-31");
    assert_eq!(house.kinds().await.len(), 1);
    days(&house, &mut sweeper, 1).await;
    assert_eq!(house.kinds().await.last().unwrap(), "completion_at_risk");
    days(&house, &mut sweeper, 14).await;
    assert_eq!(house.kinds().await.last().unwrap(), "completion_impossible");
    days(&house, &mut sweeper, 40).await;
    let notices = house.notices().await;
    let told: Vec<_> = notices.iter().map(|it| (it.sequence, it.kind.as_str())).collect();
    let expected = [
        (1, "no_contact_14_days"),
        (2, "completion_at_risk"),
        (3, "completion_impossible"),
        (4, "deadline_passed"),
    ];
    assert_eq!(told, expected);
    let last = &notices[3].content;
    assert_eq!(last.happened_on.to_string(), "2025-12-20");
    assert_eq!(last.deadline.unwrap().to_string(), "2025-12-19");
    assert_eq!(last.provider_contact.as_deref(), Some("the duty line of Harbour"));
    assert_eq!((last.evidence_ref, last.completion_still_possible), (None, Some(false)));
}

#[tokio::test]
async fn a_start_again_tells_nothing_twice() {
    let mut house = House::at(START).await;
    house.refer(&record(1).text()).await;
    let mut sweeper = Sweeper::of(house.gateway.clone());
    days(&house, &mut sweeper, 15).await;
    assert_eq!(house.kinds().await, ["no_contact_14_days"]);
    drop(sweeper);
    house.restart().await;
    let mut sweeper = Sweeper::of(house.gateway.clone());
    let swept = now(&mut sweeper).await;
    assert_eq!((swept.notices, swept.incidents.opened), (0, Vec::new()));
    assert_eq!(house.kinds().await, ["no_contact_14_days"]);
}

#[tokio::test]
async fn an_outcome_quiets_the_clock() {
    let house = House::at(START).await;
    let mut sweeper = Sweeper::of(house.gateway.clone());
    let referral_id = house.refer(&record(1).text()).await;
    house.report(referral_id, 1, "received", json!({})).await;
    house.report(referral_id, 2, "accepted", json!({})).await;
    days(&house, &mut sweeper, 20).await;
    assert_eq!(house.kinds().await, ["accepted"]);
    let on = house.clock.today().to_string();
    house.report(referral_id, 3, "workshop_booked", json!({ "part": 1, "on": on })).await;
    let attended = json!({ "part": 1, "on": on, "arrived_late": false });
    house.report(referral_id, 4, "workshop_attended", attended).await;
    days(&house, &mut sweeper, 60).await;
    assert_eq!(house.kinds().await, ["accepted", "workshop_booked", "workshop_attended"]);
}

#[tokio::test]
async fn a_workshop_booked_after_the_deadline_puts_completing_at_risk() {
    let house = House::at(START).await;
    let mut sweeper = Sweeper::of(house.gateway.clone());
    let referral_id = house.refer(&record(1).text()).await;
    house.report(referral_id, 1, "accepted", json!({})).await;
    let late = json!({ "part": 1, "on": "2025-12-20" });
    house.report(referral_id, 2, "workshop_booked", late).await;
    now(&mut sweeper).await;
    assert_eq!(house.kinds().await.last().unwrap(), "completion_at_risk");
}

#[tokio::test]
async fn a_held_record_is_told_after_four_hours_and_its_incident_ends_with_it() {
    let house = House::at(START).await;
    let mut sweeper = Sweeper::of(house.gateway.clone());
    let answer = house.push(XML, &record(1).unlisted().text()).await;
    let hold_id = answer.records[0].hold_id.unwrap();
    let swept = now(&mut sweeper).await;
    assert_eq!((swept.notices, names(&swept.incidents.opened)), (0, vec!["hold_open"]));
    assert_eq!(swept.incidents.opened[0].about, "hampshire");
    house.pass(4);
    assert_eq!(now(&mut sweeper).await.notices, 1);
    house.pass(4);
    assert_eq!(now(&mut sweeper).await.notices, 0);
    let notices = house.notices().await;
    assert_eq!((notices.len(), notices[0].kind.as_str()), (1, "record_held"));
    assert_eq!((notices[0].referral_id, notices[0].content.evidence_ref), (None, Some(hold_id)));
    let key = record(1).record_ref;
    assert_eq!(notices[0].content.record_ref.as_deref(), Some(key.as_str()));
    // Said again every day, closed when the force sends the record mended.
    let swept = days(&house, &mut sweeper, 2).await;
    let again: usize = swept.iter().map(|it| it.incidents.told_again.len()).sum();
    assert_eq!(again, 2);
    house.refer(&record(1).text()).await;
    assert_eq!(names(&now(&mut sweeper).await.incidents.closed), ["hold_open"]);
    assert_eq!(house.open_incidents().await.len(), 0);
}

#[tokio::test]
async fn a_gap_is_raised_after_an_hour_and_closed_by_the_missing_number() {
    let house = House::at(START).await;
    let mut sweeper = Sweeper::of(house.gateway.clone());
    let referral_id = house.refer(&record(1).text()).await;
    house.report(referral_id, 2, "accepted", json!({})).await;
    now(&mut sweeper).await;
    assert!(!house.open_incidents().await.contains("outcome_gap"));
    house.pass(1);
    let swept = now(&mut sweeper).await;
    let about: Vec<_> = swept.incidents.opened.iter().map(|it| it.about.clone()).collect();
    assert_eq!(
        (names(&swept.incidents.opened), about),
        (vec!["outcome_gap"], vec![referral_id.to_string()])
    );
    house.report(referral_id, 1, "received", json!({})).await;
    assert_eq!(names(&now(&mut sweeper).await.incidents.closed), ["outcome_gap"]);
}

#[tokio::test]
async fn a_miss_that_nobody_takes_over_is_written_to_its_inbox_once() {
    // A Saturday: the hours run all the same.
    let house = House::at("2025-10-04T14:00:00Z").await;
    let mut sweeper = Sweeper::of(house.gateway.clone());
    let referral_id = house.refer(&record(1).text()).await;
    house.report(referral_id, 1, "accepted", json!({})).await;
    let on = house.clock.today().to_string();
    house.report(referral_id, 2, "workshop_booked", json!({ "part": 1, "on": on })).await;
    let miss = json!({
        "part": 1, "on": on, "reason": "no_show", "explanation_offered": "no", "repeat_from": 1,
    });
    house.report(referral_id, 3, "workshop_missed", miss).await;
    house.pass(3);
    now(&mut sweeper).await;
    assert_eq!(mail::mails(&house.gateway, 10).await.unwrap(), []);
    house.pass(1);
    let swept = now(&mut sweeper).await;
    assert_eq!(names(&swept.incidents.opened), ["notice_not_collected"]);
    let mails = mail::mails(&house.gateway, 10).await.unwrap();
    let to_inbox: Vec<_> = mails.iter().filter(|mail| matches!(mail.to, To::Inbox(_))).collect();
    assert_eq!((mails.len(), to_inbox.len()), (2, 1));
    let To::Inbox(inbox) = &to_inbox[0].to else { unreachable!() };
    assert!(inbox.ends_with("@hampshire.example"), "{inbox}");
    for mail in &mails {
        let said = format!("{} {}", mail.subject, mail.text).to_lowercase();
        for word in ["mcallister", "no_show", "p881204", "dysart"] {
            assert!(!said.contains(word), "{said}");
        }
    }
    assert!(to_inbox[0].text.contains("kind: workshop_missed"));
    for mail in &mails {
        mail::mail_sent(&house.gateway, mail.mail_id).await.unwrap();
    }
    house.pass(1);
    now(&mut sweeper).await;
    assert_eq!(mail::mails(&house.gateway, 10).await.unwrap(), []);
    let notices = house.notices().await;
    let missed = notices.iter().find(|it| it.kind == "workshop_missed").unwrap();
    notice::acknowledge(&house.gateway, &caller(), missed.notice_id).await.unwrap();
    assert_eq!(names(&now(&mut sweeper).await.incidents.closed), ["notice_not_collected"]);
    let subjects: Vec<_> = mail::mails(&house.gateway, 10)
        .await
        .unwrap()
        .into_iter()
        .map(|mail| mail.subject)
        .collect();
    assert_eq!(subjects, ["CARA gateway: notice_not_collected hampshire closed"]);
}

#[tokio::test]
async fn a_force_of_which_nothing_is_heard_is_an_incident() {
    let house = House::at(START).await;
    let mut sweeper = Sweeper::of(house.gateway.clone());
    days(&house, &mut sweeper, 7).await;
    assert_eq!(house.open_incidents().await.len(), 0);
    days(&house, &mut sweeper, 1).await;
    assert!(house.open_incidents().await.contains("force_silent"));
    house.refer(&record(1).text()).await;
    assert_eq!(names(&now(&mut sweeper).await.incidents.closed), ["force_silent"]);
}

#[tokio::test]
async fn a_clock_that_jumped_stops_the_sweep_until_an_operator_accepts_it() {
    let house = House::at(START).await;
    let mut sweeper = Sweeper::of(house.gateway.clone());
    house.refer(&record(1).text()).await;
    now(&mut sweeper).await;
    house.pass(15 * 24);
    let swept = now(&mut sweeper).await;
    assert_eq!(
        (swept.stopped, swept.notices, names(&swept.incidents.opened)),
        (true, 0, vec!["clock_jumped"])
    );
    house.pass(1);
    assert!(now(&mut sweeper).await.stopped);
    assert_eq!(house.kinds().await, Vec::<String>::new());
    sweep::accept_clock(&house.gateway, &operator(), "it was off for two weeks".to_owned())
        .await
        .unwrap();
    let swept = now(&mut sweeper).await;
    assert_eq!(
        (swept.stopped, swept.notices, names(&swept.incidents.closed)),
        (false, 1, vec!["clock_jumped"])
    );
    let again = sweep::accept_clock(&house.gateway, &operator(), "again".to_owned()).await;
    assert!(again.is_err());
    // Going back is doubted as well, small steps are not.
    house.clock.set(house.clock.now() - jiff::SignedDuration::from_secs(30));
    assert!(!now(&mut sweeper).await.stopped);
    house.clock.set(house.clock.now() - jiff::SignedDuration::from_secs(120));
    assert!(now(&mut sweeper).await.stopped);
}

#[tokio::test]
async fn what_was_sent_and_not_received_and_half_a_case_are_incidents() {
    let house = House::at(START).await;
    let mut sweeper = Sweeper::of(house.gateway.clone());
    let referral_id = house.refer(&record(1).text()).await;
    // The victim's half goes out, the offender's is not confirmed.
    assert_eq!(house.confirm(1).await.len(), 1);
    house.clock.advance(std::time::Duration::from_secs(9 * 60));
    assert_eq!(now(&mut sweeper).await.incidents.opened, []);
    house.clock.advance(std::time::Duration::from_secs(2 * 60));
    let swept = now(&mut sweeper).await;
    assert_eq!(
        (names(&swept.incidents.opened), swept.incidents.opened[0].about.as_str()),
        (vec!["pair_incomplete"], "harbour")
    );
    house.confirm(2).await;
    assert_eq!(names(&now(&mut sweeper).await.incidents.closed), ["pair_incomplete"]);
    // Sent for four hours, and the provider has said nothing.
    house.pass(3);
    assert_eq!(now(&mut sweeper).await.incidents.opened, []);
    house.pass(2);
    assert_eq!(names(&now(&mut sweeper).await.incidents.opened), ["not_received"]);
    house.report(referral_id, 1, "received", json!({})).await;
    house.pass(1);
    assert_eq!(names(&now(&mut sweeper).await.incidents.closed), ["not_received"]);
}

#[tokio::test]
async fn a_providers_day_is_compared_and_what_is_missing_is_an_incident() {
    let house = House::at(START).await;
    let mut sweeper = Sweeper::of(house.gateway.clone());
    let referral_id = house.refer(&record(1).text()).await;
    let sent = house.confirm(3).await;
    let outcome = house.outcome(referral_id, 1, "received", json!({}));
    house.say(&outcome).await;
    let got: Vec<_> = sent
        .iter()
        .filter(|event| event.exchange() == "cara.referrals")
        .map(|event| event.message_id())
        .collect();
    assert_eq!(got.len(), 1);
    let say = async |messages: &[uuid::Uuid], outcomes: &[&serde_json::Value]| {
        let counted = json!({ "day": "2025-09-15", "messages": messages, "outcomes": outcomes });
        let message = json!({
            "specversion": "1.0", "id": house.clock.id(), "source": "/providers/harbour",
            "type": "uk.cara.reconciliation.v1", "data": counted,
        });
        assert_eq!(house.message(&message).await.rejections.len(), 0);
    };
    // The provider lost the referral, and says that it reported what never came.
    let lost = json!(house.clock.id());
    say(&[], &[&outcome["outcome_id"], &lost]).await;
    let swept = now(&mut sweeper).await;
    assert_eq!(names(&swept.incidents.opened), ["reconciliation_missing"]);
    assert_eq!(swept.incidents.opened[0].about, "harbour 2025-09-15");
    let (provider, day) = ("harbour".to_owned(), "2025-09-15".parse().unwrap());
    let told = reconcile::provider_day(&house.gateway, &operator(), provider, day).await.unwrap();
    let said = told.sides[0].provider.as_ref().unwrap();
    assert_eq!(json!(said.missing_there), json!(got));
    assert_eq!(json!(said.missing_here), json!([lost]));
    // Said again after a resend: even.
    say(&got, &[&outcome["outcome_id"]]).await;
    assert_eq!(names(&now(&mut sweeper).await.incidents.closed), ["reconciliation_missing"]);
    let bad = json!({
        "specversion": "1.0", "id": house.clock.id(), "source": "/providers/harbour",
        "type": "uk.cara.reconciliation.v1", "data": { "day": "yesterday" },
    });
    let concluded = house.message(&bad).await;
    assert_eq!(concluded.rejections[0].faults[0].code.id, "O106");
}

/// From the sweep through a real mail server to the inbox.
#[tokio::test(flavor = "multi_thread")]
async fn an_uncollected_miss_arrives_in_its_inbox() {
    let house = House::at("2025-10-04T14:00:00Z").await;
    let referral_id = house.refer(&record(1).text()).await;
    house.report(referral_id, 1, "accepted", json!({})).await;
    let on = house.clock.today().to_string();
    house.report(referral_id, 2, "workshop_booked", json!({ "part": 1, "on": on })).await;
    let miss = json!({
        "part": 1, "on": on, "reason": "no_show", "explanation_offered": "no", "repeat_from": 1,
    });
    house.report(referral_id, 3, "workshop_missed", miss).await;
    house.pass(4);
    let mut postbox = Postbox::start(Guard::None).await;
    let post = post(postbox.address(), &house.clock);
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let outside = Outside {
        certificates: std::sync::Arc::new(Default::default),
        // Neither does a broker that does not answer keep anything waiting.
        dead: std::sync::Arc::new(|| Box::pin(std::future::pending())),
    };
    let gateway = house.gateway.clone();
    let health = Health::default();
    let sweeping = worker::sweep(gateway, outside, Some(post), health.clone(), stopped);
    let sweeping = tokio::spawn(sweeping);
    let mut to = Vec::new();
    for _ in 0..2 {
        let mail = postbox.next().await;
        let text = mail["text"].as_str().unwrap();
        assert!(text.contains("four hours"), "{text}");
        to.push(mail["to"][0].as_str().unwrap().to_owned());
    }
    to.sort();
    assert!(
        to[0].ends_with("@hampshire.example") || to[1].ends_with("@hampshire.example"),
        "{to:?}"
    );
    assert!(to.contains(&"ops@cara.example".to_owned()), "{to:?}");
    assert!(health.state(Part::Mail).is_good());
    stop.send_replace(true);
    sweeping.await.unwrap();
    assert_eq!(mail::mails(&house.gateway, 10).await.unwrap(), [], "each is sent once");
}

#[tokio::test]
async fn a_safeguarding_concern_is_said_at_once_and_until_somebody_has_it() {
    let house = House::at(START).await;
    let mut sweeper = Sweeper::of(house.gateway.clone());
    let referral_id = house.refer(&record(1).text()).await;
    let concern = house.outcome(referral_id, 1, "safeguarding_concern", json!({}));
    let message = json!({
        "specversion": "1.0", "id": concern["outcome_id"], "source": "/providers/harbour",
        "type": "uk.cara.victim_outcome.v1", "data": concern,
    });
    let concluded = house.message_of(Compartment::Victim, &message).await;
    assert_eq!(concluded.urgent, Some(Urgency::Force("44".to_owned())));
    let swept = now(&mut sweeper).await;
    assert_eq!(names(&swept.incidents.opened), ["safeguarding_concern"]);
    let mails = mail::mails(&house.gateway, 10).await.unwrap();
    assert!(mails[0].text.contains("within 15 minutes"), "{}", mails[0].text);
    let unit = Caller { victims: true, ..caller() };
    let asked = NoticeQuery { victims: true, ..NoticeQuery::default() };
    let notices = notice::notices(&house.gateway, &unit, asked).await.unwrap().notices;
    notice::acknowledge(&house.gateway, &unit, notices[0].notice_id).await.unwrap();
    assert_eq!(names(&now(&mut sweeper).await.incidents.closed), ["safeguarding_concern"]);
}

/// An endpoint that nobody reaches is tried for three days, then given up until a person resumes.
#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_down_for_three_days_is_paused_and_keeps_its_queue() {
    let house = House::at(START).await;
    let authority = Authority::make("forces");
    authority.client("gateway.example", 1).write(&house.folder, "outgoing");
    std::fs::write(house.folder.join("forces.pem"), &authority.pem).unwrap();
    let settings = cara_config::DeliverySettings {
        certificate: house.folder.join("outgoing.pem"),
        key: cara_config::SecretFile::at(house.folder.join("outgoing.key"), "delivery.key"),
        ca: house.folder.join("forces.pem"),
        timeout_s: 2,
    };
    let push = Push::open(&settings, &house.clock).unwrap();
    let forces = vec![crate::delivery::force(&["https://notices.hampshire.example/cara/"])];
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let (gateway, metric) = (house.gateway.clone(), house.gateway.metric.clone());
    let delivering = worker::deliver(gateway, push, forces, Health::default(), stopped);
    let delivering = tokio::spawn(delivering);
    // One letter would be that letter's trouble.
    for number in 1..=3 {
        let referral_id = house.refer(&record(number).text()).await;
        house.report(referral_id, 1, "accepted", json!({})).await;
    }
    let tries = |metric: &Metric| {
        let page = metric.encode();
        let line =
            page.lines().find(|line| line.starts_with("cara_pushes_total{")).map(str::to_owned);
        line.and_then(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).unwrap_or_default()
    };
    eventually("a first try", async || (tries(&metric) >= 1).then_some(())).await;
    // Every hour it is tried again; nothing is given up before three days are over.
    for hours in [1, 24, 24, 12] {
        let before = tries(&metric);
        house.pass(hours);
        late(&house, "another try", async || (tries(&metric) > before).then_some(())).await;
        assert!(!deliveries(&house).await.contains("three days"));
    }
    house.pass(14);
    let listed = late(&house, "a pause", async || {
        let listed = deliveries(&house).await;
        listed.contains("three days").then_some(listed)
    })
    .await;
    assert!(listed.contains("\"waiting\":3"), "{listed}");
    let mut sweeper = Sweeper::of(house.gateway.clone());
    assert!(names(&now(&mut sweeper).await.incidents.opened).contains(&"endpoint_paused"));
    stop.send_replace(true);
    delivering.await.unwrap();
}

/// Waits for a level. A try is counted before its rest begins, so one that was counted before the
/// hours passed may rest until an hour after them.
async fn late<T>(house: &House, what: &str, mut level: impl AsyncFnMut() -> Option<T>) -> T {
    let began = std::time::Instant::now();
    let mut more = false;
    eventually(what, async || {
        if !more && began.elapsed() > std::time::Duration::from_secs(5) {
            more = true;
            house.pass(1);
        }
        level().await
    })
    .await
}

async fn deliveries(house: &House) -> String {
    json!(delivery::deliveries(&house.gateway).await.unwrap()).to_string()
}
