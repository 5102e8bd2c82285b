//! Letters on their way to a force's endpoint.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use uuid::Uuid;

use super::Sqlite;
use super::column::{Columns, from_time};
use super::harm::{Harm, is_of_one_row};
use super::transaction::{StepFailure, Transaction, unique};
use cara_store::{
    EndpointChange, EndpointState, Error, ForceNumber, LetterChange, Paused, PushFailed, PushRow,
    PushState, PushTroubles,
};

/// What could be pushed; the words of the indexes `notice_push` and `notice_failing`.
const WAITS: &str = "compartment = 0 AND test_data = 0 AND delivered_at IS NULL \
    AND taken_over_at IS NULL AND cancelled_at IS NULL AND push_cancelled_at IS NULL";

/// No earlier letter of the same case waits.
const IS_FIRST: &str = "NOT EXISTS (SELECT 1 FROM notice AS e WHERE e.referral_row = n.referral_row \
    AND e.notice_row < n.notice_row AND e.compartment = 0 AND e.delivered_at IS NULL \
    AND e.taken_over_at IS NULL AND e.cancelled_at IS NULL AND e.push_cancelled_at IS NULL)";

impl cara_store::Letters for Sqlite {
    fn pushes(
        &self,
        force: ForceNumber,
        now: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<PushRow>, Error>> {
        let harm = Arc::clone(&self.harm);
        self.read(move |connection| due(connection, &harm, force, now, limit)).boxed()
    }

    fn pushes_waiting(&self, force: ForceNumber) -> BoxFuture<'_, Result<u64, Error>> {
        self.read(move |connection| waiting(connection, force)).boxed()
    }

    fn push_state(&self, notice_id: Uuid) -> BoxFuture<'_, Result<Option<PushState>, Error>> {
        self.read(move |connection| state(connection, notice_id)).boxed()
    }

    fn push_troubles(&self, before: Timestamp) -> BoxFuture<'_, Result<PushTroubles, Error>> {
        self.read(move |connection| troubles(connection, before)).boxed()
    }

    fn endpoint(&self, force: ForceNumber) -> BoxFuture<'_, Result<EndpointState, Error>> {
        self.read(move |connection| endpoint(connection, force)).boxed()
    }

    fn paused(&self) -> BoxFuture<'_, Result<Vec<Paused>, Error>> {
        self.read(paused).boxed()
    }
}

pub(crate) fn paused(connection: &Connection) -> rusqlite::Result<Vec<Paused>> {
    let mut select = connection
        .prepare_cached("/* letter::paused */ SELECT * FROM paused_endpoint ORDER BY force")?;
    let rows = select.query_map([], |row| {
        let columns = Columns(row);
        Ok(Paused {
            force: columns.force()?,
            at: columns.time("at")?,
            by: row.get("by")?,
            because: row.get("because")?,
        })
    })?;
    rows.collect()
}

pub(crate) fn due(
    connection: &Connection,
    harm: &Harm,
    force: ForceNumber,
    now: Timestamp,
    limit: usize,
) -> rusqlite::Result<Vec<PushRow>> {
    // Two statements, so that each walks along the index.
    let fresh = &format!(
        "/* letter::due */ SELECT notice_id, attempts, is_refused FROM notice AS n \
         WHERE force = ?1 AND not_before IS NULL AND ?2 = ?2 AND {WAITS} AND NOT EXISTS (SELECT 1 FROM paused_endpoint WHERE force = ?1) AND {IS_FIRST} ORDER BY notice_row LIMIT ?3"
    );
    let again = &format!(
        "/* letter::due */ SELECT notice_id, attempts, is_refused FROM notice AS n \
         WHERE force = ?1 AND not_before <= ?2 AND {WAITS} AND NOT EXISTS (SELECT 1 FROM paused_endpoint WHERE force = ?1) AND {IS_FIRST} ORDER BY not_before, notice_row LIMIT ?3"
    );
    let mut due: Vec<PushRow> = Vec::new();
    for sql in [fresh, again] {
        let left = limit - due.len();
        if left == 0 {
            break;
        }
        let mut select = connection.prepare_cached(sql)?;
        let rows = select.query_map(params![force.0, from_time(now), left as i64], |row| {
            Ok(PushRow {
                notice_id: Columns(row).id("notice_id")?,
                attempts: row.get("attempts")?,
                is_refused: row.get("is_refused")?,
            })
        })?;
        for row in rows {
            match row {
                Ok(row) => due.push(row),
                // The others of the force go on.
                Err(error) if is_of_one_row(&error) => harm.weigh(&error, "notice"),
                Err(error) => return Err(error),
            }
        }
    }
    Ok(due)
}

pub(crate) fn waiting(connection: &Connection, force: ForceNumber) -> rusqlite::Result<u64> {
    let mut select = connection.prepare_cached(&format!(
        "/* letter::waiting */ SELECT count(*) FROM notice WHERE force = ?1 AND {WAITS}"
    ))?;
    select.query_row([force.0], |row| row.get::<_, i64>(0)).map(|count| count as u64)
}

