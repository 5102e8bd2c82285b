//! The statements of the way back: an outcome, where the case stands with it, its notices.

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, params};
use uuid::Uuid;

use super::column::{from_compartment, from_day, from_time};
use super::write::{Added, Failure, MESSAGES_MAX, Transaction, unique};
use cara_clock::london_day;
use cara_store::{CausedMessage, NewDecision, NewMessage, NewNotice, NewOutcome, NewStanding};

impl Transaction<'_> {
    pub fn outcome(&self, outcome: &NewOutcome) -> Result<Option<Added>, Failure> {
        let referral_row = self.referral_row(outcome.referral_id)?;
        self.move_standing(referral_row, &outcome.standing)?;
        let mut insert = self.connection.prepare_cached(
            "/* conclude::outcome */ INSERT INTO outcome (outcome_id, referral_row, compartment, \
             number, kind, happened_on, received_at, content, body) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?;
        unique(insert.execute(params![
            outcome.outcome_id.as_bytes(),
            referral_row,
            from_compartment(outcome.body.compartment()),
            outcome.number,
            outcome.kind,
            from_day(outcome.happened_on),
            from_time(outcome.received_at),
            outcome.content.0,
            outcome.body.as_bytes(),
        ]))?;
        for notice in &outcome.notices {
            self.notice(referral_row, notice)?;
        }
        self.caused(referral_row, &outcome.messages)
    }

    pub fn decision(&self, decision: &NewDecision) -> Result<Option<Added>, Failure> {
        let referral_row = self.referral_row(decision.referral_id)?;
        self.move_standing(referral_row, &decision.standing)?;
        let mut insert = self.connection.prepare_cached(
            "/* conclude::decision */ INSERT INTO decision (decision_id, force, referral_row, \
             decided, decided_on, received_day, received_at, content, body) VALUES (?1, \
             (SELECT force FROM referral WHERE referral_row = ?2), ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        unique(insert.execute(params![
            decision.decision_id.as_bytes(),
            referral_row,
            decision.decided,
            from_day(decision.decided_on),
            from_day(london_day(decision.received_at)),
            from_time(decision.received_at),
            decision.content.0,
            decision.body.as_bytes(),
        ]))?;
        let mut cancel = self.connection.prepare_cached(
            "/* conclude::decision */ UPDATE notice SET cancelled_at = ?1 WHERE referral_row = ?2 \
             AND kind = ?3 AND taken_over_at IS NULL AND cancelled_at IS NULL",
        )?;
        for kind in decision.cancels {
            cancel.execute(params![from_time(decision.received_at), referral_row, kind])?;
        }
        self.caused(referral_row, &decision.messages)
    }

    /// Stores messages that no revision carries, and puts them into the outbox.
    pub fn caused(
        &self,
        referral_row: i64,
        messages: &[CausedMessage],
    ) -> Result<Option<Added>, Failure> {
        let mut first = None;
        for message in messages {
            let message_row = self.next_row()?;
            first.get_or_insert(message_row);
            let mut insert = self.connection.prepare_cached(
                "/* conclude::caused */ INSERT INTO message (message_row, referral_row, made_day, \
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
                kind: message.kind.clone(),
                after: message.after,
            };
            self.insert_message(referral_row, message_row * MESSAGES_MAX as i64, &row)?;
        }
        Ok(first.map(|revision_row| Added { revision_row, messages: messages.len() as u64 }))
    }

    /// Revisions and the messages that no revision carries share their numbers, so that the outbox
    /// lies in the order in which everything came.
    pub fn next_row(&self) -> Result<i64, Failure> {
        let mut select = self.connection.prepare_cached(
            "/* conclude::next_row */ SELECT 1 + max(coalesce((SELECT max(revision_row) \
             FROM revision), 0), coalesce((SELECT max(message_row) FROM message), 0))",
        )?;
        Ok(select.query_row([], |row| row.get(0))?)
    }

    pub(super) fn referral_row(&self, referral_id: Uuid) -> Result<i64, Failure> {
        let mut select = self.connection.prepare_cached(
            "/* conclude::referral_row */ SELECT referral_row FROM referral WHERE referral_id = ?1",
        )?;
        let found = select.query_row([referral_id.as_bytes()], |row| row.get(0)).optional()?;
        found.ok_or(Failure::Impossible("an outcome names a referral that is not stored"))
    }

    /// From what it was folded from before to one fact more.
    fn move_standing(&self, referral_row: i64, standing: &NewStanding) -> Result<(), Failure> {
        let NewStanding { facts_before, programme, caution, gap, .. } = standing;
        let now = from_time(self.now);
        let bound = params![
            programme,
            caution,
            gap,
            referral_row,
            facts_before,
            standing.deadline.map(from_day),
            standing.booked_on.map(from_day),
            gap.map(|_| now),
            standing.is_recalled.then_some(now),
            (standing.is_recalled && standing.is_closed).then_some(now),
        ];
        if *facts_before == 0 {
            let mut insert = self.connection.prepare_cached(
                "/* conclude::move_standing */ INSERT INTO standing (referral_row, facts, \
                 programme, caution, gap, deadline, booked_on, gap_since, recalled_at, \
                 recall_confirmed_at) VALUES (?4, ?5 + 1, ?1, ?2, ?3, ?6, ?7, ?8, ?9, ?10)",
            )?;
            return unique(insert.execute(bound)).map(drop);
        }
        let mut update = self.connection.prepare_cached(
            "/* conclude::move_standing */ UPDATE standing SET facts = facts + 1, programme = ?1, \
             caution = ?2, gap_since = CASE WHEN ?3 IS gap THEN gap_since ELSE ?8 END, gap = ?3, \
             deadline = ?6, booked_on = ?7, \
             recalled_at = CASE WHEN ?9 IS NULL THEN NULL ELSE coalesce(recalled_at, ?9) END, \
             recall_confirmed_at = CASE WHEN ?10 IS NULL THEN NULL \
             ELSE coalesce(recall_confirmed_at, ?10) END \
             WHERE referral_row = ?4 AND facts = ?5",
        )?;
        match update.execute(bound)? {
            1 => Ok(()),
            _ => Err(Failure::Conflict),
        }
    }

    /// The number is drawn here, in the transaction that stores the notice, so that none is ever
    /// missing and none is there twice. A cause that was told about already is not told again.
    pub fn notice(&self, referral_row: i64, notice: &NewNotice) -> Result<(), Failure> {
        let mut insert = self.connection.prepare_cached(
            "/* conclude::notice */ INSERT INTO notice (notice_id, force, test_data, compartment, \
             sequence, referral_row, kind, cause, made_day, made_at, body) \
             SELECT ?1, f.force, f.test_data, ?2, 1 + coalesce((SELECT max(sequence) FROM notice \
             AS n WHERE n.force = f.force AND n.test_data = f.test_data AND n.compartment = ?2), \
             0), ?3, ?4, ?5, ?6, ?7, ?8 FROM referral AS f WHERE f.referral_row = ?3 \
             ON CONFLICT (referral_row, kind, cause) DO NOTHING",
        )?;
        unique(insert.execute(params![
            notice.notice_id.as_bytes(),
            from_compartment(notice.body.compartment()),
            referral_row,
            notice.kind,
            notice.cause.as_bytes(),
            from_day(london_day(notice.made_at)),
            from_time(notice.made_at),
            notice.body.as_bytes(),
        ]))?;
        Ok(())
    }

    /// The force has taken a notice over. `Conflict` when it had before, or there is none.
    pub fn take_over(&self, notice_id: Uuid, at: Timestamp) -> Result<(), Failure> {
        let mut update = self.connection.prepare_cached(
            "/* conclude::take_over */ UPDATE notice SET taken_over_at = ?1 WHERE notice_id = ?2 \
             AND taken_over_at IS NULL",
        )?;
        match update.execute(params![from_time(at), notice_id.as_bytes()])? {
            1 => Ok(()),
            _ => Err(Failure::Conflict),
        }
    }
}
