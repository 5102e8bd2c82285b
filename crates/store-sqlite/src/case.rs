//! Reads of the way back: a case with its outcomes, notices by stream and number.

use cara_domain::Compartment;
use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use uuid::Uuid;

use super::column::{Columns, from_compartment, from_day};
use cara_store::{
    About, Action, Case, DecisionRow, ForceCode, NoticeFilter, NoticeRow, NoticeState, OutcomeRow,
    SealedSide,
};

pub(crate) fn case(connection: &Connection, referral_id: Uuid) -> rusqlite::Result<Option<Case>> {
    let mut select = connection.prepare_cached(
        "/* case::case */ SELECT f.referral_row, f.force, f.provider, f.test_data, f.epoch, \
         f.raw_key, f.offender_key, f.victim_key, f.latest_revision, r.police, \
         r.revision, last.action, last.received_at, coalesce(s.facts, 0) AS facts \
         FROM referral AS f CROSS JOIN revision AS last \
         ON last.referral_row = f.referral_row AND last.revision = f.latest_revision \
         CROSS JOIN revision AS r ON r.referral_row = f.referral_row AND r.revision = \
         (SELECT max(revision) FROM revision WHERE referral_row = f.referral_row AND action <> 2) \
         LEFT JOIN standing AS s ON s.referral_row = f.referral_row WHERE f.referral_id = ?1",
    )?;
    let found = select
        .query_row([referral_id.as_bytes()], |row| {
            let columns = Columns(row);
            let case = Case {
                referral_id,
                force: columns.force()?,
                provider: row.get("provider")?,
                test_data: row.get("test_data")?,
                keys: columns.keys()?,
                latest_revision: row.get("latest_revision")?,
                police: columns.sealed("police")?,
                police_revision: row.get("revision")?,
                withdrawn_at: match columns.action()? {
                    Action::Withdrawn => Some(columns.time("received_at")?),
                    Action::New | Action::Amended => None,
                },
                facts: row.get("facts")?,
                outcomes: Vec::new(),
                decisions: Vec::new(),
            };
            Ok((row.get::<_, i64>("referral_row")?, case))
        })
        .optional()?;
    let Some((referral_row, mut case)) = found else { return Ok(None) };
    case.outcomes = outcomes(connection, referral_row)?;
    case.decisions = decisions(connection, referral_row)?;
    Ok(Some(case))
}

fn outcomes(connection: &Connection, referral_row: i64) -> rusqlite::Result<Vec<OutcomeRow>> {
    let mut select = connection.prepare_cached(
        "/* case::outcomes */ SELECT outcome_id, compartment, number, content, body FROM outcome \
         WHERE referral_row = ?1 ORDER BY compartment, number",
    )?;
    let rows = select.query_map([referral_row], |row| {
        let columns = Columns(row);
        Ok(OutcomeRow {
            outcome_id: columns.id("outcome_id")?,
            number: row.get("number")?,
            content: columns.digest("content")?,
            body: side(&columns)?,
        })
    })?;
    rows.collect()
}

fn decisions(connection: &Connection, referral_row: i64) -> rusqlite::Result<Vec<DecisionRow>> {
    let mut select = connection.prepare_cached(
        "/* case::decisions */ SELECT decision_id, content, received_at, body FROM decision \
         WHERE referral_row = ?1 ORDER BY decision_row",
    )?;
    let rows = select.query_map([referral_row], |row| {
        let columns = Columns(row);
        Ok(DecisionRow {
            decision_id: columns.id("decision_id")?,
            content: columns.digest("content")?,
            received_at: columns.time("received_at")?,
            body: columns.sealed("body")?,
        })
    })?;
    rows.collect()
}

/// Whether an outcome with this id is stored, for whichever referral.
pub(crate) fn has_outcome(connection: &Connection, outcome_id: Uuid) -> rusqlite::Result<bool> {
    let mut select = connection
        .prepare_cached("/* case::has_outcome */ SELECT 1 FROM outcome WHERE outcome_id = ?1")?;
    select.exists([outcome_id.as_bytes()])
}

fn side(columns: &Columns<'_, '_>) -> rusqlite::Result<SealedSide> {
    Ok(match columns.compartment()? {
        Compartment::Offender => SealedSide::Offender(columns.sealed("body")?),
        Compartment::Victim => SealedSide::Victim(columns.sealed("body")?),
    })
}

const NOTICE: &str = "SELECT n.notice_id, n.force, n.test_data, n.compartment, n.sequence, n.kind, \
                      n.made_at, n.taken_over_at, n.cancelled_at, n.body, f.referral_id, h.hold_id, \
                      coalesce(f.epoch, h.epoch) AS epoch, \
                      coalesce(f.raw_key, h.raw_key) AS raw_key, \
                      coalesce(f.offender_key, h.offender_key) AS offender_key, \
                      coalesce(f.victim_key, h.victim_key) AS victim_key \
                      FROM notice AS n LEFT JOIN referral AS f ON f.referral_row = n.referral_row \
                      LEFT JOIN hold AS h ON h.hold_row = n.hold_row";

pub(crate) fn notices(
    connection: &Connection,
    filter: &NoticeFilter,
    limit: usize,
) -> rusqlite::Result<Vec<NoticeRow>> {
    let mut select = connection.prepare_cached(&format!(
        "/* case::notices */ {NOTICE} WHERE n.force = ?1 AND n.test_data = ?2 \
         AND n.compartment = ?3 AND n.sequence > ?4 ORDER BY n.sequence LIMIT ?5"
    ))?;
    let after = i64::try_from(filter.after).unwrap_or(i64::MAX);
    let bound = params![
        filter.force.0,
        filter.test_data,
        from_compartment(filter.stream),
        after,
        limit as i64
    ];
    select.query_map(bound, notice_row)?.collect()
}

