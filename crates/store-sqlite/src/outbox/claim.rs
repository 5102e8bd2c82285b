//! Who works on which outbox row. Leases live in memory: one process has the file, and its start
//! frees them all.
//!
//! How a claim finds rows without looking at blocked ones again and again:
//! - Each route (one side of a provider) has a *cursor* that walks its rows once, in the order of commits. A row that it finds claimable is
//!   leased; one that is blocked is passed by and forgotten.
//! - What unblocks a row is always something in its own referral: a message settled, a lease run
//!   out, a retry come due. Each notes the revision row in `again`, and the next
//!   claim looks through that referral's rows, wherever the cursor is.
//! - Rows that wait for their retry are kept by time, at most [`LATER_MAX`] of them; beyond that the
//!   latest are forgotten and the cursor starts over when they are due.
//!
//! So memory is bounded by the leases and [`LATER_MAX`], whatever the backlog, and each row is read
//! about twice: when the cursor meets it and when what blocked it has gone.

use cara_domain::Compartment;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;

use super::pending::{self, PendingRow};
use crate::column::revision_row;
use crate::growth;
use crate::transaction::Added;
use cara_clock::Clock;
use cara_store::{Lease, OutboxRoute, RowId};

/// Retries that are kept by time.
pub(crate) const LATER_MAX: usize = 10_000;
/// Rows that one claim looks through before it answers.
const ROWS_PER_CLAIM_MAX: usize = 20_000;
const ROWS_PER_PAGE: usize = 512;

/// What a committed transaction changed for those who claim.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub added: u64,
    /// The first revision row that was added.
    pub first_added: Option<i64>,
    pub done: Vec<i64>,
    pub retry: Vec<(i64, Timestamp)>,
    /// Bytes that a force's records added.
    pub grown: growth::DayBytes,
}

impl Effects {
    pub fn add(&mut self, added: Added) {
        if added.messages > 0 {
            self.added += added.messages;
            let first = self.first_added.get_or_insert(added.revision_row);
            *first = added.revision_row.min(*first);
        }
    }

    /// Whether some row may have become claimable.
    pub fn may_free(&self) -> bool {
        self.added > 0 || !self.done.is_empty()
    }
}

#[derive(Debug)]
struct Held {
    provider: String,
    side: Compartment,
    token: u64,
    /// On the monotonic clock.
    until: Duration,
    ran_out: bool,
}

#[derive(Debug, Default)]
struct State {
    /// By provider, then by side.
    providers: HashMap<String, [Course; 2]>,
    leases: HashMap<i64, Held>,
    rows: u64,
}

/// How far one route has been looked through.
#[derive(Debug, Default)]
struct Course {
    /// Every revision row up to this one has been looked at.
    cursor: i64,
    /// Nothing stands behind the cursor.
    at_end: bool,
    /// Revision rows whose referral is worth another look.
    again: BTreeSet<i64>,
    /// Rows that wait for their time.
    later: BTreeSet<(Timestamp, i64)>,
    later_rows: HashMap<i64, Timestamp>,
    /// When the first of the retries is due that `later` had no room for.
    start_over_at: Option<Timestamp>,
}

/// The claims of one opened file.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    state: Mutex<State>,
}

/// Rows that a claim has leased.
#[derive(Debug)]
pub(crate) struct Picked {
    pub leases: Vec<Lease>,
    /// It ended early; there may be more.
    pub unfinished: bool,
}

impl Claims {
    pub fn open(connection: &Connection) -> rusqlite::Result<Claims> {
        let rows = pending::count(connection)?;
        Ok(Claims { state: Mutex::new(State { rows, ..State::default() }) })
    }

    /// Whether the lease is the one that its row is leased by.
    pub fn holds(&self, lease: &Lease) -> bool {
        self.lock().leases.get(&lease.row_id.number()).is_some_and(|held| held.token == lease.token)
    }

    /// Rows that wait.
    pub fn rows(&self) -> u64 {
        self.lock().rows
    }

