//! Holds: read in pages and by day, ended with an audit fact each, corrections that wait.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use uuid::Uuid;

use super::Sqlite;
use super::column::{Columns, from_day, from_end, from_time};
use super::step::{json, texts};
use super::transaction::{StepFailure, Transaction, unique};
use cara_clock::london_day;
use cara_clock::london_start;
use cara_store::{
    Day, Digest, Error, Fact, ForceNumber, HeldAgain, HoldEnd, HoldFilter, HoldRow, NewHold,
    PendingCorrection, RecordIndex,
};

/// Holds that one look finds.
const FOUND_MAX: i64 = 100;

impl cara_store::Holds for Sqlite {
    fn hold(&self, hold_id: Uuid) -> BoxFuture<'_, Result<Option<HoldRow>, Error>> {
        self.read(move |connection| one(connection, hold_id)).boxed()
    }

    fn holds(
        &self,
        filter: HoldFilter,
        after: Option<Uuid>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<HoldRow>, Error>> {
        self.read(move |connection| list(connection, &filter, after, limit)).boxed()
    }

    fn open_hold(
        &self,
        force: ForceNumber,
        bytes: Digest,
    ) -> BoxFuture<'_, Result<Option<Uuid>, Error>> {
        self.read(move |connection| open(connection, force, bytes)).boxed()
    }

    fn untold_holds(&self, before: Timestamp) -> BoxFuture<'_, Result<Vec<HoldRow>, Error>> {
        self.read(move |connection| untold_holds(connection, before)).boxed()
    }

    fn kept_holds(
        &self,
        force: ForceNumber,
        mapping: String,
        before: Option<Uuid>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<HoldRow>, Error>> {
        self.read(move |connection| kept_holds(connection, force, &mapping, before, limit)).boxed()
    }

    fn pending_correction(
        &self,
        hold_id: Uuid,
    ) -> BoxFuture<'_, Result<Option<PendingCorrection>, Error>> {
        self.read(move |connection| pending(connection, hold_id)).boxed()
    }
}

/// Records that have been held since before this moment, and of which nobody was told.
pub(crate) fn untold_holds(
    connection: &Connection,
    before: Timestamp,
) -> rusqlite::Result<Vec<HoldRow>> {
    let mut select = connection.prepare_cached(
        "/* hold::untold_holds */ SELECT h.* FROM hold AS h WHERE h.ended IS NULL \
         AND h.received_at <= ?1 AND NOT EXISTS (SELECT 1 FROM notice AS n \
         WHERE n.hold_row = h.hold_row) ORDER BY h.hold_id LIMIT ?2",
    )?;
    select.query_map(params![from_time(before), FOUND_MAX], row)?.collect()
}

pub(crate) fn one(connection: &Connection, hold_id: Uuid) -> rusqlite::Result<Option<HoldRow>> {
    let mut select =
        connection.prepare_cached("/* hold::one */ SELECT * FROM hold WHERE hold_id = ?1")?;
    select.query_row([hold_id.as_bytes()], row).optional()
}

pub(crate) fn open(
    connection: &Connection,
    force: ForceNumber,
    bytes: Digest,
) -> rusqlite::Result<Option<Uuid>> {
    let mut select = connection.prepare_cached(
        "/* hold::open */ SELECT hold_id FROM hold WHERE force = ?1 AND bytes = ?2 \
         AND ended IS NULL",
    )?;
    select.query_row(params![force.0, bytes.0], |row| Columns(row).id("hold_id")).optional()
}

pub(crate) fn list(
    connection: &Connection,
    filter: &HoldFilter,
    after: Option<Uuid>,
    limit: usize,
) -> rusqlite::Result<Vec<HoldRow>> {
    // One text for each index that can lead: the record's, the open holds', a force's, all holds' ids.
    let sql = match (filter.record, filter.open_only, filter.force) {
        (Some(_), _, _) => {
            "/* hold::list */ SELECT * FROM hold WHERE record_index = ?3 AND hold_id > ?1 \
             AND (?4 IS NULL OR force = ?4) AND (NOT ?5 OR ended IS NULL) \
             ORDER BY hold_id LIMIT ?2"
        }
        (None, true, _) => {
            "/* hold::list */ SELECT * FROM hold INDEXED BY hold_open WHERE ended IS NULL \
             AND hold_id > ?1 AND ?3 IS NULL AND (?4 IS NULL OR force = ?4) AND ?5 ORDER BY hold_id LIMIT ?2"
        }
        (None, false, Some(_)) => {
            "/* hold::list */ SELECT * FROM hold WHERE force = ?4 AND hold_id > ?1 \
             AND ?3 IS NULL AND NOT ?5 ORDER BY hold_id LIMIT ?2"
        }
        (None, false, None) => {
            "/* hold::list */ SELECT * FROM hold WHERE hold_id > ?1 \
             AND ?3 IS NULL AND ?4 IS NULL AND NOT ?5 ORDER BY hold_id LIMIT ?2"
        }
    };
    let mut select = connection.prepare_cached(sql)?;
    let after = after.unwrap_or(Uuid::nil());
    let rows = select.query_map(
        params![
            after.as_bytes(),
            limit as i64,
            filter.record.map(|record| record.0),
            filter.force.map(|force| force.0),
            filter.open_only,
        ],
        row,
    )?;
    rows.collect()
}

