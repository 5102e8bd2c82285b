//! The outside world for newcomers: forces, a charity, a broker, all on loopback. The gateway runs
//! as a process of its own, as it would; everything here speaks to it from outside.

pub mod broker;
pub mod certificate;
mod charity;
mod description;
pub mod port;
mod reconcile;
mod settings;
mod shape;
mod traffic;
mod world;

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::clock::Clock;
pub use world::World;

/// What the command line asks for.
#[derive(Clone, Debug)]
pub struct Wishes {
    pub folder: PathBuf,
    /// An administrator's address of a running broker; none: a private one is started.
    pub amqp: Option<String>,
    /// Plays forces and a charity, and ends with a reconciliation.
    pub traffic: bool,
    /// Ends by itself after so long.
    pub seconds: Option<u64>,
}

/// Brings the world up, plays in it, and takes it down. False when the reconciliation does not add
/// up, or the gateway ended by itself.
pub async fn run(wishes: Wishes, out: &mut (impl Write + Send)) -> anyhow::Result<bool> {
    let clock = Clock::system();
    writeln!(out, "starting a broker and the gateway under {} …", wishes.folder.display())?;
    let mut world = World::start(&wishes, &clock).await?;
    description::print(&world, out)?;
    let ended = play(&wishes, &mut world, &clock, out).await;
    world.stop().await?;
    ended
}

async fn play(
    wishes: &Wishes,
    world: &mut World,
    clock: &Clock,
    out: &mut (impl Write + Send),
) -> anyhow::Result<bool> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let limit = Duration::from_secs(wishes.seconds.unwrap_or(u64::MAX / 4));
    if wishes.traffic {
        let until = async {
            tokio::select! {
                () = tokio::time::sleep(limit) => {}
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        return traffic::play(world, clock, until, out).await;
    }
    match wishes.seconds {
        Some(seconds) => writeln!(out, "it ends by itself after {seconds} s; Ctrl-C ends it now")?,
        None => writeln!(out, "it stays until you press Ctrl-C")?,
    }
    tokio::select! {
        () = tokio::time::sleep(limit) => Ok(true),
        _ = terminate.recv() => Ok(true),
        _ = interrupt.recv() => Ok(true),
        () = world.gateway_ends() => {
            writeln!(out, "the gateway ended by itself: see {}", world.log_path().display())?;
            Ok(false)
        }
    }
}
