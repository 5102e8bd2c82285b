//! Looks at every row once a day and after each start, some at a time: what the start has no time for.
//!
//! How far it came is written down with each turn, so that a restart goes on there.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::column::{Columns, from_time};
use super::finding::{RowFinding, ScrubTurn};
use super::readers::in_snapshot;
use super::step::Step;
use super::table::{ROWS, Table};
use super::transaction::{StepFailure, Transaction};
use super::{Error, Sqlite, harm};
use cara_metric::{Metric, alert};
use cara_store::{CheckedTable, Scrubbed};
use cara_vault::Vault;

const EVERY: SignedDuration = SignedDuration::from_hours(24);
/// Nothing is due: look again so much later.
pub(crate) const IDLE: Duration = Duration::from_secs(60);
/// After some rows that took so long, nothing for so many times as long: a quarter percent of a core.
const REST: u32 = 400;
const REST_MIN: Duration = Duration::from_millis(20);

/// Findings of one table that are kept, and that are told one by one of all tables.
const KEPT_MAX: i64 = 1_000;
const TOLD_MAX: usize = 20;

/// Where the scrub stands.
#[derive(Debug)]
pub(crate) struct Scrub {
    tables: Arc<[Table]>,
    opened_at: Timestamp,
    /// Tables that were found to be damaged; they are not walked again.
    damaged: Mutex<Vec<String>>,
}

/// A table with how far it was looked at.
struct Standing {
    checked: CheckedTable,
    began_at: Option<Timestamp>,
    after: Option<Vec<Value>>,
}

/// A part of a key as it is written down.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
enum Part {
    Number(i64),
    Text(String),
    Bytes(Vec<u8>),
}

fn to_text(key: &[Value]) -> Option<String> {
    let part = |value: &Value| match value {
        Value::Integer(number) => Some(Part::Number(*number)),
        Value::Text(text) => Some(Part::Text(text.clone())),
        Value::Blob(bytes) => Some(Part::Bytes(bytes.clone())),
        Value::Null | Value::Real(_) => None,
    };
    let parts = key.iter().map(part).collect::<Option<Vec<_>>>()?;
    serde_json::to_string(&parts).ok()
}

fn to_key(text: &str) -> Option<Vec<Value>> {
    let value = |part| match part {
        Part::Number(number) => Value::Integer(number),
        Part::Text(text) => Value::Text(text),
        Part::Bytes(bytes) => Value::Blob(bytes),
    };
    let parts: Vec<Part> = serde_json::from_str(text).ok()?;
    Some(parts.into_iter().map(value).collect())
}

impl Scrub {
    pub fn of(tables: Arc<[Table]>, opened_at: Timestamp) -> Scrub {
        Scrub { tables, opened_at, damaged: Mutex::default() }
    }

    /// Looks at the next rows, of one table or of several small ones, in one snapshot. Empty:
    /// nothing is due.
    fn turn(
        &self,
        connection: &Connection,
        vault: &Vault,
        now: Timestamp,
    ) -> Result<Vec<ScrubTurn>, (String, Error)> {
        let file = |error: rusqlite::Error| ("file".to_owned(), Error::from(error));
        let standings = standings(connection).map_err(file)?;
        let mut damaged = self.damaged.lock().unwrap_or_else(PoisonError::into_inner);
        let mut turns = Vec::new();
        let mut rows = 0;
        while rows < ROWS {
            let Some((table, standing)) = self.next(&standings, &damaged, &turns, now) else {
                break;
            };
            let name = &table.name;
            let under_way = standing.filter(|it| it.after.as_ref().is_some_and(|it| table.has(it)));
            let after = under_way.and_then(|it| it.after.as_deref());
            let began_at = under_way.and_then(|it| it.began_at).unwrap_or(now);
            let looked = table.look(connection, vault, after).map_err(|error| {
                if matches!(error, Error::Damaged { .. }) {
                    damaged.push(name.clone());
                }
                (name.clone(), error)
            })?;
            rows += looked.rows;
            let (after, findings) = (looked.last, looked.findings);
            turns.push(ScrubTurn { table: name.clone(), began_at, after, findings });
        }
        Ok(turns)
    }

