//! The published schemas and samples are those that the code makes.

use cara_domain::Compartment;
use std::path::{Path, PathBuf};

use cara_amqp::topology;
use cara_domain::choice::{ContactAgreed, Decided};
use cara_domain::decision::Decision;
use cara_domain::outcome::{OffenderReport, VictimReport};
use cara_domain::{Finding, FindingCode, Recorded, example};
use cara_wire::rejection::MessageFault;
use cara_wire::rejection::{self, Rejection};
use cara_wire::v1::Prompt;
use cara_wire::{
    Event, MessageKind, OffenderContent, RevisionChange, Stamp, VictimContent, asyncapi, outcome,
    reconciliation, schema,
};
use jiff::Timestamp;
use jiff::civil::date;
use serde_json::{Value, json};
use uuid::Uuid;

/// Set to write the files anew.
const UPDATE: &str = "UPDATE_SCHEMAS";

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schemas")
}

/// Compares a committed file with what the code makes.
fn check(file: &Path, made: &Value) {
    let text = serde_json::to_string_pretty(made).unwrap() + "\n";
    if std::env::var_os(UPDATE).is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, &text).unwrap();
    }
    let committed = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        committed == text,
        "{} is not what the code makes; if the change is meant, run {UPDATE}=1 make test",
        file.display()
    );
}

fn stamp(revision: u32) -> Stamp {
    Stamp {
        referral_id: Uuid::from_u128(0x0199_0600_0000_7000_8000_0000_0000_0001),
        revision,
        force: "44".to_owned(),
        provider: "harbour".to_owned(),
        received_at: Timestamp::constant(1_756_728_000, 0),
        agreement_ref: "ISA-44-1".to_owned(),
        test_data: true,
    }
}

fn message_id(number: u128) -> Uuid {
    Uuid::from_u128(0x0199_0600_0000_7000_8000_0000_0000_1000 + number)
}

fn decision(decided: Decided) -> Decision {
    Decision {
        decision_id: message_id(900),
        decided_on: date(2026, 5, 12),
        decided,
        new_deadline: (decided == Decided::Varied).then(|| date(2026, 8, 1)),
        supersedes: None,
    }
}

/// One event of each kind; a victim's two faces both.
pub fn samples() -> Vec<(String, Event)> {
    let mut referral = example::referral();
    let offender = OffenderContent::of(&referral.offender_side);
    let victim = VictimContent::of(&referral.victim_side);
    let not_asked = Recorded::Is(ContactAgreed::NotAsked);
    referral.victim_side.victim.contact_agreed = not_asked;
    let unasked = VictimContent::of(&referral.victim_side);
    let flags = [
        Finding::new(FindingCode::NOT_RECORDED, "risk.grade"),
        Finding::new(FindingCode::UNREADABLE, "victim.safe_contact.email"),
    ];
    let (first, second, third) = (stamp(1), stamp(2), stamp(3));
    let no = Recorded::Is(ContactAgreed::No);
    let events = [
        Event::referral(message_id(1), RevisionChange::New, &first, &offender, &flags),
        Event::referral(message_id(2), RevisionChange::Amended, &second, &offender, &[]),
        Event::withdrawn(message_id(3), Compartment::Offender, &third),
        Event::victim(message_id(4), RevisionChange::New, &first, &victim, &flags),
        Event::victim(message_id(5), RevisionChange::Amended, &second, &victim, &[]),
        Event::withdrawn(message_id(6), Compartment::Victim, &third),
        Event::victim_recalled(message_id(7), &second, no),
        Event::decision(message_id(9), &second, &decision(Decided::Varied)),
        Event::decision(message_id(10), &second, &decision(Decided::Recalled)),
        Event::prompt(
            message_id(11),
            &second,
            Prompt::WorkshopMissed,
            date(2026, 5, 9),
            date(2026, 5, 11),
        ),
    ];
    let mut samples: Vec<_> =
        events.into_iter().map(|event| (event.header().kind.name().to_owned(), event)).collect();
    let event = Event::victim(message_id(8), RevisionChange::New, &first, &unasked, &flags);
    samples.push(("victim.new.not_agreed".to_owned(), event));
    let (on, due_by) = (date(2026, 5, 12), date(2026, 5, 13));
    let event = Event::prompt(message_id(12), &second, Prompt::Recalled, on, due_by);
    samples.push(("victim.prompt.recalled".to_owned(), event));
    samples
}

