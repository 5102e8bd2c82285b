//! Why a call was not carried out.

use cara_domain::correct::Barred;

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
    /// 400: a field of a held record that may not be corrected so.
    #[error("it cannot be corrected so: {0}")]
    Barred(#[source] Barred),
    /// 422: a mapping that cannot go live; the report names every problem of the file.
    #[error("the mapping cannot go live")]
    Mapping { report: String },
    /// 503: promises nothing.
    #[error("it could not be stored: {reason}")]
    Unavailable { reason: &'static str, retry_after_s: u32 },
    /// 503: other bodies take the room for what this one becomes.
    #[error("{bytes} bytes of room are needed for what the body becomes")]
    Crowded { bytes: usize },
    /// 503: the force's records have made the store grow by its limit of a day.
    #[error("the force's records may add {bytes_max} bytes to the store in a day, and have")]
    DayFull { bytes_max: u64, retry_after_s: u32 },
    /// 500: we must mend it.
    #[error("the gateway failed")]
    Internal(#[source] anyhow::Error),
}

impl Refusal {
    /// Something that cannot be, or that only we can mend.
    pub fn internal(error: impl std::error::Error + Send + Sync + 'static) -> Refusal {
        Refusal::Internal(anyhow::Error::new(error))
    }
}

impl From<cara_store::Error> for Refusal {
    fn from(error: cara_store::Error) -> Self {
        match error {
            cara_store::Error::Unavailable { reason } => {
                Refusal::Unavailable { reason, retry_after_s: 5 }
            }
            other => Refusal::internal(other),
        }
    }
}

impl From<cara_vault::Error> for Refusal {
    fn from(error: cara_vault::Error) -> Self {
        Refusal::internal(error)
    }
}