    /// Takes over what a commit changed. Called after the commit and before anybody is answered.
    pub fn apply(&self, effects: Effects) {
        let mut state = self.lock();
        if let Some(first) = effects.first_added {
            for course in state.providers.values_mut().flatten() {
                course.cursor = course.cursor.min(first - 1);
                course.at_end = false;
            }
        }
        let ended = effects.done.len() as u64;
        state.rows = (state.rows + effects.added).saturating_sub(ended);
        for row in effects.done {
            if let Some(held) = state.leases.remove(&row) {
                state.look_again(&held.provider, row);
            }
        }
        for (row, not_before) in effects.retry {
            if let Some(held) = state.leases.remove(&row) {
                state.courses(&held.provider)[held.side as usize].postpone(row, not_before);
            }
        }
    }

    /// Leases up to `limit` rows of the route. The connection's snapshot is taken after the lock, so what a
    /// commit has settled is either gone from it or still leased.
    pub fn pick(
        &self,
        connection: &Connection,
        clock: &Clock,
        route: &OutboxRoute,
        limit: usize,
        lease_s: u32,
    ) -> rusqlite::Result<Picked> {
        let mut state = self.lock();
        let now = clock.now();
        let monotonic = clock.monotonic();
        state.expire(monotonic);
        let courses = state.courses(&route.provider);
        courses[route.side as usize].come_due(now);
        let mut course = std::mem::take(&mut courses[route.side as usize]);
        let mut pick = Pick {
            clock,
            route,
            now,
            until: monotonic + Duration::from_secs(u64::from(lease_s)),
            limit,
            leases: Vec::new(),
        };
        let mut looked_at = 0;
        let found = pick
            .look_again(&mut state, &mut course, connection, &mut looked_at)
            .and_then(|()| pick.scan(&mut state, &mut course, connection, &mut looked_at));
        state.courses(&route.provider)[route.side as usize] = course;
        match found {
            Ok(finished) => Ok(Picked { leases: pick.leases, unfinished: !finished }),
            Err(error) => {
                state.release(&pick.leases);
                Err(error)
            }
        }
    }

    /// Gives leases back that nobody was handed.
    pub fn release(&self, leases: &[Lease]) {
        self.lock().release(leases);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Frees the rows whose leases have run out. Such a lease is still good for settling until
    /// another claim takes its row: what was confirmed late need not be sent twice.
    fn expire(&mut self, monotonic: Duration) {
        let mut free = Vec::new();
        for (&row, held) in &mut self.leases {
            if !held.ran_out && held.until <= monotonic {
                held.ran_out = true;
                free.push((held.provider.clone(), row));
            }
        }
        for (provider, row) in free {
            self.look_again(&provider, row);
        }
    }

    fn courses(&mut self, provider: &str) -> &mut [Course; 2] {
        if !self.providers.contains_key(provider) {
            self.providers.insert(provider.to_owned(), Default::default());
        }
        match self.providers.get_mut(provider) {
            Some(courses) => courses,
            None => unreachable!("it was put there"),
        }
    }

    /// Something has changed in the referral of this row, which concerns both of its sides.
    fn look_again(&mut self, provider: &str, row: i64) {
        for course in self.courses(provider) {
            course.again.insert(revision_row(row));
        }
    }

    fn release(&mut self, leases: &[Lease]) {
        for lease in leases {
            if let Some(held) = self.leases.remove(&lease.row_id.number()) {
                self.look_again(&held.provider, lease.row_id.number());
            }
        }
    }
}

impl Course {
    fn come_due(&mut self, now: Timestamp) {
        while let Some(&(not_before, row)) = self.later.first() {
            if not_before > now {
                break;
            }
            self.later.pop_first();
            self.later_rows.remove(&row);
            self.again.insert(revision_row(row));
        }
        if self.start_over_at.is_some_and(|at| at <= now) {
            self.start_over_at = None;
            self.cursor = 0;
            self.at_end = false;
        }
    }

