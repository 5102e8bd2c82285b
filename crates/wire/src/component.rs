//! JSON Schemas of the API's bodies, as the components of its OpenAPI document.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::api;

/// Every body of the API by its type's name, with references between them.
pub fn schemas() -> serde_json::Map<String, Value> {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = SchemaGenerator::new(settings);
    generator.subschema_for::<api::RecordsAnswer>();
    generator.subschema_for::<api::ReferralView>();
    generator.subschema_for::<api::Find>();
    generator.subschema_for::<api::FindAnswer>();
    generator.subschema_for::<api::NoticePage>();
    generator.subschema_for::<api::Reconciliation>();
    generator.subschema_for::<api::Whoami>();
    generator.subschema_for::<api::ProblemView>();
    generator.subschema_for::<api::ProblemPage>();
    generator.take_definitions(true)
}
