//! The internal listener: `/livez`, `/readyz`, `/metrics`.

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Responder};
use cara_wire::operators::{Readiness, ReadyPart};

use super::Edge;
use super::answer;
use cara_metric::State;

pub(in crate::http) fn configure(config: &mut ServiceConfig) {
    config.route("/livez", web::get().to(livez));
    config.route("/readyz", web::get().to(readyz));
    config.route("/metrics", web::get().to(metrics));
}

pub(in crate::http) fn readiness(edge: &Edge) -> Readiness {
    let view = |(part, state): (cara_metric::Part, State)| ReadyPart {
        name: part.name().to_owned(),
        good: state.is_good(),
        what: match state {
            State::Good | State::Unused => None,
            State::Bad(what) => Some(what),
        },
    };
    let parts = edge.health.parts().into_iter().map(view).collect();
    Readiness { ready: edge.health.is_ready(), parts }
}

async fn livez() -> impl Responder {
    "alive\n"
}

/// 503 only while no record can be taken; an absent broker is 200 and named.
async fn readyz(edge: web::Data<Edge>) -> HttpResponse {
    let readiness = readiness(&edge);
    let mut response = match readiness.ready {
        true => HttpResponse::Ok(),
        false => HttpResponse::ServiceUnavailable(),
    };
    response.content_type("application/json").body(answer::json(&readiness))
}

async fn metrics(edge: web::Data<Edge>) -> HttpResponse {
    let shape = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    HttpResponse::Ok().content_type(shape).body(edge.metric.encode())
}
