//! Whether what is sealed still opens. Nothing that is opened here is looked at.

use rusqlite::{Connection, Row};
use uuid::Uuid;

use super::Error;
use super::finding::RowFinding;
use cara_vault::{Binding, Keys, OffenderKey, RawKey, Sealed, Vault, VictimKey, WrappedKeys};

/// Under whose key a column is sealed.
#[derive(Clone, Copy)]
enum Side {
    Raw,
    Offender,
    Victim,
    /// As the row's compartment says.
    Compartment,
}

/// What is sealed in a table.
struct Sealing {
    table: &'static str,
    /// Of rows between two: the row, whose keys, their epoch, the three of them, what the bytes are
    /// bound to, its revision and compartment, the sealed columns.
    sql: &'static str,
    /// The names that the sealed columns are bound to.
    columns: &'static [(&'static str, Side)],
}

static SEALED: &[Sealing] = &[
    Sealing {
        table: "referral",
        sql: "/* seal::look */ SELECT referral_row, referral_id, epoch, raw_key, offender_key, \
              victim_key, referral_id, 0, 0 FROM referral WHERE referral_row BETWEEN ?1 AND ?2",
        columns: &[],
    },
    Sealing {
        table: "revision",
        sql: "/* seal::look */ SELECT t.revision_row, f.referral_id, f.epoch, f.raw_key, \
              f.offender_key, f.victim_key, f.referral_id, t.revision, 0, t.police, t.victim, \
              t.offender_event, t.victim_event, t.raw FROM revision AS t LEFT JOIN referral AS f \
              ON f.referral_row = t.referral_row WHERE t.revision_row BETWEEN ?1 AND ?2",
        columns: &[
            ("police", Side::Offender),
            ("victim", Side::Victim),
            ("offender_event", Side::Offender),
            ("victim_event", Side::Victim),
            ("raw", Side::Raw),
        ],
    },
    Sealing {
        table: "hold",
        sql: "/* seal::look */ SELECT hold_row, hold_id, epoch, raw_key, offender_key, victim_key, \
              hold_id, 0, 0, raw, unlisted FROM hold WHERE hold_row BETWEEN ?1 AND ?2",
        columns: &[("raw", Side::Raw), ("unlisted", Side::Raw)],
    },
    Sealing {
        table: "outcome",
        sql: "/* seal::look */ SELECT t.outcome_row, f.referral_id, f.epoch, f.raw_key, \
              f.offender_key, f.victim_key, t.outcome_id, 0, t.compartment, t.body \
              FROM outcome AS t LEFT JOIN referral AS f ON f.referral_row = t.referral_row \
              WHERE t.outcome_row BETWEEN ?1 AND ?2",
        columns: &[("outcome", Side::Compartment)],
    },
    Sealing {
        table: "decision",
        sql: "/* seal::look */ SELECT t.decision_row, f.referral_id, f.epoch, f.raw_key, \
              f.offender_key, f.victim_key, t.decision_id, 0, 0, t.body \
              FROM decision AS t LEFT JOIN referral AS f ON f.referral_row = t.referral_row \
              WHERE t.decision_row BETWEEN ?1 AND ?2",
        columns: &[("decision", Side::Offender)],
    },
    Sealing {
        table: "message",
        sql: "/* seal::look */ SELECT t.message_row, f.referral_id, f.epoch, f.raw_key, \
              f.offender_key, f.victim_key, coalesce(o.event_id, s.event_id), 0, \
              coalesce(o.compartment, s.compartment), t.body \
              FROM message AS t LEFT JOIN referral AS f ON f.referral_row = t.referral_row \
              LEFT JOIN outbox AS o ON o.outbox_row = t.message_row * 8 \
              LEFT JOIN sent AS s ON s.sent_row = t.message_row * 8 \
              WHERE t.message_row BETWEEN ?1 AND ?2",
        columns: &[("message", Side::Compartment)],
    },
    Sealing {
        table: "notice",
        sql: "/* seal::look */ SELECT t.notice_row, coalesce(f.referral_id, h.hold_id), \
              coalesce(f.epoch, h.epoch), coalesce(f.raw_key, h.raw_key), \
              coalesce(f.offender_key, h.offender_key), coalesce(f.victim_key, h.victim_key), \
              t.notice_id, 0, t.compartment, t.body \
              FROM notice AS t LEFT JOIN referral AS f ON f.referral_row = t.referral_row \
              LEFT JOIN hold AS h ON h.hold_row = t.hold_row \
              WHERE t.notice_row BETWEEN ?1 AND ?2",
        columns: &[("notice", Side::Compartment)],
    },
];

