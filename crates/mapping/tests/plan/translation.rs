//! What a plan does to a record: one test for each rule of reading.

use cara_document::Limits;
use cara_domain::field::{FieldId, Group};
use cara_mapping::trace::TraceLine;
use cara_mapping::{Plan, Translation};

use super::told::told;
use super::{BASE, FULL, compiled};

/// A plan of some lines under `[fields]` and whatever sections follow; its mandatory fields are
/// missing, which translation does not mind.
fn plan(lines: &str) -> Plan {
    let head = "format = 1\nforce = \"hampshire\"\nfills = \"referral/1\"\n[source]\ntype = \"xml\"\n\
        record = \"/R\"\ndates = [\"DD/MM/YYYY\", \"YYYY-MM-DDThh:mm:ssZ\"]\nblank = [\"NULL\"]\n";
    compiled(&format!("{head}[fields]\n{lines}")).plan.unwrap()
}

/// The first record of `<R>…</R>`.
#[track_caller]
fn check(lines: &str, record: &str, expected: &[&str]) {
    let plan = plan(lines);
    let body = format!("<R>{record}</R>");
    let tree = plan.read(&body, &Limits::default()).unwrap();
    let draft = plan.translate(&tree, plan.records(&tree)[0]).draft;
    assert_eq!(told(&draft), expected);
}

const NAME: &str = "officer.name = { from = [\"A\", \"B\"] }";

#[test]
fn a_text_takes_the_first_path_that_is_not_blank() {
    check(NAME, "<A>one</A><B>two</B>", &["officer.name = one"]);
    check(NAME, "<A> NULL </A><B>two</B>", &["officer.name = two"]);
    check(NAME, "<A/><B>  </B>", &[]);
}

#[test]
fn several_different_values_are_a_hold_and_equal_ones_are_one() {
    check(NAME, "<A>one</A><A> one </A>", &["officer.name = one"]);
    let held = ["officer.name = Unreadable", "more_than_one officer.name line 2"];
    check(NAME, "<A>one</A>\n<A>two</A>", &held);
    check(NAME, "<A>one</A><A>NULL</A>", &["officer.name = one"]);
}

#[test]
fn a_list_takes_every_match_of_every_path_in_order() {
    let lines = "offender.given_names = { from = [\"B\", \"A\"] }";
    check(lines, "<A>one</A><B>two</B><A>three</A>", &["offender.given_names = two | one | three"]);
}

#[test]
fn join_glues_what_is_there() {
    let lines = "officer.name = { from = [\"A\", \"B\"], join = \" \" }";
    check(lines, "<A>one</A><B>two</B>", &["officer.name = one two"]);
    check(lines, "<A/><B>two</B>", &["officer.name = two"]);
}

#[test]
fn join_takes_one_value_of_each_of_several_paths_and_every_value_of_a_single_one() {
    let two = "officer.name = { from = [\"A\", \"B\"], join = \" \" }";
    check(two, "<A>one</A><A>one</A><B>two</B>", &["officer.name = one two"]);
    let held = ["officer.name = Unreadable", "more_than_one officer.name line 1"];
    check(two, "<A>one</A><A>two</A><B>three</B>", &held);
    let one = "officer.name = { from = \"A\", join = \" \" }";
    check(one, "<A>one</A><A>two</A>", &["officer.name = one two"]);
    let list = "offender.address.lines = { from = [\"A\", \"B\"], join = \", \" }";
    check(list, "<A>one</A><A>two</A><B>three</B>", &["offender.address.lines = one, two, three"]);
}

#[test]
fn a_key_with_a_part_missing_is_no_key() {
    let lines = "source.record_ref = { from = [\"A\", \"B\"], join = \"/\" }";
    check(lines, "<A>one</A><B>two</B>", &["source.record_ref = one/two"]);
    check(lines, "<A>one</A>", &[]);
    check(lines, "<A>one</A><B>two</B><B>two</B>", &["source.record_ref = one/two"]);
    let held = ["source.record_ref = Unreadable", "more_than_one source.record_ref line 1"];
    check(lines, "<A>one</A><B>two</B><B>three</B>", &held);
}

#[test]
fn a_condition_decides_whether_a_line_counts() {
    let lines = "caution.kind = { value = \"conditional_caution\", when = \"A is 'CC'\" }";
    check(lines, "<A>CC</A>", &["caution.kind = conditional_caution"]);
    check(lines, "<A>XX</A>", &[]);
    check(
        lines,
        "<A>CC</A><A>XX</A>",
        &["caution.kind = Unreadable", "more_than_one caution.kind"],
    );
}

#[test]
fn two_lines_that_both_fill_a_field_are_a_hold_unless_they_agree() {
    let lines = "officer.name = { from = \"A\", when = \"A is present\" }\n\
        [[one]]\nfills = \"officer\"\nfrom = \".\"\nwhen = \"B is present\"\n\
        [one.fields]\nname = { from = \"B\" }\n";
    check(lines, "<A>one</A>", &["officer.name = one"]);
    check(lines, "<B>two</B>", &["officer.name = two"]);
    check(lines, "<A>one</A><B>one</B>", &["officer.name = one"]);
    let held = ["officer.name = Unreadable", "more_than_one officer.name"];
    check(lines, "<A>one</A><B>two</B>", &held);
}

