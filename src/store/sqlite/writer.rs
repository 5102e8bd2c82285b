//! The one writer: takes what waits, no timer, one transaction for all of it, and answers each
//! caller after the commit. An entry has a savepoint of its own, so that a conflict fails it and
//! never the batch.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use rusqlite::Connection;
use tokio::sync::{Notify, oneshot};
use uuid::Uuid;

use super::super::{Entry, Error, Fact, PlanVersion, Receipt, Refused, Settled};
use super::{entry, failed};
use crate::clock::Clock;
use crate::metric::Metric;
use crate::vault::Vault;

/// Records of one transaction.
const BATCH_ENTRIES_MAX: usize = 256;

/// Sealed bytes of one transaction.
const BATCH_BYTES_MAX: usize = 4 << 20;

/// Calls that may wait; beyond it callers wait to be let in.
const WAITING_MAX: usize = 4096;

const STOPPING: &str = "the gateway is stopping";

/// One call, with the way to answer it.
enum Job {
    Entries(Vec<Entry>, oneshot::Sender<Vec<Result<Receipt, Refused>>>),
    Settle(Vec<(i64, Settled)>, oneshot::Sender<Result<Vec<bool>, Error>>),
    Revive(Uuid, Box<Fact>, oneshot::Sender<Result<bool, Error>>),
    Plan(Box<PlanVersion>, Vec<Fact>, oneshot::Sender<Result<Result<(), Refused>, Error>>),
    Probe(oneshot::Sender<Result<(), Error>>),
    Close(oneshot::Sender<Result<(), Error>>),
}

/// What the writer's thread owns.
pub(super) struct Parts {
    pub connection: Connection,
    pub vault: Arc<Vault>,
    pub metric: Metric,
    pub folder: PathBuf,
    pub disk_reserve_bytes: u64,
    pub wake: Arc<Notify>,
    pub poisoned: Arc<AtomicBool>,
    pub clock: Clock,
}

/// The way to the writer's thread.
pub(super) struct Writer {
    jobs: SyncSender<Job>,
}

impl Writer {
    pub fn start(parts: Parts) -> Result<Self, Error> {
        let (jobs, waiting) = sync_channel(WAITING_MAX);
        let thread = std::thread::Builder::new().name("store-writer".to_owned());
        thread.spawn(move || Thread { parts, waiting }.run()).map_err(super::backend)?;
        Ok(Writer { jobs })
    }

    pub async fn entries(&self, entries: Vec<Entry>) -> Vec<Result<Receipt, Refused>> {
        let count = entries.len();
        if count == 0 {
            return Vec::new();
        }
        let refused = || vec![Err(Refused::Unavailable { reason: STOPPING }); count];
        match self.ask(|answer| Job::Entries(entries, answer)).await {
            Some(answers) => answers,
            None => refused(),
        }
    }

    pub async fn settle(&self, rows: Vec<(i64, Settled)>) -> Result<Vec<bool>, Error> {
        self.ask(|answer| Job::Settle(rows, answer)).await.unwrap_or_else(stopping)
    }

    pub async fn revive(&self, event_id: Uuid, audit: Fact) -> Result<bool, Error> {
        let audit = Box::new(audit);
        self.ask(|answer| Job::Revive(event_id, audit, answer)).await.unwrap_or_else(stopping)
    }

    pub async fn activate_plan(
        &self,
        version: PlanVersion,
        audit: Vec<Fact>,
    ) -> Result<Result<(), Refused>, Error> {
        let version = Box::new(version);
        self.ask(|answer| Job::Plan(version, audit, answer)).await.unwrap_or_else(stopping)
    }

    pub async fn probe(&self) -> Result<(), Error> {
        self.ask(Job::Probe).await.unwrap_or_else(stopping)
    }

    pub async fn close(&self) -> Result<(), Error> {
        // A writer that is gone already has nothing left to close.
        self.ask(Job::Close).await.unwrap_or(Ok(()))
    }

    async fn ask<T>(&self, job: impl FnOnce(oneshot::Sender<T>) -> Job) -> Option<T> {
        let (sender, answer) = oneshot::channel();
        // `send` would block the caller's thread when too many wait; it is let in by trying.
        let mut job = job(sender);
        loop {
            match self.jobs.try_send(job) {
                Ok(()) => break,
                Err(std::sync::mpsc::TrySendError::Disconnected(_)) => return None,
                Err(std::sync::mpsc::TrySendError::Full(back)) => {
                    job = back;
                    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
                }
            }
        }
        answer.await.ok()
    }
}

fn stopping<T>() -> Result<T, Error> {
    Err(Error::Unavailable { reason: STOPPING })
}

struct Thread {
    parts: Parts,
    waiting: Receiver<Job>,
}

