//! The audit chain and its head.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::column::{Columns, from_day};
use super::harm::damaged;
use super::transaction::{StepFailure, Transaction};
use super::{Error, Sqlite};
use cara_clock::london_day;
use cara_store::audit::ChainEnd;
use cara_store::{AuditHead, AuditRow};
use cara_vault::Vault;

impl cara_store::AuditChain for Sqlite {
    fn audit_rows(
        &self,
        after: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<AuditRow>, cara_store::Error>> {
        self.read(move |connection| audit_rows(connection, after, limit)).boxed()
    }

    fn audit_head(&self) -> BoxFuture<'_, Result<Option<AuditHead>, cara_store::Error>> {
        self.read(audit_head).boxed()
    }
}

pub(crate) fn audit_rows(
    connection: &Connection,
    after: u64,
    limit: usize,
) -> rusqlite::Result<Vec<AuditRow>> {
    let mut select = connection.prepare_cached(
        "/* audit::audit_rows */ SELECT sequence, mac, fact FROM audit WHERE sequence > ?1 \
         ORDER BY sequence LIMIT ?2",
    )?;
    let rows = select.query_map(params![after as i64, limit as i64], |row| {
        Ok(AuditRow {
            sequence: row.get::<_, i64>("sequence")? as u64,
            fact: row.get("fact")?,
            mac: Columns(row).array("mac")?,
        })
    })?;
    rows.collect()
}

pub(crate) fn audit_head(connection: &Connection) -> rusqlite::Result<Option<AuditHead>> {
    let mut select = connection
        .prepare_cached("/* audit::audit_head */ SELECT sequence, mac, seal FROM audit_head")?;
    let read = |row: &Row<'_>| {
        let columns = Columns(row);
        Ok(AuditHead {
            sequence: row.get::<_, i64>("sequence")? as u64,
            mac: columns.array("mac")?,
            seal: columns.array("seal")?,
        })
    };
    select.query_row([], read).optional()
}

/// The audit chain's end, if its head is sealed with our audit key.
pub(crate) fn read_end(connection: &Connection, vault: &Vault) -> Result<ChainEnd, StepFailure> {
    let mut select = connection
        .prepare_cached("/* audit::read_end */ SELECT sequence, mac, seal FROM audit_head")?;
    let head = select
        .query_row([], |row| {
            Ok((row.get::<_, i64>(0)? as u64, row.get(1)?, row.get::<_, [u8; 32]>(2)?))
        })
        .optional()?;
    let Some((sequence, mac, seal)) = head else {
        return Err(StepFailure::Impossible("the audit chain has no head"));
    };
    let end = ChainEnd { sequence, mac };
    if end.seal(vault).seal != seal {
        return Err(StepFailure::Impossible(
            "the audit head is not under this gateway's audit key",
        ));
    }
    Ok(end)
}

impl Transaction<'_> {
    /// Adds links to the audit chain.
    pub fn facts(&mut self, facts: &[String]) -> Result<(), StepFailure> {
        let mut insert = self.connection.prepare_cached(
            "/* audit::facts */ INSERT INTO audit (sequence, mac, fact) VALUES (?1, ?2, ?3)",
        )?;
        for fact in facts {
            let next = self.end.link(self.vault, fact);
            insert.execute(params![next.sequence as i64, next.mac, fact])?;
            self.end = next;
        }
        Ok(())
    }

    /// Moves the chain's head to where this transaction has brought it.
    pub fn advance_head(&self, before: ChainEnd) -> Result<(), StepFailure> {
        if self.end == before {
            return Ok(());
        }
        let head = self.end.seal(self.vault);
        let mut update = self.connection.prepare_cached(
            "/* audit::advance_head */ UPDATE audit_head SET sequence = ?1, mac = ?2, seal = ?3 \
             WHERE only = 1 AND sequence = ?4",
        )?;
        let sequence = head.sequence as i64;
        match update.execute(params![sequence, head.mac, head.seal, before.sequence as i64])? {
            1 => {}
            _ => return Err(StepFailure::Impossible("the audit head moved by itself")),
        }
        let mut day = self.connection.prepare_cached(
            "/* audit::advance_head */ INSERT INTO audit_day (day, sequence) VALUES (?1, ?2) \
             ON CONFLICT (day) DO UPDATE SET sequence = excluded.sequence",
        )?;
        day.execute(params![from_day(london_day(self.now)), sequence])?;
        Ok(())
    }
}

/// The audit chain as far as it was followed.
#[derive(Default)]
pub(crate) struct Chain(Option<ChainEnd>);

impl Chain {
    pub fn link(
        &mut self,
        connection: &Connection,
        vault: &Vault,
        values: &[Value],
    ) -> Result<(), Error> {
        let [Value::Integer(sequence), Value::Blob(mac), Value::Text(fact)] = values else {
            return damaged("audit", "a row is not one of the chain");
        };
        let before = match self.0 {
            Some(end) => end,
            None => end_before(connection, *sequence)?,
        };
        let next = before.link(vault, fact);
        if i64::try_from(next.sequence) != Ok(*sequence) || next.mac.as_slice() != mac {
            return damaged("audit", format!("the chain does not hold at fact {sequence}"));
        }
        self.0 = Some(next);
        Ok(())
    }
}

fn end_before(connection: &Connection, sequence: i64) -> Result<ChainEnd, Error> {
    if sequence <= 1 {
        return Ok(ChainEnd::START);
    }
    let before = connection
        .query_row(
            "/* audit::end_before */ SELECT mac FROM audit WHERE sequence = ?1",
            [sequence - 1],
            |row| row.get(0),
        )
        .optional()?;
    match before {
        Some(mac) => Ok(ChainEnd { sequence: sequence.unsigned_abs() - 1, mac }),
        None => damaged("audit", format!("fact {} is missing", sequence - 1)),
    }
}
