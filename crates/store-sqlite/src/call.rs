//! How a caller's work reaches the readers and the writer, and what its failure means.

use std::collections::VecDeque;

use rusqlite::Connection;

use super::Sqlite;
use super::harm::is_damage;
use super::readers::Gone;
use super::step::{STOPPING, Step, StepEnd};
use super::writer::{self, WriterCommand};
use cara_store::{Error, NotWritten};

impl Sqlite {
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        match self.readers.read(read).await {
            Ok(answer) => answer.map_err(|error| {
                self.harm.weigh(&error, "file");
                fault(error)
            }),
            Err(Gone::Closed) => Err(Error::Unavailable { reason: STOPPING }),
            Err(Gone::Panicked(panicked)) => Err(Error::Backend(Box::new(panicked))),
        }
    }

    /// Hands steps to the writer and waits for their commit: one result for each.
    pub(crate) async fn carry_out(
        &self,
        steps: VecDeque<Step>,
    ) -> Vec<Result<StepEnd, NotWritten>> {
        let count = steps.len();
        if count == 0 {
            return Vec::new();
        }
        let (work, answer) = writer::work(steps);
        let stopping = || vec![Err(NotWritten::Unavailable { reason: STOPPING }); count];
        let Some(commands) = self.commands() else { return stopping() };
        if commands.send(WriterCommand::Work(work)).await.is_err() {
            return stopping();
        }
        drop(commands);
        answer.await.unwrap_or_else(|_| stopping())
    }

    pub(crate) async fn carry_out_one(&self, step: Step) -> Result<Result<(), NotWritten>, Error> {
        match self.carry_out(VecDeque::from([step])).await.pop() {
            Some(Ok(_)) => Ok(Ok(())),
            Some(Err(NotWritten::Conflict)) => Ok(Err(NotWritten::Conflict)),
            Some(Err(NotWritten::Unavailable { reason })) => Err(Error::Unavailable { reason }),
            Some(Err(fault @ NotWritten::Fault { .. })) => Err(Error::Backend(Box::new(fault))),
            None => Err(Error::Unavailable { reason: STOPPING }),
        }
    }
}

/// What a failed read means for its caller.
fn fault(error: rusqlite::Error) -> Error {
    use rusqlite::Error as Sql;
    match &error {
        Sql::InvalidColumnType(..) | Sql::FromSqlConversionFailure(..) => Error::Inconsistent {
            table: "a row",
            what: "a column holds what no writer of this program makes",
        },
        // Not every reader's: what else is asked may lie elsewhere in the file.
        Sql::SqliteFailure(..) if is_damage(&error) => {
            Error::Inconsistent { table: "the file", what: "a page of it is damaged" }
        }
        Sql::SqliteFailure(..) => match writer::reason(&error) {
            "the store failed" => Error::Backend(Box::new(error)),
            reason => Error::Unavailable { reason },
        },
        _ => Error::Backend(Box::new(error)),
    }
}
