//! Sending again what a provider has lost: it restored a backup, or its queue was purged.

use jiff::Timestamp;

use crate::{Gateway, Operator, Refusal, Role};
use cara_store::{Fact, Operation};

/// Puts every message to this provider that was confirmed since then back into the outbox, with
/// its id; answers how many. What waits to be sent anyhow is left alone.
pub async fn resend(
    gateway: &Gateway,
    operator: &Operator,
    provider: String,
    since: Timestamp,
    because: String,
) -> Result<u64, Refusal> {
    if operator.role < Role::Operate {
        return Err(Refusal::Forbidden);
    }
    if because.trim().is_empty() {
        return Err(Refusal::Parameter { name: "because" });
    }
    let sends = |force: &crate::Force| {
        [&force.provider, &force.test_provider].into_iter().flatten().any(|it| *it == provider)
    };
    if !gateway.forces.all().any(sends) {
        return Err(Refusal::Parameter { name: "provider" });
    }
    let now = gateway.clock.now();
    let fact = Fact {
        operation: Operation::Disclosure,
        by: operator.name.clone(),
        at: now,
        about: format!("everything confirmed from {since} to {now}, again"),
        to: Some(provider.clone()),
        note: Some(because),
    };
    Ok(gateway.store.resend(provider, since, now, fact).await?)
}
