//! The clock's loop: sweeps, says what operators have to know, and sends the e-mail about it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;

use super::{Stop, told};
use crate::clock::{Clock, later};
use crate::delivery::{Lasting, Mail, backoff};
use crate::flow::mail::{To, Written};
use crate::flow::sweep::{Incident, Sweeper, Swept};
use crate::flow::{Gateway, Refusal};
use crate::metric::Metric;
use crate::metric::alert::{self, Alerts, MAIL_NOT_LEAVING};

const EVERY: Duration = Duration::from_secs(15);
/// E-mail of one round.
const MAILS_AT_ONCE: usize = 20;
/// An e-mail that is older than this is of no use to anybody.
const USEFUL: Duration = Duration::from_secs(72 * 3600);

/// E-mail that waits longer is an incident.
const LEAVES: Duration = Duration::from_secs(15 * 60);
const SERVER: &str = "mail server";

/// What others see that an operator has to know of: dead queues, certificates that end.
pub type Outside = Arc<dyn Fn() -> BoxFuture<'static, Alerts> + Send + Sync>;

/// The mail server, and who the operators are.
#[derive(Clone)]
pub struct Post {
    pub mail: Mail,
    pub operators: Vec<String>,
}

/// Sweeps until told to stop.
pub async fn tend(
    gateway: Gateway,
    outside: Outside,
    post: Option<Post>,
    clock: Clock,
    metric: Metric,
    mut stop: Stop,
) {
    let mut sweeper = Sweeper::of(gateway.clone());
    let wake = gateway.letters_wake();
    loop {
        let mut alerts = tokio::select! {
            () = told(&mut stop) => return,
            seen = outside() => seen,
        };
        alerts.extend(metric.troubles().now());
        match sweeper.sweep(&alerts).await {
            Ok(swept) => {
                metric.swept(clock.monotonic());
                say(&swept, &metric);
                if swept.notices > 0 {
                    wake.notify_one();
                }
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "the sweep failed; it is tried again");
            }
        }
        if let Some(post) = &post
            && let Err(error) = deliver(&gateway, post, &clock, &metric).await
        {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "e-mail cannot be looked for or settled; it is tried again");
        }
        tokio::select! {
            () = told(&mut stop) => return,
            () = tokio::time::sleep(EVERY) => {}
            () = metric.troubles().changed() => {}
        }
    }
}

/// One log line for each incident when it opens, every day, and when it ends.
fn say(swept: &Swept, metric: &Metric) {
    let kinds = alert::KINDS.iter().map(|kind| kind.name);
    metric.incidents(kinds.map(|kind| (kind, swept.open.get(kind).copied().unwrap_or_default())));
    let now = |it: &Incident| alert::kind(&it.kind).map_or("", |kind| kind.now);
    for it in &swept.opened {
        let Incident { kind, about, count, .. } = it;
        tracing::error!(kind, about, count, now = now(it), "an incident was opened");
    }
    for it in &swept.told_again {
        let Incident { kind, about, count, opened_at, .. } = it;
        tracing::error!(kind, about, count, %opened_at, now = now(it), "an incident is still open");
    }
    for Incident { kind, about, opened_at, .. } in &swept.closed {
        tracing::info!(kind, about, %opened_at, "an incident was closed");
    }
}

async fn deliver(
    gateway: &Gateway,
    post: &Post,
    clock: &Clock,
    metric: &Metric,
) -> Result<(), Refusal> {
    for mail in gateway.mails(MAILS_AT_ONCE).await? {
        let to = match &mail.to {
            To::Operators => post.operators.clone(),
            To::Inbox(inbox) => vec![inbox.clone()],
        };
        let sent = post.mail.send(&to, mail.mail_id, &mail.subject, &mail.text).await;
        match sent {
            Ok(()) => {
                metric.troubles().over(MAIL_NOT_LEAVING, SERVER);
                gateway.mail_sent(mail.mail_id).await?;
            }
            // Of several people some have it: a second copy is better than none.
            Err(failed) if failed.lasting == Lasting::Passing && !is_old(&mail, clock.now()) => {
                tracing::warn!(mail_id = %mail.mail_id, reason = failed.reason, "e-mail waits");
                if clock.now() > later(mail.made_at, LEAVES) {
                    metric.troubles().are(MAIL_NOT_LEAVING, SERVER, 1);
                }
                let rest = backoff(mail.attempts + 4, clock.random());
                let not_before = later(clock.now(), rest);
                gateway.mail_again(mail.mail_id, not_before).await?;
            }
            Err(failed) => {
                tracing::error!(
                    mail_id = %mail.mail_id,
                    reason = failed.reason,
                    "e-mail was refused for good; tell the people by other means"
                );
                gateway.mail_refused(mail.mail_id).await?;
            }
        }
    }
    Ok(())
}

fn is_old(mail: &Written, now: Timestamp) -> bool {
    now > later(mail.made_at, USEFUL)
}
