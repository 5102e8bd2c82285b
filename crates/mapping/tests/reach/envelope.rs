//! A SOAP envelope whose content is escaped XML, in which a report is escaped once more.

use cara_document::Limits;
use cara_mapping::could_both_match;

use super::{check, plan, refused};

const MAPPING: &str = r#"
[source]
type   = "xml"
match  = "/Envelope/Body/RouteData/DataStreamContent/CautionMessage"
record = "//DataStreamContent/CautionMessage/Case"
dates  = ["YYYY-MM-DD"]

[[unwrap]]
at = "//DataStreamContent"
as = "xml"

[[unwrap]]
at = "//CautionMessage/Case/Report"
as = "xml"

[fields]
source.record_ref  = { from = ["Number", "Suspect/@id"], join = "/" }
source.message_ref = { from = "/Envelope/Header/MessageID" }
officer.name       = { from = "../../../System" }
risk.assessed_on   = { from = "Report/RiskReport/Assessed" }

[[one]]
fills = "offender"
from  = "Suspect"
[one.fields]
family_name  = { from = "Surname" }
access_needs = { from = "//Report/RiskReport/Person[@ref = this/@id]/Needs" }
"#;

/// Escapes a text for the inside of an element.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn case(number: &str, surname: &str, needs: &str) -> String {
    let report = format!(
        "<?xml version=\"1.0\" encoding=\"utf-16\"?>\n<RiskReport><Assessed>2026-10-09</Assessed>\n\
         <Person ref=\"P1\"><Needs>{}</Needs></Person></RiskReport>",
        escaped(needs)
    );
    format!(
        "<Case><Number>{number}</Number>\n<Suspect id=\"P1\"><Surname>{surname}</Surname></Suspect>\n\
         <Report>{}</Report></Case>",
        escaped(&report)
    )
}

fn envelope(content: &str) -> String {
    format!(
        "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\">\n\
         <soap:Header><MessageID>m-7</MessageID></soap:Header>\n<soap:Body>\n\
         <RouteData><System>Custody A</System>\n<DataStreamContent>{content}</DataStreamContent>\n\
         </RouteData>\n</soap:Body>\n</soap:Envelope>\n"
    )
}

fn message(cases: &[String]) -> String {
    format!(
        "\n  <!-- out of the case system -->\n  <?xml version=\"1.0\"?>\n<CautionMessage>{}\n</CautionMessage>\n",
        cases.concat()
    )
}

#[test]
fn every_layer_is_decoded_once_and_no_more() {
    let needs = "Ramp &amp; rail; reads <b> & 'large print'";
    check(
        MAPPING,
        envelope(&escaped(&message(&[case(
            "44/1",
            "O'CONNELL & SONS".replace('&', "&amp;").as_str(),
            needs,
        )]))),
        &[&[
            "source.record_ref = 44/1/P1",
            "source.message_ref = m-7",
            "officer.name = Custody A",
            "offender.family_name = O'CONNELL & SONS",
            "offender.access_needs = Ramp &amp; rail; reads <b> & 'large print'",
            "risk.assessed_on = 2026-10-09",
        ]],
    );
}

#[test]
fn several_records_of_one_content_stay_apart() {
    let message = message(&[case("1", "MARSH", "none"), case("2", "HILL", "a lift")]);
    let expected: [&[&str]; 2] = [
        &[
            "source.record_ref = 1/P1",
            "source.message_ref = m-7",
            "officer.name = Custody A",
            "offender.family_name = MARSH",
            "offender.access_needs = none",
            "risk.assessed_on = 2026-10-09",
        ],
        &[
            "source.record_ref = 2/P1",
            "source.message_ref = m-7",
            "officer.name = Custody A",
            "offender.family_name = HILL",
            "offender.access_needs = a lift",
            "risk.assessed_on = 2026-10-09",
        ],
    ];
    check(MAPPING, envelope(&escaped(&message)), &expected);
    // The same in CDATA.
    check(MAPPING, envelope(&format!("<![CDATA[{message}]]>")), &expected);
}

