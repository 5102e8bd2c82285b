//! What the forces were told and what the charity saw, kept apart until they are compared.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use super::story::Said;

/// Clones share one ledger.
#[derive(Clone, Debug, Default)]
pub struct Ledger(Arc<Mutex<Pages>>);

#[derive(Debug, Default)]
pub struct Pages {
    /// By force.
    pub told: BTreeMap<&'static str, ForceTally>,
    /// Every referral and revision that the gateway took responsibility for.
    pub accepted: BTreeSet<(Uuid, u32)>,
    /// Decisions that the gateway took responsibility for.
    pub decided: BTreeSet<Uuid>,
    pub seen: QueueTally,
    pub way_back: WayBack,
    /// Words about victims, in lower case: none may turn up on the offender's side.
    pub victim_marks: HashSet<String>,
}

/// How the records that one force pushed were answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ForceTally {
    pub pushed: u64,
    /// Duplicates included: the gateway has taken responsibility for those as well.
    pub accepted: u64,
    pub duplicates: u64,
    pub held: u64,
    /// The body could not be read: nothing was kept.
    pub refused: u64,
}

/// What came out of the queues.
#[derive(Debug, Default)]
pub struct QueueTally {
    pub message_ids: HashSet<String>,
    /// On the intake queues.
    pub referrals: BTreeSet<(Uuid, u32)>,
    /// On the victim queues, by referral: her message is sent when it changed.
    pub victims: BTreeSet<Uuid>,
    /// What police decided, by message.
    pub decisions: BTreeSet<String>,
    /// What the victim workers were told of the offender's side.
    pub prompts: u64,
    /// Copies of a message seen before: the broker promises at least once.
    pub again: u64,
    /// Messages on an intake queue with something about a victim.
    pub leaks: u64,
    /// Messages that are not as the contract says.
    pub unreadable: u64,
}

/// What the charity reported, and what the forces read of it.
#[derive(Debug, Default)]
pub struct WayBack {
    /// By referral: told once, and said again in the same words when it has to be.
    pub stories: BTreeMap<Uuid, Vec<Said>>,
    /// Outcomes that the broker has taken.
    pub reported: BTreeSet<Uuid>,
    /// Those of which the force has to be told.
    pub promised: BTreeSet<Uuid>,
    /// Outcomes that a force has read a notice of, and taken it over.
    pub read: BTreeSet<Uuid>,
    /// Numbers that were missing between two notices.
    pub gaps: u64,
    /// Outcomes that came back as not applied.
    pub rejected: u64,
    /// Notices of the force whose letters are pushed, as it reads them.
    pub pushed: BTreeSet<Uuid>,
    /// Notices whose letters its endpoint has taken.
    pub letters: BTreeSet<Uuid>,
    /// How often its endpoint was down.
    pub times_down: u64,
    /// What victim workers have to be told of what the charity reported.
    pub prompts_due: u64,
}

impl WayBack {
    /// Letters that have not arrived.
    pub fn missing_letters(&self) -> usize {
        self.pushed.difference(&self.letters).count()
    }

    /// Outcomes that a force does not know of yet.
    pub fn missing(&self) -> usize {
        self.promised.difference(&self.read).count()
    }
}

impl Ledger {
    pub fn open(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ForceTally {
    pub fn is_even(&self) -> bool {
        self.pushed == self.accepted + self.held + self.refused
    }

    pub fn and(self, other: ForceTally) -> ForceTally {
        ForceTally {
            pushed: self.pushed + other.pushed,
            accepted: self.accepted + other.accepted,
            duplicates: self.duplicates + other.duplicates,
            held: self.held + other.held,
            refused: self.refused + other.refused,
        }
    }
}

impl Pages {
    pub fn all_told(&self) -> ForceTally {
        self.told.values().fold(ForceTally::default(), |sum, told| sum.and(*told))
    }

    /// Accepted, and not yet on an intake queue.
    pub fn missing_referrals(&self) -> usize {
        self.accepted.difference(&self.seen.referrals).count()
    }

    /// Referrals of which no message reached a victim queue.
    pub fn missing_victims(&self) -> usize {
        let referrals: BTreeSet<_> = self.accepted.iter().map(|(id, _)| *id).collect();
        referrals.difference(&self.seen.victims).count()
    }

    pub fn consumed(&self) -> usize {
        self.accepted.intersection(&self.seen.referrals).count()
    }

    /// The charity's whole story of a referral is on the broker.
    fn is_reported(&self, referral_id: Uuid) -> bool {
        let story = self.way_back.stories.get(&referral_id);
        story.is_some_and(|story| {
            story.iter().all(|said| self.way_back.reported.contains(&said.outcome_id))
        })
    }

    /// Every decision, and what was reported that concerns her.
    pub fn prompts_due(&self) -> u64 {
        self.way_back.prompts_due + self.decided.len() as u64
    }

    /// The charity has everything that it was promised, and the forces know what it reported.
    pub fn is_drained(&self) -> bool {
        let referrals = self.accepted.iter().map(|(id, _)| id);
        let all_reported = referrals.into_iter().all(|id| self.is_reported(*id));
        self.missing_referrals() == 0
            && self.missing_victims() == 0
            && all_reported
            && self.way_back.missing() == 0
            && self.way_back.missing_letters() == 0
            && self.seen.decisions.len() == self.decided.len()
            && self.seen.prompts == self.prompts_due()
    }
}
