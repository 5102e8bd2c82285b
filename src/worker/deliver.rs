//! Letters to the forces' endpoints: each force on its own, so that one that is down slows nobody
//! else; each case's letters one after the other.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::task::{self, JoinSet};

use super::{Stop, told};
use crate::clock::{Clock, later};
use crate::config;
use crate::delivery::{Answer, Endpoint, GIVE_UP_AFTER, Parcel, Push, backoff};
use crate::flow::letter::{Due, PushTo};
use crate::flow::{Gateway, Refusal};
use crate::metric::{Metric, PushEnd};
use crate::store::ForceCode;

/// Letters of one force that are on their way at once.
pub const AT_ONCE: usize = 16;
/// Looked at this often even if nobody says that something waits.
const POLL: Duration = Duration::from_secs(1);
/// What an endpoint refused is tried again as if it had failed so often before.
const REFUSED_ATTEMPTS: u32 = 9;

/// What the loops of all forces share.
#[derive(Clone)]
struct Room {
    gateway: Gateway,
    push: Arc<Push>,
    forces: Arc<Vec<config::Force>>,
    clock: Clock,
    metric: Metric,
}

/// One endpoint's own pause: it fails, so it is asked seldom.
#[derive(Clone, Copy, Debug, Default)]
struct Pause {
    failures: u32,
    until: Option<Timestamp>,
}

/// For which forces something may wait.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    None,
    At(ForceCode),
    All,
}

impl Look {
    fn is_at(self, force: ForceCode) -> bool {
        self == Look::All || self == Look::At(force)
    }
}

/// Pushes until told to stop.
pub async fn deliver(
    gateway: Gateway,
    push: Push,
    forces: Vec<config::Force>,
    clock: Clock,
    metric: Metric,
    mut stop: Stop,
) {
    let wake = gateway.letters_wake();
    let (push, forces) = (Arc::new(push), Arc::new(forces));
    let room = Room { gateway, push, forces, clock, metric };
    let mut pauses: HashMap<ForceCode, Pause> = HashMap::new();
    let mut working: JoinSet<Pause> = JoinSet::new();
    let mut busy: HashMap<task::Id, ForceCode> = HashMap::new();
    // Forces that were busy when a wake-up came: it may be about what their round no longer saw.
    let mut passed: HashSet<ForceCode> = HashSet::new();
    let mut look = Look::All;
    loop {
        if look != Look::None {
            match room.gateway.endpoints().await {
                Ok(endpoints) => {
                    for to in endpoints.into_iter().filter(|to| look.is_at(to.force)) {
                        let (force, room) = (to.force, room.clone());
                        let pause = pauses.get(&force).copied().unwrap_or_default();
                        if busy.values().any(|it| *it == force) {
                            passed.insert(force);
                        } else if pause.until.is_none_or(|until| room.clock.now() >= until) {
                            let round = async move { room.round(&to, pause).await };
                            busy.insert(working.spawn(round).id(), force);
                        }
                    }
                }
                Err(error) => away(&error),
            }
        }
        look = tokio::select! {
            biased;
            () = told(&mut stop) => break,
            Some(ended) = working.join_next_with_id() => {
                let (id, pause) = match ended {
                    Ok((id, pause)) => (id, Some(pause)),
                    Err(error) => (error.id(), None),
                };
                match busy.remove(&id) {
                    Some(force) => {
                        let known = pauses.entry(force).or_default();
                        *known = pause.unwrap_or_else(|| room.broke_off(*known));
                        // The end of a round is no reason to look: it looked until nothing waited.
                        if passed.remove(&force) { Look::At(force) } else { Look::None }
                    }
                    None => Look::None,
                }
            }
            () = wake.notified() => Look::All,
            () = tokio::time::sleep(POLL) => Look::All,
        };
    }
    // What is on its way may come to its end; each push has a time limit of its own.
    while working.join_next().await.is_some() {}
}

impl Room {
    /// A round that panicked ends itself only: its force rests like one whose endpoint failed.
    fn broke_off(&self, known: Pause) -> Pause {
        tracing::error!(
            "a round of letters broke off by a fault of the gateway; it is tried again"
        );
        self.rest(known, Duration::ZERO)
    }

    /// One failure more.
    fn rest(&self, known: Pause, at_least: Duration) -> Pause {
        let failures = known.failures.saturating_add(1);
        let rest = backoff(failures, self.clock.random()).max(at_least);
        Pause { failures, until: Some(later(self.clock.now(), rest)) }
    }

