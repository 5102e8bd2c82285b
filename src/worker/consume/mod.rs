//! Outcomes from the providers' queues into the store: each side of each provider by a loop of its
//! own, so that nobody's trouble is anybody else's.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;

use super::{Stop, stopped};
use cara_amqp::consumer::OutcomeQueue;
use cara_amqp::{BACKOFF, Consumer};
use cara_clock::Clock;
use cara_flow::Gateway;
use cara_metric::alert::{LAYOUT_MISSING, OUTCOMES_UNREAD};
use cara_metric::{Health, Metric, Part, State};

mod answer;
mod intake;
mod line;
mod quota;
mod side;

use side::{LinkEnd, SideReader};

/// What time mends is told when it has not within this time.
const PATIENCE: Duration = Duration::from_secs(60);

/// Reads what providers report until told to stop. Whatever ends a link, it is made again after a
/// pause: the broker keeps what was not acknowledged.
pub async fn consume(gateway: Gateway, consumer: Consumer, health: Health, stop: Stop) {
    let board = Board { health, metric: gateway.metric.clone(), sides: Arc::default() };
    let mut sides = JoinSet::new();
    for queue in consumer.queues() {
        board.say(queue, Standing { bad: Some("not read yet".to_owned()), told: false });
    }
    for queue in consumer.queues() {
        let side = SideReader::of(&gateway, &consumer, queue, &board);
        sides.spawn(read(side, board.clone(), gateway.clock.clone(), stop.clone()));
    }
    while let Some(ended) = sides.join_next().await {
        if let Err(died) = ended
            && let Ok(panic) = died.try_into_panic()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

/// One side, for ever.
async fn read(mut side: SideReader, board: Board, clock: Clock, mut stop: Stop) {
    let queue = Arc::clone(side.queue());
    let mut backoff = BACKOFF;
    let mut down_since = None;
    loop {
        let LinkEnd { reason, is_passing, is_proven, is_deaf } = tokio::select! {
            biased;
            () = stopped(&mut stop) => return,
            end = side.follow() => end,
        };
        if is_deaf {
            board.metric.troubles().happened(LAYOUT_MISSING, &queue.provider, clock.monotonic());
        }
        if is_proven {
            backoff.reset();
            down_since = None;
        }
        let since = *down_since.get_or_insert(clock.monotonic());
        let told_now = !is_passing || clock.monotonic().saturating_sub(since) >= PATIENCE;
        if board.say(&queue, Standing { bad: Some(reason.clone()), told: told_now }) {
            let (provider, side) = (&queue.provider, queue.side_name());
            tracing::warn!(provider, side, reason, "outcomes are not read; it is tried again");
        }
        tokio::select! {
            () = stopped(&mut stop) => return,
            () = tokio::time::sleep(backoff.next(clock.random())) => {}
        }
    }
}

/// How the sides are, on the health board and for whoever is told.
#[derive(Clone)]
struct Board {
    health: Health,
    metric: Metric,
    sides: Arc<Mutex<BTreeMap<(String, &'static str), Standing>>>,
}

/// How one side is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Standing {
    /// Why it is not read, or not as it should be.
    bad: Option<String>,
    /// Whether that is an incident.
    told: bool,
}

impl Board {
    /// Says how a side is now; whether that is a change.
    fn say(&self, queue: &OutcomeQueue, standing: Standing) -> bool {
        let mut sides = self.sides.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (queue.provider.clone(), queue.side_name());
        let before = sides.insert(key, standing.clone());
        if before.as_ref() == Some(&standing) {
            return false;
        }
        let own = || sides.iter().filter(|((provider, _), _)| *provider == queue.provider);
        let bad = own().filter_map(|((_, side), it)| Some(format!("{side}: {}", it.bad.as_ref()?)));
        let bad = bad.collect::<Vec<_>>().join("; ");
        let state = if bad.is_empty() { State::Good } else { State::Bad(bad) };
        self.health.set_for(Part::Outcomes, &queue.provider, state);
        match own().filter(|(_, it)| it.told).count() {
            0 => self.metric.troubles().over(OUTCOMES_UNREAD, &queue.provider),
            some => self.metric.troubles().are(OUTCOMES_UNREAD, &queue.provider, some as u64),
        }
        before.is_none_or(|before| before.bad != standing.bad)
    }
}
