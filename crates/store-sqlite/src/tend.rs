//! The statements behind what a sweep or a delivery writes. Each names the state that it expects.

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Params, params};
use uuid::Uuid;

use super::column::{from_compartment, from_day, from_time};
use super::step::json;
use super::write::{Failure, Transaction, unique};
use cara_store::{About, Incident, NewNotice, Paused, PendingPlan, Reconciled, Tend};

impl Transaction<'_> {
    pub fn tend(&self, tend: &Tend) -> Result<(), Failure> {
        match tend {
            Tend::Seen { at, stopped } => self.seen(*at, *stopped),
            Tend::AcceptClock { at } => self.one(
                "/* tend */ UPDATE sweep SET seen_at = ?1, stopped_at = NULL \
                 WHERE only = 1 AND stopped_at IS NOT NULL",
                [from_time(*at)],
            ),
            Tend::Notice { about, facts, notice } => self.clock_notice(*about, *facts, notice),
            Tend::OpenIncident { incident, mail } => self.open_incident(incident, *mail),
            Tend::Incident { incident_id, count, told, mail } => {
                let told = told.map(from_time);
                self.one(
                    "/* tend */ UPDATE incident SET count = ?2, told_at = coalesce(?3, told_at) \
                     WHERE incident_id = ?1 AND closed_at IS NULL",
                    params![incident_id.as_bytes(), *count as i64, told],
                )?;
                self.mail_of_incident(*incident_id, *mail, "open")
            }
            Tend::CloseIncident { incident_id, at, mail } => {
                self.one(
                    "/* tend */ UPDATE incident SET closed_at = ?2 \
                     WHERE incident_id = ?1 AND closed_at IS NULL",
                    params![incident_id.as_bytes(), from_time(*at)],
                )?;
                self.mail_of_incident(*incident_id, *mail, "closed")
            }
            Tend::MailNotice { notice_id, mail_id, at } => {
                self.mail_notice(*notice_id, *mail_id, *at)
            }
            Tend::MailSent { mail_id, at } => self.one(
                "/* tend */ UPDATE mail SET sent_at = ?2 WHERE mail_id = ?1 AND sent_at IS NULL",
                params![mail_id.as_bytes(), from_time(*at)],
            ),
            Tend::MailAgain { mail_id, not_before } => self.one(
                "/* tend */ UPDATE mail SET attempts = attempts + 1, not_before = ?2 \
                 WHERE mail_id = ?1 AND sent_at IS NULL",
                params![mail_id.as_bytes(), from_time(*not_before)],
            ),
            Tend::MailDead { mail_id, reason } => self.one(
                "/* tend */ UPDATE mail SET dead_reason = ?2 WHERE mail_id = ?1 AND sent_at IS NULL",
                params![mail_id.as_bytes(), reason],
            ),
            Tend::Delivered { notice_id, at, taken_over } => {
                self.delivered(*notice_id, *at, *taken_over)
            }
            Tend::PushAgain { notice_id, at, not_before, failed } => {
                self.push_again(*notice_id, *at, *not_before, *failed)
            }
            Tend::PushNow { force } => self.push_now(*force),
            Tend::PushAnew { notice_id } => self.push_anew(*notice_id),
            Tend::CancelPush { notice_id, at } => self.cancel_push(*notice_id, *at),
            Tend::EndpointFails { force, at, reason } => self.endpoint_fails(*force, *at, reason),
            Tend::Pause(paused) => self.pause(paused),
            Tend::Resume { force } => {
                self.one("/* tend */ DELETE FROM paused_endpoint WHERE force = ?1", [force.0])?;
                self.begin_anew(*force)
            }
            Tend::PendPlan(pending) => self.pend_plan(pending),
            Tend::HeldAgain(again) => self.held_again(again),
            Tend::PendCorrection(pending) => self.pend_correction(pending),
            Tend::Reconciled(reconciled) => self.reconciled(reconciled),
        }
    }

    /// An update of exactly one row; none is a `Conflict`.
    pub(super) fn one(&self, sql: &str, bound: impl Params) -> Result<(), Failure> {
        match self.connection.prepare_cached(sql)?.execute(bound)? {
            1 => Ok(()),
            _ => Err(Failure::Conflict),
        }
    }

    fn seen(&self, at: Timestamp, stopped: bool) -> Result<(), Failure> {
        let mut upsert = self.connection.prepare_cached(
            "/* tend::seen */ INSERT INTO sweep (only, seen_at, stopped_at) VALUES (1, ?1, ?2) \
             ON CONFLICT (only) DO UPDATE SET seen_at = CASE WHEN ?2 IS NULL THEN ?1 \
             ELSE seen_at END, stopped_at = coalesce(stopped_at, ?2)",
        )?;
        upsert.execute(params![from_time(at), stopped.then(|| from_time(at))])?;
        Ok(())
    }

    fn clock_notice(&self, about: About, facts: u32, notice: &NewNotice) -> Result<(), Failure> {
        match about {
            About::Referral(referral_id) => {
                let mut select = self.connection.prepare_cached(
                    "/* tend::clock_notice */ SELECT f.referral_row, coalesce(s.facts, 0) AS facts \
                     FROM referral AS f LEFT JOIN standing AS s \
                     ON s.referral_row = f.referral_row WHERE f.referral_id = ?1",
                )?;
                let found = select
                    .query_row([referral_id.as_bytes()], |row| {
                        Ok((row.get::<_, i64>(0)?, row.get::<_, u32>(1)?))
                    })
                    .optional()?;
                match found {
                    Some((referral_row, known)) if known == facts => {
                        self.notice(referral_row, notice)
                    }
                    _ => Err(Failure::Conflict),
                }
            }
            About::Hold(hold_id) => self.hold_notice(hold_id, notice),
        }
    }

    fn open_incident(&self, incident: &Incident, mail: Option<Uuid>) -> Result<(), Failure> {
        let mut insert = self.connection.prepare_cached(
            "/* tend::open_incident */ INSERT INTO incident (incident_id, kind, about, count, \
             opened_at, told_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        unique(insert.execute(params![
            incident.incident_id.as_bytes(),
            incident.kind,
            incident.about,
            incident.count as i64,
            from_time(incident.opened_at),
            from_time(incident.told_at),
        ]))?;
        self.mail_of_incident(incident.incident_id, mail, "opened")
    }

    fn mail_of_incident(
        &self,
        incident_id: Uuid,
        mail: Option<Uuid>,
        stage: &str,
    ) -> Result<(), Failure> {
        let Some(mail_id) = mail else { return Ok(()) };
        self.one(
            "/* tend */ INSERT INTO mail (mail_id, incident_row, stage, made_at, attempts) \
             SELECT ?1, incident_row, ?3, ?4, 0 FROM incident WHERE incident_id = ?2",
            params![mail_id.as_bytes(), incident_id.as_bytes(), stage, from_time(self.now)],
        )
    }

    fn mail_notice(&self, notice_id: Uuid, mail_id: Uuid, at: Timestamp) -> Result<(), Failure> {
        self.one(
            "/* tend::mail_notice */ UPDATE notice SET mailed_at = ?2 WHERE notice_id = ?1 \
             AND mailed_at IS NULL AND taken_over_at IS NULL AND cancelled_at IS NULL",
            params![notice_id.as_bytes(), from_time(at)],
        )?;
        self.one(
            "/* tend::mail_notice */ INSERT INTO mail (mail_id, notice_row, stage, made_at, \
             attempts) SELECT ?1, notice_row, 'opened', ?3, 0 FROM notice WHERE notice_id = ?2",
            params![mail_id.as_bytes(), notice_id.as_bytes(), from_time(at)],
        )
    }

    fn pause(&self, paused: &Paused) -> Result<(), Failure> {
        let mut insert = self.connection.prepare_cached(
            "/* tend::pause */ INSERT INTO paused_endpoint (force, at, by, because) \
             VALUES (?1, ?2, ?3, ?4)",
        )?;
        let Paused { force, at, by, because } = paused;
        unique(insert.execute(params![force.0, from_time(*at), by, because])).map(drop)
    }

    fn pend_plan(&self, pending: &PendingPlan) -> Result<(), Failure> {
        let PendingPlan { force, name, sha256, by, at, because } = pending;
        self.one(
            "/* tend::pend_plan */ INSERT OR REPLACE INTO plan_pending (force, name, sha256, by, at, \
             because) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![force.0, name, sha256, by, from_time(*at), because],
        )
    }

    fn reconciled(&self, reconciled: &Reconciled) -> Result<(), Failure> {
        let mut upsert = self.connection.prepare_cached(
            "/* tend::reconciled */ INSERT INTO reconciliation (provider, compartment, day, \
             arrived_at, missing_here, missing_there) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
             ON CONFLICT (provider, compartment, day) DO UPDATE SET \
             arrived_at = excluded.arrived_at, missing_here = excluded.missing_here, \
             missing_there = excluded.missing_there",
        )?;
        upsert.execute(params![
            reconciled.provider,
            from_compartment(reconciled.side),
            from_day(reconciled.day),
            from_time(reconciled.at),
            json(&reconciled.missing_here),
            json(&reconciled.missing_there),
        ])?;
        Ok(())
    }
}
