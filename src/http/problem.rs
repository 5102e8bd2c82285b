//! Problems (RFC 9457): every way in which a call is refused, each with a published code.
//!
//! Codes are append-only and never reused. The general ones carry the number of their status.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use cara_wire::api;

use cara_flow::{Failure, ForceRefusal, OrderRefusal, RecordRefusal, Refusal, Unfinished};

/// A published code with its page.
#[derive(Debug)]
pub struct Code {
    /// `P413`
    pub id: &'static str,
    pub name: &'static str,
    pub status: u16,
    pub title: &'static str,
    pub means: &'static str,
    pub cause: &'static str,
    pub fix: &'static str,
    pub avoid: &'static str,
}

macro_rules! codes {
    ($( $constant:ident $status:literal $id:literal $name:literal $title:literal
        means $means:literal cause $cause:literal fix $fix:literal avoid $avoid:literal; )*) => {
        $( pub static $constant: Code = Code {
            id: $id, name: $name, status: $status, title: $title,
            means: $means, cause: $cause, fix: $fix, avoid: $avoid,
        }; )*
        /// Every problem.
        pub static ALL: &[&Code] = &[$( &$constant ),*];
    };
}

codes! {
    UNREADABLE 400 "P400" "body_unreadable" "The body cannot be read"
        means "The body is not well formed in its format, or it is over a limit of depth or number. Nothing was taken."
        cause "A cut-off export, a wrong encoding, a document type declaration, or another format than the media type says."
        fix "Mend the body at the line and column that the problem names and send all of it again."
        avoid "Write the export with a library for the format, and send ?dry_run=true once after every change.";
    MAPPING 422 "P425" "mapping_refused" "The mapping cannot go live"
        means "The mapping has problems, its tests fail or do not reach everything, or another mapping of the force could take the same body. The last good version stays live."
        cause "An edit that was not checked, or an example that is missing."
        fix "Mend what the detail names, run `cara-gateway mapping check`, and activate it again."
        avoid "Run `cara-gateway mapping check` before every activation.";
    FORBIDDEN 403 "P403" "forbidden" "This is not allowed"
        means "The identity or the operator's role has not the right to do this."
        cause "An identity that only tests, or an operator who may only look."
        fix "Ask the gateway's operators for the right."
        avoid "Agree the rights of each identity when it is set up.";
    ABSENT 404 "P404" "absent" "There is no such thing"
        means "There is nothing under this address or id for this caller. What belongs to another force looks the same."
        cause "A mistyped id, or the certificate of another force."
        fix "Check the id; GET /v1/whoami says whom the certificate stands for."
        avoid "Keep the referral_id of the 202 beside the record.";
    METHOD 405 "P405" "method" "The method does not fit the address"
        means "The address is there, but not for this method."
        cause "GET where the contract says POST, or the reverse."
        fix "Use the method that GET /openapi.json names."
        avoid "Generate the client from the contract.";
    TOO_SLOW 408 "P408" "too_slow" "The body did not arrive in time"
        means "The body was slower than the lowest rate or over its deadline. Nothing was taken; the connection is closed."
        cause "A stalled sender or a very slow line."
        fix "Send it again on a new connection."
        avoid "Send smaller bodies, and build a body before the request is opened.";
    KEY_REUSED 409 "P409" "key_reused" "The idempotency key was used with another body"
        means "An earlier 202 binds this key to a body that differs from this one. Nothing was taken."
        cause "A key that is not new for every body."
        fix "Send the body with a new key."
        avoid "Make the key from the export's own id, or leave it out: equal records are found without it.";
    TOO_LARGE 413 "P413" "too_large" "The body is too large"
        means "The body is over the limit of bytes or records. It was not read whole; nothing was taken."
        cause "Many records in one body."
        fix "Send it in parts."
        avoid "Send records as they come, one or a few in a body.";
    MEDIA_TYPE 415 "P415" "media_type" "No mapping reads this media type"
        means "The Content-Type is missing, or no live mapping of the force reads it."
        cause "A wrong header; JSON sent as text, for instance."
        fix "Send the Content-Type of the agreed format."
        avoid "GET /v1/whoami names the mappings that are live.";
    AT_FAULT 422 "P422" "all_at_fault" "Every record is at fault"
        means "Each record of the body breaks a rule; all of them are listed under records. Each is held, so that the operators can ask after it."
        cause "Missing or wrong fields."
        fix "Mend the fields that the violations name and send the records again; a good one closes its hold."
        avoid "Send ?dry_run=true first when the export changes.";
    TOO_MANY 429 "P429" "too_many" "Too many requests"
        means "The force is over its number of requests in a second. Nothing was read."
        cause "A loop without a pause, or many records sent one by one."
        fix "Wait for the seconds that Retry-After names."
        avoid "Put several records into one body.";
    PARAMETER 400 "P460" "parameter" "A parameter is not as described"
        means "A parameter of the address, a header or the JSON body is missing, unknown or malformed. Nothing was taken."
        cause "A typing mistake; an unknown parameter is refused, because ?dryrun=true would otherwise be no dry run."
        fix "Write the parameter as GET /openapi.json describes it."
        avoid "Generate the client from the contract.";
    NO_MAPPING 422 "P461" "no_mapping" "No mapping fits this body"
        means "The body was read, but it is none of the shapes that the force's mappings are for. Nothing was taken."
        cause "Another export than the agreed one, or a changed root element."
        fix "Send the agreed export, or name the mapping with ?mapping=."
        avoid "Tell the gateway's operators before the export changes.";
    FOREIGN_FORCE 403 "P462" "foreign_force" "The record is another force's"
        means "The record names a force that this identity does not stand for. Nothing was kept; the operators are told."
        cause "A record sent with another force's certificate."
        fix "Send it with the certificate of its own force."
        avoid "Keep one sender for each force.";
    CERTIFICATE 403 "P463" "certificate" "The certificate stands for nobody here"
        means "A trusted CA signed the certificate, but it has ended, is revoked, or no identity is set up for it. Nothing was read."
        cause "A renewed certificate whose key was not announced, or one that was withdrawn."
        fix "Send the certificate's public-key fingerprint to the gateway's operators."
        avoid "Announce a new key before the old certificate ends; both can be valid side by side.";
    WRONG_STATE 409 "P464" "wrong_state" "It is not in the state that this needs"
        means "The hold or case has moved on, so this can no longer be done."
        cause "Somebody else, or a later record, was first."
        fix "Look at it again and decide anew."
        avoid "Nothing: this keeps two decisions from crossing.";
    CONTENT_ENCODING 415 "P466" "content_encoding" "Compressed bodies are not read"
        means "The request has a Content-Encoding. Nothing was read."
        cause "A client or proxy that compresses by itself."
        fix "Send the body as it is."
        avoid "Turn compression of requests off.";
    NOT_AN_OPERATOR 403 "P467" "not_an_operator" "This user is no operator"
        means "The operating system's user at the other end of the socket is not listed."
        cause "Another account than the one that was set up."
        fix "Add the user under [[operators.user]] in gateway.toml and restart the gateway."
        avoid "Set operators up by name, one account for each person.";
    INTERNAL 500 "P500" "internal" "The gateway failed"
        means "Something broke inside. Whether a record was taken is not known: send it again, equal records are found."
        cause "A fault of the gateway; its operators are told."
        fix "Send it again later."
        avoid "Nothing on the force's side.";
    DAY_FULL 503 "P504" "day_full" "The force has sent its day's worth"
        means "What this force's records add to the store in a day has a limit, and it is reached. Nothing was taken; other forces are not concerned."
        cause "An export that sends the same cases again and again with small changes, or very large records."
        fix "Keep the records, and send them after midnight in London or once the gateway's operators have raised store_bytes_per_day_max for the force."
        avoid "Send a case when it has changed, not with every export.";
    UNAVAILABLE 503 "P503" "unavailable" "It could not be stored"
        means "The gateway cannot take anything now and promises nothing. Send all of it again."
        cause "A full disk, a store that is locked or stopping, or too many bodies at once."
        fix "Wait for the seconds that Retry-After names and send all of it again."
        avoid "Nothing on the force's side; keep records until a 202 answers them.";
}

