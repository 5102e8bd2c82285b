use serde_json::{Value, json};

use super::*;

const ID: &str = "0199a000-0000-7000-8000-000000000001";
const REFERRAL: &str = "0199a000-0000-7000-8000-00000000000a";

/// The members of each kind beside the head.
fn members(kind: &str) -> Value {
    match kind {
        "declined" => json!({ "reason": "no_capacity" }),
        "information_requested" => json!({ "fields": ["offender.phones", "offences[2].title"] }),
        "uncontactable" => json!({ "attempts": 3 }),
        "workshop_booked" | "workshop_rescheduled" => json!({ "part": 1, "on": "2026-04-11" }),
        "workshop_attended" => json!({ "part": 2, "on": "2026-05-09", "arrived_late": false }),
        "workshop_missed" => json!({
            "part": 2, "on": "2026-05-09", "reason": "late_refused", "explanation_offered": "yes",
            "repeat_from": 1,
        }),
        "non_compliance_reported" => json!({ "facts": ["workshops_missed", "did_not_engage"] }),
        "correction" => json!({ "supersedes": ID }),
        "victim_contact_status" => json!({ "status": "number_wrong" }),
        "victim_risk_changed" => json!({ "grade": "high" }),
        _ => json!({}),
    }
}

fn message(side: Compartment, kind: &str) -> Value {
    let mut data = json!({
        "outcome_id": ID, "referral_id": REFERRAL, "number": 1, "revision_seen": 1, "kind": kind,
        "happened_on": "2026-04-01", "recorded_at": "2026-04-01T09:30:00Z",
    });
    for (name, value) in members(kind).as_object().unwrap() {
        data[name] = value.clone();
    }
    json!({
        "specversion": "1.0", "id": ID, "source": "/providers/harbour", "type": type_name(side),
        "data": data,
    })
}

fn faults(side: Compartment, message: &Value) -> Vec<(&'static str, String)> {
    let read = read(side, message.to_string().as_bytes());
    let faults = read.map_or_else(|unread| unread.faults, |_| Vec::new());
    faults.into_iter().map(|fault| (fault.code.id, fault.member)).collect()
}

#[test]
fn every_kind_is_read_and_reads_again_what_it_wrote() {
    let offender = OffenderReport::KINDS.map(|kind| (Compartment::Offender, kind));
    let victim = VictimReport::KINDS.map(|kind| (Compartment::Victim, kind));
    for (side, kind) in offender.into_iter().chain(victim) {
        let told = read(side, message(side, kind).to_string().as_bytes()).unwrap();
        assert_eq!(told.kind(), kind);
        let json = told.to_json();
        assert_eq!(OutcomeMessage::from_json(side, &json).unwrap(), told);
        let written: Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(written, message(side, kind)["data"], "{kind}");
    }
}

#[test]
fn every_member_that_is_missing_or_wrong_is_named_at_once() {
    for kind in OffenderReport::KINDS {
        let whole = message(Compartment::Offender, kind);
        for name in whole["data"].as_object().unwrap().keys() {
            let mut cut = whole.clone();
            cut["data"].as_object_mut().unwrap().remove(name);
            let expected = vec![("O105", format!("data.{name}"))];
            assert_eq!(faults(Compartment::Offender, &cut), expected, "{kind}");
            let mut wrong = whole.clone();
            wrong["data"][name] = json!("MCALLISTER");
            let code = if name == "kind" { "O104" } else { "O106" };
            let expected = vec![(code, format!("data.{name}"))];
            assert_eq!(faults(Compartment::Offender, &wrong), expected, "{kind}");
        }
    }
    let mut two = message(Compartment::Offender, "workshop_missed");
    two["data"]["part"] = json!(3);
    two["data"]["happened_on"] = json!("2026-04-01T00:00:00Z");
    let members: Vec<_> =
        faults(Compartment::Offender, &two).into_iter().map(|(_, member)| member).collect();
    assert_eq!(members, ["data.happened_on", "data.part"]);
}

#[test]
fn what_is_no_outcome_of_this_side_is_told_apart() {
    let good = message(Compartment::Offender, "received");
    let code = |body: &[u8]| read(Compartment::Offender, body).unwrap_err().faults[0].code.id;
    assert_eq!(code(b"{"), "O101");
    assert_eq!(code(b"[]"), "O101");
    assert_eq!(code(b"\xff\xfe"), "O101");
    assert_eq!(code(&vec![b' '; BYTES_MAX + 1]), "O102");
    let nested = "[".repeat(10_000);
    assert_eq!(code(nested.as_bytes()), "O101");
    assert_eq!(faults(Compartment::Victim, &good), [("O103", "type".to_owned())]);
    let stray = message(Compartment::Offender, "safeguarding_concern");
    assert_eq!(faults(Compartment::Offender, &stray), [("O104", "data.kind".to_owned())]);
    let mut other = good.clone();
    other["id"] = json!(REFERRAL);
    assert_eq!(faults(Compartment::Offender, &other), [("O106", "id".to_owned())]);
    let mut bare = good.clone();
    bare.as_object_mut().unwrap().remove("data");
    assert_eq!(faults(Compartment::Offender, &bare), [("O105", "data".to_owned())]);
}

#[test]
fn members_that_nobody_listed_are_not_kept() {
    let mut more = message(Compartment::Offender, "received");
    more["data"]["case_notes"] = json!("MCALLISTER was late");
    let told = read(Compartment::Offender, more.to_string().as_bytes()).unwrap();
    assert!(!String::from_utf8(told.to_json()).unwrap().contains("MCALLISTER"));
}

#[test]
fn every_code_has_a_whole_page_of_its_own() {
    let ids: std::collections::BTreeSet<_> = rejection::ALL.iter().map(|code| code.id).collect();
    assert_eq!(ids.len(), rejection::ALL.len());
    for code in rejection::ALL {
        for part in [code.means, code.cause, code.fix, code.avoid] {
            assert!(part.len() > 10, "{}", code.id);
        }
    }
}
