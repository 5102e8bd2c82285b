//! Notices by stream and number.

use cara_domain::Compartment;
use cara_domain::choice::Choice as _;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use uuid::Uuid;

use super::Sqlite;
use super::column::{Columns, from_compartment, from_day, from_time};
use super::transaction::{StepFailure, Transaction, unique};
use cara_clock::london_day;
use cara_store::{About, DueNotice, Error, ForceNumber, NewNotice, NoticeFilter, NoticeRow};

const NOTICE: &str = "SELECT n.notice_id, n.force, n.test_data, n.compartment, n.sequence, n.kind, \
                      n.made_at, n.taken_over_at, n.cancelled_at, n.body, f.referral_id, h.hold_id, \
                      coalesce(f.epoch, h.epoch) AS epoch, \
                      coalesce(f.raw_key, h.raw_key) AS raw_key, \
                      coalesce(f.offender_key, h.offender_key) AS offender_key, \
                      coalesce(f.victim_key, h.victim_key) AS victim_key \
                      FROM notice AS n LEFT JOIN referral AS f ON f.referral_row = n.referral_row \
                      LEFT JOIN hold AS h ON h.hold_row = n.hold_row";

impl cara_store::Notices for Sqlite {
    fn notice(&self, notice_id: Uuid) -> BoxFuture<'_, Result<Option<NoticeRow>, Error>> {
        self.read(move |connection| notice(connection, notice_id)).boxed()
    }

    fn notices(
        &self,
        filter: NoticeFilter,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<NoticeRow>, Error>> {
        self.read(move |connection| notices(connection, &filter, limit)).boxed()
    }

    fn next_notice(&self, filter: NoticeFilter) -> BoxFuture<'_, Result<Option<NoticeRow>, Error>> {
        self.read(move |connection| next_notice(connection, &filter)).boxed()
    }
}

pub(crate) fn notices(
    connection: &Connection,
    filter: &NoticeFilter,
    limit: usize,
) -> rusqlite::Result<Vec<NoticeRow>> {
    let mut select = connection.prepare_cached(&format!(
        "/* notice::notices */ {NOTICE} WHERE n.force = ?1 AND n.test_data = ?2 \
         AND n.compartment = ?3 AND n.sequence > ?4 ORDER BY n.sequence LIMIT ?5"
    ))?;
    select.query_map(bound(filter, limit), notice_row)?.collect()
}

pub(crate) fn notice(
    connection: &Connection,
    notice_id: Uuid,
) -> rusqlite::Result<Option<NoticeRow>> {
    let mut select = connection
        .prepare_cached(&format!("/* notice::notice */ {NOTICE} WHERE n.notice_id = ?1"))?;
    select.query_row([notice_id.as_bytes()], notice_row).optional()
}

pub(crate) fn next_notice(
    connection: &Connection,
    filter: &NoticeFilter,
) -> rusqlite::Result<Option<NoticeRow>> {
    let mut select = connection.prepare_cached(&format!(
        "/* notice::next_notice */ {NOTICE} WHERE n.force = ?1 AND n.test_data = ?2 \
         AND n.compartment = ?3 AND n.sequence > ?4 AND n.taken_over_at IS NULL \
         AND n.cancelled_at IS NULL ORDER BY n.sequence LIMIT ?5"
    ))?;
    select.query_row(bound(filter, 1), notice_row).optional()
}

/// A stream, the number above which it is read, and how far.
fn bound(filter: &NoticeFilter, limit: usize) -> [i64; 5] {
    let NoticeFilter { force, test_data, stream, after } = filter;
    let after = i64::try_from(*after).unwrap_or(i64::MAX);
    [force.0.into(), (*test_data).into(), from_compartment(*stream), after, limit as i64]
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
        kind: columns.known("kind")?,
        made_at: columns.time("made_at")?,
        taken_over_at: columns.optional_time("taken_over_at")?,
        cancelled_at: columns.optional_time("cancelled_at")?,
        keys: columns.keys()?,
        body: columns.side()?,
    })
}

