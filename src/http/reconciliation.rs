//! `GET /v1/reconciliation?day=`

use actix_web::{HttpRequest, HttpResponse, web};
use jiff::civil::Date;
use serde::Deserialize;

use super::Edge;
use super::answer;
use super::problem::ProblemAnswer;
use super::standing::Standing;
use cara_flow::case::day;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    day: Date,
    /// For an identity that stands for several.
    force: Option<String>,
}

pub(in crate::http) async fn show(
    edge: web::Data<Edge>,
    standing: Standing,
    request: HttpRequest,
) -> Result<HttpResponse, ProblemAnswer> {
    let asked = web::Query::<Asked>::from_query(request.query_string());
    let asked = asked.map_err(|_| ProblemAnswer::parameter("day"))?.into_inner();
    let force = asked.force.as_deref();
    let day = day::reconciliation(&edge.gateway, &standing.caller, force, asked.day).await?;
    Ok(answer::ok(&day))
}