    /// The table under way, or the one whose last walk began longest ago: before this start or a day.
    fn next<'s>(
        &'s self,
        standings: &'s [Standing],
        damaged: &[String],
        turns: &[ScrubTurn],
        now: Timestamp,
    ) -> Option<(&'s Table, Option<&'s Standing>)> {
        let rank = |table: &&Table| {
            let standing = of(standings, table);
            let is_under_way = standing.is_some_and(|it| it.after.is_some());
            (!is_under_way, standing.and_then(|it| it.checked.at))
        };
        let is_due = |table: &&Table| {
            !damaged.contains(&table.name)
                && turns.iter().all(|turn| turn.table != table.name)
                && (!rank(table).0 || self.is_unchecked(of(standings, table), now, EVERY))
        };
        let next = self.tables.iter().filter(is_due).min_by_key(rank)?;
        Some((next, of(standings, next)))
    }

    fn is_unchecked(
        &self,
        standing: Option<&Standing>,
        now: Timestamp,
        every: SignedDuration,
    ) -> bool {
        match standing.and_then(|it| it.checked.at) {
            Some(at) => at < self.opened_at || now.duration_since(at) >= every,
            None => true,
        }
    }

    /// How many tables of how many were not looked at since the start.
    fn unchecked(&self, connection: &Connection) -> rusqlite::Result<(usize, usize)> {
        let standings = standings(connection)?;
        let of = |table: &Table| standings.iter().find(|it| it.checked.table == table.name);
        let unchecked = self
            .tables
            .iter()
            .filter(|table| self.is_unchecked(of(table), self.opened_at, SignedDuration::MAX));
        Ok((unchecked.count(), self.tables.len()))
    }
}

fn of<'s>(standings: &'s [Standing], table: &Table) -> Option<&'s Standing> {
    standings.iter().find(|standing| standing.checked.table == table.name)
}

fn standings(connection: &Connection) -> rusqlite::Result<Vec<Standing>> {
    let mut select = connection.prepare_cached(
        "/* scrub::standings */ SELECT name, began_at, after, checked_at FROM scrub",
    )?;
    let rows = select.query_map([], |row| {
        Ok(Standing {
            checked: CheckedTable {
                table: row.get("name")?,
                at: Columns(row).optional_time("checked_at")?,
            },
            began_at: Columns(row).optional_time("began_at")?,
            after: row.get::<_, Option<String>>("after")?.as_deref().and_then(to_key),
        })
    })?;
    rows.collect()
}

/// Every table with the time when the last look at all of its rows began.
pub(crate) fn checked(
    connection: &Connection,
    tables: &[Table],
) -> Result<Vec<CheckedTable>, Error> {
    let known = standings(connection)?;
    let tables = tables.iter().map(|table| {
        let standing = known.iter().find(|it| it.checked.table == table.name);
        let at = standing.and_then(|it| it.checked.at);
        CheckedTable { table: table.name.clone(), at }
    });
    Ok(tables.collect())
}

