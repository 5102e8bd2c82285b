//! Looks after the store: is a commit possible, how much waits, must the process end.

use std::time::Duration;

use super::own::Own;
use super::{Stop, stopped};
use cara_flow::Gateway;
use cara_flow::probe;
use cara_metric::alert::STORE_REFUSING;
use cara_metric::{Health, Part};

const EVERY: Duration = Duration::from_secs(2);
/// While the store refuses.
const EVERY_BAD: Duration = Duration::from_secs(1);
/// The look at disk, memory and descriptors costs more than a probe, and comes every so many, unless
/// the sweep has still to be seen.
const OWN_EVERY: u32 = 3;
/// Refusals in a row that are told: a lock that passes is no trouble.
const REFUSED: u32 = 5;

/// Looks again and again until told to stop. Ends the process when the store says that it must
/// end: a commit failed and nobody knows what the disk holds.
pub async fn watch(
    gateway: Gateway,
    store: cara_config::StoreSettings,
    health: Health,
    mut stop: Stop,
) {
    let metric = gateway.metric.clone();
    let path = store.path.display().to_string();
    let own = Own::of(store, gateway.clock.clone(), metric.clone(), health.clone());
    let mut refused = 0;
    for round in (0..OWN_EVERY).cycle() {
        if round == 0 || !health.state(Part::Sweep).is_good() {
            own.look();
        }
        if let Some(reason) = gateway.poison() {
            let what = format!(
                "the disk below the store {path} did not keep what was written ({reason}), and nobody \
                 knows what it holds; nothing of that was acknowledged. Look at that disk (room, \
                 rights, a read-only mount, the kernel's log) and mend it"
            );
            tracing::error!(what, "the process ends, so that a start looks");
            health.bad(Part::Store, &*what);
            cara_supervisor::die(what);
            return stopped(&mut stop).await;
        }
        match probe::probe(&gateway).await {
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
            () = tokio::time::sleep(if refused == 0 { EVERY } else { EVERY_BAD }) => {}
            () = stopped(&mut stop) => return,
        }
    }
}
