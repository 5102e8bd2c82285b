//! The mappings that are live: which version of which file reads a body now.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use cara_mapping::Plan;
use cara_mapping::letter::LetterPlan;
use cara_store::{ForceNumber, MappingRef};

/// One compiled mapping and the version it is.
#[derive(Debug)]
pub struct LivePlan {
    pub force: ForceNumber,
    pub plan: Plan,
    pub reference: MappingRef,
}

/// One compiled `notice.toml` and the version it is.
#[derive(Debug)]
pub struct LiveLetter {
    pub force: ForceNumber,
    pub plan: LetterPlan,
    pub reference: MappingRef,
}

/// One mapping that goes live.
#[derive(Debug)]
pub enum LiveMapping {
    Plan(LivePlan),
    Letter(LiveLetter),
}

/// Every live plan by force. The swap is atomic: a body is read by the plans it started with.
#[derive(Debug, Default)]
pub struct Live {
    plans: RwLock<Arc<BTreeMap<ForceNumber, Vec<Arc<LivePlan>>>>>,
    letters: RwLock<Arc<BTreeMap<ForceNumber, Arc<LiveLetter>>>>,
}

impl Live {
    /// Puts these plans in the place of all earlier ones.
    pub fn replace(&self, plans: Vec<LivePlan>, letters: Vec<LiveLetter>) {
        let letters = letters.into_iter().map(|letter| (letter.force, Arc::new(letter)));
        *self.letters.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(letters.collect());
        let mut by_force: BTreeMap<ForceNumber, Vec<Arc<LivePlan>>> = BTreeMap::new();
        for plan in plans {
            by_force.entry(plan.force).or_default().push(Arc::new(plan));
        }
        *self.plans.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(by_force);
    }

    /// Puts one mapping in the place of the one of its force and name, unless that is a later
    /// version: whoever compiled longer does not undo what has gone live meanwhile.
    pub fn swap(&self, mapping: LiveMapping) {
        match mapping {
            LiveMapping::Letter(letter) => {
                let mut letters = self.letters.write().unwrap_or_else(PoisonError::into_inner);
                let mut next = BTreeMap::clone(&letters);
                let live = next.get(&letter.force);
                if live.is_some_and(|live| live.reference.version > letter.reference.version) {
                    return;
                }
                next.insert(letter.force, Arc::new(letter));
                *letters = Arc::new(next);
            }
            LiveMapping::Plan(plan) => {
                let mut plans = self.plans.write().unwrap_or_else(PoisonError::into_inner);
                let mut next = BTreeMap::clone(&plans);
                let of_force = next.entry(plan.force).or_default();
                let is_later = |live: &Arc<LivePlan>| {
                    live.reference.name == plan.reference.name
                        && live.reference.version > plan.reference.version
                };
                if of_force.iter().any(is_later) {
                    return;
                }
                of_force.retain(|live| live.reference.name != plan.reference.name);
                of_force.push(Arc::new(plan));
                of_force.sort_by(|a, b| b.reference.name.cmp(&a.reference.name));
                *plans = Arc::new(next);
            }
        }
    }

    /// The plans of one force.
    pub fn of(&self, force: ForceNumber) -> Vec<Arc<LivePlan>> {
        let plans = Arc::clone(&self.plans.read().unwrap_or_else(PoisonError::into_inner));
        plans.get(&force).cloned().unwrap_or_default()
    }

    /// How this force's letters are written.
    pub fn letter(&self, force: ForceNumber) -> Option<Arc<LiveLetter>> {
        let letters = self.letters.read().unwrap_or_else(PoisonError::into_inner);
        letters.get(&force).cloned()
    }

    /// Which version of a mapping is live; none: no such mapping is.
    pub fn reference(&self, force: ForceNumber, name: &str) -> Option<MappingRef> {
        let letter = self.letter(force).map(|live| live.reference.clone());
        let plan = || self.named(force, name).map(|live| live.reference.clone());
        letter.filter(|letter| letter.name == name).or_else(plan)
    }

    /// The plan of this force with this name.
    pub fn named(&self, force: ForceNumber, name: &str) -> Option<Arc<LivePlan>> {
        self.of(force).into_iter().find(|live| live.reference.name == name)
    }
}
