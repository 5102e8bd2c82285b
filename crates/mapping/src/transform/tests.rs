use std::borrow::Cow;

use proptest::prelude::*;

use super::list::ALL;
use super::{Fits, PhraseFaultKind, Transform, TransformArgument};
use cara_domain::FieldId;

/// What the written transforms make of one text; none when it cannot be read.
fn run(written: &[&str], given: &str) -> Option<Vec<String>> {
    let mut texts = vec![Cow::Borrowed(given)];
    for step in written {
        let step = Transform::parse(step).unwrap_or_else(|fault| panic!("{step}: {}", fault.what));
        texts = step.apply_list(texts).ok()?;
    }
    Some(texts.into_iter().map(Cow::into_owned).collect())
}

#[track_caller]
fn check(written: &str, given: &str, expected: &str) {
    assert_eq!(run(&[written], given).as_deref(), Some(&[expected.to_owned()][..]), "{given}");
}

#[track_caller]
fn refuses(written: &str, given: &str) {
    assert_eq!(run(&[written], given), None, "{given}");
}

#[test]
fn every_example_in_the_list_is_true() {
    assert!(ALL.len() >= 18);
    for doc in ALL {
        let gives: Vec<String> = doc.example.gives.iter().map(|&text| text.to_owned()).collect();
        assert_eq!(run(&[doc.example.written], doc.example.given), Some(gives), "{}", doc.name);
        assert!(!doc.line.ends_with('.') && doc.line.len() < 160, "{}", doc.name);
        assert_eq!(Transform::parse(doc.example.written).unwrap().doc().name, doc.name);
    }
}

#[test]
fn a_reference_in_its_own_form_stays_as_it_is() {
    for (written, given) in [
        ("asn", "1101ZD0100000448754K"),
        ("asn", "0800NP0100000000001H"),
        ("asn", "0836FP0100000377244A"),
        ("asn", "2544AA0100000012345W"),
        ("asn", "2552BR0100000000042R"),
        ("asn", "2620C10000000999999K"),
        ("pnc id", "1981/0000034U"),
        ("pnc id", "1979/0163001B"),
        ("pnc id", "2000/0000223R"),
        ("pnc id", "1967/9893091D"),
        ("cro", "065656/91H"),
        ("cro", "SF05/482703J"),
        ("cro", "SF83/50058Z"),
        ("pti urn", "01ZD0303208"),
        ("offence code", "CJ88116"),
        ("postcode", "GIR 0AA"),
        ("uk phone", "+447700900417"),
    ] {
        check(written, given, given);
    }
}

#[test]
fn every_written_form_of_a_pnc_id_is_read() {
    check("pnc id", "81/34u", "1981/0000034U");
    check("pnc id", "020073319Z", "2002/0073319Z");
    check("pnc id", "20020073319Z", "2002/0073319Z");
    check("pnc id", "39/1A", "2039/0000001A");
    check("pnc id", "40/1A", "1940/0000001A");
    for wrong in ["2002/0073319", "2002/73319S", "202/73319Z", "02-73319Z", "2002/00733190Z", "Z"] {
        refuses("pnc id", wrong);
    }
}

#[test]
fn zeros_go_before_the_sequence_of_an_asn_and_nowhere_else() {
    check("asn", "11/01ZD/01/448754K", "1101ZD0100000448754K");
    check("asn", "11/01zd/01/00000448754 k", "1101ZD0100000448754K");
    check("asn", "1101ZD01448754K", "1101ZD0100000448754K");
    check("asn", "11/A01ZD/01/448754K", "11A01ZD0100000448754K");
    check("asn", "11A01ZD0100000448754K", "11A01ZD0100000448754K");
    for wrong in ["11A01ZD01448754K", "1101ZD/01/448754K", "11/01ZD/01/K", "1101ZD0100000448754"] {
        refuses("asn", wrong);
    }
}

#[test]
fn a_cro_number_is_padded_only_in_its_modern_form() {
    check("cro", "656/91h", "000656/91H");
    check("cro", "06565691H", "065656/91H");
    check("cro", "sf83 50058z", "SF83/50058Z");
    for wrong in ["1234567/91H", "SF/50058Z", "SF8350058", "SF83/5005800Z", "/91H", "SFH"] {
        refuses("cro", wrong);
    }
}

#[test]
fn every_way_to_write_a_uk_number_gives_one_form() {
    for written in [
        "07700 900417",
        "07700-900-417",
        "07700.900.417",
        "+44 7700 900417",
        "0044 7700 900417",
        "+44 (0)7700 900417",
        "+44 07700 900417",
        "447700900417",
        "(07700) 900417",
    ] {
        check("uk phone", written, "+447700900417");
    }
    check("uk phone", "01632 960017", "+441632960017");
    check("uk phone", "+353 1 555 0123", "+35315550123");
    for wrong in ["7700 900417", "07700 90041", "07700 900417 ext 2", "ask mother", "+44", "0044"] {
        refuses("uk phone", wrong);
    }
}

