//! Messages to providers: what waits, what was confirmed, what no revision carries.

use std::collections::VecDeque;
use std::sync::Arc;

use cara_domain::choice::Choice as _;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use rusqlite::{Connection, params};
use tokio::sync::Notify;

use super::Sqlite;
use super::column::{Columns, MESSAGES_MAX, from_compartment, from_day, from_time};
use super::harm;
use super::step::{STOPPING, Step, StepEnd, json};
use super::transaction::{Added, StepFailure, Transaction};
use cara_clock::london_day;
use cara_store::{
    Backlog, CausedMessage, Error, Fact, Lease, Leased, MessageState, NewMessage, NotWritten,
    OutboxRoute, Settled,
};

mod claim;
mod pending;
mod settle;

pub(crate) use claim::{Claims, Effects};
#[cfg(test)]
pub(crate) use {claim::LATER_MAX, pending::count, pending::oldest};

impl cara_store::OutboxRows for Sqlite {
    fn claim(
        &self,
        route: OutboxRoute,
        limit: usize,
        lease_s: u32,
    ) -> BoxFuture<'_, Result<Vec<Result<Leased, Lease>>, Error>> {
        if self.harm.reason() == Some(harm::READ_ONLY) {
            // What could not be settled would be sent again and again.
            return std::future::ready(Ok(Vec::new())).boxed();
        }
        let (claims, clock) = (Arc::clone(&self.claims), self.clock.clone());
        let (wake, harm) = (Arc::clone(&self.wake), Arc::clone(&self.harm));
        self.read(move |connection| {
            let picked = claims.pick(connection, &clock, &route, limit, lease_s)?;
            if picked.unfinished {
                wake.notify_waiters();
            }
            let mut rows = Vec::with_capacity(picked.leases.len());
            for lease in &picked.leases {
                match pending::leased(connection, lease) {
                    Ok(row) => rows.extend(row.map(Ok)),
                    Err(error) if harm::is_damage(&error) || harm::is_of_one_row(&error) => {
                        harm.weigh(&error, "outbox");
                        rows.push(Err(lease.clone()));
                    }
                    Err(error) => {
                        claims.release(&picked.leases);
                        return Err(error);
                    }
                }
            }
            Ok(rows)
        })
        .boxed()
    }

    fn settle(&self, outcomes: Vec<(Lease, Settled)>) -> BoxFuture<'_, Result<Vec<bool>, Error>> {
        async move {
            let steps = outcomes.into_iter().map(|(lease, settled)| {
                let disclosure = match &settled {
                    Settled::Done { disclosure, .. } => Some(json(&**disclosure)),
                    Settled::Retry { .. } => None,
                };
                Step::Settle { lease, settled, disclosure }
            });
            let results = self.carry_out(steps.collect()).await;
            let answers = results.into_iter().map(|result| match result {
                Ok(outcome) => Ok(outcome == StepEnd::Settled),
                Err(NotWritten::Unavailable { reason }) => Err(Error::Unavailable { reason }),
                Err(fault @ NotWritten::Fault { .. }) => Err(Error::Backend(Box::new(fault))),
                Err(NotWritten::Conflict) => Ok(false),
            });
            answers.collect()
        }
        .boxed()
    }

    fn resend(
        &self,
        provider: String,
        since: Timestamp,
        until: Timestamp,
        audit: Fact,
    ) -> BoxFuture<'_, Result<u64, Error>> {
        async move {
            let (mut resent, mut after) = (0, 0);
            let mut fact = Some(json(&audit));
            // In chunks, so that other work gets its turn; nothing confirmed after the call counts,
            // so what goes out meanwhile is not taken again.
            loop {
                let (provider, fact) = (provider.clone(), fact.take());
                let step = Step::Resend { provider, since, until, after, fact };
                match self.carry_out(VecDeque::from([step])).await.pop() {
                    Some(Ok(StepEnd::Resent { rows, next })) => {
                        resent += rows;
                        match next {
                            Some(next) => after = next,
                            None => return Ok(resent),
                        }
                    }
                    Some(Err(NotWritten::Unavailable { reason })) => {
                        return Err(Error::Unavailable { reason });
                    }
                    Some(Err(fault @ NotWritten::Fault { .. })) => {
                        return Err(Error::Backend(Box::new(fault)));
                    }
                    Some(Ok(_) | Err(NotWritten::Conflict)) | None => {
                        return Err(Error::Unavailable { reason: STOPPING });
                    }
                }
            }
        }
        .boxed()
    }

    fn backlog(&self) -> BoxFuture<'_, Result<Backlog, Error>> {
        async move {
            let oldest = self.read(pending::oldest).await?;
            Ok(Backlog { rows: self.claims.rows(), oldest })
        }
        .boxed()
    }

    fn oldest_waiting(&self, provider: String) -> BoxFuture<'_, Result<Option<Timestamp>, Error>> {
        self.read(move |connection| pending::oldest_of(connection, &provider)).boxed()
    }

    fn wake(&self) -> Arc<Notify> {
        Arc::clone(&self.wake)
    }
}

