use super::{Draft, FieldId, Value, clear, findings, judged, list, referral, text};
use crate::example;

const WORDING: &str = "withheld_victim_named offences[1].wording";

/// Whether an offence's wording is withheld, after a change of the draft.
fn withheld(change: impl FnOnce(&mut Draft<'static>), wording: &'static str) -> bool {
    let mut draft = example::draft();
    change(&mut draft);
    draft.offences[0].set(FieldId::OFFENCE_WORDING, Value::Text(wording.into()), None);
    let validated = judged(draft);
    let lines = findings(&validated);
    assert!(lines.is_empty() || lines == [WORDING], "{lines:?}");
    !lines.is_empty()
}

#[test]
fn whatever_identifies_the_victim_is_withheld() {
    for wording in [
        "Pushed Morwenna Tregarrow against a wall",
        "Pushed TREGARROW, Morwenna",
        "the tregarrow's door",
        "Mrs Tregarrow was hit",
        "MorwennaTregarrow",
        "T.R.E.G.A.R.R.O.W",
        "Trégarrow",
        "Tre\u{ad}garrow",
        "called 07700 900987 twice",
        "called +44 (0)7700-900 987",
        "called 00447700900987",
        "called07700900987often",
        "wrote to M.Tregarrow@mail.example",
        "shouted Blue-Bird at her",
        "at 14, so171xy",
        "at SO17 1XY, number 14",
        "outside 14 Quillfeather Rise",
    ] {
        assert!(withheld(|_| {}, wording), "{wording}");
    }
}

#[test]
fn what_identifies_nobody_stays() {
    for wording in [
        "Pushed Morwenna against a wall",
        "Tregarrows",
        "called 07700 900986",
        "in SO17 1XY",
        "at number 14",
        "bluebirds sang",
        "Pushed Dominic O'Haverley-Stokes",
        "at 81 Harbour Parade SO14 3ZZ",
        "",
    ] {
        assert!(!withheld(|_| {}, wording), "{wording}");
    }
}

#[test]
fn a_shared_surname_counts_with_a_given_name_only() {
    let married = |draft: &mut Draft<'static>| {
        text(draft, FieldId::VICTIM_FAMILY_NAME, "O HAVERLEY STOKES");
    };
    for wording in [
        "Morwenna O'Haverley-Stokes",
        "O'Haverley-Stokes, Morwenna",
        "Morwenna and Dominic O'Haverley Stokes",
        "Morwenna J. O’Haverley–Stokes",
    ] {
        assert!(withheld(married, wording), "{wording}");
    }
    for wording in ["Mr O'Haverley-Stokes hit her", "O'Haverley-Stokes's car", "Morwenna"] {
        assert!(!withheld(married, wording), "{wording}");
    }
}

#[test]
fn an_address_that_is_the_offenders_too_does_not_count() {
    let together = |draft: &mut Draft<'static>| {
        list(draft, FieldId::VICTIM_ADDRESS_LINES, &["Flat 2, 81 Harbour Parade"]);
        text(draft, FieldId::VICTIM_ADDRESS_POSTCODE, "SO143ZZ");
    };
    assert!(!withheld(together, "at flat 2, 81 Harbour Parade, SO14 3ZZ"));
    let next_door = |draft: &mut Draft<'static>| {
        list(draft, FieldId::VICTIM_ADDRESS_LINES, &["83 Harbour Parade"]);
        text(draft, FieldId::VICTIM_ADDRESS_POSTCODE, "SO14 3ZZ");
    };
    assert!(withheld(next_door, "at 83, SO14 3ZZ"));
    assert!(!withheld(next_door, "at 81, SO14 3ZZ"));
    let cottage = |draft: &mut Draft<'static>| {
        list(draft, FieldId::VICTIM_ADDRESS_LINES, &["Rose Cottage", "Mill Lane"]);
    };
    assert!(withheld(cottage, "at Rose Cottage, SO17 1XY"));
    assert!(!withheld(cottage, "at the cottage, SO17 1XY"));
}

#[test]
fn a_number_that_could_not_be_read_is_still_found() {
    let mut draft = example::draft();
    text(&mut draft, FieldId::VICTIM_CONTACT_AGREED, "no");
    text(&mut draft, FieldId::VICTIM_SAFE_CONTACT_NUMBER, "07700 900987 ask for her");
    text(&mut draft, FieldId::OFFENDER_ACCESS_NEEDS, "lives with 07700900987");
    let lines = findings(&judged(draft));
    assert_eq!(
        lines,
        ["unreadable victim.safe_contact.number", "withheld_victim_named offender.access_needs"]
    );
}

#[test]
fn every_free_text_of_the_offenders_side_is_searched() {
    let named = "see Tregarrow";
    let referral = referral(|draft| {
        text(draft, FieldId::OFFENDER_ACCESS_NEEDS, named);
        list(draft, FieldId::OFFENDER_SAFETY_WARNINGS, &["Has a large dog", named]);
        draft.offences[1].set(FieldId::OFFENCE_TITLE, Value::Text(named.into()), None);
        draft.offences[1].set(FieldId::OFFENCE_WORDING, Value::Text(named.into()), None);
        draft.conditions[1].set(FieldId::CONDITION_TEXT, Value::Text(named.into()), None);
    });
    let lines: Vec<_> = referral.flags.iter().map(|flag| flag.field.as_ref()).collect();
    assert_eq!(
        lines,
        [
            "offender.access_needs",
            "offender.safety_warnings",
            "offences[2].title",
            "offences[2].wording",
            "caution.conditions[2].text",
        ]
    );
    assert_eq!(referral.offender_side.offender.safety_warnings, ["Has a large dog"]);
    assert!(!String::from_utf8(referral.offender_content()).unwrap().contains("Tregarrow"));
}

#[test]
fn structured_names_are_never_searched() {
    let referral = referral(|draft| {
        text(draft, FieldId::OFFICER_NAME, "P. Tregarrow");
        clear(draft, FieldId::OFFENDER_ACCESS_NEEDS);
    });
    assert_eq!(referral.offender_side.officer.name, "P. Tregarrow");
    assert!(referral.flags.is_empty());
}
