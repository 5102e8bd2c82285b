//! Waiting for what has to come: polled, with an end.

use std::time::{Duration, Instant};

/// How long a test waits for what should come soon.
pub const PATIENCE: Duration = Duration::from_secs(30);
const BETWEEN: Duration = Duration::from_millis(20);

/// What a look says: `false` and `None` are not yet.
pub trait Level {
    type Reached;
    fn reached(self) -> Option<Self::Reached>;
}

impl Level for bool {
    type Reached = ();
    fn reached(self) -> Option<()> {
        self.then_some(())
    }
}

impl<T> Level for Option<T> {
    type Reached = T;
    fn reached(self) -> Option<T> {
        self
    }
}

/// Looks until it holds; fails with `what` when [`PATIENCE`] ends.
pub async fn eventually<L: Level>(what: &str, look: impl AsyncFnMut() -> L) -> L::Reached {
    within(PATIENCE, what, look).await
}

/// The same with a patience of its own.
pub async fn within<L: Level>(
    patience: Duration,
    what: &str,
    mut look: impl AsyncFnMut() -> L,
) -> L::Reached {
    let started = Instant::now();
    loop {
        if let Some(reached) = look().await.reached() {
            return reached;
        }
        assert!(started.elapsed() < patience, "not within {patience:?}: {what}");
        tokio::time::sleep(BETWEEN).await;
    }
}

/// The same for a test without a runtime.
#[track_caller]
pub fn blocking<L: Level>(
    patience: Duration,
    what: &str,
    mut look: impl FnMut() -> L,
) -> L::Reached {
    let started = Instant::now();
    loop {
        if let Some(reached) = look().reached() {
            return reached;
        }
        assert!(started.elapsed() < patience, "not within {patience:?}: {what}");
        std::thread::sleep(BETWEEN);
    }
}
