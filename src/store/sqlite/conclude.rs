//! The statements of the way back: an outcome, where the case stands with it, its notices.

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, params};
use uuid::Uuid;

use super::column::{from_compartment, from_day, from_time};
use super::write::{Failure, Transaction, unique};
use crate::clock::london_day;
use crate::store::{NewNotice, NewOutcome, NewStanding};

impl Transaction<'_> {
    pub fn outcome(&self, outcome: &NewOutcome) -> Result<(), Failure> {
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
        Ok(())
    }

    fn referral_row(&self, referral_id: Uuid) -> Result<i64, Failure> {
        let mut select = self.connection.prepare_cached(
            "/* conclude::referral_row */ SELECT referral_row FROM referral WHERE referral_id = ?1",
        )?;
        let found = select.query_row([referral_id.as_bytes()], |row| row.get(0)).optional()?;
        found.ok_or(Failure::Impossible("an outcome names a referral that is not stored"))
    }

    /// From what it was folded from before to one fact more.
    fn move_standing(&self, referral_row: i64, standing: &NewStanding) -> Result<(), Failure> {
        let NewStanding { facts_before, programme, caution, gap } = standing;
        if *facts_before == 0 {
            let mut insert = self.connection.prepare_cached(
                "/* conclude::move_standing */ INSERT INTO standing (referral_row, facts, \
                 programme, caution, gap) VALUES (?1, 1, ?2, ?3, ?4)",
            )?;
            return unique(insert.execute(params![referral_row, programme, caution, gap]))
                .map(drop);
        }
        let mut update = self.connection.prepare_cached(
            "/* conclude::move_standing */ UPDATE standing SET facts = facts + 1, programme = ?1, \
             caution = ?2, gap = ?3 WHERE referral_row = ?4 AND facts = ?5",
        )?;
        match update.execute(params![programme, caution, gap, referral_row, facts_before])? {
            1 => Ok(()),
            _ => Err(Failure::Conflict),
        }
    }

    /// The number is drawn here, in the transaction that stores the notice, so that none is ever
    /// missing and none is there twice. A cause that was told about already is not told again.
    fn notice(&self, referral_row: i64, notice: &NewNotice) -> Result<(), Failure> {
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
