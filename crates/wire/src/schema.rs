//! JSON Schemas (2020-12) of the messages' `data`, made from the types that write it. The
//! committed copies under `docs/schemas` are compared with these by a test.

use cara_domain::Compartment;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::MessageKind;
use super::reconciliation::ReconciliationCount;
use super::rejection::RejectionContent;
use super::v1::{
    CautionDecision, ContentHead, Recall, ReferralWithdrawn, VictimNotAgreed, VictimPrompt,
    VictimRecalled, VictimWithdrawn,
};
use cara_domain::outcome::{Outcome, VictimReport};
use cara_domain::{OffenderSide, VictimSide};

/// The schema of a kind's `data`.
pub fn of(kind: MessageKind) -> Value {
    let (body, says) = match kind {
        MessageKind::ReferralNew => {
            (with_side::<OffenderSide>(), "A case, as its provider first sees it.")
        }
        MessageKind::ReferralAmended => {
            (with_side::<OffenderSide>(), "The whole case again; it replaces what came before.")
        }
        MessageKind::ReferralWithdrawn => (plain::<ReferralWithdrawn<'_>>(), "The case is off."),
        MessageKind::CautionDecision => {
            (plain::<CautionDecision<'_>>(), "What police decided about the caution.")
        }
        MessageKind::Recall => (
            plain::<Recall<'_>>(),
            "The referral was sent in error. Stop, destroy what earlier messages said, confirm with \
             the outcome `closed`.",
        ),
        MessageKind::VictimPrompt => (
            plain::<VictimPrompt>(),
            "Something happened on the offender's side that the victim worker should know.",
        ),
        MessageKind::VictimNew => (victim(), "The victim's side of a case."),
        MessageKind::VictimAmended => {
            (victim(), "The victim's side again; it replaces what came before.")
        }
        MessageKind::VictimWithdrawn => (plain::<VictimWithdrawn>(), "The case is off."),
        MessageKind::VictimRecalled => (
            plain::<VictimRecalled>(),
            "The victim no longer agrees to be contacted. Stop, destroy what earlier messages said, \
             confirm.",
        ),
    };
    let reader = match kind.compartment() {
        Compartment::Offender => "Read by the provider's offender side; holds no victim data.",
        Compartment::Victim => "Read by the provider's victim side only.",
    };
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("$id".to_owned(), json!(kind.schema_id()));
    schema.insert("title".to_owned(), json!(kind.name()));
    schema.insert("description".to_owned(), json!(format!("{says} {reader}")));
    schema.extend(body);
    Value::Object(schema)
}

/// The schema of the `data` of one side's outcomes. Members that it does not list are allowed and
/// ignored, so that a provider may say more than this version knows.
pub fn of_outcome(side: Compartment) -> Value {
    let (body, name, writer) = match side {
        Compartment::Offender => (plain::<Outcome>(), "outcome", "offender side"),
        Compartment::Victim => {
            (plain::<Outcome<VictimReport>>(), "victim_outcome", "victim side; codes only")
        }
    };
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("$id".to_owned(), json!(format!("urn:uk-cara:schema:{name}.v1")));
    schema.insert("title".to_owned(), json!(name));
    let says = format!("What a provider reports. Written by the provider's {writer}.");
    schema.insert("description".to_owned(), json!(says));
    schema.extend(body);
    schema.remove("additionalProperties");
    Value::Object(schema)
}

/// The schema of the `data` of a provider's day.
pub fn of_reconciliation() -> Value {
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("$id".to_owned(), json!("urn:uk-cara:schema:reconciliation.v1"));
    schema.insert("title".to_owned(), json!("reconciliation"));
    let says = "What one side of a provider got and said on a day that is over.";
    schema.insert("description".to_owned(), json!(says));
    schema.extend(plain::<ReconciliationCount>());
    schema.remove("additionalProperties");
    Value::Object(schema)
}

/// The schema of the `data` of a rejection.
pub fn of_rejection() -> Value {
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("$id".to_owned(), json!("urn:uk-cara:schema:rejection.v1"));
    schema.insert("title".to_owned(), json!("rejection"));
    let says = "An outcome that could not be applied, and why.";
    schema.insert("description".to_owned(), json!(says));
    schema.extend(plain::<RejectionContent<'_>>());
    Value::Object(schema)
}

/// A type's schema without what only the whole file says.
fn plain<T: JsonSchema>() -> Map<String, Value> {
    let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
    let Value::Object(mut schema) = schema.to_value() else {
        unreachable!("every message is an object");
    };
    for key in ["$schema", "title", "description"] {
        schema.remove(key);
    }
    schema.insert("additionalProperties".to_owned(), json!(false));
    schema
}

/// The head's members and the side's in one object, as the event writes them.
fn with_side<S: JsonSchema>() -> Map<String, Value> {
    let mut whole = plain::<ContentHead<'_>>();
    for (key, value) in plain::<S>() {
        match (whole.get_mut(&key), value) {
            (Some(Value::Object(into)), Value::Object(from)) => into.extend(from),
            (Some(Value::Array(into)), Value::Array(from)) => into.extend(from),
            (Some(_), _) => {}
            (None, value) => drop(whole.insert(key, value)),
        }
    }
    whole
}

/// Whole if she agreed, otherwise almost nothing.
fn victim() -> Map<String, Value> {
    let mut agreed = with_side::<VictimSide>();
    let mut not_agreed = plain::<VictimNotAgreed>();
    let definitions = agreed.remove("$defs");
    agreed.insert("description".to_owned(), json!("She agreed to be contacted."));
    not_agreed.remove("$defs");
    not_agreed.insert("description".to_owned(), json!("She did not agree to be contacted."));
    let mut either = Map::new();
    either.insert("oneOf".to_owned(), json!([agreed, not_agreed]));
    either.extend(definitions.map(|definitions| ("$defs".to_owned(), definitions)));
    either
}
