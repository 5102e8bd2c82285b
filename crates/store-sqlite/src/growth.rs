//! What each force's records have added to the store on this day: written in the transaction that
//! adds it, kept in memory so that nothing is read to ask after it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::civil::Date;
use rusqlite::{Connection, params};

use super::column::from_day;
use cara_store::ForceNumber;

/// Bytes by force and day.
pub(crate) type DayBytes = BTreeMap<(ForceNumber, i64), u64>;

#[derive(Debug, Default)]
pub(crate) struct Growth(Mutex<BTreeMap<ForceNumber, (i64, u64)>>);

impl Growth {
    pub fn open(connection: &Connection) -> rusqlite::Result<Growth> {
        let mut select =
            connection.prepare("/* growth::open */ SELECT force, day, bytes FROM growth")?;
        let rows = select
            .query_map([], |row| Ok((ForceNumber(row.get(0)?), (row.get(1)?, row.get(2)?))))?;
        let known = rows.collect::<rusqlite::Result<_>>()?;
        Ok(Growth(Mutex::new(known)))
    }

    /// Part of the transaction that adds it.
    pub fn write(connection: &Connection, added: &DayBytes) -> rusqlite::Result<()> {
        let mut upsert = connection.prepare_cached(
            "/* growth::write */ INSERT INTO growth (force, day, bytes) VALUES (?1, ?2, ?3) \
             ON CONFLICT (force) DO UPDATE SET day = excluded.day, bytes = excluded.bytes + \
             CASE growth.day WHEN excluded.day THEN growth.bytes ELSE 0 END",
        )?;
        for ((force, day), bytes) in added {
            upsert.execute(params![force.0, day, bytes])?;
        }
        Ok(())
    }

    /// After the commit.
    pub fn add(&self, added: &DayBytes) {
        let mut known = self.lock();
        for (&(force, day), bytes) in added {
            let stands = known.entry(force).or_insert((day, 0));
            let before = if stands.0 == day { stands.1 } else { 0 };
            *stands = (day, before + bytes);
        }
    }

    pub fn on(&self, force: ForceNumber, day: Date) -> u64 {
        self.lock()
            .get(&force)
            .filter(|(of, _)| *of == from_day(day))
            .map_or(0, |(_, bytes)| *bytes)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ForceNumber, (i64, u64)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
