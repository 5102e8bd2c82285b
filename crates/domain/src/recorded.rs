//! Evidenced facts: a value of the record, or the statement that it was not recorded.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What an evidenced field carries when the record says that the fact was not recorded.
pub const NOT_RECORDED: &str = "not_recorded";

/// An evidenced fact. In JSON it is the value, or the text `not_recorded`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Recorded<T> {
    Is(T),
    NotRecorded,
}

impl<T> Recorded<T> {
    pub fn value(&self) -> Option<&T> {
        match self {
            Recorded::Is(value) => Some(value),
            Recorded::NotRecorded => None,
        }
    }

    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Recorded<U> {
        match self {
            Recorded::Is(value) => Recorded::Is(change(value)),
            Recorded::NotRecorded => Recorded::NotRecorded,
        }
    }
}

/// Shows whether it was recorded, never the value.
impl<T> fmt::Debug for Recorded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Recorded::Is(_) => "Is(…)",
            Recorded::NotRecorded => "NotRecorded",
        })
    }
}

impl<T: Serialize> Serialize for Recorded<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Recorded::Is(value) => value.serialize(serializer),
            Recorded::NotRecorded => serializer.serialize_str(NOT_RECORDED),
        }
    }
}

#[derive(Deserialize)]
enum Marker {
    #[serde(rename = "not_recorded")]
    NotRecorded,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written<T> {
    Marker(Marker),
    Value(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Recorded<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Written::deserialize(deserializer)? {
            Written::Marker(Marker::NotRecorded) => Recorded::NotRecorded,
            Written::Value(value) => Recorded::Is(value),
        })
    }
}

impl<T: JsonSchema> JsonSchema for Recorded<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Recorded_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [value, { "const": NOT_RECORDED }] })
    }
}
