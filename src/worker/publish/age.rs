//! How long a provider's oldest message has waited.

use std::time::Duration;

use super::Publish;
use crate::worker::Outbox;
use cara_metric::alert::BACKLOG_OLD;

/// What has waited longer is an incident; looked at this often.
const OLD_S: i64 = 15 * 60;
const AGE_EVERY_S: u64 = 15;

impl<O: Outbox> Publish<O> {
    /// Says for ever whether something has waited too long.
    pub(super) async fn watch_age(&self) {
        loop {
            let provider = self.publisher.provider();
            // A store that is away is said elsewhere.
            if let Ok(oldest) = self.outbox.oldest(provider.to_owned()).await {
                let age = oldest.map(|oldest| self.clock.now().duration_since(oldest).as_secs());
                match age.filter(|age| *age > OLD_S) {
                    Some(_) => self.metric.troubles().are(BACKLOG_OLD, provider, 1),
                    None => self.metric.troubles().over(BACKLOG_OLD, provider),
                }
            }
            tokio::time::sleep(Duration::from_secs(AGE_EVERY_S)).await;
        }
    }
}
