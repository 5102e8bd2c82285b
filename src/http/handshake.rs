//! Whose newcomer is dealt with now: one of each source at a time, a turn for each step.
//!
//! A worker serves everything that is ready in one round. A thousand newcomers that are ready would keep a
//! record waiting for as long as they all take; in line they keep it waiting for one of them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::Poll;

use tokio::sync::{Semaphore, SemaphorePermit};

use super::limit::{Refusals, SOURCE};

/// The lines in which newcomers wait for their turn.
#[derive(Debug)]
pub(in crate::http) struct Handshakes {
    /// The first of each line; so many of them at once.
    first: Semaphore,
    /// Whoever arrives when so many of its source are arriving is not let in.
    arriving_max: usize,
    refusals: Arc<Refusals>,
    lines: Mutex<HashMap<IpAddr, Weak<Line>>>,
}

/// The newcomers of one source.
#[derive(Debug)]
struct Line {
    turn: Semaphore,
    arriving: Semaphore,
}

impl Handshakes {
    pub(in crate::http) fn of(
        workers: usize,
        arriving_max: usize,
        refusals: Arc<Refusals>,
    ) -> Self {
        let first = Semaphore::new(workers.max(1));
        Handshakes { first, arriving_max, refusals, lines: Mutex::default() }
    }

    /// Lets a connection of this source in when it is its turn; `None`: too many are before it.
    pub(in crate::http) async fn arrive<T>(
        &self,
        source: IpAddr,
        admit: impl FnOnce() -> Option<T>,
    ) -> Option<T> {
        let line = self.line(source);
        let Ok(_arriving) = line.arriving.try_acquire() else {
            self.refusals.count(SOURCE);
            return None;
        };
        let _turn = self.turn(&line).await;
        admit()
    }

    /// Does a handshake of this source, each step of it when it is its turn. A step that waits for the
    /// other side holds nobody up.
    pub(in crate::http) async fn pace<T>(
        &self,
        source: IpAddr,
        handshake: impl Future<Output = T>,
    ) -> T {
        let line = self.line(source);
        let mut handshake = pin!(handshake);
        loop {
            let turn = self.turn(&line).await;
            let step = std::future::poll_fn(|cx| Poll::Ready(handshake.as_mut().poll(cx))).await;
            drop(turn);
            if let Poll::Ready(done) = step {
                return done;
            }
            until_woken().await;
        }
    }

    /// Lasts while it is kept. Nobody closes the semaphores.
    async fn turn<'t>(&'t self, line: &'t Line) -> [Option<SemaphorePermit<'t>>; 2] {
        [line.turn.acquire().await.ok(), self.first.acquire().await.ok()]
    }

    fn line(&self, source: IpAddr) -> Arc<Line> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = lines.get(&source).and_then(Weak::upgrade) {
            return line;
        }
        lines.retain(|_, line| line.strong_count() > 0);
        let (turn, arriving) = (Semaphore::new(1), Semaphore::new(self.arriving_max));
        let line = Arc::new(Line { turn, arriving });
        lines.insert(source, Arc::downgrade(&line));
        line
    }
}

/// Leaves the rest to whatever wakes the task.
async fn until_woken() {
    let mut is_woken = false;
    std::future::poll_fn(|_| match std::mem::replace(&mut is_woken, true) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;

    use super::*;
    use cara_clock::Clock;
    use cara_metric::{Metric, alert};

    fn handshakes(arriving_max: usize) -> (Handshakes, Metric) {
        let metric = Metric::default();
        let refusals = Refusals::of(Clock::system(), metric.clone());
        (Handshakes::of(1, arriving_max, refusals), metric)
    }

    const CROWD: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const NEWCOMER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));

    /// A handshake of two steps, each counted; between them it waits for the other side.
    async fn handshake(steps: &AtomicUsize) {
        steps.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
        steps.fetch_add(1, Ordering::Relaxed);
    }

    #[tokio::test]
    async fn a_crowd_stands_in_line_and_a_newcomer_in_its_own() {
        let handshakes = Arc::new(handshakes(100).0);
        let steps = Arc::new(AtomicUsize::new(0));
        let (shared, counted) = (Arc::clone(&handshakes), Arc::clone(&steps));
        let crowd = tokio::spawn(async move {
            join_all((0..100).map(|_| shared.pace(CROWD, handshake(&counted)))).await
        });
        tokio::task::yield_now().await;
        let before = steps.load(Ordering::Relaxed);
        handshakes.pace(NEWCOMER, async {}).await;
        let meanwhile = steps.load(Ordering::Relaxed) - before;
        assert!(meanwhile < 100, "{meanwhile} steps of the crowd came first");
        crowd.await.unwrap();
        assert_eq!(steps.load(Ordering::Relaxed), 200);
        drop(handshakes.line(NEWCOMER));
        assert_eq!(handshakes.lines.lock().unwrap().len(), 1, "a line ends with its last");
    }

    #[tokio::test]
    async fn so_many_of_one_source_arrive_at_once() {
        let (handshakes, metric) = handshakes(2);
        let arrive = |source| handshakes.arrive(source, || Some(()));
        let busy = handshakes.first.acquire().await;
        let all = join_all([arrive(CROWD), arrive(CROWD), arrive(CROWD), arrive(NEWCOMER)]);
        let (all, ()) = futures_util::future::join(all, async { drop(busy) }).await;
        assert_eq!(all, [Some(()), Some(()), None, Some(())]);
        let told = (alert::FORCE_AT_LIMITS, SOURCE.to_owned());
        assert_eq!(metric.troubles().now().get(&told), Some(&1));
        assert!(arrive(CROWD).await.is_some());
    }

    #[tokio::test]
    async fn one_that_waits_for_its_other_side_holds_nobody_up() {
        let (handshakes, _) = handshakes(1);
        tokio::select! {
            biased;
            () = handshakes.pace(CROWD, std::future::pending()) => unreachable!("it has no end"),
            () = handshakes.pace(CROWD, std::future::ready(())) => {}
        }
    }
}
