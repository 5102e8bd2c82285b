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

pub(super) fn standing(reported: &[Reported], case: &Case) -> Standing {
    let outcomes: Vec<Outcome> = reported
        .iter()
        .filter_map(|reported| match reported {
            Reported::Offender(outcome) => Some(outcome.clone()),
            Reported::Victim(_) => None,
        })
        .collect();
    // A record that takes the case back says what police decided.
    let withdrawn = case.withdrawn_at.map(|at| Decision {
        decision_id: case.referral_id,
        decided_on: london_day(at),
        decided: Decided::Withdrawn,
        new_deadline: None,
        supersedes: None,
    });
    Standing::of(&outcomes, withdrawn.as_slice())
}

/// The outcomes that stand: not behind a gap and no contradiction. The victim's side has no
/// programme, so everything of it that is not behind a gap stands.
pub(super) fn effective(reported: &[Reported], case: &Case) -> BTreeSet<Uuid> {
    let standing = standing(reported, case);
    let mut numbers: Vec<u32> = reported
        .iter()
        .filter(|reported| side_of(reported) == Compartment::Victim)
        .map(|reported| reported.head().number)
        .collect();
    numbers.sort_unstable();
    let whole = (1..).zip(&numbers).take_while(|(expected, number)| expected == *number).count();
    reported
        .iter()
        .filter(|reported| {
            let head = reported.head();
            match reported {
                Reported::Offender(_) => {
                    !standing.waits(head.number)
                        && !standing.contradictions.contains_key(&head.outcome_id)
                }
                Reported::Victim(_) => usize::try_from(head.number).is_ok_and(|n| n <= whole),
            }
        })
        .map(|reported| reported.head().outcome_id)
        .collect()
}
