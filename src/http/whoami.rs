//! `GET /v1/whoami`

use actix_web::{HttpResponse, web};
use cara_wire::api;

use super::Edge;
use super::answer;
use super::problem::Refused;
use super::standing::Standing;

pub(in crate::http) async fn show(
    edge: web::Data<Edge>,
    standing: Standing,
) -> Result<HttpResponse, Refused> {
    Ok(answer::ok(&api::Whoami {
        identity: standing.caller.identity.clone(),
        forces: edge.stories.forces_of(&standing.caller),
        certificate_ends_at: standing.certificate_ends_at.to_string(),
        mode: if standing.caller.test { "test" } else { "live" }.to_owned(),
    }))
}
