//! The one thread that writes: takes what waits, writes it in one transaction, answers after the
//! commit.
//!
//! No timer: while one commit waits for the disk, the work of the next gathers by itself.

use std::collections::{HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::thread;

use rusqlite::Connection;
use tokio::sync::{Notify, mpsc, oneshot};

use super::anchor::Keeper;
use super::column::{from_day, revision_row};
use super::growth::Growth;
use super::harm::{self, Harm};
use super::lock::OpenedNames;
use super::outbox::{Claims, Effects};
use super::step::{STOPPING, Step, StepEnd, Work};
use super::transaction::{Added, StepFailure, Transaction};
use super::{Error, audit, open, statement};
use cara_clock::{Clock, london_day};
use cara_metric::Metric;
use cara_store::audit::ChainEnd;
use cara_store::{NotWritten, Settled};
use cara_supervisor::{contain_now, disk_free_bytes, point};
use cara_vault::Vault;

const STEPS_MAX: usize = 256;
const BATCH_BYTES_MAX: usize = 4 << 20;

pub(crate) enum WriterCommand {
    Work(Work),
    /// Finish what came before, put everything into the main file and end.
    Close(oneshot::Sender<Result<(), Error>>),
}

pub(crate) struct Writer {
    pub connection: Connection,
    pub commands: mpsc::Receiver<WriterCommand>,
    pub vault: Arc<Vault>,
    pub clock: Clock,
    pub metric: Metric,
    pub claims: Arc<Claims>,
    pub growth: Arc<Growth>,
    pub wake: Arc<Notify>,
    /// Why nobody knows what the disk holds.
    pub poisoned: Arc<OnceLock<&'static str>>,
    /// The folder whose file system is watched.
    pub folder: PathBuf,
    pub disk_reserve_bytes: u64,
    /// What the names of the open files stood for when they were opened.
    pub names: OpenedNames,
    pub harm: Arc<Harm>,
    /// `None`: the store is opened for reading only.
    pub keeper: Option<Arc<Keeper>>,
}

/// Steps of one transaction, each with the work that it came from.
#[derive(Default)]
struct Batch {
    works: Vec<Work>,
    steps: Vec<(usize, Step)>,
    bytes: usize,
}

impl Batch {
    fn is_full(&self) -> bool {
        self.steps.len() >= STEPS_MAX || self.bytes >= BATCH_BYTES_MAX
    }

    /// Takes what fits of one caller's work; `false` when some of it is left.
    fn take(&mut self, mut work: Work) -> bool {
        let index = self.works.len();
        while !self.is_full() {
            let Some(step) = work.steps.pop_front() else { break };
            self.bytes += step.bytes();
            self.steps.push((index, step));
        }
        let whole = work.steps.is_empty();
        self.works.push(work);
        whole
    }
}

/// The end of each step, what they do to the claims, and the end of the audit chain.
type Written = (Vec<Result<StepEnd, NotWritten>>, Effects, ChainEnd);

/// What became of a transaction as a whole, when it did not commit.
struct Abort {
    reason: &'static str,
    /// Nobody can know what the disk holds.
    unknown: bool,
}

impl Writer {
    pub fn start(writer: Writer) -> Result<thread::JoinHandle<()>, Error> {
        let run = move || {
            point("store-writer");
            writer.run();
        };
        thread::Builder::new().name("store-writer".into()).spawn(run).map_err(Error::Thread)
    }

    fn run(mut self) {
        let mut carried: Option<Work> = None;
        loop {
            let mut batch = Batch::default();
            let mut closing = None;
            let mut next = carried.take();
            if next.is_none() {
                match self.commands.blocking_recv() {
                    Some(WriterCommand::Work(work)) => next = Some(work),
                    Some(WriterCommand::Close(reply)) => return self.close(reply),
                    None => {
                        let (reply, _) = oneshot::channel();
                        return self.close(reply);
                    }
                }
            }
            while let Some(work) = next.take() {
                if !batch.take(work) {
                    carried = batch.works.pop();
                    break;
                }
                if batch.is_full() {
                    break;
                }
                match self.commands.try_recv() {
                    Ok(WriterCommand::Work(work)) => next = Some(work),
                    Ok(WriterCommand::Close(reply)) => closing = Some(reply),
                    Err(_) => {}
                }
            }
            self.commit(batch, &mut carried);
            if let Some(reply) = closing {
                return self.close(reply);
            }
        }
    }

    /// Writes a batch and answers every caller whose steps are all done. A caller whose steps did
    /// not all fit is in `carried` and keeps what it has so far.
    fn commit(&mut self, batch: Batch, carried: &mut Option<Work>) {
        let Batch { mut works, steps, .. } = batch;
        let owners: Vec<usize> = steps.iter().map(|(index, _)| *index).collect();
        let results = self.transact(steps.into_iter().map(|(_, step)| step).collect());
        for (index, result) in owners.into_iter().zip(results) {
            match works.get_mut(index).or(carried.as_mut()) {
                Some(work) => work.results.push(result),
                None => unreachable!("a step's work is in the batch or carried"),
            }
        }
        for work in works {
            // A caller that has gone away asks for no answer; what it gave is written all the same.
            let _ = work.reply.send(work.results);
        }
    }

    fn transact(&mut self, steps: Vec<Step>) -> Vec<Result<StepEnd, NotWritten>> {
        let refuse_all = |reason, count| vec![Err(NotWritten::Unavailable { reason }); count];
        if self.poisoned.get().is_some() {
            return refuse_all(POISONED, steps.len());
        }
        if self.harm.reason() == Some(harm::READ_ONLY) {
            return refuse_all(harm::READ_ONLY, steps.len());
        }
        if let Some(path) = self.names.changed() {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            self.harm.found(harm::MOVED, &name, "its name stands for another file, or for none");
        }
        let started = self.clock.monotonic();
        let below_reserve = self.below_reserve();
        let count = steps.len();
        match self.write_all(steps, below_reserve) {
            Ok((results, effects, end)) => {
                if let Some(keeper) = &self.keeper {
                    keeper.reached(end);
                }
                self.metric.commit(count, self.clock.monotonic().saturating_sub(started));
                self.growth.add(&effects.grown);
                let wake = effects.may_free();
                self.claims.apply(effects);
                if wake {
                    self.wake.notify_waiters();
                }
                results
            }
            Err(abort) => {
                tracing::error!(
                    reason = abort.reason,
                    steps = count,
                    unknown = abort.unknown,
                    "store.commit failed; nothing of it was acknowledged"
                );
                if abort.unknown {
                    let _ = self.poisoned.set(abort.reason);
                    self.wake.notify_waiters();
                }
                refuse_all(abort.reason, count)
            }
        }
    }

    /// One transaction. After an error it is rolled back, or the store is poisoned.
    fn write_all(&mut self, steps: Vec<Step>, below_reserve: bool) -> Result<Written, Abort> {
        statement(&self.connection, "/* writer::begin */ BEGIN IMMEDIATE").map_err(|error| {
            self.harm.weigh(&error, "file");
            Abort { reason: reason(&error), unknown: false }
        })?;
        let written = self.write_steps(steps, below_reserve);
        let done = match written {
            Ok(done) => done,
            Err(failure) => return Err(self.roll_back(failure)),
        };
        match statement(&self.connection, "/* writer::commit */ COMMIT") {
            Ok(()) => Ok(done),
            Err(error) => {
                // A disk that failed while it was told to keep something may or may not have it,
                // and asking again proves nothing.
                let disk_failed =
                    error.sqlite_error_code() == Some(rusqlite::ErrorCode::SystemIoFailure);
                let reason = reason(&error);
                let abort = self.roll_back(StepFailure::Backend(error));
                Err(Abort { reason, unknown: abort.unknown || disk_failed })
            }
        }
    }

    fn roll_back(&self, failure: StepFailure) -> Abort {
        let (reason, broken) = match &failure {
            StepFailure::Backend(error) => {
                self.harm.weigh(error, "file");
                (reason(error), false)
            }
            StepFailure::Impossible(what) => (*what, true),
            StepFailure::Conflict => ("a step failed outside its savepoint", true),
        };
        // SQLite has already rolled back after some errors.
        if !self.connection.is_autocommit() {
            let _ = statement(&self.connection, "/* writer::roll_back */ ROLLBACK");
        }
        Abort { reason, unknown: broken || !self.connection.is_autocommit() }
    }

    fn write_steps(&self, steps: Vec<Step>, below_reserve: bool) -> Result<Written, StepFailure> {
        let before = audit::read_end(&self.connection, &self.vault)?;
        let mut transaction = Transaction {
            connection: &self.connection,
            vault: &self.vault,
            now: self.clock.now(),
            end: before,
        };
        let today = from_day(london_day(transaction.now));
        let mut effects = Effects::default();
        let mut settled_rows = HashSet::new();
        let mut results = Vec::with_capacity(steps.len());
        for step in steps {
            if below_reserve && (step.is_record() || matches!(step, Step::Probe)) {
                results.push(Err(NotWritten::Unavailable { reason: BELOW_RESERVE }));
                continue;
            }
            if let Some(reason) = self.harm.reason()
                && step.takes_on()
            {
                results.push(Err(NotWritten::Unavailable { reason }));
                continue;
            }
            let end = transaction.end;
            let grows = step.grows();
            statement(&self.connection, "/* writer::step */ SAVEPOINT step")?;
            let carried = contain_now(|| {
                self.carry_out(&mut transaction, &mut effects, &mut settled_rows, step)
            });
            match carried.unwrap_or(Err(StepFailure::Impossible("the program failed on it"))) {
                Ok(outcome) => {
                    statement(&self.connection, "/* writer::step */ RELEASE step")?;
                    if let Some((force, bytes)) = grows {
                        *effects.grown.entry((force, today)).or_default() += bytes;
                    }
                    results.push(Ok(outcome));
                }
                Err(failure) => {
                    let refused = refusal(failure)?;
                    statement(&self.connection, "/* writer::step */ ROLLBACK TO step")?;
                    statement(&self.connection, "/* writer::step */ RELEASE step")?;
                    transaction.end = end;
                    results.push(Err(refused));
                }
            }
        }
        Growth::write(&self.connection, &effects.grown)?;
        transaction.advance_head(before)?;
        let end = transaction.end;
        Ok((results, effects, end))
    }

    fn carry_out(
        &self,
        transaction: &mut Transaction<'_>,
        effects: &mut Effects,
        settled_rows: &mut HashSet<i64>,
        step: Step,
    ) -> Result<StepEnd, StepFailure> {
        match step {
            Step::Entry(prepared) => {
                let (outcome, added) = transaction.entry(&prepared)?;
                if let Some(added) = added {
                    effects.add(added);
                }
                Ok(outcome)
            }
            Step::Settle { lease, settled, disclosure } => {
                let row = lease.row_id.number();
                if !self.claims.holds(&lease) || settled_rows.contains(&row) {
                    return Ok(StepEnd::Lost);
                }
                if !transaction.settle(row, &settled, disclosure.as_ref())? {
                    return Ok(StepEnd::Lost);
                }
                settled_rows.insert(row);
                match settled {
                    Settled::Done { .. } => effects.done.push(row),
                    Settled::Retry { not_before, .. } => {
                        effects.retry.push((row, not_before));
                    }
                }
                Ok(StepEnd::Settled)
            }
            Step::Resend { provider, since, until, after, fact } => {
                let (rows, next) =
                    transaction.resend(&provider, (since, until), after, fact.as_ref())?;
                for &row in &rows {
                    effects.add(Added { revision_row: revision_row(row), messages: 1 });
                }
                Ok(StepEnd::Resent { rows: rows.len() as u64, next })
            }
            Step::Activate { version, facts } => {
                transaction.activate(&version, &facts)?;
                Ok(StepEnd::Carried)
            }
            Step::Scrubbed(turns) => {
                turns.iter().try_for_each(|turn| transaction.scrubbed(turn))?;
                Ok(StepEnd::Carried)
            }
            Step::Probe => {
                statement(
                    &self.connection,
                    "/* writer::probe */ UPDATE probe SET count = count + 1 WHERE only = 1",
                )?;
                Ok(StepEnd::Carried)
            }
        }
    }

    fn below_reserve(&self) -> bool {
        if self.disk_reserve_bytes == 0 {
            return false;
        }
        // A file system that does not answer is no reason to take more.
        disk_free_bytes(&self.folder).is_none_or(|free| free < self.disk_reserve_bytes)
    }

    fn close(self, reply: oneshot::Sender<Result<(), Error>>) {
        // What may be damaged or another's is left as it lies, and so is what nobody knows of.
        let is_sound = self.harm.reason().is_none() && self.poisoned.get().is_none();
        let ended = if is_sound { open::end(&self.connection) } else { Ok(()) };
        let closed = self.connection.close().map_err(|(_, error)| error);
        let _ = reply.send(ended.and(closed.map_err(Error::from)));
    }
}

pub(crate) const POISONED: &str =
    "a commit ended in an unknown way; the gateway must be started again";
pub(crate) const BELOW_RESERVE: &str = "the disk is below its reserve";

/// Why the file could not be written, for the person who runs the gateway.
pub(crate) fn reason(error: &rusqlite::Error) -> &'static str {
    use rusqlite::ErrorCode;
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another program keeps the store's file locked"
        }
        Some(ErrorCode::DiskFull) => "the disk is full",
        Some(ErrorCode::SystemIoFailure) => "the disk failed",
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            "the store's file cannot be written"
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => "the store's file is damaged",
        Some(ErrorCode::OutOfMemory) => "memory ran out",
        Some(ErrorCode::OperationInterrupted) => STOPPING,
        _ => "the store failed",
    }
}

