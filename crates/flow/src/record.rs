//! A record: read, compared with what is stored, written, answered.

pub mod accept;
mod choose;
mod compare;
mod content;
pub(crate) mod decide;
pub(crate) mod growth;
pub(crate) mod prepare;
pub(crate) mod read;
pub(crate) mod release;
pub mod turn;

use std::sync::Arc;

use bytes::Bytes;
use cara_wire::api;

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
    /// What it may become; none: whatever it does.
    pub room: Option<Arc<turn::Room>>,
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
