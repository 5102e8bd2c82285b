//! Decisions of police: they move the caution, go to both sides of the provider, and end notices
//! that no longer apply. Nothing is guessed: what does not fit is held.

use cara_flow::case::referral;
use cara_flow::clock::sweep::Sweeper;
use cara_flow::hold::clear;
use cara_flow::notice;
use cara_flow::{Gateway, OrderRefusal, Unfinished};
use cara_wire::api::{RecordAnswer, RecordStatus};
use jiff::civil::Date;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::house::{House, caller, operator};
use crate::record::{XML, record};

const START: &str = "2025-09-15T09:00:00Z";

/// One decision about case `number`, as Hampshire writes it.
pub struct Decided {
    pub number: u64,
    pub id: &'static str,
    pub on: Date,
    pub code: &'static str,
    pub more: String,
}

pub fn update(decided: &Decided) -> String {
    let record_ref = record(decided.number).record_ref;
    let (occurrence, person) = record_ref.split_once('/').unwrap();
    let Decided { id, on, code, more, .. } = decided;
    let on = format!("{:02}/{:02}/{}", on.day(), on.month(), on.year());
    format!(
        "<DisposalUpdate><Update id=\"{id}\"><OccurrenceNumber>{occurrence}</OccurrenceNumber>\
         <Suspect id=\"{person}\"/><DecidedOn>{on}</DecidedOn><Decision>{code}</Decision>{more}\
         <DecidedBy collar=\"4417\"/></Update></DisposalUpdate>"
    )
}

async fn decide(house: &House, id: &'static str, code: &'static str, more: &str) -> RecordAnswer {
    let on = house.clock.today();
    let decided = Decided { number: 1, id, on, code, more: more.to_owned() };
    house.push(XML, &update(&decided)).await.records.remove(0)
}

async fn standing(gateway: &Gateway, id: Uuid) -> (String, String) {
    let view = referral::referral(gateway, &caller(), id).await.unwrap();
    (view.programme, view.caution)
}

/// Kinds of the messages that decisions and outcomes caused, by side.
async fn caused(gateway: &Gateway, id: Uuid) -> Vec<(String, String)> {
    let view = referral::referral(gateway, &caller(), id).await.unwrap();
    view.messages.into_iter().map(|it| (it.compartment, it.kind)).collect()
}

fn both() -> [(String, String); 2] {
    [("victim", "prompt"), ("offender", "decision")].map(|(a, b)| (a.to_owned(), b.to_owned()))
}

fn miss(on: Date) -> Value {
    json!({
        "part": 1, "on": on.to_string(), "reason": "no_show", "explanation_offered": "no",
        "repeat_from": 1,
    })
}

/// A case that has been booked, missed, and reported as not complying.
async fn reported(house: &House) -> Uuid {
    let id = house.refer(&record(1).text()).await;
    let on = house.clock.today();
    house.report(id, 1, "accepted", json!({})).await;
    let booked = json!({ "part": 1, "on": on.to_string() });
    house.report(id, 2, "workshop_booked", booked).await;
    house.report(id, 3, "workshop_missed", miss(on)).await;
    let facts = json!({ "facts": ["workshops_missed"] });
    house.report(id, 4, "non_compliance_reported", facts).await;
    id
}

