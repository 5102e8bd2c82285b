use jiff::civil::{Date, date};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use uuid::Uuid;

use crate::caution::Caution;
use crate::choice::{Choice, Decided, DeclineReason, MissReason, NonCompliance, YesNo};
use crate::decision::Decision;
use crate::outcome::{OffenderReport, Outcome, WorkshopPart};
use crate::programme::{Contradiction, Programme};
use crate::standing::CaseStanding;

const DAY: Date = date(2026, 3, 7);

fn outcome(number: u32, report: OffenderReport) -> Outcome {
    Outcome {
        outcome_id: Uuid::from_u128(u128::from(number)),
        referral_id: Uuid::from_u128(99),
        number,
        revision_seen: 1,
        happened_on: DAY,
        recorded_at: "2026-03-07T10:00:00Z".parse().unwrap(),
        report,
    }
}

fn run(reports: Vec<OffenderReport>) -> Vec<Outcome> {
    (1..).zip(reports).map(|(number, report)| outcome(number, report)).collect()
}

fn decision(id: u128, day: Date, decided: Decided) -> Decision {
    Decision {
        decision_id: Uuid::from_u128(id),
        decided_on: day,
        decided,
        new_deadline: (decided == Decided::Varied).then_some(date(2026, 6, 1)),
        supersedes: None,
    }
}

fn booked(part: WorkshopPart) -> OffenderReport {
    OffenderReport::WorkshopBooked { part, on: DAY }
}
fn attended(part: WorkshopPart) -> OffenderReport {
    OffenderReport::WorkshopAttended { part, on: DAY, arrived_late: false }
}
fn missed(part: WorkshopPart, reason: MissReason, repeat_from: WorkshopPart) -> OffenderReport {
    OffenderReport::WorkshopMissed {
        part,
        on: DAY,
        reason,
        explanation_offered: YesNo::No,
        repeat_from,
    }
}

fn to_booked_2() -> Vec<OffenderReport> {
    use WorkshopPart::{First, Second};
    vec![
        OffenderReport::Received,
        OffenderReport::Accepted,
        booked(First),
        attended(First),
        booked(Second),
    ]
}

#[test]
fn two_attended_workshops_are_a_completed_programme_and_no_decision() {
    let mut reports = to_booked_2();
    reports.extend([
        attended(WorkshopPart::Second),
        OffenderReport::ProgrammeCompleted,
        OffenderReport::Closed,
    ]);
    let standing = CaseStanding::of(&run(reports), &[]);
    assert_eq!(standing.programme, Programme::Completed { first: DAY, second: DAY, on: DAY });
    assert_eq!(standing.caution, Caution::Active, "only police confirm that he complied");
    let confirmed = decision(1, date(2026, 4, 1), Decided::NoFurtherAction);
    let mut reports = to_booked_2();
    reports.extend([attended(WorkshopPart::Second), OffenderReport::ProgrammeCompleted]);
    let standing = CaseStanding::of(&run(reports), &[confirmed]);
    assert_eq!(standing.caution, Caution::Complied { on: date(2026, 4, 1) });
}

#[test]
fn what_the_provider_cancelled_costs_no_attendance() {
    let mut reports = to_booked_2();
    reports.push(missed(
        WorkshopPart::Second,
        MissReason::CancelledByProvider,
        WorkshopPart::Second,
    ));
    let standing = CaseStanding::of(&run(reports), &[]);
    assert_eq!(standing.programme, Programme::Attended1 { first: DAY });
    assert_eq!(standing.missed, []);
    let mut reports = to_booked_2();
    reports.push(missed(
        WorkshopPart::Second,
        MissReason::CancelledByProvider,
        WorkshopPart::First,
    ));
    let standing = CaseStanding::of(&run(reports), &[]);
    assert_eq!(standing.programme.state().code(), "booked_2");
    let because: Vec<_> = standing.contradictions.values().copied().collect();
    assert_eq!(because, [Contradiction::RepeatFrom]);
}

#[test]
fn a_miss_repeats_from_where_the_provider_says() {
    let mut reports = to_booked_2();
    reports.push(missed(WorkshopPart::Second, MissReason::NoShow, WorkshopPart::First));
    let standing = CaseStanding::of(&run(reports), &[]);
    assert_eq!(standing.programme, Programme::Accepted { on: DAY });
    assert_eq!(standing.attended, [(WorkshopPart::First, DAY)], "an attendance stays a fact");
    assert_eq!(standing.missed, [(WorkshopPart::Second, DAY, MissReason::NoShow)]);
    assert_eq!(standing.caution, Caution::Active, "a miss is a fact, not a verdict");
}

