//! Everything that is known of a case, folded: where it stands, and which outcomes stand.

use cara_domain::Compartment;
use std::collections::BTreeSet;

use cara_domain::caution::Caution;
use cara_domain::choice::Decided;
use cara_domain::decision::Decision;
use cara_domain::outcome::{OffenderReport, Outcome};
use cara_domain::programme::Programme;
use cara_domain::standing::CaseStanding;
use cara_wire::outcome::OutcomeMessage as Reported;
use jiff::civil::Date;
use uuid::Uuid;

use cara_clock::london_day;
use cara_store::{Case, NewStanding};

pub(crate) fn side_of(reported: &Reported) -> Compartment {
    match reported {
        Reported::Offender(_) => Compartment::Offender,
        Reported::Victim(_) => Compartment::Victim,
    }
}

/// The day of a workshop that took place, or should have.
pub(crate) fn workshop_day(reported: &Reported) -> Option<Date> {
    match reported {
        Reported::Offender(Outcome {
            report:
                OffenderReport::WorkshopAttended { on, .. } | OffenderReport::WorkshopMissed { on, .. },
            ..
        }) => Some(*on),
        _ => None,
    }
}

/// What a case's outcomes amount to, folded once.
pub(crate) struct Folded {
    pub standing: CaseStanding,
    /// The outcomes that stand: not behind a gap and no contradiction. The victim's side has no
    /// programme, so everything of it that is not behind a gap stands.
    stand: BTreeSet<Uuid>,
}

impl Folded {
    pub fn of(reported: &[Reported], decisions: &[Decision], case: &Case) -> Folded {
        // A record that takes the case back says what police decided.
        let withdrawn = case.withdrawn_at.map(|at| Decision {
            decision_id: case.referral_id,
            decided_on: london_day(at),
            decided: Decided::Withdrawn,
            new_deadline: None,
            supersedes: None,
        });
        let outcomes = reported.iter().filter_map(|reported| match reported {
            Reported::Offender(outcome) => Some(outcome),
            Reported::Victim(_) => None,
        });
        let decisions: Vec<Decision> = decisions.iter().cloned().chain(withdrawn).collect();
        let standing = CaseStanding::of(outcomes, &decisions);
        let of_victim = reported.iter().filter(|it| side_of(it) == Compartment::Victim);
        let mut numbers: Vec<u32> = of_victim.map(|it| it.head().number).collect();
        numbers.sort_unstable();
        let whole = (1..).zip(&numbers).take_while(|(expected, it)| expected == *it).count();
        let stands = |reported: &&Reported| {
            let head = reported.head();
            match reported {
                Reported::Offender(_) => {
                    !standing.waits(head.number)
                        && !standing.contradictions.contains_key(&head.outcome_id)
                }
                Reported::Victim(_) => usize::try_from(head.number).is_ok_and(|n| n <= whole),
            }
        };
        let stand = reported.iter().filter(stands).map(|it| it.head().outcome_id).collect();
        Folded { standing, stand }
    }

    /// The states as they are stored, folded from one fact more than `facts_before`.
    pub fn to_store(&self, facts_before: u32) -> NewStanding {
        let Folded { standing, .. } = self;
        NewStanding {
            facts_before,
            programme: standing.programme.state(),
            caution: standing.caution.state(),
            has_ended: standing.programme.has_ended() || standing.caution.has_ended(),
            gap: standing.gap,
            deadline: match standing.caution {
                Caution::Varied { deadline, .. } => Some(deadline),
                _ => None,
            },
            booked_on: match standing.programme {
                Programme::Booked1 { on } | Programme::Booked2 { on, second: None, .. } => Some(on),
                _ => None,
            },
            is_recalled: standing.recalled.is_some(),
            is_closed: standing.closed.is_some(),
        }
    }

    pub fn stands(&self, reported: &Reported) -> bool {
        self.stand.contains(&reported.head().outcome_id)
    }

    pub fn contradicts(&self, reported: &Reported) -> bool {
        self.standing.contradictions.contains_key(&reported.head().outcome_id)
    }
}
