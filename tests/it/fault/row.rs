//! One row of the table: a fault strikes so many times, and the books are laid side by side.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use super::ledger::Account;
use super::place::{PUSHED, Place, is_over, is_told};
use crate::broker::Broker;
use crate::world::TestGateway;

/// A fault and how it ends.
pub struct Fault {
    pub name: &'static str,
    /// Any of these tells a person, as [`Place::look`] names them.
    pub told_by: &'static [&'static str],
    /// Whether it is part of the minute that runs with every test.
    pub smoke: bool,
    /// What it needs before the gateway starts.
    pub ready: fn(&mut TestGateway),
    pub strike: Act,
    pub mend: Act,
    /// The store itself is gone: what it alone held is lost, which is counted, told and not served.
    pub destroys: bool,
}

pub type Act = for<'p> fn(&'p mut Place) -> LocalBoxFuture<'p, ()>;

/// A fault lasts at least so long, so that the load meets it.
const LASTS: Duration = Duration::from_secs(2);
/// Somebody is told within this time.
pub const TOLD_MAX: Duration = Duration::from_secs(45);
/// A record sent after the mend has gone the whole way round within this time.
const RECOVERED_MAX: Duration = Duration::from_secs(90);
/// An incident closes within this time after that.
const CLOSED_MAX: Duration = Duration::from_secs(60);
/// Everything has arrived when nothing more came for so long.
const QUIET: Duration = Duration::from_secs(75);

pub const HEAD: &str = "\
| fault | times | acknowledged: records, outcomes | delivered | lost | doubled | wrong 4xx | recovered after, s | told by |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |";

#[derive(Debug, Default)]
pub struct Row {
    pub name: &'static str,
    times: usize,
    account: Account,
    recovered: Vec<Duration>,
    told: BTreeSet<String>,
    /// Why the row does not hold; empty: it does.
    pub against: Vec<String>,
}

impl Fault {
    /// One that needs nothing before the start and is not part of the smoke.
    pub const fn of(
        name: &'static str,
        told_by: &'static [&'static str],
        strike: Act,
        mend: Act,
    ) -> Fault {
        Fault { name, told_by, smoke: false, ready: |_| {}, strike, mend, destroys: false }
    }

    pub const fn in_smoke(self) -> Fault {
        Fault { smoke: true, ..self }
    }
}

impl Row {
    pub fn line(&self) -> String {
        let account = &self.account;
        let seconds: Vec<_> =
            self.recovered.iter().map(|it| format!("{:.1}", it.as_secs_f64())).collect();
        let sign = |it: &String| match is_over(it) {
            true => it.trim_end_matches(|c: char| c == ' ' || c.is_ascii_digit()).to_owned(),
            false => it.clone(),
        };
        let told: BTreeSet<String> = self.told.iter().map(sign).collect();
        let told: Vec<_> = told.into_iter().collect();
        format!(
            "| {} | {} | {}, {} | {}, {} | {} | {} | {} | {} | {} |",
            self.name,
            self.times,
            account.records,
            account.outcomes,
            account.records_delivered,
            account.outcomes_delivered,
            account.lost.len(),
            account.doubled.len(),
            account.wrong.len(),
            seconds.join(" "),
            told.join("; "),
        )
    }
}

/// Runs a fault in a place of its own and gives the broker back, unless the row came to a sudden end.
pub async fn run(
    fault: &Fault,
    times: usize,
    broker: Broker,
    provider: &str,
) -> (Row, Option<Broker>) {
    let mut row = Row { name: fault.name, ..Row::default() };
    let running = AssertUnwindSafe(places(fault, times, broker, provider, &mut row));
    let broker = running.catch_unwind().await;
    if let Err(panic) = &broker {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|it| (*it).to_owned()));
        row.against.push(format!("time {}: {}", row.times, text.unwrap_or_default()));
    }
    (row, broker.ok())
}

async fn places(
    fault: &Fault,
    times: usize,
    broker: Broker,
    provider: &str,
    row: &mut Row,
) -> Broker {
    if fault.destroys {
        let mut broker = broker;
        for _ in 0..times {
            broker = one_place(fault, 1, broker, provider, row).await;
        }
        return broker;
    }
    one_place(fault, times, broker, provider, row).await
}

