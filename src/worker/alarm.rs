//! What cannot be told by way of the store, told without it: that the store refuses, that the sweep
//! does not run.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Post, Stop, stopped};
use cara_clock::{Backoff, Clock};
use cara_metric::Metric;
use cara_metric::alert::{self, STORE_REFUSING, SWEEP_LATE};

const EVERY: Duration = Duration::from_secs(2);
/// Said again after so long while it lasts.
const AGAIN: Duration = Duration::from_secs(24 * 3600);
/// A mail that did not leave is tried again after half a minute, later and later, and at least so
/// often.
const REST_MAX: Duration = Duration::from_secs(600);
const BACKOFF: Backoff = Backoff::of(Duration::from_secs(32), REST_MAX);

/// What was said of one kind, on the monotonic clock.
#[derive(Default)]
struct Said {
    /// The operators have been told that it is so.
    is_told: bool,
    /// Tries in a row that did not leave.
    failures: u32,
    next: Duration,
}

/// Sends e-mail to the operators when one of these begins, every day while it lasts, and when it ends.
pub async fn alarm(post: Option<Post>, clock: Clock, metric: Metric, mut stop: Stop) {
    let mut all: BTreeMap<&'static str, Said> = BTreeMap::new();
    let Some(post) = post else { return stopped(&mut stop).await };
    loop {
        let now = metric.troubles().now();
        for kind in [STORE_REFUSING, SWEEP_LATE] {
            let is_so = now.keys().any(|(known, _)| *known == kind);
            let said = all.entry(kind).or_default();
            let at = clock.monotonic();
            let stage = match (is_so, said.is_told) {
                // It was never told, so its end need not be.
                (false, false) => {
                    *said = Said::default();
                    continue;
                }
                // Its end is told at once.
                (false, true) if said.failures > 0 && at < said.next => continue,
                (false, true) => "closed",
                (true, _) if at < said.next => continue,
                (true, false) => "opened",
                (true, true) => "open",
            };
            let sent = tokio::select! {
                () = stopped(&mut stop) => return,
                sent = send(&post, &clock, kind, stage) => sent,
            };
            *said = match sent {
                Ok(()) => Said { is_told: is_so, failures: 0, next: at + AGAIN },
                Err(reason) => {
                    let failures = said.failures.saturating_add(1);
                    if failures == 1 {
                        tracing::error!(
                            kind,
                            stage,
                            reason,
                            "the alarm's e-mail did not leave; it is tried again"
                        );
                    }
                    let rest = BACKOFF.after(failures, clock.random());
                    Said { is_told: said.is_told, failures, next: at + rest.min(REST_MAX) }
                }
            };
        }
        tokio::select! {
            () = stopped(&mut stop) => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

async fn send(
    post: &Post,
    clock: &Clock,
    kind: &'static str,
    stage: &str,
) -> Result<(), &'static str> {
    let page = alert::kind(kind);
    let (means, now) = page.map_or(("", ""), |page| (page.means, page.now));
    let now = if stage == "closed" { "Nothing is left to do." } else { now };
    let subject = format!("CARA gateway: {kind} gateway {stage}");
    let text = format!(
        "{means}\n\nstate: {stage}\n\n{now}\n\nThis e-mail was sent without the store. \
         `cara-gateway explain {kind}` says more.\n"
    );
    let sent = post.mail.send(&post.operators, clock.id(), &subject, &text).await;
    sent.map_err(|failed| failed.reason)
}
