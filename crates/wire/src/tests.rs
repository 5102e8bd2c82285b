use cara_domain::Compartment;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Event, MessageKind, OffenderContent, RevisionChange, Stamp, VictimContent};
use cara_domain::choice::ContactAgreed;
use cara_domain::{Finding, FindingCode, Recorded, Referral, example};

fn stamp() -> Stamp {
    Stamp {
        referral_id: Uuid::from_u128(7),
        revision: 3,
        force: "44".to_owned(),
        provider: "harbour".to_owned(),
        received_at: Timestamp::constant(1_756_728_000, 0),
        agreement_ref: "ISA-\"44\"-1".to_owned(),
        test_data: true,
    }
}

fn victim_event(contact_agreed: Recorded<ContactAgreed>, flags: &[Finding]) -> Value {
    let mut referral = example::referral();
    referral.victim_side.victim.contact_agreed = contact_agreed;
    let content = VictimContent::of(&referral.victim_side);
    read(&Event::victim(Uuid::from_u128(9), RevisionChange::New, &stamp(), &content, flags))
}

fn referral_event(referral: &Referral, flags: &[Finding]) -> Event {
    let content = OffenderContent::of(&referral.offender_side);
    Event::referral(Uuid::from_u128(9), RevisionChange::New, &stamp(), &content, flags)
}

fn read(event: &Event) -> Value {
    serde_json::from_slice(event.body()).unwrap()
}

#[test]
fn the_envelope_is_cloudevents() {
    let event = referral_event(&example::referral(), &[]);
    let mut body = read(&event);
    body.as_object_mut().unwrap().remove("data");
    let expected = json!({
        "specversion": "1.0",
        "id": "00000000-0000-0000-0000-000000000009",
        "source": "/forces/44",
        "type": "uk.cara.referral.new.v1",
        "subject": "00000000-0000-0000-0000-000000000007",
        "time": "2025-09-01T12:00:00Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:uk-cara:schema:referral.new.v1",
    });
    assert_eq!(body, expected);
    assert_eq!(event.routing_key(), "harbour.44.referral.new");
    assert_eq!(event.exchange(), "cara.referrals");
    assert_eq!(event.traceparent(), "00-00000000000000000000000000000007-0000000000000009-01");
}

#[test]
fn the_body_is_the_stamp_the_flags_and_the_side() {
    let referral = example::referral();
    let flags = [Finding::new(FindingCode::UNREADABLE, "offender.title")];
    let data = read(&referral_event(&referral, &flags))["data"].clone();
    let mut expected = serde_json::to_value(&referral.offender_side).unwrap();
    expected.as_object_mut().unwrap().extend([
        ("referral_id".to_owned(), json!("00000000-0000-0000-0000-000000000007")),
        ("revision".to_owned(), json!(3)),
        ("force".to_owned(), json!("44")),
        ("provider".to_owned(), json!("harbour")),
        ("received_at".to_owned(), json!("2025-09-01T12:00:00Z")),
        ("marking".to_owned(), json!("OFFICIAL-SENSITIVE")),
        ("agreement_ref".to_owned(), json!("ISA-\"44\"-1")),
        ("test_data".to_owned(), json!(true)),
        (
            "flags".to_owned(),
            json!([{ "code": "V103", "name": "unreadable", "field": "offender.title" }]),
        ),
    ]);
    assert_eq!(data, expected);
}

#[test]
fn a_side_sees_the_flags_of_its_own_fields_only() {
    let flags = [
        Finding::new(FindingCode::NOT_RECORDED, "victim.views"),
        Finding::new(FindingCode::NOT_RECORDED, "risk.grade"),
        Finding::new(FindingCode::UNREADABLE, "case.asn"),
    ];
    let fields = |event: Value| -> Vec<Value> {
        let flags = event["data"]["flags"].as_array().unwrap().iter();
        flags.map(|flag| flag["field"].clone()).collect()
    };
    assert_eq!(fields(read(&referral_event(&example::referral(), &flags))), ["risk.grade"]);
    let agreed = Recorded::Is(ContactAgreed::Yes);
    assert_eq!(fields(victim_event(agreed, &flags)), ["victim.views"]);
}

#[test]
fn a_victim_who_did_not_agree_is_not_named() {
    for (agreed, text) in [
        (Recorded::Is(ContactAgreed::No), "no"),
        (Recorded::Is(ContactAgreed::NotAsked), "not_asked"),
        (Recorded::NotRecorded, "not_recorded"),
    ] {
        let flags = [Finding::new(FindingCode::NOT_RECORDED, "victim.views")];
        let expected = json!({
            "referral_id": "00000000-0000-0000-0000-000000000007",
            "revision": 3,
            "contact_agreed": text,
        });
        assert_eq!(victim_event(agreed, &flags)["data"], expected);
    }
    let agreed = victim_event(Recorded::Is(ContactAgreed::Yes), &[]);
    assert_eq!(agreed["data"]["victim"]["family_name"], "Tregarrow");
}

#[test]
fn a_recall_demands_and_names_nobody() {
    let agreed = Recorded::Is(ContactAgreed::No);
    let event = Event::victim_recalled(Uuid::from_u128(9), &stamp(), agreed);
    let expected = json!({
        "referral_id": "00000000-0000-0000-0000-000000000007",
        "revision": 3,
        "contact_agreed": "no",
        "demand": ["stop", "destroy", "confirm"],
    });
    assert_eq!(read(&event)["data"], expected);
    assert_eq!(event.routing_key(), "harbour.44.victim.recalled");
}

#[test]
fn a_withdrawal_tells_both_sides() {
    let event = Event::withdrawn(Uuid::from_u128(9), Compartment::Offender, &stamp());
    assert_eq!(read(&event)["data"]["revision"], 3);
    assert_eq!(event.header().kind, MessageKind::ReferralWithdrawn);
    let event = Event::withdrawn(Uuid::from_u128(9), Compartment::Victim, &stamp());
    let expected = json!({ "referral_id": "00000000-0000-0000-0000-000000000007", "revision": 3 });
    assert_eq!(read(&event)["data"], expected);
}

#[test]
fn a_reopened_event_is_the_one_that_was_stored() {
    let event = referral_event(&example::referral(), &[]);
    assert_eq!(Event::reopen(event.header().clone(), event.body().clone()), event);
}

#[test]
fn nothing_of_an_event_is_shown() {
    let event = referral_event(&example::referral(), &[]);
    assert!(!format!("{event:?}").contains("Haverley"));
}
