//! `POST /v1/records`

use std::sync::Arc;

use actix_web::http::header::HeaderMap;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use cara_wire::api::RecordsAnswer;
use serde::Deserialize;

use super::Edge;
use super::answer;
use super::body;
use super::problem::{self, ProblemAnswer};
use super::standing::Standing;
use cara_flow::record::{Accepted, Submission, turn};
use cara_flow::{RecordRefusal, Unfinished};

/// Longest `Idempotency-Key`, in characters.
pub(in crate::http) const KEY_CHARS_MAX: usize = 255;

/// The parameters of the address. An unknown one is refused: `?dryrun=true` would be no dry run.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    #[serde(default)]
    dry_run: bool,
    mapping: Option<String>,
}

/// Decodes, asks the flow once, encodes.
pub(in crate::http) async fn post(
    edge: web::Data<Edge>,
    standing: Standing,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, ProblemAnswer> {
    let asked = asked(&request)?;
    let bytes_max = edge.body_bytes_max(&standing.identity);
    let body = body::read(&edge, &request, payload, bytes_max).await?;
    let force = standing.identity.forces.first().copied().unwrap_or_default();
    let weight = turn::weight(&asked.media_type, body.bytes.len());
    // Held until the answer's text is there: it is part of what the body becomes.
    let room = edge.turns.turn(force, weight).await;
    let answered = match &room {
        None => Err(RecordRefusal::Crowded { bytes: weight }.into()),
        Some(room) => {
            let room = Some(Arc::clone(room));
            let submission = Submission { body: body.bytes, room, ..asked };
            edge.records.take(&standing.caller, submission).await
        }
    };
    if let Err(Unfinished::Refused(RecordRefusal::Crowded { .. })) = answered {
        edge.refusals.count_force(force);
    }
    let response = match answered? {
        Accepted::Taken(answer) => answered_with(HttpResponse::Accepted(), &answer),
        Accepted::DryRun(answer) => answered_with(HttpResponse::Ok(), &answer),
        Accepted::AllAtFault(answer) => ProblemAnswer::at_fault(answer).into_response(),
    };
    drop(room);
    Ok(body.share.kept_with(response))
}

fn answered_with(
    mut response: actix_web::HttpResponseBuilder,
    answer: &RecordsAnswer,
) -> HttpResponse {
    response.content_type("application/json").body(answer::json(answer))
}

/// Everything of a submission but its body.
fn asked(request: &HttpRequest) -> Result<Submission, ProblemAnswer> {
    let query = web::Query::<Asked>::from_query(request.query_string());
    let query = query.map_err(|_| ProblemAnswer::parameter("the query"))?.into_inner();
    let media_type = request.content_type().to_ascii_lowercase();
    if media_type.is_empty() {
        let detail = "The Content-Type is missing. Send the one of the agreed format.";
        return Err(ProblemAnswer::new(&problem::MEDIA_TYPE, detail));
    }
    Ok(Submission {
        media_type,
        body: web::Bytes::new(),
        mapping: query.mapping,
        idempotency_key: idempotency_key(request.headers())?,
        dry_run: query.dry_run,
        room: None,
    })
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ProblemAnswer> {
    let mut keys = headers.get_all("idempotency-key");
    let Some(key) = keys.next() else { return Ok(None) };
    let wrong = || ProblemAnswer::parameter("Idempotency-Key");
    let key = key.to_str().map_err(|_| wrong())?;
    if keys.next().is_some() || key.is_empty() || key.len() > KEY_CHARS_MAX {
        return Err(wrong());
    }
    Ok(Some(key.to_owned()))
}
