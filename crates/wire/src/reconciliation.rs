//! A provider's day: what one of its sides got and said, so that both ends can compare. It comes
//! over the outcome queue of that side, once a day, for a day that is over.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::outcome::UnreadMessage;
use super::rejection;

/// The CloudEvents type.
pub const TYPE_NAME: &str = "uk.cara.reconciliation.v1";

/// A longer list than this is no day of one side.
pub const BYTES_MAX: usize = 1024 * 1024;

/// What one side of a provider counted. The lengths of the lists are its counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Counted")]
pub struct ReconciliationCount {
    /// The day in Europe/London.
    #[schemars(with = "String", extend("format" = "date"))]
    pub day: Date,
    /// Ids of the messages from the gateway whose own `time` is on that day, each once.
    pub messages: Vec<Uuid>,
    /// Ids of the outcomes that were published on that day, each once.
    pub outcomes: Vec<Uuid>,
}

/// Reads a body, if it is of this type at all.
pub fn read(body: &[u8]) -> Option<Result<ReconciliationCount, UnreadMessage>> {
    #[derive(Deserialize)]
    struct Envelope {
        #[serde(rename = "type")]
        kind: String,
        data: Value,
    }
    // Outcomes come by the thousand and a day comes once: most bodies are not read for this.
    let mut windows = body.windows(TYPE_NAME.len());
    if body.len() > BYTES_MAX || !windows.any(|window| window == TYPE_NAME.as_bytes()) {
        return None;
    }
    let envelope: Envelope = serde_json::from_slice(body).ok()?;
    if envelope.kind != TYPE_NAME {
        return None;
    }
    let counted = serde_json::from_value(envelope.data);
    Some(counted.map_err(|_| UnreadMessage::of(&rejection::MALFORMED, "data")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_and_other_types_are_left_alone() {
        let body = |kind: &str, day: &str| {
            format!(
                "{{\"type\":\"{kind}\",\"data\":{{\"day\":\"{day}\",\"messages\":[],\"outcomes\":[]}}}}"
            )
        };
        assert_eq!(read(b"no JSON"), None);
        assert_eq!(read(body("uk.cara.outcome.v1", "2026-03-01").as_bytes()), None);
        assert!(matches!(read(body(TYPE_NAME, "2026-03-01").as_bytes()), Some(Ok(_))));
        assert!(matches!(read(body(TYPE_NAME, "today").as_bytes()), Some(Err(_))));
    }
}
