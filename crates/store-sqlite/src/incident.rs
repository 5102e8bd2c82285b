//! Incidents, each open once.

use cara_domain::choice::{Choice as _, MailStage};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::Sqlite;
use super::column::{Columns, from_time};
use super::transaction::{StepFailure, Transaction, unique};
use cara_store::{Error, Incident, IncidentChange};

impl cara_store::Incidents for Sqlite {
    fn incidents(&self) -> BoxFuture<'_, Result<Vec<Incident>, Error>> {
        self.read(incidents).boxed()
    }
}

pub(crate) fn incident(row: &Row<'_>) -> rusqlite::Result<Incident> {
    let columns = Columns(row);
    Ok(Incident {
        incident_id: columns.id("incident_id")?,
        kind: row.get("kind")?,
        about: row.get("about")?,
        count: row.get::<_, i64>("count")? as u64,
        opened_at: columns.time("opened_at")?,
        told_at: columns.time("told_at")?,
    })
}

/// Incidents that are open.
pub(crate) fn incidents(connection: &Connection) -> rusqlite::Result<Vec<Incident>> {
    let mut select = connection.prepare_cached(
        "/* incident::incidents */ SELECT * FROM incident INDEXED BY incident_open \
         WHERE closed_at IS NULL ORDER BY incident_row",
    )?;
    select.query_map([], incident)?.collect()
}

impl Transaction<'_> {
    pub fn incident(&self, change: &IncidentChange) -> Result<(), StepFailure> {
        match change {
            IncidentChange::Open { incident, mail } => self.open_incident(incident, *mail),
            IncidentChange::Still { incident_id, count, told, mail } => {
                let told = told.map(from_time);
                self.one(
                    "/* incident::incident */ UPDATE incident SET count = ?2, \
                     told_at = coalesce(?3, told_at) \
                     WHERE incident_id = ?1 AND closed_at IS NULL",
                    params![incident_id.as_bytes(), *count as i64, told],
                )?;
                self.mail_of_incident(*incident_id, *mail, MailStage::Open)
            }
            IncidentChange::Close { incident_id, at, mail } => {
                self.one(
                    "/* incident::incident */ UPDATE incident SET closed_at = ?2 \
                     WHERE incident_id = ?1 AND closed_at IS NULL",
                    params![incident_id.as_bytes(), from_time(*at)],
                )?;
                self.mail_of_incident(*incident_id, *mail, MailStage::Closed)
            }
        }
    }

    fn open_incident(&self, incident: &Incident, mail: Option<Uuid>) -> Result<(), StepFailure> {
        let mut insert = self.connection.prepare_cached(
            "/* incident::open_incident */ INSERT INTO incident (incident_id, kind, about, count, \
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
        self.mail_of_incident(incident.incident_id, mail, MailStage::Opened)
    }

    fn mail_of_incident(
        &self,
        incident_id: Uuid,
        mail: Option<Uuid>,
        stage: MailStage,
    ) -> Result<(), StepFailure> {
        let Some(mail_id) = mail else { return Ok(()) };
        self.one(
            "/* incident::mail_of_incident */ INSERT INTO mail (mail_id, incident_row, stage, made_at, attempts) \
             SELECT ?1, incident_row, ?3, ?4, 0 FROM incident WHERE incident_id = ?2",
            params![mail_id.as_bytes(), incident_id.as_bytes(), stage.code(), from_time(self.now)],
        )
    }
}
