//! Threads that read, each with a connection of its own. Readers never wait for the writer.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::supervisor::{Panicked, contain_now, point};

type Job = Box<dyn FnOnce(&Connection) + Send>;

/// Reads that wait for a thread; a caller beyond it waits for room.
const WAITING_MAX: usize = 1_024;

pub(in crate::store::sqlite) struct Readers {
    /// None once closed.
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    threads: Mutex<Vec<thread::JoinHandle<()>>>,
}

/// Why a read has no answer.
#[derive(Debug)]
pub(in crate::store::sqlite) enum Gone {
    /// The readers were closed.
    Closed,
    Panicked(Panicked),
}

impl Readers {
    pub fn start(connections: Vec<Connection>) -> std::io::Result<Readers> {
        let (jobs, waiting) = mpsc::channel::<Job>(WAITING_MAX);
        let waiting = Arc::new(Mutex::new(waiting));
        let mut threads = Vec::new();
        for connection in connections {
            let waiting = Arc::clone(&waiting);
            let thread = thread::Builder::new().name("store-reader".into()).spawn(move || {
                point("store-reader");
                while let Some(job) = next(&waiting) {
                    // A panic is answered to its caller, whose channel is dropped with the job.
                    let _ = contain_now(|| job(&connection));
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
        let jobs =
            self.jobs.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or(Gone::Closed)?;
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let _ = reply.send(read(connection));
        });
        jobs.send(job).await.map_err(|_| Gone::Closed)?;
        drop(jobs);
        // What waits is carried out even while the readers close.
        answer.await.map_err(|_| Gone::Panicked(Panicked))
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