/// Opens everything that is sealed in these rows, and throws it away. What cannot be opened for want
/// of an epoch, or because it was erased, is passed by.
pub(crate) fn look(
    connection: &Connection,
    vault: &Vault,
    table: &str,
    (first, last): (i64, i64),
    findings: &mut Vec<RowFinding>,
) -> Result<(), Error> {
    let Some(sealing) = SEALED.iter().find(|sealing| sealing.table == table) else {
        return Ok(());
    };
    let mut select = connection.prepare_cached(sealing.sql)?;
    let mut rows = select.query([first, last])?;
    while let Some(row) = rows.next()? {
        let case_id = row.get::<_, Option<[u8; 16]>>(1).ok().flatten().map(Uuid::from_bytes);
        let what = match opens(row, vault, sealing) {
            Ok(()) => continue,
            Err(Closed::Vault(cara_vault::Error::EpochMissing(_) | cara_vault::Error::Erased)) => {
                continue;
            }
            Err(Closed::Vault(_)) => "a seal does not open: its bytes or its keys were changed",
            Err(Closed::Row) => "what it belongs to is not there",
        };
        let (table, row) = (table.to_owned(), row.get(0)?);
        findings.push(RowFinding { table, row, case_id, what: what.to_owned() });
    }
    Ok(())
}

enum Closed {
    /// A column is empty that is not in a whole row; the file itself was read.
    Row,
    Vault(cara_vault::Error),
}

impl From<rusqlite::Error> for Closed {
    fn from(_: rusqlite::Error) -> Closed {
        Closed::Row
    }
}

impl From<cara_vault::Error> for Closed {
    fn from(error: cara_vault::Error) -> Closed {
        Closed::Vault(error)
    }
}

fn opens(row: &Row<'_>, vault: &Vault, sealing: &Sealing) -> Result<(), Closed> {
    let id = |index| row.get(index).map(Uuid::from_bytes);
    let wrapped = WrappedKeys {
        epoch: row.get(2)?,
        raw: row.get(3)?,
        offender: row.get(4)?,
        victim: row.get(5)?,
    };
    let keys = vault.unwrap_keys(id(1)?, &wrapped)?;
    let (bound_to, revision, compartment) = (id(6)?, row.get(7)?, row.get::<_, i64>(8)?);
    for (place, (column, side)) in sealing.columns.iter().enumerate() {
        let Some(bytes) = row.get::<_, Option<Vec<u8>>>(9 + place)? else { continue };
        let binding = Binding { id: bound_to, revision, column };
        let side = match (side, compartment) {
            (Side::Compartment, 0) => Side::Offender,
            (Side::Compartment, _) => Side::Victim,
            (side, _) => *side,
        };
        open(vault, &keys, binding, bytes, side)?;
    }
    Ok(())
}

fn open(
    vault: &Vault,
    keys: &Keys,
    binding: Binding,
    bytes: Vec<u8>,
    side: Side,
) -> Result<(), cara_vault::Error> {
    match side {
        Side::Raw => vault.holds(keys, binding, &Sealed::<RawKey>::from_stored(bytes)),
        Side::Offender | Side::Compartment => {
            vault.holds(keys, binding, &Sealed::<OffenderKey>::from_stored(bytes))
        }
        Side::Victim => vault.holds(keys, binding, &Sealed::<VictimKey>::from_stored(bytes)),
    }
}
