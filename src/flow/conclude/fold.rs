//! Everything that is known of a case, folded: where it stands, and which outcomes stand.

use std::collections::BTreeSet;

use cara_record::domain::choice::Decided;
use cara_record::domain::decision::Decision;
use cara_record::domain::outcome::{Outcome, Report};
use cara_record::domain::standing::Standing;
use cara_record::wire::outcome::Told as Reported;
use jiff::civil::Date;
use uuid::Uuid;

use crate::clock::london_day;
use crate::store::{Case, Compartment};

pub(super) fn side_of(reported: &Reported) -> Compartment {
    match reported {
        Reported::Offender(_) => Compartment::Offender,
        Reported::Victim(_) => Compartment::Victim,
    }
}

/// The day of a workshop that took place, or should have.
pub(super) fn workshop_day(reported: &Reported) -> Option<Date> {
    match reported {
        Reported::Offender(Outcome {
            report: Report::WorkshopAttended { on, .. } | Report::WorkshopMissed { on, .. },
            ..
        }) => Some(*on),
        _ => None,
    }
}

/// What a case's outcomes amount to, folded once.
pub(super) struct Folded {
    pub standing: Standing,
    /// The outcomes that stand: not behind a gap and no contradiction. The victim's side has no
    /// programme, so everything of it that is not behind a gap stands.
    stand: BTreeSet<Uuid>,
}

impl Folded {
    pub fn of(reported: &[Reported], case: &Case) -> Folded {
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
        let standing = Standing::of(outcomes, withdrawn.as_slice());
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

    pub fn stands(&self, reported: &Reported) -> bool {
        self.stand.contains(&reported.head().outcome_id)
    }

    pub fn contradicts(&self, reported: &Reported) -> bool {
        self.standing.contradictions.contains_key(&reported.head().outcome_id)
    }
}