pub(crate) fn row(row: &Row<'_>) -> rusqlite::Result<HoldRow> {
    let columns = Columns(row);
    Ok(HoldRow {
        hold_id: columns.id("hold_id")?,
        force: columns.force()?,
        record: columns.record_index("record_index")?,
        causes: columns.causes("causes")?,
        mapping: columns.mapping()?,
        received_at: columns.time("received_at")?,
        test_data: row.get("test_data")?,
        keys: columns.keys()?,
        raw: columns.sealed("raw")?,
        media_type: row.get("media_type")?,
        unlisted: columns.optional_sealed("unlisted")?,
        ended: columns.ended()?,
    })
}

pub(crate) fn open_of(connection: &Connection, record: RecordIndex) -> rusqlite::Result<Vec<Uuid>> {
    let mut select = connection.prepare_cached(
        "/* hold::open_of */ SELECT hold_id FROM hold WHERE record_index = ?1 \
         AND ended IS NULL ORDER BY hold_id",
    )?;
    select.query_map([record.0], |row| Columns(row).id("hold_id"))?.collect()
}

/// Holds that were received on one day, and those of earlier days that ended on it.
pub(crate) fn of_day(
    connection: &Connection,
    (force, test, date): (ForceNumber, bool, Date),
    day: &mut Day,
) -> rusqlite::Result<()> {
    let mut select = connection.prepare_cached(
        "/* hold::of_day */ SELECT hold_id, ended, ended_at FROM hold \
         WHERE force = ?1 AND received_day = ?2 AND test_data = ?3 ORDER BY hold_row",
    )?;
    let mut rows = select.query(params![force.0, from_day(date), test])?;
    while let Some(row) = rows.next()? {
        let columns = Columns(row);
        let hold_id = columns.id("hold_id")?;
        match columns.ended()? {
            Some((end, _)) => day.holds_ended.push((hold_id, end)),
            None => day.holds_open.push(hold_id),
        }
    }
    let mut select = connection.prepare_cached(
        "/* hold::of_day */ SELECT hold_id, ended, ended_at FROM hold WHERE force = ?1 \
         AND ended_at >= ?2 AND ended_at < ?3 AND ended_at IS NOT NULL AND test_data = ?4 \
         AND received_day < ?5 ORDER BY ended_at, hold_row",
    )?;
    let (from, until) = (london_start(date), london_start(date.tomorrow().unwrap_or(date)));
    let bound = params![force.0, from_time(from), from_time(until), test, from_day(date)];
    let mut rows = select.query(bound)?;
    while let Some(row) = rows.next()? {
        let columns = Columns(row);
        if let Some((end, _)) = columns.ended()? {
            day.earlier_ended.push((columns.id("hold_id")?, end));
        }
    }
    Ok(())
}

/// The correction that waits for a second operator, while its hold is open.
pub(crate) fn pending(
    connection: &Connection,
    hold_id: Uuid,
) -> rusqlite::Result<Option<PendingCorrection>> {
    let mut select = connection.prepare_cached(
        "/* hold::pending */ SELECT c.field, c.digest, c.by, c.at, c.because \
         FROM correction_pending AS c JOIN hold AS h ON h.hold_row = c.hold_row \
         WHERE h.hold_id = ?1 AND h.ended IS NULL",
    )?;
    let read = |row: &Row<'_>| {
        let columns = Columns(row);
        Ok(PendingCorrection {
            hold_id,
            field: row.get("field")?,
            digest: columns.digest("digest")?,
            by: row.get("by")?,
            at: columns.time("at")?,
            because: row.get("because")?,
        })
    };
    select.query_row([hold_id.as_bytes()], read).optional()
}

pub(crate) fn kept_holds(
    connection: &Connection,
    force: ForceNumber,
    mapping: &str,
    before: Option<Uuid>,
    limit: usize,
) -> rusqlite::Result<Vec<HoldRow>> {
    let mut select = connection.prepare_cached(
        "/* hold::kept_holds */ SELECT * FROM hold INDEXED BY hold_open WHERE ended IS NULL \
         AND hold_id < ?3 AND force = ?1 AND mapping_name = ?2 ORDER BY hold_id DESC LIMIT ?4",
    )?;
    let before = before.unwrap_or(Uuid::max());
    let bound = params![force.0, mapping, before.as_bytes(), limit as i64];
    select.query_map(bound, row)?.collect()
}

