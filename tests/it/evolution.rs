//! The rule by which messages may change (docs/messages.md): an old consumer reads new messages, and
//! the gateway goes on reading what an old provider says.

use cara_domain::Compartment;
use std::path::{Path, PathBuf};

use cara_wire::outcome;
use serde_json::{Map, Value, json};

use crate::amqp_schemas::{faults, folder, outcomes, samples};

/// Who reads what a schema describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reader {
    /// Providers: the gateway writes it.
    Provider,
    /// The gateway: providers write it.
    Gateway,
}

fn frozen() -> PathBuf {
    folder().join("frozen/v1")
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn reader(name: &str) -> Reader {
    match name {
        "outcome.v1.json" | "victim_outcome.v1.json" | "reconciliation.v1.json" => Reader::Gateway,
        _ => Reader::Provider,
    }
}

/// Everything in which the new schema breaks those who rely on the old one.
fn breaks(reader: Reader, old: &Value, new: &Value, at: &str, found: &mut Vec<String>) {
    let texts = |value: &Value, name: &str| -> Vec<Value> {
        value[name].as_array().cloned().unwrap_or_default()
    };
    for name in ["type", "const", "format", "$ref"] {
        let same = old[name] == new[name] || (name == "format" && reader == Reader::Gateway);
        // What the gateway sends may be said more narrowly than before.
        let is_narrower = old[name].is_null() && reader == Reader::Provider;
        if !same && !is_narrower {
            found.push(format!("{at}: {name} changed"));
        }
    }
    let (codes_old, codes_new) = (texts(old, "enum"), texts(new, "enum"));
    let (known, used) = match reader {
        Reader::Provider => (&codes_old, &codes_new),
        Reader::Gateway => (&codes_new, &codes_old),
    };
    if !codes_old.is_empty() && !used.iter().all(|code| known.contains(code)) {
        found.push(format!("{at}: a code that the reader does not know"));
    }
    let (must_old, must_new) = (texts(old, "required"), texts(new, "required"));
    let (demanded, given) = match reader {
        Reader::Provider => (&must_old, &must_new),
        Reader::Gateway => (&must_new, &must_old),
    };
    for name in demanded.iter().filter(|name| !given.contains(name)) {
        found.push(format!("{at}: {name} is not always there"));
    }
    let none = Map::new();
    let members = |value: &Value| value["properties"].as_object().cloned();
    let (members_old, members_new) = (members(old), members(new));
    let members_new = members_new.as_ref().unwrap_or(&none);
    for (name, old) in members_old.as_ref().unwrap_or(&none) {
        match members_new.get(name) {
            Some(new) => breaks(reader, old, new, &format!("{at}.{name}"), found),
            None => found.push(format!("{at}.{name}: it is gone")),
        }
    }
    if old["items"].is_object() {
        breaks(reader, &old["items"], &new["items"], &format!("{at}[]"), found);
    }
    for name in ["oneOf", "anyOf"] {
        let (faces_old, faces_new) = (texts(old, name), texts(new, name));
        if faces_old.len() != faces_new.len() && reader == Reader::Provider {
            found.push(format!("{at}: another number of forms"));
        }
        for (old, new) in faces_old.iter().zip(&faces_new) {
            breaks(reader, old, new, at, found);
        }
    }
    for (name, old) in old["$defs"].as_object().unwrap_or(&none) {
        breaks(reader, old, &new["$defs"][name], &format!("{at}#{name}"), found);
    }
}

#[test]
fn nothing_that_was_published_is_broken() {
    let mut compared = 0;
    for entry in std::fs::read_dir(frozen()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let (old, new) = (read(&path), read(&folder().join(&name)));
        let mut found = Vec::new();
        breaks(reader(&name), &old, &new, &name, &mut found);
        assert!(found.is_empty(), "{found:#?}\na change like this is a v2: docs/messages.md");
        compared += 1;
    }
    assert_eq!(compared, 14, "every published schema is frozen");
}

#[test]
fn each_kind_of_break_is_found() {
    let old = json!({
        "type": "object", "required": ["part", "kind"],
        "properties": {
            "part": { "type": "integer" },
            "kind": { "enum": ["a", "b"] },
            "list": { "type": "array", "items": { "type": "string" } },
        },
    });
    let found = |reader: Reader, change: &dyn Fn(&mut Value)| {
        let mut new = old.clone();
        change(&mut new);
        let mut found = Vec::new();
        breaks(reader, &old, &new, "x", &mut found);
        found.len()
    };
    let (provider, gateway) = (Reader::Provider, Reader::Gateway);
    for reader in [provider, gateway] {
        assert_eq!(found(reader, &|_| {}), 0);
        assert_eq!(
            found(reader, &|new| new["properties"]["more"] = json!({ "type": "string" })),
            0
        );
        assert_eq!(found(reader, &|new| new["properties"]["part"]["type"] = json!("string")), 1);
        assert_eq!(
            found(reader, &|new| new["properties"]["list"]["items"]["type"] = json!("integer")),
            1
        );
        let gone =
            |new: &mut Value| drop(new["properties"].as_object_mut().unwrap().remove("list"));
        assert_eq!(found(reader, &gone), 1);
    }
    let more = |new: &mut Value| new["properties"]["kind"]["enum"] = json!(["a", "b", "c"]);
    let fewer = |new: &mut Value| new["properties"]["kind"]["enum"] = json!(["a"]);
    assert_eq!((found(provider, &more), found(gateway, &more)), (1, 0));
    assert_eq!((found(provider, &fewer), found(gateway, &fewer)), (0, 1));
    let looser = |new: &mut Value| new["required"] = json!(["kind"]);
    let stricter = |new: &mut Value| new["required"] = json!(["part", "kind", "list"]);
    assert_eq!((found(provider, &looser), found(gateway, &looser)), (1, 0));
    assert_eq!((found(provider, &stricter), found(gateway, &stricter)), (0, 1));
}

/// A consumer must ignore members that it does not know: what an old one sees of a new message.
fn lenient(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.remove("additionalProperties");
            members.values_mut().for_each(lenient);
        }
        Value::Array(items) => items.iter_mut().for_each(lenient),
        _ => {}
    }
}