pub(crate) fn state(
    connection: &Connection,
    notice_id: Uuid,
) -> rusqlite::Result<Option<PushState>> {
    let mut select = connection.prepare_cached(
        "/* letter::state */ SELECT compartment = 0 AND test_data = 0 AS is_pushed, delivered_at, \
         push_cancelled_at, attempts, failing_since, not_before, failed_status, failed_reason, \
         is_refused FROM notice WHERE notice_id = ?1",
    )?;
    let read = |row: &Row<'_>| {
        let columns = Columns(row);
        Ok(PushState {
            is_pushed: row.get("is_pushed")?,
            delivered_at: columns.optional_time("delivered_at")?,
            push_cancelled_at: columns.optional_time("push_cancelled_at")?,
            attempts: row.get("attempts")?,
            failing_since: columns.optional_time("failing_since")?,
            not_before: columns.optional_time("not_before")?,
            status: row.get("failed_status")?,
            reason: row.get("failed_reason")?,
            is_refused: row.get("is_refused")?,
        })
    };
    select.query_row([notice_id.as_bytes()], read).optional()
}

pub(crate) fn endpoint(
    connection: &Connection,
    force: ForceNumber,
) -> rusqlite::Result<EndpointState> {
    let mut select = connection.prepare_cached(
        "/* letter::endpoint */ SELECT arrived_at, failing_since, reason FROM endpoint \
         WHERE force = ?1",
    )?;
    let read = |row: &Row<'_>| {
        let columns = Columns(row);
        Ok(EndpointState {
            arrived_at: columns.optional_time("arrived_at")?,
            failing_since: columns.optional_time("failing_since")?,
            reason: row.get("reason")?,
            failing: 0,
        })
    };
    let state = select.query_row([force.0], read).optional()?.unwrap_or_default();
    let mut count = connection.prepare_cached(&format!(
        "/* letter::endpoint */ SELECT count(*) FROM (SELECT 1 FROM notice WHERE force = ?1 \
         AND failing_since IS NOT NULL AND {WAITS} LIMIT 100)"
    ))?;
    let failing = count.query_row([force.0], |row| row.get::<_, i64>(0))? as u64;
    Ok(EndpointState { failing, ..state })
}

pub(crate) fn troubles(
    connection: &Connection,
    before: Timestamp,
) -> rusqlite::Result<PushTroubles> {
    let mut forces = connection.prepare_cached(&format!(
        "/* letter::troubles */ SELECT DISTINCT n.force, (SELECT failing_since FROM endpoint AS e \
         WHERE e.force = n.force) AS failing_since FROM notice AS n \
         WHERE n.failing_since IS NOT NULL AND {WAITS}"
    ))?;
    let forces = forces.query_map([], |row| {
        let columns = Columns(row);
        Ok((columns.force()?, columns.optional_time("failing_since")?))
    })?;
    let mut letters = connection.prepare_cached(&format!(
        "/* letter::troubles */ SELECT notice_id FROM notice WHERE force = ?1 \
         AND failing_since IS NOT NULL AND (is_refused = 1 OR failing_since <= ?2) \
         AND failed_at >= coalesce((SELECT up_since FROM endpoint WHERE force = ?1), 0) AND {WAITS} ORDER BY failing_since LIMIT 20"))?;
    let mut troubles = PushTroubles::default();
    for force in forces.collect::<Result<Vec<_>, _>>()? {
        match force {
            (force, Some(since)) if since <= before => {
                troubles.endpoints.push((force, waiting(connection, force)?));
            }
            // It may be the endpoint's.
            (_, Some(_)) => {}
            (force, None) => {
                let bound = params![force.0, from_time(before)];
                let ids = letters.query_map(bound, |row| Columns(row).id("notice_id"))?;
                for id in ids {
                    troubles.letters.push(id?);
                }
            }
        }
    }
    Ok(troubles)
}

