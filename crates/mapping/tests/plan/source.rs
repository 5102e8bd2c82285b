//! One plan for each type of source, and which bodies are for it.

use cara_document::Limits;
use cara_domain::field::{FieldId, Group};
use cara_domain::{Draft, Value};
use cara_mapping::{Plan, could_both_match};

use super::compiled;

fn plan(source: &str, rest: &str) -> Plan {
    let head = "format = 1\nforce = \"hampshire\"\nfills = \"referral/1\"\n";
    compiled(&format!("{head}[source]\ndates = [\"DD/MM/YYYY\"]\n{source}\n{rest}")).plan.unwrap()
}

/// Every draft of the body.
fn drafts<'t>(plan: &Plan, body: &'t str) -> Vec<Draft<'t>> {
    let tree = plan.read(body, &Limits::default()).unwrap();
    assert!(plan.matches(&tree));
    plan.records(&tree).into_iter().map(|record| plan.translate(&tree, record).draft).collect()
}

fn text(draft: &Draft<'_>, name: &str) -> String {
    let id = FieldId::find(Group::Root, name).unwrap();
    match &draft.root.slot(id).value {
        Value::Text(text) => text.to_string(),
        Value::List(texts) => texts.join(" | "),
        other => format!("{other:?}"),
    }
}

fn found(draft: &Draft<'_>) -> Vec<String> {
    draft.findings.iter().map(|it| format!("{} {}", it.code.name(), it.field)).collect()
}

#[test]
fn a_json_array_is_no_level_and_numbers_keep_their_text() {
    let plan = plan(
        "type = \"json\"\nmatch = \"/cases\"\nrecord = \"/cases\"",
        "[fields]\nsource.record_ref = { from = \"id\" }\n\
         offender.given_names = { from = \"person/names\" }\n",
    );
    let body = r#"{"cases": [{"id": 7.50e1, "person": {"names": ["A", "B"]}}, {"id": "2"}]}"#;
    let drafts = drafts(&plan, body);
    let [first, second] = drafts.as_slice() else { panic!("{} records", drafts.len()) };
    assert_eq!(text(first, "source.record_ref"), "7.50e1");
    assert_eq!(text(first, "offender.given_names"), "A | B");
    assert_eq!(text(second, "source.record_ref"), "2");
}

#[test]
fn a_csv_row_is_a_record() {
    let plan = plan(
        "type = \"csv\"\nseparator = \";\"",
        "[fields]\nsource.record_ref = { from = \"REF\" }\nofficer.name = { from = \"LAST NAME\" }\n",
    );
    let drafts = drafts(&plan, "REF;LAST NAME\n044;\"MARSH; JR\"\n045;HILL\n");
    let refs: Vec<_> = drafts.iter().map(|draft| text(draft, "source.record_ref")).collect();
    assert_eq!(refs, ["044", "045"]);
    assert_eq!(text(&drafts[0], "officer.name"), "MARSH; JR");
}

#[test]
fn a_csv_without_a_header_names_its_columns_by_number() {
    let plan = plan(
        "type = \"csv\"\nheader = false",
        "[fields]\nsource.record_ref = { from = \"column 2\" }\n",
    );
    assert_eq!(text(&drafts(&plan, "x,044\n")[0], "source.record_ref"), "044");
}

#[test]
fn rows_of_one_person_are_one_record_and_those_that_disagree_hold_it() {
    let plan = plan(
        "type = \"csv\"\ngroup = \"ID\"",
        "[fields]\nsource.record_ref = { from = \"ID\" }\nofficer.name = { from = \"NAME\" }\n\
         [[each]]\nfills = \"offences\"\nfrom = \"row\"\n[each.fields]\ncjs_code = { from = \"CODE\" }\n",
    );
    let drafts = drafts(&plan, "ID,NAME,CODE\n1,MARSH,A\n2,HILL,B\n1,MARSH,C\n2,DALE,D\n");
    let [first, second] = drafts.as_slice() else { panic!("{} records", drafts.len()) };
    assert_eq!((text(first, "officer.name"), first.offences.len()), ("MARSH".to_owned(), 2));
    assert_eq!(found(first), [""; 0]);
    assert_eq!(text(second, "officer.name"), "Unreadable");
    assert_eq!(found(second), ["more_than_one officer.name"]);
}

#[test]
fn a_fixed_width_record_begins_at_its_line_kind() {
    let plan = plan(
        "type = \"fixed\"\nrecord = \"CASE\"",
        "[[line]]\nname = \"CASE\"\nis = \"1 is C\"\ncolumns = [\"- 1\", \"ref 5\", \"officer 10\"]\n\
         [[line]]\nname = \"OFFENCE\"\nis = \"1 is O\"\ncolumns = [\"- 1\", \"code 6\"]\n\
         [fields]\nsource.record_ref = { from = \"ref\" }\nofficer.name = { from = \"officer\" }\n\
         [[each]]\nfills = \"offences\"\nfrom = \"OFFENCE\"\n[each.fields]\ncjs_code = { from = \"code\" }\n",
    );
    let drafts = drafts(&plan, "C00044ÀMARSH    \nOCJ1234\nOCJ5678\nC00045HILL      \n");
    let [first, second] = drafts.as_slice() else { panic!("{} records", drafts.len()) };
    assert_eq!((text(first, "officer.name"), first.offences.len()), ("ÀMARSH".to_owned(), 2));
    assert_eq!((text(second, "source.record_ref"), second.offences.len()), ("00045".to_owned(), 0));
}

fn xml(matches: &str) -> Plan {
    plan(
        &format!("type = \"xml\"\nmatch = \"{matches}\"\nrecord = \"/A/Case\""),
        "[fields]\nsource.record_ref = { from = \"Ref\" }\n",
    )
}

#[test]
fn two_mappings_of_a_type_are_told_apart_by_what_they_name() {
    assert!(could_both_match(&xml("/A"), &xml("/A/Case")));
    assert!(!could_both_match(&xml("/A"), &xml("/B")));
    assert!(could_both_match(&xml("/A"), &xml("//B")));
    assert!(could_both_match(&xml("/A"), &xml("/*")));
    let json = plan("type = \"json\"\nrecord = \"/a\"", "[fields]\n");
    let other = plan("type = \"json\"\nrecord = \"/b\"", "[fields]\n");
    assert!(!could_both_match(&json, &other));
    assert!(could_both_match(&json, &json));
    let inside = plan("type = \"json\"\nrecord = \"/a/b\"", "[fields]\n");
    assert!(could_both_match(&json, &inside));
    assert!(!could_both_match(&json, &xml("/a")));
}

#[test]
fn a_body_of_another_kind_is_not_matched() {
    let plan = xml("/A");
    let of = |body| {
        let tree = plan.read(body, &Limits::default()).unwrap();
        plan.matches(&tree)
    };
    assert!(of("<A/>"));
    assert!(of("<x:A xmlns:x='u'/>"));
    assert!(!of("<B/>"));
    assert!(!of("<B><A/></B>"));
}