/// The message as a later version might say it: something more in every object.
fn of_tomorrow(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(of_tomorrow);
            members.insert("said_by_a_later_version".to_owned(), json!({ "more": [1, "two"] }));
        }
        Value::Array(items) => items.iter_mut().for_each(of_tomorrow),
        _ => {}
    }
}

#[test]
fn an_old_consumer_reads_a_new_message() {
    for (name, event) in samples() {
        let file = format!("{}.v1.json", event.header().kind.name());
        let mut schema = read(&frozen().join(file));
        lenient(&mut schema);
        let mut message: Value = serde_json::from_slice(event.body()).unwrap();
        of_tomorrow(&mut message["data"]);
        let found = faults(&schema, &schema, &message["data"], "data");
        assert!(found.is_empty(), "{name}: {found:#?}");
    }
}

#[test]
fn the_gateway_reads_a_new_providers_outcome_and_keeps_what_it_knows() {
    for (side, name, message) in outcomes() {
        let mut later = message.clone();
        of_tomorrow(&mut later);
        let read = |message: &Value| outcome::read(side, message.to_string().as_bytes());
        let (now, later) = (read(&message).unwrap(), read(&later).unwrap());
        assert_eq!(now, later, "{name}");
        let kept = String::from_utf8(later.to_json()).unwrap();
        assert!(!kept.contains("later_version"), "{name}: what is not known is never kept");
    }
    let of_victim = outcomes().into_iter().filter(|(side, ..)| *side == Compartment::Victim);
    assert_eq!(of_victim.count(), 3);
}
