//! The loops: each looks, leases, works and settles. A wake-up says *look*, never *what*, and every
//! loop looks by itself as well.

mod alarm;
mod consume;
mod deliver;
mod follow;
mod hand;
mod outbox;
mod own;
mod post;
mod publish;
mod route;
mod scrub;
mod sweep;
mod watch;

pub use alarm::alarm;
pub use consume::consume;
pub use deliver::{AT_ONCE as LETTERS_AT_ONCE, deliver};
pub use follow::{follow, look};
pub use outbox::{Away, Outbox};
pub use post::Post;
pub use publish::{Publish, publish};
pub use scrub::scrub;
pub use sweep::{DeadCounts, Outside, sweep};
pub use watch::watch;

/// Told once, to all loops: finish what is in hand and end.
pub type Stop = tokio::sync::watch::Receiver<bool>;

/// Carries out what would never end by itself.
pub async fn until_stopped(work: impl Future<Output = ()>, mut stop: Stop) {
    tokio::select! {
        () = stopped(&mut stop) => {}
        () = work => {}
    }
}

/// Waits until the stop is told.
async fn stopped(stop: &mut Stop) {
    // A sender that is gone can tell nothing more: that is a stop as well.
    let _ = stop.wait_for(|stop| *stop).await;
}
