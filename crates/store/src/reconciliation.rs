//! What providers say of a day.

use cara_domain::Compartment;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use super::Error;

/// Reads of reconciliations.
pub trait Reconciliations: Send + Sync + 'static {
    /// What one side of a provider said of a day.
    fn reconciled(
        &self,
        provider: String,
        side: Compartment,
        day: Date,
    ) -> BoxFuture<'_, Result<Option<Reconciled>, Error>>;

    /// Messages to one side of a provider whose own time is on this day in Europe/London, and
    /// whether the broker has confirmed each.
    fn exchanged(
        &self,
        provider: String,
        side: Compartment,
        day: Date,
    ) -> BoxFuture<'_, Result<Vec<(Uuid, bool)>, Error>>;
}

/// What a provider's side says of a day, compared with what is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconciled {
    pub provider: String,
    pub side: Compartment,
    pub day: Date,
    pub at: Timestamp,
    /// Outcomes that the provider says it reported and that are not here.
    pub missing_here: Vec<Uuid>,
    /// Messages that were sent and that the provider says it has not got.
    pub missing_there: Vec<Uuid>,
}
