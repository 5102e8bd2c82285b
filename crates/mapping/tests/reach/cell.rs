//! CSV without a header: 'SURNAME,FIRST M' in one cell, a person over many rows, JSON in a cell.

use super::{check, refused};

const MAPPING: &str = r#"
[source]
type   = "csv"
header = false
group  = "column 2"
dates  = ["YYYYMMDD"]

[[unwrap]]
at = "//column 6"
as = "json"

[fields]
source.record_ref = { from = "column 2" }
officer.unit      = { from = "column 6/station" }

[[one]]
fills   = "offender"
from    = "row"
same_by = "column 2"
[one.fields]
family_name   = { from = "column 3", apply = ["before ,"] }
given_names   = { from = "column 3", apply = ["after ,", "words"] }
date_of_birth = { from = "column 4" }

[[each]]
fills = "offences"
from  = "row"
[each.fields]
cjs_code   = { from = "column 5", apply = ["letters 1 to 7"] }
started_on = { from = "column 1" }
"#;

const BODY: &str = "20260901,044,\"ROOK,LEE S\",19850506,CJ88001 COMMON ASSAULT,\"{\"\"station\"\": \"\"North\"\"}\"\r\n\
    20260902,045,\"DE LA MARE,ANN\",19870708,CD71039 DAMAGE,\r\n\
    20260903,044,\"ROOK,LEE S\",19850506,CD71039 DAMAGE,\"{\"\"station\"\": \"\"North\"\"}\"\r\n";

const FIRST: &[&str] = &[
    "source.record_ref = 044",
    "officer.unit = North",
    "offender.given_names = LEE | S",
    "offender.family_name = ROOK",
    "offender.date_of_birth = 1985-05-06",
    "1 cjs_code = CJ88001",
    "1 started_on = 2026-09-01",
    "2 cjs_code = CD71039",
    "2 started_on = 2026-09-03",
];
const SECOND: &[&str] = &[
    "source.record_ref = 045",
    "offender.given_names = ANN",
    "offender.family_name = DE LA MARE",
    "offender.date_of_birth = 1987-07-08",
    "1 cjs_code = CD71039",
    "1 started_on = 2026-09-02",
];

#[test]
fn a_person_over_several_rows_with_a_name_in_one_cell() {
    check(MAPPING, BODY, &[FIRST, SECOND]);
}

#[test]
fn rows_that_disagree_hold_the_record() {
    let body = BODY.replacen("North", "South", 1);
    let mut held = FIRST.to_vec();
    held[1] = "officer.unit = Unreadable";
    held.push("more_than_one officer.unit line 3");
    check(MAPPING, body, &[&held, SECOND]);
    let body = BODY.replacen("LEE S", "LEE T", 1);
    let mut held = FIRST.to_vec();
    held[2] = "offender.given_names = Unreadable";
    held.push("more_than_one offender.given_names line 3");
    check(MAPPING, body, &[&held, SECOND]);
}

#[test]
fn a_ragged_row_is_named() {
    let body = BODY.replace("CD71039 DAMAGE,\r\n", "CD71039 DAMAGE\r\n");
    refused(MAPPING, &body, "row 2 has 5 columns where 6 are expected (line 2)");
    let with_header =
        MAPPING.replace("header = false\n", "").replace("group  = \"column 2\"\n", "");
    refused(&with_header, "A,B,\n", "row 1, column 3 has no name (line 1)");
    refused(&with_header, "A,B,A\n", "row 1, columns 1 and 3 have the same name (line 1)");
}
