//! Which key epochs the store names.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, params};
use uuid::Uuid;

use super::Error;
use super::column::Columns;
use cara_vault::WrappedKeys;

/// The same as [`cara_store::Store::key_samples`] of a store that another process serves: only read,
/// without its lock.
pub fn key_samples_beside(path: &Path) -> Result<Vec<(Uuid, WrappedKeys)>, Error> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    Ok(samples(&connection)?)
}

/// The first and the last case, and hold, of each epoch that keys are wrapped by.
pub(crate) fn samples(connection: &Connection) -> rusqlite::Result<Vec<(Uuid, WrappedKeys)>> {
    let referrals = (
        "/* epoch::samples */ SELECT min(epoch) FROM referral WHERE epoch > ?1",
        "/* epoch::samples */ SELECT referral_id AS id, epoch, raw_key, offender_key, victim_key \
         FROM referral WHERE referral_row IN ((SELECT min(referral_row) FROM referral \
         WHERE epoch = ?1), (SELECT max(referral_row) FROM referral WHERE epoch = ?1))",
    );
    let holds = (
        "/* epoch::samples */ SELECT min(epoch) FROM hold WHERE epoch > ?1",
        "/* epoch::samples */ SELECT hold_id AS id, epoch, raw_key, offender_key, victim_key \
         FROM hold WHERE hold_row IN ((SELECT min(hold_row) FROM hold \
         WHERE epoch = ?1), (SELECT max(hold_row) FROM hold WHERE epoch = ?1))",
    );
    let mut samples = Vec::new();
    for (next, of) in [referrals, holds] {
        let mut next = connection.prepare_cached(next)?;
        let mut select = connection.prepare_cached(of)?;
        let mut epoch = i64::MIN;
        while let Some(found) = next.query_row([epoch], |row| row.get::<_, Option<i64>>(0))? {
            epoch = found;
            let rows = select.query_map(params![epoch], |row| {
                let columns = Columns(row);
                Ok((columns.id("id")?, columns.keys()?))
            })?;
            for row in rows {
                samples.push(row?);
            }
        }
    }
    Ok(samples)
}
