//! Reads of the sweep: cases on the clock, what is late, incidents, e-mail that waits.

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use uuid::Uuid;

use super::column::{Columns, from_compartment, from_day, from_time};
use super::hold;
use crate::store::{
    CaseClock, Compartment, ForceCode, HoldRow, Incident, Late, LateBefore, Mail, MailAbout,
    Paused, PushRow, Reconciled, Sweep,
};

/// Outbox rows that one look for incomplete pairs goes through.
const PAIR_ROWS_MAX: i64 = 10_000;
/// Of each kind of thing that one look finds.
const FOUND_MAX: i64 = 100;

/// Cases whose programme and caution have not ended, by their place.
pub(in crate::store::sqlite) fn cases(
    connection: &Connection,
    after: i64,
    limit: usize,
) -> rusqlite::Result<Vec<CaseClock>> {
    let mut select = connection.prepare_cached(
        "/* sweep::cases */ SELECT f.referral_row, f.referral_id, f.force, f.provider, \
         f.test_data, first.received_at, last.deadline, \
         (SELECT max(confirmed_at) FROM sent WHERE compartment = 0 AND sent_row \
         BETWEEN first.revision_row * 8 AND first.revision_row * 8 + 7) AS sent_at, \
         coalesce(s.programme, 'sent') AS programme, coalesce(s.caution, 'active') AS caution, \
         s.deadline AS varied, s.booked_on FROM referral AS f \
         CROSS JOIN revision AS last ON last.referral_row = f.referral_row \
         AND last.revision = f.latest_revision \
         CROSS JOIN revision AS first ON first.referral_row = f.referral_row AND first.revision = 1 \
         LEFT JOIN standing AS s ON s.referral_row = f.referral_row \
         WHERE f.referral_row > ?1 AND last.action <> 2 \
         AND coalesce(s.programme, 'sent') NOT IN ('declined', 'completed', 'returned', 'withdrawn') \
         AND coalesce(s.caution, 'active') NOT IN ('complied', 'prosecuted', 'closed', 'withdrawn') \
         ORDER BY f.referral_row LIMIT ?2",
    )?;
    let mut cases = Vec::new();
    let mut rows = select.query(params![after, limit as i64])?;
    while let Some(row) = rows.next()? {
        let columns = Columns(row);
        let place = row.get("referral_row")?;
        let varied = columns.optional_day("varied")?;
        cases.push(CaseClock {
            place,
            referral_id: columns.id("referral_id")?,
            force: columns.force()?,
            provider: row.get("provider")?,
            test_data: row.get("test_data")?,
            received_at: columns.time("received_at")?,
            sent_at: columns.optional_time("sent_at")?,
            deadline: varied.or(columns.optional_date("deadline")?),
            programme: row.get("programme")?,
            caution: row.get("caution")?,
            booked_on: columns.optional_day("booked_on")?,
            told: told(connection, place)?,
        });
    }
    Ok(cases)
}

fn told(connection: &Connection, referral_row: i64) -> rusqlite::Result<Vec<(String, Uuid)>> {
    let mut select = connection.prepare_cached(
        "/* sweep::told */ SELECT kind, cause FROM notice WHERE referral_row = ?1 AND kind IN \
         ('completion_at_risk', 'completion_impossible', 'deadline_passed', 'no_contact_14_days')",
    )?;
    let rows = select
        .query_map([referral_row], |row| Ok((row.get("kind")?, Columns(row).id("cause")?)))?;
    rows.collect()
}

/// Records that have been held since before this moment, and of which nobody was told.
pub(in crate::store::sqlite) fn untold_holds(
    connection: &Connection,
    before: Timestamp,
) -> rusqlite::Result<Vec<HoldRow>> {
    let mut select = connection.prepare_cached(
        "/* sweep::untold_holds */ SELECT h.* FROM hold AS h WHERE h.ended IS NULL \
         AND h.received_at <= ?1 AND NOT EXISTS (SELECT 1 FROM notice AS n \
         WHERE n.hold_row = h.hold_row) ORDER BY h.hold_id LIMIT ?2",
    )?;
    select.query_map(params![from_time(before), FOUND_MAX], hold::row)?.collect()
}