/// The notices that were made for a force on one day, the victim's stream left out; whether each
/// was taken over.
pub(crate) fn notices_of_day(
    connection: &Connection,
    force: ForceNumber,
    test: bool,
    date: Date,
) -> rusqlite::Result<Vec<(Uuid, &'static str)>> {
    let mut select = connection.prepare_cached(
        "/* notice::notices_of_day */ SELECT notice_id, taken_over_at, cancelled_at, delivered_at \
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

impl Transaction<'_> {
    /// What the force is told about an open hold, with the next number of its stream.
    pub fn hold_notice(&self, hold_id: Uuid, notice: &NewNotice) -> Result<(), StepFailure> {
        let mut insert = self.connection.prepare_cached(
            "/* notice::hold_notice */ INSERT INTO notice (notice_id, force, test_data, compartment, \
             sequence, hold_row, kind, cause, made_day, made_at, body, is_urgent) \
             SELECT ?1, h.force, h.test_data, ?2, 1 + coalesce((SELECT max(sequence) FROM notice \
             AS n WHERE n.force = h.force AND n.test_data = h.test_data AND n.compartment = ?2), \
             0), h.hold_row, ?4, ?5, ?6, ?7, ?8, ?9 FROM hold AS h WHERE h.hold_id = ?3 \
             AND h.ended IS NULL",
        )?;
        let written = unique(insert.execute(params![
            notice.notice_id.as_bytes(),
            from_compartment(notice.body.compartment()),
            hold_id.as_bytes(),
            notice.kind.code(),
            notice.cause.as_bytes(),
            from_day(london_day(notice.made_at)),
            from_time(notice.made_at),
            notice.body.as_bytes(),
            notice.kind.is_urgent(),
        ]))?;
        if written == 1 { Ok(()) } else { Err(StepFailure::Conflict) }
    }

    /// The number is drawn here, in the transaction that stores the notice, so that none is ever
    /// missing and none is there twice. A cause that was told about already is not told again.
    pub fn notice(&self, referral_row: i64, notice: &NewNotice) -> Result<(), StepFailure> {
        let mut insert = self.connection.prepare_cached(
            "/* notice::notice */ INSERT INTO notice (notice_id, force, test_data, compartment, \
             sequence, referral_row, kind, cause, made_day, made_at, body, is_urgent) \
             SELECT ?1, f.force, f.test_data, ?2, 1 + coalesce((SELECT max(sequence) FROM notice \
             AS n WHERE n.force = f.force AND n.test_data = f.test_data AND n.compartment = ?2), \
             0), ?3, ?4, ?5, ?6, ?7, ?8, ?9 FROM referral AS f WHERE f.referral_row = ?3 \
             ON CONFLICT (referral_row, kind, cause) DO NOTHING",
        )?;
        unique(insert.execute(params![
            notice.notice_id.as_bytes(),
            from_compartment(notice.body.compartment()),
            referral_row,
            notice.kind.code(),
            notice.cause.as_bytes(),
            from_day(london_day(notice.made_at)),
            from_time(notice.made_at),
            notice.body.as_bytes(),
            notice.kind.is_urgent(),
        ]))?;
        Ok(())
    }

    /// The force has taken a notice over. `Conflict` when it had before, or there is none.
    pub fn take_over(&self, notice_id: Uuid, at: Timestamp) -> Result<(), StepFailure> {
        let mut update = self.connection.prepare_cached(
            "/* notice::take_over */ UPDATE notice SET taken_over_at = ?1 WHERE notice_id = ?2 \
             AND taken_over_at IS NULL",
        )?;
        match update.execute(params![from_time(at), notice_id.as_bytes()])? {
            1 => Ok(()),
            _ => Err(StepFailure::Conflict),
        }
    }

    pub fn due_notice(&self, due: &DueNotice) -> Result<(), StepFailure> {
        let DueNotice { about, facts, notice } = due;
        match *about {
            About::Referral(referral_id) => {
                let mut select = self.connection.prepare_cached(
                    "/* notice::due_notice */ SELECT f.referral_row, coalesce(s.facts, 0) AS facts \
                     FROM referral AS f LEFT JOIN standing AS s \
                     ON s.referral_row = f.referral_row WHERE f.referral_id = ?1",
                )?;
                let found = select
                    .query_row([referral_id.as_bytes()], |row| {
                        Ok((row.get::<_, i64>(0)?, row.get::<_, u32>(1)?))
                    })
                    .optional()?;
                match found {
                    Some((referral_row, known)) if known == *facts => {
                        self.notice(referral_row, notice)
                    }
                    _ => Err(StepFailure::Conflict),
                }
            }
            About::Hold(hold_id) => self.hold_notice(hold_id, notice),
        }
    }
}