    /// Pushes what waits for one force until nothing does, or its endpoint fails.
    async fn round(&self, to: &PushTo, mut pause: Pause) -> Pause {
        let endpoint = match self.endpoint(to) {
            Ok(endpoint) => endpoint,
            Err(reason) => {
                self.stop_pushing(to, &reason).await;
                return Pause::default();
            }
        };
        loop {
            // An endpoint that failed is asked with one letter before it gets many.
            let limit = if pause.failures == 0 { AT_ONCE } else { 1 };
            let due = match self.gateway.due_letters(to.force, limit).await {
                Ok(due) if due.is_empty() => return pause,
                Ok(due) => due,
                Err(error) => {
                    away(&error);
                    return pause;
                }
            };
            let pushed = join_all(due.into_iter().map(|due| self.one(to, &endpoint, due))).await;
            let mut put_off = Duration::ZERO;
            let (mut arrived, mut failed) = (false, false);
            for end in pushed {
                match end {
                    Ok(End::Arrived) => arrived = true,
                    Ok(End::Failed(after)) => {
                        failed = true;
                        put_off = put_off.max(after);
                    }
                    Ok(End::Refused) => {}
                    Ok(End::Stopped) => return Pause::default(),
                    Err(error) => {
                        away(&error);
                        return pause;
                    }
                }
            }
            if failed && !arrived {
                return self.rest(pause, put_off);
            }
            if arrived && pause.failures > 0 {
                tracing::info!(force = to.slug, "the endpoint answers again");
                pause = Pause::default();
                if let Err(error) = self.gateway.letters_now(to.force).await {
                    away(&error);
                }
            }
        }
    }

    fn endpoint(&self, to: &PushTo) -> Result<Endpoint, String> {
        let force = self.forces.iter().find(|force| force.slug == to.slug);
        let force = force.ok_or_else(|| format!("{} is not in gateway.toml", to.slug))?;
        self.push.endpoint(force, &to.url).map_err(|error| error.to_string())
    }

    async fn one(&self, to: &PushTo, endpoint: &Endpoint, due: Due) -> Result<End, Refusal> {
        let notice_id = due.letter.notice_id;
        let parcel = Parcel {
            notice_id,
            sequence: due.letter.sequence,
            media_type: due.letter.media_type,
            body: due.letter.body,
            headers: due.headers,
            delivered: due.delivered,
            taken_over: due.taken_over,
            timeout: due.timeout,
        };
        let (attempts, rest, reason, ended) = match self.push.push(endpoint, parcel).await {
            Answer::Delivered => return self.arrived(to, notice_id, false).await,
            Answer::TakenOver => return self.arrived(to, notice_id, true).await,
            Answer::Gone => {
                self.metric.push(&to.slug, PushEnd::Gone);
                self.stop_pushing(to, "the endpoint answered 410: it is gone").await;
                return Ok(End::Stopped);
            }
            Answer::Again { reason, after } => {
                let after = after.unwrap_or_default();
                (due.attempts + 1, after, reason, PushEnd::Again)
            }
            Answer::Refused { status, reason } => {
                tracing::error!(
                    force = to.slug,
                    %notice_id,
                    status,
                    reason,
                    "an endpoint refused a letter; it is tried again, but a person must look"
                );
                (due.attempts + REFUSED_ATTEMPTS, Duration::ZERO, reason, PushEnd::Refused)
            }
        };
        self.metric.push(&to.slug, ended);
        let now = self.clock.now();
        if due.failing_since.is_some_and(|since| now > later(since, GIVE_UP_AFTER)) {
            let because = format!("a letter was not taken for three days: {reason}");
            self.stop_pushing(to, &because).await;
            return Ok(End::Stopped);
        }
        let wait = backoff(attempts, self.clock.random()).max(rest);
        self.gateway.letter_again(notice_id, later(now, wait)).await?;
        if ended == PushEnd::Refused {
            return Ok(End::Refused);
        }
        if due.attempts == 0 {
            tracing::warn!(force = to.slug, %notice_id, reason, "a letter could not be delivered");
        }
        Ok(End::Failed(rest))
    }

    async fn arrived(
        &self,
        to: &PushTo,
        notice_id: uuid::Uuid,
        taken_over: bool,
    ) -> Result<End, Refusal> {
        self.metric
            .push(&to.slug, if taken_over { PushEnd::TakenOver } else { PushEnd::Delivered });
        self.gateway.letter_delivered(to.force, notice_id, taken_over).await?;
        Ok(End::Arrived)
    }

    /// Nothing more is pushed there until an operator resumes; what waits is kept.
    async fn stop_pushing(&self, to: &PushTo, because: &str) {
        tracing::error!(
            force = to.slug,
            because,
            "delivery is paused; mend it and run `cara-gateway delivery resume`"
        );
        if let Err(error) = self.gateway.pause_delivery(to.force, "gateway", because).await {
            away(&error);
        }
    }
}

/// How one push ended, for its endpoint.
enum End {
    Arrived,
    /// The endpoint asked for at least this pause.
    Failed(Duration),
    /// This letter; others may pass.
    Refused,
    Stopped,
}

fn away(error: &Refusal) {
    let error = error as &dyn std::error::Error;
    tracing::warn!(error, "letters cannot be looked for or settled now; it is tried again");
}
