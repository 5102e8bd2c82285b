//! Looks at every stored row after a start and once a day, at its leisure.

use std::time::Duration;

use super::{Stop, stopped};
use cara_flow::Gateway;
use cara_metric::{Health, Part};

/// After a read that failed.
const REST: Duration = Duration::from_secs(60);

/// Goes on until told to stop. What is found is said by the store.
pub async fn scrub(gateway: Gateway, health: Health, mut stop: Stop) {
    health.bad(Part::Scrub, "not yet checked: no stored row was looked at since the start");
    loop {
        let rest = match gateway.scrub().await {
            Ok(scrubbed) => {
                match scrubbed.unchecked {
                    (0, _) => health.good(Part::Scrub),
                    (left, all) => health.bad(
                        Part::Scrub,
                        format!(
                            "not yet checked: {left} of {all} tables were not looked at whole since \
                             the start"
                        ),
                    ),
                };
                scrubbed.rest
            }
            Err(error) => {
                health.bad(Part::Scrub, format!("the stored rows cannot be looked at: {error}"));
                REST
            }
        };
        tokio::select! {
            () = tokio::time::sleep(rest) => {}
            () = stopped(&mut stop) => return,
        }
    }
}
