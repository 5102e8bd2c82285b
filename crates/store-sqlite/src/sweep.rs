//! Reads of the sweep: cases on the clock, what is late, incidents, e-mail that waits.

use cara_domain::Compartment;
use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use uuid::Uuid;

use super::column::{Columns, from_compartment, from_day, from_time};
use super::{hold, read};
use cara_store::{
    CaseClock, CasePage, ForceCode, HoldRow, Incident, Late, LateBefore, Mail, MailAbout, Paused,
    Reconciled, Sweep,
};

/// Outbox rows that one look for incomplete pairs goes through.
const PAIR_ROWS_MAX: i64 = 10_000;
/// Carriers of messages that one look at a day goes through.
const CARRIERS_AT_ONCE: i64 = 1_000;
/// Of each kind of thing that one look finds.
const FOUND_MAX: i64 = 100;

/// Of the next `limit` cases by their place those whose programme and caution have not ended.
pub(crate) fn cases(
    connection: &Connection,
    after: i64,
    limit: usize,
) -> rusqlite::Result<CasePage> {
    let mut select = connection.prepare_cached(
        "/* sweep::cases */ SELECT max(referral_row) FROM (SELECT referral_row FROM referral \
         WHERE referral_row > ?1 ORDER BY referral_row LIMIT ?2)",
    )?;
    let next: Option<i64> = select.query_row(params![after, limit as i64], |row| row.get(0))?;
    let mut select = connection.prepare_cached(
        "/* sweep::cases */ SELECT f.referral_row, f.referral_id, f.force, f.provider, \
         f.test_data, first.received_at, last.deadline, \
         (SELECT max(confirmed_at) FROM sent WHERE compartment = 0 AND sent_row \
         BETWEEN first.revision_row * 8 AND first.revision_row * 8 + 7) AS sent_at, \
         coalesce(s.programme, 'sent') AS programme, coalesce(s.caution, 'active') AS caution, \
         s.deadline AS varied, s.booked_on FROM referral AS f \
         LEFT JOIN standing AS s ON s.referral_row = f.referral_row \
         CROSS JOIN revision AS last ON last.referral_row = f.referral_row \
         AND last.revision = f.latest_revision \
         CROSS JOIN revision AS first ON first.referral_row = f.referral_row AND first.revision = 1 \
         WHERE f.referral_row > ?1 AND f.referral_row <= ?2 AND last.action <> 2 \
         AND coalesce(s.programme, 'sent') NOT IN ('declined', 'completed', 'returned', 'withdrawn') \
         AND coalesce(s.caution, 'active') NOT IN ('complied', 'prosecuted', 'closed', 'withdrawn') \
         ORDER BY f.referral_row",
    )?;
    let mut cases = Vec::new();
    let mut rows = select.query(params![after, next.unwrap_or(after)])?;
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
            programme: row.get("programme")?,
            caution: row.get("caution")?,
            booked_on: columns.optional_day("booked_on")?,
            told: told(connection, row.get("referral_row")?)?,
        });
    }
    Ok(CasePage { cases, next })
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
pub(crate) fn untold_holds(
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

pub(crate) fn late(connection: &Connection, before: &LateBefore) -> rusqlite::Result<Late> {
    Ok(Late {
        holds_open: by_force(
            connection,
            "/* sweep::late */ SELECT force, count(*) AS count FROM hold INDEXED BY hold_open_bytes WHERE ended IS NULL \
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
             FROM (SELECT outbox_row FROM outbox ORDER BY outbox_row \
             LIMIT ?2) AS o CROSS JOIN sent AS s ON s.sent_row BETWEEN o.outbox_row / 8 * 8 \
             AND o.outbox_row / 8 * 8 + 7 CROSS JOIN revision AS r \
             ON r.revision_row = o.outbox_row / 8 CROSS JOIN referral AS f \
             ON f.referral_row = r.referral_row WHERE s.confirmed_at <= ?1 GROUP BY f.provider",
            params![from_time(before.pair), PAIR_ROWS_MAX],
        )?,
        concerns: by_force(
            connection,
            "/* sweep::late */ SELECT force, count(*) AS count FROM notice INDEXED BY notice_urgent \
             WHERE kind = 'safeguarding_concern' \
             AND kind IN ('workshop_missed', 'safeguarding_concern') AND taken_over_at IS NULL \
             AND cancelled_at IS NULL AND test_data = 0 AND ?1 = ?1 GROUP BY force",
            before.urgent,
        )?,
        not_collected: by_force(
            connection,
            "/* sweep::late */ SELECT force, count(*) AS count FROM notice INDEXED BY notice_urgent \
             WHERE kind IN ('workshop_missed', 'safeguarding_concern') AND taken_over_at IS NULL \
             AND cancelled_at IS NULL AND made_at <= ?1 AND test_data = 0 GROUP BY force",
            before.urgent,
        )?,
        unmailed: ids(
            connection,
            "/* sweep::late */ SELECT notice_id FROM notice INDEXED BY notice_urgent \
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
pub(crate) fn last_heard(
    connection: &Connection,
    force: ForceCode,
) -> rusqlite::Result<Option<Date>> {
    let mut select = connection.prepare_cached(
        "/* sweep::last_heard */ SELECT max(coalesce((SELECT max(received_day) FROM revision \
         WHERE force = ?1), 0), coalesce((SELECT max(received_day) FROM hold WHERE force = ?1), 0), \
         coalesce((SELECT max(received_day) FROM decision WHERE force = ?1), 0)) AS day",
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
pub(crate) fn incidents(connection: &Connection) -> rusqlite::Result<Vec<Incident>> {
    let mut select = connection.prepare_cached(
        "/* sweep::incidents */ SELECT * FROM incident INDEXED BY incident_open \
         WHERE closed_at IS NULL ORDER BY incident_row",
    )?;
    select.query_map([], incident)?.collect()
}

pub(crate) fn state(connection: &Connection) -> rusqlite::Result<Option<Sweep>> {
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
pub(crate) fn mails(
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

pub(crate) fn paused(connection: &Connection) -> rusqlite::Result<Vec<Paused>> {
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

/// How far a walk over what one day brought has come: each force's revisions in turn, then the
/// messages that no revision carries.
#[derive(Clone, Copy, Debug)]
pub(crate) enum DayPlace {
    Revisions { force: i64, after: i64 },
    Messages { after: i64 },
}

impl DayPlace {
    pub const START: DayPlace = DayPlace::Revisions { force: -1, after: i64::MAX };
}

/// Messages, each with whether it is confirmed, and where the walk goes on.
type Chunk = (Vec<(Uuid, bool)>, Option<DayPlace>);

/// Some of the messages to one side of a provider by the day of their own time, and whether each is
/// confirmed; and where the walk goes on.
pub(crate) fn exchanged(
    connection: &Connection,
    provider: &str,
    side: Compartment,
    day: Date,
    place: DayPlace,
) -> rusqlite::Result<Chunk> {
    // What is settled meanwhile is seen in one place or the other, never in both.
    read::in_snapshot(connection, |connection| chunk(connection, provider, side, day, place))
}

fn chunk(
    connection: &Connection,
    provider: &str,
    side: Compartment,
    day: Date,
    place: DayPlace,
) -> rusqlite::Result<Chunk> {
    let (sql, force, after) = match place {
        DayPlace::Revisions { force, after } => (
            "/* sweep::exchanged */ SELECT r.revision_row AS carrier_row, f.provider \
             FROM revision AS r CROSS JOIN referral AS f ON f.referral_row = r.referral_row \
             WHERE r.force = ?1 AND r.received_day = ?2 AND r.revision_row > ?3 \
             ORDER BY r.revision_row LIMIT ?4",
            force,
            after,
        ),
        DayPlace::Messages { after } => (
            "/* sweep::exchanged */ SELECT m.message_row AS carrier_row, f.provider \
             FROM message AS m CROSS JOIN referral AS f ON f.referral_row = m.referral_row \
             WHERE ?1 = ?1 AND m.made_day = ?2 AND m.message_row > ?3 \
             ORDER BY m.message_row LIMIT ?4",
            0,
            after,
        ),
    };
    let mut select = connection.prepare_cached(sql)?;
    let bound = params![force, from_day(day), after, CARRIERS_AT_ONCE];
    let mut rows = select.query(bound)?;
    let (mut found, mut carriers, mut last) = (Vec::new(), 0, after);
    while let Some(row) = rows.next()? {
        last = row.get("carrier_row")?;
        carriers += 1;
        if row.get_ref("provider")?.as_str()? != provider {
            continue;
        }
        let messages = read::messages(connection, last)?.into_iter();
        let of_side = messages.filter(|message| message.compartment == side);
        found.extend(of_side.map(|message| (message.event_id, message.confirmed_at.is_some())));
    }
    let is_whole = carriers < CARRIERS_AT_ONCE;
    let next = match place {
        DayPlace::Revisions { force, .. } if is_whole => Some(force_after(connection, force)?),
        DayPlace::Revisions { force, .. } => Some(DayPlace::Revisions { force, after: last }),
        DayPlace::Messages { .. } if is_whole => None,
        DayPlace::Messages { .. } => Some(DayPlace::Messages { after: last }),
    };
    Ok((found, next))
}

/// The next force that has sent anything.
fn force_after(connection: &Connection, force: i64) -> rusqlite::Result<DayPlace> {
    let mut select = connection.prepare_cached(
        "/* sweep::force_after */ SELECT min(force) FROM revision WHERE force > ?1",
    )?;
    let next: Option<i64> = select.query_row([force], |row| row.get(0))?;
    Ok(match next {
        Some(force) => DayPlace::Revisions { force, after: 0 },
        None => DayPlace::Messages { after: 0 },
    })
}

/// Which of these outcomes are not stored.
pub(crate) fn absent_outcomes(
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

pub(crate) fn reconciled(
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
