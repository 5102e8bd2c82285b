//! The statements that end work on outbox rows, and bring dead ones back.

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, params};
use uuid::Uuid;

use super::column::from_time;
use super::write::{Failure, Transaction};
use crate::store::Settled;

/// Rows that one transaction puts back.
const RESENT_AT_ONCE: i64 = 5_000;

impl Transaction<'_> {
    /// Ends work on one leased row. `false`: the row is no longer there to be worked on.
    pub fn settle(
        &mut self,
        outbox_row: i64,
        settled: &Settled,
        disclosure: Option<&String>,
    ) -> Result<bool, Failure> {
        match settled {
            Settled::Done { at, .. } => {
                let sent = self.mark_sent(outbox_row, *at)?;
                if sent {
                    self.facts(disclosure.map(std::slice::from_ref).unwrap_or_default())?;
                }
                Ok(sent)
            }
            Settled::Retry { not_before, .. } => self.postpone(outbox_row, *not_before),
            Settled::Dead { reason } => self.bury(outbox_row, reason),
        }
    }

    fn mark_sent(&self, outbox_row: i64, at: Timestamp) -> Result<bool, Failure> {
        let mut copy = self.connection.prepare_cached(
            "/* settle::mark_sent */ INSERT INTO sent (sent_row, compartment, confirmed_at, \
             event_id, kind) SELECT outbox_row, compartment, ?2, event_id, kind FROM outbox \
             WHERE outbox_row = ?1 AND dead_at IS NULL",
        )?;
        if copy.execute(params![outbox_row, from_time(at)])? != 1 {
            return Ok(false);
        }
        let mut delete = self
            .connection
            .prepare_cached("/* settle::mark_sent */ DELETE FROM outbox WHERE outbox_row = ?1")?;
        match delete.execute([outbox_row])? {
            1 => Ok(true),
            _ => Err(Failure::Impossible("a row was copied and could not be deleted")),
        }
    }

    fn postpone(&self, outbox_row: i64, not_before: Timestamp) -> Result<bool, Failure> {
        let mut update = self.connection.prepare_cached(
            "/* settle::postpone */ UPDATE outbox SET attempts = attempts + 1, not_before = ?2 \
             WHERE outbox_row = ?1 AND dead_at IS NULL",
        )?;
        Ok(update.execute(params![outbox_row, from_time(not_before)])? == 1)
    }

    fn bury(&self, outbox_row: i64, reason: &str) -> Result<bool, Failure> {
        let mut update = self.connection.prepare_cached(
            "/* settle::bury */ UPDATE outbox SET dead_at = ?2, dead_reason = ?3, \
             attempts = attempts + 1 WHERE outbox_row = ?1 AND dead_at IS NULL",
        )?;
        Ok(update.execute(params![outbox_row, from_time(self.now), reason])? == 1)
    }

    /// Puts some of what was confirmed in this time back into the outbox, the oldest first; answers
    /// their outbox rows. The offender's message waits for the victim's again.
    pub fn resend(
        &mut self,
        provider: &str,
        (since, until): (Timestamp, Timestamp),
        fact: Option<&String>,
    ) -> Result<Vec<i64>, Failure> {
        if let Some(fact) = fact {
            self.facts(std::slice::from_ref(fact))?;
        }
        let mut select = self.connection.prepare_cached(
            "/* settle::resend */ SELECT s.sent_row FROM sent AS s LEFT JOIN revision AS r \
             ON r.revision_row = s.sent_row / 8 LEFT JOIN message AS m \
             ON m.message_row = s.sent_row / 8 CROSS JOIN referral AS f \
             ON f.referral_row = coalesce(r.referral_row, m.referral_row) WHERE s.confirmed_at >= ?1 \
             AND s.confirmed_at < ?2 AND f.provider = ?3 ORDER BY s.sent_row LIMIT ?4",
        )?;
        let bound = params![from_time(since), from_time(until), provider, RESENT_AT_ONCE];
        let rows: Vec<i64> =
            select.query_map(bound, |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        let mut copy = self.connection.prepare_cached(
            "/* settle::resend */ INSERT INTO outbox (outbox_row, compartment, attempts, event_id, \
             provider, after, kind) SELECT s.sent_row, s.compartment, 0, s.event_id, ?2, (SELECT o.event_id \
             FROM outbox AS o WHERE s.compartment = 0 AND o.compartment = 1 AND o.outbox_row \
             BETWEEN s.sent_row / 8 * 8 AND s.sent_row - 1), s.kind FROM sent AS s \
             WHERE s.sent_row = ?1",
        )?;
        let mut delete = self
            .connection
            .prepare_cached("/* settle::resend */ DELETE FROM sent WHERE sent_row = ?1")?;
        for row in &rows {
            if copy.execute(params![row, provider])? != 1 || delete.execute([row])? != 1 {
                return Err(Failure::Impossible("a row that was sent is gone"));
            }
        }
        Ok(rows)
    }

    /// Makes a dead row an ordinary one again, due at once; answers its outbox row and provider.
    pub fn revive(&mut self, event_id: Uuid, fact: &String) -> Result<(i64, String), Failure> {
        let mut update = self.connection.prepare_cached(
            "/* settle::revive */ UPDATE outbox SET dead_at = NULL, dead_reason = NULL, \
             not_before = NULL WHERE event_id = ?1 AND dead_at IS NOT NULL \
             RETURNING outbox_row, provider",
        )?;
        let revived = update
            .query_row([event_id.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        drop(update);
        let revived = revived.ok_or(Failure::Conflict)?;
        self.facts(std::slice::from_ref(fact))?;
        Ok(revived)
    }
}
