//! What holds for any draft.

use proptest::prelude::*;

use super::{example, judged};
use crate::field::{self, FieldId, Fills, Goes, Group};
use crate::*;

fn value() -> impl Strategy<Value = Value<'static>> {
    let text = prop_oneof![
        "\\PC{0,40}",
        Just("yes".to_owned()),
        Just("withdrawn".to_owned()),
        Just("not_recorded".to_owned()),
        Just("between".to_owned()),
        "[0-9 +-]{0,16}",
        "[A-Z0-9/]{0,21}",
    ];
    prop_oneof![
        Just(Value::Absent),
        Just(Value::NotRecorded),
        Just(Value::Unreadable),
        text.clone().prop_map(|text| Value::Text(text.into())),
        prop::collection::vec(text, 0..4)
            .prop_map(|texts| Value::List(texts.into_iter().map(Into::into).collect())),
        (1900i16..2100, 1i8..13, 1i8..29)
            .prop_map(|(year, month, day)| Value::Date(jiff::civil::date(year, month, day))),
        (0i64..4_000_000_000)
            .prop_map(|second| Value::Instant(jiff::Timestamp::from_second(second).unwrap())),
    ]
}

/// The valid draft with some of its slots exchanged.
fn draft() -> impl Strategy<Value = Draft<'static>> {
    let changes = prop::collection::vec((any::<prop::sample::Index>(), value()), 0..6);
    (changes, any::<bool>()).prop_map(|(changes, from_nothing)| {
        let mut draft = if from_nothing { Draft::empty() } else { example::draft() };
        for (index, value) in changes {
            let fields = field::FIELDS.len() - field::group_len(Group::Decision);
            let id = FieldId::from_index(index.index(fields)).unwrap();
            match id.spec().group {
                Group::Root => draft.root.set(id, value, None),
                group => {
                    let mut block = Fields::empty(group);
                    block.set(id, value, None);
                    match group {
                        Group::Offence => draft.offences.push(block),
                        Group::Condition => draft.conditions.push(block),
                        _ => draft.children.push(block),
                    }
                }
            }
        }
        draft
    })
}

fn json(bytes: Vec<u8>) -> serde_json::Value {
    serde_json::from_slice(&bytes).unwrap()
}

proptest! {
    #[test]
    fn any_draft_is_judged(draft in draft()) {
        match judged(draft) {
            Validated::Stopped(stopped) => {
                prop_assert!(stopped.findings.iter().any(|found| found.code.kind() != FindingKind::Flag));
            }
            Validated::Decision(_) => prop_assert!(false, "a referral's draft is no decision"),
            Validated::Withdrawal(withdrawal) => {
                prop_assert!(withdrawal.flags.iter().all(|found| found.code.kind() == FindingKind::Flag));
            }
            Validated::Referral(referral) => {
                prop_assert!(referral.flags.iter().all(|found| found.code.kind() == FindingKind::Flag));
                let read: OffenderSide = serde_json::from_slice(&referral.offender_content()).unwrap();
                prop_assert!(read == referral.offender_side);
                let read: VictimSide = serde_json::from_slice(&referral.victim_content()).unwrap();
                prop_assert!(read == referral.victim_side);
                let read = Police::from_content(&referral.police_content()).unwrap();
                prop_assert!(read == referral.police);
            }
        }
    }

    #[test]
    fn a_victim_in_free_text_never_reaches_the_offenders_side(
        before in "([a-z]{1,8}[ ,.]{1,2}){0,5}",
        after in "([ ,.]{1,2}[a-z]{1,8}){0,5}",
        mark in prop::sample::select(&["Xanthippe Qworl", "QWORL", "07911123456", "+44 7911 123456",
            "xq@qworl.example", "zebrafinch", "Zebra-Finch", "77 Qx4 4QX"][..]),
        place in 0..5usize,
    ) {
        let mut draft = example::draft();
        let set = |draft: &mut Draft<'static>, id, text: &'static str| {
            draft.root.set(id, Value::Text(text.into()), None);
        };
        set(&mut draft, FieldId::VICTIM_FAMILY_NAME, "Qworl");
        draft.root.set(FieldId::VICTIM_GIVEN_NAMES, Value::List(vec!["Xanthippe".into()]), None);
        set(&mut draft, FieldId::VICTIM_SAFE_CONTACT_NUMBER, "07911 123456");
        set(&mut draft, FieldId::VICTIM_SAFE_CONTACT_EMAIL, "xq@qworl.example");
        set(&mut draft, FieldId::VICTIM_SAFE_CONTACT_CODE_WORD, "Zebrafinch");
        set(&mut draft, FieldId::VICTIM_ADDRESS_POSTCODE, "QX4 4QX");
        draft.root.set(FieldId::VICTIM_ADDRESS_LINES, Value::List(vec!["77 Low St".into()]), None);
        let written = Value::Text(format!("{before} {mark} {after}").into());
        match place {
            0 => draft.root.set(FieldId::OFFENDER_ACCESS_NEEDS, written, None),
            1 => draft.root.set(FieldId::OFFENDER_SAFETY_WARNINGS, written, None),
            2 => draft.offences[0].set(FieldId::OFFENCE_WORDING, written, None),
            3 => draft.offences[0].set(FieldId::OFFENCE_TITLE, written, None),
            _ => draft.conditions[1].set(FieldId::CONDITION_TEXT, written, None),
        }
        let Validated::Referral(referral) = judged(draft) else { panic!("it is not valid") };
        let text = String::from_utf8(referral.offender_content()).unwrap();
        prop_assert!(!text.contains(mark));
    }

    /// A unique text in every field shows up where the field goes, and nowhere else.
    #[test]
    fn no_finding_and_no_debug_holds_a_value(draft in draft(), marker in "ZQ[a-z]{12}") {
        let mut draft = draft;
        for id in field::all(Group::Root) {
            if draft.root.slot(id).value == Value::Absent {
                draft.root.set(id, Value::Text(marker.clone().into()), None);
            }
        }
        let shown = format!("{draft:?}");
        prop_assert!(!shown.contains(&marker));
        let validated = judged(draft);
        let shown = format!("{validated:?}");
        prop_assert!(!shown.contains(&marker));
        if let Validated::Stopped(stopped) = validated {
            let shown = format!("{:?}", stopped.findings);
            prop_assert!(!shown.contains(&marker));
        }
    }
}

