//! Loops that run until a stop is told.

use tokio::task::JoinSet;

use super::hook::{self, Panicked};
use super::point;

/// The named loops of a process. They are spawned here and nowhere else.
#[derive(Debug, Default)]
pub struct Tasks(JoinSet<(&'static str, Result<(), Panicked>)>);

impl Tasks {
    /// Starts a loop, which ends only after a stop was told.
    pub fn spawn(&mut self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let work = async move {
            point(name);
            work.await;
        };
        self.0.spawn(async move { (name, hook::named(name, work).await) });
    }

    /// Waits until the process must end because something died: a loop ended though no stop was told,
    /// or anything panicked that is not contained.
    pub async fn died(&mut self) -> String {
        let reason = tokio::select! {
            biased;
            reason = hook::dying() => return reason,
            Some(ended) = self.0.join_next() => match ended {
                Ok((name, Ok(()))) => format!("{name} ended though no stop was told"),
                Ok((name, Err(Panicked))) => format!("{name} panicked"),
                Err(_) => "a loop was ended from outside".to_owned(),
            },
        };
        tracing::error!(reason, "supervisor.ended: the process ends");
        hook::die(reason.clone());
        reason
    }

    /// Waits until every loop has ended; call it after the stop was told.
    pub async fn finish(mut self) {
        while self.0.join_next().await.is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_early_end_is_a_death() {
        let mut tasks = Tasks::default();
        tasks.spawn("steady", std::future::pending());
        tasks.spawn("short", async {});
        // `die` would end the process of the tests.
        let ended = tasks.0.join_next().await.unwrap().unwrap();
        assert_eq!(ended, ("short", Ok(())));
    }
}
