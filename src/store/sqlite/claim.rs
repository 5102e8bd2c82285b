//! Claims of outbox rows. They live in memory: a process that dies holds none.
//!
//! A claim walks the waiting rows from the oldest. A row is blocked when an earlier waiting row is
//! of its lane (the same referral and exchange), or when the message it must follow still waits;
//! since the walk starts at the oldest, it has seen all that could block. The walk passes the rows
//! in flight and those they block, so its length follows the window and not the backlog.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, params};
use uuid::Uuid;

use super::super::{Compartment, Error, ForceCode, Lease, Leased, Settled};
use super::{entry, failed, value};
use crate::clock::Clock;

/// Rows that one claim looks at, at most.
const LOOK_MAX: usize = 8192;

#[derive(Default)]
pub(super) struct Claims {
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    by_row: HashMap<i64, Claim>,
    last_token: u64,
}

struct Claim {
    token: u64,
    /// On the clock that never goes back.
    ends: Duration,
}

/// A waiting row as the walk sees it.
struct Waiting {
    number: i64,
    event_id: Uuid,
    referral_id: Uuid,
    compartment: Compartment,
    after: Option<Uuid>,
    dead: bool,
    not_before: i64,
}

impl Claims {
    pub fn claim(
        &self,
        connection: &Connection,
        clock: &Clock,
        limit: usize,
        lease_s: u32,
    ) -> Result<Vec<Leased>, Error> {
        // Held while reading: a row is either still waiting and held here, or settled on the disk.
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock.monotonic();
        held.by_row.retain(|_, claim| claim.ends > now);
        let numbers = free(connection, &held, value::micros(clock.now()), limit)?;
        let ends = now + Duration::from_secs(u64::from(lease_s));
        let mut leased = Vec::with_capacity(numbers.len());
        for number in numbers {
            held.last_token += 1;
            let token = held.last_token;
            leased.push(load(connection, Lease { row_id: number, token })?);
            held.by_row.insert(number, Claim { token, ends });
        }
        Ok(leased)
    }

    /// Which of these leases are still held.
    pub fn held(&self, outcomes: &[(Lease, Settled)], clock: &Clock) -> Vec<bool> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock.monotonic();
        let holds = |lease: &Lease| {
            let claim = held.by_row.get(&lease.row_id);
            claim.is_some_and(|claim| claim.token == lease.token && claim.ends > now)
        };
        outcomes.iter().map(|(lease, _)| holds(lease)).collect()
    }

    /// Lets go of rows after their settling is on the disk.
    pub fn release(&self, rows: &[i64]) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        for row in rows {
            held.by_row.remove(row);
        }
    }
}

fn free(
    connection: &Connection,
    held: &Held,
    now_micros: i64,
    limit: usize,
) -> Result<Vec<i64>, Error> {
    let sql = "/* claim::free */ SELECT number, event_id, referral_id, compartment, after_id,
        state = 2 AS dead, not_before FROM message WHERE state <> 1 ORDER BY number";
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let mut lanes = HashSet::new();
    let mut waiting_events = HashSet::new();
    let mut free = Vec::new();
    for _ in 0..LOOK_MAX {
        if free.len() == limit {
            break;
        }
        let Some(row) = rows.next().map_err(failed)? else { break };
        let waiting = Waiting {
            number: row.get("number").map_err(failed)?,
            event_id: value::uuid(row, "event_id")?,
            referral_id: value::uuid(row, "referral_id")?,
            compartment: value::compartment(row)?,
            after: row
                .get::<_, Option<[u8; 16]>>("after_id")
                .map_err(failed)?
                .map(Uuid::from_bytes),
            dead: row.get("dead").map_err(failed)?,
            not_before: row.get("not_before").map_err(failed)?,
        };
        let lane_is_free = lanes.insert((waiting.referral_id, waiting.compartment));
        let follows = waiting.after.is_some_and(|after| waiting_events.contains(&after));
        waiting_events.insert(waiting.event_id);
        let may = lane_is_free
            && !follows
            && !waiting.dead
            && waiting.not_before <= now_micros
            && !held.by_row.contains_key(&waiting.number);
        if may {
            free.push(waiting.number);
        }
    }
    Ok(free)
}

fn load(connection: &Connection, lease: Lease) -> Result<Leased, Error> {
    let sql = "/* claim::load */ SELECT message.event_id, message.referral_id, message.revision,
        message.compartment, message.kind, message.attempts, referral.force, referral.provider,
        referral.epoch, referral.key_raw, referral.key_offender, referral.key_victim,
        revision.received_at,
        CASE message.compartment WHEN 0 THEN revision.offender_event END AS offender_event,
        CASE message.compartment WHEN 1 THEN revision.victim_event END AS victim_event
        FROM message
        JOIN referral ON referral.referral_id = message.referral_id
        JOIN revision ON revision.referral_id = message.referral_id
            AND revision.revision = message.revision
        WHERE message.number = ?";
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let mut rows = statement.query(params![lease.row_id]).map_err(failed)?;
    let Some(row) = rows.next().map_err(failed)? else {
        return Err(Error::Inconsistent { table: "message", what: "a message without its case" });
    };
    let compartment = value::compartment(row)?;
    Ok(Leased {
        event_id: value::uuid(row, "event_id")?,
        referral_id: value::uuid(row, "referral_id")?,
        revision: row.get("revision").map_err(failed)?,
        force: ForceCode(row.get("force").map_err(failed)?),
        provider: row.get("provider").map_err(failed)?,
        compartment,
        kind: row.get("kind").map_err(failed)?,
        received_at: value::timestamp(row, "received_at")?,
        keys: value::keys(row)?,
        body: entry::body(
            compartment,
            row.get("offender_event").map_err(failed)?,
            row.get("victim_event").map_err(failed)?,
        )?,
        attempts: row.get("attempts").map_err(failed)?,
        lease,
    })
}
