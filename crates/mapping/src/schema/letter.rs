//! The schema of `notice.toml`, which writes letters.

use serde_json::{Map, Value, json};

use super::field::tree;
use super::section::{DELIVER, LETTER_LINE, LETTER_TEST, LETTER_TOP, TARGET};
use super::{closed, list, one_of, point_to, properties, put, section, transform, whole};
use crate::letter::field::{FIELDS, Field, LetterFieldShape, LetterFieldSpec};
use crate::letter::plan::LetterDelivery;
use crate::transform::Fits;
use cara_domain::choice::Choice;
use cara_domain::notice::NoticeKind;

pub(super) fn schema() -> Value {
    let mut top = properties(LETTER_TOP);
    put(&mut top, "fills", one_of(&["letter/1"], "What the file fills"));
    put(&mut top, "target", section(TARGET, &[], "How a letter is shaped"));
    put(&mut top, "deliver", deliver());
    put(&mut top, "fields", fields());
    put(&mut top, "lookup", lookups());
    put(&mut top, "test", list(test()));
    let mut definitions = Map::new();
    put(&mut definitions, "transform", transform(|doc| doc.fits == Fits::Any));
    put(&mut definitions, "line", line());
    whole("notice.toml: how a notice becomes a force's letter", top, definitions)
}

fn deliver() -> Value {
    let mut keys = properties(DELIVER);
    let answers = |doc: &Value| {
        let answer = json!({ "type": "integer", "minimum": 200, "maximum": 299 });
        json!({ "description": doc, "type": "array", "items": answer })
    };
    for key in ["delivered", "taken_over"] {
        let doc = keys[key]["description"].clone();
        put(&mut keys, key, answers(&doc));
    }
    let range = LetterDelivery::TIMEOUT_S_RANGE;
    let timeout = json!({
        "description": "How long an answer may take, in seconds",
        "type": "integer", "minimum": range.start(), "maximum": range.end(),
    });
    put(&mut keys, "timeout_s", timeout);
    let headers = json!({
        "description": "Headers that go with a letter",
        "type": "object", "additionalProperties": { "type": "string" },
    });
    put(&mut keys, "headers", headers);
    keys["to"]["pattern"] = json!("^https://");
    closed("Where letters are pushed to, and what the answers mean", keys, &[])
}

/// Any place, with a line or several.
fn fields() -> Value {
    let mut place = line();
    place["type"] = json!(["object", "array"]);
    place["items"] = point_to("line");
    json!({
        "description": "The place in the letter on the left, the notice's field on the right, in \
                        the order in which they are written",
        "type": "object",
        "additionalProperties": place,
    })
}

fn line() -> Value {
    let mut keys = properties(LETTER_LINE);
    let names: Vec<&str> = FIELDS.iter().map(|spec| spec.name).collect();
    let docs: Vec<&str> = FIELDS.iter().map(|spec| spec.doc).collect();
    let mut from = one_of(&names, "The notice's field");
    from["x-taplo"] = json!({ "docs": { "enumValues": docs } });
    put(&mut keys, "from", from);
    let mut line = closed("What stands here", keys, &[]);
    line["minProperties"] = json!(1);
    line
}

/// A letter's lookup lists codes that a field of a notice can have, and no others.
fn lookups() -> Value {
    let mut rows = Map::new();
    for spec in FIELDS {
        let (LetterFieldShape::Code(codes) | LetterFieldShape::Codes(codes)) = spec.shape else {
            continue;
        };
        for code in codes {
            let row = json!({ "description": spec.doc, "type": "string" });
            rows.entry((*code).to_owned()).or_insert(row);
        }
    }
    json!({
        "description": "Lists of the force's words",
        "type": "object",
        "additionalProperties": closed("Our code on the left, the force's word on the right", rows, &[]),
    })
}

fn test() -> Value {
    let mut keys = properties(LETTER_TEST);
    let kinds = json!({
        "description": "The kinds of notice, which the program brings made up",
        "type": ["string", "array"],
        "items": { "enum": NoticeKind::CODES },
        "anyOf": [{ "enum": NoticeKind::CODES }, { "type": "array" }],
    });
    put(&mut keys, "notice", kinds);
    let said = |spec: &LetterFieldSpec| json!({ "description": spec.doc, "type": "string" });
    let given = FIELDS.iter().filter(|spec| spec.field != Field::Kind);
    let given = given.map(|spec| (spec.name, said(spec))).collect();
    put(&mut keys, "given", tree(given, "What the notice says instead; an empty text: nothing"));
    closed("A made-up notice and the letter that it must become", keys, &["name"])
}
