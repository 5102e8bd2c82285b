//! Fixed width: records of several lengths tied by numbers in packed groups, and fixed width inside
//! the tags of XML.

use super::check;

const PACKED: &str = r#"
[source]
type   = "fixed"
record = "INCIDENT"
dates  = ["YYYYMMDD"]

[[line]]
name    = "INCIDENT"
is      = "5 is 1"
columns = ["length 4", "level 1", "number 6", "on 8"]

[[line]]
name    = "OFFENCE"
is      = "5 is 2"
columns = ["length 4", "level 1", "number 6", "code 7"]

[[line]]
name    = "VICTIM"
is      = "5 is 4"
columns = ["length 4", "level 1", "number 6", "victim 3", "codes 14", "surname 12", "tied 40"]

[[line]]
name    = "OFFENDER"
is      = "5 is 5"
columns = ["length 4", "level 1", "number 6", "offender 2", "surname 12", "sex 1"]

[[unwrap]]
at      = "//VICTIM/tied"
as      = "fixed"
columns = ["offender 2", "relationship 2"]

[[unwrap]]
at      = "//VICTIM/codes"
as      = "fixed"
columns = ["code 7"]

[fields]
source.record_ref = { from = "number" }
relationship.kind = { from = "VICTIM/tied/row[offender = //OFFENDER/offender]/relationship", lookup = "tie" }

[[one]]
fills = "offender"
from  = "OFFENDER[offender = //VICTIM/tied/row/offender]"
[one.fields]
family_name      = { from = "surname" }
local_person_ref = { from = "offender" }

[[one]]
fills = "victim"
from  = "VICTIM[tied/row/offender = //OFFENDER/offender]"
[one.fields]
ref         = { from = "victim" }
family_name = { from = "surname" }

[[each]]
fills = "offences"
from  = "OFFENCE[code = this/VICTIM/codes/row/code]"
[each.fields]
cjs_code = { from = "code" }

[lookup."tie"]
"SP" = "spouse"
"BG" = "intimate_partner"
otherwise = "hold"
"#;

fn body(victims: &[(&str, &str, &str, &str)]) -> String {
    let mut body = "0019100007720261001\r\n".to_owned();
    body += "00182000077CJ88001\r\n00182000077CD71039\r\n00182000077TH68010\r\n";
    for (victim, codes, surname, tied) in victims {
        body += &format!("00804000077{victim}{codes:<14}{surname:<12}{tied:<40}\r\n");
    }
    body + "00265000077 1ÀROOK        M\r\n"
}

#[test]
fn packed_groups_tie_victims_offences_and_offenders() {
    let victims =
        [("001", "CJ88001TH68010", "HALE", "03ST 1SP"), ("002", "CD71039", "MARSH", "02ST")];
    check(
        PACKED,
        body(&victims),
        &[&[
            "source.record_ref = 000077",
            "offender.family_name = ÀROOK",
            "offender.local_person_ref = 1",
            "relationship.kind = spouse",
            "victim.ref = 001",
            "victim.family_name = HALE",
            "1 cjs_code = CJ88001",
            "2 cjs_code = CD71039",
            "3 cjs_code = TH68010",
        ]],
    );
}

#[test]
fn two_victims_tied_to_the_offender_are_two_victims() {
    let victims = [("001", "CJ88001", "HALE", " 1SP"), ("002", "CJ88001", "MARSH", "02ST 1BG03ST")];
    check(
        PACKED,
        body(&victims),
        &[&[
            "source.record_ref = 000077",
            "offender.family_name = ÀROOK",
            "offender.local_person_ref = 1",
            "relationship.kind = Unreadable",
            "1 cjs_code = CJ88001",
            "more_than_one relationship.kind line 6",
            "more_than_one victim line 6",
        ]],
    );
}

const TAGGED: &str = r#"
[source]
type   = "xml"
match  = "/Transfer"
record = "/Transfer/Record"
dates  = ["DDMMYYYY"]

[[unwrap]]
at      = "/Transfer/Record/Person"
as      = "fixed"
columns = ["role 1", "- 1", "surname 10", "born 8"]

[fields]
source.record_ref = { from = "@key" }

[[one]]
fills = "offender"
from  = "Person/row[role='S']"
[one.fields]
family_name   = { from = "surname" }
date_of_birth = { from = "born" }

[[one]]
fills = "victim"
from  = "Person/row[role='V']"
[one.fields]
family_name   = { from = "surname" }
date_of_birth = { from = "born" }
"#;

#[test]
fn columns_inside_tags_are_cut_by_character_behind_their_escapes() {
    let body = "<Transfer><Record key='1'><Person>\nS ROOK &amp; CO 01021985\nV HÀLE      03041987\n</Person></Record>\n\
                <Record key='2'><Person>S FINCH     05061990</Person><Person>V MARSH</Person></Record></Transfer>";
    check(
        TAGGED,
        body,
        &[
            &[
                "source.record_ref = 1",
                "offender.family_name = ROOK & CO",
                "offender.date_of_birth = 1985-02-01",
                "victim.family_name = HÀLE",
                "victim.date_of_birth = 1987-04-03",
            ],
            &[
                "source.record_ref = 2",
                "offender.family_name = FINCH",
                "offender.date_of_birth = 1990-06-05",
                "victim.family_name = MARSH",
            ],
        ],
    );
}

#[test]
fn a_line_that_is_out_of_step_is_never_read_as_a_date() {
    let body = "<Transfer><Record key='1'><Person>S ROOK     01021985</Person></Record></Transfer>";
    check(
        TAGGED,
        body,
        &[&[
            "source.record_ref = 1",
            "offender.family_name = ROOK     0",
            "offender.date_of_birth = Unreadable",
            "unreadable_mandatory offender.date_of_birth line 1",
        ]],
    );
}
