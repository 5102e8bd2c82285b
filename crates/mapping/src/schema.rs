//! JSON Schemas (draft 7) of the mapping files, made from the tables that the compiler reads by, so
//! that an editor completes and checks what is written. The committed copies under `docs/mapping`
//! are compared with these by a test.
//!
//! Editors take completions from every branch of `anyOf` and never look behind `if`. So a list of
//! what may be written often stands in an `anyOf` with `{}`, which completes and refuses nothing,
//! and a stricter word beside it refuses with a message that names the wrong one.

mod expect;
mod field;
mod letter;
mod section;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

use super::file::LETTERS;
use super::transform::list::ALL;
use super::transform::{Doc, TransformArgument as Argument};
use cara_domain::field::Fills;
use cara_domain::identifier::ForceCode;
use section::{EACH, Key, KeyContent, LINE, LINE_KIND, ONE, RULE, SOURCE, TEST, TOP, UNWRAP};

/// The files that have a schema, by their names.
pub const NAMES: [&str; 3] = ["referral", "decision", LETTERS];

/// The schema of the mapping file with this name, one of [`NAMES`].
pub fn of(name: &str) -> Option<Value> {
    match name {
        "referral" => Some(reading(Fills::Referral)),
        "decision" => Some(reading(Fills::Decision)),
        LETTERS => Some(letter::schema()),
        _ => None,
    }
}

/// The schema of a file that reads records.
fn reading(fills: Fills) -> Value {
    let word = fills.word();
    let mut top = properties(TOP);
    put(&mut top, "fills", one_of(&[fills.name()], "What the file fills"));
    put(&mut top, "source", source());
    put(&mut top, "line", list(section(LINE_KIND, &["name"], "One kind of line")));
    put(&mut top, "unwrap", list(section(UNWRAP, &["at", "as"], "One layer to open")));
    put(&mut top, "fields", field::tree(field::lines(fills.root(), ""), &root_doc(fills)));
    put(
        &mut top,
        "one",
        list(block(ONE, fills.parts(), "Stands in exactly one place of the record")),
    );
    match groups(fills).as_slice() {
        [] => {
            top.remove("each");
        }
        groups => {
            put(&mut top, "each", list(block(EACH, groups, "Makes one block for every match")))
        }
    }
    put(&mut top, "lookup", lookups());
    put(&mut top, "rule", list(section(RULE, &["name"], "The force's own condition")));
    put(&mut top, "test", list(test(fills)));
    let title = format!("{word}.toml: how a force's record becomes a {word}");
    whole(&title, top, definitions(fills))
}

fn root_doc(fills: Fills) -> String {
    format!(
        "Fields of the {} on the left, where they stand in the record on the right",
        fills.word()
    )
}

/// A whole document: closed, with what every mapping file says of itself.
fn whole(title: &str, properties: Map<String, Value>, definitions: Map<String, Value>) -> Value {
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": title,
        "description": "Made from the gateway's own tables: `cara-gateway mapping schema`.",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "required": ["format", "fills"],
        "definitions": definitions,
    })
}

fn source() -> Value {
    let mut keys = properties(SOURCE);
    let namespaces = json!({
        "description": "Prefix and namespace: a path's step with this prefix finds only what is in it",
        "type": "object",
        "additionalProperties": { "type": "string", "minLength": 1 },
    });
    put(&mut keys, "namespaces", namespaces);
    closed("How the force's bodies are shaped", keys, &[])
}

/// What a `[[each]]` may fill.
fn groups(fills: Fills) -> Vec<&'static str> {
    fills.groups().iter().filter(|group| !group.is_root()).map(|group| group.name()).collect()
}

/// What several places of the schema point to: the keys of a line, and the fields of each block.
fn definitions(fills: Fills) -> Map<String, Value> {
    let mut all = properties(LINE);
    put(&mut all, "transform", transform(|_| true));
    for part in fills.parts() {
        let lines = field::lines(fills.root(), &format!("{part}."));
        put(&mut all, &fields_of(part), field::tree(lines, &format!("Fields of the {part}")));
    }
    for group in fills.groups().iter().filter(|group| !group.is_root()) {
        let name = group.name();
        let doc = format!("Fields of one of the {name}");
        put(&mut all, &fields_of(name), field::tree(field::lines(*group, ""), &doc));
    }
    all
}

/// The definition of a block's fields.
fn fields_of(block: &str) -> String {
    format!("fields_of_{}", block.replace('.', "_"))
}

fn point_to(definition: &str) -> Value {
    json!({ "$ref": format!("#/definitions/{definition}") })
}

