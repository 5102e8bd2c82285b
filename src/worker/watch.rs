//! Looks after the store: is a commit possible, how much waits, must the process end.

use std::time::Duration;

use super::own::Own;
use super::{Stop, told};
use crate::config;
use crate::flow::Gateway;
use crate::metric::alert::STORE_REFUSING;
use crate::metric::{Health, Part};

const EVERY: Duration = Duration::from_secs(1);
/// Refusals in a row that are told: a lock that passes is no trouble.
const REFUSED: u32 = 5;

/// Looks every second until told to stop. Ends early when the store says that the process
/// must end: a commit failed and nobody knows what the disk holds.
pub async fn watch(gateway: Gateway, store: config::Store, health: Health, mut stop: Stop) {
    let metric = gateway.metric.clone();
    let own = Own::of(store, gateway.clock.clone(), metric.clone(), health.clone());
    let mut refused = 0;
    loop {
        own.look();
        if gateway.is_poisoned() {
            health.bad(Part::Store, "a commit failed in an unknown state; the gateway ends itself");
            tracing::error!("a commit failed in an unknown state; ending, so that a start looks");
            return;
        }
        match gateway.probe().await {
            Ok(()) => {
                refused = 0;
                metric.troubles().over(STORE_REFUSING, "gateway");
                health.good(Part::Store);
            }
            Err(error) => {
                refused += 1;
                if refused >= REFUSED {
                    metric.troubles().are(STORE_REFUSING, "gateway", 1);
                }
                if health.bad(Part::Store, error.to_string()) {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "the store cannot commit"
                    );
                }
            }
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = told(&mut stop) => return,
        }
    }
}
