//! The rules, each with what breaks it and the codes that say so.

mod correct;
mod standing;
mod generated;
mod victim;
mod withholding;

use jiff::civil::{Date, date};

use super::field::{FIELDS, FieldShape, Group};
use super::*;

fn text(draft: &mut Draft<'static>, id: FieldId, text: &'static str) {
    draft.root.set(id, Value::Text(text.into()), None);
}

fn list(draft: &mut Draft<'static>, id: FieldId, texts: &[&'static str]) {
    draft.root.set(id, Value::List(texts.iter().map(|&text| text.into()).collect()), None);
}

fn day(draft: &mut Draft<'static>, id: FieldId, day: Date) {
    draft.root.set(id, Value::Date(day), None);
}

fn clear(draft: &mut Draft<'static>, id: FieldId) {
    draft.root.set(id, Value::Absent, None);
}

fn judged(draft: Draft<'_>) -> Validated {
    let domains = example::compliance_domains();
    validate(draft, &example::context(&domains))
}

fn findings(validated: &Validated) -> Vec<String> {
    let findings = match validated {
        Validated::Referral(referral) => &referral.flags,
        Validated::Withdrawal(withdrawal) => &withdrawal.flags,
        Validated::Decision(_) => panic!("a referral's draft is no decision"),
        Validated::Stopped(stopped) => &stopped.findings,
    };
    findings.iter().map(|finding| format!("{} {}", finding.code.name(), finding.field)).collect()
}

