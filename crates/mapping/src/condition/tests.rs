use std::borrow::Cow;

use jiff::civil::date;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::phrase::Phrase;
use super::{Reading, Rule, Several, When};
use crate::date::Formats;
use crate::fault::PhraseFaultKind;
use cara_document::{BodyFormat, Limits, NameTable};
use cara_domain::field::{Fills, Group};
use cara_domain::{Draft, FieldId, Fields, Value};

fn draft(values: &[(FieldId, Value<'static>)]) -> Draft<'static> {
    let mut draft = Draft::empty();
    for (field, value) in values {
        draft.root.set(*field, value.clone(), None);
    }
    draft
}

fn text(value: &'static str) -> Value<'static> {
    Value::Text(Cow::Borrowed(value))
}

#[track_caller]
fn holds(rule: &str, values: &[(FieldId, Value<'static>)]) -> bool {
    Rule::parse(rule, Fills::Referral)
        .unwrap_or_else(|fault| panic!("{rule}: {}", fault.what))
        .holds(&draft(values))
}

#[test]
fn a_code_is_compared_with_the_codes_of_its_field() {
    let grade = FieldId::RISK_GRADE;
    let rule = "risk.grade is one of standard, medium";
    assert!(holds(rule, &[(grade, text("standard"))]));
    assert!(!holds(rule, &[(grade, text("high"))]));
    assert!(!holds(rule, &[]));
    assert!(!holds(rule, &[(grade, Value::Unreadable)]));
    assert!(!holds(rule, &[(grade, Value::NotRecorded)]));
    assert!(holds("risk.grade is not high", &[(grade, text("medium"))]));
    assert!(holds("risk.grade is at least medium", &[(grade, text("high"))]));
    assert!(!holds("risk.grade is at least medium", &[(grade, text("standard"))]));
    assert!(holds("risk.grade is not_recorded", &[(grade, Value::NotRecorded)]));
    assert!(holds("risk.grade is not one of high, not_recorded", &[(grade, text("medium"))]));
    assert!(!holds("risk.grade is not high", &[(grade, Value::Unreadable)]));
}

#[test]
fn missing_and_present_look_at_the_slot() {
    let asn = FieldId::CASE_ASN;
    assert!(holds("case.asn is missing", &[]));
    assert!(holds("case.asn is present", &[(asn, Value::Unreadable)]));
    assert!(!holds("case.asn is present", &[]));
    assert!(holds("offender.phones is missing", &[]));
    let phones = Value::List(vec![Cow::Borrowed("+447700900417")]);
    assert!(holds("offender.phones is present", &[(FieldId::OFFENDER_PHONES, phones)]));
}

#[test]
fn texts_are_compared_by_start_shape_and_normal_form() {
    let number = FieldId::CASE_OCCURRENCE_NUMBER;
    assert!(holds(
        "case.occurrence_number looks like '99999999999'",
        &[(number, text("44250000118"))]
    ));
    assert!(!holds(
        "case.occurrence_number looks like '99999999999'",
        &[(number, text("4425000011"))]
    ));
    assert!(holds("case.occurrence_number looks like '99AA/9'", &[(number, text("44xY/7"))]));
    assert!(holds("case.occurrence_number starts with 44", &[(number, text("44250000118"))]));
    assert!(holds("case.occurrence_number is at most 100", &[(number, text("99"))]));
    assert!(!holds("case.occurrence_number is at most 100", &[(number, text("ninety"))]));
    let postcode = FieldId::OFFENDER_ADDRESS_POSTCODE;
    assert!(holds("offender.address.postcode is so149zz", &[(postcode, text("SO14 9zz"))]));
}

#[test]
fn dates_are_compared_as_days() {
    let given = FieldId::CAUTION_GIVEN_ON;
    let on = |day| [(given, Value::Date(date(2025, 3, day)))];
    assert!(holds("caution.given_on is after 2025-03-06", &on(7)));
    assert!(!holds("caution.given_on is after 2025-03-07", &on(7)));
    assert!(holds("caution.given_on is at least 2025-03-07", &on(7)));
    assert!(holds("caution.given_on is before 2025-03-08", &on(7)));
    assert!(holds("caution.given_on is 2025-03-07", &on(7)));
    assert!(!holds("caution.given_on is before 2025-03-08", &[(given, Value::NotRecorded)]));
}

#[test]
fn any_and_every_read_lists_and_groups() {
    let mut draft = Draft::empty();
    for code in ["CJ88116", "SC15004"] {
        let mut offence = Fields::empty(Group::Offence);
        offence.set(FieldId::OFFENCE_CJS_CODE, text(code), None);
        draft.offences.push(offence);
    }
    let holds =
        |rule: &str, draft: &Draft<'_>| Rule::parse(rule, Fills::Referral).unwrap().holds(draft);
    assert!(holds("any offences.cjs_code is SC15004", &draft));
    assert!(holds("any of offences.cjs_code starts with SC", &draft));
    assert!(!holds("every offences.cjs_code is CJ88116", &draft));
    assert!(holds("every of offences.cjs_code is one of cj88116, SC15004", &draft));
    assert!(holds("every offences.cjs_code is CJ88116", &Draft::empty()));
    assert!(!holds("any offences.cjs_code is CJ88116", &Draft::empty()));
    let names = Value::List(vec![Cow::Borrowed("Tamsin"), Cow::Borrowed("Jay")]);
    draft.root.set(FieldId::OFFENDER_GIVEN_NAMES, names, None);
    assert!(holds("any offender.given_names is Jay", &draft));
    assert!(!holds("every offender.given_names is Jay", &draft));
}

#[test]
fn a_mistake_is_underlined_and_the_near_word_proposed() {
    for (rule, cause, underlined, suggestion) in [
        ("risk.grad is high", PhraseFaultKind::Field, "risk.grad", Some("risk.grade")),
        (
            "offences.cjs_cod is CJ88116",
            PhraseFaultKind::Field,
            "offences.cjs_cod",
            Some("offences.cjs_code"),
        ),
        ("risk.grade is one of standard, medum", PhraseFaultKind::Value, "medum", Some("medium")),
        ("risk.grade is severe", PhraseFaultKind::Value, "severe", None),
        ("risk.grade iz high", PhraseFaultKind::Operator, "iz", None),
        ("risk.grade is one off high", PhraseFaultKind::Value, "one off high", None),
        ("risk.grade start with h", PhraseFaultKind::Operator, "start", Some("starts with")),
        ("risk.grade is before 2025-01-01", PhraseFaultKind::Operator, "is before", None),
        ("case.asn is at least 3", PhraseFaultKind::Operator, "is at least", None),
        ("caution.given_on starts with 2025", PhraseFaultKind::Operator, "starts with", None),
        ("caution.given_on is after 01/02/2025", PhraseFaultKind::Value, "01/02/2025", None),
        ("any risk.grade is high", PhraseFaultKind::Quantifier, "any", None),
        (
            "offences.cjs_code is CJ88116",
            PhraseFaultKind::Quantifier,
            "offences.cjs_code",
            Some("any offences.cjs_code"),
        ),
        ("any offences.cjs_code is 'CJ 88/116'", PhraseFaultKind::Value, "CJ 88/116", None),
        ("risk.grade is not missing", PhraseFaultKind::Operator, "missing", Some("is present")),
        ("risk.grade is missing now", PhraseFaultKind::Condition, "now", None),
        (
            "risk.grade is high and risk.tool is dash",
            PhraseFaultKind::Condition,
            "high and risk.tool is dash",
            None,
        ),
        ("risk.grade is 'high", PhraseFaultKind::Condition, "'high", None),
        ("risk.grade is 'high' or so", PhraseFaultKind::Condition, "or so", None),
        ("risk.grade is", PhraseFaultKind::Condition, "is", None),
        ("risk.grade is one of high,", PhraseFaultKind::Condition, "is one of", None),
        ("source.force is hampshire", PhraseFaultKind::Value, "hampshire", None),
    ] {
        let fault = Rule::parse(rule, Fills::Referral).expect_err(rule);
        assert_eq!(fault.cause, cause, "{rule}");
        assert_eq!(&rule[fault.start..fault.end], underlined, "{rule}");
        assert_eq!(fault.suggestion.as_deref(), suggestion, "{rule}");
    }
    assert!(
        Rule::parse("", Fills::Referral).is_err()
            && Rule::parse("risk.grade", Fills::Referral).is_err()
    );
}

#[test]
fn a_quoted_path_may_hold_quotes_in_brackets() {
    let phrase = Phrase::read("'//Person[@role='SUSPECT']/Sex' is 'O''BRIEN'").unwrap();
    assert_eq!(phrase.subject.text, "//Person[@role='SUSPECT']/Sex");
    assert_eq!(phrase.values[0].text, "O'BRIEN");
    assert_eq!(Phrase::read("Type is one of 'a, b', c").unwrap().values.len(), 2);
}

proptest! {
    #[test]
    fn no_text_makes_a_rule_panic(text in "\\PC{0,40}|(any |every of )?(risk.grade|offences.title|source.force)( is| not| one of| starts with| at least|'|,| é){0,6}") {
        if let Err(fault) = Rule::parse(&text, Fills::Referral) {
            prop_assert!(text.get(fault.start..fault.end).is_some());
        }
    }
}

/// Whether the condition holds at the top of the record.
#[track_caller]
fn asks(when: &str, record: &str) -> Result<bool, Several> {
    let mut names = NameTable::default();
    let when =
        When::parse(when, &mut names).unwrap_or_else(|fault| panic!("{when}: {}", fault.what));
    let tree = cara_document::parse(record, &BodyFormat::Xml, &names, &Limits::default()).unwrap();
    let at = tree.children(tree.root()).next().unwrap();
    let dates = Formats::parse(&["DD/MM/YYYY"], None, TimeZone::UTC).unwrap();
    when.holds(&tree, at, &Reading { blank: &|text| text == "NULL", dates: &dates })
}

#[test]
fn a_when_reads_the_record_and_takes_blanks_as_absent() {
    let record = "<R><Disposal><Type> CCAU </Type><On>07/03/2025</On><No>12</No><Gone>NULL</Gone>\
                  </Disposal><P role='V'><Sex>2</Sex></P><P role='S'><Sex>1</Sex></P></R>";
    for (when, holds) in [
        ("'Disposal/Type' is 'CCAU'", true),
        ("Disposal/Type is not CCAU", false),
        ("Disposal/Type is one of CHARGE, CCAU", true),
        ("Disposal/Type starts with CC", true),
        ("Disposal/Type looks like AAAA", true),
        ("Disposal/Gone is missing", true),
        ("Disposal/Gone is present", false),
        ("Disposal/Gone is not CCAU", true),
        ("Disposal/Gone is CCAU", false),
        ("Disposal/No is at least 12", true),
        ("Disposal/No is at most 11", false),
        ("Disposal/On is before 2025-03-08", true),
        ("Disposal/On is at least 2025-03-08", false),
        ("Disposal/Type is after 2025-03-08", false),
        ("'P[@role='S']/Sex' is 1", true),
        ("any P/Sex is 2", true),
        ("every P/Sex is 2", false),
        ("every P/Age is 2", true),
    ] {
        assert_eq!(asks(when, record), Ok(holds), "{when}");
    }
    assert_eq!(asks("P/Sex is 1", record), Err(Several));
    assert_eq!(asks("P/Sex is 1", "<R><P><Sex>1</Sex></P><P><Sex>1</Sex></P></R>"), Ok(true));
}

#[test]
fn a_mistake_in_a_path_is_underlined_in_the_whole_condition() {
    let fault = |when: &str| When::parse(when, &mut NameTable::default()).unwrap_err();
    let path = fault("any of 'A[/B' is 1");
    assert_eq!((path.cause, path.start >= 8), (PhraseFaultKind::Condition, false));
    let path = fault("A//[ is 1");
    assert_eq!((path.cause, path.start <= 4), (PhraseFaultKind::Path, true));
    assert_eq!(fault("A/B is before soon").cause, PhraseFaultKind::Value);
    assert_eq!(fault("A/B is at least soon").cause, PhraseFaultKind::Value);
}
