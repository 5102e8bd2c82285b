//! What providers say of a day, and what was sent on it.

use cara_domain::Compartment;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use uuid::Uuid;

use super::Sqlite;
use super::column::{Columns, from_compartment, from_day, from_time};
use super::readers::in_snapshot;
use super::step::json;
use super::transaction::{StepFailure, Transaction};
use cara_store::{Error, Reconciled};

/// Carriers of messages that one look at a day goes through.
const CARRIERS_AT_ONCE: i64 = 1_000;

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

impl cara_store::Reconciliations for Sqlite {
    fn reconciled(
        &self,
        provider: String,
        side: Compartment,
        day: Date,
    ) -> BoxFuture<'_, Result<Option<Reconciled>, Error>> {
        self.read(move |connection| reconciled(connection, &provider, side, day)).boxed()
    }

    fn exchanged(
        &self,
        provider: String,
        side: Compartment,
        day: Date,
    ) -> BoxFuture<'_, Result<Vec<(Uuid, bool)>, Error>> {
        async move {
            let (mut all, mut place) = (Vec::new(), Some(DayPlace::START));
            // In chunks, so that other readers get their turn.
            while let Some(at) = place {
                let provider = provider.clone();
                let page =
                    self.read(move |connection| exchanged(connection, &provider, side, day, at));
                let (found, next) = page.await?;
                all.extend(found);
                place = next;
            }
            Ok(all)
        }
        .boxed()
    }
}

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
    in_snapshot(connection, |connection| chunk(connection, provider, side, day, place))
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
            "/* reconciliation::exchanged */ SELECT r.revision_row AS carrier_row, f.provider \
             FROM revision AS r CROSS JOIN referral AS f ON f.referral_row = r.referral_row \
             WHERE r.force = ?1 AND r.received_day = ?2 AND r.revision_row > ?3 \
             ORDER BY r.revision_row LIMIT ?4",
            force,
            after,
        ),
        DayPlace::Messages { after } => (
            "/* reconciliation::exchanged */ SELECT m.message_row AS carrier_row, f.provider \
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
        let messages = super::outbox::messages(connection, last)?.into_iter();
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
        "/* reconciliation::force_after */ SELECT min(force) FROM revision WHERE force > ?1",
    )?;
    let next: Option<i64> = select.query_row([force], |row| row.get(0))?;
    Ok(match next {
        Some(force) => DayPlace::Revisions { force, after: 0 },
        None => DayPlace::Messages { after: 0 },
    })
}

pub(crate) fn reconciled(
    connection: &Connection,
    provider: &str,
    side: Compartment,
    day: Date,
) -> rusqlite::Result<Option<Reconciled>> {
    let mut select = connection.prepare_cached(
        "/* reconciliation::reconciled */ SELECT arrived_at, missing_here, missing_there \
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

impl Transaction<'_> {
    pub fn reconciled(&self, reconciled: &Reconciled) -> Result<(), StepFailure> {
        let mut upsert = self.connection.prepare_cached(
            "/* reconciliation::reconciled */ INSERT INTO reconciliation (provider, compartment, day, \
             arrived_at, missing_here, missing_there) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
             ON CONFLICT (provider, compartment, day) DO UPDATE SET \
             arrived_at = excluded.arrived_at, missing_here = excluded.missing_here, \
             missing_there = excluded.missing_there",
        )?;
        upsert.execute(params![
            reconciled.provider,
            from_compartment(reconciled.side),
            from_day(reconciled.day),
            from_time(reconciled.at),
            json(&reconciled.missing_here),
            json(&reconciled.missing_there),
        ])?;
        Ok(())
    }
}