/// Everything that SQLite can say of the file, row for row with the indexes and references.
pub(crate) fn whole(
    connection: &Connection,
    vault: &Vault,
    tables: &[Table],
) -> Result<Vec<RowFinding>, Error> {
    let said: String =
        connection
            .query_row("/* scrub::whole */ PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if said != "ok" {
        // SQLite names tables, indexes and pages, never a value.
        return harm::damaged("file", said);
    }
    let broken = connection.query_row("/* scrub::whole */ PRAGMA foreign_key_check", [], |row| {
        row.get::<_, String>(0)
    });
    match broken {
        Ok(table) => return harm::damaged(table, "a row names another that is not there"),
        Err(rusqlite::Error::QueryReturnedNoRows) => {}
        Err(error) => return Err(error.into()),
    }
    let mut findings = Vec::new();
    for table in tables {
        let mut after = None;
        loop {
            let looked = table.look(connection, vault, after.as_deref())?;
            findings.extend(looked.findings);
            after = looked.last;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(findings)
}

/// A finding for the person who is told: which row, whose case.
pub(crate) fn words(finding: &RowFinding) -> String {
    let row = finding.row.map(|row| format!(" row {row}")).unwrap_or_default();
    let case = finding.case_id.map(|id| format!(", case {id}")).unwrap_or_default();
    format!("{}{row}{case}: {}", finding.table, finding.what)
}

/// Tells of every row that is known not to be as it was written.
pub(crate) fn tell(connection: &Connection, metric: &Metric) -> rusqlite::Result<()> {
    let mut select = connection.prepare_cached(
        "/* scrub::tell */ SELECT name, row, case_id, what FROM finding ORDER BY name, row LIMIT ?1",
    )?;
    let finding = |row: &Row<'_>| {
        let table: String = row.get("name")?;
        let case_id = row.get::<_, Option<[u8; 16]>>("case_id")?.map(Uuid::from_bytes);
        Ok(RowFinding { table, row: row.get("row")?, case_id, what: row.get("what")? })
    };
    let found = select.query_map([TOLD_MAX as i64 + 1], finding)?;
    let found = found.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut told: Vec<_> = found.iter().take(TOLD_MAX).map(|it| (words(it), 1)).collect();
    if found.len() > TOLD_MAX {
        told.push(("more rows".to_owned(), 1));
    }
    metric.troubles().exactly(alert::ROW_DAMAGED, told);
    Ok(())
}

/// Writes down what was found; what was known already keeps its time.
pub(crate) fn note(
    connection: &Connection,
    findings: &[RowFinding],
    now: Timestamp,
) -> rusqlite::Result<()> {
    let mut count = connection.prepare_cached(
        "/* scrub::note */ SELECT count(*) FROM (SELECT 1 FROM finding WHERE name = ?1 LIMIT ?2)",
    )?;
    let mut upsert = connection.prepare_cached(
        "/* scrub::note */ INSERT INTO finding (name, row, case_id, what, found_at) \
         VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (name, row) \
         DO UPDATE SET case_id = excluded.case_id, what = excluded.what, found_at = excluded.found_at",
    )?;
    for finding in findings {
        let known: i64 = count.query_row(params![finding.table, KEPT_MAX], |row| row.get(0))?;
        if known >= KEPT_MAX {
            continue;
        }
        tracing::error!(
            table = finding.table,
            row = finding.row,
            case = finding.case_id.map(tracing::field::display),
            what = finding.what,
            "a stored row is not as it was written"
        );
        let case_id = finding.case_id.map(Uuid::into_bytes);
        let row = finding.row.unwrap_or_default();
        upsert.execute(params![finding.table, row, case_id, finding.what, from_time(now)])?;
    }
    Ok(())
}

impl Sqlite {
    /// Looks at up to a thousand rows, or at several small tables.
    pub(crate) async fn scrub_turn(&self) -> Result<Scrubbed, cara_store::Error> {
        if matches!(self.harm.reason(), Some(harm::READ_ONLY)) {
            return Err(cara_store::Error::Unavailable { reason: harm::READ_ONLY });
        }
        let started = self.clock.monotonic();
        let (scrub, vault) = (Arc::clone(&self.scrub), Arc::clone(&self.vault));
        let now = self.clock.now();
        let turn = self
            .read(move |connection| in_snapshot(connection, |it| Ok(scrub.turn(it, &vault, now))))
            .await?;
        let took = self.clock.monotonic().saturating_sub(started);
        let is_idle = turn.as_ref().is_ok_and(Vec::is_empty);
        match turn {
            Ok(turns) if turns.is_empty() => {}
            Ok(turns) => {
                let is_told = turns.iter().any(|it| it.after.is_none() || !it.findings.is_empty());
                self.carry_out_one(Step::Scrubbed(turns)).await?.ok();
                if is_told {
                    let metric = self.metric.clone();
                    self.read(move |connection| tell(connection, &metric)).await?;
                }
            }
            Err((table, Error::Damaged { about, what })) => {
                self.harm.found(harm::DAMAGED, &table, &format!("{about}: {what}"));
            }
            Err((_, error)) => return Err(cara_store::Error::Backend(Box::new(error))),
        }
        let scrub = Arc::clone(&self.scrub);
        let unchecked = self.read(move |connection| scrub.unchecked(connection)).await?;
        let rest = if is_idle { IDLE } else { (took * REST).max(REST_MIN) };
        Ok(Scrubbed { rest, unchecked })
    }
}

impl Transaction<'_> {
    pub fn scrubbed(&self, turn: &ScrubTurn) -> Result<(), StepFailure> {
        note(self.connection, &turn.findings, self.now)?;
        let began_at = from_time(turn.began_at);
        let sql = match turn.after {
            None => {
                "/* scrub::through */ INSERT INTO scrub (name, checked_at) VALUES (?1, ?2) \
                 ON CONFLICT (name) DO UPDATE SET began_at = NULL, after = NULL, \
                 checked_at = excluded.checked_at"
            }
            Some(_) => {
                "/* scrub::on */ INSERT INTO scrub (name, began_at, after) VALUES (?1, ?2, ?3) \
                 ON CONFLICT (name) DO UPDATE SET began_at = excluded.began_at, \
                 after = excluded.after"
            }
        };
        let mut upsert = self.connection.prepare_cached(sql)?;
        if let Some(after) = &turn.after {
            upsert.execute(params![turn.table, began_at, to_text(after)])?;
            return Ok(());
        }
        upsert.execute(params![turn.table, began_at])?;
        // What the whole walk did not find again is mended, or was erased.
        let mut forget = self.connection.prepare_cached(
            "/* scrub::through */ DELETE FROM finding WHERE name = ?1 AND found_at < ?2",
        )?;
        forget.execute(params![turn.table, began_at])?;
        Ok(())
    }
}
