//! Faults under constant load of both legs: what was acknowledged arrives, nobody gets an answer
//! that is wrong, and somebody is told.
//!
//! A minute of it runs with every test. `make fault-test` runs all of it (`FAULT_TEST=all`); `FAULTS`
//! names the rows, `FAULT_ROUNDS` says how often each fault strikes.

mod broker;
mod clock;
mod disk;
mod ledger;
mod letter;
mod load;
mod outside;
mod place;
mod process;
mod row;
mod store;

use crate::broker::{Broker, PROVIDERS, Wishes};
use row::{Fault, Row};

/// How often a fault strikes, unless `FAULT_ROUNDS` says otherwise.
pub fn rounds(usual: usize) -> usize {
    match std::env::var("FAULT_ROUNDS") {
        Ok(text) => text.parse().expect("FAULT_ROUNDS is a number"),
        Err(_) => usual,
    }
}

fn all() -> impl Iterator<Item = &'static Fault> {
    let groups = [
        process::FAULTS,
        broker::FAULTS,
        disk::FAULTS,
        store::FAULTS,
        clock::FAULTS,
        letter::FAULTS,
    ];
    groups.into_iter().flatten()
}

/// Runs these one after the other on one broker, and prints the table.
async fn run(faults: Vec<&Fault>, times: usize) -> Vec<Row> {
    let fresh = || tokio::task::block_in_place(|| Broker::start(Wishes::default()));
    let mut broker = fresh();
    let mut rows = Vec::new();
    for (index, fault) in faults.into_iter().enumerate() {
        let provider = PROVIDERS[index % PROVIDERS.len()];
        let (row, its_broker) = row::run(fault, times, broker, provider).await;
        broker = its_broker.unwrap_or_else(fresh);
        println!("{}", row.line());
        for why in &row.against {
            println!("    {}: {why}", row.name);
        }
        rows.push(row);
    }
    let table: Vec<_> = rows.iter().map(Row::line).collect();
    println!("\n{}\n{}", row::HEAD, table.join("\n"));
    rows
}

fn assert_hold(rows: &[Row]) {
    let against: Vec<_> = rows
        .iter()
        .flat_map(|row| row.against.iter().map(|why| format!("{}: {why}", row.name)))
        .collect();
    assert!(against.is_empty(), "{}", against.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_minute_of_faults_loses_nothing_and_is_told() {
    assert_hold(&run(all().filter(|fault| fault.smoke).collect(), rounds(1)).await);
}

/// Half an hour, so it has its own command.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_loses_nothing_and_is_told() {
    if std::env::var_os("FAULT_TEST").is_none() {
        return;
    }
    let wanted = std::env::var("FAULTS").unwrap_or_default();
    let wanted: Vec<_> = wanted.split_whitespace().collect();
    let known: Vec<_> = all().map(|fault| fault.name).collect();
    let unknown: Vec<_> = wanted.iter().filter(|it| !known.contains(it)).collect();
    assert!(unknown.is_empty(), "{unknown:?} in FAULTS: there is {}", known.join(", "));
    let chosen = all().filter(|fault| wanted.is_empty() || wanted.contains(&fault.name));
    assert_hold(&run(chosen.collect(), rounds(3)).await);
}