fn body(event: &Event) -> Value {
    serde_json::from_slice(event.body()).unwrap()
}

#[test]
fn the_committed_schemas_are_those_of_the_code() {
    for kind in MessageKind::ALL {
        check(&folder().join(format!("{}.v1.json", kind.name())), &schema::of(kind));
    }
}

/// One message of each kind of outcome, as a provider writes it.
pub fn outcomes() -> Vec<(Compartment, String, Value)> {
    let head = stamp(1);
    let members = |kind: &str| match kind {
        "declined" => json!({ "reason": "no_capacity" }),
        "information_requested" => json!({ "fields": ["offender.phones"] }),
        "uncontactable" => json!({ "attempts": 3 }),
        "workshop_booked" | "workshop_rescheduled" => json!({ "part": 1, "on": "2026-04-11" }),
        "workshop_attended" => json!({ "part": 1, "on": "2026-04-11", "arrived_late": false }),
        "workshop_missed" => json!({
            "part": 2, "on": "2026-05-09", "reason": "no_show", "explanation_offered": "no",
            "repeat_from": 1,
        }),
        "non_compliance_reported" => json!({ "facts": ["workshops_missed"] }),
        "correction" => json!({ "supersedes": message_id(1) }),
        "victim_contact_status" => json!({ "status": "reached" }),
        "victim_risk_changed" => json!({ "grade": "medium" }),
        _ => json!({}),
    };
    let offender = OffenderReport::KINDS.map(|kind| (Compartment::Offender, kind));
    let victim = VictimReport::KINDS.map(|kind| (Compartment::Victim, kind));
    let kinds = offender.into_iter().chain(victim).enumerate();
    kinds
        .map(|(index, (side, kind))| {
            let outcome_id = message_id(100 + index as u128);
            let mut data = json!({
                "outcome_id": outcome_id, "referral_id": head.referral_id,
                "number": index + 1, "revision_seen": 1, "happened_on": "2026-05-09",
                "recorded_at": "2026-05-09T16:10:00Z", "kind": kind,
            });
            for (name, value) in members(kind).as_object().unwrap() {
                data[name] = value.clone();
            }
            let message = json!({
                "specversion": "1.0", "id": outcome_id, "source": "/providers/harbour",
                "type": outcome::type_name(side), "subject": head.referral_id,
                "time": "2026-05-09T16:10:00Z", "datacontenttype": "application/json",
                "data": data,
            });
            (side, format!("outcome.{kind}"), message)
        })
        .collect()
}

#[test]
fn the_committed_schemas_and_samples_of_outcomes_are_those_of_the_code() {
    for (side, name) in
        [(Compartment::Offender, "outcome"), (Compartment::Victim, "victim_outcome")]
    {
        check(&folder().join(format!("{name}.v1.json")), &schema::of_outcome(side));
    }
    for (side, name, message) in outcomes() {
        check(&folder().join(format!("samples/{name}.json")), &message);
        let told = outcome::read(side, message.to_string().as_bytes());
        assert!(told.is_ok(), "{name} is not read: {told:?}");
        let schema = schema::of_outcome(side);
        let faults = faults(&schema, &schema, &message["data"], "data");
        assert!(faults.is_empty(), "{name}: {faults:#?}");
    }
}

