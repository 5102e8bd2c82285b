//! `GET /v1/whoami`

use actix_web::{HttpResponse, web};
use cara_wire::api;

use super::Edge;
use super::answer;
use super::problem::ProblemAnswer;
use super::standing::Standing;
use cara_flow::mapping;

pub(in crate::http) async fn show(
    edge: web::Data<Edge>,
    standing: Standing,
) -> Result<HttpResponse, ProblemAnswer> {
    Ok(answer::ok(&api::Whoami {
        identity: standing.caller.identity.clone(),
        forces: mapping::forces_of(&edge.gateway, &standing.caller),
        certificate_ends_at: standing.certificate_ends_at.to_string(),
        mode: if standing.caller.test { "test" } else { "live" }.to_owned(),
    }))
}
