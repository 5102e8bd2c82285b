//! `expect` of a test: the outcome, codes, and fields with the texts that they must have.

use serde_json::{Map, Value, json};

use super::field::{tree, words};
use super::{one_of, put};
use crate::record_test::RecordResult;
use cara_domain::FindingCode;
use cara_domain::field::{Fills, Group, all};

pub(super) fn of(fills: Fills) -> Value {
    let mut expect = tree(texts(fills.root()), "What must become of the record");
    let outcome = one_of(&RecordResult::NAMES, "What becomes of the record");
    let stops = codes("These stop the record, in any order, and no others");
    let flags = codes("These flags are among the record's");
    if let Some(properties) = expect["properties"].as_object_mut() {
        put(properties, "outcome", outcome);
        put(properties, "violations", stops);
        put(properties, "flags", flags);
    }
    let mut numbered = Map::new();
    for group in fills.groups().iter().filter(|group| !group.is_root()) {
        let name = group.name();
        let doc = format!("One of the {name}, counted from 1");
        let pattern = format!("^{}\\[[1-9][0-9]*\\]", name.replace('.', "\\."));
        put(&mut numbered, &format!("{pattern}$"), tree(texts(*group), &doc));
        for (field, schema) in texts(*group) {
            put(&mut numbered, &format!("{pattern}\\.{field}$"), schema);
        }
    }
    expect["patternProperties"] = Value::Object(numbered);
    expect
}

fn texts(group: Group) -> Vec<(&'static str, Value)> {
    let text = |doc: String| json!({ "description": doc, "type": ["string", "array"], "items": { "type": "string" } });
    all(group).map(|id| (id.spec().name, text(words(id.spec())))).collect()
}

fn codes(doc: &str) -> Value {
    let names: Vec<&str> = FindingCode::all().map(|code| code.name()).collect();
    let ids = FindingCode::all().map(|code| code.page().id);
    let all: Vec<&str> = names.iter().copied().chain(ids).collect();
    json!({ "description": doc, "type": ["string", "array"], "items": { "enum": all } })
}
