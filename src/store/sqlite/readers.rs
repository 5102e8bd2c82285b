//! Threads that read, each with a connection of its own. Readers never wait for the writer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

type Job = Box<dyn FnOnce(&Connection) + Send>;

/// Reads that wait for a thread; a caller beyond it waits for room.
const WAITING_MAX: usize = 1_024;

pub(in crate::store::sqlite) struct Readers {
    /// None once closed.
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    threads: Mutex<Vec<thread::JoinHandle<()>>>,
}

/// The readers were closed, or a read panicked.
#[derive(Debug)]
pub(in crate::store::sqlite) struct Gone;

impl Readers {
    pub fn start(connections: Vec<Connection>) -> std::io::Result<Readers> {
        let (jobs, waiting) = mpsc::channel::<Job>(WAITING_MAX);
        let waiting = Arc::new(Mutex::new(waiting));
        let mut threads = Vec::new();
        for connection in connections {
            let waiting = Arc::clone(&waiting);
            let thread = thread::Builder::new().name("store-reader".into()).spawn(move || {
                while let Some(job) = next(&waiting) {
                    // A panic is answered to its caller, whose channel is dropped with the job.
                    let _ = catch_unwind(AssertUnwindSafe(|| job(&connection)));
                    if !connection.is_autocommit() {
                        let _ = connection.execute_batch("/* readers::start */ ROLLBACK");
                    }
                }
            })?;
            threads.push(thread);
        }
        Ok(Readers { jobs: Mutex::new(Some(jobs)), threads: Mutex::new(threads) })
    }

    pub async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> T + Send + 'static,
    ) -> Result<T, Gone> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or(Gone)?;
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let _ = reply.send(read(connection));
        });
        jobs.send(job).await.map_err(|_| Gone)?;
        drop(jobs);
        answer.await.map_err(|_| Gone)
    }

    /// Lets waiting reads finish and ends the threads. Blocks until they have ended.
    pub fn close(&self) {
        drop(self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            let _ = thread.join();
        }
    }
}

fn next(waiting: &Mutex<mpsc::Receiver<Job>>) -> Option<Job> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv()
}