#[test]
fn what_is_behind_a_gap_waits() {
    let mut outcomes = run(to_booked_2());
    outcomes.remove(1);
    let standing = CaseStanding::of(&outcomes, &[]);
    assert_eq!(standing.programme, Programme::Received { on: DAY });
    assert_eq!(standing.gap, Some(2));
    assert!(standing.waits(3) && !standing.waits(1));
}

#[test]
fn a_correction_reopens_reported_non_compliance_and_never_a_prosecution() {
    let facts = vec![NonCompliance::WorkshopsMissed];
    let mut outcomes =
        run(vec![OffenderReport::Received, OffenderReport::NonComplianceReported { facts }]);
    let reported = outcomes[1].outcome_id;
    let standing = CaseStanding::of(&outcomes, &[]);
    assert_eq!(standing.caution, Caution::NonComplianceReported { on: DAY, varied: None });
    outcomes.push(outcome(3, OffenderReport::Correction { supersedes: reported }));
    assert_eq!(CaseStanding::of(&outcomes, &[]).caution, Caution::Active);
    let prosecuted = [decision(1, date(2026, 3, 9), Decided::Prosecute)];
    let standing = CaseStanding::of(&outcomes, &prosecuted);
    assert_eq!(standing.caution, Caution::Prosecuted { on: date(2026, 3, 9) });
    let first_correction = outcomes[2].outcome_id;
    outcomes.push(outcome(4, OffenderReport::Correction { supersedes: first_correction }));
    let standing = CaseStanding::of(&outcomes, &[]);
    assert_eq!(
        standing.caution.state().code(),
        "non_compliance_reported",
        "the correction was taken back"
    );
}

#[test]
fn police_end_a_programme_that_has_not_ended() {
    let day = date(2026, 3, 10);
    for decided in [Decided::Withdrawn, Decided::Recalled] {
        let standing = CaseStanding::of(&run(to_booked_2()), &[decision(1, day, decided)]);
        assert_eq!(standing.programme, Programme::Withdrawn { on: day });
    }
    let replaced =
        Decision { supersedes: Some(Uuid::from_u128(1)), ..decision(2, day, Decided::Continue) };
    let decisions = [decision(1, day, Decided::Withdrawn), replaced];
    let standing = CaseStanding::of(&run(to_booked_2()), &decisions);
    assert_eq!(standing.programme.state().code(), "booked_2");
    assert_eq!(standing.caution, Caution::Active);
}

/// One report of every kind that a state could meet, with what the diagram calls it.
fn every_report() -> Vec<(&'static str, OffenderReport)> {
    use WorkshopPart::{First, Second};
    let no_show = MissReason::NoShow;
    vec![
        ("received", OffenderReport::Received),
        ("accepted", OffenderReport::Accepted),
        ("declined", OffenderReport::Declined { reason: DeclineReason::NoCapacity }),
        ("returned", OffenderReport::Returned),
        ("workshop_booked 1", booked(First)),
        ("workshop_booked 2", booked(Second)),
        ("workshop_rescheduled 1", OffenderReport::WorkshopRescheduled { part: First, on: DAY }),
        ("workshop_rescheduled 2", OffenderReport::WorkshopRescheduled { part: Second, on: DAY }),
        ("workshop_attended 1", attended(First)),
        ("workshop_attended 2", attended(Second)),
        ("workshop_missed 1", missed(First, no_show, First)),
        ("workshop_missed 2, repeat from 1", missed(Second, no_show, First)),
        ("workshop_missed 2, repeat from 2", missed(Second, no_show, Second)),
        ("programme_completed", OffenderReport::ProgrammeCompleted),
    ]
}