impl Code {
    /// The code with this id.
    pub fn find(id: &str) -> Option<&'static Code> {
        ALL.iter().copied().find(|code| code.id == id)
    }
}

/// A refusal on its way out.
#[derive(Debug)]
pub struct ProblemAnswer {
    code: &'static Code,
    detail: String,
    line: Option<u32>,
    column: Option<u32>,
    records: Option<Vec<api::RecordAnswer>>,
    retry_after_s: Option<u32>,
    close: bool,
}

/// The code of the problem in a response, for the gate's counters.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct Counted(pub(in crate::http) &'static str);

impl ProblemAnswer {
    /// `detail`: what, where, what now; never a value of a record.
    pub fn new(code: &'static Code, detail: impl Into<String>) -> Self {
        ProblemAnswer {
            code,
            detail: detail.into(),
            line: None,
            column: None,
            records: None,
            retry_after_s: None,
            close: false,
        }
    }

    pub fn code(&self) -> &'static Code {
        self.code
    }

    /// The connection is not kept.
    pub fn closing(mut self) -> Self {
        self.close = true;
        self
    }

    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Every record is at fault.
    pub fn at_fault(answer: api::RecordsAnswer) -> Self {
        let detail = "No record could go on. Mend what the violations under `records` name and \
                      send them again; each is held until then.";
        ProblemAnswer { records: Some(answer.records), ..ProblemAnswer::new(&AT_FAULT, detail) }
    }

    pub fn parameter(name: &str) -> Self {
        let detail = format!("`{name}` is not as described. GET /openapi.json describes it.");
        ProblemAnswer::new(&PARAMETER, detail)
    }

    /// The answer, without a second copy of what was found in the records.
    pub fn into_response(mut self) -> HttpResponse {
        let records = self.records.take();
        self.respond(records)
    }

    fn respond(&self, records: Option<Vec<api::RecordAnswer>>) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if let Some(seconds) = self.retry_after_s {
            response.insert_header((RETRY_AFTER, seconds));
        }
        if self.close {
            response.force_close();
        }
        response.insert_header((CONTENT_TYPE, "application/problem+json"));
        let mut response = response.body(super::answer::json(&self.body(records)));
        response.extensions_mut().insert(Counted(self.code.id));
        response
    }

    fn body(&self, records: Option<Vec<api::RecordAnswer>>) -> api::ProblemView {
        api::ProblemView {
            kind: format!("/problems/{}", self.code.id),
            title: self.code.title.to_owned(),
            status: self.code.status,
            detail: self.detail.clone(),
            code: self.code.id.to_owned(),
            line: self.line,
            column: self.column,
            records,
        }
    }
}

