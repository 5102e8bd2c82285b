//! Persons who are tied to a case, and a part in it, only by references in association elements;
//! a guardian of the same name is a decoy.

use super::check;

const MAPPING: &str = r#"
[source]
type   = "xml"
match  = "/Exchange"
record = "/Exchange/Incident"
dates  = ["YYYY-MM-DD"]

[fields]
source.record_ref = { from = "@id" }

[[one]]
fills = "offender"
from  = "//Person[@id = //SubjectAssociation/PersonReference/@ref]"
[one.fields]
family_name   = { from = "Name/Last" }
given_names   = { from = "Name/First" }
date_of_birth = { from = "Born/@date" }
phones        = { from = "//Telephone[@id = //ContactAssociation[PersonReference/@ref = this/@id]/TelephoneReference/@ref]/@number" }

[[one]]
fills = "victim"
from  = "//Person[@id = //VictimAssociation/PersonReference/@ref]"
[one.fields]
ref           = { from = "@id" }
family_name   = { from = "Name/Last" }
date_of_birth = { from = "Born/@date" }

[[each]]
fills = "offences"
from  = "//Offence[@id = //SubjectAssociation/OffenceReference/@ref]"
[each.fields]
cjs_code = { from = "@code" }
"#;

const INCIDENT: &str = r#"<Incident id="I-7">
  <Person id="p1"><Name><First>LEE</First><Last>ROOK</Last></Name><Born date="2010-03-04"/></Person>
  <Person id="p2"><Name><First>LEE</First><Last>ROOK</Last></Name><Born date="1985-05-06"/></Person>
  <Person id="p3"><Name><First>ANN</First><Last>HALE</Last></Name><Born date="1987-07-08"/></Person>
  <Offence id="o1" code="CJ88001"/><Offence id="o2" code="CD71039"/><Offence id="o3" code="TH68010"/>
  <Telephone id="t1" number="07700900100"/><Telephone id="t2" number="07700900200"/>
  <SubjectAssociation><PersonReference ref=" p2 "/><OffenceReference ref="o1"/></SubjectAssociation>
  <SubjectAssociation><PersonReference ref="p2"/><OffenceReference ref="o3"/></SubjectAssociation>
  <VictimAssociation><PersonReference ref="p3"/></VictimAssociation>
  <GuardianAssociation><PersonReference ref="p1"/><PersonReference ref="p2"/></GuardianAssociation>
  <ContactAssociation><PersonReference ref="p2"/><TelephoneReference ref="t1"/></ContactAssociation>
  <ContactAssociation><PersonReference ref="p3"/><TelephoneReference ref="t2"/></ContactAssociation>
</Incident>"#;

const READ: &[&str] = &[
    "source.record_ref = I-7",
    "offender.given_names = LEE",
    "offender.family_name = ROOK",
    "offender.date_of_birth = 1985-05-06",
    "offender.phones = 07700900100",
    "victim.ref = p3",
    "victim.family_name = HALE",
    "victim.date_of_birth = 1987-07-08",
    "1 cjs_code = CJ88001",
    "2 cjs_code = TH68010",
];

#[test]
fn who_plays_which_part_is_found_by_reference_and_a_guardian_plays_none() {
    check(MAPPING, format!("<Exchange>{INCIDENT}</Exchange>"), &[READ]);
}

#[test]
fn a_reference_of_one_incident_never_finds_a_person_of_another() {
    let other = INCIDENT
        .replace("I-7", "I-8")
        .replace("ROOK", "FINCH")
        .replace("07700900100", "07700900300");
    let read: Vec<String> = READ
        .iter()
        .map(|it| it.replace("I-7", "I-8").replace("ROOK", "FINCH").replace("900100", "900300"))
        .collect();
    let read: Vec<&str> = read.iter().map(String::as_str).collect();
    check(MAPPING, format!("<Exchange>{INCIDENT}\n{other}</Exchange>"), &[READ, &read]);
}

#[test]
fn a_second_subject_is_a_hold_and_a_reference_to_nobody_finds_nobody() {
    let two = INCIDENT.replace("GuardianAssociation", "SubjectAssociation");
    let held: Vec<&str> = READ
        .iter()
        .copied()
        .filter(|it| !it.starts_with("offender"))
        .chain(["more_than_one offender line 3"])
        .collect();
    check(MAPPING, format!("<Exchange>{two}</Exchange>"), &[&held]);
    let nobody = INCIDENT
        .replace("\" p2 \"", "\"\"")
        .replace("<SubjectAssociation><PersonReference ref=\"p2\"/>", "<SubjectAssociation>");
    let read: Vec<&str> = READ.iter().copied().filter(|it| !it.starts_with("offender")).collect();
    check(MAPPING, format!("<Exchange>{nobody}</Exchange>"), &[&read]);
}
