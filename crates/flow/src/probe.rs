//! Whether the store can commit, and how much waits in it.

use std::time::Duration;

use crate::record::growth;
use crate::{Failure, Gateway};

/// Whether the store can commit now; also reads how much waits, for the metrics.
pub async fn probe(gateway: &Gateway) -> Result<(), Failure> {
    gateway.store.probe().await?;
    growth::tell_growth(gateway);
    let backlog = gateway.store.backlog().await?;
    let age = backlog.oldest.map(|oldest| gateway.clock.now().duration_since(oldest));
    let age = age.and_then(|age| Duration::try_from(age).ok()).unwrap_or_default();
    gateway.metric.backlog(backlog.rows, age);
    Ok(())
}
