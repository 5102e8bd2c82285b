//! One call of the operators' API: who asks and what for is read, one story is told, its answer is
//! written, by the types of the call and nothing else.

use std::any::TypeId;
use std::future::Future;

use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, Route, web};
use cara_wire::operators::call::{Method, OperatorCall};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::http::problem::{self, Code, ProblemAnswer};
use crate::http::table::{ApiCall, BodyContent, Right};
use crate::http::{Edge, answer, body};
use cara_flow::{Gateway, Operator, Role};

/// A mapping with all its examples fits.
const BODY_BYTES_MAX: usize = 8 << 20;

/// Who asks, and what there is to ask.
pub(super) struct Asking {
    pub(super) edge: web::Data<Edge>,
    pub(super) operator: Operator,
}

impl Asking {
    pub(super) fn gateway(&self) -> &Gateway {
        &self.edge.gateway
    }
}

/// The row of a call: `right` is what it needs, `problems` what it can be refused with beside what
/// follows from its shape.
pub(super) fn row<P, B, A, S, F, E>(
    call: OperatorCall<P, B, A>,
    right: Right,
    summary: &'static str,
    problems: &[&'static Code],
    story: S,
) -> ApiCall
where
    P: DeserializeOwned + JsonSchema + 'static,
    B: DeserializeOwned + JsonSchema + 'static,
    A: Serialize + JsonSchema + 'static,
    S: Fn(Asking, P, B) -> F + Copy + Send + Sync + 'static,
    F: Future<Output = Result<A, E>> + 'static,
    E: Into<ProblemAnswer> + 'static,
{
    let OperatorCall { method, path, operation, .. } = call;
    let mut all: Vec<&'static Code> = problems.to_vec();
    if right.role > Role::Look {
        all.push(&problem::FORBIDDEN);
    }
    if method == Method::Post || TypeId::of::<P>() != TypeId::of::<()>() {
        all.push(&problem::PARAMETER);
    }
    if path.contains('{') {
        all.push(&problem::ABSENT);
    }
    if method == Method::Post {
        let unread: [&Code; 4] = [
            &problem::UNREADABLE,
            &problem::TOO_SLOW,
            &problem::TOO_LARGE,
            &problem::CONTENT_ENCODING,
        ];
        all.extend(unread);
    }
    let content = BodyContent::of::<A>();
    let said = match content {
        BodyContent::Nothing => (204, "It is done", content),
        content => (200, "What there is, or what came of it", content),
    };
    ApiCall {
        method,
        path,
        operation,
        summary,
        parameters: &[],
        asked: Some(P::json_schema),
        body: (method == Method::Post).then(BodyContent::of::<B>),
        answers: vec![said],
        problems: all,
        right: Some(right),
        handler: Box::new(move || handler(method, path, right, story)),
    }
}

fn handler<P, B, A, S, F, E>(method: Method, path: &'static str, right: Right, story: S) -> Route
where
    P: DeserializeOwned + 'static,
    B: DeserializeOwned + 'static,
    A: Serialize + 'static,
    S: Fn(Asking, P, B) -> F + Copy + 'static,
    F: Future<Output = Result<A, E>> + 'static,
    E: Into<ProblemAnswer> + 'static,
{
    let route = match method {
        Method::Get => web::get(),
        Method::Post => web::post(),
    };
    route.to(move |edge: web::Data<Edge>, request: HttpRequest, payload: web::Payload| async move {
        // Read before anything is refused, so that the sender can read why.
        let read = match method {
            Method::Get => None,
            Method::Post => Some(body::read(&edge, &request, payload, BODY_BYTES_MAX).await?),
        };
        let operator = allowed(&request, right)?;
        let parameters = parameters(path, &request)?;
        let body = body::parse(read.as_ref().map_or(b"null", |read| &read.bytes))?;
        let said = story(Asking { edge, operator }, parameters, body).await.map_err(Into::into)?;
        Ok::<_, ProblemAnswer>(match TypeId::of::<A>() == TypeId::of::<()>() {
            true => HttpResponse::NoContent().finish(),
            false => answer::ok(&said),
        })
    })
}

/// The operator who asks, if the call's right is theirs.
fn allowed(request: &HttpRequest, right: Right) -> Result<Operator, ProblemAnswer> {
    let operator = request.extensions().get::<Operator>().cloned();
    let Some(operator) = operator else { unreachable!("whoever is not listed was refused before") };
    match right.is_of(&operator) {
        true => Ok(operator),
        false => Err(ProblemAnswer::new(&problem::FORBIDDEN, right.missing(&operator))),
    }
}

/// What the path and the query name, as one thing.
fn parameters<P: DeserializeOwned>(path: &str, request: &HttpRequest) -> Result<P, ProblemAnswer> {
    let mut all = request.query_string().to_owned();
    for (name, part) in path.split('/').zip(request.uri().path().split('/')) {
        if let Some(name) = name.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            let part = part.replace('&', "%26").replace('+', "%2B");
            let gap = if all.is_empty() { "" } else { "&" };
            all = format!("{all}{gap}{name}={part}");
        }
    }
    let asked = web::Query::<P>::from_query(&all);
    Ok(asked.map_err(|_| ProblemAnswer::parameter("the address or its query"))?.into_inner())
}
