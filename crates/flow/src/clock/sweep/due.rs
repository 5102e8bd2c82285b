//! Which notices are due of a case because time has passed. Pure: the same facts on the same day
//! give the same answer.

use cara_domain::notice::NoticeKind;
use cara_domain::programme::ProgrammeState;
use jiff::ToSpan as _;
use jiff::civil::Date;
use uuid::Uuid;

use cara_clock::london_day;
use cara_store::CaseClock;

/// The first workshop not attended so long before the deadline: completing is at risk.
const AT_RISK_WEEKS: i64 = 7;

/// "If you have not heard from us within 14 days" (DOMAIN 1.4).
const NO_CONTACT_DAYS: i64 = 14;

/// A notice that is due, and the day that made it so: each (kind, cause) is told once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClockDue {
    pub kind: NoticeKind,
    pub cause: Uuid,
}

fn due(kind: NoticeKind, day: Date) -> ClockDue {
    let number = i64::from(day.year()) * 10_000 + i64::from(day.month()) * 100;
    let number = number + i64::from(day.day());
    ClockDue { kind, cause: Uuid::from_u128(number.unsigned_abs().into()) }
}

/// What is due today of a case that has not ended. `margin_weeks`: the time that the provider needs
/// from the first workshop to completion.
pub(crate) fn of(case: &CaseClock, margin_weeks: u32, today: Date) -> Vec<ClockDue> {
    let mut all = Vec::new();
    let received_on = london_day(case.received_at);
    let unheard = matches!(case.programme, Ok(ProgrammeState::Sent | ProgrammeState::Received));
    if unheard && today >= received_on.saturating_add(NO_CONTACT_DAYS.days()) {
        all.push(due(NoticeKind::NoContact14Days, received_on));
    }
    let Some(deadline) = case.deadline else { return all };
    let before = |weeks: i64| deadline.saturating_sub(weeks.weeks());
    let attended =
        matches!(case.programme, Ok(ProgrammeState::Attended1 | ProgrammeState::Booked2));
    let too_late = case.booked_on.is_some_and(|day| day > deadline);
    if today > deadline {
        all.push(due(NoticeKind::DeadlinePassed, deadline));
    } else if !attended && today > before(margin_weeks.into()) {
        all.push(due(NoticeKind::CompletionImpossible, deadline));
    } else if too_late || (!attended && today > before(AT_RISK_WEEKS)) {
        all.push(due(NoticeKind::CompletionAtRisk, deadline));
    }
    all.retain(|due| !case.told.contains(&(due.kind, due.cause)));
    all
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use cara_store::ForceNumber;

    fn case(programme: ProgrammeState, booked_on: Option<Date>) -> CaseClock {
        CaseClock {
            referral_id: Uuid::from_u128(1),
            force: ForceNumber(44),
            provider: "harbour".to_owned(),
            test_data: false,
            received_at: "2026-02-02T10:00:00Z".parse().unwrap(),
            sent_at: None,
            deadline: Some(date(2026, 6, 1)),
            programme: Ok(programme),
            booked_on,
            told: Vec::new(),
        }
    }

    fn kinds(case: &CaseClock, today: Date) -> Vec<NoticeKind> {
        of(case, 5, today).into_iter().map(|due| due.kind).collect()
    }

    #[test]
    fn a_deadline_comes_nearer() {
        let accepted = case(ProgrammeState::Accepted, None);
        assert_eq!(kinds(&accepted, date(2026, 4, 13)), []);
        assert_eq!(kinds(&accepted, date(2026, 4, 14)), [NoticeKind::CompletionAtRisk]);
        assert_eq!(kinds(&accepted, date(2026, 4, 27)), [NoticeKind::CompletionAtRisk]);
        assert_eq!(kinds(&accepted, date(2026, 4, 28)), [NoticeKind::CompletionImpossible]);
        assert_eq!(kinds(&accepted, date(2026, 6, 1)), [NoticeKind::CompletionImpossible]);
        assert_eq!(kinds(&accepted, date(2026, 6, 2)), [NoticeKind::DeadlinePassed]);
    }

    #[test]
    fn an_attended_workshop_quiets_the_clock_until_the_deadline() {
        let attended = case(ProgrammeState::Attended1, None);
        assert_eq!(kinds(&attended, date(2026, 6, 1)), []);
        assert_eq!(kinds(&attended, date(2026, 6, 2)), [NoticeKind::DeadlinePassed]);
        let late = case(ProgrammeState::Booked2, Some(date(2026, 6, 6)));
        assert_eq!(kinds(&late, date(2026, 5, 1)), [NoticeKind::CompletionAtRisk]);
    }

    #[test]
    fn a_provider_may_need_more_time() {
        let accepted = case(ProgrammeState::Accepted, None);
        let due = of(&accepted, 6, date(2026, 4, 21));
        assert_eq!(
            due.iter().map(|due| due.kind).collect::<Vec<_>>(),
            [NoticeKind::CompletionImpossible]
        );
    }

    #[test]
    fn nothing_heard_for_fourteen_days_is_told_once() {
        let mut sent = case(ProgrammeState::Sent, None);
        assert_eq!(kinds(&sent, date(2026, 2, 15)), []);
        let told = of(&sent, 5, date(2026, 2, 16));
        assert_eq!(told.len(), 1);
        sent.told = vec![(NoticeKind::NoContact14Days, told[0].cause)];
        assert_eq!(kinds(&sent, date(2026, 3, 30)), []);
        assert_eq!(kinds(&case(ProgrammeState::Accepted, None), date(2026, 2, 20)), []);
    }

    #[test]
    fn a_varied_deadline_is_a_cause_of_its_own() {
        let mut varied = case(ProgrammeState::Accepted, None);
        let first = of(&varied, 5, date(2026, 5, 1));
        varied.told = vec![(first[0].kind, first[0].cause)];
        assert_eq!(kinds(&varied, date(2026, 5, 2)), []);
        varied.deadline = Some(date(2026, 6, 3));
        assert_eq!(kinds(&varied, date(2026, 5, 2)), [NoticeKind::CompletionImpossible]);
    }

    #[test]
    fn days_are_those_of_london_over_a_clock_change() {
        let mut sent = case(ProgrammeState::Sent, None);
        // Half past eleven in the evening in UTC is the next day already in summer time.
        sent.received_at = "2026-03-29T23:30:00Z".parse().unwrap();
        assert_eq!(kinds(&sent, date(2026, 4, 12)), []);
        assert_eq!(kinds(&sent, date(2026, 4, 13)), [NoticeKind::NoContact14Days]);
        sent.received_at = "2026-10-25T23:30:00Z".parse().unwrap();
        sent.deadline = None;
        assert_eq!(kinds(&sent, date(2026, 11, 7)), []);
        assert_eq!(kinds(&sent, date(2026, 11, 8)), [NoticeKind::NoContact14Days]);
    }
}
