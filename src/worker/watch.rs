//! Looks after the store: is a commit possible, how much waits, must the process end.

use std::time::Duration;

use super::{Stop, told};
use crate::flow::Gateway;
use crate::metric::{Health, Part};

const EVERY: Duration = Duration::from_secs(1);

/// Looks every second until told to stop. Ends early when the store says that the process
/// must end: a commit failed and nobody knows what the disk holds.
pub async fn watch(gateway: Gateway, health: Health, mut stop: Stop) {
    loop {
        if gateway.is_poisoned() {
            health.bad(Part::Store, "a commit failed in an unknown state; the gateway ends itself");
            tracing::error!("a commit failed in an unknown state; ending, so that a start looks");
            return;
        }
        match gateway.probe().await {
            Ok(()) => {
                health.good(Part::Store);
            }
            Err(error) => {
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
