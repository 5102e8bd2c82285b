//! Rules between fields: ages, days that must have passed, days in order, the one CARA condition.

use jiff::civil::Date;

use super::assemble::{CautionDates, ConditionFacts, OffenceDates, VictimDates};
use super::choice::ConditionKind;
use super::draft::Draft;
use super::field::FieldId;
use super::finding::{Finding, FindingCode};
use super::origin::Origin;

/// CJA 2003 s22: a conditional caution is for persons of 18 or over.
const ADULT_YEARS: i16 = 18;
/// Usual and longest life of a conditional caution (DOMAIN section 2.2).
const WEEKS_USUAL: i32 = 16;
const WEEKS_LONGEST: i32 = 20;

/// What the rules compare; None where the field was absent, unreadable or not recorded.
pub struct Facts {
    pub date_of_birth: Option<Date>,
    pub caution: CautionDates,
    pub assessed_on: Option<Date>,
    pub victim: VictimDates,
    pub offences: Vec<OffenceDates>,
    pub conditions: Vec<ConditionFacts>,
}

/// Every rule that the facts break.
pub fn judge(facts: &Facts, draft: &Draft<'_>, today: Date, findings: &mut Vec<Finding>) {
    let mut judge = Judge { draft, today, findings };
    judge.age(facts);
    judge.past(facts);
    judge.deadline(facts.caution);
    for (index, offence) in facts.offences.iter().enumerate() {
        judge.offence(index, offence, facts);
    }
    judge.conditions(facts);
}

struct Judge<'j, 'd> {
    draft: &'j Draft<'d>,
    today: Date,
    findings: &'j mut Vec<Finding>,
}

impl Judge<'_, '_> {
    /// 18 on the day of the caution. Where that day is not known, today bounds it: who is not 18
    /// now was not then.
    fn age(&mut self, facts: &Facts) {
        let given_on = facts.caution.given_on.unwrap_or(self.today);
        if facts.date_of_birth.is_some_and(|born| years_between(born, given_on) < ADULT_YEARS) {
            self.root(FindingCode::UNDER_18, FieldId::OFFENDER_DATE_OF_BIRTH);
        }
    }

    fn past(&mut self, facts: &Facts) {
        for (day, id) in [
            (facts.date_of_birth, FieldId::OFFENDER_DATE_OF_BIRTH),
            (facts.caution.given_on, FieldId::CAUTION_GIVEN_ON),
            (facts.assessed_on, FieldId::RISK_ASSESSED_ON),
            (facts.victim.date_of_birth, FieldId::VICTIM_DATE_OF_BIRTH),
            (facts.victim.views_on, FieldId::VICTIM_VIEWS_ON),
        ] {
            if day.is_some_and(|day| day > self.today) {
                self.root(FindingCode::IN_FUTURE, id);
            }
        }
    }

    fn deadline(&mut self, caution: CautionDates) {
        let (Some(given_on), Some(deadline)) = (caution.given_on, caution.deadline) else { return };
        let code = match days_between(given_on, deadline) {
            ..=0 => FindingCode::DEADLINE_NOT_AFTER_CAUTION,
            days if days > WEEKS_LONGEST * 7 => FindingCode::DEADLINE_PAST_20_WEEKS,
            days if days > WEEKS_USUAL * 7 => FindingCode::DEADLINE_PAST_16_WEEKS,
            _ => return,
        };
        self.root(code, FieldId::CAUTION_DEADLINE);
    }

    fn offence(&mut self, index: usize, offence: &OffenceDates, facts: &Facts) {
        for (day, id) in [
            (offence.started_on, FieldId::OFFENCE_STARTED_ON),
            (offence.ended_on, FieldId::OFFENCE_ENDED_ON),
        ] {
            if day.is_some_and(|day| day > self.today) {
                self.item(FindingCode::IN_FUTURE, id, index);
            }
        }
        let Some(started_on) = offence.started_on else { return };
        if offence.ended_on.is_some_and(|ended_on| ended_on < started_on) {
            self.item(FindingCode::DATES_OUT_OF_ORDER, FieldId::OFFENCE_ENDED_ON, index);
        }
        // "before" a day after the caution is no contradiction: it is a bound, not the day.
        let is_bound = offence.kind.is_some_and(super::choice::DateKind::is_upper_bound);
        if !is_bound && facts.caution.given_on.is_some_and(|given_on| started_on > given_on) {
            self.item(FindingCode::DATES_OUT_OF_ORDER, FieldId::OFFENCE_STARTED_ON, index);
        }
        if facts.date_of_birth.is_some_and(|born| years_between(born, started_on) < ADULT_YEARS) {
            self.item(FindingCode::UNDER_18_AT_OFFENCE, FieldId::OFFENCE_STARTED_ON, index);
        }
    }

    fn conditions(&mut self, facts: &Facts) {
        for (index, condition) in facts.conditions.iter().enumerate() {
            let given_on = facts.caution.given_on;
            if given_on.zip(condition.due_by).is_some_and(|(given_on, due_by)| due_by < given_on) {
                self.item(FindingCode::DATES_OUT_OF_ORDER, FieldId::CONDITION_DUE_BY, index);
            }
        }
        let is_cara = |condition: &&ConditionFacts| condition.kind == Some(ConditionKind::Cara);
        let cara_count = facts.conditions.iter().filter(is_cara).count();
        let is_open = facts.conditions.iter().any(|condition| condition.kind.is_none());
        // An unread kind may be the CARA one; a second CARA condition is one too many in any case.
        let wrong = cara_count > 1 || (cara_count == 0 && !is_open);
        if wrong && !facts.conditions.is_empty() {
            self.findings
                .push(Finding::new(FindingCode::NOT_ONE_CARA_CONDITION, "caution.conditions"));
        }
    }

    fn root(&mut self, code: FindingCode, id: FieldId) {
        let origin = self.draft.root.slot(id).origin;
        self.findings.push(Finding::new(code, id.spec().name).at(origin, None));
    }

    fn item(&mut self, code: FindingCode, id: FieldId, index: usize) {
        let name = id.full_name(Some(index + 1));
        self.findings.push(Finding::new(code, name).at(self.origin(id, index), None));
    }

    fn origin(&self, id: FieldId, index: usize) -> Option<Origin> {
        self.draft.block(id.spec().group, index).and_then(|fields| fields.slot(id).origin)
    }
}

/// Completed years: the age of somebody born on `from`. Born on 29 February, one is a year older
/// on 1 March where there is no such day.
fn years_between(from: Date, to: Date) -> i16 {
    let not_yet = (to.month(), to.day()) < (from.month(), from.day());
    to.year() - from.year() - i16::from(not_yet)
}

fn days_between(from: Date, to: Date) -> i32 {
    from.until(to).map_or(i32::MAX, |span| span.get_days())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_year_is_complete_on_the_birthday() {
        let born = date(2004, 2, 29);
        assert_eq!(years_between(born, date(2022, 2, 28)), 17);
        assert_eq!(years_between(born, date(2022, 3, 1)), 18);
        assert_eq!(years_between(date(2004, 5, 6), date(2022, 5, 6)), 18);
        assert_eq!(years_between(date(2004, 5, 6), date(2022, 5, 5)), 17);
    }

    #[test]
    fn days_are_counted_over_months_and_backwards() {
        assert_eq!(days_between(date(2025, 1, 31), date(2025, 5, 23)), 112);
        assert_eq!(days_between(date(2025, 5, 1), date(2025, 4, 30)), -1);
    }
}