impl<R: Refusal> From<Unfinished<R>> for ProblemAnswer
where
    ProblemAnswer: From<R>,
{
    fn from(unfinished: Unfinished<R>) -> Self {
        match unfinished {
            Unfinished::Refused(refusal) => refusal.into(),
            Unfinished::Failed(failure) => failure.into(),
        }
    }
}

impl From<Failure> for ProblemAnswer {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Passing { reason, retry_after_s } => {
                tracing::warn!(reason, "http.unavailable: nothing was promised");
                let detail = format!("Nothing was done: {reason}. Send all of it again.");
                ProblemAnswer::new(&UNAVAILABLE, detail).retry_after(retry_after_s)
            }
            Failure::Ours(error) => {
                tracing::error!(cause = %format_args!("{error:#}"), "http.failed");
                ProblemAnswer::internal()
            }
        }
    }
}

impl From<RecordRefusal> for ProblemAnswer {
    fn from(refusal: RecordRefusal) -> Self {
        match refusal {
            RecordRefusal::Unparseable { reason, line, column } => {
                let detail = format!("{reason} (P400). Nothing was taken; mend it and send all.");
                ProblemAnswer { line, column, ..ProblemAnswer::new(&UNREADABLE, detail) }
            }
            RecordRefusal::TooLarge { limit } => ProblemAnswer::new(
                &TOO_LARGE,
                format!("Over the limit: {limit}. Send it in parts."),
            ),
            RecordRefusal::MediaType => ProblemAnswer::new(
                &MEDIA_TYPE,
                "No live mapping of this force reads this Content-Type. GET /v1/whoami names them.",
            ),
            RecordRefusal::NoMapping { names } => {
                ProblemAnswer::new(&NO_MAPPING, no_mapping(&names))
            }
            RecordRefusal::ForeignForce => {
                tracing::warn!("http.foreign_force: a record named a force outside the identity");
                ProblemAnswer::new(&FOREIGN_FORCE, "Nothing was kept. Send it as its own force.")
            }
            RecordRefusal::NoProvider => ProblemAnswer::new(
                &FORBIDDEN,
                "The gateway has no provider for such records of this force. Ask its operators.",
            ),
            RecordRefusal::KeyReused => ProblemAnswer::new(
                &KEY_REUSED,
                "The Idempotency-Key belongs to another body. Send this one with a new key.",
            ),
            RecordRefusal::Crowded { .. } => {
                let detail = "Other bodies are being worked on. Send all of it again, or fewer records \
                              in a body.";
                ProblemAnswer::new(&UNAVAILABLE, detail).retry_after(5)
            }
            RecordRefusal::DayFull { bytes_max, retry_after_s } => {
                let detail = format!(
                    "This force's records have added {bytes_max} bytes to the store today, which is \
                     their limit. Keep them and send them after midnight; if they are right, ask the \
                     gateway's operators to raise store_bytes_per_day_max."
                );
                ProblemAnswer::new(&DAY_FULL, detail).retry_after(retry_after_s)
            }
        }
    }
}