const GRADE: &str = "risk.grade = { from = \"G\", lookup = \"grade\" }\n\
    [lookup.grade]\n\"1\" = \"standard\"\n\" 2 \" = \"not_recorded\"\notherwise = \"hold\"\n";

#[test]
fn a_lookup_compares_trimmed_texts_and_may_say_that_nothing_was_recorded() {
    check(GRADE, "<G> 1 </G>", &["risk.grade = standard"]);
    check(GRADE, "<G>2</G>", &["risk.grade = NotRecorded"]);
    check(GRADE, "", &[]);
}

#[test]
fn an_unlisted_code_holds_and_stands_apart_from_its_finding() {
    let plan = plan(GRADE);
    let body = "<R>\n<G>NORTHWOOD</G></R>";
    let tree = plan.read(body, &Limits::default()).unwrap();
    let Translation { draft, unlisted } = plan.translate(&tree, plan.records(&tree)[0]);
    assert_eq!(
        told(&draft),
        ["risk.grade = Unreadable", "unlisted_code risk.grade (grade) line 2"]
    );
    assert_eq!(unlisted, [("risk.grade".to_owned(), "NORTHWOOD".to_owned())]);
    assert_eq!(plan.path_text(draft.findings[0].origin.unwrap()), "G");
    assert!(!format!("{draft:?}").contains("NORTHWOOD"));
}

#[test]
fn an_unlisted_code_of_a_group_names_its_item() {
    let plan = plan(
        "[[each]]\nfills = \"caution.conditions\"\nfrom = \"C\"\n[each.fields]\n\
        kind = { from = \".\", lookup = \"kind\" }\n[lookup.kind]\nX = \"cara\"\notherwise = \"hold\"\n",
    );
    let tree = plan.read("<R><C>X</C><C>Y</C></R>", &Limits::default()).unwrap();
    let translation = plan.translate(&tree, plan.records(&tree)[0]);
    assert_eq!(translation.unlisted, [("caution.conditions[2].kind".to_owned(), "Y".to_owned())]);
}

#[test]
fn an_otherwise_value_takes_the_place_of_an_unlisted_code() {
    let lines = "offender.sex = { from = \"S\", lookup = \"s\" }\n\
        [lookup.s]\nM = \"male\"\notherwise = \"unknown\"\n";
    check(lines, "<S>M</S>", &["offender.sex = male"]);
    check(lines, "<S>?</S>", &["offender.sex = unknown"]);
}

#[test]
fn a_table_of_the_file_replaces_the_built_in_one_of_its_name() {
    let built_in = "offender.sex = { from = \"S\", lookup = \"cjs sex\" }\n";
    check(built_in, "<S>1</S>", &["offender.sex = male"]);
    let own = format!("{built_in}[lookup.\"cjs sex\"]\n1 = \"female\"\notherwise = \"hold\"\n");
    check(&own, "<S>1</S>", &["offender.sex = female"]);
}

#[test]
fn dates_become_days_and_instants_moments() {
    let lines = "caution.deadline = { from = \"D\" }\nsource.extracted_at = { from = \"E\" }\n";
    let record = "<D>10/12/2026</D><E>2026-06-01T23:30:00Z</E>";
    let read = ["source.extracted_at = 2026-06-01T23:30:00Z", "caution.deadline = 2026-12-10"];
    check(lines, record, &read);
    // Half past eleven in Greenwich is the next day in London's summer.
    check(lines, "<D>2026-06-01T23:30:00Z</D>", &["caution.deadline = 2026-06-02"]);
    let unreadable =
        ["caution.deadline = Unreadable", "unreadable_mandatory caution.deadline line 1"];
    check(lines, "<D>31/02/2026</D>", &unreadable);
}

#[test]
fn transforms_run_in_the_order_in_which_they_stand() {
    let lines = "officer.name = { from = \"A\", apply = [\"after ,\", \"trim\", \"upper case\"] }";
    check(lines, "<A>marsh, ann</A>", &["officer.name = ANN"]);
}

const OFFENDER: &str = "[[one]]\nfills = \"offender\"\nfrom = \"P\"\n[one.fields]\n\
    family_name = { from = \"N\" }\n";

#[test]
fn a_person_is_never_put_together_from_two() {
    check(OFFENDER, "<P><N>one</N></P>", &["offender.family_name = one"]);
    check(OFFENDER, "", &[]);
    check(OFFENDER, "<P><N>one</N></P>\n<P><N>one</N></P>", &["more_than_one offender line 2"]);
}

