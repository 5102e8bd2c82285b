//! Probe, key epochs and the end.

use std::path::Path;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use rusqlite::{Connection, OpenFlags, params};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::Sqlite;
use super::column::Columns;
use super::step::{STOPPING, Step};
use super::writer::WriterCommand;
use cara_store::{Error, Scrubbed};
use cara_vault::WrappedKeys;

impl cara_store::Upkeep for Sqlite {
    fn probe(&self) -> BoxFuture<'_, Result<(), Error>> {
        async move {
            match self.carry_out_one(Step::Probe).await? {
                Ok(()) => Ok(()),
                Err(_) => Err(Error::Inconsistent { table: "probe", what: "it has no row" }),
            }
        }
        .boxed()
    }

    fn scrub(&self) -> BoxFuture<'_, Result<Scrubbed, Error>> {
        self.scrub_turn().boxed()
    }

    fn key_samples(&self) -> BoxFuture<'_, Result<Vec<(Uuid, WrappedKeys)>, Error>> {
        self.read(samples).boxed()
    }

    fn poison(&self) -> Option<&'static str> {
        self.poisoned.get().copied()
    }

    fn close(&self) -> BoxFuture<'_, Result<(), Error>> {
        async move {
            // Read snapshots would keep the checkpoint from emptying the log; reads are ended first.
            self.readers.close();
            let Some(commands) = self.commands() else { return Ok(()) };
            let (reply, answer) = oneshot::channel();
            let sent = commands.send(WriterCommand::Close(reply)).await;
            drop(commands);
            let closed = match sent {
                Ok(()) => answer.await,
                // The writer has ended already.
                Err(_) => Ok(Ok(())),
            };
            self.end();
            match closed {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) => Err(Error::Backend(Box::new(error))),
                Err(_) => Err(Error::Unavailable { reason: STOPPING }),
            }
        }
        .boxed()
    }
}

/// The same as [`cara_store::Store::key_samples`] of a store that another process serves: only read,
/// without its lock.
pub fn key_samples_beside(path: &Path) -> Result<Vec<(Uuid, WrappedKeys)>, super::Error> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    Ok(samples(&connection)?)
}

/// The first and the last case, and hold, of each epoch that keys are wrapped by.
pub(crate) fn samples(connection: &Connection) -> rusqlite::Result<Vec<(Uuid, WrappedKeys)>> {
    let referrals = (
        "/* upkeep::samples */ SELECT min(epoch) FROM referral WHERE epoch > ?1",
        "/* upkeep::samples */ SELECT referral_id AS id, epoch, raw_key, offender_key, victim_key \
         FROM referral WHERE referral_row IN ((SELECT min(referral_row) FROM referral \
         WHERE epoch = ?1), (SELECT max(referral_row) FROM referral WHERE epoch = ?1))",
    );
    let holds = (
        "/* upkeep::samples */ SELECT min(epoch) FROM hold WHERE epoch > ?1",
        "/* upkeep::samples */ SELECT hold_id AS id, epoch, raw_key, offender_key, victim_key \
         FROM hold WHERE hold_row IN ((SELECT min(hold_row) FROM hold \
         WHERE epoch = ?1), (SELECT max(hold_row) FROM hold WHERE epoch = ?1))",
    );
    let mut samples = Vec::new();
    for (next, of) in [referrals, holds] {
        let mut next = connection.prepare_cached(next)?;
        let mut select = connection.prepare_cached(of)?;
        let mut epoch = i64::MIN;
        while let Some(found) = next.query_row([epoch], |row| row.get::<_, Option<i64>>(0))? {
            epoch = found;
            let rows = select.query_map(params![epoch], |row| {
                let columns = Columns(row);
                Ok((columns.id("id")?, columns.keys()?))
            })?;
            for row in rows {
                samples.push(row?);
            }
        }
    }
    Ok(samples)
}