/// `[[one]]` or `[[each]]`: which fields it has is for what it fills.
fn block(keys: &[Key], names: &[&str], doc: &str) -> Value {
    let mut properties = properties(keys);
    put(&mut properties, "fills", one_of(names, "What the block fills"));
    let fields = |name: &&str| point_to(&fields_of(name));
    let completing: Vec<Value> = names.iter().map(fields).chain([json!({})]).collect();
    let what = "Field on the left, its place from the block's own on the right";
    put(&mut properties, "fields", json!({ "description": what, "anyOf": completing }));
    let refusing = names.iter().map(|name| {
        json!({
            "if": { "properties": { "fills": { "enum": [name] } }, "required": ["fills"] },
            "then": { "properties": { "fields": fields(name) } },
        })
    });
    let mut block = closed(doc, properties, &["fills"]);
    block["allOf"] = refusing.collect();
    block
}

fn lookups() -> Value {
    let otherwise = "What a code does that is not listed: mostly \"hold\", so that it waits for a \
                     person";
    json!({
        "description": "Lists of the force's codes",
        "type": "object",
        "additionalProperties": {
            "description": "The force's code on the left, what it means on the right",
            "type": "object",
            "properties": { "otherwise": { "type": "string", "description": otherwise } },
            "additionalProperties": { "type": "string" },
        },
    })
}

fn test(fills: Fills) -> Value {
    let mut keys = properties(TEST);
    let replaced = "A text of that record, which it holds once, and what stands there instead";
    let change = json!({
        "description": replaced, "type": "object", "additionalProperties": { "type": "string" },
    });
    put(&mut keys, "change", change);
    put(&mut keys, "expect", expect::of(fills));
    closed("A record and what must become of it", keys, &["name"])
}

/// One entry of `apply`, of the transforms that `is_for` takes.
fn transform(is_for: impl Fn(&Doc) -> bool) -> Value {
    let docs: Vec<&Doc> = ALL.iter().filter(|doc| is_for(doc)).collect();
    let alone: Vec<&&Doc> = docs.iter().filter(|doc| doc.takes == Argument::Nothing).collect();
    let said = |doc: &&&Doc| {
        let example = &doc.example;
        format!("{}: \"{}\" gives \"{}\"", doc.line, example.given, example.gives.join("\", \""))
    };
    let written = docs.iter().map(|doc| match doc.takes {
        Argument::Nothing => doc.name.to_owned(),
        Argument::Text => format!("{} .+", doc.name),
        Argument::Positions => format!("{} [0-9]+ to [0-9]+", doc.name),
    });
    let pattern = format!("^({})$", written.collect::<Vec<_>>().join("|"));
    let argued: Vec<String> = docs
        .iter()
        .filter(|doc| doc.takes != Argument::Nothing)
        .map(|doc| format!("\"{}\": {}", doc.example.written, doc.line))
        .collect();
    json!({
        "description": format!("A named transform. With an argument: {}", argued.join("; ")),
        "type": "string",
        "pattern": pattern,
        "anyOf": [
            {
                "enum": alone.iter().map(|doc| doc.name).collect::<Vec<_>>(),
                "x-taplo": { "docs": { "enumValues": alone.iter().map(said).collect::<Vec<_>>() } },
            },
            {},
        ],
    })
}

fn properties(keys: &[Key]) -> Map<String, Value> {
    keys.iter().map(|key| (key.name.to_owned(), key.schema())).collect()
}

fn section(keys: &[Key], required: &[&str], doc: &str) -> Value {
    closed(doc, properties(keys), required)
}

/// A table that has these keys and no others.
fn closed(doc: &str, properties: Map<String, Value>, required: &[&str]) -> Value {
    let mut table = json!({
        "description": doc,
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    if !required.is_empty() {
        table["required"] = json!(required);
    }
    table
}

/// `[[…]]`
fn list(of: Value) -> Value {
    json!({ "description": of["description"], "type": "array", "items": of })
}

fn one_of(texts: &[&str], doc: &str) -> Value {
    json!({ "description": doc, "enum": texts })
}

fn put(map: &mut Map<String, Value>, key: &str, value: Value) {
    map.insert(key.to_owned(), value);
}

impl Key {
    fn schema(&self) -> Value {
        let doc = self.doc;
        match self.takes {
            KeyContent::Text => json!({ "description": doc, "type": "string" }),
            KeyContent::Texts => {
                json!({
                    "description": doc, "type": ["string", "array"], "items": { "type": "string" },
                })
            }
            KeyContent::Letter => {
                json!({ "description": doc, "type": "string", "minLength": 1, "maxLength": 1 })
            }
            KeyContent::OneOf(texts) => one_of(texts, doc),
            KeyContent::Version => json!({ "description": doc, "enum": [1] }),
            KeyContent::Force => {
                let slugs: Vec<&str> = ForceCode::all().map(ForceCode::slug).collect();
                one_of(&slugs, doc)
            }
            KeyContent::Boolean => json!({ "description": doc, "type": "boolean" }),
            KeyContent::Transforms => {
                json!({
                    "description": doc,
                    "type": ["string", "array"],
                    "items": point_to("transform"),
                })
            }
            KeyContent::Table => json!({ "description": doc, "type": "object" }),
        }
    }
}
