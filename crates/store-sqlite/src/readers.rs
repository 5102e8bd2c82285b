//! Threads that read, each with a connection of its own. Readers never wait for the writer, and a
//! stop never waits for a reader: what is being read when the store closes is given up.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::Error;
use cara_supervisor::{Panicked, contain_now, point};

type Job = Box<dyn FnOnce(&Connection) + Send>;

/// Reads that wait for a thread; a caller beyond it waits for room.
const WAITING_MAX: usize = 1_024;
/// Steps of SQLite's machine between two looks at whether the store is closing: well under 1 ms.
const STEPS_PER_LOOK: i32 = 1_000;

pub(crate) struct Readers {
    /// None once closed.
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    threads: Mutex<Vec<thread::JoinHandle<()>>>,
    closing: Arc<AtomicBool>,
}

/// Why a read has no answer.
#[derive(Debug)]
pub(crate) enum Gone {
    /// The readers were closed.
    Closed,
    Panicked(Panicked),
}

impl Readers {
    pub fn start(connections: Vec<Connection>) -> Result<Readers, Error> {
        let closing = Arc::new(AtomicBool::new(false));
        let (jobs, waiting) = mpsc::channel::<Job>(WAITING_MAX);
        let waiting = Arc::new(Mutex::new(waiting));
        let mut threads = Vec::new();
        for mut connection in connections {
            let (waiting, is_closing) = (Arc::clone(&waiting), Arc::clone(&closing));
            let give_up = move || is_closing.load(Ordering::Acquire);
            connection.progress_handler(STEPS_PER_LOOK, Some(give_up.clone()))?;
            let thread = thread::Builder::new().name("store-reader".into()).spawn(move || {
                point("store-reader");
                while let Some(job) = next(&waiting) {
                    // Its caller is told by the channel that is dropped with it.
                    if give_up() {
                        continue;
                    }
                    // A panic is answered to its caller, whose channel is dropped with the job.
                    let _ = contain_now(|| job(&connection));
                    if !connection.is_autocommit() {
                        let _ = connection.execute_batch("/* readers::start */ ROLLBACK");
                    }
                }
            });
            threads.push(thread.map_err(Error::Thread)?);
        }
        Ok(Readers { jobs: Mutex::new(Some(jobs)), threads: Mutex::new(threads), closing })
    }

    pub async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> T + Send + 'static,
    ) -> Result<T, Gone> {
        let jobs =
            self.jobs.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or(Gone::Closed)?;
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let _ = reply.send(read(connection));
        });
        jobs.send(job).await.map_err(|_| Gone::Closed)?;
        drop(jobs);
        answer.await.map_err(|_| match self.closing.load(Ordering::Acquire) {
            true => Gone::Closed,
            false => Gone::Panicked(Panicked),
        })
    }

    /// Gives up what is being read and what waits to be, and ends the threads. Blocks until they
    /// have ended: within milliseconds, however long a read would have taken.
    pub fn close(&self) {
        self.closing.store(true, Ordering::Release);
        drop(self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            let _ = thread.join();
        }
    }
}

/// Several reads of one state of the file.
pub(crate) fn in_snapshot<T>(
    connection: &Connection,
    read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let transaction = connection.unchecked_transaction()?;
    let answer = read(&transaction)?;
    transaction.commit()?;
    Ok(answer)
}

#[cfg(test)]
impl Readers {
    /// Reads that no thread has taken yet.
    pub fn waiting(&self) -> usize {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.as_ref().map_or(0, |jobs| jobs.max_capacity() - jobs.capacity())
    }
}

fn next(waiting: &Mutex<mpsc::Receiver<Job>>) -> Option<Job> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv()
}
