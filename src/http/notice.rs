//! `GET /v1/notices`, `GET /v1/notices/next` and `POST /v1/notices/{notice_id}/acknowledge`

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::Edge;
use super::answer;
use super::body;
use super::problem::ProblemAnswer;
use super::standing::Standing;
use cara_flow::notice::{self, letter};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    #[serde(default)]
    after: u64,
    limit: Option<usize>,
    /// For an identity that stands for several.
    force: Option<String>,
    #[serde(default)]
    stream: Stream,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stream {
    #[default]
    Offender,
    Victim,
}

pub(in crate::http) async fn list(
    edge: web::Data<Edge>,
    standing: Standing,
    request: HttpRequest,
) -> Result<HttpResponse, ProblemAnswer> {
    let page = notice::notices(&edge.gateway, &standing.caller, asked(&request)?).await?;
    Ok(answer::ok(&page))
}

pub(in crate::http) async fn next(
    edge: web::Data<Edge>,
    standing: Standing,
    request: HttpRequest,
) -> Result<HttpResponse, ProblemAnswer> {
    let letter = letter::next_letter(&edge.gateway, &standing.caller, asked(&request)?).await?;
    Ok(match letter {
        None => HttpResponse::NoContent().finish(),
        Some(letter) => HttpResponse::Ok()
            .content_type(letter.media_type)
            .insert_header(("Notice-Id", letter.notice_id.to_string()))
            .insert_header(("Notice-Sequence", letter.sequence.to_string()))
            .body(letter.body),
    })
}

fn asked(request: &HttpRequest) -> Result<notice::NoticeQuery, ProblemAnswer> {
    let asked = web::Query::<Asked>::from_query(request.query_string());
    let asked = asked.map_err(|_| ProblemAnswer::parameter("the query"))?.into_inner();
    let Asked { after, limit, force, stream } = asked;
    Ok(notice::NoticeQuery { force, victims: stream == Stream::Victim, after, limit })
}

pub(in crate::http) async fn acknowledge(
    edge: web::Data<Edge>,
    standing: Standing,
    path: web::Path<String>,
) -> Result<HttpResponse, ProblemAnswer> {
    notice::acknowledge(&edge.gateway, &standing.caller, body::id(&path)?).await?;
    Ok(HttpResponse::NoContent().finish())
}
