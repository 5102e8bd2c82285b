//! The way back: a case with its outcomes and decisions, and where it stands.

use cara_domain::choice::{Action, Choice as _};
use cara_domain::notice::NoticeKind;
use cara_domain::programme::ProgrammeState;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension as _, params};
use uuid::Uuid;

use super::Sqlite;
use super::column::{Columns, from_compartment, from_day, from_time};
use super::readers::in_snapshot;
use super::transaction::{Added, StepFailure, Transaction, unique};
use cara_clock::london_day;
use cara_store::{
    Case, CaseClock, CasePage, ClockNotices, DecisionRow, Error, ForceNumber, NewDecision,
    NewOutcome, NewStanding, NoticeState, OutcomeRow, RowId, StandingRow,
};

/// Outcomes that one read looks for.
const OUTCOMES_AT_ONCE: usize = 1_000;

/// Where the case stands, and every notice in order.
type Shown = (Option<StandingRow>, Vec<NoticeState>);

impl cara_store::Cases for Sqlite {
    fn case(&self, referral_id: Uuid) -> BoxFuture<'_, Result<Option<Case>, Error>> {
        self.read(move |connection| {
            in_snapshot(connection, |connection| case(connection, referral_id))
        })
        .boxed()
    }

    fn has_outcome(&self, outcome_id: Uuid) -> BoxFuture<'_, Result<bool, Error>> {
        self.read(move |connection| has_outcome(connection, outcome_id)).boxed()
    }

    fn absent_outcomes(&self, outcomes: Vec<Uuid>) -> BoxFuture<'_, Result<Vec<Uuid>, Error>> {
        async move {
            let mut absent = Vec::new();
            for chunk in outcomes.chunks(OUTCOMES_AT_ONCE) {
                let chunk = chunk.to_vec();
                let page = self.read(move |connection| absent_outcomes(connection, &chunk));
                absent.extend(page.await?);
            }
            Ok(absent)
        }
        .boxed()
    }

    fn cases_on_clock(
        &self,
        after: Option<RowId>,
        limit: usize,
    ) -> BoxFuture<'_, Result<CasePage, Error>> {
        let after = after.map_or(0, RowId::number);
        self.read(move |connection| cases(connection, after, limit)).boxed()
    }
}

/// Of the next `limit` cases by their place those whose programme and caution have not ended.
pub(crate) fn cases(
    connection: &Connection,
    after: i64,
    limit: usize,
) -> rusqlite::Result<CasePage> {
    let mut select = connection.prepare_cached(
        "/* case::cases */ SELECT max(referral_row) FROM (SELECT referral_row FROM referral \
         WHERE referral_row > ?1 ORDER BY referral_row LIMIT ?2)",
    )?;
    let next: Option<i64> = select.query_row(params![after, limit as i64], |row| row.get(0))?;
    let mut select = connection.prepare_cached(
        "/* case::cases */ SELECT f.referral_row, f.referral_id, f.force, f.provider, \
         f.test_data, first.received_at, last.deadline, \
         (SELECT max(confirmed_at) FROM sent WHERE compartment = 0 AND sent_row \
         BETWEEN first.revision_row * 8 AND first.revision_row * 8 + 7) AS sent_at, \
         coalesce(s.programme, ?3) AS programme, s.deadline AS varied, s.booked_on FROM referral AS f \
         LEFT JOIN standing AS s ON s.referral_row = f.referral_row \
         CROSS JOIN revision AS last ON last.referral_row = f.referral_row \
         AND last.revision = f.latest_revision \
         CROSS JOIN revision AS first ON first.referral_row = f.referral_row AND first.revision = 1 \
         WHERE f.referral_row > ?1 AND f.referral_row <= ?2 AND last.action <> 2 \
         AND coalesce(s.has_ended, 0) = 0 \
         ORDER BY f.referral_row",
    )?;
    let mut cases = Vec::new();
    let sent = ProgrammeState::Sent.code();
    let mut rows = select.query(params![after, next.unwrap_or(after), sent])?;
    while let Some(row) = rows.next()? {
        let columns = Columns(row);
        let varied = columns.optional_day("varied")?;
        cases.push(CaseClock {
            referral_id: columns.id("referral_id")?,
            force: columns.force()?,
            provider: row.get("provider")?,
            test_data: row.get("test_data")?,
            received_at: columns.time("received_at")?,
            sent_at: columns.optional_time("sent_at")?,
            deadline: varied.or(columns.optional_date("deadline")?),
            programme: columns.known("programme")?,
            booked_on: columns.optional_day("booked_on")?,
            told: told(connection, row.get("referral_row")?)?,
        });
    }
    Ok(CasePage { cases, next: next.map(RowId::of) })
}

/// What clocks have told of it.
fn told(connection: &Connection, referral_row: i64) -> rusqlite::Result<Vec<(NoticeKind, Uuid)>> {
    let mut select = connection.prepare_cached(
        "/* case::told */ SELECT kind, cause FROM notice WHERE referral_row = ?1",
    )?;
    let mut told = Vec::new();
    let mut rows = select.query([referral_row])?;
    while let Some(row) = rows.next()? {
        let columns = Columns(row);
        // A kind that this version does not know is none of its clocks'.
        let kind = columns.known("kind")?;
        if let Some(kind) = kind.ok().filter(|kind: &NoticeKind| kind.is_of_clock()) {
            told.push((kind, columns.id("cause")?));
        }
    }
    Ok(told)
}