impl Transaction<'_> {
    pub fn letter(&self, change: &LetterChange) -> Result<(), StepFailure> {
        match change {
            LetterChange::Delivered { notice_id, at, taken_over } => {
                self.delivered(*notice_id, *at, *taken_over)
            }
            LetterChange::PushAgain { notice_id, at, not_before, failed } => {
                self.push_again(*notice_id, *at, *not_before, *failed)
            }
            LetterChange::PushAnew { notice_id } => self.push_anew(*notice_id),
            LetterChange::CancelPush { notice_id, at } => self.cancel_push(*notice_id, *at),
        }
    }

    pub fn endpoint(&self, change: &EndpointChange) -> Result<(), StepFailure> {
        match change {
            EndpointChange::Answers { force } => self.push_now(*force),
            EndpointChange::Fails { force, at, reason } => self.endpoint_fails(*force, *at, reason),
            EndpointChange::Pause(paused) => self.pause(paused),
            EndpointChange::Resume { force } => {
                self.one(
                    "/* letter::endpoint */ DELETE FROM paused_endpoint WHERE force = ?1",
                    [force.0],
                )?;
                self.begin_anew(*force)
            }
        }
    }

    pub fn delivered(
        &self,
        notice_id: Uuid,
        at: Timestamp,
        taken_over: bool,
    ) -> Result<(), StepFailure> {
        self.one(
            "/* letter::delivered */ UPDATE notice SET delivered_at = ?2, failing_since = NULL, \
             is_refused = 0, taken_over_at = CASE WHEN ?3 THEN coalesce(taken_over_at, ?2) \
             ELSE taken_over_at END WHERE notice_id = ?1 AND delivered_at IS NULL",
            params![notice_id.as_bytes(), from_time(at), taken_over],
        )?;
        self.one(
            "/* letter::delivered */ INSERT INTO endpoint (force, arrived_at) \
             SELECT force, ?2 FROM notice WHERE notice_id = ?1 ON CONFLICT (force) DO UPDATE \
             SET arrived_at = excluded.arrived_at, up_since = CASE WHEN failing_since IS NULL \
             THEN up_since ELSE excluded.arrived_at END, failing_since = NULL, reason = NULL",
            params![notice_id.as_bytes(), from_time(at)],
        )
    }

    pub fn push_again(
        &self,
        notice_id: Uuid,
        at: Timestamp,
        not_before: Timestamp,
        failed: PushFailed,
    ) -> Result<(), StepFailure> {
        let PushFailed { status, reason, is_refused } = failed;
        self.one(
            "/* letter::push_again */ UPDATE notice SET attempts = attempts + 1, not_before = ?3, \
             failing_since = coalesce(failing_since, ?2), failed_at = ?2, failed_status = ?4, \
             failed_reason = ?5, is_refused = ?6 \
             WHERE notice_id = ?1 AND delivered_at IS NULL",
            params![
                notice_id.as_bytes(),
                from_time(at),
                from_time(not_before),
                status,
                reason,
                is_refused
            ],
        )
    }

    pub fn push_now(&self, force: ForceNumber) -> Result<(), StepFailure> {
        self.connection.execute(
            &format!(
                "/* letter::push_now */ UPDATE notice SET not_before = NULL WHERE force = ?1 \
                 AND not_before IS NOT NULL AND {WAITS}"
            ),
            [force.0],
        )?;
        Ok(())
    }

    pub fn push_anew(&self, notice_id: Uuid) -> Result<(), StepFailure> {
        self.one(
            "/* letter::push_anew */ UPDATE notice SET delivered_at = NULL, push_cancelled_at = NULL, \
             attempts = 0, not_before = NULL, failing_since = NULL, failed_status = NULL, \
             failed_reason = NULL, is_refused = 0 WHERE notice_id = ?1 AND compartment = 0 \
             AND test_data = 0 AND taken_over_at IS NULL AND cancelled_at IS NULL",
            [notice_id.as_bytes()],
        )
    }

    pub fn cancel_push(&self, notice_id: Uuid, at: Timestamp) -> Result<(), StepFailure> {
        self.one(
            &format!(
                "/* letter::cancel_push */ UPDATE notice SET push_cancelled_at = ?2 \
                 WHERE notice_id = ?1 AND {WAITS}"
            ),
            params![notice_id.as_bytes(), from_time(at)],
        )
    }

    pub fn endpoint_fails(
        &self,
        force: ForceNumber,
        at: Timestamp,
        reason: &str,
    ) -> Result<(), StepFailure> {
        self.one(
            "/* letter::endpoint_fails */ INSERT INTO endpoint (force, failing_since, reason) \
             VALUES (?1, ?2, ?3) ON CONFLICT (force) DO UPDATE SET \
             failing_since = coalesce(failing_since, excluded.failing_since), \
             reason = excluded.reason",
            params![force.0, from_time(at), reason],
        )
    }

    /// What waited begins its days of trying anew.
    pub fn begin_anew(&self, force: ForceNumber) -> Result<(), StepFailure> {
        self.connection.execute(
            &format!(
                "/* letter::begin_anew */ UPDATE notice SET attempts = 0, not_before = NULL, \
                 failing_since = NULL, is_refused = 0 WHERE force = ?1 AND {WAITS}"
            ),
            [force.0],
        )?;
        self.connection.execute(
            "/* letter::begin_anew */ UPDATE endpoint SET failing_since = NULL, reason = NULL \
             WHERE force = ?1",
            [force.0],
        )?;
        Ok(())
    }

    pub fn pause(&self, paused: &Paused) -> Result<(), StepFailure> {
        let mut insert = self.connection.prepare_cached(
            "/* letter::pause */ INSERT INTO paused_endpoint (force, at, by, because) \
             VALUES (?1, ?2, ?3, ?4)",
        )?;
        let Paused { force, at, by, because } = paused;
        unique(insert.execute(params![force.0, from_time(*at), by, because])).map(drop)
    }
}