/// A revision's messages in their order: those sent and those in the outbox.
pub(crate) fn messages(
    connection: &Connection,
    revision_row: i64,
) -> rusqlite::Result<Vec<MessageState>> {
    let mut select = connection.prepare_cached(
        "/* outbox::messages */ SELECT sent_row AS place, event_id, compartment, kind, confirmed_at \
         FROM sent WHERE sent_row BETWEEN ?1 * 8 AND ?1 * 8 + 7 UNION ALL \
         SELECT outbox_row, event_id, compartment, kind, NULL FROM outbox \
         WHERE outbox_row BETWEEN ?1 * 8 AND ?1 * 8 + 7 ORDER BY place",
    )?;
    let rows = select.query_map([revision_row], |row| {
        let columns = Columns(row);
        Ok(MessageState {
            event_id: columns.id("event_id")?,
            compartment: columns.compartment()?,
            kind: columns.known("kind")?,
            confirmed_at: columns.optional_time("confirmed_at")?,
        })
    })?;
    rows.collect()
}

impl Transaction<'_> {
    pub fn insert_message(
        &self,
        referral_row: i64,
        outbox_row: i64,
        message: &NewMessage,
    ) -> Result<(), StepFailure> {
        let mut insert = self.connection.prepare_cached(
            "/* outbox::insert_message */ INSERT INTO outbox (outbox_row, compartment, attempts, \
             event_id, after, kind, provider, waits_since) VALUES (?1, ?2, 0, ?3, ?4, ?5, \
             (SELECT provider FROM referral WHERE referral_row = ?6), ?7)",
        )?;
        insert.execute(params![
            outbox_row,
            from_compartment(message.compartment),
            message.event_id.as_bytes(),
            message.after.as_ref().map(|event_id| event_id.as_bytes()),
            message.kind.code(),
            referral_row,
            from_time(self.now),
        ])?;
        Ok(())
    }

    /// Stores messages that no revision carries, and puts them into the outbox.
    pub fn caused(
        &self,
        referral_row: i64,
        messages: &[CausedMessage],
    ) -> Result<Option<Added>, StepFailure> {
        let mut first = None;
        for message in messages {
            let message_row = self.next_row()?;
            first.get_or_insert(message_row);
            let mut insert = self.connection.prepare_cached(
                "/* outbox::caused */ INSERT INTO message (message_row, referral_row, made_day, \
                 made_at, body) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            insert.execute(params![
                message_row,
                referral_row,
                from_day(london_day(message.made_at)),
                from_time(message.made_at),
                message.body.as_bytes(),
            ])?;
            let row = NewMessage {
                event_id: message.event_id,
                compartment: message.body.compartment(),
                kind: message.kind,
                after: message.after,
            };
            self.insert_message(referral_row, message_row * MESSAGES_MAX as i64, &row)?;
        }
        Ok(first.map(|revision_row| Added { revision_row, messages: messages.len() as u64 }))
    }

    /// Revisions and the messages that no revision carries share their numbers, so that the outbox
    /// lies in the order in which everything came.
    pub fn next_row(&self) -> Result<i64, StepFailure> {
        let mut select = self.connection.prepare_cached(
            "/* outbox::next_row */ SELECT 1 + max(coalesce((SELECT max(revision_row) \
             FROM revision), 0), coalesce((SELECT max(message_row) FROM message), 0))",
        )?;
        Ok(select.query_row([], |row| row.get(0))?)
    }
}
