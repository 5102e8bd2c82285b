//! The OpenAPI 3.1 document, made from the table of routes and the types of the wire.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use cara_wire::component;
use serde_json::{Map, Value, json};

use super::problem::{Code, Refused};
use super::route::{Content, EVERYWHERE, Parameter, Place, ROUTES, Route};

/// The document as it is served at `/openapi.json` and committed as `docs/openapi.json`.
pub fn document() -> Value {
    let mut paths = Map::new();
    for route in ROUTES {
        let method = route.method.name().to_ascii_lowercase();
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[method] = operation(route);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "CARA gateway: API for forces",
            "version": "1",
            "description": "HTTP/1.1 over TLS 1.3 with a client certificate. A 202 means that the \
                            record can no longer be lost.",
        },
        "security": [{ "certificate": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": { "certificate": { "type": "mutualTLS" } },
            "schemas": component::schemas(),
        },
    })
}

/// The document as text, with a line end.
pub fn text() -> String {
    format!("{:#}\n", document())
}

pub(in crate::http) async fn show() -> Result<HttpResponse, Refused> {
    Ok(HttpResponse::Ok().content_type("application/json").body(text()))
}

fn operation(route: &Route) -> Value {
    let mut operation = json!({
        "operationId": route.operation,
        "summary": route.summary,
        "responses": responses(route),
    });
    if !route.parameters.is_empty() {
        operation["parameters"] = route.parameters.iter().map(parameter).collect();
    }
    if let Some(body) = route.body {
        operation["requestBody"] = json!({ "required": true, "content": content(body) });
    }
    operation
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
            Place::Path => "path",
            Place::Query => "query",
            Place::Header => "header",
        },
        "required": parameter.required,
        "description": parameter.doc,
        "schema": schema,
    })
}

fn responses(route: &Route) -> Value {
    let mut responses = Map::new();
    for (status, means, answer) in route.answers {
        let answer = match answer {
            Content::Nothing => json!({ "description": means }),
            answer => json!({ "description": means, "content": content(*answer) }),
        };
        responses.insert(status.to_string(), answer);
    }
    let mut by_status: BTreeMap<u16, Vec<&Code>> = BTreeMap::new();
    for code in route.problems.iter().chain(EVERYWHERE) {
        by_status.entry(code.status).or_default().push(code);
    }
    for (status, codes) in by_status {
        let means: Vec<String> =
            codes.iter().map(|code| format!("{} {}", code.id, code.title)).collect();
        let schema = reference("Problem");
        let problem = json!({
            "description": means.join("; "),
            "content": { "application/problem+json": { "schema": schema } },
        });
        responses.insert(status.to_string(), problem);
    }
    Value::Object(responses)
}

fn content(content: Content) -> Value {
    match content {
        Content::Json(name) => json!({ "application/json": { "schema": reference(name) } }),
        Content::ForceFormat => json!({ "*/*": {} }),
        Content::Page => json!({
            "application/json": { "schema": reference("ProblemPage") },
            "text/html": {},
            "text/plain": {},
        }),
        Content::Nothing => json!({}),
        Content::Contract => json!({ "application/json": { "schema": { "type": "object" } } }),
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

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
        let document = document();
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        let schemas = document["components"]["schemas"].as_object().unwrap();
        let there: BTreeSet<_> =
            schemas.keys().map(|name| format!("#/components/schemas/{name}")).collect();
        assert_eq!(found, there);
    }

    #[test]
    fn every_part_of_a_path_is_a_parameter() {
        for route in ROUTES {
            let parts = route.path.split('/').filter_map(|part| part.strip_prefix('{'));
            let parts: Vec<_> = parts.filter_map(|part| part.strip_suffix('}')).collect();
            let parameters = route.parameters.iter();
            let parameters: Vec<_> = parameters
                .filter(|parameter| parameter.place == Place::Path)
                .map(|parameter| parameter.name)
                .collect();
            assert_eq!(parts, parameters, "{}", route.path);
        }
    }

    /// To bring the copy up to date: `CARA_WRITE=1 cargo test the_committed_contract`.
    #[test]
    fn the_committed_contract_is_the_one_that_is_served() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
        if std::env::var_os("CARA_WRITE").is_some() {
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(&file, text()).unwrap();
        }
        let committed = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(committed == text(), "docs/openapi.json is old; run this test with CARA_WRITE=1");
    }
}
