//! The table of an API: from one the listener and the OpenAPI document of an API are made.

use std::any::TypeId;

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Route};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::problem::{self, Code, Refused};

/// One call of an API.
pub struct ApiCall {
    pub method: Method,
    /// `{name}` stands for a part of the path.
    pub path: &'static str,
    /// Stable name for generated clients.
    pub operation: &'static str,
    pub summary: &'static str,
    pub parameters: &'static [Parameter],
    pub body: Option<BodyContent>,
    /// Status, meaning, content.
    pub answers: Vec<(u16, &'static str, BodyContent)>,
    /// Beside those that any call of the API can be refused with.
    pub problems: Vec<&'static Code>,
    pub handler: Box<dyn Fn() -> Route + Send + Sync>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
}

#[derive(Debug)]
pub struct Parameter {
    pub name: &'static str,
    pub place: ParameterPlace,
    pub required: bool,
    /// JSON Schema type and format.
    pub shape: (&'static str, Option<&'static str>),
    pub doc: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterPlace {
    Path,
    Query,
    Header,
}

/// The schema of a type, with what it names among the generator's definitions.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// What a body holds.
#[derive(Clone, Copy, Debug)]
pub enum BodyContent {
    Json(SchemaOf),
    /// Whatever the force's mapping reads.
    ForceFormat,
    /// The four-part page, also as HTML and text.
    Page,
    /// The API's own document.
    Contract,
    Nothing,
}

impl BodyContent {
    /// A type of the wire as JSON; of `()` nothing.
    pub fn of<T: JsonSchema + 'static>() -> BodyContent {
        match TypeId::of::<T>() == TypeId::of::<()>() {
            true => BodyContent::Nothing,
            false => BodyContent::Json(SchemaGenerator::subschema_for::<T>),
        }
    }
}

impl Method {
    pub fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
        }
    }
}

/// Puts every call of a table, and nothing else, on a listener.
pub(in crate::http) fn configure(calls: &'static [ApiCall], config: &mut ServiceConfig) {
    for call in ordered(calls) {
        let allow = call.method.name();
        let wrong_method = move || async move {
            let detail = format!("This address answers {allow} only.");
            Err::<HttpResponse, _>(Refused::new(&problem::METHOD, detail))
        };
        let resource = web::resource(call.path).route((call.handler)());
        config.service(resource.default_service(web::route().to(wrong_method)));
    }
    config.default_service(web::route().to(absent));
}

/// Fixed addresses before those with a part that varies: the first that fits is taken.
fn ordered(calls: &'static [ApiCall]) -> impl Iterator<Item = &'static ApiCall> {
    let fixed = calls.iter().filter(|call| !call.path.contains('{'));
    fixed.chain(calls.iter().filter(|call| call.path.contains('{')))
}

async fn absent() -> Result<HttpResponse, Refused> {
    Err(Refused::new(&problem::ABSENT, "GET /openapi.json names every address."))
}