impl From<ForceRefusal> for ProblemAnswer {
    fn from(refusal: ForceRefusal) -> Self {
        match refusal {
            ForceRefusal::Forbidden => {
                ProblemAnswer::new(&FORBIDDEN, "This identity may not do it.")
            }
            ForceRefusal::Absent => {
                ProblemAnswer::new(&ABSENT, "Check the id, and GET /v1/whoami.")
            }
            ForceRefusal::Parameter { name } => ProblemAnswer::parameter(name),
        }
    }
}

impl From<OrderRefusal> for ProblemAnswer {
    fn from(refusal: OrderRefusal) -> Self {
        match refusal {
            OrderRefusal::Forbidden => ProblemAnswer::new(
                &FORBIDDEN,
                "Your role may not do it. Ask for it in [[operators.user]] of gateway.toml.",
            ),
            OrderRefusal::Absent => {
                ProblemAnswer::new(&ABSENT, "There is no such thing. Check what you have named.")
            }
            OrderRefusal::Parameter { name } => {
                ProblemAnswer::new(&PARAMETER, ordered_wrongly(name))
            }
            OrderRefusal::WrongState(state) => ProblemAnswer::new(&WRONG_STATE, state.to_string()),
            OrderRefusal::Barred(barred) => ProblemAnswer::new(&PARAMETER, format!("{barred}.")),
            OrderRefusal::Mapping { report } => ProblemAnswer::new(&MAPPING, report),
        }
    }
}

impl ProblemAnswer {
    pub(in crate::http) fn internal() -> Self {
        ProblemAnswer::new(&INTERNAL, "Send it again later; equal records are found.")
    }
}

/// What is wrong with an operator's order, and what would be right.
fn ordered_wrongly(name: &str) -> String {
    match name {
        "because" => "The reason is empty. Say why: it stands in the audit chain.",
        "force" => "No force has this slug. Those that there are stand in gateway.toml.",
        "provider" => "No force's records go to a provider of this slug. Look into gateway.toml.",
        "name" => "A mapping is called referral, decision or notice.",
        "records" => "A mapping is tried on 1 to 10,000 kept records.",
        "seen" => "Only what was tried goes live. Send back what the dry run answered as `seen`.",
        name => return format!("`{name}` is not as described. GET /openapi.json describes it."),
    }
    .to_owned()
}

fn no_mapping(names: &[String]) -> String {
    if names.is_empty() {
        "This force has no live mapping. Ask the gateway's operators.".to_owned()
    } else {
        format!("None of them fits: {}. Choose one with ?mapping=.", names.join(", "))
    }
}

impl fmt::Display for ProblemAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.code.id, self.code.name, self.detail)
    }
}

impl std::error::Error for ProblemAnswer {}

impl ResponseError for ProblemAnswer {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        self.respond(self.records.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_is_used_once_and_has_a_whole_page() {
        let ids: BTreeSet<_> = ALL.iter().map(|code| code.id).collect();
        let names: BTreeSet<_> = ALL.iter().map(|code| code.name).collect();
        assert_eq!((ids.len(), names.len()), (ALL.len(), ALL.len()));
        for code in ALL {
            assert!(code.id.len() == 4 && code.id.starts_with('P'), "{}", code.id);
            assert!((400..600).contains(&code.status), "{}", code.id);
            for part in [code.title, code.means, code.cause, code.fix, code.avoid] {
                assert!(part.len() > 10, "{} is not explained", code.id);
            }
        }
    }

    #[test]
    fn an_internal_failure_says_nothing_of_its_cause() {
        let refused = ProblemAnswer::from(Failure::Ours(anyhow::anyhow!("table holds SMITH")));
        let body = serde_json::to_string(&refused.body(None)).unwrap();
        assert!(!body.contains("SMITH") && body.contains("P500"), "{body}");
    }
}
