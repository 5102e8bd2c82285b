//! E-mail that waits.

use cara_domain::choice::{Choice as _, MailStage};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use rusqlite::{Connection, params};
use uuid::Uuid;

use super::Sqlite;
use super::column::{Columns, from_time};
use super::transaction::{StepFailure, Transaction};
use cara_store::{Error, Mail, MailAbout, MailChange};

impl cara_store::Mails for Sqlite {
    fn mails(&self, now: Timestamp, limit: usize) -> BoxFuture<'_, Result<Vec<Mail>, Error>> {
        self.read(move |connection| mails(connection, now, limit)).boxed()
    }
}

/// E-mail whose turn it is.
pub(crate) fn mails(
    connection: &Connection,
    now: Timestamp,
    limit: usize,
) -> rusqlite::Result<Vec<Mail>> {
    let mut select = connection.prepare_cached(
        "/* mail::mails */ SELECT m.mail_id, m.stage, m.made_at, m.attempts, n.notice_id, \
         i.incident_id, i.kind, i.about, i.count, i.opened_at, i.told_at, i.closed_at \
         FROM mail AS m LEFT JOIN incident AS i ON i.incident_row = m.incident_row \
         LEFT JOIN notice AS n ON n.notice_row = m.notice_row \
         WHERE m.sent_at IS NULL AND m.dead_reason IS NULL \
         AND (m.not_before IS NULL OR m.not_before <= ?1) ORDER BY m.mail_row LIMIT ?2",
    )?;
    let rows = select.query_map(params![from_time(now), limit as i64], |row| {
        let columns = Columns(row);
        let about = match columns.optional_array("notice_id")? {
            Some(id) => MailAbout::Notice(Uuid::from_bytes(id)),
            None => MailAbout::Incident {
                incident: super::incident::incident(row)?,
                stage: columns.known("stage")?,
                is_closed: columns.optional_time("closed_at")?.is_some(),
            },
        };
        Ok(Mail {
            mail_id: columns.id("mail_id")?,
            about,
            attempts: row.get("attempts")?,
            made_at: columns.time("made_at")?,
        })
    })?;
    rows.collect()
}

impl Transaction<'_> {
    pub fn mail(&self, change: &MailChange) -> Result<(), StepFailure> {
        match change {
            MailChange::OfNotice { notice_id, mail_id, at } => {
                self.mail_notice(*notice_id, *mail_id, *at)
            }
            MailChange::Sent { mail_id, at } => self.one(
                "/* mail::mail */ UPDATE mail SET sent_at = ?2 \
                 WHERE mail_id = ?1 AND sent_at IS NULL",
                params![mail_id.as_bytes(), from_time(*at)],
            ),
            MailChange::Again { mail_id, not_before } => self.one(
                "/* mail::mail */ UPDATE mail SET attempts = attempts + 1, not_before = ?2 \
                 WHERE mail_id = ?1 AND sent_at IS NULL",
                params![mail_id.as_bytes(), from_time(*not_before)],
            ),
            MailChange::Dead { mail_id, reason } => self.one(
                "/* mail::mail */ UPDATE mail SET dead_reason = ?2 \
                 WHERE mail_id = ?1 AND sent_at IS NULL",
                params![mail_id.as_bytes(), reason],
            ),
        }
    }

    fn mail_notice(
        &self,
        notice_id: Uuid,
        mail_id: Uuid,
        at: Timestamp,
    ) -> Result<(), StepFailure> {
        self.one(
            "/* mail::mail_notice */ UPDATE notice SET mailed_at = ?2 WHERE notice_id = ?1 \
             AND mailed_at IS NULL AND taken_over_at IS NULL AND cancelled_at IS NULL",
            params![notice_id.as_bytes(), from_time(at)],
        )?;
        self.one(
            "/* mail::mail_notice */ INSERT INTO mail (mail_id, notice_row, stage, made_at, \
             attempts) SELECT ?1, notice_row, ?4, ?3, 0 FROM notice WHERE notice_id = ?2",
            params![
                mail_id.as_bytes(),
                notice_id.as_bytes(),
                from_time(at),
                MailStage::Opened.code()
            ],
        )
    }
}
