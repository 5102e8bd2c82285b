//! Messages on their way to providers, and the leases by which they are worked on.

use std::sync::Arc;

use cara_domain::Compartment;
use cara_domain::choice::MessageAction;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::Notify;
use uuid::Uuid;

use super::Error;
use super::fact::Fact;
use super::value::{ForceNumber, RowId, SealedSide};
use cara_vault::{OffenderKey, Sealed, VictimKey, WrappedKeys};

/// How the outbox is worked through.
pub trait OutboxRows: Send + Sync + 'static {
    /// Leases up to `limit` outbox rows of the route, without a look at others': none whose lane has an earlier unsettled row, none whose
    /// `after` message is unsettled (a leased row is unsettled). A lease has a token and a deadline: not
    /// settled within `lease_s`, its row is free again, whatever has become of its holder or of this
    /// process; a backend that knows better may free it before. May answer with
    /// none while it still looks through a long backlog; then it wakes its waiters again. A row that
    /// cannot be read is its lease alone, and stops no other.
    fn claim(
        &self,
        route: OutboxRoute,
        limit: usize,
        lease_s: u32,
    ) -> BoxFuture<'_, Result<Vec<Result<Leased, Lease>>, Error>>;

    /// Ends work on leased rows. A lease is lost when another claim has taken its row: then nothing
    /// changes and the answer is `false`. After an error some may be settled and some not; trying
    /// again is right, and a row that was settled already answers `false`.
    fn settle(&self, outcomes: Vec<(Lease, Settled)>) -> BoxFuture<'_, Result<Vec<bool>, Error>>;

    /// Makes claimable again, with their ids, the messages to a provider that were confirmed from
    /// `since` on and before `until`; answers how many.
    fn resend(
        &self,
        provider: String,
        since: Timestamp,
        until: Timestamp,
        audit: Fact,
    ) -> BoxFuture<'_, Result<u64, Error>>;

    /// Outbox rows that wait, and since when the oldest does.
    fn backlog(&self) -> BoxFuture<'_, Result<Backlog, Error>>;

    /// Since when the oldest message to the provider waits to be sent; what is sent again waits anew.
    fn oldest_waiting(&self, provider: String) -> BoxFuture<'_, Result<Option<Timestamp>, Error>>;

    /// Wakes all that wait after a commit that may have made a row claimable. It carries no data:
    /// register, look, wait; and poll as well.
    fn wake(&self) -> Arc<Notify>;
}

/// One outbox row. Its body is the revision's `offender_event` or `victim_event`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// The event's id: stable across retries and restarts.
    pub event_id: Uuid,
    pub compartment: Compartment,
    pub kind: MessageAction,
    /// A message of the same referral that must be confirmed before this one may be claimed.
    pub after: Option<Uuid>,
}

/// A message to the provider that an outcome or a decision caused; no revision carries it.
#[derive(Debug)]
pub struct CausedMessage {
    /// The event's id: stable across retries and restarts.
    pub event_id: Uuid,
    pub kind: MessageAction,
    pub made_at: Timestamp,
    /// The event's body, exactly as it is published.
    pub body: SealedSide,
    /// A message of the same referral that must be confirmed before this one may be claimed.
    pub after: Option<Uuid>,
}

#[derive(Clone, Debug)]
pub struct MessageState {
    pub event_id: Uuid,
    pub compartment: Compartment,
    /// `Err`: one that this version does not know.
    pub kind: Result<MessageAction, String>,
    pub confirmed_at: Option<Timestamp>,
}

/// Where messages go: one side of one provider. Each route has a channel of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OutboxRoute {
    pub provider: String,
    pub side: Compartment,
}

/// The right to work on one outbox row. The token is new for every claim.
#[derive(Clone, Debug)]
pub struct Lease {
    pub row_id: RowId,
    pub token: u64,
}

impl Lease {
    /// What it is the right to, for the log and for incidents.
    pub fn about(&self) -> String {
        format!("outbox row {}", self.row_id)
    }
}

/// A leased outbox row with all that is needed to reopen its event.
#[derive(Debug)]
pub struct Leased {
    pub lease: Lease,
    pub event_id: Uuid,
    pub referral_id: Uuid,
    /// None: an outcome or a decision caused it, and it is sealed under its own id.
    pub revision: Option<u32>,
    pub force: ForceNumber,
    pub provider: String,
    pub compartment: Compartment,
    /// `Err`: one that this version does not know.
    pub kind: Result<MessageAction, String>,
    pub received_at: Timestamp,
    pub keys: WrappedKeys,
    pub body: LeasedBody,
    /// How often work on it has ended in a retry.
    pub attempts: u32,
}

#[derive(Debug)]
pub enum LeasedBody {
    Offender(Sealed<OffenderKey>),
    Victim(Sealed<VictimKey>),
}

/// The two ways a step of work ends; there is no third.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The receiver has it. `disclosure` goes into the audit chain in the same transaction.
    Done { at: Timestamp, disclosure: Box<Fact> },
    /// Again, not before this time.
    Retry { not_before: Timestamp, reason: &'static str },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Not settled.
    pub rows: u64,
    /// Since when the oldest of `rows` waits.
    pub oldest: Option<Timestamp>,
}