async fn one_place(
    fault: &Fault,
    times: usize,
    broker: Broker,
    provider: &str,
    row: &mut Row,
) -> Broker {
    let mut place = Place::start(broker, provider, fault.ready).await;
    for _ in 0..times {
        row.times += 1;
        if let Err(why) = strike(fault, &mut place, row).await {
            row.against.push(format!("time {}: {why}", row.times));
            break;
        }
    }
    place.load.stop();
    let account = settled(&place, if fault.destroys { LASTS } else { QUIET }).await;
    let Account { lost, doubled, wrong, .. } = &account;
    let lost = if fault.destroys { &Vec::new() } else { lost };
    for (what, all) in [("lost", lost), ("doubled", doubled), ("wrong", wrong)] {
        if let Some(first) = all.first() {
            row.against.push(format!("{} {what}, the first: {first}", all.len()));
        }
    }
    row.account.add(account);
    if !row.against.is_empty() {
        keep_log(fault.name, &place);
    }
    place.broker
}

async fn strike(fault: &Fault, place: &mut Place, row: &mut Row) -> Result<(), String> {
    round_trip(place, Instant::now()).await.map_err(|why| format!("before the fault, {why}"))?;
    let before = place.look().await;
    let struck = Instant::now();
    (fault.strike)(place).await;
    let mut told = place.told(fault.told_by, &before, TOLD_MAX).await;
    if !is_told(&told, fault.told_by) {
        let why = format!("nobody was told within {TOLD_MAX:?}; seen: {told:?}");
        row.against.push(why);
    }
    tokio::time::sleep(LASTS.saturating_sub(struck.elapsed())).await;
    if fault.destroys {
        row.told.append(&mut told);
        return not_served(place).await;
    }
    (fault.mend)(place).await;
    let mended = Instant::now();
    let ended = loop {
        let seen = place.look().await;
        told.extend(seen.difference(&before).cloned());
        if let Some(ended) = place.ledger.round_since(mended) {
            break ended;
        }
        // One that ended by itself is started again, as whatever watches over it would.
        if place.gateway.has_ended().is_some() {
            place.start_again().await;
        }
        if mended.elapsed() > RECOVERED_MAX {
            row.told.append(&mut told);
            return Err(format!("not recovered within {RECOVERED_MAX:?}; seen: {seen:?}"));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    row.recovered.push(ended - mended);
    let recovered = Instant::now();
    let still = loop {
        let seen = place.look().await;
        let still: Vec<_> = seen.difference(&before).filter(|it| !is_over(it)).cloned().collect();
        if still.is_empty() || recovered.elapsed() > CLOSED_MAX {
            break still;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    };
    if !still.is_empty() {
        row.against.push(format!("{CLOSED_MAX:?} after the recovery there is still {still:?}"));
    }
    row.told.append(&mut told);
    Ok(())
}

/// Waits until a record sent from now on has gone the whole way round.
async fn round_trip(place: &mut Place, since: Instant) -> Result<(), String> {
    while place.ledger.round_since(since).is_none() {
        if since.elapsed() > RECOVERED_MAX {
            let seen = place.look().await;
            return Err(format!("no record goes round within {RECOVERED_MAX:?}; seen: {seen:?}"));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Nothing is taken on a store that is not the one that was.
async fn not_served(place: &mut Place) -> Result<(), String> {
    let taken = |place: &Place| place.ledger.book(|book| book.acknowledged.len());
    let before = taken(place);
    tokio::time::sleep(LASTS).await;
    match taken(place) - before {
        0 => Ok(()),
        more => Err(format!("{more} records were taken after the store was gone")),
    }
}

/// The account when everything has arrived, or when nothing more arrives.
async fn settled(place: &Place, quiet: Duration) -> Account {
    let mut arrived = place.ledger.arrivals();
    let mut grew_at = Instant::now();
    loop {
        let account = place.ledger.account(Some(PUSHED));
        if account.lost.is_empty() || grew_at.elapsed() > quiet {
            return account;
        }
        let now = place.ledger.arrivals();
        if now > arrived {
            (arrived, grew_at) = (now, Instant::now());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Where the log of a row that does not hold is kept.
fn keep_log(name: &str, place: &Place) {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("fault");
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join(format!("{name}.log"));
    std::fs::write(&file, place.gateway.log()).unwrap();
    println!("    {name}: the gateway's log is {}", file.display());
}