/// Which of these outcomes are not stored.
pub(crate) fn absent_outcomes(
    connection: &Connection,
    outcomes: &[Uuid],
) -> rusqlite::Result<Vec<Uuid>> {
    let mut absent = Vec::new();
    for outcome_id in outcomes {
        if !has_outcome(connection, *outcome_id)? {
            absent.push(*outcome_id);
        }
    }
    Ok(absent)
}

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
            body: columns.side()?,
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

/// Decisions of a force's cases that were received on one day.
pub(crate) fn decisions_of_day(
    connection: &Connection,
    force: ForceNumber,
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

/// What a referral's page shows.
pub(crate) fn standing(connection: &Connection, referral_row: i64) -> rusqlite::Result<Shown> {
    let mut select = connection.prepare_cached(
        "/* case::standing */ SELECT programme, caution FROM standing WHERE referral_row = ?1",
    )?;
    let standing = select
        .query_row([referral_row], |row| {
            let columns = Columns(row);
            let (programme, caution) = (columns.known("programme")?, columns.known("caution")?);
            Ok(StandingRow { programme, caution })
        })
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
            kind: columns.known("kind")?,
            taken_over_at: columns.optional_time("taken_over_at")?,
            cancelled_at: columns.optional_time("cancelled_at")?,
        })
    })?;
    Ok((standing, notices.collect::<rusqlite::Result<_>>()?))
}

impl Transaction<'_> {
    pub fn outcome(&self, outcome: &NewOutcome) -> Result<Option<Added>, StepFailure> {
        let referral_row = self.referral_row(outcome.referral_id)?;
        self.move_standing(referral_row, &outcome.standing)?;
        let mut insert = self.connection.prepare_cached(
            "/* case::outcome */ INSERT INTO outcome (outcome_id, referral_row, compartment, \
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

    pub fn decision(&self, decision: &NewDecision) -> Result<Option<Added>, StepFailure> {
        let referral_row = self.referral_row(decision.referral_id)?;
        self.move_standing(referral_row, &decision.standing)?;
        let mut insert = self.connection.prepare_cached(
            "/* case::decision */ INSERT INTO decision (decision_id, force, referral_row, \
             decided, decided_on, received_day, received_at, content, body) VALUES (?1, \
             (SELECT force FROM referral WHERE referral_row = ?2), ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        unique(insert.execute(params![
            decision.decision_id.as_bytes(),
            referral_row,
            decision.decided.code(),
            from_day(decision.decided_on),
            from_day(london_day(decision.received_at)),
            from_time(decision.received_at),
            decision.content.0,
            decision.body.as_bytes(),
        ]))?;
        let mut cancel = self.connection.prepare_cached(
            "/* case::decision */ UPDATE notice SET cancelled_at = ?1 WHERE referral_row = ?2 \
             AND kind = ?3 AND taken_over_at IS NULL AND cancelled_at IS NULL",
        )?;
        let cancelled = NoticeKind::ALL.iter().filter(|kind| kind.is_of_clock());
        for kind in cancelled.filter(|_| decision.clock_notices == ClockNotices::Cancelled) {
            cancel.execute(params![from_time(decision.received_at), referral_row, kind.code()])?;
        }
        self.caused(referral_row, &decision.messages)
    }

    pub fn referral_row(&self, referral_id: Uuid) -> Result<i64, StepFailure> {
        let mut select = self.connection.prepare_cached(
            "/* case::referral_row */ SELECT referral_row FROM referral WHERE referral_id = ?1",
        )?;
        let found = select.query_row([referral_id.as_bytes()], |row| row.get(0)).optional()?;
        found.ok_or(StepFailure::Impossible("an outcome names a referral that is not stored"))
    }

    /// From what it was folded from before to one fact more.
    fn move_standing(&self, referral_row: i64, standing: &NewStanding) -> Result<(), StepFailure> {
        let NewStanding { facts_before, programme, caution, gap, .. } = standing;
        let now = from_time(self.now);
        let bound = params![
            programme.code(),
            caution.code(),
            gap,
            referral_row,
            facts_before,
            standing.deadline.map(from_day),
            standing.booked_on.map(from_day),
            gap.map(|_| now),
            standing.is_recalled.then_some(now),
            (standing.is_recalled && standing.is_closed).then_some(now),
            standing.has_ended,
        ];
        if *facts_before == 0 {
            let mut insert = self.connection.prepare_cached(
                "/* case::move_standing */ INSERT INTO standing (referral_row, facts, \
                 programme, caution, gap, deadline, booked_on, gap_since, recalled_at, \
                 recall_confirmed_at, has_ended) \
                 VALUES (?4, ?5 + 1, ?1, ?2, ?3, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?;
            return unique(insert.execute(bound)).map(drop);
        }
        let mut update = self.connection.prepare_cached(
            "/* case::move_standing */ UPDATE standing SET facts = facts + 1, programme = ?1, \
             caution = ?2, gap_since = CASE WHEN ?3 IS gap THEN gap_since ELSE ?8 END, gap = ?3, \
             deadline = ?6, booked_on = ?7, has_ended = ?11, \
             recalled_at = CASE WHEN ?9 IS NULL THEN NULL ELSE coalesce(recalled_at, ?9) END, \
             recall_confirmed_at = CASE WHEN ?10 IS NULL THEN NULL \
             ELSE coalesce(recall_confirmed_at, ?10) END \
             WHERE referral_row = ?4 AND facts = ?5",
        )?;
        match update.execute(bound)? {
            1 => Ok(()),
            _ => Err(StepFailure::Conflict),
        }
    }
}