pub(crate) fn notice(
    connection: &Connection,
    notice_id: Uuid,
) -> rusqlite::Result<Option<NoticeRow>> {
    let mut select = connection
        .prepare_cached(&format!("/* case::notice */ {NOTICE} WHERE n.notice_id = ?1"))?;
    select.query_row([notice_id.as_bytes()], notice_row).optional()
}

pub(crate) fn next_notice(
    connection: &Connection,
    filter: &NoticeFilter,
) -> rusqlite::Result<Option<NoticeRow>> {
    let mut select = connection.prepare_cached(&format!(
        "/* case::next_notice */ {NOTICE} WHERE n.force = ?1 AND n.test_data = ?2 \
         AND n.compartment = ?3 AND n.sequence > ?4 AND n.taken_over_at IS NULL \
         AND n.cancelled_at IS NULL ORDER BY n.sequence LIMIT 1"
    ))?;
    let after = i64::try_from(filter.after).unwrap_or(i64::MAX);
    let bound = params![filter.force.0, filter.test_data, from_compartment(filter.stream), after];
    select.query_row(bound, notice_row).optional()
}

fn notice_row(row: &Row<'_>) -> rusqlite::Result<NoticeRow> {
    let columns = Columns(row);
    Ok(NoticeRow {
        notice_id: columns.id("notice_id")?,
        about: match columns.optional_array("referral_id")? {
            Some(id) => About::Referral(Uuid::from_bytes(id)),
            None => About::Hold(columns.id("hold_id")?),
        },
        force: columns.force()?,
        test_data: row.get("test_data")?,
        sequence: row.get("sequence")?,
        kind: row.get("kind")?,
        made_at: columns.time("made_at")?,
        taken_over_at: columns.optional_time("taken_over_at")?,
        cancelled_at: columns.optional_time("cancelled_at")?,
        keys: columns.keys()?,
        body: side(&columns)?,
    })
}

/// The notices that were made for a force on one day, the victim's stream left out; whether each
/// was taken over.
pub(crate) fn notices_of_day(
    connection: &Connection,
    force: ForceCode,
    test: bool,
    date: Date,
) -> rusqlite::Result<Vec<(Uuid, &'static str)>> {
    let mut select = connection.prepare_cached(
        "/* case::notices_of_day */ SELECT notice_id, taken_over_at, cancelled_at, delivered_at \
         FROM notice WHERE force = ?1 AND made_day = ?2 AND test_data = ?3 AND compartment = ?4 \
         ORDER BY notice_row",
    )?;
    let bound = params![force.0, from_day(date), test, from_compartment(Compartment::Offender)];
    let rows = select.query_map(bound, |row| {
        let columns = Columns(row);
        let state = if columns.optional_time("taken_over_at")?.is_some() {
            "notice_taken_over"
        } else if columns.optional_time("cancelled_at")?.is_some() {
            "notice_cancelled"
        } else if columns.optional_time("delivered_at")?.is_some() {
            "notice_delivered"
        } else {
            "notice_waiting"
        };
        Ok((columns.id("notice_id")?, state))
    })?;
    rows.collect()
}

/// Decisions of a force's cases that were received on one day.
pub(crate) fn decisions_of_day(
    connection: &Connection,
    force: ForceCode,
    test: bool,
    date: Date,
) -> rusqlite::Result<Vec<Uuid>> {
    let mut select = connection.prepare_cached(
        "/* case::decisions_of_day */ SELECT d.decision_id FROM decision AS d JOIN referral AS f \
         ON f.referral_row = d.referral_row WHERE d.received_day = ?1 AND d.force = ?2 \
         AND f.test_data = ?3 ORDER BY d.decision_row",
    )?;
    let bound = params![from_day(date), force.0, test];
    select.query_map(bound, |row| Columns(row).id("decision_id"))?.collect()
}

/// Programme and caution, and every notice in order.
type Shown = (Option<(String, String)>, Vec<NoticeState>);

/// What a referral's page shows.
pub(crate) fn standing(connection: &Connection, referral_row: i64) -> rusqlite::Result<Shown> {
    let mut select = connection.prepare_cached(
        "/* case::standing */ SELECT programme, caution FROM standing WHERE referral_row = ?1",
    )?;
    let standing = select
        .query_row([referral_row], |row| Ok((row.get("programme")?, row.get("caution")?)))
        .optional()?;
    let mut select = connection.prepare_cached(
        "/* case::standing */ SELECT notice_id, compartment, sequence, kind, taken_over_at, \
         cancelled_at FROM notice WHERE referral_row = ?1 ORDER BY notice_row",
    )?;
    let notices = select.query_map([referral_row], |row| {
        let columns = Columns(row);
        Ok(NoticeState {
            notice_id: columns.id("notice_id")?,
            stream: columns.compartment()?,
            sequence: row.get("sequence")?,
            kind: row.get("kind")?,
            taken_over_at: columns.optional_time("taken_over_at")?,
            cancelled_at: columns.optional_time("cancelled_at")?,
        })
    })?;
    Ok((standing, notices.collect::<rusqlite::Result<_>>()?))
}
