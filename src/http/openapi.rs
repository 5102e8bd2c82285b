//! The OpenAPI 3.1 document of an API, made from its table and the types of the wire.

use std::collections::BTreeMap;

use cara_wire::api::{ProblemPage, ProblemView};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::problem::Code;
use super::table::{ApiCall, BodyContent, Parameter, ParameterPlace};

/// What an API's document is made from.
pub struct Document {
    pub title: &'static str,
    pub description: &'static str,
    /// Name and type of the scheme, where OpenAPI has one.
    pub security: Option<(&'static str, &'static str)>,
    /// Any call can be refused with these.
    pub everywhere: &'static [&'static Code],
    pub calls: &'static [ApiCall],
}

impl Document {
    /// As it is served at `/openapi.json` and committed below `docs`, with a line end.
    pub fn text(&self) -> String {
        format!("{:#}\n", self.value())
    }

    fn value(&self) -> Value {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        });
        let mut writer = Writer { schemas: SchemaGenerator::new(settings) };
        let mut paths = Map::new();
        for call in self.calls {
            let method = call.method.name().to_ascii_lowercase();
            let path = paths.entry(call.path).or_insert_with(|| json!({}));
            path[method] = writer.operation(call, self.everywhere);
        }
        let mut document = json!({
            "openapi": "3.1.0",
            "info": { "title": self.title, "version": "1", "description": self.description },
            "paths": paths,
            "components": { "schemas": writer.schemas.take_definitions(true) },
        });
        if let Some((name, kind)) = self.security {
            document["security"] = json!([{ name: [] }]);
            document["components"]["securitySchemes"] = json!({ name: { "type": kind } });
        }
        document
    }
}

/// Collects the schemas that the calls name.
struct Writer {
    schemas: SchemaGenerator,
}

impl Writer {
    fn operation(&mut self, call: &ApiCall, everywhere: &[&Code]) -> Value {
        let mut operation = json!({
            "operationId": call.operation,
            "summary": call.summary,
            "responses": self.responses(call, everywhere),
        });
        let mut parameters: Vec<_> = call.parameters.iter().map(parameter).collect();
        parameters.extend(self.asked(call));
        if !parameters.is_empty() {
            operation["parameters"] = parameters.into();
        }
        if let Some(right) = call.right {
            operation["x-role"] = right.role_name().into();
            operation["x-victims"] = right.victims.into();
        }
        if let Some(body) = call.body {
            operation["requestBody"] = json!({ "required": true, "content": self.content(body) });
        }
        operation
    }

    /// The members of a type as parameters. What may be absent is left out rather than null.
    fn asked(&mut self, call: &ApiCall) -> Vec<Value> {
        let schema = call.asked.map(|asked| asked(&mut self.schemas).to_value());
        let mut schema = schema.unwrap_or_default();
        let required = schema["required"].take();
        let members = schema["properties"].as_object_mut().map(std::mem::take);
        let parameter = |(name, mut schema): (String, Value)| {
            if let Some(kinds) = schema["type"].as_array() {
                schema["type"] = kinds.iter().find(|kind| *kind != "null").cloned().into();
            }
            let description = schema.as_object_mut().and_then(|it| it.remove("description"));
            let is_part = call.path.contains(&format!("{{{name}}}"));
            let is_required = required.as_array().is_some_and(|it| it.contains(&json!(name)));
            json!({
                "name": name, "in": if is_part { "path" } else { "query" },
                "required": is_required, "description": description.unwrap_or(json!("")),
                "schema": schema,
            })
        };
        members.unwrap_or_default().into_iter().map(parameter).collect()
    }

    fn responses(&mut self, call: &ApiCall, everywhere: &[&Code]) -> Value {
        let mut responses = Map::new();
        for (status, means, answer) in &call.answers {
            let answer = match answer {
                BodyContent::Nothing => json!({ "description": means }),
                answer => json!({ "description": means, "content": self.content(*answer) }),
            };
            responses.insert(status.to_string(), answer);
        }
        let mut by_status: BTreeMap<u16, Vec<&Code>> = BTreeMap::new();
        for code in call.problems.iter().chain(everywhere) {
            by_status.entry(code.status).or_default().push(code);
        }
        for (status, codes) in by_status {
            let means: Vec<String> =
                codes.iter().map(|code| format!("{} {}", code.id, code.title)).collect();
            let schema = self.schemas.subschema_for::<ProblemView>();
            let problem = json!({
                "description": means.join("; "),
                "content": { "application/problem+json": { "schema": schema } },
            });
            responses.insert(status.to_string(), problem);
        }
        Value::Object(responses)
    }

