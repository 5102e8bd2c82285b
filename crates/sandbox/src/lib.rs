//! The outside world for newcomers, on loopback: a broker, a gateway, force systems that push and
//! a charity that consumes. It uses the gateway as strangers do: over mutual TLS and AMQP.

mod broker;
mod certificate;
mod charity;
mod client;
mod decision;
pub mod console;
pub mod description;
mod endpoint;
mod inbox;
mod ledger;
pub mod people;
mod port;
mod process;
mod reconcile;
pub mod record;
mod settings;
mod story;
mod traffic;
pub mod world;

use std::time::Duration;

use charity::Charity;
use console::Console;
use inbox::ForceReaders;
use ledger::Ledger;
use traffic::Traffic;
use world::{Wishes, World};

use cara_clock::Clock;

/// The charity gets so long to read what was accepted.
const DRAIN_S_MAX: u64 = 60;

/// The same people in every run; their cases are new ones.
const SEED: u64 = 20_112_012;

/// Runs a sandbox until it is interrupted or its time is over. `false`: the table did not add up.
pub async fn run(
    wishes: Wishes,
    traffic: bool,
    for_: Option<Duration>,
    console: Console,
    clock: Clock,
) -> anyhow::Result<bool> {
    let interrupted = interruption()?;
    tokio::pin!(interrupted);
    let mut world = tokio::select! {
        started = World::start(&wishes, &console, &clock) => started?,
        () = &mut interrupted => return Ok(true),
    };
    console.line("");
    if let Some(curl) = world.curl() {
        console.line(&format!("Send a record as Hampshire:\n\n{curl}\n"));
    }
    if for_.is_none() {
        console.line("Ctrl-C ends everything.\n");
    }
    let time = async {
        match for_ {
            Some(time) => tokio::time::sleep(time).await,
            None => std::future::pending().await,
        }
    };
    let over = async {
        tokio::select! {
            () = time => {}
            () = interrupted => {}
        }
    };
    let lived = match traffic {
        true => live(&mut world, over, &console, &clock).await,
        false => tokio::select! {
            () = over => Ok(true),
            error = mourn(&mut world, &console) => Err(error),
        },
    };
    let stopped = world.stop().await;
    let adds_up = lived?;
    stopped?;
    Ok(adds_up)
}

/// Traffic until it is `over`, then the reconciliation.
async fn live(
    world: &mut World,
    over: impl Future<Output = ()>,
    console: &Console,
    clock: &Clock,
) -> anyhow::Result<bool> {
    let ledger = world.ledger.clone();
    let _charity = Charity::open(&world.description, &ledger, clock);
    let _inbox = ForceReaders::open(&world.description, &ledger)?;
    let traffic = Traffic::open(&world.description, &ledger, console, clock, SEED)?;
    let endpoint = std::sync::Arc::clone(&world.endpoint);
    tokio::select! {
        () = over => {}
        error = mourn(world, console) => return Err(error),
        () = show(&ledger, console) => {}
        () = endpoint.come_and_go() => {}
    }
    endpoint.stay();
    ledger.open().way_back.times_down = endpoint.times_down();
    traffic.stop().await?;
    console.event("no more records; the charity reads what is left");
    let until = clock.monotonic() + Duration::from_secs(DRAIN_S_MAX);
    while !ledger.open().is_drained() && clock.monotonic() < until {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    console.progress(&state(&ledger));
    let (table, adds_up) = reconcile::table(&ledger.open());
    console.line(&format!("\n{table}"));
    Ok(adds_up)
}

/// Says when the gateway has ended by itself, and lets the rest of the world go on: somebody may
/// have killed it to see what happens, and may start it again.
async fn mourn(world: &mut World, console: &Console) -> anyhow::Error {
    match world.gateway_ended().await {
        Ok(what) => console.event(&what),
        Err(error) => return error,
    }
    std::future::pending().await
}

/// Says where things are, for ever.
async fn show(ledger: &Ledger, console: &Console) {
    loop {
        tokio::time::sleep(console.pace()).await;
        console.progress(&state(ledger));
    }
}

fn state(ledger: &Ledger) -> String {
    let pages = ledger.open();
    let told = pages.all_told();
    format!(
        "pushed {}  accepted {}  held {}  refused {}  |  charity: referrals {}  victims {}  leaks {}  \
         reports {}  |  forces: notices {}",
        told.pushed,
        told.accepted,
        told.held,
        told.refused,
        pages.seen.referrals.len(),
        pages.seen.victims.len(),
        pages.seen.leaks,
        pages.way_back.reported.len(),
        pages.way_back.read.len(),
    )
}

/// Ends when somebody presses Ctrl-C or tells the process to stop.
fn interruption() -> anyhow::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