/// A provider's day, and an answer to an outcome.
fn other_samples() -> [(&'static str, Value, Value); 2] {
    let day = json!({
        "specversion": "1.0", "id": message_id(300), "source": "/providers/harbour",
        "type": reconciliation::TYPE_NAME, "time": "2026-05-10T06:00:00Z",
        "datacontenttype": "application/json",
        "data": {
            "day": "2026-05-09",
            "messages": [message_id(1), message_id(9)],
            "outcomes": [message_id(108)],
        },
    });
    let fault = MessageFault { code: &rejection::CONTRADICTION, member: "data.kind".to_owned() };
    let rejection = Rejection {
        side: Compartment::Offender,
        provider: "harbour".to_owned(),
        id: message_id(301),
        at: Timestamp::constant(1_756_728_000, 0),
        message_id: Some(message_id(109)),
        outcome_id: Some(message_id(109)),
        referral_id: Some(stamp(1).referral_id),
        faults: vec![fault],
    };
    let rejected = serde_json::from_slice(&rejection.body()).unwrap();
    [
        ("reconciliation", day, schema::of_reconciliation()),
        ("outcome.rejected", rejected, schema::of_rejection()),
    ]
}

#[test]
fn a_providers_day_and_a_rejection_are_as_published() {
    check(&folder().join("reconciliation.v1.json"), &schema::of_reconciliation());
    check(&folder().join("rejection.v1.json"), &schema::of_rejection());
    for (name, message, schema) in other_samples() {
        check(&folder().join(format!("samples/{name}.json")), &message);
        let faults = faults(&schema, &schema, &message["data"], "data");
        assert!(faults.is_empty(), "{name}: {faults:#?}");
    }
    let [(_, day, _), _] = other_samples();
    assert!(matches!(reconciliation::read(day.to_string().as_bytes()), Some(Ok(_))));
}

#[test]
fn the_committed_asyncapi_document_is_the_one_of_the_code() {
    let sample = |name: &str| {
        let text = std::fs::read_to_string(folder().join("samples").join(name)).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let document = asyncapi::document(sample);
    check(&folder().join("../asyncapi.json"), &document);
    let server = &document["servers"]["broker"];
    let at = server["pathname"].as_str().unwrap().replace("{provider}", "harbour");
    assert_eq!(at, format!("/{}", topology::vhost("harbour")));
    // What a provider reads and writes is what the topology declares.
    let names = topology::QueueNames::of("harbour");
    let declared = [
        ("intake", &names.intake),
        ("victims", &names.victims),
        ("outcomes", &names.outcomes),
        ("victim_outcomes", &names.victim_outcomes),
        ("rejected", &names.rejected),
        ("victim_rejected", &names.victim_rejected),
    ];
    for (channel, name) in declared {
        let address = document["channels"][channel]["address"].as_str().unwrap();
        assert_eq!(address.replace("{provider}", "harbour"), *name);
    }
    assert_eq!(document["channels"].as_object().unwrap().len(), declared.len());
    // Every reference leads somewhere, and every kind of message is on some channel.
    let mut references = Vec::new();
    collect(&document, &mut references);
    for reference in references.iter().filter(|it| !it.starts_with("#/$defs/")) {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    let messages = document["components"]["messages"].as_object().unwrap();
    for kind in MessageKind::ALL {
        assert_eq!(messages[kind.name()]["name"], kind.type_name());
    }
    assert_eq!(messages.len(), MessageKind::ALL.len() + 5);
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if name == "$ref" => references.push(text.clone()),
                    value => collect(value, references),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
        _ => {}
    }
}

#[test]
fn the_committed_samples_are_those_of_the_code() {
    for (name, event) in samples() {
        check(&folder().join(format!("samples/{name}.json")), &body(&event));
    }
}

#[test]
fn every_sample_has_its_schemas_shape() {
    for kind in MessageKind::ALL {
        let of_kind = samples().into_iter().filter(|(_, event)| event.header().kind == kind);
        let mut count = 0;
        for (name, event) in of_kind {
            let schema = schema::of(kind);
            let faults = faults(&schema, &schema, &body(&event)["data"], "data");
            assert!(faults.is_empty(), "{name}: {faults:#?}");
            count += 1;
        }
        assert!(count > 0, "there is no sample of {}", kind.name());
    }
}

#[test]
fn a_sample_with_a_member_too_much_or_too_few_has_not_its_schemas_shape() {
    let schema = schema::of(MessageKind::ReferralNew);
    let (_, event) = samples().remove(0);
    let mut data = body(&event)["data"].clone();
    data["victim"] = Value::from("nobody");
    assert_eq!(faults(&schema, &schema, &data, "data"), ["data.victim is not in the schema"]);
    let mut data = body(&event)["data"].clone();
    data["caution"].as_object_mut().unwrap().remove("deadline");
    assert_eq!(faults(&schema, &schema, &data, "data"), ["data.caution.deadline is missing"]);
    let mut data = body(&event)["data"].clone();
    data["risk"]["grade"] = Value::from("middling");
    assert_eq!(faults(&schema, &schema, &data, "data"), ["data.risk.grade fits no alternative"]);
}

/// Where the value has not the schema's shape: the part of JSON Schema that these schemas use, and
/// a panic for any other.
pub fn faults(root: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let Some(schema) = schema.as_object() else {
        assert_eq!(schema, &Value::Bool(true), "a schema that allows nothing");
        return Vec::new();
    };
    let mut found = Vec::new();
    for (keyword, says) in schema {
        match keyword.as_str() {
            "$schema" | "$id" | "title" | "description" | "$defs" | "format" | "minimum"
            | "maximum" | "minLength" | "maxLength" | "minItems" | "maxItems" | "pattern"
            | "default" | "examples" => {}
            "$ref" => {
                let name = says.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                found.extend(faults(root, &root["$defs"][name], value, at));
            }
            "type" => {
                let names = says.as_array().map_or_else(|| vec![says], |all| all.iter().collect());
                if !names.iter().any(|name| is_a(value, name.as_str().unwrap())) {
                    found.push(format!("{at} is no {says}"));
                }
            }
            "const" if says != value => found.push(format!("{at} is not {says}")),
            "enum" if !says.as_array().unwrap().contains(value) => {
                found.push(format!("{at} is none of {says}"));
            }
            "const" | "enum" => {}
            "anyOf" | "oneOf" => {
                let fitting = says.as_array().unwrap().iter();
                let count = fitting.filter(|one| faults(root, one, value, at).is_empty()).count();
                if count == 0 || (keyword == "oneOf" && count > 1) {
                    found.push(format!("{at} fits no alternative"));
                }
            }
            "properties" => {
                for (name, one) in says.as_object().unwrap() {
                    if let Some(inner) = value.get(name) {
                        found.extend(faults(root, one, inner, &format!("{at}.{name}")));
                    }
                }
            }
            "required" => {
                let names = says.as_array().unwrap().iter().map(|name| name.as_str().unwrap());
                let missing = names.filter(|name| value.get(name).is_none());
                found.extend(missing.map(|name| format!("{at}.{name} is missing")));
            }
            "additionalProperties" => {
                assert_eq!(says, &Value::Bool(false));
                let known = schema.get("properties").and_then(Value::as_object);
                for name in value.as_object().into_iter().flatten().map(|(name, _)| name) {
                    if !known.is_some_and(|known| known.contains_key(name)) {
                        found.push(format!("{at}.{name} is not in the schema"));
                    }
                }
            }
            "items" => {
                for (index, one) in value.as_array().into_iter().flatten().enumerate() {
                    found.extend(faults(root, says, one, &format!("{at}[{}]", index + 1)));
                }
            }
            other => panic!("this check does not know the keyword {other}"),
        }
    }
    found
}

fn is_a(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("this check does not know the type {other}"),
    }
}
