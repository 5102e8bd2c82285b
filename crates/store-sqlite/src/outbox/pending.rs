//! Reads of the outbox: what is pending, page by page or for one referral.

use cara_domain::Compartment;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use uuid::Uuid;

use crate::column::revision_row;
use crate::column::{Columns, from_compartment};
use cara_store::{Lease, Leased, LeasedBody, OutboxRoute};

/// What decides whether an outbox row may be claimed.
#[derive(Debug)]
pub(crate) struct PendingRow {
    pub outbox_row: i64,
    /// The referral's revision that it belongs to; none where an outcome or a decision caused it.
    pub revision: Option<u32>,
    pub lane: Compartment,
    pub event_id: Uuid,
    pub after: Option<Uuid>,
    pub not_before: Option<Timestamp>,
}

impl PendingRow {
    pub fn revision_row(&self) -> i64 {
        revision_row(self.outbox_row)
    }

    /// A column that cannot be read stops no other row: this one is claimed, [`leased`] reads it
    /// again and says so.
    fn from_row(row: &Row<'_>) -> rusqlite::Result<PendingRow> {
        let columns = Columns(row);
        Ok(PendingRow {
            outbox_row: row.get("outbox_row")?,
            revision: row.get("revision").unwrap_or_default(),
            lane: columns.compartment().unwrap_or(Compartment::Offender),
            event_id: columns.id("event_id").unwrap_or_default(),
            after: columns.optional_array("after").unwrap_or_default().map(Uuid::from_bytes),
            not_before: columns.optional_time("not_before").unwrap_or_default(),
        })
    }
}

/// Rows of the outbox in order.
pub(crate) struct PendingPage {
    pub rows: Vec<PendingRow>,
    /// Nothing comes after it.
    pub is_last: bool,
}

/// The route's rows of the revisions after this revision row. `limit` must exceed a revision's messages.
pub(crate) fn page(
    connection: &Connection,
    route: &OutboxRoute,
    after_revision_row: i64,
    limit: usize,
) -> rusqlite::Result<PendingPage> {
    let mut select = connection.prepare_cached(
        "/* pending::page */ SELECT o.outbox_row, o.compartment, o.event_id, o.after, \
         o.not_before, r.revision FROM outbox AS o \
         LEFT JOIN revision AS r ON r.revision_row = o.outbox_row / 8 \
         WHERE o.provider = ?3 AND o.compartment = ?4 AND o.outbox_row >= (?1 + 1) * 8 \
         ORDER BY o.outbox_row LIMIT ?2",
    )?;
    let rows = select
        .query_map(
            params![after_revision_row, limit as i64, route.provider, from_compartment(route.side)],
            PendingRow::from_row,
        )?
        .collect::<rusqlite::Result<Vec<PendingRow>>>()?;
    let is_last = rows.len() < limit;
    Ok(PendingPage { rows, is_last })
}

/// Every pending row of the referral that this revision row belongs to, in order.
pub(crate) fn of_referral(
    connection: &Connection,
    revision_row: i64,
) -> rusqlite::Result<Vec<PendingRow>> {
    let mut select = connection.prepare_cached(
        "/* pending::of_referral */ WITH this AS (SELECT coalesce((SELECT referral_row \
         FROM revision WHERE revision_row = ?1), (SELECT referral_row FROM message \
         WHERE message_row = ?1)) AS referral_row) SELECT o.outbox_row, o.compartment, \
         o.event_id, o.after, o.not_before, r.revision \
         FROM this CROSS JOIN revision AS r ON r.referral_row = this.referral_row \
         CROSS JOIN outbox AS o \
         ON o.outbox_row BETWEEN r.revision_row * 8 AND r.revision_row * 8 + 7 \
         UNION ALL SELECT o.outbox_row, o.compartment, o.event_id, o.after, o.not_before, \
         NULL FROM this CROSS JOIN message AS m \
         ON m.referral_row = this.referral_row CROSS JOIN outbox AS o \
         ON o.outbox_row = m.message_row * 8 ORDER BY 1",
    )?;
    select.query_map([revision_row], PendingRow::from_row)?.collect()
}

/// A leased row with its body. None when it is no longer there. Reads what [`PendingRow`] could not.
pub(crate) fn leased(connection: &Connection, lease: &Lease) -> rusqlite::Result<Option<Leased>> {
    let mut select = connection.prepare_cached(
        "/* pending::leased */ SELECT f.referral_id, f.force, f.provider, f.epoch, f.raw_key, \
         f.offender_key, f.victim_key, r.revision, \
         coalesce(r.received_at, m.made_at) AS received_at, o.compartment, o.event_id, o.kind, \
         o.attempts, o.after, o.not_before, coalesce(m.body, \
         CASE o.compartment WHEN 0 THEN r.offender_event ELSE r.victim_event END) AS body \
         FROM outbox AS o LEFT JOIN revision AS r ON r.revision_row = o.outbox_row / 8 \
         LEFT JOIN message AS m ON m.message_row = o.outbox_row / 8 CROSS JOIN referral AS f \
         ON f.referral_row = coalesce(r.referral_row, m.referral_row) WHERE o.outbox_row = ?1",
    )?;
    let read = |row: &Row<'_>| {
        let columns = Columns(row);
        let compartment = columns.compartment()?;
        columns.optional_array::<16>("after")?;
        columns.optional_time("not_before")?;
        Ok(Leased {
            lease: lease.clone(),
            event_id: columns.id("event_id")?,
            referral_id: columns.id("referral_id")?,
            revision: row.get("revision")?,
            force: columns.force()?,
            provider: row.get("provider")?,
            compartment,
            kind: columns.known("kind")?,
            received_at: columns.time("received_at")?,
            keys: columns.keys()?,
            body: match compartment {
                Compartment::Offender => LeasedBody::Offender(columns.sealed("body")?),
                Compartment::Victim => LeasedBody::Victim(columns.sealed("body")?),
            },
            attempts: row.get("attempts")?,
        })
    };
    select.query_row([lease.row_id.number()], read).optional()
}

/// Rows that wait.
pub(crate) fn count(connection: &Connection) -> rusqlite::Result<u64> {
    let count = "/* pending::count */ SELECT count(*) FROM outbox";
    connection.query_row(count, [], |row| Ok(row.get::<_, i64>(0)? as u64))
}

/// Since when the first row waits to be sent.
pub(crate) fn oldest(connection: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    let mut select = connection.prepare_cached(
        "/* pending::oldest */ SELECT waits_since FROM outbox AS o \
         ORDER BY outbox_row LIMIT 1",
    )?;
    select.query_row([], |row| Columns(row).time("waits_since")).optional()
}

/// Since when the provider's first row of each side waits to be sent: the earlier of both.
pub(crate) fn oldest_of(
    connection: &Connection,
    provider: &str,
) -> rusqlite::Result<Option<Timestamp>> {
    let mut select = connection.prepare_cached(
        "/* pending::oldest_of */ SELECT waits_since FROM outbox \
         WHERE provider = ?1 AND compartment = ?2 \
         ORDER BY outbox_row LIMIT 1",
    )?;
    let mut oldest = None;
    for side in [Compartment::Offender, Compartment::Victim] {
        let bound = params![provider, from_compartment(side)];
        let of_side = select.query_row(bound, |row| Columns(row).time("waits_since")).optional()?;
        oldest = oldest.into_iter().chain(of_side).min();
    }
    Ok(oldest)
}