#[tokio::test]
async fn decisions_move_the_caution_and_reach_both_sides() {
    let house = House::at(START).await;
    let id = reported(&house).await;
    assert_eq!(standing(&house.gateway, id).await.1, "non_compliance_reported");
    assert_eq!(caused(&house.gateway, id).await, [both()[0].clone()]);
    let answer = decide(&house, "D1", "CONT", "").await;
    assert_eq!((answer.status, answer.referral_id), (RecordStatus::Accepted, Some(id)));
    let decision_id = answer.decision_id.unwrap();
    assert_eq!(standing(&house.gateway, id).await.1, "active");
    assert_eq!(caused(&house.gateway, id).await[1..], both());
    house.pass(24);
    decide(&house, "D2", "VARY", "<NewDeadline>16/01/2026</NewDeadline>").await;
    assert_eq!(standing(&house.gateway, id).await.1, "varied");
    let on = house.clock.today().to_string();
    let booked = json!({ "part": 1, "on": on });
    house.report(id, 5, "workshop_booked", booked).await;
    let last = house.notices().await.pop().unwrap();
    assert_eq!(last.content.deadline.unwrap().to_string(), "2026-01-16");
    house.pass(24);
    decide(&house, "D3", "PROS", "").await;
    assert_eq!(standing(&house.gateway, id).await, ("booked_1".into(), "prosecuted".into()));
    // Nothing leads out of a prosecution but a decision that replaces it.
    house.pass(24);
    decide(&house, "D4", "CONT", "").await;
    assert_eq!(standing(&house.gateway, id).await.1, "prosecuted");
    decide(&house, "D5", "CONT", "<Replaces id=\"D3\"/>").await;
    assert_eq!(standing(&house.gateway, id).await.1, "varied");
    // The same decision again is the same decision; nothing more is told.
    let told = caused(&house.gateway, id).await.len();
    let on = house.clock.today() - jiff::Span::new().days(3);
    let again = Decided { number: 1, id: "D1", on, code: "CONT", more: String::new() };
    let answer = house.push(XML, &update(&again)).await.records.remove(0);
    assert_eq!((answer.status, answer.decision_id), (RecordStatus::Duplicate, Some(decision_id)));
    assert_eq!(caused(&house.gateway, id).await.len(), told);
}

#[tokio::test]
async fn what_does_not_fit_is_held_and_can_be_released() {
    let house = House::at(START).await;
    let codes = |answer: &RecordAnswer| {
        assert_eq!(answer.status, RecordStatus::Held);
        answer.violations.iter().map(|it| it.code.clone()).collect::<Vec<_>>()
    };
    // Of a case that nobody knows yet.
    let early = decide(&house, "D1", "CONT", "").await;
    assert_eq!(codes(&early), ["V231"]);
    let id = house.refer(&record(1).text()).await;
    // The case's own record closes no decision.
    let hold_id = early.hold_id.unwrap();
    let released =
        clear::release(&house.gateway, &operator(), hold_id, "the case is here".into()).await;
    let released = released.unwrap();
    assert_eq!(
        (released.record.status, released.record.referral_id),
        (RecordStatus::Accepted, Some(id))
    );
    let gone = clear::release(&house.gateway, &operator(), hold_id, "again".into()).await;
    assert!(matches!(gone, Err(Unfinished::Refused(OrderRefusal::WrongState(_)))));
    assert_eq!(codes(&decide(&house, "D1", "PROS", "").await), ["V232"]);
    assert_eq!(codes(&decide(&house, "D2", "CONT", "<Replaces id=\"D9\"/>").await), ["V233"]);
    let on = "2025-09-01".parse().unwrap();
    let before = Decided { number: 1, id: "D3", on, code: "CONT", more: String::new() };
    assert_eq!(codes(&house.push(XML, &update(&before)).await.records[0]), ["V234"]);
    assert_eq!(standing(&house.gateway, id).await.1, "active");
    // The force has to mend these.
    assert_eq!(codes(&decide(&house, "D4", "VARY", "").await), ["V101"]);
    let more = "<NewDeadline>16/01/2026</NewDeadline>";
    assert_eq!(codes(&decide(&house, "D5", "CONT", more).await), ["V407"]);
    let later = house.clock.today() + jiff::Span::new().days(1);
    let future = Decided { number: 1, id: "D6", on: later, code: "CONT", more: String::new() };
    assert_eq!(codes(&house.push(XML, &update(&future)).await.records[0]), ["V402"]);
}

