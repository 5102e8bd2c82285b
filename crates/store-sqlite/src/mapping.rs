//! Versions of mappings, and those that wait for a second operator.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::Sqlite;
use super::column::{Columns, from_time};
use super::step::{Step, texts};
use super::transaction::{StepFailure, Transaction, unique};
use cara_store::{Error, Fact, ForceNumber, NotWritten, PendingPlan, PlanNumber, PlanVersion};

impl cara_store::MappingVersions for Sqlite {
    fn plan_versions(&self) -> BoxFuture<'_, Result<Vec<PlanVersion>, Error>> {
        self.read(newest).boxed()
    }

    fn plan_history(&self, force: ForceNumber) -> BoxFuture<'_, Result<Vec<PlanVersion>, Error>> {
        self.read(move |connection| history(connection, force)).boxed()
    }

    fn plan_numbers(&self) -> BoxFuture<'_, Result<Vec<PlanNumber>, Error>> {
        self.read(numbers).boxed()
    }

    fn plan_version(
        &self,
        number: PlanNumber,
    ) -> BoxFuture<'_, Result<Option<PlanVersion>, Error>> {
        self.read(move |connection| one(connection, &number)).boxed()
    }

    fn pending_plan(
        &self,
        force: ForceNumber,
        name: String,
    ) -> BoxFuture<'_, Result<Option<PendingPlan>, Error>> {
        self.read(move |connection| pending(connection, force, &name)).boxed()
    }

    fn activate_plan(
        &self,
        version: PlanVersion,
        audit: Vec<Fact>,
    ) -> BoxFuture<'_, Result<Result<(), NotWritten>, Error>> {
        let step = Step::Activate { version: Box::new(version), facts: texts(&audit) };
        self.carry_out_one(step).boxed()
    }
}

/// The newest version of every mapping.
pub(crate) fn newest(connection: &Connection) -> rusqlite::Result<Vec<PlanVersion>> {
    let mut select = connection.prepare_cached(
        "/* mapping::newest */ SELECT * FROM plan_version AS p WHERE version = (SELECT \
         max(version) FROM plan_version WHERE force = p.force AND name = p.name) \
         ORDER BY force, name",
    )?;
    select.query_map([], version)?.collect()
}

pub(crate) fn history(
    connection: &Connection,
    force: ForceNumber,
) -> rusqlite::Result<Vec<PlanVersion>> {
    let mut select = connection.prepare_cached(
        "/* mapping::history */ SELECT * FROM plan_version WHERE force = ?1 \
         ORDER BY at DESC, name, version DESC",
    )?;
    select.query_map([force.0], version)?.collect()
}

fn version(row: &Row<'_>) -> rusqlite::Result<PlanVersion> {
    let columns = Columns(row);
    Ok(PlanVersion {
        force: columns.force()?,
        name: row.get("name")?,
        version: row.get("version")?,
        sha256: row.get("sha256")?,
        text: row.get("text")?,
        by: row.get("by")?,
        at: columns.time("at")?,
        because: row.get("because")?,
    })
}

pub(crate) fn pending(
    connection: &Connection,
    force: ForceNumber,
    name: &str,
) -> rusqlite::Result<Option<PendingPlan>> {
    let mut select = connection.prepare_cached(
        "/* mapping::pending */ SELECT * FROM plan_pending WHERE force = ?1 AND name = ?2",
    )?;
    let read = |row: &Row<'_>| {
        let columns = Columns(row);
        Ok(PendingPlan {
            force: columns.force()?,
            name: row.get("name")?,
            sha256: row.get("sha256")?,
            by: row.get("by")?,
            at: columns.time("at")?,
            because: row.get("because")?,
        })
    };
    select.query_row(params![force.0, name], read).optional()
}

/// The newest number of every mapping, from the key's own index alone.
pub(crate) fn numbers(connection: &Connection) -> rusqlite::Result<Vec<PlanNumber>> {
    let mut select = connection.prepare_cached(
        "/* mapping::numbers */ SELECT force, name, max(version) AS version FROM plan_version \
         GROUP BY force, name ORDER BY force, name",
    )?;
    let number = |row: &Row<'_>| {
        Ok(PlanNumber {
            force: Columns(row).force()?,
            name: row.get("name")?,
            version: row.get("version")?,
        })
    };
    select.query_map([], number)?.collect()
}

pub(crate) fn one(
    connection: &Connection,
    number: &PlanNumber,
) -> rusqlite::Result<Option<PlanVersion>> {
    let mut select = connection.prepare_cached(
        "/* mapping::one */ SELECT * FROM plan_version WHERE force = ?1 AND name = ?2 \
         AND version = ?3",
    )?;
    let PlanNumber { force, name, version: wanted } = number;
    select.query_row(params![force.0, name, wanted], version).optional()
}

impl Transaction<'_> {
    pub fn activate(&mut self, version: &PlanVersion, facts: &[String]) -> Result<(), StepFailure> {
        let mut insert = self.connection.prepare_cached(
            "/* mapping::activate */ INSERT INTO plan_version (force, name, version, sha256, by, \
             at, because, text) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE ?3 = 1 + coalesce(\
             (SELECT max(version) FROM plan_version WHERE force = ?1 AND name = ?2), 0)",
        )?;
        let inserted = unique(insert.execute(params![
            version.force.0,
            version.name,
            version.version,
            version.sha256,
            version.by,
            from_time(version.at),
            version.because,
            version.text,
        ]))?;
        drop(insert);
        let mut settle = self.connection.prepare_cached(
            "/* mapping::activate */ DELETE FROM plan_pending WHERE force = ?1 AND name = ?2",
        )?;
        settle.execute(params![version.force.0, version.name])?;
        drop(settle);
        match inserted {
            1 => self.facts(facts),
            _ => Err(StepFailure::Conflict),
        }
    }

    pub fn pend_plan(&self, pending: &PendingPlan) -> Result<(), StepFailure> {
        let PendingPlan { force, name, sha256, by, at, because } = pending;
        self.one(
            "/* mapping::pend_plan */ INSERT OR REPLACE INTO plan_pending (force, name, sha256, by, at, \
             because) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![force.0, name, sha256, by, from_time(*at), because],
        )
    }
}
