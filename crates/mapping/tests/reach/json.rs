//! JSON with a byte order mark, dates in two formats, arrays whose name depends on a type, and a
//! text that is itself JSON.

use super::{check, refused};

const MAPPING: &str = r#"
[source]
type   = "json"
match  = "/cases"
record = "/cases"
dates  = ["YYYY-MM-DD", "DD/MM/YYYY"]

[[unwrap]]
at = "/cases/assessment"
as = "json"

[fields]
source.record_ref = { from = "ref" }
caution.given_on  = { from = "caution/given" }
caution.deadline  = { from = "caution/deadline" }
risk.grade        = { from = "assessment/result/grade" }
risk.assessed_on  = { from = "assessment/result/on" }

[[one]]
fills = "offender"
from  = ["people/suspects", "people/detained"]
[one.fields]
family_name = { from = "surname" }
phones      = { from = "*[kind='MOB']/number" }

[[each]]
fills = "offences"
from  = "*[type='OFFENCE']"
[each.fields]
cjs_code   = { from = "code" }
started_on = { from = "on" }
"#;

const BODY: &str = r#"{"cases": [{
  "ref": "0044",
  "caution": {"given": "2026-10-01", "deadline": "14/01/2027"},
  "assessment": "\ufeff{\"result\": {\"grade\": \"standard \\\"x\\\"\", \"on\": \"30/09/2026\"}}",
  "people": {
    "suspects": [{"surname": "O\u2019DELL", "contacts": [{"kind": "MOB", "number": "07700900123"}, {"kind": "FAX", "number": "01632960111"}]}],
    "victims": [{"surname": "HALE", "contacts": [{"kind": "MOB", "number": "07700900999"}]}]
  },
  "assaults": [{"type": "OFFENCE", "code": "CJ88001", "on": "01/09/2026"}],
  "damage": {"type": "OFFENCE", "code": "CD71039", "on": "2026-09-02"},
  "notes": {"type": "NOTE", "code": "XX00000"}
}]}"#;

const READ: &[&str] = &[
    "source.record_ref = 0044",
    "offender.family_name = O’DELL",
    "offender.phones = 07700900123",
    "caution.given_on = 2026-10-01",
    "caution.deadline = 2027-01-14",
    "risk.grade = standard \"x\"",
    "risk.assessed_on = 2026-09-30",
    "1 cjs_code = CJ88001",
    "1 started_on = 2026-09-01",
    "2 cjs_code = CD71039",
    "2 started_on = 2026-09-02",
];

#[test]
fn a_mark_two_date_formats_and_a_text_that_is_json() {
    check(MAPPING, format!("\u{feff}{BODY}"), &[READ]);
    // A suspect who has been detained stands in an array of another name.
    check(MAPPING, BODY.replace("\"suspects\"", "\"detained\""), &[READ]);
}

#[test]
fn two_suspects_under_two_names_are_two_suspects() {
    let body = BODY.replace("\"victims\"", "\"detained\"");
    let mut held: Vec<&str> =
        READ.iter().copied().filter(|it| !it.starts_with("offender")).collect();
    held.push("more_than_one offender line 7");
    check(MAPPING, body, &[&held]);
}

#[test]
fn a_date_of_no_format_is_not_guessed() {
    let body = BODY.replace("14/01/2027", "01-14-2027");
    let mut held: Vec<&str> = READ.to_vec();
    held[4] = "caution.deadline = Unreadable";
    held.push("unreadable_mandatory caution.deadline line 3");
    check(MAPPING, body, &[&held]);
}

#[test]
fn a_text_that_is_no_json_is_refused_by_its_name() {
    let body = BODY.replace("{\\\"result\\\"", "{result");
    refused(
        MAPPING,
        &body,
        "inside assessment, line 1: a key in double quotes is expected here (line 4)",
    );
}