#[tokio::test]
async fn a_decision_ends_the_clocks_notices_that_nobody_took_over() {
    let house = House::at(START).await;
    let mut sweeper = Sweeper::of(house.gateway.clone());
    let id = house.refer(&record(1).text()).await;
    house.report(id, 1, "accepted", json!({})).await;
    // Past five weeks before the deadline.
    for _ in 0..62 {
        house.pass(24);
        sweeper.sweep(&Default::default()).await.unwrap();
    }
    let notices = house.notices().await;
    let kinds: Vec<_> = notices.iter().map(|it| it.kind.as_str()).collect();
    assert_eq!(kinds, ["accepted", "completion_at_risk", "completion_impossible"]);
    notice::acknowledge(&house.gateway, &caller(), notices[1].notice_id).await.unwrap();
    decide(&house, "D1", "VARY", "<NewDeadline>20/03/2026</NewDeadline>").await;
    let notices = house.notices().await;
    let cancelled: Vec<_> = notices.iter().map(|it| it.cancelled_at.is_some()).collect();
    assert_eq!(cancelled, [false, false, true]);
    assert_eq!(notices.iter().map(|it| it.sequence).collect::<Vec<_>>(), [1, 2, 3]);
    // The new deadline is the clock's now: it is told again in its time.
    for _ in 0..100 {
        house.pass(24);
        sweeper.sweep(&Default::default()).await.unwrap();
    }
    let told: Vec<_> = house.kinds().await.split_off(3);
    assert_eq!(told, ["completion_at_risk", "completion_impossible"]);
    decide(&house, "D2", "PROS", "").await;
    for _ in 0..60 {
        house.pass(24);
        sweeper.sweep(&Default::default()).await.unwrap();
    }
    assert_eq!(house.kinds().await.len(), 5, "a caution that has ended has no clock");
}

#[tokio::test]
async fn a_recall_ends_the_programme_and_waits_to_be_confirmed() {
    let house = House::at(START).await;
    let mut sweeper = Sweeper::of(house.gateway.clone());
    let id = house.refer(&record(1).text()).await;
    house.report(id, 1, "accepted", json!({})).await;
    decide(&house, "D1", "ERR", "").await;
    assert_eq!(standing(&house.gateway, id).await, ("withdrawn".into(), "active".into()));
    let recall = ("offender".to_owned(), "recall".to_owned());
    assert_eq!(caused(&house.gateway, id).await, [both()[0].clone(), recall]);
    sweeper.sweep(&Default::default()).await.unwrap();
    assert_eq!(house.open_incidents().await.len(), 0);
    house.pass(25);
    sweeper.sweep(&Default::default()).await.unwrap();
    assert!(house.open_incidents().await.contains("recall_unconfirmed"));
    let concluded = house.report(id, 2, "closed", json!({})).await;
    assert_eq!(concluded.rejections.len(), 0);
    sweeper.sweep(&Default::default()).await.unwrap();
    assert!(!house.open_incidents().await.contains("recall_unconfirmed"));
}

#[tokio::test]
async fn a_withdrawal_and_a_completion_prompt_the_victim_worker() {
    let house = House::at(START).await;
    let id = house.refer(&record(1).text()).await;
    let withdrawn = record(1).extracted("2025-09-14T06:15:00Z").withdrawn().text();
    house.push(XML, &withdrawn).await;
    assert_eq!(caused(&house.gateway, id).await, [both()[0].clone()]);
    let id = house.refer(&record(2).text()).await;
    let on = house.clock.today().to_string();
    let attended = |part: u8| json!({ "part": part, "on": on, "arrived_late": false });
    let booked = |part: u8| json!({ "part": part, "on": on });
    house.report(id, 1, "accepted", json!({})).await;
    house.report(id, 2, "workshop_booked", booked(1)).await;
    house.report(id, 3, "workshop_attended", attended(1)).await;
    house.report(id, 4, "workshop_booked", booked(2)).await;
    house.report(id, 5, "workshop_attended", attended(2)).await;
    assert_eq!(caused(&house.gateway, id).await, []);
    house.report(id, 6, "programme_completed", json!({})).await;
    assert_eq!(caused(&house.gateway, id).await, [both()[0].clone()]);
    let on = house.clock.today();
    let nfa = Decided { number: 2, id: "N1", on, code: "NFA", more: String::new() };
    house.push(XML, &update(&nfa)).await;
    assert_eq!(standing(&house.gateway, id).await, ("completed".into(), "complied".into()));
}
