//! Notices to forces.

use cara_domain::Compartment;
use cara_domain::notice::NoticeKind;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use uuid::Uuid;

use super::Error;
use super::value::{ForceNumber, SealedSide};
use cara_vault::WrappedKeys;

/// Reads of notices.
pub trait Notices: Send + Sync + 'static {
    fn notice(&self, notice_id: Uuid) -> BoxFuture<'_, Result<Option<NoticeRow>, Error>>;

    /// One stream's notices by number; at most `limit`.
    fn notices(
        &self,
        filter: NoticeFilter,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<NoticeRow>, Error>>;

    /// The first notice of a stream, above a number, that was neither taken over nor cancelled.
    fn next_notice(&self, filter: NoticeFilter) -> BoxFuture<'_, Result<Option<NoticeRow>, Error>>;
}

/// A notice without its number: that is drawn in the transaction that stores it.
#[derive(Debug)]
pub struct NewNotice {
    pub notice_id: Uuid,
    pub kind: NoticeKind,
    /// The outcome that caused it. Each (referral, kind, cause) makes one notice at most.
    pub cause: Uuid,
    pub made_at: Timestamp,
    /// A side's notices are a stream of their own with numbers of their own.
    pub body: SealedSide,
}

/// A notice that a clock made. `Conflict` unless the case has as many facts as it was made from, or the
/// hold is open.
#[derive(Debug)]
pub struct DueNotice {
    pub about: About,
    /// Of the case.
    pub facts: u32,
    pub notice: NewNotice,
}

/// Whose keys a notice is sealed under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum About {
    Referral(Uuid),
    /// A record that is held and no referral yet.
    Hold(Uuid),
}

impl About {
    /// The id that its keys are bound to.
    pub fn id(self) -> Uuid {
        match self {
            About::Referral(id) | About::Hold(id) => id,
        }
    }

    pub fn referral_id(self) -> Option<Uuid> {
        match self {
            About::Referral(id) => Some(id),
            About::Hold(_) => None,
        }
    }
}

/// Which notices a caller asks for.
#[derive(Clone, Debug)]
pub struct NoticeFilter {
    pub force: ForceNumber,
    pub test_data: bool,
    pub stream: Compartment,
    /// Numbers above this one.
    pub after: u64,
}

/// A notice with what opens it.
#[derive(Debug)]
pub struct NoticeRow {
    pub notice_id: Uuid,
    pub about: About,
    pub force: ForceNumber,
    pub test_data: bool,
    /// 1, 2, 3 … for each force, test or live, and stream; without gaps.
    pub sequence: u64,
    /// `Err`: a kind that this version does not know. Such a notice cannot be written as a letter.
    pub kind: Result<NoticeKind, String>,
    pub made_at: Timestamp,
    pub taken_over_at: Option<Timestamp>,
    /// A decision made it needless before anybody took it over. It keeps its number.
    pub cancelled_at: Option<Timestamp>,
    pub keys: WrappedKeys,
    pub body: SealedSide,
}

/// A notice as a referral's page names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeState {
    pub notice_id: Uuid,
    pub stream: Compartment,
    pub sequence: u64,
    /// `Err`: a kind that this version does not know.
    pub kind: Result<NoticeKind, String>,
    pub taken_over_at: Option<Timestamp>,
    pub cancelled_at: Option<Timestamp>,
}