#[test]
fn a_postcode_follows_bs_7666() {
    for (given, expected) in [
        ("so14 9zz", "SO14 9ZZ"),
        ("M11AE", "M1 1AE"),
        ("ec1a 1bb", "EC1A 1BB"),
        ("W1A 0AX", "W1A 0AX"),
        ("b 3 3 3 h q", "B33 3HQ"),
        ("gir0aa", "GIR 0AA"),
    ] {
        check("postcode", given, expected);
    }
    for wrong in ["QA1 1AA", "SO14 9CZ", "SO14", "9ZZ", "SO149ZZZ", "AI1 1AA", "SO14 OZZ", "ü1 1AA"]
    {
        refuses("postcode", wrong);
    }
}

#[test]
fn yes_and_no_are_read_and_nothing_else() {
    for (given, expected) in [("Y", "yes"), ("False", "no"), ("0", "no"), (" t ", "yes")] {
        check("yes no", given, expected);
    }
    for wrong in ["U", "2", "not known", "YN"] {
        refuses("yes no", wrong);
    }
}

#[test]
fn cutting_and_joining_work_in_a_row() {
    assert_eq!(run(&["after ,", "words"], "ROOK,TAMSIN J").unwrap(), ["TAMSIN", "J"]);
    assert_eq!(
        run(&["split at ' / '", "uk phone"], "07700 900417 / 01632 960017").unwrap(),
        ["+447700900417", "+441632960017"]
    );
    check("before /", "no stroke", "no stroke");
    check("after /", "no stroke", "");
    check("letters 3 to 99", "ééabc", "abc");
    check("letters 9 to 10", "short", "");
    check("first word", "one", "one");
    check("last word", "one two ", "two");
    check("without ' '", "a b c", "abc");
}

#[test]
fn a_mistake_is_underlined_and_the_near_name_proposed() {
    let fault = |written: &str| Transform::parse(written).unwrap_err();
    assert_eq!(fault("uk fone").suggestion.as_deref(), Some("uk phone"));
    assert_eq!(fault("uppercase").suggestion.as_deref(), Some("upper case"));
    assert_eq!(fault("befor /").suggestion.as_deref(), Some("before /"));
    assert_eq!(fault("eval(x)").suggestion, None);
    assert_eq!(fault("").cause, PhraseFaultKind::Transform);
    let extra = fault(" trim 3");
    assert_eq!((extra.cause, extra.start, extra.end), (PhraseFaultKind::Argument, 6, 7));
    assert_eq!(fault("before").cause, PhraseFaultKind::Argument);
    assert_eq!(fault("letters 8 to 1").cause, PhraseFaultKind::Argument);
    assert_eq!(fault("letters 0 to 1").cause, PhraseFaultKind::Argument);
}

#[test]
fn a_transform_fits_the_fields_it_is_made_for() {
    let doc = |name: &str| ALL.iter().find(|doc| doc.name == name).unwrap();
    let fits = |name: &str, id: FieldId| doc(name).fits(id.spec());
    assert!(fits("uk phone", FieldId::OFFENDER_PHONES));
    assert!(!fits("uk phone", FieldId::OFFENDER_ADDRESS_POSTCODE));
    assert!(fits("yes no", FieldId::OFFENDER_INTERPRETER_NEEDED));
    assert!(fits("yes no", FieldId::VICTIM_CONTACT_AGREED));
    assert!(!fits("yes no", FieldId::OFFENDER_SEX));
    assert!(fits("words", FieldId::OFFENDER_GIVEN_NAMES));
    assert!(!fits("words", FieldId::OFFENDER_FAMILY_NAME));
    assert!(fits("asn", FieldId::SOURCE_RECORD_REF) && !fits("asn", FieldId::OFFICER_NAME));
    assert!(fits("postcode", FieldId::OFFENDER_ADDRESS_LINES));
    assert!(!fits("uk phone", FieldId::OFFICER_UNIT) && !fits("email", FieldId::OFFENDER_TITLE));
    assert!(
        ALL.iter()
            .filter(|doc| doc.fits == Fits::List)
            .all(|doc| { Transform::parse(doc.example.written).unwrap().makes_list() })
    );
}

proptest! {
    #[test]
    fn no_text_makes_a_transform_panic_and_a_second_run_changes_nothing(text in "\\PC{0,24}|[ 0-9A-Z/+()@.-]{0,24}") {
        for doc in ALL {
            let step = Transform::parse(doc.example.written).unwrap();
            let Ok(once) = step.apply_list(vec![Cow::Borrowed(&text)]) else { continue };
            // Cutting a second time may cut more; a form that was reached stays.
            if doc.takes == TransformArgument::Nothing {
                prop_assert_eq!(step.apply_list(once.clone()), Ok(once), "{}", doc.name);
            }
        }
    }

    #[test]
    fn reading_a_transform_never_panics(written in "\\PC{0,24}|(letters|before|split at|trim)[ 0-9a-z'/]{0,12}") {
        if let Err(fault) = Transform::parse(&written) {
            prop_assert!(fault.start <= fault.end && fault.end <= written.len());
            prop_assert!(written.get(fault.start..fault.end).is_some());
        }
    }
}