/// Changes the valid draft and compares every finding; it stops unless all of them are flags.
#[track_caller]
fn check(change: impl FnOnce(&mut Draft<'static>), expected: &[&str]) {
    let mut draft = example::draft();
    change(&mut draft);
    let validated = judged(draft);
    assert_eq!(findings(&validated), expected);
    let stops = expected.iter().any(|line| {
        let code = line.split(' ').next().and_then(FindingCode::find).unwrap();
        code.kind() != FindingKind::Flag
    });
    assert_eq!(matches!(validated, Validated::Stopped(_)), stops);
}

#[track_caller]
fn referral(change: impl FnOnce(&mut Draft<'static>)) -> Referral {
    let mut draft = example::draft();
    change(&mut draft);
    match judged(draft) {
        Validated::Referral(referral) => *referral,
        other => panic!("{:?}", findings(&other)),
    }
}

#[test]
fn the_example_is_a_referral_without_flags() {
    check(|_| {}, &[]);
}

#[test]
fn a_draft_with_nothing_in_it_names_every_mandatory_field() {
    let found = findings(&judged(Draft::empty()));
    let conditional = ["offender.address.lines", "offender.address.postcode"];
    for spec in FIELDS.iter().filter(|spec| spec.group == Group::Root) {
        let must = spec.need == field::Need::Mandatory || conditional.contains(&spec.name);
        let missing = found.contains(&format!("missing {}", spec.name));
        assert_eq!(missing, must, "{}", spec.name);
    }
    for line in
        ["contact_missing offender.phones", "missing offences", "missing caution.conditions"]
    {
        assert!(found.iter().any(|found| found == line), "{line}");
    }
}

#[test]
fn every_mandatory_field_that_is_blank_is_missing_and_nothing_else() {
    for id in field::all(Group::Root) {
        let spec = id.spec();
        if spec.need != field::Need::Mandatory {
            continue;
        }
        let mut draft = example::draft();
        draft.root.set(id, Value::Text(" ".into()), None);
        assert_eq!(findings(&judged(draft)), [format!("missing {}", spec.name)]);
    }
}

#[test]
fn every_evidenced_field_accepts_not_recorded_with_a_flag() {
    for id in field::all(Group::Root).filter(|id| id.spec().evidenced) {
        for value in [Value::NotRecorded, Value::Text("not_recorded".into())] {
            let mut draft = example::draft();
            draft.root.set(id, value, None);
            let validated = judged(draft);
            assert_eq!(findings(&validated), [format!("not_recorded {}", id.spec().name)]);
            assert!(matches!(validated, Validated::Referral(_)));
        }
    }
}

#[test]
fn not_recorded_is_no_value_of_a_field_that_is_not_evidenced() {
    check(
        |draft| draft.root.set(FieldId::OFFENDER_SEX, Value::NotRecorded, None),
        &["unreadable_mandatory offender.sex"],
    );
    check(
        |draft| draft.root.set(FieldId::CASE_ASN, Value::NotRecorded, None),
        &["unreadable case.asn"],
    );
}

#[test]
fn a_wrong_shape_is_left_out_or_a_violation() {
    check(|draft| text(draft, FieldId::CASE_ASN, "rubbish"), &["unreadable case.asn"]);
    check(|draft| text(draft, FieldId::OFFICER_PHONE, "ring me"), &["unreadable officer.phone"]);
    check(
        |draft| text(draft, FieldId::OFFENDER_ADDRESS_POSTCODE, "SO14"),
        &["unreadable_mandatory offender.address.postcode"],
    );
    check(
        |draft| text(draft, FieldId::CAUTION_DEADLINE, "01/12/2025"),
        &["unreadable_mandatory caution.deadline"],
    );
    check(
        |draft| text(draft, FieldId::OFFENDER_TITLE, "a title of more than thirty-five characters"),
        &["unreadable offender.title"],
    );
    check(
        |draft| text(draft, FieldId::OFFICER_NAME, "a\u{0}b"),
        &["unreadable_mandatory officer.name"],
    );
    assert!(referral(|draft| text(draft, FieldId::CASE_ASN, "rubbish")).police.asn.is_none());
}

#[test]
fn a_code_that_nobody_listed_is_a_hold_where_it_matters() {
    check(|draft| text(draft, FieldId::RISK_GRADE, "severe"), &["unlisted_code risk.grade"]);
    check(|draft| text(draft, FieldId::SOURCE_ACTION, "erase"), &["unlisted_code source.action"]);
    check(
        |draft| {
            let id = FieldId::OFFENCE_DATE_KIND;
            draft.offences[1].set(id, Value::Text("roughly".into()), None);
        },
        &["unlisted_code offences[2].date_kind"],
    );
    check(
        |draft| text(draft, FieldId::OFFENDER_PREFERRED_CONTACT, "fax"),
        &["unreadable offender.preferred_contact"],
    );
    check(|draft| text(draft, FieldId::SOURCE_FORCE, "00"), &["unreadable_mandatory source.force"]);
}

#[test]
fn several_values_where_one_is_expected_hold_the_record() {
    check(
        |draft| list(draft, FieldId::OFFENDER_FAMILY_NAME, &["Stokes", "Stoakes"]),
        &["more_than_one offender.family_name"],
    );
    for field in ["victim", "victim.ref"] {
        check(
            |draft| draft.findings.push(Finding::new(FindingCode::MORE_THAN_ONE, field)),
            &[&format!("several_victims {field}")],
        );
    }
}

#[test]
fn what_the_mapping_found_is_not_reported_again() {
    check(
        |draft| {
            draft.root.set(FieldId::RISK_GRADE, Value::Unreadable, None);
            draft.findings.push(Finding::new(FindingCode::UNLISTED_CODE, "risk.grade"));
        },
        &["unlisted_code risk.grade"],
    );
    check(
        |draft| {
            for id in field::all(Group::Root) {
                if id.spec().name.starts_with("offender.") {
                    clear(draft, id);
                }
            }
            draft.findings.push(Finding::new(FindingCode::MORE_THAN_ONE, "offender"));
        },
        &["more_than_one offender"],
    );
    check(
        |draft| draft.root.set(FieldId::RISK_GRADE, Value::Unreadable, None),
        &["unreadable_mandatory risk.grade"],
    );
    check(
        |draft| draft.findings.push(Finding::new(FindingCode::RULE, "risk.grade")),
        &["rule risk.grade"],
    );
}

#[test]
fn check_letters_and_dummy_numbers_are_flags() {
    let expected = |id, written: &'static str| {
        let flags = referral(|draft| text(draft, id, written)).flags;
        assert_eq!(flags.len(), 1);
        assert_eq!(flags[0].code, FindingCode::CHECK_LETTER);
        flags[0].expected_letter
    };
    assert_eq!(expected(FieldId::CASE_ASN, "2544AA0100000012345X"), Some('W'));
    assert_eq!(expected(FieldId::OFFENDER_PNC_ID, "1981/0000034A"), Some('U'));
    assert_eq!(expected(FieldId::OFFENDER_CRO_NUMBER, "065656/91A"), Some('H'));
    check(|draft| text(draft, FieldId::CASE_ASN, "0800NP0100000000001H"), &["dummy_asn case.asn"]);
}

#[test]
fn an_offender_has_an_address_or_none_at_all() {
    let homeless = |draft: &mut Draft<'static>| {
        clear(draft, FieldId::OFFENDER_ADDRESS_LINES);
        clear(draft, FieldId::OFFENDER_ADDRESS_POSTCODE);
    };
    check(homeless, &["missing offender.address.lines", "missing offender.address.postcode"]);
    check(
        |draft| {
            homeless(draft);
            text(draft, FieldId::OFFENDER_NO_FIXED_ABODE, "yes");
        },
        &[],
    );
}