/// What a job will be answered once the commit is known.
enum Answer {
    Entries(Vec<Result<Uuid, Refused>>, oneshot::Sender<Vec<Result<Receipt, Refused>>>),
    Settle(Vec<bool>, oneshot::Sender<Result<Vec<bool>, Error>>),
    Revive(bool, oneshot::Sender<Result<bool, Error>>),
    Plan(Result<(), Refused>, oneshot::Sender<Result<Result<(), Refused>, Error>>),
    Probe(oneshot::Sender<Result<(), Error>>),
}

impl Thread {
    fn run(mut self) {
        while let Ok(first) = self.waiting.recv() {
            let mut batch = Vec::new();
            let mut size = Size::default();
            let mut close = None;
            let mut next = Some(first);
            while let Some(job) = next {
                match job {
                    Job::Close(answer) => {
                        close = Some(answer);
                        break;
                    }
                    job => {
                        size.add(&job);
                        batch.push(job);
                    }
                }
                next = if size.is_full() { None } else { self.waiting.try_recv().ok() };
            }
            self.commit(batch);
            if let Some(answer) = close {
                let sql = "/* writer::close */ PRAGMA wal_checkpoint(TRUNCATE)";
                let checkpoint =
                    self.parts.connection.query_row(sql, [], |_| Ok(())).map_err(failed);
                let _ = answer.send(checkpoint);
                return;
            }
        }
    }

    fn commit(&mut self, batch: Vec<Job>) {
        if batch.is_empty() {
            return;
        }
        let started = self.parts.clock.monotonic();
        let blocked = self.blocked();
        let mut answers = Vec::with_capacity(batch.len());
        let result = self.transact(batch, blocked, &mut answers);
        match result {
            Ok(committed) => {
                let committed_at = self.parts.clock.now();
                for answer in answers {
                    answer.committed(committed_at);
                }
                let elapsed = self.parts.clock.monotonic().saturating_sub(started);
                self.parts.metric.commit(committed.entries, elapsed);
                if committed.publishes {
                    self.parts.wake.notify_one();
                }
            }
            Err(reason) => {
                tracing::error!(reason, "a commit failed; nothing of it was acknowledged");
                for answer in answers {
                    answer.failed(reason);
                }
            }
        }
    }

    /// Why no new entry may be written now, if so.
    fn blocked(&self) -> Option<&'static str> {
        if self.parts.poisoned.load(Ordering::Acquire) {
            return Some("an earlier commit failed and the gateway is stopping");
        }
        if self.parts.disk_reserve_bytes == 0 {
            return None;
        }
        match nix::sys::statvfs::statvfs(&self.parts.folder) {
            Ok(disk) => {
                let free = disk.blocks_available().saturating_mul(disk.fragment_size());
                (free < self.parts.disk_reserve_bytes).then_some("the disk is almost full")
            }
            Err(_) => Some("the disk does not say how much is free"),
        }
    }

    fn transact(
        &mut self,
        batch: Vec<Job>,
        blocked: Option<&'static str>,
        answers: &mut Vec<Answer>,
    ) -> Result<Committed, &'static str> {
        let mut failure = None;
        let mut committed = Committed::default();
        let begun = begin(&self.parts.connection);
        if let Err(reason) = begun {
            failure = Some(reason);
        }
        let mut facts = Vec::new();
        for job in batch {
            answers.push(self.work(job, blocked, &mut facts, &mut failure, &mut committed));
        }
        if let Some(reason) = failure {
            if begun.is_ok() {
                self.roll_back();
            }
            return Err(reason);
        }
        let written = entry::chain(&self.parts.connection, &self.parts.vault, &facts);
        if let Err(error) = written {
            self.roll_back();
            return Err(reason_of(&error));
        }
        self.finish().map(|()| committed)
    }

    /// Does one job inside the transaction. After a failure the rest is only given its answer.
    fn work(
        &self,
        job: Job,
        blocked: Option<&'static str>,
        facts: &mut Vec<Fact>,
        failure: &mut Option<&'static str>,
        committed: &mut Committed,
    ) -> Answer {
        let connection = &self.parts.connection;
        match job {
            Job::Entries(entries, answer) => {
                let write = |entry| {
                    if let Some(reason) = blocked.or(*failure) {
                        return Err(Refused::Unavailable { reason });
                    }
                    match entry::write(connection, entry, facts) {
                        Ok(Ok((id, publishes))) => {
                            committed.entries += 1;
                            committed.publishes |= publishes;
                            Ok(id)
                        }
                        Ok(Err(refused)) => Err(refused),
                        Err(error) => {
                            let reason = reason_of(&error);
                            *failure = Some(reason);
                            Err(Refused::Unavailable { reason })
                        }
                    }
                };
                Answer::Entries(entries.into_iter().map(write).collect(), answer)
            }
            Job::Settle(rows, answer) => {
                let changed = note(failure, || entry::settle(connection, rows, facts));
                Answer::Settle(changed.unwrap_or_default(), answer)
            }
            Job::Revive(event_id, audit, answer) => {
                let revived = note(failure, || entry::revive(connection, event_id));
                let revived = revived.unwrap_or_default();
                if revived {
                    facts.push(*audit);
                    committed.publishes = true;
                }
                Answer::Revive(revived, answer)
            }
            Job::Plan(version, audit, answer) => {
                let stored = note(failure, || entry::plan_version(connection, &version));
                let stored = stored.unwrap_or(Err(Refused::Conflict));
                if stored.is_ok() {
                    facts.extend(audit);
                }
                Answer::Plan(stored, answer)
            }
            Job::Probe(answer) => {
                note(failure, || entry::probe(connection));
                Answer::Probe(answer)
            }
            Job::Close(_) => unreachable!("a close is never part of a batch"),
        }
    }

    fn finish(&mut self) -> Result<(), &'static str> {
        let committed = self.parts.connection.execute_batch("COMMIT");
        let Err(error) = committed else { return Ok(()) };
        let unknown = error.sqlite_error_code() == Some(rusqlite::ErrorCode::SystemIoFailure);
        let reason = reason_of(&failed(error));
        if unknown {
            // Nobody can say what the disk holds now: only a new start finds out.
            self.parts.poisoned.store(true, Ordering::Release);
        }
        self.roll_back();
        Err(reason)
    }

    fn roll_back(&self) {
        let connection = &self.parts.connection;
        if !connection.is_autocommit() && connection.execute_batch("ROLLBACK").is_err() {
            self.parts.poisoned.store(true, Ordering::Release);
        }
    }
}

