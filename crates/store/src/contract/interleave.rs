//! Any interleaving of writes, claims, settlements, clock jumps and crashes, beside a model.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
pub enum Move {
    /// The next revision of one of a few cases.
    Write {
        case: usize,
    },
    Claim {
        limit: usize,
    },
    /// Settles the leases that are held, as this.
    Settle {
        which: usize,
        how: How,
    },
    Pass {
        seconds: u64,
    },
    Crash,
}

#[derive(Clone, Copy, Debug)]
pub enum How {
    Done,
    Retry,
}

pub fn moves() -> impl Strategy<Value = Vec<Move>> {
    let how = prop_oneof![6 => Just(How::Done), 2 => Just(How::Retry)];
    let one = prop_oneof![
        5 => (0..6_usize).prop_map(|case| Move::Write { case }),
        6 => (1..5_usize).prop_map(|limit| Move::Claim { limit }),
        8 => (0..8_usize, how).prop_map(|(which, how)| Move::Settle { which, how }),
        2 => (1..70_u64).prop_map(|seconds| Move::Pass { seconds }),
        1 => Just(Move::Crash),
    ];
    prop::collection::vec(one, 1..80)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Done,
}

/// What must be true of the outbox, told without a table.
#[derive(Default)]
struct Model {
    cases: BTreeMap<usize, (Uuid, u32)>,
    /// Every acknowledged message, in the order of its lane: (case, compartment) → ids.
    lanes: HashMap<(usize, Compartment), Vec<Uuid>>,
    lane_of: HashMap<Uuid, (usize, Compartment)>,
    after: HashMap<Uuid, Uuid>,
    states: HashMap<Uuid, State>,
    not_before: HashMap<Uuid, Timestamp>,
    leased_until: HashMap<Uuid, Duration>,
}

impl Model {
    /// Whether a claim may hand this message out now.
    fn may_claim(&self, id: Uuid, clock: &Clock) -> bool {
        let lane = &self.lanes[&self.lane_of[&id]];
        let is_done = |id: &Uuid| self.states[id] == State::Done;
        self.states[&id] == State::Waiting
            && lane.iter().take_while(|&&other| other != id).all(is_done)
            && self.after.get(&id).is_none_or(is_done)
            && self.not_before.get(&id).is_none_or(|&at| at <= clock.now())
            && self.leased_until.get(&id).is_none_or(|&until| until <= clock.monotonic())
    }

    fn count(&self, state: State) -> u64 {
        self.states.values().filter(|&&other| other == state).count() as u64
    }
}

pub async fn any_interleaving_keeps_every_row_and_every_lane(
    place: &dyn TestStore,
    moves: Vec<Move>,
) {
    let clock = place.clock();
    let mut store = place.open();
    let mut model = Model::default();
    let mut held: Vec<Leased> = Vec::new();
    for step in moves {
        match step {
            Move::Write { case } => write_next(place, &*store, &mut model, case).await,
            Move::Claim { limit } => {
                let claimable =
                    model.states.keys().filter(|&&id| model.may_claim(id, clock)).count();
                let rows = claim(&*store, limit, LEASE_S).await;
                assert_eq!(rows.len(), claimable.min(limit), "of {claimable} claimable");
                for row in rows {
                    assert!(model.may_claim(row.event_id, clock), "{row:?}");
                    let until = clock.monotonic() + Duration::from_secs(u64::from(LEASE_S));
                    model.leased_until.insert(row.event_id, until);
                    held.retain(|other| other.event_id != row.event_id);
                    held.push(row);
                }
            }
            Move::Settle { which, how } if which < held.len() => {
                let row = held.swap_remove(which);
                settle_one(&*store, clock, &mut model, &row, how).await;
            }
            Move::Settle { .. } => {}
            Move::Pass { seconds } => clock.advance(Duration::from_secs(seconds)),
            Move::Crash => {
                store = place.crash(store);
                held.clear();
                // Whether a start frees leases is the backend's: their deadline frees them anywhere.
                clock.advance(Duration::from_secs(LEASE_S.into()));
                model.leased_until.clear();
            }
        }
        let backlog = store.backlog().await.unwrap();
        assert_eq!(backlog.rows, model.count(State::Waiting));
    }
    // Whatever happened: once the leases have run out, all goes out.
    clock.advance(Duration::from_secs(1_000));
    let waiting = model.count(State::Waiting);
    assert_eq!(drain(&*store, clock).await.len() as u64, waiting);
    let _ = links(&*store, place).await;
}

async fn write_next(place: &dyn TestStore, store: &dyn Store, model: &mut Model, case: usize) {
    let name = format!("A/{case}");
    let mut written = revision(place, &name, model.cases.get(&case).map_or(1, |seen| seen.1 + 1));
    if let Some((referral_id, _)) = model.cases.get(&case) {
        written.referral_id = *referral_id;
    }
    model.cases.insert(case, (written.referral_id, written.revision));
    for message in &written.messages {
        let lane = (case, message.compartment);
        model.lanes.entry(lane).or_default().push(message.event_id);
        model.lane_of.insert(message.event_id, lane);
        model.states.insert(message.event_id, State::Waiting);
        if let Some(after) = message.after {
            model.after.insert(message.event_id, after);
        }
    }
    write(store, accept(place, written)).await;
}

async fn settle_one(store: &dyn Store, clock: &Clock, model: &mut Model, row: &Leased, how: How) {
    let not_before = clock.now() + jiff::SignedDuration::from_secs(20);
    let settled = match how {
        How::Done => done(clock, row).1,
        How::Retry => Settled::Retry { not_before, reason: "returned" },
    };
    let answer = store.settle(vec![(row.lease.clone(), settled)]).await.unwrap();
    assert_eq!(answer, vec![true], "nobody else has claimed it");
    model.leased_until.remove(&row.event_id);
    match how {
        How::Done => drop(model.states.insert(row.event_id, State::Done)),
        How::Retry => drop(model.not_before.insert(row.event_id, not_before)),
    }
}
