//! E-mail: sends what waits in the store, and tries the mail server before it is needed.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::{Stop, stopped};
use cara_clock::{Backoff, later};
use cara_delivery::{Lasting, Mailer, words};
use cara_flow::notice::mail;
use cara_flow::notice::mail::{To, Written};
use cara_flow::{Failure, Gateway};
use cara_metric::alert::MAIL_NOT_LEAVING;
use cara_metric::{Health, Part};

const EVERY: Duration = Duration::from_secs(15);
/// E-mail of one round.
const MAILS_AT_ONCE: usize = 20;
/// An e-mail that is older than this is of no use to anybody.
const USEFUL: Duration = Duration::from_secs(72 * 3600);
/// Between two tries of one e-mail.
const BACKOFF: Backoff = Backoff::of(Duration::from_secs(8), Duration::from_secs(3600));
/// E-mail that waits longer, and a server that takes none for so long, is an incident.
const LEAVES: Duration = Duration::from_secs(15 * 60);
/// The server is tried without an e-mail when none was sent for so long.
const REHEARSED: Duration = Duration::from_secs(10 * 60);
/// The same while it fails.
const REHEARSED_AGAIN: Duration = Duration::from_secs(60);
const SERVER: &str = "mail server";

/// The mail server, and who the operators are.
#[derive(Clone)]
pub struct Post {
    pub mail: Mailer,
    pub operators: Vec<String>,
}

/// How it goes with the mail server, by the monotonic clock.
pub(super) struct Posting {
    pub gateway: Gateway,
    pub post: Post,
    pub health: Health,
    tried_at: Option<Duration>,
    failing_since: Option<Duration>,
}

impl Posting {
    pub fn of(gateway: Gateway, post: Post, health: Health) -> Self {
        Posting { gateway, post, health, tried_at: None, failing_since: None }
    }

    /// Sends until told to stop; looks after every sweep, and of its own accord.
    pub async fn run(mut self, swept: Arc<Notify>, mut stop: Stop) {
        let mut is_away = false;
        loop {
            let sent = self.round(&stop).await;
            if let Err(error) = &sent
                && !is_away
            {
                let error = error as &dyn std::error::Error;
                tracing::error!(error, "e-mail cannot be looked for or settled; it is tried again");
            }
            is_away = sent.is_err();
            tokio::select! {
                () = stopped(&mut stop) => return,
                () = tokio::time::sleep(EVERY) => {}
                () = swept.notified() => {}
            }
        }
    }

    async fn round(&mut self, stop: &Stop) -> Result<(), Failure> {
        for mail in mail::mails(&self.gateway, MAILS_AT_ONCE).await? {
            if *stop.borrow() || self.send(mail).await? == Next::Rest {
                return Ok(());
            }
        }
        let every = if self.failing_since.is_some() { REHEARSED_AGAIN } else { REHEARSED };
        if self.tried_at.is_none_or(|at| self.gateway.clock.monotonic() >= at + every) {
            match self.post.mail.rehearse(&self.post.operators).await {
                Ok(()) => self.takes(),
                Err(unready) => self.fails(&unready.to_string()),
            }
        }
        Ok(())
    }

    async fn send(&mut self, mail: Written) -> Result<Next, Failure> {
        let (to, is_ours) = match &mail.to {
            To::Operators => (self.post.operators.clone(), true),
            To::Inbox(inbox) => (vec![inbox.clone()], false),
        };
        let sent = self.post.mail.send(&to, mail.mail_id, &mail.subject, &mail.text).await;
        let now = self.gateway.clock.now();
        let failed = match sent {
            Ok(()) => {
                if is_ours {
                    self.takes();
                }
                mail::mail_sent(&self.gateway, mail.mail_id).await?;
                return Ok(Next::On);
            }
            Err(failed) => failed,
        };
        // What one inbox of a force refuses says nothing of the server.
        if is_ours || failed.everybody {
            self.fails(&format!("the mail server takes no e-mail: {}", words(failed.reason)));
        }
        // Of several people some have it: a second copy is better than none.
        if failed.lasting == Lasting::Passing && now <= later(mail.made_at, USEFUL) {
            tracing::warn!(mail_id = %mail.mail_id, reason = failed.reason, "e-mail waits");
            if now > later(mail.made_at, LEAVES) {
                self.gateway.metric.troubles().are(MAIL_NOT_LEAVING, SERVER, 1);
            }
            let rest = BACKOFF.after(mail.attempts + 1, self.gateway.clock.random());
            mail::mail_again(&self.gateway, mail.mail_id, later(now, rest)).await?;
        } else {
            tracing::error!(
                mail_id = %mail.mail_id,
                reason = failed.reason,
                "e-mail was refused for good; tell the people by other means"
            );
            if is_ours {
                self.gateway.metric.troubles().are(MAIL_NOT_LEAVING, SERVER, 1);
            }
            mail::mail_refused(&self.gateway, mail.mail_id).await?;
        }
        // Nor does everything that waits wait for a server that hangs, one after the other.
        Ok(if failed.everybody { Next::Rest } else { Next::On })
    }

    fn takes(&mut self) {
        self.tried_at = Some(self.gateway.clock.monotonic());
        self.failing_since = None;
        self.gateway.metric.troubles().over(MAIL_NOT_LEAVING, SERVER);
        if self.health.good(Part::Mail) {
            tracing::info!("the mail server takes e-mail");
        }
    }

    fn fails(&mut self, what: &str) {
        let now = self.gateway.clock.monotonic();
        self.tried_at = Some(now);
        let since = *self.failing_since.get_or_insert(now);
        if now.saturating_sub(since) > LEAVES {
            self.gateway.metric.troubles().are(MAIL_NOT_LEAVING, SERVER, 1);
        }
        if self.health.bad(Part::Mail, what) {
            tracing::error!(what, "e-mail does not leave");
        }
    }
}

/// Whether the round goes on.
#[derive(PartialEq, Eq)]
enum Next {
    On,
    Rest,
}
