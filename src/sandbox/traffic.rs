//! Force systems at work: each pushes made-up records of its own shape over mutual TLS, good ones,
//! repeated, changed, faulty and unlisted ones, and keeps a book of what it was told.

use std::future::Future;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;

use super::charity::Charity;
use super::reconcile::{self, Book};
use super::shape::{SHAPES, Shape, Sort};
use super::world::World;
use crate::clock::Clock;

/// What a force sends, in turn. `None` is the last good record once more.
const TURNS: [Option<Sort>; 8] = [
    Some(Sort::Good),
    None,
    Some(Sort::Good),
    Some(Sort::Amended),
    Some(Sort::Faulty),
    Some(Sort::Good),
    Some(Sort::Unlisted),
    Some(Sort::Good),
];

/// Between two pushes of one force: a person can follow, and thousands of cases still pass.
const PAUSE: Duration = Duration::from_millis(60);

const PROGRESS: Duration = Duration::from_millis(500);

/// How long the last messages may take to arrive.
const ARRIVE_MAX: Duration = Duration::from_secs(30);

/// Case numbers that fit the shapes: five digits.
const CASES_MAX: u64 = 90_000;

/// Plays until told, then waits for what is on its way and prints the reconciliation.
pub(super) async fn play(
    world: &mut World,
    clock: &Clock,
    until: impl Future<Output = ()>,
    out: &mut (impl Write + Send),
) -> anyhow::Result<bool> {
    let (charity, _connections) = Charity::open(world).await?;
    let book = Arc::new(Mutex::new(Book::default()));
    let stop = Arc::new(AtomicBool::new(false));
    // Another run in the same folder has other cases.
    let first = u64::try_from(clock.now().as_second()).unwrap_or(0) % CASES_MAX;
    let mut forces = JoinSet::new();
    for shape in &SHAPES {
        let client = client(world, shape.force)?;
        let url = format!("{}/v1/records", world.api);
        let (book, stop) = (Arc::clone(&book), Arc::clone(&stop));
        forces.spawn(async move {
            let force = Force { shape, client, url, book };
            force.push(first, &stop).await;
        });
    }
    writeln!(out, "traffic of {} forces; one line shows what happens", SHAPES.len())?;
    let mut progress = Progress::new(clock);
    let mut until = std::pin::pin!(until);
    loop {
        tokio::select! {
            () = &mut until => break,
            () = tokio::time::sleep(PROGRESS) => progress.show(&lock(&book), &charity, out)?,
        }
    }
    stop.store(true, Ordering::Relaxed);
    while forces.join_next().await.is_some() {}
    let book = lock(&book).clone();
    let started = clock.monotonic();
    while !book.all_arrived(&charity.seen())
        && clock.monotonic().saturating_sub(started) < ARRIVE_MAX
    {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    progress.show(&book, &charity, out)?;
    writeln!(out)?;
    let seen = charity.seen();
    reconcile::print(&book, &seen, out)
}

fn lock(book: &Mutex<Book>) -> std::sync::MutexGuard<'_, Book> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Force {
    shape: &'static Shape,
    client: reqwest::Client,
    url: String,
    book: Arc<Mutex<Book>>,
}

impl Force {
    async fn push(&self, first: u64, stop: &AtomicBool) {
        let (mut case, mut message) = (first, first * 10);
        let mut last = String::new();
        for turn in TURNS.iter().cycle() {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            message += 1;
            let body = match turn {
                None => last.clone(),
                // A change is of the case that was accepted last.
                Some(Sort::Amended) => self.shape.record(Sort::Amended, case, message),
                Some(sort) => {
                    case = (case + 1) % 100_000;
                    self.shape.record(*sort, case, message)
                }
            };
            if *turn == Some(Sort::Good) {
                last.clone_from(&body);
            }
            self.send(body).await;
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn send(&self, body: String) {
        let request = self.client.post(&self.url).header("content-type", self.shape.media_type);
        let answer = match request.body(body).send().await {
            Ok(answer) => answer.json::<Value>().await.ok(),
            Err(_) => None,
        };
        let mut book = lock(&self.book);
        let Some(answer) = answer else {
            book.unanswered += 1;
            return;
        };
        let records = answer["records"].as_array().cloned().unwrap_or_default();
        if records.is_empty() {
            book.unanswered += 1;
        }
        for record in records {
            self.note(&mut book, &record);
        }
    }

    fn note(&self, book: &mut Book, record: &Value) {
        let violation = |finding: &Value| finding["kind"] == "violation";
        let at_fault = record["violations"].as_array().is_some_and(|all| all.iter().any(violation));
        let count = book.by_force.entry(self.shape.force).or_default();
        count.pushed += 1;
        match record["status"].as_str() {
            Some("accepted") => {
                count.accepted += 1;
                let id = record["referral_id"].as_str().unwrap_or_default().to_owned();
                book.accepted.insert((id, record["revision"].as_u64().unwrap_or_default()));
            }
            Some("duplicate") => count.duplicate += 1,
            Some("held") if at_fault => count.refused += 1,
            Some("held") => count.held += 1,
            _ => {}
        }
    }
}

/// A force's client: its own certificate, and nobody trusted but the sandbox's CA.
#[expect(clippy::disallowed_methods, reason = "the sandbox speaks from outside, on loopback")]
fn client(world: &World, force: &str) -> anyhow::Result<reqwest::Client> {
    let paths = world.certificates.paths(&format!("forces/{force}"));
    let mut identity = std::fs::read(paths.key)?;
    identity.extend(std::fs::read(paths.certificate)?);
    let ca = reqwest::Certificate::from_pem(&std::fs::read(world.certificates.ca())?)?;
    Ok(reqwest::Client::builder()
        .no_proxy()
        .http1_only()
        .tls_certs_only([ca])
        .identity(reqwest::Identity::from_pem(&identity)?)
        .timeout(Duration::from_secs(30))
        .build()?)
}

/// One line while it runs: in place on a terminal, now and then elsewhere.
struct Progress<'c> {
    clock: &'c Clock,
    started: Duration,
    terminal: bool,
    shown: u32,
}

impl<'c> Progress<'c> {
    fn new(clock: &'c Clock) -> Self {
        let terminal = std::io::stdout().is_terminal();
        Progress { clock, started: clock.monotonic(), terminal, shown: 0 }
    }

    fn show(&mut self, book: &Book, charity: &Charity, out: &mut impl Write) -> anyhow::Result<()> {
        self.shown += 1;
        // A log file gets a line every five seconds.
        if !self.terminal && !self.shown.is_multiple_of(10) {
            return Ok(());
        }
        let total = book.total();
        let seconds = self.clock.monotonic().saturating_sub(self.started).as_secs();
        let (offender, victim) = {
            let seen = charity.seen();
            (seen.offender.len(), seen.victim.len())
        };
        let line = format!(
            "{seconds:>4} s  pushed {:<6} accepted {:<6} duplicate {:<5} held {:<5} refused {:<5} | charity: intake {offender:<6} victims {victim:<6}",
            total.pushed, total.accepted, total.duplicate, total.held, total.refused
        );
        if self.terminal {
            write!(out, "\r{line}")?;
        } else {
            writeln!(out, "{line}")?;
        }
        out.flush()?;
        Ok(())
    }
}
