//! The table of an API: from one the listener and the OpenAPI document of an API are made.

use std::any::TypeId;
use std::collections::BTreeSet;
use std::future::ready;

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Route};
use cara_wire::operators::call::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::problem::{self, Code, ProblemAnswer};
use cara_flow::{Operator, Role};

/// One call of an API.
pub struct ApiCall {
    pub method: Method,
    /// `{name}` stands for a part of the path.
    pub path: &'static str,
    /// Stable name for generated clients.
    pub operation: &'static str,
    pub summary: &'static str,
    pub parameters: &'static [Parameter],
    /// More of them: the members of a type, in the path where it names them, else in the query.
    pub asked: Option<SchemaOf>,
    pub body: Option<BodyContent>,
    /// Status, meaning, content.
    pub answers: Vec<(u16, &'static str, BodyContent)>,
    /// Beside those that any call of the API can be refused with.
    pub problems: Vec<&'static Code>,
    /// Of the operators' API: whose call it is.
    pub right: Option<Right>,
    pub handler: Box<dyn Fn() -> Route + Send + Sync>,
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

/// What an operator needs.
#[derive(Clone, Copy, Debug)]
pub struct Right {
    /// This role or a higher one.
    pub role: Role,
    /// Also to see what concerns victims.
    pub victims: bool,
}

impl Right {
    pub(in crate::http) fn is_of(self, operator: &Operator) -> bool {
        operator.role >= self.role && (operator.victims || !self.victims)
    }

    /// As `gateway.toml` writes it.
    pub(in crate::http) fn role_name(self) -> &'static str {
        name(self.role)
    }

    /// What an operator lacks who has not this right.
    pub(in crate::http) fn missing(self, operator: &Operator) -> String {
        let victims = if self.victims { " and `victims = true`" } else { "" };
        format!(
            "It needs the role `{}`{victims}; yours is `{}`. Ask somebody who has it, or who keeps \
             [[operators.user]] in gateway.toml.",
            name(self.role),
            name(operator.role)
        )
    }
}

fn name(role: Role) -> &'static str {
    match role {
        Role::Look => "look",
        Role::Operate => "operate",
        Role::Administer => "administer",
    }
}

/// Puts every call of a table, and nothing else, on a listener.
pub(in crate::http) fn configure(calls: &'static [ApiCall], config: &mut ServiceConfig) {
    let mut seen = BTreeSet::new();
    for path in ordered(calls).map(|call| call.path).filter(|path| seen.insert(*path)) {
        let own = || calls.iter().filter(|call| call.path == path);
        let allow: Vec<_> = own().map(|call| call.method.name()).collect();
        let detail = format!("This address answers {} only.", allow.join(" and "));
        let wrong_method = move || {
            ready(Err::<HttpResponse, _>(ProblemAnswer::new(&problem::METHOD, detail.clone())))
        };
        let resource = own().fold(web::resource(path), |it, call| it.route((call.handler)()));
        config.service(resource.default_service(web::route().to(wrong_method)));
    }
    config.default_service(web::route().to(absent));
}

/// Fixed addresses before those with a part that varies: the first that fits is taken.
fn ordered(calls: &'static [ApiCall]) -> impl Iterator<Item = &'static ApiCall> {
    let fixed = calls.iter().filter(|call| !call.path.contains('{'));
    fixed.chain(calls.iter().filter(|call| call.path.contains('{')))
}

async fn absent() -> Result<HttpResponse, ProblemAnswer> {
    Err(ProblemAnswer::new(&problem::ABSENT, "GET /openapi.json names every address."))
}