/// A failure that ends its own step only; any other ends the transaction.
fn refusal(failure: StepFailure) -> Result<NotWritten, StepFailure> {
    match failure {
        StepFailure::Conflict => Ok(NotWritten::Conflict),
        StepFailure::Impossible(what) => {
            tracing::error!(what, "store.write refused an entry that no caller may give");
            Ok(NotWritten::Fault { what })
        }
        StepFailure::Backend(error)
            if error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) =>
        {
            // SQLite names the table and column, never a value.
            tracing::error!(%error, "store.write refused an entry that breaks a constraint");
            Ok(NotWritten::Fault { what: "it breaks a constraint of the store" })
        }
        StepFailure::Backend(error) if is_of_the_entry(&error) => {
            tracing::error!(%error, "store.write refused an entry that cannot be stored");
            Ok(NotWritten::Fault { what: "it cannot be stored as it is" })
        }
        StepFailure::Backend(_) => Err(failure),
    }
}

/// Whether another entry need not fail so: a value that fits no column, a row that is not as this
/// program writes it.
fn is_of_the_entry(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode;
    match error.sqlite_error_code() {
        Some(code) => matches!(code, ErrorCode::TooBig | ErrorCode::TypeMismatch),
        None => true,
    }
}

/// Everything that one caller wants, with the place for its answer.
pub(crate) fn work(
    steps: VecDeque<Step>,
) -> (Work, oneshot::Receiver<Vec<Result<StepEnd, NotWritten>>>) {
    let (reply, answer) = oneshot::channel();
    let results = Vec::with_capacity(steps.len());
    (Work { steps, results, reply }, answer)
}
