//! Answers as JSON text.

use actix_web::HttpResponse;
use serde::Serialize;

/// JSON text of an answer; its types have no shape that cannot be written.
pub(in crate::http) fn json<T: Serialize>(answer: &T) -> String {
    match serde_json::to_string(answer) {
        Ok(text) => text,
        Err(_) => unreachable!("answers are plain structs with text keys"),
    }
}

pub(in crate::http) fn ok<T: Serialize>(answer: &T) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(json(answer))
}
