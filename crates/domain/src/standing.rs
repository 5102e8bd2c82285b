//! Where a case stands: a pure fold over its stored outcomes by number and its decisions by day,
//! then id. So equal facts give equal standing, in whatever order they arrived.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::Serialize;
use uuid::Uuid;

use super::caution::Caution;
use super::choice::{Decided, MissReason};
use super::decision::Decision;
use super::outcome::{OffenderReport, Outcome, WorkshopPart};
use super::programme::{Contradiction, Programme};

/// Everything that the facts of one referral amount to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CaseStanding {
    pub programme: Programme,
    pub caution: Caution,
    /// Workshops attended, whatever became of the programme afterwards. Attended and compliant are
    /// two facts.
    pub attended: Vec<(WorkshopPart, Date)>,
    /// Workshops missed that count; what the provider cancelled does not.
    pub missed: Vec<(WorkshopPart, Date, MissReason)>,
    /// When the provider closed its file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed: Option<Date>,
    /// When police said that the referral was sent in error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recalled: Option<Date>,
    /// The first number that has not arrived while a later one has. What is behind it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gap: Option<u32>,
    /// Outcomes that contradict what came before them, and why; they change nothing.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub contradictions: BTreeMap<Uuid, Contradiction>,
}

impl CaseStanding {
    /// Folds the facts. Outcomes with one number twice cannot be stored, so the first is taken.
    pub fn of<'o>(
        outcomes: impl IntoIterator<Item = &'o Outcome>,
        decisions: &[Decision],
    ) -> CaseStanding {
        let mut by_number: BTreeMap<u32, &Outcome> = BTreeMap::new();
        for outcome in outcomes {
            by_number.entry(outcome.number).or_insert(outcome);
        }
        let applied: Vec<&Outcome> = (1..)
            .zip(by_number.iter())
            .take_while(|(expected, (number, _))| expected == *number)
            .map(|(_, (_, outcome))| *outcome)
            .collect();
        let gap = (applied.len() < by_number.len())
            .then(|| u32::try_from(applied.len()).map_or(u32::MAX, |applied| applied + 1));
        let mut standing = CaseStanding {
            programme: Programme::Sent,
            caution: Caution::Active,
            attended: Vec::new(),
            missed: Vec::new(),
            closed: None,
            recalled: None,
            gap,
            contradictions: BTreeMap::new(),
        };
        let reports = standing.run(&applied);
        standing.judge(reports, decisions);
        standing.close(&applied);
        standing
    }

    /// The provider's half; gives the days on which non-compliance was reported.
    fn run(&mut self, applied: &[&Outcome]) -> Vec<Date> {
        // From the last on, so that a correction which was itself taken back takes nothing back.
        let mut taken_back: BTreeSet<Uuid> = BTreeSet::new();
        for outcome in applied.iter().rev() {
            if let OffenderReport::Correction { supersedes } = outcome.report
                && !taken_back.contains(&outcome.outcome_id)
            {
                taken_back.insert(supersedes);
            }
        }
        let mut reports = Vec::new();
        for outcome in applied {
            if taken_back.contains(&outcome.outcome_id) {
                continue;
            }
            let programme = std::mem::replace(&mut self.programme, Programme::Sent);
            match programme.apply(outcome) {
                Ok(moved) => {
                    self.programme = moved;
                    self.note(outcome, &mut reports);
                }
                Err((unmoved, because)) => {
                    self.programme = unmoved;
                    self.contradictions.insert(outcome.outcome_id, because);
                }
            }
        }
        reports
    }

    fn note(&mut self, outcome: &Outcome, reports: &mut Vec<Date>) {
        match &outcome.report {
            OffenderReport::WorkshopAttended { part, on, .. } => self.attended.push((*part, *on)),
            OffenderReport::WorkshopMissed { part, on, reason, .. }
                if *reason != MissReason::CancelledByProvider =>
            {
                self.missed.push((*part, *on, *reason));
            }
            OffenderReport::NonComplianceReported { .. } => reports.push(outcome.happened_on),
            OffenderReport::Closed => self.closed = Some(outcome.happened_on),
            _ => {}
        }
    }

    /// The police half. A report and a decision of one day: the report came first.
    fn judge(&mut self, reports: Vec<Date>, decisions: &[Decision]) {
        let replaced: BTreeSet<Uuid> =
            decisions.iter().filter_map(|decision| decision.supersedes).collect();
        let mut standing: Vec<&Decision> =
            decisions.iter().filter(|decision| !replaced.contains(&decision.decision_id)).collect();
        standing.sort_by_key(|decision| (decision.decided_on, decision.decision_id));
        standing.dedup_by_key(|decision| decision.decision_id);
        let mut reports = reports;
        reports.sort_unstable();
        let mut reports = reports.into_iter().peekable();
        let completed = matches!(self.programme, Programme::Completed { .. });
        for decision in standing {
            while let Some(on) = reports.next_if(|on| *on <= decision.decided_on) {
                self.report(on);
            }
            let caution = std::mem::replace(&mut self.caution, Caution::Active);
            self.caution = caution.decide(decision, completed);
            if decision.decided == Decided::Recalled {
                self.recalled = Some(decision.decided_on);
            }
            let ends = matches!(decision.decided, Decided::Withdrawn | Decided::Recalled);
            if ends && !self.programme.has_ended() {
                self.programme = Programme::Withdrawn { on: decision.decided_on };
            }
        }
        for on in reports {
            self.report(on);
        }
    }

    /// A decision of police may have ended the programme that the provider says it has closed.
    fn close(&mut self, applied: &[&Outcome]) {
        if !self.programme.has_ended() {
            return;
        }
        for outcome in applied.iter().filter(|outcome| outcome.report == OffenderReport::Closed) {
            let because = self.contradictions.get(&outcome.outcome_id);
            if because == Some(&Contradiction::HasNotEnded) {
                self.contradictions.remove(&outcome.outcome_id);
                self.closed = Some(outcome.happened_on);
            }
        }
    }

    fn report(&mut self, on: Date) {
        let caution = std::mem::replace(&mut self.caution, Caution::Active);
        self.caution = caution.non_compliance(on);
    }

    /// Whether this outcome waits behind a gap.
    pub fn waits(&self, number: u32) -> bool {
        self.gap.is_some_and(|gap| number > gap)
    }
}
