//! The statements that end work on outbox rows, and put rows back that were confirmed.

use jiff::Timestamp;
use rusqlite::params;

use crate::column::from_time;
use crate::transaction::{StepFailure, Transaction};
use cara_store::Settled;

/// Rows that one transaction puts back.
const RESENT_AT_ONCE: usize = 1_000;
/// Confirmed rows that one transaction looks through for them.
const LOOKED_AT_ONCE: i64 = 20_000;

impl Transaction<'_> {
    /// Ends work on one leased row. `false`: the row is no longer there to be worked on.
    pub fn settle(
        &mut self,
        outbox_row: i64,
        settled: &Settled,
        disclosure: Option<&String>,
    ) -> Result<bool, StepFailure> {
        match settled {
            Settled::Done { at, .. } => {
                let sent = self.mark_sent(outbox_row, *at)?;
                if sent {
                    self.facts(disclosure.map(std::slice::from_ref).unwrap_or_default())?;
                }
                Ok(sent)
            }
            Settled::Retry { not_before, .. } => self.postpone(outbox_row, *not_before),
        }
    }

    fn mark_sent(&self, outbox_row: i64, at: Timestamp) -> Result<bool, StepFailure> {
        let mut copy = self.connection.prepare_cached(
            "/* settle::mark_sent */ INSERT INTO sent (sent_row, compartment, confirmed_at, \
             event_id, kind) SELECT outbox_row, compartment, ?2, event_id, kind FROM outbox \
             WHERE outbox_row = ?1",
        )?;
        if copy.execute(params![outbox_row, from_time(at)])? != 1 {
            return Ok(false);
        }
        let mut delete = self
            .connection
            .prepare_cached("/* settle::mark_sent */ DELETE FROM outbox WHERE outbox_row = ?1")?;
        match delete.execute([outbox_row])? {
            1 => Ok(true),
            _ => Err(StepFailure::Impossible("a row was copied and could not be deleted")),
        }
    }

    fn postpone(&self, outbox_row: i64, not_before: Timestamp) -> Result<bool, StepFailure> {
        let mut update = self.connection.prepare_cached(
            "/* settle::postpone */ UPDATE outbox SET attempts = attempts + 1, not_before = ?2 \
             WHERE outbox_row = ?1",
        )?;
        Ok(update.execute(params![outbox_row, from_time(not_before)])? == 1)
    }

    /// Looks through some of what was confirmed, the oldest first, from `after` on, and puts what was
    /// confirmed in this time back into the outbox; answers its outbox rows and where to go on. The
    /// offender's message waits for the victim's again.
    pub fn resend(
        &mut self,
        provider: &str,
        (since, until): (Timestamp, Timestamp),
        after: i64,
        fact: Option<&String>,
    ) -> Result<(Vec<i64>, Option<i64>), StepFailure> {
        if let Some(fact) = fact {
            self.facts(std::slice::from_ref(fact))?;
        }
        let (rows, next) = self.confirmed(provider, (since, until), after)?;
        let mut copy = self.connection.prepare_cached(
            "/* settle::resend */ INSERT INTO outbox (outbox_row, compartment, attempts, event_id, \
             provider, after, kind, waits_since) SELECT s.sent_row, s.compartment, 0, s.event_id, ?2, (SELECT o.event_id \
             FROM outbox AS o WHERE s.compartment = 0 AND o.compartment = 1 AND o.outbox_row \
             BETWEEN s.sent_row / 8 * 8 AND s.sent_row - 1), s.kind, ?3 FROM sent AS s \
             WHERE s.sent_row = ?1",
        )?;
        let mut delete = self
            .connection
            .prepare_cached("/* settle::resend */ DELETE FROM sent WHERE sent_row = ?1")?;
        for row in &rows {
            if copy.execute(params![row, provider, from_time(self.now)])? != 1
                || delete.execute([row])? != 1
            {
                return Err(StepFailure::Impossible("a row that was sent is gone"));
            }
        }
        Ok((rows, next))
    }

    /// What was confirmed to a provider in this time among the next rows, and the last row that was
    /// looked at, unless it was the very last.
    fn confirmed(
        &self,
        provider: &str,
        (since, until): (Timestamp, Timestamp),
        after: i64,
    ) -> Result<(Vec<i64>, Option<i64>), StepFailure> {
        let mut select = self.connection.prepare_cached(
            "/* settle::confirmed */ SELECT sent_row, confirmed_at FROM sent WHERE sent_row > ?1 \
             ORDER BY sent_row LIMIT ?2",
        )?;
        let mut receiver = self.connection.prepare_cached(
            "/* settle::confirmed */ SELECT provider FROM referral WHERE referral_row = coalesce(\
             (SELECT referral_row FROM revision WHERE revision_row = ?1 / 8), \
             (SELECT referral_row FROM message WHERE message_row = ?1 / 8))",
        )?;
        let mut found = Vec::new();
        let (mut looked_at, mut last) = (0, None);
        let mut rows = select.query(params![after, LOOKED_AT_ONCE])?;
        while let Some(row) = rows.next()? {
            let (sent_row, confirmed_at): (i64, i64) = (row.get(0)?, row.get(1)?);
            (looked_at, last) = (looked_at + 1, Some(sent_row));
            let is_of_time = (from_time(since)..from_time(until)).contains(&confirmed_at);
            if is_of_time
                && receiver
                    .query_row([sent_row], |row| Ok(row.get_ref(0)?.as_str()? == provider))?
            {
                found.push(sent_row);
            }
            if found.len() == RESENT_AT_ONCE {
                return Ok((found, last));
            }
        }
        Ok((found, last.filter(|_| looked_at == LOOKED_AT_ONCE)))
    }
}