pub(in crate::store::sqlite) fn late(
    connection: &Connection,
    before: &LateBefore,
) -> rusqlite::Result<Late> {
    Ok(Late {
        holds_open: by_force(
            connection,
            "/* sweep::late */ SELECT force, count(*) AS count FROM hold WHERE ended IS NULL \
             AND test_data = 0 AND ?1 = ?1 GROUP BY force",
            before.gap,
        )?,
        gaps: referrals(
            connection,
            "/* sweep::late */ SELECT f.referral_id FROM standing AS s JOIN referral AS f \
             ON f.referral_row = s.referral_row WHERE s.gap_since <= ?1 LIMIT ?2",
            before.gap,
        )?,
        recalls: referrals(
            connection,
            "/* sweep::late */ SELECT f.referral_id FROM standing AS s JOIN referral AS f \
             ON f.referral_row = s.referral_row WHERE s.recalled_at <= ?1 \
             AND s.recall_confirmed_at IS NULL LIMIT ?2",
            before.recall,
        )?,
        pairs: by_provider(
            connection,
            "/* sweep::late */ SELECT f.provider, count(DISTINCT f.referral_row) AS count \
             FROM (SELECT outbox_row FROM outbox WHERE dead_at IS NULL ORDER BY outbox_row \
             LIMIT ?2) AS o CROSS JOIN sent AS s ON s.sent_row BETWEEN o.outbox_row / 8 * 8 \
             AND o.outbox_row / 8 * 8 + 7 CROSS JOIN revision AS r \
             ON r.revision_row = o.outbox_row / 8 CROSS JOIN referral AS f \
             ON f.referral_row = r.referral_row WHERE s.confirmed_at <= ?1 GROUP BY f.provider",
            params![from_time(before.pair), PAIR_ROWS_MAX],
        )?,
        dead: by_provider(
            connection,
            "/* sweep::late */ SELECT f.provider, count(*) AS count FROM outbox AS o \
             LEFT JOIN revision AS r ON r.revision_row = o.outbox_row / 8 \
             LEFT JOIN message AS m ON m.message_row = o.outbox_row / 8 CROSS JOIN referral AS f \
             ON f.referral_row = coalesce(r.referral_row, m.referral_row) \
             WHERE o.dead_at IS NOT NULL GROUP BY f.provider",
            params![],
        )?,
        concerns: by_force(
            connection,
            "/* sweep::late */ SELECT force, count(*) AS count FROM notice \
             WHERE kind = 'safeguarding_concern' \
             AND kind IN ('workshop_missed', 'safeguarding_concern') AND taken_over_at IS NULL \
             AND cancelled_at IS NULL AND test_data = 0 AND ?1 = ?1 GROUP BY force",
            before.urgent,
        )?,
        not_collected: by_force(
            connection,
            "/* sweep::late */ SELECT force, count(*) AS count FROM notice \
             WHERE kind IN ('workshop_missed', 'safeguarding_concern') AND taken_over_at IS NULL \
             AND cancelled_at IS NULL AND made_at <= ?1 AND test_data = 0 GROUP BY force",
            before.urgent,
        )?,
        unmailed: ids(
            connection,
            "/* sweep::late */ SELECT notice_id FROM notice \
             WHERE kind IN ('workshop_missed', 'safeguarding_concern') AND taken_over_at IS NULL \
             AND cancelled_at IS NULL AND made_at <= ?1 AND test_data = 0 AND mailed_at IS NULL \
             ORDER BY made_at LIMIT ?2",
            "notice_id",
            before.urgent,
        )?,
        reconciliation: uneven_days(connection)?,
    })
}

fn by_force(
    connection: &Connection,
    sql: &str,
    before: Timestamp,
) -> rusqlite::Result<Vec<(ForceCode, u64)>> {
    let mut select = connection.prepare_cached(sql)?;
    let rows = select.query_map([from_time(before)], |row| {
        Ok((Columns(row).force()?, row.get::<_, i64>("count")? as u64))
    })?;
    rows.collect()
}

fn by_provider(
    connection: &Connection,
    sql: &str,
    bound: &[&dyn rusqlite::ToSql],
) -> rusqlite::Result<Vec<(String, u64)>> {
    let mut select = connection.prepare_cached(sql)?;
    let rows = select
        .query_map(bound, |row| Ok((row.get("provider")?, row.get::<_, i64>("count")? as u64)))?;
    rows.collect()
}

fn referrals(connection: &Connection, sql: &str, before: Timestamp) -> rusqlite::Result<Vec<Uuid>> {
    ids(connection, sql, "referral_id", before)
}

fn ids(
    connection: &Connection,
    sql: &str,
    name: &str,
    before: Timestamp,
) -> rusqlite::Result<Vec<Uuid>> {
    let mut select = connection.prepare_cached(sql)?;
    select.query_map(params![from_time(before), FOUND_MAX], |row| Columns(row).id(name))?.collect()
}