    fn postpone(&mut self, row: i64, not_before: Timestamp) {
        if let Some(before) = self.later_rows.insert(row, not_before) {
            self.later.remove(&(before, row));
        }
        self.later.insert((not_before, row));
        if self.later.len() > LATER_MAX
            && let Some((latest, row)) = self.later.pop_last()
        {
            self.later_rows.remove(&row);
            self.start_over_at = Some(self.start_over_at.map_or(latest, |at| at.min(latest)));
        }
    }
}

/// One claim under way.
struct Pick<'c> {
    clock: &'c Clock,
    route: &'c OutboxRoute,
    now: Timestamp,
    until: Duration,
    limit: usize,
    leases: Vec<Lease>,
}

impl Pick<'_> {
    /// Looks through the referrals in which something has changed.
    fn look_again(
        &mut self,
        state: &mut State,
        course: &mut Course,
        connection: &Connection,
        looked_at: &mut usize,
    ) -> rusqlite::Result<()> {
        while self.leases.len() < self.limit && *looked_at < ROWS_PER_CLAIM_MAX {
            let Some(&revision_row) = course.again.first() else { break };
            let rows = pending::of_referral(connection, revision_row)?;
            *looked_at += rows.len() + 1;
            if self.take(state, course, &rows, |_| true) {
                course.again.remove(&revision_row);
            }
        }
        Ok(())
    }

    /// Walks on from the cursor; `false` when it ended before it had enough or saw the end.
    fn scan(
        &mut self,
        state: &mut State,
        course: &mut Course,
        connection: &Connection,
        looked_at: &mut usize,
    ) -> rusqlite::Result<bool> {
        while self.leases.len() < self.limit && !course.at_end {
            if *looked_at >= ROWS_PER_CLAIM_MAX {
                return Ok(false);
            }
            let wanted = (self.limit - self.leases.len()).saturating_mul(2).max(16);
            let page =
                pending::page(connection, self.route, course.cursor, wanted.min(ROWS_PER_PAGE))?;
            let Some(last) = page.rows.last().map(|row| revision_row(row.outbox_row)) else {
                course.at_end = true;
                return Ok(true);
            };
            *looked_at += page.rows.len();
            for rows in page.rows.chunk_by(|a, b| a.revision_row() == b.revision_row()) {
                let this = rows[0].revision_row();
                // The page may have cut the last revision short; the next page begins with it.
                if this == last && !page.is_last {
                    break;
                }
                let first = rows[0].revision == Some(1);
                let took_all = if first && rows.iter().all(|row| row.after.is_none()) {
                    self.take(state, course, rows, |_| true)
                } else {
                    let all = pending::of_referral(connection, this)?;
                    *looked_at += all.len();
                    self.take(state, course, &all, |row| row.revision_row() <= this)
                };
                if !took_all {
                    return Ok(true);
                }
                course.cursor = this;
                if self.leases.len() >= self.limit {
                    return Ok(true);
                }
            }
            if page.is_last {
                course.at_end = true;
                return Ok(true);
            }
        }
        Ok(true)
    }

    /// Leases what is claimable among all pending rows of one referral, in order. `false`: the limit
    /// left some of it.
    fn take(
        &mut self,
        state: &mut State,
        course: &mut Course,
        rows: &[PendingRow],
        wanted: impl Fn(&PendingRow) -> bool,
    ) -> bool {
        for (index, row) in rows.iter().enumerate() {
            let lane_is_free = rows[..index].iter().all(|other| other.lane != row.lane);
            let after_is_settled =
                row.after.is_none_or(|after| rows.iter().all(|other| other.event_id != after));
            if !wanted(row)
                || row.lane != self.route.side
                || !lane_is_free
                || !after_is_settled
                || state.leases.get(&row.outbox_row).is_some_and(|held| !held.ran_out)
            {
                continue;
            }
            if let Some(not_before) = row.not_before.filter(|&not_before| not_before > self.now) {
                course.postpone(row.outbox_row, not_before);
                continue;
            }
            if self.leases.len() >= self.limit {
                return false;
            }
            let lease = Lease { row_id: RowId::of(row.outbox_row), token: self.clock.random() };
            let held = Held {
                provider: self.route.provider.clone(),
                side: self.route.side,
                token: lease.token,
                until: self.until,
                ran_out: false,
            };
            state.leases.insert(row.outbox_row, held);
            self.leases.push(lease);
        }
        true
    }
}