#[test]
fn an_offender_can_be_reached() {
    check(|draft| clear(draft, FieldId::OFFENDER_PHONES), &[]);
    check(|draft| clear(draft, FieldId::OFFENDER_EMAIL), &[]);
    check(
        |draft| list(draft, FieldId::OFFENDER_PHONES, &["07700 900123", "mother's"]),
        &["unreadable offender.phones"],
    );
    check(
        |draft| {
            clear(draft, FieldId::OFFENDER_EMAIL);
            clear(draft, FieldId::OFFENDER_PHONES);
        },
        &["contact_missing offender.phones"],
    );
    check(
        |draft| {
            clear(draft, FieldId::OFFENDER_EMAIL);
            list(draft, FieldId::OFFENDER_PHONES, &["none"]);
        },
        &["unreadable offender.phones", "unreadable_mandatory offender.phones"],
    );
}

#[test]
fn an_offender_is_18_when_the_caution_is_given() {
    let born = |y, m, d| {
        move |draft: &mut Draft<'static>| {
            day(draft, FieldId::OFFENDER_DATE_OF_BIRTH, date(y, m, d));
        }
    };
    check(
        born(2007, 8, 20),
        &[
            "under_18_at_offence offences[1].started_on",
            "under_18_at_offence offences[2].started_on",
        ],
    );
    check(
        born(2007, 8, 21),
        &[
            "under_18 offender.date_of_birth",
            "under_18_at_offence offences[1].started_on",
            "under_18_at_offence offences[2].started_on",
        ],
    );
    check(born(2007, 8, 8), &[]);
    check(
        |draft| {
            born(2007, 9, 2)(draft);
            draft.root.set(FieldId::CAUTION_GIVEN_ON, Value::NotRecorded, None);
            draft.offences.truncate(1);
        },
        &[
            "not_recorded caution.given_on",
            "under_18 offender.date_of_birth",
            "under_18_at_offence offences[1].started_on",
        ],
    );
}

#[test]
fn the_birth_date_is_judged_though_the_offender_is_not_whole() {
    check(
        |draft| {
            clear(draft, FieldId::OFFENDER_FAMILY_NAME);
            day(draft, FieldId::OFFENDER_DATE_OF_BIRTH, date(2009, 1, 1));
            draft.offences[0].set(
                FieldId::OFFENCE_STARTED_ON,
                Value::Date(date(2025, 8, 30)),
                None,
            );
            draft.offences.truncate(1);
        },
        &[
            "missing offender.family_name",
            "under_18 offender.date_of_birth",
            "dates_out_of_order offences[1].started_on",
            "under_18_at_offence offences[1].started_on",
        ],
    );
}

#[test]
fn days_that_must_have_passed_are_not_in_the_future() {
    let tomorrow = example::TODAY.tomorrow().unwrap();
    for id in [FieldId::RISK_ASSESSED_ON, FieldId::VICTIM_VIEWS_ON, FieldId::VICTIM_DATE_OF_BIRTH] {
        check(|draft| day(draft, id, tomorrow), &[&format!("in_future {}", id.spec().name)]);
        check(|draft| day(draft, id, example::TODAY), &[]);
    }
    check(|draft| day(draft, FieldId::CAUTION_GIVEN_ON, tomorrow), &["in_future caution.given_on"]);
    check(
        |draft| draft.offences[0].set(FieldId::OFFENCE_STARTED_ON, Value::Date(tomorrow), None),
        &["in_future offences[1].started_on", "dates_out_of_order offences[1].started_on"],
    );
}

#[test]
fn the_deadline_follows_the_caution_within_weeks() {
    let deadline = |days: i64| {
        move |draft: &mut Draft<'static>| {
            let given_on = date(2025, 8, 20);
            let end = given_on.checked_add(jiff::Span::new().days(days)).unwrap();
            day(draft, FieldId::CAUTION_DEADLINE, end);
        }
    };
    check(deadline(0), &["deadline_not_after_caution caution.deadline"]);
    check(deadline(-1), &["deadline_not_after_caution caution.deadline"]);
    check(deadline(1), &[]);
    check(deadline(112), &[]);
    check(deadline(113), &["deadline_past_16_weeks caution.deadline"]);
    check(deadline(140), &["deadline_past_16_weeks caution.deadline"]);
    check(deadline(141), &["deadline_past_20_weeks caution.deadline"]);
}

#[test]
fn offences_have_their_dates_in_order() {
    let ended = |day| {
        move |draft: &mut Draft<'static>| {
            let offence = &mut draft.offences[0];
            offence.set(FieldId::OFFENCE_DATE_KIND, Value::Text("between".into()), None);
            offence.set(FieldId::OFFENCE_ENDED_ON, day, None);
        }
    };
    check(ended(Value::Absent), &["missing offences[1].ended_on"]);
    check(ended(Value::Date(date(2025, 8, 9))), &[]);
    check(ended(Value::Date(date(2025, 8, 7))), &["dates_out_of_order offences[1].ended_on"]);
    check(
        |draft| {
            draft.conditions[1].set(FieldId::CONDITION_DUE_BY, Value::Date(date(2025, 8, 19)), None)
        },
        &["dates_out_of_order caution.conditions[2].due_by"],
    );
}

