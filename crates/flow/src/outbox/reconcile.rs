//! A provider's day compared with ours: ids that are missing on either side.

use std::collections::BTreeSet;

use cara_wire::reconciliation::ReconciliationCount;
use uuid::Uuid;

use crate::case::conclude::{Arrived, Concluded, End};
use crate::case::consult;
use crate::{Gateway, Refusal};
use cara_store::{Entry, Fact, Operation, Reconciled, What};

/// Compares what one side of a provider says of a day, and keeps what is missing. A later word
/// about the same day replaces an earlier one.
pub(crate) async fn reconcile(
    gateway: &Gateway,
    arrived: &Arrived,
    counted: ReconciliationCount,
) -> Result<Concluded, Refusal> {
    let provider = arrived.provider.clone();
    let side = arrived.side;
    let got: BTreeSet<Uuid> = counted.messages.into_iter().collect();
    let sent = gateway.store.exchanged(provider.clone(), side, counted.day).await?;
    let missing_there: Vec<Uuid> = sent
        .into_iter()
        .filter(|(id, is_confirmed)| *is_confirmed && !got.contains(id))
        .map(|(id, _)| id)
        .collect();
    let missing_here = gateway.store.absent_outcomes(counted.outcomes).await?;
    let at = gateway.clock.now();
    let fact = Fact {
        operation: Operation::Combination,
        by: arrived.speaker.clone().unwrap_or_else(|| provider.clone()),
        at,
        about: format!("reconciliation of {provider} for {}", counted.day),
        to: None,
        note: Some(format!(
            "{} missing there, {} missing here",
            missing_there.len(),
            missing_here.len()
        )),
    };
    let day = counted.day;
    let reconciled = Reconciled { provider, side, day, at, missing_here, missing_there };
    let what = What::Reconciled(reconciled);
    consult::write_one(gateway, Entry::of(what, vec![fact])).await?;
    Ok(Concluded::of(End::Applied, Vec::new()))
}
