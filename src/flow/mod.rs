//! The stories: what happens to a record, told once, whoever asks. Edges speak only to this room.

use bytes::Bytes;
use cara_record::wire::api;
use uuid::Uuid;

use crate::store::ForceCode;

/// Who is calling, proven by a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The identity's name in `gateway.toml`.
    pub identity: String,
    /// Never empty.
    pub forces: Vec<ForceCode>,
    /// A test identity's records never reach a live queue.
    pub test: bool,
}

/// One body of `POST /v1/records`, read whole.
#[derive(Clone, Debug)]
pub struct Submission {
    /// Without parameters, lower case: `application/xml`.
    pub media_type: String,
    pub body: Bytes,
    /// `?mapping=`: names the mapping instead of looking for one that matches.
    pub mapping: Option<String>,
    pub idempotency_key: Option<String>,
    /// Translate and answer; store nothing.
    pub dry_run: bool,
}

/// The answer to a submission.
#[derive(Clone, Debug, PartialEq)]
pub enum Accepted {
    /// The gateway has taken responsibility for at least one record: 202.
    Taken(api::RecordsAnswer),
    /// Every record is at fault: 422. Each is held all the same.
    AllAtFault(api::RecordsAnswer),
    /// A dry run: 200, nothing is stored.
    DryRun(api::RecordsAnswer),
}

/// Why a call was not carried out. The edge turns each into a problem.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// 400, with the place where reading stopped.
    #[error("the body cannot be read: {reason}")]
    Unparseable { code: &'static str, reason: String, line: Option<u32>, column: Option<u32> },
    /// 413
    #[error("the body is over a limit: {limit}")]
    TooLarge { limit: String },
    /// 415
    #[error("no mapping of this force reads this media type")]
    MediaType,
    /// 422: none of the force's mappings fits the body; `?mapping=` can name one of these.
    #[error("no mapping fits this body")]
    NoMapping { names: Vec<String> },
    /// 403: the record names a force that this identity does not stand for. Nothing is kept.
    #[error("the record names a force outside this identity's set")]
    ForeignForce,
    /// 403
    #[error("this identity or role has not the right")]
    Forbidden,
    /// 404: absent, or another force's, which looks the same.
    #[error("there is no such thing for this caller")]
    Absent,
    /// 409: the idempotency key is bound to another body.
    #[error("the idempotency key was used with another body")]
    KeyReused,
    /// 409: the thing is not in the state that the call needs.
    #[error("not in the state that this needs: {state}")]
    WrongState { state: &'static str },
    /// 400: a parameter of the call.
    #[error("the parameter {name} is not as described")]
    Parameter { name: &'static str },
    /// 503: promises nothing.
    #[error("it could not be stored: {reason}")]
    Unavailable { reason: &'static str, retry_after_s: u32 },
    /// 500: we must mend it.
    #[error("the gateway failed")]
    Internal(#[source] anyhow::Error),
}

/// An operator, proven by the operating system's user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    pub name: String,
    pub role: Role,
    pub victims: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Look,
    Operate,
    Administer,
}

/// A hold in the operators' list.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct HoldLine {
    pub hold_id: Uuid,
    pub force: String,
    pub received_at: String,
    pub state: String,
    pub causes: Vec<api::FindingView>,
    /// Unlisted codes that look like codes (12 characters at most, no space); others are masked.
    pub unlisted: Vec<String>,
}

/// One page of the operators' list of holds.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct HoldPage {
    pub holds: Vec<HoldLine>,
    /// Ask again with `after` set to this for the rest.
    pub next: Option<Uuid>,
}

/// How a release ended.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Released {
    pub hold_id: Uuid,
    /// The record's fate on the full path; still `held` when it is at fault again.
    pub record: api::RecordAnswer,
}
