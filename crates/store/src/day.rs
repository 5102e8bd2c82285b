//! A force's day.

use futures_util::future::BoxFuture;
use jiff::civil::Date;
use uuid::Uuid;

use super::Error;
use super::hold::HoldEnd;
use super::value::ForceNumber;

/// Reads of days.
pub trait Days: Send + Sync + 'static {
    /// Counts and ids by state for one force, test or live, and one day in Europe/London.
    fn day(&self, force: ForceNumber, test: bool, day: Date) -> BoxFuture<'_, Result<Day, Error>>;

    /// The last day in Europe/London on which something arrived from a force.
    fn last_heard(&self, force: ForceNumber) -> BoxFuture<'_, Result<Option<Date>, Error>>;
}

/// One force's day: every id that arrived on it, by where it is now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Day {
    /// Revisions received on the day: referral, revision, and whether every message is confirmed.
    pub revisions: Vec<(Uuid, u32, bool)>,
    pub holds_open: Vec<Uuid>,
    pub holds_ended: Vec<(Uuid, HoldEnd)>,
    /// Holds of earlier days that ended on this one.
    pub earlier_ended: Vec<(Uuid, HoldEnd)>,
    /// Decisions received on the day.
    pub decisions: Vec<Uuid>,
    /// Notices made on the day: `notice_waiting`, `notice_delivered`, `notice_taken_over` or
    /// `notice_cancelled`.
    pub notices: Vec<(Uuid, &'static str)>,
    /// The audit chain's head at the end of the day, hexadecimal, with its sequence.
    pub audit_head: Option<(u64, String)>,
}
