//! `GET /v1/referrals/{referral_id}` and `POST /v1/referrals/find`

use actix_web::{HttpRequest, HttpResponse, web};
use cara_wire::api;

use super::Edge;
use super::answer;
use super::body;
use super::problem::ProblemAnswer;
use super::standing::Standing;
use cara_flow::case::referral;

pub(in crate::http) async fn show(
    edge: web::Data<Edge>,
    standing: Standing,
    path: web::Path<String>,
) -> Result<HttpResponse, ProblemAnswer> {
    let view = referral::referral(&edge.gateway, &standing.caller, body::id(&path)?).await?;
    Ok(answer::ok(&view))
}

/// By the force's own key: in a body, so that it stands in no log of addresses.
pub(in crate::http) async fn find(
    edge: web::Data<Edge>,
    standing: Standing,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, ProblemAnswer> {
    let asked: api::Find = body::read_json(&edge, &request, payload).await?;
    let found = referral::find(&edge.gateway, &standing.caller, asked.record_ref).await?;
    Ok(answer::ok(&found))
}
