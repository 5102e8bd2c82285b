//! The clock's loop: sweeps, and says what operators have to know. What may take long, the look at the
//! brokers and the sending of e-mail, goes on beside the sweep, so that neither keeps it waiting.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::{Notify, watch};

use super::post::{Post, Posting};
use super::{Stop, stopped};
use cara_flow::clock::sweep;
use cara_flow::clock::sweep::{Incident, Sweeper, Swept};
use cara_flow::{Failure, Gateway};
use cara_metric::alert::{self, Alerts};
use cara_metric::{Health, Metric, Part, State};

const EVERY: Duration = Duration::from_secs(15);
const DEAD_LETTER: &str = "dead_letter";

/// What only the rooms below the stories see.
#[derive(Clone)]
pub struct Outside {
    /// Certificates that end, with the days that are left.
    pub certificates: Arc<dyn Fn() -> Alerts + Send + Sync>,
    /// Every queue with its dead, as its broker says now. It may take as long as a broker does.
    pub dead: Arc<dyn Fn() -> BoxFuture<'static, DeadCounts> + Send + Sync>,
}

/// Dead messages by queue; None where the broker could not be asked.
pub type DeadCounts = Vec<(String, Option<u64>)>;

/// Sweeps until told to stop.
pub async fn sweep(
    gateway: Gateway,
    outside: Outside,
    post: Option<Post>,
    health: Health,
    stop: Stop,
) {
    let (say, dead) = watch::channel(None);
    let look = outside.dead;
    let looking = super::until_stopped(
        async move {
            loop {
                let seen = Some(look().await);
                say.send_if_modified(|known| {
                    let before = std::mem::replace(known, seen);
                    before != *known
                });
                tokio::time::sleep(EVERY).await;
            }
        },
        stop.clone(),
    );
    let swept = Arc::new(Notify::new());
    let posting = {
        let (gateway, swept, mut stop) = (gateway.clone(), Arc::clone(&swept), stop.clone());
        async move {
            match post {
                Some(post) => {
                    Posting::of(gateway, post, health).run(swept, stop).await;
                }
                None => {
                    health.set(Part::Mail, State::Unused);
                    stopped(&mut stop).await;
                }
            }
        }
    };
    let sweeping = sweep_on(gateway, outside.certificates, dead, swept, stop);
    tokio::join!(sweeping, looking, posting);
}

async fn sweep_on(
    gateway: Gateway,
    certificates: Arc<dyn Fn() -> Alerts + Send + Sync>,
    mut dead: watch::Receiver<Option<DeadCounts>>,
    swept: Arc<Notify>,
    mut stop: Stop,
) {
    let mut sweeper = Sweeper::of(gateway.clone());
    let wake = gateway.letters_wake();
    let metric = &gateway.metric;
    let mut is_failing = false;
    loop {
        let seen = dead.borrow_and_update().clone();
        let round = round(&gateway, &mut sweeper, certificates(), seen);
        let round = tokio::select! {
            // What it had begun is stored or not; the next start looks at all cases again.
            () = stopped(&mut stop) => return,
            round = round => round,
        };
        match round {
            Ok(done) => {
                is_failing = false;
                metric.swept(gateway.clock.monotonic());
                say(&done, metric);
                if done.notices > 0 {
                    wake.notify_one();
                }
                swept.notify_one();
            }
            // Once: that it lasts is told as `sweep_late`.
            Err(error) if !is_failing => {
                is_failing = true;
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "the sweep failed; it is tried again");
            }
            Err(_) => {}
        }
        tokio::select! {
            () = stopped(&mut stop) => return,
            () = tokio::time::sleep(EVERY) => {}
            () = metric.troubles().changed() => {}
            Ok(()) = dead.changed() => {}
        }
    }
}

async fn round(
    gateway: &Gateway,
    sweeper: &mut Sweeper,
    mut alerts: Alerts,
    dead: Option<DeadCounts>,
) -> Result<Swept, Failure> {
    alerts.extend(gateway.metric.troubles().now());
    for (queue, count) in dead.iter().flatten() {
        if let Some(count) = count.filter(|count| *count > 0) {
            alerts.insert((DEAD_LETTER, queue.clone()), count);
        }
    }
    // What could not be asked, or not yet, is as it was said last.
    let is_unasked = |about: &String| match &dead {
        None => true,
        Some(dead) => dead.iter().any(|(queue, count)| queue == about && count.is_none()),
    };
    for incident in sweep::incidents(gateway).await? {
        if incident.kind == DEAD_LETTER && is_unasked(&incident.about) {
            alerts.insert((DEAD_LETTER, incident.about), incident.count);
        }
    }
    sweeper.sweep(&alerts).await
}

/// One log line for each incident when it opens, every day, and when it ends.
fn say(swept: &Swept, metric: &Metric) {
    let kinds = alert::KINDS.iter().map(|kind| kind.name);
    metric.incidents(
        kinds.map(|kind| (kind, swept.incidents.open.get(kind).copied().unwrap_or_default())),
    );
    let now = |it: &Incident| alert::kind(&it.kind).map_or("", |kind| kind.now);
    for it in &swept.incidents.opened {
        let Incident { kind, about, count, .. } = it;
        tracing::error!(kind, about, count, now = now(it), "an incident was opened");
    }
    for it in &swept.incidents.told_again {
        let Incident { kind, about, count, opened_at, .. } = it;
        tracing::error!(kind, about, count, %opened_at, now = now(it), "an incident is still open");
    }
    for Incident { kind, about, opened_at, .. } in &swept.incidents.closed {
        tracing::info!(kind, about, %opened_at, "an incident was closed");
    }
}
