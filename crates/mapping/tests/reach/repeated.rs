//! One victim who stands under each offence.

use super::check;

const MAPPING: &str = r#"
[source]
type   = "xml"
match  = "/Cases"
record = "/Cases/Case"
dates  = ["DD/MM/YYYY"]
blank  = ["UNKNOWN"]

[fields]
source.record_ref = { from = "@ref" }

[[one]]
fills   = "victim"
from    = "Offence/Victim"
same_by = "VictimID"
[one.fields]
ref           = { from = "VictimID" }
family_name   = { from = "Surname" }
given_names   = { from = "Forename" }
date_of_birth = { from = "Born" }
safe_contact.number = { from = "Phone", apply = ["uk phone"] }

[[each]]
fills = "offences"
from  = "Offence"
[each.fields]
cjs_code = { from = "@code" }
"#;

const FIRST: &str = "<Offence code='CJ88001'><Victim><VictimID> V9 </VictimID><Surname>HALE</Surname>\
    <Forename>ANN</Forename><Forename>MAY</Forename><Phone>07700 900 417</Phone></Victim></Offence>";
const SECOND: &str = "<Offence code='CD71039'><Victim><VictimID>V9</VictimID><Surname>HALE</Surname>\
    <Forename>ANN</Forename><Forename>MAY</Forename><Born>03/04/1987</Born>\
    <Phone>+447700900417</Phone></Victim></Offence>";

fn case(second: &str) -> String {
    format!("<Cases><Case ref='1'>{FIRST}\n{second}</Case></Cases>")
}

const READ: &[&str] = &[
    "source.record_ref = 1",
    "victim.ref = V9",
    "victim.given_names = ANN | MAY",
    "victim.family_name = HALE",
    "victim.date_of_birth = 1987-04-03",
    "victim.safe_contact.number = +447700900417",
    "1 cjs_code = CJ88001",
    "2 cjs_code = CD71039",
];

#[test]
fn one_victim_under_each_offence_is_one_person() {
    check(MAPPING, case(SECOND), &[READ]);
}

/// What is left of the victim, and the finding behind it.
#[track_caller]
fn held(second: &str, field: usize, unreadable: &str, finding: &str) {
    let mut read = READ.to_vec();
    read[field] = unreadable;
    read.push(finding);
    check(MAPPING, case(second), &[&read]);
}

#[test]
fn whoever_says_something_else_of_the_same_person_holds_the_record() {
    held(
        &SECOND.replace("HALE", "HAIL"),
        3,
        "victim.family_name = Unreadable",
        "more_than_one victim.family_name line 2",
    );
    held(
        &SECOND.replace("<Forename>MAY</Forename>", ""),
        2,
        "victim.given_names = Unreadable",
        "more_than_one victim.given_names line 2",
    );
    held(
        &SECOND.replace("+447700900417", "07700 900 418"),
        5,
        "victim.safe_contact.number = Unreadable",
        "more_than_one victim.safe_contact.number line 2",
    );
    held(
        &SECOND.replace("03/04/1987", "1987"),
        4,
        "victim.date_of_birth = Unreadable",
        "unreadable victim.date_of_birth line 2",
    );
}

#[test]
fn who_has_another_key_or_none_is_never_put_together() {
    let two: &[&str] = &[
        "source.record_ref = 1",
        "1 cjs_code = CJ88001",
        "2 cjs_code = CD71039",
        "more_than_one victim line 2",
    ];
    for key in ["V8", "", "UNKNOWN", "V9</VictimID><VictimID>V8"] {
        check(MAPPING, case(&SECOND.replace("V9", key)), &[two]);
    }
    check(MAPPING, case(&SECOND.replace("VictimID", "OtherID")), &[two]);
    let without = MAPPING.replace("same_by = \"VictimID\"\n", "");
    check(&without, case(SECOND), &[two]);
}

#[test]
fn several_parts_make_one_key_and_all_of_them_count() {
    let mapping = MAPPING.replace("\"VictimID\"\n[one", "[\"VictimID\", \"Surname\"]\n[one");
    check(&mapping, case(SECOND), &[READ]);
    let two: &[&str] = &[
        "source.record_ref = 1",
        "1 cjs_code = CJ88001",
        "2 cjs_code = CD71039",
        "more_than_one victim line 2",
    ];
    check(&mapping, case(&SECOND.replace("HALE", "HAIL")), &[two]);
    check(&mapping, case(&SECOND.replace("HALE", " ")), &[two]);
}

#[test]
fn one_mention_needs_no_key() {
    let expected: &[&str] =
        &["source.record_ref = 1", "victim.family_name = HALE", "1 cjs_code = CJ88001"];
    let body = "<Cases><Case ref='1'><Offence code='CJ88001'><Victim><Surname>HALE</Surname>\
                </Victim></Offence></Case></Cases>";
    check(MAPPING, body, &[expected]);
}
