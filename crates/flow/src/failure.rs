//! Why a story did not come to its end, by who has to act: whoever called, time, or we.

use cara_domain::correct::Barred;
use cara_store::{HoldEnd, NotWritten};
use cara_wire::operators::delivery::LetterState;

/// What nobody who called has caused.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Time mends it; nothing was promised.
    #[error("it could not be stored: {reason}")]
    Passing { reason: &'static str, retry_after_s: u32 },
    /// We must mend it.
    #[error("the gateway failed")]
    Ours(#[source] anyhow::Error),
}

/// A story that did not come to its end. `R`: what its caller may have done.
#[derive(Debug, thiserror::Error)]
pub enum Unfinished<R: Refusal> {
    /// The caller must act.
    #[error(transparent)]
    Refused(R),
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// What callers of a story may have done, so that it is refused.
pub trait Refusal: std::error::Error + 'static {}

/// Why records are not taken.
#[derive(Debug, thiserror::Error)]
pub enum RecordRefusal {
    /// With the place where reading stopped.
    #[error("the body cannot be read: {reason}")]
    Unparseable { reason: String, line: Option<u32>, column: Option<u32> },
    #[error("the body is over a limit: {limit}")]
    TooLarge { limit: String },
    #[error("no mapping of this force reads this media type")]
    MediaType,
    /// None of the force's mappings fits the body; `?mapping=` can name one of these.
    #[error("no mapping fits this body")]
    NoMapping { names: Vec<String> },
    /// The record names a force that this identity does not stand for. Nothing is kept.
    #[error("the record names a force outside this identity's set")]
    ForeignForce,
    #[error("the force has no provider for such records")]
    NoProvider,
    #[error("the idempotency key was used with another body")]
    KeyReused,
    /// Other bodies take the room for what this one becomes.
    #[error("{bytes} bytes of room are needed for what the body becomes")]
    Crowded { bytes: usize },
    /// The force's records have made the store grow by its limit of a day.
    #[error("the force's records may add {bytes_max} bytes to the store in a day, and have")]
    DayFull { bytes_max: u64, retry_after_s: u32 },
}

/// Why a force is not answered about what the gateway has.
#[derive(Debug, thiserror::Error)]
pub enum ForceRefusal {
    #[error("this identity has not the right")]
    Forbidden,
    /// Absent, or another force's, which looks the same.
    #[error("there is no such thing for this caller")]
    Absent,
    #[error("the parameter {name} is not as described")]
    Parameter { name: &'static str },
}

/// Why an operator's order is not carried out.
#[derive(Debug, thiserror::Error)]
pub enum OrderRefusal {
    #[error("the operator's role has not the right")]
    Forbidden,
    #[error("there is no such thing")]
    Absent,
    #[error("the parameter {name} is not as described")]
    Parameter { name: &'static str },
    #[error(transparent)]
    WrongState(#[from] WrongState),
    /// A field of a held record that may not be corrected so.
    #[error("it cannot be corrected so: {0}")]
    Barred(#[source] Barred),
    /// A mapping that cannot go live; the report names every problem of the file.
    #[error("the mapping cannot go live")]
    Mapping { report: String },
}

/// What an operator's order is about is not in the state that the order needs. Whole sentences: they
/// are shown as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongState {
    #[error("Somebody else was first: look at it again.")]
    SomebodyFirst,
    #[error("The hold {}.", ended(*.0))]
    HoldEnded(HoldEnd),
    #[error("The mapping that held the record is no longer live: put one live that reads it.")]
    MappingGone,
    #[error(
        "The mapping that is live now cannot read the record as one record: put one live that can."
    )]
    NotReadByMapping,
    #[error("The force has no provider for this record: name one in gateway.toml.")]
    NoProvider,
    #[error("The clock is not in doubt: there is nothing to accept.")]
    ClockNotInDoubt,
    #[error("Pushing to this force is paused already.")]
    PausedAlready,
    #[error("Pushing to this force is not paused.")]
    NotPaused,
    #[error("This very text is live already.")]
    LiveAlready,
    #[error("The text is not the one that was tried: try it again.")]
    AnotherText,
    #[error("Another version has gone live since it was tried: try it again.")]
    AnotherVersion,
    #[error("Another version went live at the same moment: look at it again.")]
    VersionTaken,
    #[error("The letter cannot be changed so: {}.", .0.words())]
    Letter(LetterState),
}

fn ended(end: HoldEnd) -> &'static str {
    match end {
        HoldEnd::Released => "is already released",
        HoldEnd::Corrected => "is already corrected",
        HoldEnd::Returned => "is already returned",
        HoldEnd::Superseded => "was ended by a later good record of the case",
        HoldEnd::Withdrawn => "was ended by the force, which withdrew the case",
    }
}

impl Refusal for RecordRefusal {}
impl Refusal for ForceRefusal {}
impl Refusal for OrderRefusal {}

impl<R: Refusal> From<R> for Unfinished<R> {
    fn from(refusal: R) -> Self {
        Unfinished::Refused(refusal)
    }
}

impl From<WrongState> for Unfinished<OrderRefusal> {
    fn from(state: WrongState) -> Self {
        Unfinished::Refused(state.into())
    }
}

impl Failure {
    /// Something that cannot be, or that only we can mend.
    pub fn ours(error: impl std::error::Error + Send + Sync + 'static) -> Failure {
        Failure::Ours(anyhow::Error::new(error))
    }

    /// The same case was changed by others at each try.
    pub(crate) fn case_busy() -> Failure {
        Failure::Passing { reason: "the same case keeps changing", retry_after_s: 1 }
    }

    /// What must not be missing is.
    pub(crate) fn missing(what: &'static str) -> Failure {
        Failure::Ours(anyhow::anyhow!("{what} that was there is gone"))
    }
}

impl<R: Refusal> Unfinished<R> {
    /// See [`Failure::ours`].
    pub fn ours(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Unfinished::Failed(Failure::ours(error))
    }
}

impl From<cara_store::Error> for Failure {
    fn from(error: cara_store::Error) -> Self {
        match error {
            cara_store::Error::Unavailable { reason } => {
                Failure::Passing { reason, retry_after_s: 5 }
            }
            other => Failure::ours(other),
        }
    }
}

/// But for a conflict, which is nobody's failure.
impl From<NotWritten> for Failure {
    fn from(refused: NotWritten) -> Self {
        match refused {
            NotWritten::Unavailable { reason } => Failure::Passing { reason, retry_after_s: 5 },
            fault => Failure::ours(fault),
        }
    }
}

impl From<cara_vault::Error> for Failure {
    fn from(error: cara_vault::Error) -> Self {
        Failure::ours(error)
    }
}

impl<R: Refusal> From<cara_store::Error> for Unfinished<R> {
    fn from(error: cara_store::Error) -> Self {
        Unfinished::Failed(error.into())
    }
}

impl<R: Refusal> From<cara_vault::Error> for Unfinished<R> {
    fn from(error: cara_vault::Error) -> Self {
        Unfinished::Failed(error.into())
    }
}