/// What a transaction held.
#[derive(Default)]
struct Committed {
    entries: usize,
    publishes: bool,
}

fn begin(connection: &Connection) -> Result<(), &'static str> {
    connection.execute_batch("BEGIN IMMEDIATE").map_err(|error| reason_of(&failed(error)))
}

/// Runs a step unless the transaction has failed already, and keeps its failure.
fn note<T>(
    failure: &mut Option<&'static str>,
    step: impl FnOnce() -> Result<T, Error>,
) -> Option<T> {
    if failure.is_some() {
        return None;
    }
    match step() {
        Ok(done) => Some(done),
        Err(error) => {
            *failure = Some(reason_of(&error));
            None
        }
    }
}

fn reason_of(error: &Error) -> &'static str {
    match error {
        Error::Unavailable { reason } => reason,
        Error::Inconsistent { what, .. } => {
            tracing::error!(what, "the store is inconsistent");
            what
        }
        Error::Backend(source) => {
            tracing::error!(error = source.as_ref() as &dyn std::error::Error, "the store failed");
            "the store failed"
        }
    }
}

impl Answer {
    fn committed(self, at: jiff::Timestamp) {
        // A caller that has gone away needs no answer; its record is stored all the same.
        match self {
            Answer::Entries(results, answer) => {
                let receipt = |id| Receipt { entry_id: id, committed_at: at };
                let _ = answer.send(results.into_iter().map(|it| it.map(receipt)).collect());
            }
            Answer::Settle(changed, answer) => drop(answer.send(Ok(changed))),
            Answer::Revive(revived, answer) => drop(answer.send(Ok(revived))),
            Answer::Plan(stored, answer) => drop(answer.send(Ok(stored))),
            Answer::Probe(answer) => drop(answer.send(Ok(()))),
        }
    }

    fn failed(self, reason: &'static str) {
        let unavailable = || Error::Unavailable { reason };
        match self {
            Answer::Entries(results, answer) => {
                let refused = results.iter().map(|_| Err(Refused::Unavailable { reason }));
                let _ = answer.send(refused.collect());
            }
            Answer::Settle(_, answer) => drop(answer.send(Err(unavailable()))),
            Answer::Revive(_, answer) => drop(answer.send(Err(unavailable()))),
            Answer::Plan(_, answer) => drop(answer.send(Err(unavailable()))),
            Answer::Probe(answer) => drop(answer.send(Err(unavailable()))),
        }
    }
}

/// How much a batch holds already.
#[derive(Default)]
struct Size {
    entries: usize,
    bytes: usize,
}

impl Size {
    fn add(&mut self, job: &Job) {
        match job {
            Job::Entries(entries, _) => {
                self.entries += entries.len();
                self.bytes += entries.iter().map(entry::bytes).sum::<usize>();
            }
            Job::Settle(rows, _) => self.entries += rows.len(),
            _ => self.entries += 1,
        }
    }

    fn is_full(&self) -> bool {
        self.entries >= BATCH_ENTRIES_MAX || self.bytes >= BATCH_BYTES_MAX
    }
}