/// The dotted names of everything that a side's JSON holds.
fn names(value: &serde_json::Value, at: &str, names: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(members) => {
            for (name, member) in members {
                let dotted = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
                self::names(member, &dotted, names);
            }
        }
        serde_json::Value::Array(items) if items.iter().any(serde_json::Value::is_object) => {
            items.iter().for_each(|item| self::names(item, at, names));
        }
        _ => names.push(at.to_owned()),
    }
}

/// Fields of a referral that go there, by the table, as the JSON nests them.
fn of_the_table(goes: Goes) -> Vec<String> {
    let dotted = |id: FieldId| match id.spec().group {
        Group::Root => id.spec().name.to_owned(),
        group => format!("{}.{}", group.name(), id.spec().name),
    };
    let ids = Fills::Referral.groups().iter().copied().flat_map(field::all);
    ids.filter(|id| id.spec().goes == goes).map(dotted).collect()
}

#[test]
fn a_side_holds_the_fields_that_the_table_sends_there_and_no_others() {
    let referral = example::referral();
    // The number says which offence a place belongs to.
    for (content, goes, made) in [
        (referral.offender_content(), Goes::Provider, &[][..]),
        (referral.victim_content(), Goes::Victim, &["offences.number"][..]),
    ] {
        let table = of_the_table(goes);
        let mut held = Vec::new();
        names(&json(content), "", &mut held);
        for name in &held {
            assert!(table.contains(name) || made.contains(&name.as_str()), "{name} goes elsewhere");
        }
        let rare = [
            "offender.no_fixed_abode",
            "offences.ended_on",
            "risk.orders_in_force",
            "victim.language",
            "victim.interpreter_needed",
        ];
        for name in table {
            assert!(held.contains(&name) || rare.contains(&name.as_str()), "{name} is not there");
        }
    }
}

#[test]
fn police_facts_can_be_serialised_by_nobody_else() {
    trait Ambiguous<A> {
        fn reached() {}
    }
    struct Serialisable;
    impl<T: ?Sized> Ambiguous<()> for T {}
    impl<T: ?Sized + serde::Serialize> Ambiguous<Serialisable> for T {}
    // Compiles only while one of the two applies: while `Police` is not `Serialize`.
    <Police as Ambiguous<_>>::reached();
}

#[test]
fn a_person_is_the_same_in_another_spelling_and_another_with_another_birth_date() {
    let key = |name: &'static str, day: i8| {
        super::referral(|draft| {
            super::text(draft, FieldId::OFFENDER_FAMILY_NAME, name);
            super::day(draft, FieldId::OFFENDER_DATE_OF_BIRTH, jiff::civil::date(1991, 4, day));
        })
        .person_key()
    };
    assert_eq!(key("O'Haverley-Stokes", 17), key("OHAVERLEY STOKES", 17));
    assert_ne!(key("Stokes", 17), key("Stokes", 18));
    assert_ne!(key("Stokes", 17), key("Stoakes", 17));
}

#[test]
fn every_filled_field_has_its_origin() {
    let provenance = example::referral().provenance;
    assert!(provenance.iter().all(|(id, origin)| usize::from(origin.0) == id.index()));
    assert!(provenance.len() > 70);
}
