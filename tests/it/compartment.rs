//! Where a value may be: every text of a generated record is a marker that occurs nowhere else, and
//! each is found through its own field and nowhere but there. Not in the other side's messages, not
//! in a log line, a metric or an answer.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::Value;

use crate::broker::shared;
use crate::patience::eventually;
use crate::queue::{Seen, drain};
use crate::record::{Record, XML, record};
use crate::world::{World, unique};

/// Where a field goes.
#[derive(Clone, Copy, PartialEq)]
enum Goes {
    Offender,
    Victim,
    Nobody,
}

/// A text of the example, where it goes, and the field of the message that carries it.
const PLACES: [(&str, Goes, &str); 18] = [
    ("O'CONNELL-BRIGHT", Goes::Offender, "/data/offender/family_name"),
    (">Gideon<", Goes::Offender, "/data/offender/given_names/0"),
    ("17 Larkspur Row", Goes::Offender, "/data/offender/address/lines/0"),
    ("Wears a hearing aid", Goes::Offender, "/data/offender/access_needs"),
    ("Dog kept at the address", Goes::Offender, "/data/offender/safety_warnings/0"),
    ("PC Tamsin ROOK", Goes::Offender, "/data/officer/name"),
    ("Eastern Harm Reduction Hub", Goes::Offender, "/data/officer/unit"),
    (
        "Struck a person once on the arm with an open hand",
        Goes::Offender,
        "/data/offences/0/wording",
    ),
    ("Not to contact the injured party", Goes::Offender, "/data/caution/conditions/1/text"),
    ("MG14-391882-1", Goes::Offender, "/data/caution/signed_document_ref"),
    ("ASHDOWN-VANE", Goes::Victim, "/data/victim/family_name"),
    (">Petra<", Goes::Victim, "/data/victim/given_names/0"),
    ("P881207", Goes::Victim, "/data/victim/ref"),
    ("Weekdays 10:00-14:00", Goes::Victim, "/data/victim/safe_contact/times/0"),
    ("Her only", Goes::Victim, "/data/victim/safe_contact/who_may_answer"),
    ("marigold", Goes::Victim, "/data/victim/safe_contact/code_word"),
    ("Kitchen of a flat, Fernhollow", Goes::Victim, "/data/offences/0/location"),
    ("HB/5521/25", Goes::Nobody, ""),
];

/// A record in which every place holds its own marker.
struct Marked {
    record: Record,
    markers: Vec<String>,
}

/// Made-up words: letters only, so that any field of text takes them, and too long to be met by
/// chance.
fn marked(number: u64, words: &[String], agreed: bool) -> Marked {
    let mut marked = record(number);
    let mut markers = Vec::new();
    for ((place, _, _), word) in PLACES.iter().zip(words) {
        let marker = format!("Zq{word}");
        let text = if place.starts_with('>') { format!(">{marker}<") } else { marker.clone() };
        marked = marked.with(place, &text);
        markers.push(marker);
    }
    if !agreed {
        marked = marked.with("<ContactAgreed>Y", "<ContactAgreed>N");
    }
    Marked { record: marked, markers }
}

/// Every place of a JSON value whose text holds the marker.
fn places(value: &Value, marker: &str, at: String, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.contains(marker) => found.push(at),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                places(item, marker, format!("{at}/{index}"), found);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                assert!(!name.contains(marker), "a marker as a name");
                places(member, marker, format!("{at}/{name}"), found);
            }
        }
        _ => {}
    }
}

fn found_in(messages: &[&Seen], marker: &str) -> Vec<String> {
    let mut found = Vec::new();
    for message in messages {
        places(&message.body, marker, String::new(), &mut found);
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_marker_is_found_through_its_own_field_and_nowhere_else() {
    let provider = unique("marker");
    let gateway = World::publishing(shared(), provider).start().await;
    let queue = drain(shared(), &gateway.provider).await;
    let force = gateway.force("hampshire");
    let mut runner = TestRunner::default();
    let words = proptest::collection::vec("[b-df-hj-np-tv-xz]{12}", PLACES.len());
    let mut all = Vec::new();
    let mut answers = String::new();
    for number in 1..=24 {
        let words = words.new_tree(&mut runner).unwrap().current();
        let agreed = any::<bool>().new_tree(&mut runner).unwrap().current();
        let marked = marked(number, &words, agreed);
        let answer = force.post(XML, marked.record.text()).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        assert_eq!(answer.record(0)["status"], "accepted", "{}", answer.text);
        answers.push_str(&answer.text);
        // Faulty and held versions of the same record say no more.
        for bad in [marked.record.clone().faulty(), marked.record.clone().unlisted()] {
            answers.push_str(&force.post(XML, bad.text()).await.text);
        }
        all.push((marked, agreed, answer.record(0)["referral_id"].as_str().unwrap().to_owned()));
    }
    eventually("both messages of every record", async || {
        (queue.of(true).len() >= all.len() && queue.of(false).len() >= all.len()).then_some(())
    })
    .await;
    let seen = queue.seen();
    let outside = [gateway.log(), gateway.metrics().await, answers];
    for (marked, agreed, referral_id) in &all {
        let offender: Vec<_> = seen.iter().filter(|it| !it.victim).collect();
        let victim: Vec<_> = seen.iter().filter(|it| it.victim).collect();
        assert!(offender.iter().any(|it| it.referral_id == *referral_id));
        for ((_, goes, pointer), marker) in PLACES.iter().zip(&marked.markers) {
            let expected = |side: Goes| -> Vec<String> {
                let there = side == *goes && (side == Goes::Offender || *agreed);
                if there { vec![(*pointer).to_owned()] } else { Vec::new() }
            };
            assert_eq!(found_in(&offender, marker), expected(Goes::Offender), "{pointer}");
            assert_eq!(found_in(&victim, marker), expected(Goes::Victim), "{pointer}");
            for place in &outside {
                assert!(!place.contains(marker.as_str()), "the marker of {pointer} got outside");
            }
        }
    }
}

#[test]
fn a_marker_in_another_place_is_noticed() {
    let body = serde_json::json!({ "data": { "a": ["x", "has Zqmark in it"], "b": "Zqmark" } });
    let mut found = Vec::new();
    places(&body, "Zqmark", String::new(), &mut found);
    assert_eq!(found, ["/data/a/1", "/data/b"]);
}