fn diagram(source: &str) -> Vec<String> {
    let lines = source.lines().filter_map(|line| line.strip_prefix("//!     "));
    let mut lines: Vec<_> = lines.filter(|line| line.contains(": ")).map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn the_programmes_diagram_is_what_it_does() {
    let states = [
        vec![],
        vec![OffenderReport::Received],
        vec![OffenderReport::Accepted],
        vec![OffenderReport::Accepted, booked(WorkshopPart::First)],
        vec![OffenderReport::Accepted, booked(WorkshopPart::First), attended(WorkshopPart::First)],
        to_booked_2(),
        {
            let mut all = to_booked_2();
            all.push(attended(WorkshopPart::Second));
            all
        },
    ];
    let mut moves = std::collections::BTreeSet::new();
    for reports in states {
        let from = CaseStanding::of(&run(reports), &[]).programme;
        for (name, report) in every_report() {
            if let Ok(to) = from.clone().apply(&outcome(50, report)) {
                moves.insert(format!("{} --> {}: {name}", from.state().code(), to.state().code()));
            }
        }
    }
    let moves: Vec<String> = moves.into_iter().collect();
    assert_eq!(diagram(include_str!("../programme.rs")), moves);
}

#[test]
fn the_cautions_diagram_is_what_it_does() {
    let deadline = date(2026, 6, 1);
    let states = [
        Caution::Active,
        Caution::Varied { on: DAY, deadline },
        Caution::NonComplianceReported { on: DAY, varied: None },
        Caution::Complied { on: DAY },
        Caution::Prosecuted { on: DAY },
        Caution::Closed { on: DAY },
        Caution::Withdrawn { on: DAY },
    ];
    let mut moves = std::collections::BTreeSet::new();
    for from in states {
        let mut add = |to: Caution, name: &str| {
            moves.insert(format!("{} --> {}: {name}", from.state().code(), to.state().code()));
        };
        if from.clone().non_compliance(DAY) != from {
            add(from.clone().non_compliance(DAY), "non_compliance_reported");
        }
        if from.has_ended() {
            for code in Decided::CODES {
                let decided = Decided::from_code(code).unwrap();
                assert_eq!(from.clone().decide(&decision(1, DAY, decided), true), from);
            }
            continue;
        }
        for code in Decided::CODES {
            let decided = Decided::from_code(code).unwrap();
            let to = |completed| from.clone().decide(&decision(1, DAY, decided), completed);
            match decided {
                Decided::Recalled => assert_eq!(to(false), from),
                _ => add(to(false), code),
            }
            if to(true) != to(false) {
                add(to(true), &format!("{code}, programme completed"));
            }
        }
    }
    let moves: Vec<String> = moves.into_iter().collect();
    assert_eq!(diagram(include_str!("../caution.rs")), moves);
}

fn any_report() -> impl Strategy<Value = OffenderReport> {
    let facts = || vec![NonCompliance::DidNotEngage];
    let mut all: Vec<OffenderReport> =
        every_report().into_iter().map(|(_, report)| report).collect();
    all.push(OffenderReport::NonComplianceReported { facts: facts() });
    all.push(OffenderReport::Uncontactable { attempts: 2 });
    all.push(OffenderReport::Closed);
    all.push(missed(WorkshopPart::Second, MissReason::CancelledByProvider, WorkshopPart::Second));
    // Half of all steps go on as a programme usually does, so that histories get somewhere.
    prop_oneof![
        select(all),
        (1u32..40).prop_map(|number| OffenderReport::Correction {
            supersedes: Uuid::from_u128(u128::from(number))
        })
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn equal_facts_give_equal_standing(
        usual in 0usize..8,
        reports in prop::collection::vec(any_report(), 0..32),
        days in prop::collection::vec(0i64..40, 40),
        decided in prop::collection::vec((select(Decided::CODES), 0i64..40), 0..8),
        seed in any::<u64>(),
    ) {
        let mut all = to_booked_2();
        all.extend([attended(WorkshopPart::Second), OffenderReport::ProgrammeCompleted]);
        all.truncate(usual);
        all.extend(reports);
        let mut outcomes = run(all);
        for (outcome, days) in outcomes.iter_mut().zip(days) {
            outcome.happened_on = DAY.saturating_add(jiff::Span::new().days(days));
        }
        let decisions: Vec<_> = (1..).zip(decided).map(|(id, (code, days))| {
            let day = DAY.saturating_add(jiff::Span::new().days(days));
            decision(id, day, Decided::from_code(code).unwrap())
        }).collect();
        let expected = CaseStanding::of(&outcomes, &decisions);
        // Any order, with replays.
        let mut shuffled = outcomes.clone();
        shuffled.extend(outcomes.iter().take(3).cloned());
        let mut turned = decisions.clone();
        turned.extend(decisions.iter().take(2).cloned());
        let mut state = seed | 1;
        let mut next = |bound: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state % bound as u64).unwrap()
        };
        for index in (1..shuffled.len()).rev() {
            shuffled.swap(index, next(index + 1));
        }
        for index in (1..turned.len()).rev() {
            turned.swap(index, next(index + 1));
        }
        prop_assert_eq!(&CaseStanding::of(&shuffled, &turned), &expected);
        prop_assert_eq!(expected.gap, None);
    }

    #[test]
    fn nothing_behind_a_gap_moves_anything(
        reports in prop::collection::vec(any_report(), 2..32),
        kept in (1usize..31).prop_flat_map(|count| subsequence((0..31usize).collect::<Vec<_>>(), count)),
    ) {
        let outcomes = run(reports);
        let some: Vec<_> =
            kept.iter().filter_map(|index| outcomes.get(*index)).cloned().collect();
        let whole = (1..).zip(&some).take_while(|(n, it)| it.number == *n).count();
        let standing = CaseStanding::of(&some, &[]);
        let without = CaseStanding::of(&some[..whole], &[]);
        prop_assert_eq!(standing.gap.is_some(), whole < some.len());
        prop_assert_eq!(standing.programme, without.programme);
        prop_assert_eq!(standing.caution, without.caution);
    }
}
