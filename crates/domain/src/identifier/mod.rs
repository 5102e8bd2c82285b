//! Identifiers with one canonical form each: parsed once, then known to have their shape.
//!
//! A wrong *shape* is an error. A wrong *check letter* is not: published samples of real
//! authorities carry some, so it is a question to ask of a parsed identifier, answered with the
//! letter that would be right. No error and no `Debug` of this room shows the text it was given.

mod asn;
mod check;
mod cro;
mod email;
mod force_code;
mod offence_code;
mod phone;
mod pnc_id;
mod postcode;
mod pti_urn;
#[cfg(test)]
mod tests;

pub use asn::Asn;
pub use cro::Cro;
pub use email::Email;
pub use force_code::ForceCode;
pub use offence_code::OffenceCode;
pub use phone::Phone;
pub use pnc_id::PncId;
pub use postcode::Postcode;
pub use pti_urn::PtiUrn;

/// A text does not have the identifier's shape; it is not repeated here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not {expected}")]
pub struct UnreadableIdentifier {
    /// What it should have been, with its article: `a postcode`.
    pub expected: &'static str,
}

/// Gives a newtype over canonical text its outside: `Display` and serde carry the canonical form,
/// `Debug` shows the type only, reading back demands the canonical form.
macro_rules! identifier {
    ($type:ident, $expected:literal, reads $canonical:expr) => {
        impl $type {
            const UNREADABLE: crate::identifier::UnreadableIdentifier =
                crate::identifier::UnreadableIdentifier { expected: $expected };

            /// The canonical form.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($type), "(…)"))
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                let canonical: fn(&str) -> Result<$type, crate::identifier::UnreadableIdentifier> =
                    $canonical;
                canonical(&text).map_err(serde::de::Error::custom)
            }
        }

        impl schemars::JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "description": $expected })
            }
        }
    };
}
use identifier;

/// The text in upper case without blanks and slashes; None when a character is not ASCII or the
/// text is longer than any identifier of this room.
fn squeezed(text: &str) -> Option<String> {
    if text.len() > 64 || !text.is_ascii() {
        return None;
    }
    let kept = text.bytes().filter(|byte| !matches!(byte, b' ' | b'/'));
    Some(kept.map(|byte| char::from(byte.to_ascii_uppercase())).collect())
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Splits the last character off, which has to be ASCII.
fn split_last(text: &str) -> Option<(&str, u8)> {
    let (&last, rest) = text.as_bytes().split_last()?;
    last.is_ascii().then(|| (&text[..rest.len()], last))
}
