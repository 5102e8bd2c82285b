//! A provider's day compared with ours: ids that are missing on either side.

use std::collections::BTreeSet;

use cara_domain::Compartment;
use cara_wire::operators::{ProviderDay, ProviderSaid, ProviderSide};
use cara_wire::reconciliation::ReconciliationCount;
use jiff::civil::Date;
use uuid::Uuid;

use crate::audit::record_look;
use crate::{Failure, Gateway, Operator, write};
use cara_store::{Entry, Fact, Reconciled, What};

/// Compares what one side of a provider says of a day, and keeps what is missing. A later word
/// about the same day replaces an earlier one. `speaker`: the broker's user that says it.
pub(crate) async fn reconcile(
    gateway: &Gateway,
    provider: &str,
    side: Compartment,
    speaker: &str,
    counted: ReconciliationCount,
) -> Result<(), Failure> {
    let got: BTreeSet<Uuid> = counted.messages.into_iter().collect();
    let sent = gateway.store.exchanged(provider.to_owned(), side, counted.day).await?;
    let missing_there: Vec<Uuid> = sent
        .into_iter()
        .filter(|(id, is_confirmed)| *is_confirmed && !got.contains(id))
        .map(|(id, _)| id)
        .collect();
    let missing_here = gateway.store.absent_outcomes(counted.outcomes).await?;
    let (at, day) = (gateway.clock.now(), counted.day);
    let (there, here) = (missing_there.len(), missing_here.len());
    let fact = Fact::day_reconciled(speaker, at, provider, day, there, here);
    let provider = provider.to_owned();
    let reconciled = Reconciled { provider, side, day, at, missing_here, missing_there };
    match write::entry(gateway, Entry::of(What::Reconciled(reconciled), vec![fact])).await? {
        true => Ok(()),
        false => Err(Failure::Passing { reason: "somebody else was first", retry_after_s: 1 }),
    }
}

/// Both sides of a provider: messages by the day of their own time, and what it says of them.
pub async fn provider_day(
    gateway: &Gateway,
    operator: &Operator,
    provider: String,
    day: Date,
) -> Result<ProviderDay, Failure> {
    let fact = Fact::day_read(&operator.name, gateway.clock.now(), &provider, day);
    record_look(gateway, fact).await?;
    let mut sides = Vec::new();
    for (side, name) in [(Compartment::Offender, "offender"), (Compartment::Victim, "victim")] {
        let messages = gateway.store.exchanged(provider.clone(), side, day).await?;
        let ids = |sent: bool| -> Vec<Uuid> {
            let of = messages.iter().filter(|(_, is_sent)| *is_sent == sent);
            of.map(|(id, _)| *id).collect()
        };
        let said = gateway.store.reconciled(provider.clone(), side, day).await?;
        sides.push(ProviderSide {
            side: name.to_owned(),
            sent: ids(true),
            queued: ids(false),
            provider: said.map(|it| ProviderSaid {
                said_at: it.at,
                missing_there: it.missing_there,
                missing_here: it.missing_here,
            }),
        });
    }
    Ok(ProviderDay { provider, day, sides })
}