    fn content(&mut self, content: BodyContent) -> Value {
        match content {
            BodyContent::Json(schema) => {
                json!({ "application/json": { "schema": schema(&mut self.schemas) } })
            }
            BodyContent::ForceFormat => json!({ "*/*": {} }),
            BodyContent::Page => json!({
                "application/json": { "schema": self.schemas.subschema_for::<ProblemPage>() },
                "text/html": {},
                "text/plain": {},
            }),
            BodyContent::Nothing => json!({}),
            BodyContent::Contract => {
                json!({ "application/json": { "schema": { "type": "object" } } })
            }
        }
    }
}

fn parameter(parameter: &Parameter) -> Value {
    let (kind, format) = parameter.shape;
    let mut schema = json!({ "type": kind });
    if let Some(format) = format {
        schema["format"] = json!(format);
    }
    json!({
        "name": parameter.name,
        "in": match parameter.place {
            ParameterPlace::Path => "path",
            ParameterPlace::Query => "query",
            ParameterPlace::Header => "header",
        },
        "required": parameter.required,
        "description": parameter.doc,
        "schema": schema,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::http::{operator, route};

    /// Each document with its committed copy.
    fn documents() -> [(&'static Document, &'static str); 2] {
        [
            (&route::DOCUMENT, "docs/openapi.json"),
            (&operator::table::DOCUMENT, "docs/operators-openapi.json"),
        ]
    }

    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    match value.as_str() {
                        Some(text) if key == "$ref" => drop(found.insert(text.to_owned())),
                        _ => references(value, found),
                    }
                }
            }
            Value::Array(values) => values.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_has_its_schema_and_every_schema_is_used() {
        for (document, _) in documents() {
            let document = document.value();
            let mut found = BTreeSet::new();
            references(&document, &mut found);
            let schemas = document["components"]["schemas"].as_object().unwrap();
            let there: BTreeSet<_> =
                schemas.keys().map(|name| format!("#/components/schemas/{name}")).collect();
            assert_eq!(found, there);
        }
    }

    #[test]
    fn every_part_of_a_path_is_a_parameter() {
        for (document, _) in documents() {
            let document = document.value();
            for (path, methods) in document["paths"].as_object().unwrap() {
                let parts = path.split('/').filter_map(|part| part.strip_prefix('{'));
                let parts: Vec<_> = parts.filter_map(|part| part.strip_suffix('}')).collect();
                for operation in methods.as_object().unwrap().values() {
                    let parameters = operation["parameters"].as_array().into_iter().flatten();
                    let parameters = parameters.filter(|parameter| parameter["in"] == "path");
                    let named: Vec<_> =
                        parameters.map(|parameter| parameter["name"].as_str().unwrap()).collect();
                    assert_eq!(parts, named, "{path}");
                }
            }
        }
    }

    #[test]
    fn every_operation_has_a_name_of_its_own_and_its_description() {
        for (document, file) in documents() {
            let names: BTreeSet<_> = document.calls.iter().map(|call| call.operation).collect();
            assert_eq!(names.len(), document.calls.len(), "{file}");
            for call in document.calls {
                assert!(!call.summary.is_empty() && !call.answers.is_empty(), "{}", call.path);
                let codes: BTreeSet<_> = call.problems.iter().map(|code| code.id).collect();
                assert_eq!(codes.len(), call.problems.len(), "{}: a problem twice", call.path);
            }
        }
    }

    /// To bring the copies up to date: `CARA_WRITE=1 cargo test the_committed_contract`.
    #[test]
    fn the_committed_contract_is_the_one_that_is_served() {
        for (document, file) in documents() {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
            if std::env::var_os("CARA_WRITE").is_some() {
                std::fs::write(&path, document.text()).unwrap();
            }
            let committed = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(committed == document.text(), "{file} is old; run this test with CARA_WRITE=1");
        }
    }
}
