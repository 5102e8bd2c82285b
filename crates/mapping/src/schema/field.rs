//! The lines that fill fields: one schema for each field of the table, nested as TOML nests dotted
//! names.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::section::LINE;
use super::{closed, one_of, point_to};
use cara_domain::field::{FieldShape, FieldSpec, Group, Need, all};

/// The lines that a section may hold: what stands behind the prefix of a field's name, and its
/// schema.
pub(super) fn lines(group: Group, prefix: &str) -> Vec<(&'static str, Value)> {
    let specs = all(group).map(|id| id.spec());
    specs.filter_map(|spec| Some((spec.name.strip_prefix(prefix)?, line(spec)))).collect()
}

/// Dotted names to nested tables, each with its own names only.
pub(super) fn tree(leaves: Vec<(&str, Value)>, doc: &str) -> Value {
    let mut here = Map::new();
    let mut below: BTreeMap<&str, Vec<(&str, Value)>> = BTreeMap::new();
    for (name, schema) in leaves {
        match name.split_once('.') {
            None => {
                here.insert(name.to_owned(), schema);
            }
            Some((first, rest)) => below.entry(first).or_default().push((rest, schema)),
        }
    }
    for (name, leaves) in below {
        let names: Vec<&str> = leaves.iter().map(|(name, _)| *name).collect();
        let doc = format!("{name}: {}", names.join(", "));
        here.insert(name.to_owned(), tree(leaves, &doc));
    }
    closed(doc, here, &[])
}

/// `{ from = "…" }` or `{ value = "…" }`, with what the field allows.
fn line(spec: &FieldSpec) -> Value {
    let mut keys: Map<String, Value> =
        LINE.iter().map(|key| (key.name.to_owned(), point_to(key.name))).collect();
    if spec.evidenced {
        keys.remove("value");
    } else {
        keys.insert("value".to_owned(), constant(spec));
    }
    if !matches!(spec.shape, FieldShape::Date | FieldShape::Instant) {
        keys.remove("dates");
    }
    let mut line = closed(&words(spec), keys, &[]);
    line["minProperties"] = json!(1);
    line
}

fn constant(spec: &FieldSpec) -> Value {
    let doc = "Always this, instead of a text of the record";
    match spec.shape {
        FieldShape::Code(codes) => one_of(codes, doc),
        FieldShape::Text(chars_max) => {
            json!({ "description": doc, "type": "string", "minLength": 1, "maxLength": chars_max })
        }
        _ => json!({ "description": doc, "type": "string" }),
    }
}

/// What an editor shows of a field.
pub(super) fn words(spec: &FieldSpec) -> String {
    let need = match spec.need {
        Need::Mandatory => "Mandatory",
        Need::Conditional => "Sometimes mandatory",
        Need::Optional => "Optional",
    };
    let mut words = format!("{}. {need}. {}.", spec.doc, shape(spec));
    if spec.evidenced {
        words.push_str(" Evidence: it comes from the record, no constant can fill it.");
    }
    words
}

fn shape(spec: &FieldSpec) -> String {
    let one = match spec.shape {
        FieldShape::Text(chars_max) => format!("Text of at most {chars_max} characters"),
        FieldShape::Code(codes) => format!("One of {}", codes.join(", ")),
        FieldShape::Date => "A day".to_owned(),
        FieldShape::Instant => "A point in time".to_owned(),
        FieldShape::Postcode => "A UK postcode".to_owned(),
        FieldShape::Phone => "A telephone number".to_owned(),
        FieldShape::Email => "An e-mail address".to_owned(),
        FieldShape::Asn => "An arrest summons number".to_owned(),
        FieldShape::PncId => "A PNC identifier".to_owned(),
        FieldShape::Cro => "A CRO number".to_owned(),
        FieldShape::PtiUrn => "A unique reference number of a case file".to_owned(),
        FieldShape::OffenceCode => "A CJS offence code".to_owned(),
        FieldShape::ForceCode => "A force's two-digit code".to_owned(),
    };
    if spec.list { format!("A list. {one}") } else { one }
}
