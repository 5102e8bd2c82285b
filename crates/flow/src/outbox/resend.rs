//! Sending again what a provider has lost: it restored a backup, or its queue was purged.

use jiff::Timestamp;

use crate::audit::check_order;
use crate::{Gateway, Operator, OrderRefusal, Unfinished};
use cara_store::Fact;

/// Puts every message to this provider that was confirmed since then back into the outbox, with
/// its id; answers how many. What waits to be sent anyhow is left alone.
pub async fn resend(
    gateway: &Gateway,
    operator: &Operator,
    provider: String,
    since: Timestamp,
    because: String,
) -> Result<u64, Unfinished<OrderRefusal>> {
    check_order(operator, &because)?;
    let sends = |force: &crate::Force| {
        [&force.provider, &force.test_provider].into_iter().flatten().any(|it| *it == provider)
    };
    if !gateway.forces.all().any(sends) {
        return Err(OrderRefusal::Parameter { name: "provider" }.into());
    }
    let now = gateway.clock.now();
    let fact = Fact::sent_again(&operator.name, now, &provider, since, now, &because);
    Ok(gateway.store.resend(provider, since, now, fact).await?)
}
