//! `GET /v1/referrals/{referral_id}` and `POST /v1/referrals/find`

use actix_web::{HttpRequest, HttpResponse, web};
use cara_record::wire::api;
use uuid::Uuid;

use super::Edge;
use super::body;
use super::problem::Refused;
use super::standing::Standing;
use crate::flow::Refusal;

pub(in crate::http) async fn show(
    edge: web::Data<Edge>,
    standing: Standing,
    path: web::Path<String>,
) -> Result<HttpResponse, Refused> {
    // What is no id looks like one that is not there.
    let id = path.parse::<Uuid>().map_err(|_| Refusal::Absent)?;
    let view = edge.stories.referral(&standing.caller, id).await?;
    Ok(body::ok(&view))
}

/// By the force's own key: in a body, so that it stands in no log of addresses.
pub(in crate::http) async fn find(
    edge: web::Data<Edge>,
    standing: Standing,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Refused> {
    let asked: api::Find = body::read_json(&edge, &request, payload).await?;
    let found = edge.stories.find(&standing.caller, asked.record_ref).await?;
    Ok(body::ok(&found))
}