impl Transaction<'_> {
    pub fn hold(&self, hold: &NewHold, causes: &str) -> Result<(), StepFailure> {
        let mut insert = self.connection.prepare_cached(
            "/* hold::hold */ INSERT INTO hold (hold_id, force, record_index, bytes, \
             received_day, received_at, test_data, mapping_version, mapping_name, mapping_sha256, \
             media_type, causes, epoch, raw_key, offender_key, victim_key, unlisted, raw) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, \
             ?18)",
        )?;
        let row = insert.insert(params![
            hold.hold_id.as_bytes(),
            hold.force.0,
            hold.record.map(|record| record.0),
            hold.bytes.0,
            from_day(london_day(hold.received_at)),
            from_time(hold.received_at),
            hold.test_data,
            hold.mapping.version,
            hold.mapping.name,
            hold.mapping.sha256,
            hold.media_type,
            causes,
            hold.keys.epoch,
            hold.keys.raw,
            hold.keys.offender,
            hold.keys.victim,
            hold.unlisted.as_ref().map(|unlisted| unlisted.as_bytes()),
            hold.raw.as_bytes(),
        ]);
        unique(row).map(drop)
    }

    pub fn end_hold(&self, hold_id: Uuid, end: HoldEnd, at: Timestamp) -> Result<(), StepFailure> {
        let mut update = self.connection.prepare_cached(
            "/* hold::end_hold */ UPDATE hold SET ended = ?1, ended_at = ?2 \
             WHERE hold_id = ?3 AND ended IS NULL",
        )?;
        match update.execute(params![from_end(end), from_time(at), hold_id.as_bytes()])? {
            1 => self.forget_correction(hold_id),
            _ => Err(StepFailure::Conflict),
        }
    }

    /// Ends every open hold of the record but the one that this very entry opened, with a fact each.
    pub fn close_holds(
        &mut self,
        (record, end): (RecordIndex, HoldEnd),
        but: Uuid,
        by: &str,
    ) -> Result<(), StepFailure> {
        let mut update = self.connection.prepare_cached(
            "/* hold::close_holds */ UPDATE hold SET ended = ?1, ended_at = ?2 \
             WHERE record_index = ?3 AND ended IS NULL AND hold_id <> ?4 RETURNING hold_id",
        )?;
        let bound = params![from_end(end), from_time(self.now), record.0, but.as_bytes()];
        let closed = update.query_map(bound, |row| Columns(row).id("hold_id"))?;
        let closed = closed.collect::<rusqlite::Result<Vec<Uuid>>>()?;
        drop(update);
        let fact = match end {
            HoldEnd::Withdrawn => Fact::hold_withdrawn,
            _ => Fact::hold_superseded,
        };
        let mut facts = Vec::with_capacity(closed.len());
        for hold_id in closed {
            self.forget_correction(hold_id)?;
            facts.push(fact(by, self.now, hold_id));
        }
        self.facts(&texts(&facts))
    }

    /// A correction waits at most as long as its hold is open.
    fn forget_correction(&self, hold_id: Uuid) -> Result<(), StepFailure> {
        let mut delete = self.connection.prepare_cached(
            "/* hold::forget_correction */ DELETE FROM correction_pending WHERE hold_row = \
             (SELECT hold_row FROM hold WHERE hold_id = ?1)",
        )?;
        delete.execute([hold_id.as_bytes()])?;
        Ok(())
    }

    /// What stops an open hold now.
    pub fn held_again(&self, again: &HeldAgain) -> Result<(), StepFailure> {
        let HeldAgain { hold_id, causes, mapping, unlisted } = again;
        let mut update = self.connection.prepare_cached(
            "/* hold::held_again */ UPDATE hold SET causes = ?2, mapping_version = ?3, \
             mapping_name = ?4, mapping_sha256 = ?5, unlisted = ?6 \
             WHERE hold_id = ?1 AND ended IS NULL",
        )?;
        let changed = update.execute(params![
            hold_id.as_bytes(),
            json(causes),
            mapping.version,
            mapping.name,
            mapping.sha256,
            unlisted.as_ref().map(|unlisted| unlisted.as_bytes()),
        ])?;
        if changed == 1 { Ok(()) } else { Err(StepFailure::Conflict) }
    }

    pub fn pend_correction(&self, pending: &PendingCorrection) -> Result<(), StepFailure> {
        let PendingCorrection { hold_id, field, digest, by, at, because } = pending;
        let mut insert = self.connection.prepare_cached(
            "/* hold::pend_correction */ INSERT OR REPLACE INTO correction_pending \
             (hold_row, field, digest, by, at, because) SELECT hold_row, ?2, ?3, ?4, ?5, ?6 \
             FROM hold WHERE hold_id = ?1 AND ended IS NULL",
        )?;
        let bound = params![hold_id.as_bytes(), field, digest.0, by, from_time(*at), because];
        match insert.execute(bound)? {
            1 => Ok(()),
            _ => Err(StepFailure::Conflict),
        }
    }
}