#[test]
fn a_withdrawal_without_content_is_no_mistake() {
    let mapping = MAPPING
        .replace("/Body/RouteData/DataStreamContent/CautionMessage\"", "\"")
        .replace("//DataStreamContent/CautionMessage/Case", "/Envelope/Body/RouteData");
    for content in ["", " \n ", "<!-- withdrawn -->"] {
        let expected: &[&str] = &["source.message_ref = m-7"];
        check(&mapping.replace("../../../System", "Nobody"), envelope(content), &[expected]);
    }
}

#[test]
fn content_that_is_damaged_is_refused_by_layer_and_line() {
    let whole = message(&[case("1", "MARSH", "none")]);
    refused(
        MAPPING,
        &envelope(&escaped(&whole.replace("</Suspect>", "</Suspct>"))),
        "inside DataStreamContent, line 4: the end tag does not match the element that is open (line 5)",
    );
    // The report's own third line.
    refused(
        MAPPING,
        &envelope(&escaped(&whole.replace("&lt;/Needs&gt;", ""))),
        "inside Report, line 3: the end tag does not match the element that is open (line 10)",
    );
    refused(
        MAPPING,
        &envelope("Not XML at all"),
        "inside DataStreamContent, line 1: text outside the root element (line 5)",
    );
}

#[test]
fn what_was_read_is_told_with_its_line_of_the_body() {
    let plan = plan(MAPPING);
    let body = envelope(&escaped(&message(&[case("1", "MARSH", "none")])));
    let tree = plan.read(&body, &Limits::default()).unwrap();
    let (_, lines) = plan.trace(&tree, plan.records(&tree)[0]);
    let line = |field: &str| lines.iter().find(|line| line.field == field).unwrap().record_line;
    let in_body = |piece: &str| {
        let before = &body[..body.find(piece).unwrap()];
        Some(before.matches('\n').count() as u32 + 1)
    };
    assert_eq!(line("source.message_ref"), in_body("m-7"));
    assert_eq!(line("offender.family_name"), in_body("MARSH"));
    assert_eq!(line("offender.access_needs"), in_body("none"));
}

#[test]
fn two_mappings_of_one_envelope_are_told_apart_by_what_it_carries() {
    let other = MAPPING.replace("CautionMessage", "DecisionMessage");
    assert!(!could_both_match(&plan(MAPPING), &plan(&other)));
    assert!(could_both_match(&plan(MAPPING), &plan(MAPPING)));
    let outside = MAPPING.replace("/DataStreamContent/CautionMessage\"\nrecord", "\"\nrecord");
    assert!(could_both_match(&plan(MAPPING), &plan(&outside)));
}

#[test]
fn an_attribute_is_opened_and_a_path_goes_on_behind_it() {
    let mapping = r#"
[source]
type   = "xml"
match  = "/Post"
record = "/Post/@payload/Cases/Case"
dates  = ["YYYY-MM-DD"]

[[unwrap]]
at = "/Post/@payload"
as = "xml"

[fields]
source.record_ref  = { from = "@id" }
source.message_ref = { from = "../../../@id" }
officer.name       = { from = "/Post/@payload/Cases/Officer" }
"#;
    let payload = "<Cases><Officer>\"T\" HILL</Officer><Case id='1'/><Case id='2'/></Cases>";
    let body = format!("<Post id='m' payload=\"{}\"/>", escaped(payload).replace('"', "&quot;"));
    let case = |number: &str| {
        vec![
            format!("source.record_ref = {number}"),
            "source.message_ref = m".to_owned(),
            "officer.name = \"T\" HILL".to_owned(),
        ]
    };
    let (one, two) = (case("1"), case("2"));
    let told = |case: &[String]| case.iter().map(|it| it.as_str().to_owned()).collect::<Vec<_>>();
    let (one, two) = (told(&one), told(&two));
    let one: Vec<&str> = one.iter().map(String::as_str).collect();
    let two: Vec<&str> = two.iter().map(String::as_str).collect();
    check(mapping, body, &[&one, &two]);
}