#[test]
fn exactly_one_condition_is_cara() {
    let kind = |index: usize, kind: &'static str| {
        move |draft: &mut Draft<'static>| {
            draft.conditions[index].set(FieldId::CONDITION_KIND, Value::Text(kind.into()), None);
        }
    };
    check(kind(0, "other"), &["not_one_cara_condition caution.conditions"]);
    check(kind(1, "cara"), &["not_one_cara_condition caution.conditions"]);
    check(|draft| draft.conditions.clear(), &["missing caution.conditions"]);
    check(|draft| draft.offences.clear(), &["missing offences"]);
    check(
        |draft| {
            kind(1, "other")(draft);
            draft.conditions[1].set(FieldId::CONDITION_TEXT, Value::Absent, None);
        },
        &["missing caution.conditions[2].text"],
    );
}

#[test]
fn the_compliance_inbox_is_at_an_agreed_domain() {
    let id = FieldId::OFFICER_COMPLIANCE_INBOX;
    check(|draft| text(draft, id, "x@Hampshire.Police.EXAMPLE"), &[]);
    for inbox in ["x@police.example", "x@sub.hampshire.police.example", "x@mail.example"] {
        check(|draft| text(draft, id, inbox), &["inbox_domain officer.compliance_inbox"]);
    }
}

#[test]
fn a_withdrawal_needs_only_the_source() {
    let mut draft = Draft::empty();
    text(&mut draft, FieldId::SOURCE_ACTION, "withdrawn");
    assert_eq!(findings(&judged(draft.clone())), ["missing source.record_ref"]);
    text(&mut draft, FieldId::SOURCE_RECORD_REF, "44/1");
    draft.findings.push(Finding::new(FindingCode::UNLISTED_CODE, "risk.grade"));
    assert!(matches!(judged(draft.clone()), Validated::Withdrawal(_)));
    draft.findings.push(Finding::new(FindingCode::MORE_THAN_ONE, "source.record_ref"));
    assert!(matches!(judged(draft), Validated::Stopped(_)));
}

#[test]
fn a_source_without_an_action_is_new() {
    let referral = referral(|draft| clear(draft, FieldId::SOURCE_ACTION));
    assert_eq!(referral.source.action, choice::Action::New);
}

#[test]
fn the_codes_of_every_choice_are_those_of_the_table() {
    use choice::*;
    fn same<T: Choice>(id: FieldId) {
        let FieldShape::Code(codes) = id.spec().shape else { panic!("{}", id.spec().name) };
        assert_eq!(T::CODES, codes, "{}", id.spec().name);
        for code in codes {
            assert_eq!(T::from_code(code).unwrap().code(), *code);
        }
    }
    same::<Action>(FieldId::SOURCE_ACTION);
    same::<Sex>(FieldId::OFFENDER_SEX);
    same::<Sex>(FieldId::VICTIM_SEX);
    same::<SelfDefinedEthnicity>(FieldId::OFFENDER_ETHNICITY_SELF_DEFINED);
    same::<ObservedEthnicity>(FieldId::OFFENDER_ETHNICITY_OBSERVED);
    same::<PreferredContact>(FieldId::OFFENDER_PREFERRED_CONTACT);
    same::<RelationshipKind>(FieldId::RELATIONSHIP_KIND);
    same::<CautionKind>(FieldId::CAUTION_KIND);
    same::<Authority>(FieldId::CAUTION_AUTHORITY);
    same::<ConditionKind>(FieldId::CONDITION_KIND);
    same::<DateKind>(FieldId::OFFENCE_DATE_KIND);
    same::<RiskTool>(FieldId::RISK_TOOL);
    same::<RiskGrade>(FieldId::RISK_GRADE);
    same::<Views>(FieldId::VICTIM_VIEWS);
    same::<ContactAgreed>(FieldId::VICTIM_CONTACT_AGREED);
    same::<SafeMethod>(FieldId::VICTIM_SAFE_CONTACT_METHOD);
    same::<AgeBand>(FieldId::CHILD_AGE_BAND);
    same::<YesNo>(FieldId::CHILD_PRESENT);
}

#[test]
fn codes_are_published_once() {
    for code in FindingCode::all() {
        assert_eq!(FindingCode::find(code.id()), Some(code));
        assert_eq!(FindingCode::find(code.name()), Some(code));
    }
}
