//! How fast the gateway is against what the machine can do, in one run: every figure stands beside
//! its limit, measured a moment later on the same disk and broker, and the ratios are what counts.
//!
//! `cargo build --release && cargo run --release --example load`
//!
//! 1. The whole way: 64 connections push records over mutual TLS until both messages of each are
//!    confirmed, against bare confirmed publishes of two such messages to two quorum queues.
//! 2. The broker away: accepts alone, against raw batched inserts of the same rows and indexes.
//! 3. The accept's latency at half of that load.
//! 4. Between 1 and 2: outcomes from a queue into the store, each with a notice; their letters at
//!    the force's endpoint; and how long one outcome needs until its letter is there.

#![expect(clippy::disallowed_methods, reason = "a measurement reads the machine's clock")]
#![expect(clippy::print_stdout, reason = "it prints its figures")]

mod bare;
mod outcome;
mod push;
mod world;

use std::time::{Duration, Instant};

use anyhow::Context;

use push::Load;
use world::World;

/// Records pushed in each phase.
const RECORDS: u64 = 20_000;
const CONNECTIONS: usize = 64;
/// Outcomes that are followed to their letters, one after the other.
const LATENCY_SAMPLES: usize = 300;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let records = match std::env::args().nth(1) {
        Some(text) => text.parse().context("the argument is the number of records")?,
        None => RECORDS,
    };
    let _ = rustls::crypto::ring::default_provider().install_default();
    let world = World::start().await?;
    println!("{records} records a phase, {CONNECTIONS} connections, mutual TLS, keep-alive");

    let mut load = Load::new(&world, CONNECTIONS)?;
    load.push(200, None).await?;
    world.drained().await?;

    let started = Instant::now();
    let accepted = load.push(records, None).await?;
    world.drained().await?;
    let whole = rate(records, started.elapsed());
    let sizes = world.message_bytes(&load).await?;
    let publishes = bare::publish_pairs(&world, records, sizes).await?;
    println!("\nwhole way, both messages confirmed   {whole:>9.0} records/s");
    println!("bare confirmed publishes of two      {publishes:>9.0} records/s");
    println!("ratio                                {:>9.2}   (goal 0.5)", whole / publishes);
    println!("accepted meanwhile at                {:>9.0} records/s", accepted.rate);

    let outcomes = usize::try_from(records)?.min(10_000);
    let (drained, referrals) = outcome::drain(&world, outcomes).await?;
    println!(
        "\n{outcomes} outcomes applied, with notices {drained:>12.0} outcomes/s   (goal 1000)"
    );

    let lettered = outcome::letters(&world, outcomes).await?;
    println!("their letters at an endpoint          {lettered:>9.0} letters/s");
    let samples = &referrals[..referrals.len().min(LATENCY_SAMPLES)];
    let (median, worst) = outcome::latency(&world, samples).await?;
    println!(
        "from an outcome to its letter: p50 {:.1} ms, p99 {:.1} ms   (goal p50 < 50 ms)",
        millis(median),
        millis(worst)
    );

    world.stop_broker().await?;
    let away = load.push(records, None).await?;
    let inserts = bare::insert_rows(&world, records)?;
    println!("\naccepts with the broker away         {:>9.0} records/s", away.rate);
    println!("raw batched inserts of the same rows {inserts:>9.0} records/s");
    println!("ratio                                {:>9.2}   (goal 0.5)", away.rate / inserts);

    let half = load.push(records / 4, Some(away.rate / 2.0)).await?;
    println!(
        "\naccept at half of that load ({:.0}/s): p50 {:.1} ms, p99 {:.1} ms   (goal < 20 ms)",
        half.rate,
        millis(half.p50),
        millis(half.p99)
    );
    println!("gateway's memory at the end: {} MB   (goal < 150 MB)", world.gateway_mb()?);
    world.stop()
}

fn rate(records: u64, elapsed: Duration) -> f64 {
    records as f64 / elapsed.as_secs_f64()
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