fn uneven_days(connection: &Connection) -> rusqlite::Result<Vec<(String, Date)>> {
    let mut select = connection.prepare_cached(
        "/* sweep::uneven_days */ SELECT DISTINCT provider, day FROM reconciliation \
         WHERE missing_here <> '[]' OR missing_there <> '[]' ORDER BY provider, day",
    )?;
    let rows = select.query_map([], |row| Ok((row.get("provider")?, Columns(row).day("day")?)))?;
    rows.collect()
}

/// The last day on which something arrived from a force.
pub(in crate::store::sqlite) fn last_heard(
    connection: &Connection,
    force: ForceCode,
) -> rusqlite::Result<Option<Date>> {
    let mut select = connection.prepare_cached(
        "/* sweep::last_heard */ SELECT max(coalesce((SELECT max(received_day) FROM revision \
         WHERE force = ?1), 0), coalesce((SELECT max(received_day) FROM hold WHERE force = ?1), 0), \
         coalesce((SELECT max(d.received_day) FROM decision AS d JOIN referral AS f \
         ON f.referral_row = d.referral_row WHERE f.force = ?1), 0)) AS day",
    )?;
    select.query_row([force.0], |row| match row.get::<_, i64>("day")? {
        0 => Ok(None),
        _ => Columns(row).day("day").map(Some),
    })
}

fn incident(row: &Row<'_>) -> rusqlite::Result<Incident> {
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
pub(in crate::store::sqlite) fn incidents(
    connection: &Connection,
) -> rusqlite::Result<Vec<Incident>> {
    let mut select = connection.prepare_cached(
        "/* sweep::incidents */ SELECT * FROM incident WHERE closed_at IS NULL ORDER BY incident_row",
    )?;
    select.query_map([], incident)?.collect()
}

pub(in crate::store::sqlite) fn state(connection: &Connection) -> rusqlite::Result<Option<Sweep>> {
    let mut select =
        connection.prepare_cached("/* sweep::state */ SELECT seen_at, stopped_at FROM sweep")?;
    let read = |row: &Row<'_>| {
        let columns = Columns(row);
        Ok(Sweep {
            seen_at: columns.time("seen_at")?,
            stopped_at: columns.optional_time("stopped_at")?,
        })
    };
    select.query_row([], read).optional()
}

/// E-mail whose turn it is.
pub(in crate::store::sqlite) fn mails(
    connection: &Connection,
    now: Timestamp,
    limit: usize,
) -> rusqlite::Result<Vec<Mail>> {
    let mut select = connection.prepare_cached(
        "/* sweep::mails */ SELECT m.mail_id, m.stage, m.made_at, m.attempts, n.notice_id, \
         i.incident_id, i.kind, i.about, i.count, i.opened_at, i.told_at, i.closed_at \
         FROM mail AS m LEFT JOIN incident AS i ON i.incident_row = m.incident_row \
         LEFT JOIN notice AS n ON n.notice_row = m.notice_row \
         WHERE m.sent_at IS NULL AND m.dead_reason IS NULL \
         AND (m.not_before IS NULL OR m.not_before <= ?1) ORDER BY m.mail_row LIMIT ?2",
    )?;
    let rows = select.query_map(params![from_time(now), limit as i64], |row| {
        let columns = Columns(row);
        let about = match columns.optional_array("notice_id")? {
            Some(id) => MailAbout::Notice(Uuid::from_bytes(id)),
            None => MailAbout::Incident {
                incident: incident(row)?,
                stage: row.get("stage")?,
                is_closed: columns.optional_time("closed_at")?.is_some(),
            },
        };
        Ok(Mail {
            mail_id: columns.id("mail_id")?,
            about,
            attempts: row.get("attempts")?,
            made_at: columns.time("made_at")?,
        })
    })?;
    rows.collect()
}

