//! Which fields a person may put right, and what then becomes of the record.

use super::{example, findings, judged};
use crate::correct::Correction;
use crate::draft::Draft;
use crate::field::{Fills, Group};
use crate::origin::Origin;
use crate::{FieldId, Finding, FindingCode, Validated};

/// The example draft with these fields found faulty, one of them corrected: what is still wrong, or
/// why it cannot be corrected so.
fn check(faulty: &[&'static str], field: &str, values: &[&str], expected: &str) {
    let mut draft: Draft<'_> = example::draft();
    for name in faulty {
        draft.findings.push(Finding::new(FindingCode::UNLISTED_CODE, *name));
    }
    let values = values.iter().map(|&value| value.to_owned()).collect();
    let corrected = Correction::of(field, values).and_then(|it| it.apply(&mut draft).map(|()| it));
    let said = match corrected {
        Err(barred) => format!("barred: {barred}"),
        Ok(it) => {
            assert_eq!(it.field(), field);
            findings(&judged(draft)).join(", ")
        }
    };
    assert_eq!(said, expected, "{field}");
}

#[test]
fn a_correction_takes_its_own_findings_away_and_is_judged_like_any_value() {
    check(&["offender.sex"], "offender.sex", &["female"], "");
    check(&["offender.sex", "risk.grade"], "offender.sex", &["female"], "unlisted_code risk.grade");
    check(&["offences[2].title"], "offences[2].title", &["Damage"], "");
    let still = "unlisted_code offences[1].title";
    check(&["offences[1].title"], "offences[2].title", &["Damage"], still);
    check(&[], "caution.conditions[1].due_by", &["2025-11-30"], "");
    check(&[], "offender.phones", &["07700 900111", "01632 960222"], "");
    let hers = "victim_contact_is_offenders victim.safe_contact.number";
    check(&[], "offender.phones", &["07700 900987"], hers);
    check(&[], "caution.deadline", &["2025-08-01"], "deadline_not_after_caution caution.deadline");
    check(&[], "case.pti_urn", &["?"], "unreadable case.pti_urn");
}

#[test]
fn what_is_only_the_forces_to_correct_is_barred() {
    let evidence =
        "barred: this field rests on evidence that only the force has: give the record back";
    let victim =
        "barred: what concerns the victim is only the force's to correct: give the record back";
    let identity = "barred: this is how the force names the case: give the record back";
    let of_referral = |id: &FieldId| id.spec().group != Group::Decision;
    for id in (0..).map_while(FieldId::from_index).filter(of_referral) {
        let spec = id.spec();
        let field = match spec.group {
            Group::Root => spec.name.to_owned(),
            group => format!("{}[1].{}", group.name(), spec.name),
        };
        let only_theirs = ["victim.", "risk.", "source."].iter().any(|it| field.starts_with(it));
        if spec.evidenced || only_theirs {
            assert!(Correction::of(&field, vec!["yes".to_owned()]).is_err(), "{field}");
        }
    }
    check(&[], "risk.grade", &["standard"], evidence);
    check(&[], "caution.given_on", &["2025-08-20"], evidence);
    check(&[], "relationship.kind", &["spouse"], evidence);
    check(&[], "victim.family_name", &["Tregarrow"], victim);
    check(&[], "victim.children[1].present", &["no"], victim);
    check(&[], "offences[1].location", &["Harbour"], victim);
    check(&[], "source.record_ref", &["44/1"], identity);
}

#[test]
fn a_field_that_is_not_there_or_a_value_that_does_not_fit_is_barred() {
    let unknown = "barred: a referral has no such field; of several things write offences[1].title";
    for field in ["offender.shoe_size", "offences.title", "offences[0].title", "offences[x].title"]
    {
        check(&[], field, &["x"], unknown);
    }
    check(&[], "offences[3].title", &["x"], "barred: the record has no such offence or condition");
    check(&[], "offender.sex", &["M"], "barred: this field takes one of its published codes");
    check(
        &[],
        "caution.deadline",
        &["19/12/2025"],
        "barred: this field takes a day, written YYYY-MM-DD",
    );
    check(&[], "officer.name", &["A", "B"], "barred: this field takes one value");
    check(&[], "officer.name", &[" "], "barred: an empty value corrects nothing");
    check(&[], "officer.name", &[], "barred: an empty value corrects nothing");
}

#[test]
fn only_a_referral_is_corrected_and_where_a_value_came_from_is_known() {
    let correction = Correction::of("officer.name", vec!["Imogen Farthing".to_owned()]).unwrap();
    let mut decision = Draft::of(Fills::Decision);
    let barred = correction.apply(&mut decision).unwrap_err();
    assert_eq!(barred.to_string(), "only a referral can be corrected: give the record back");
    let mut draft = example::draft();
    correction.apply(&mut draft).unwrap();
    let Validated::Referral(referral) = judged(draft) else { panic!("it was valid before") };
    assert!(referral.provenance.contains(&(FieldId::OFFICER_NAME, Origin::OPERATOR)));
    assert!(!format!("{correction:?}").contains("Farthing"));
}