#[test]
fn a_group_has_an_item_for_each_match_and_none_without() {
    let lines = "[[each]]\nfills = \"offences\"\nfrom = [\"O\", \"Q\"]\n[each.fields]\n\
        cjs_code = { from = \".\" }\nstarted_on = { from = \"@on\" }\n";
    let record = "<Q>CJ2</Q><O on='01/02/2026'>CJ1</O>";
    check(lines, record, &["1 cjs_code = CJ1", "1 started_on = 2026-02-01", "2 cjs_code = CJ2"]);
    check(lines, "", &[]);
}

#[test]
fn a_rule_that_is_not_met_holds_or_flags_by_its_name() {
    let rules = "[[rule]]\nname = \"H\"\nrequire = \"officer.name is 'A'\"\notherwise = \"hold\"\n\
        because = \"why\"\n[[rule]]\nname = \"F\"\nrequire = \"officer.unit is present\"\n\
        otherwise = \"flag\"\nbecause = \"look\"\n";
    let lines = format!("officer.name = {{ from = \"A\" }}\n{rules}");
    check(&lines, "<A>A</A>", &["officer.name = A", "rule_flag officer.unit (F)"]);
    let both = ["officer.name = B", "rule officer.name (H)", "rule_flag officer.unit (F)"];
    check(&lines, "<A>B</A>", &both);
    assert_eq!(plan(&lines).because("H"), Some("why"));
}

#[test]
fn a_trace_tells_path_lines_and_every_step() {
    let plan = plan("officer.name = { from = [\"A\", \"B\"], apply = [\"trim\", \"upper case\"] }");
    let tree = plan.read("<R>\n<B>ann</B></R>", &Limits::default()).unwrap();
    let (translation, lines) = plan.trace(&tree, plan.records(&tree)[0]);
    assert_eq!(told(&translation.draft), ["officer.name = ANN"]);
    let [line] = lines.as_slice() else { panic!("{} lines", lines.len()) };
    assert_eq!(line.field, "officer.name");
    assert_eq!(line.source_path.as_deref(), Some("B"));
    assert_eq!((line.record_line, line.mapping_spot.line), (Some(2), 10));
    assert_eq!(steps(line), ["as read: ann", "trim: ann", "upper case: ANN"]);
    assert_eq!((line.value.as_slice(), &line.stuck_at), (["ANN".to_owned()].as_slice(), &None));
}

fn steps(line: &TraceLine) -> Vec<String> {
    line.made.iter().map(|made| format!("{}: {}", made.by, made.texts.join("|"))).collect()
}

#[test]
fn a_trace_names_every_step_and_the_one_that_failed() {
    let check = |written: &str, record: &str, expected: &[&str], stuck_at: Option<&str>| {
        let plan = plan(written);
        let tree = plan.read(record, &Limits::default()).unwrap();
        let (_, lines) = plan.trace(&tree, plan.records(&tree)[0]);
        assert_eq!(steps(&lines[0]), expected, "{written}");
        assert_eq!(lines[0].stuck_at.as_ref().map(ToString::to_string).as_deref(), stuck_at);
        assert_eq!(lines[0].value.is_empty(), stuck_at.is_some() || expected.is_empty());
    };
    let sex = "offender.sex = { from = \"A\", apply = [\"before ,\", \"letters 1 to 1\"], lookup = \"cjs sex\" }";
    let made =
        ["as read: MALE,x", "before ,: MALE", "letters 1 to 1: M", "lookup \"cjs sex\": male"];
    check(sex, "<R><A>MALE,x</A></R>", &made, None);
    check(sex, "<R/>", &[], None);
    let unlisted = ["as read: Q", "before ,: Q", "letters 1 to 1: Q"];
    check(sex, "<R><A>Q</A></R>", &unlisted, Some("lookup \"cjs sex\""));
    let postcode = "offender.address.postcode = { from = \"A\", apply = [\"postcode\"] }";
    check(postcode, "<R><A>nowhere</A></R>", &["as read: nowhere"], Some("postcode"));
    let born = "offender.date_of_birth = { from = \"A\", dates = \"DD/MM/YYYY\" }";
    check(born, "<R><A>01/02/1990</A></R>", &["as read: 01/02/1990", "field: 1990-02-01"], None);
    check(born, "<R><A>Monday</A></R>", &["as read: Monday"], Some("field"));
}

#[test]
fn every_value_of_the_base_names_the_path_that_it_came_from() {
    let plan = compiled(BASE).plan.unwrap();
    let tree = plan.read(FULL, &Limits::default()).unwrap();
    let draft = plan.translate(&tree, plan.records(&tree)[0]).draft;
    assert_eq!(draft.findings, []);
    let from = |name: &str| {
        let id = FieldId::find(Group::Root, name).unwrap();
        plan.path_text(draft.root.slot(id).origin.unwrap()).to_owned()
    };
    assert_eq!(from("victim.safe_contact.number"), "Contact");
    assert_eq!(from("caution.kind"), "(always \"conditional_caution\")");
    assert!(draft.root.filled().all(|(_, slot)| slot.origin.is_some()));
}