/// Notices of a force whose turn it is: the first of each case that waits, and only once its time
/// has come.
pub(in crate::store::sqlite) fn pushes(
    connection: &Connection,
    force: ForceCode,
    now: Timestamp,
    limit: usize,
) -> rusqlite::Result<Vec<PushRow>> {
    let mut select = connection.prepare_cached(
        "/* sweep::pushes */ SELECT notice_id, attempts, failing_since FROM notice AS n \
         WHERE force = ?1 AND compartment = 0 AND test_data = 0 AND delivered_at IS NULL \
         AND taken_over_at IS NULL AND cancelled_at IS NULL \
         AND (not_before IS NULL OR not_before <= ?2) \
         AND NOT EXISTS (SELECT 1 FROM notice AS e WHERE e.referral_row = n.referral_row \
         AND e.notice_row < n.notice_row AND e.compartment = 0 AND e.delivered_at IS NULL \
         AND e.taken_over_at IS NULL AND e.cancelled_at IS NULL) ORDER BY notice_row LIMIT ?3",
    )?;
    let rows = select.query_map(params![force.0, from_time(now), limit as i64], |row| {
        let columns = Columns(row);
        Ok(PushRow {
            notice_id: columns.id("notice_id")?,
            attempts: row.get("attempts")?,
            failing_since: columns.optional_time("failing_since")?,
        })
    })?;
    rows.collect()
}

pub(in crate::store::sqlite) fn paused(connection: &Connection) -> rusqlite::Result<Vec<Paused>> {
    let mut select = connection
        .prepare_cached("/* sweep::paused */ SELECT * FROM paused_endpoint ORDER BY force")?;
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

/// Messages to one side of a provider by the day of their own time, and whether each is confirmed.
pub(in crate::store::sqlite) fn exchanged(
    connection: &Connection,
    provider: &str,
    side: Compartment,
    day: Date,
) -> rusqlite::Result<Vec<(Uuid, bool)>> {
    let mut select = connection.prepare_cached(
        "/* sweep::exchanged */ WITH carrier AS (SELECT revision_row AS carrier_row, referral_row \
         FROM revision WHERE received_day = ?3 UNION ALL SELECT message_row, referral_row \
         FROM message WHERE made_day = ?3) \
         SELECT s.event_id, 1 AS is_sent, s.sent_row AS place FROM carrier AS c \
         CROSS JOIN referral AS f ON f.referral_row = c.referral_row CROSS JOIN sent AS s \
         ON s.sent_row BETWEEN c.carrier_row * 8 AND c.carrier_row * 8 + 7 \
         WHERE f.provider = ?1 AND s.compartment = ?2 UNION ALL \
         SELECT o.event_id, 0, o.outbox_row FROM carrier AS c \
         CROSS JOIN referral AS f ON f.referral_row = c.referral_row CROSS JOIN outbox AS o \
         ON o.outbox_row BETWEEN c.carrier_row * 8 AND c.carrier_row * 8 + 7 \
         WHERE f.provider = ?1 AND o.compartment = ?2 ORDER BY place",
    )?;
    let rows = select
        .query_map(params![provider, from_compartment(side), from_day(day)], |row| {
            Ok((Columns(row).id("event_id")?, row.get("is_sent")?))
        })?;
    rows.collect()
}

/// Which of these outcomes are not stored.
pub(in crate::store::sqlite) fn absent_outcomes(
    connection: &Connection,
    outcomes: &[Uuid],
) -> rusqlite::Result<Vec<Uuid>> {
    let mut absent = Vec::new();
    for outcome_id in outcomes {
        if !super::case::has_outcome(connection, *outcome_id)? {
            absent.push(*outcome_id);
        }
    }
    Ok(absent)
}

pub(in crate::store::sqlite) fn pushes_waiting(
    connection: &Connection,
    force: ForceCode,
) -> rusqlite::Result<u64> {
    let mut select = connection.prepare_cached(
        "/* sweep::pushes_waiting */ SELECT count(*) FROM notice WHERE force = ?1 \
         AND compartment = 0 AND test_data = 0 AND delivered_at IS NULL \
         AND taken_over_at IS NULL AND cancelled_at IS NULL",
    )?;
    select.query_row([force.0], |row| row.get::<_, i64>(0)).map(|count| count as u64)
}

pub(in crate::store::sqlite) fn reconciled(
    connection: &Connection,
    provider: &str,
    side: Compartment,
    day: Date,
) -> rusqlite::Result<Option<Reconciled>> {
    let mut select = connection.prepare_cached(
        "/* sweep::reconciled */ SELECT arrived_at, missing_here, missing_there \
         FROM reconciliation WHERE provider = ?1 AND compartment = ?2 AND day = ?3",
    )?;
    let bound = params![provider, from_compartment(side), from_day(day)];
    let read = |row: &Row<'_>| {
        let columns = Columns(row);
        Ok(Reconciled {
            provider: provider.to_owned(),
            side,
            day,
            at: columns.time("arrived_at")?,
            missing_here: columns.ids("missing_here")?,
            missing_there: columns.ids("missing_there")?,
        })
    };
    select.query_row(bound, read).optional()
}
