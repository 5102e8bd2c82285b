//! What cannot be told by way of the store, told without it: that the store refuses, that the sweep
//! does not run.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Post, Stop, told};
use crate::clock::Clock;
use crate::metric::Metric;
use crate::metric::alert::{self, STORE_REFUSING, SWEEP_LATE};

const EVERY: Duration = Duration::from_secs(2);
/// Said again after so long while it lasts.
const AGAIN: Duration = Duration::from_secs(24 * 3600);
/// A mail that did not leave is tried again after so long.
const RETRY: Duration = Duration::from_secs(60);

/// Sends e-mail to the operators when one of these begins, every day while it lasts, and when it ends.
pub async fn alarm(post: Option<Post>, clock: Clock, metric: Metric, mut stop: Stop) {
    let mut told_at: BTreeMap<&'static str, Duration> = BTreeMap::new();
    let Some(post) = post else { return told(&mut stop).await };
    loop {
        let now = metric.troubles().now();
        for kind in [STORE_REFUSING, SWEEP_LATE] {
            let is_so = now.keys().any(|(known, _)| *known == kind);
            let at = clock.monotonic();
            let due = told_at.get(kind).is_none_or(|next| at >= *next);
            let stage = match (is_so, told_at.contains_key(kind)) {
                (true, false) => "opened",
                (true, true) if due => "open",
                (false, true) => "closed",
                _ => continue,
            };
            let sent = send(&post, &clock, kind, stage).await;
            match (sent, is_so) {
                (true, true) => told_at.insert(kind, at + AGAIN),
                (true, false) => told_at.remove(kind),
                // It was never told, so its end need not be.
                (false, _) if stage == "opened" => None,
                (false, _) => told_at.insert(kind, at + RETRY),
            };
        }
        tokio::select! {
            () = told(&mut stop) => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

async fn send(post: &Post, clock: &Clock, kind: &'static str, stage: &str) -> bool {
    let page = alert::kind(kind);
    let (means, now) = page.map_or(("", ""), |page| (page.means, page.now));
    let now = if stage == "closed" { "Nothing is left to do." } else { now };
    let subject = format!("CARA gateway: {kind} gateway {stage}");
    let text = format!(
        "{means}\n\nstate: {stage}\n\n{now}\n\nThis e-mail was sent without the store. \
         `cara-gateway explain {kind}` says more.\n"
    );
    let sent = post.mail.send(&post.operators, clock.id(), &subject, &text).await;
    if let Err(failed) = &sent {
        tracing::error!(kind, reason = failed.reason, "the alarm's e-mail did not leave");
    }
    sent.is_ok()
}
