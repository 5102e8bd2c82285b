//! What a plan makes of a notice: what is missing, several lines, conditions, days and moments.

use cara_domain::notice::NoticeKind;
use cara_mapping::letter::{self, NoticeExample, Unrendered, example};

use super::{BASE, MISSED, compiled, planned};

/// The letter of the base with these lines instead of its fields.
fn letter(target: &str, fields: &str, given: &NoticeExample) -> String {
    let text = format!(
        "format = 1\nforce = \"hampshire\"\nfills = \"letter/1\"\n[target]\n{target}\n[fields]\n{fields}\n\
         [[test]]\nname = \"one\"\nnotice = \"returned\"\nexpect_file = \"missed.xml\"\n"
    );
    let body = planned(&text).render(&given.notice()).unwrap().body;
    String::from_utf8(body).unwrap()
}

fn json(fields: &str, given: &NoticeExample) -> String {
    letter("type = \"json\"", fields, given)
}

#[test]
fn the_base_has_no_mistake_and_its_tests_reach_everything() {
    let report = letter::run_tests(&planned(BASE), &|_| Some(MISSED.into()));
    assert_eq!(
        report.to_string(),
        "5 tests passed, 0 failed; 9 of 9 fields, 27 of 27 lookup rows, 22 of 22 kinds of notice\n"
    );
    assert!(report.is_complete() && !report.failed());
}

#[test]
fn every_difference_and_everything_that_is_not_reached_is_told() {
    let text = BASE
        .replace("\"QX-9/P1\"", "\"QX-9\"")
        .replace("= \"N L E R C\"", "= \"N\"")
        .replace(" late_refused", "")
        .replace("\"deadline_passed\", ", "");
    let text = text.replace("\"MIS\"", "\"MIZ\"");
    let report = letter::run_tests(&planned(&text), &|_| Some(MISSED.into()));
    insta::assert_snapshot!(report.to_string(), @r###"
    3 tests passed, 2 failed; 9 of 9 fields, 25 of 27 lookup rows, 21 of 22 kinds of notice
      failed: a missed workshop: Ref was "QX-9/P1", expected "QX-9"; line 3 was "  <Ref kind=\"MIZ\">QX-9/P1</Ref>", missed.xml has "  <Ref kind=\"MIS\">QX-9/P1</Ref>"
      failed: every way to miss one: Miss/Reason was "N E R C", expected "N"
      not reached: lookup "kind": deadline_passed
      not reached: lookup "reason": late_refused
      not reached: notice deadline_passed
    "###);
}

#[test]
fn what_the_notice_does_not_have_is_left_out_or_written_as_the_line_says() {
    let mut given = example(NoticeKind::Accepted);
    given.content.deadline = None;
    given.content.record_ref = Some("  ".to_owned());
    let fields = "a = { from = \"notice.deadline\" }\n\
                  b = { from = \"notice.deadline\", if_missing = \"\" }\n\
                  c = { from = \"notice.record_ref\", if_missing = \"N/K\" }\n\
                  \"d/e\" = { from = \"notice.supersedes\" }\n\
                  f = { from = \"notice.occurrence_number\", apply = [\"after ;\"], if_missing = \"-\" }\n";
    insta::assert_snapshot!(json(fields, &given), @r#"
    {
      "b": "",
      "c": "N/K",
      "f": "-"
    }
    "#);
}

#[test]
fn members_stand_in_the_files_order_and_every_value_is_a_text() {
    let fields = "z = { from = \"notice.sequence\" }\n\
                  \"m/y\" = { from = \"notice.completion_still_possible\" }\n\
                  a = { value = \"1\" }\n\
                  \"m/b\" = { from = \"notice.part\" }\n";
    let given = example(NoticeKind::WorkshopMissed);
    insta::assert_snapshot!(letter("type = \"json\"\nroot = \"r\"", fields, &given), @r#"
    {
      "r": {
        "z": "117",
        "m": {
          "y": "yes",
          "b": "2"
        },
        "a": "1"
      }
    }
    "#);
}

#[test]
fn days_and_moments_are_written_as_the_file_says() {
    let mut given = example(NoticeKind::Accepted);
    // Summer: London is an hour ahead of UTC.
    given.made_at = "2025-07-01T22:30:05Z".parse().unwrap();
    let fields = "a = { from = \"notice.happened_on\" }\n\
                  b = { from = \"notice.happened_on\", dates = \"YYYY-MM-DD\" }\n\
                  c = { from = \"notice.made_at\" }\n\
                  d = { from = \"notice.made_at\", dates = \"DD/MM/YYYY hh:mm:ss\" }\n\
                  e = { from = \"notice.made_at\", dates = \"YYYYMMDDThhmmssZ\" }\n";
    insta::assert_snapshot!(letter("type = \"json\"\ndates = \"D MMM YYYY\"", fields, &given), @r#"
    {
      "a": "18 Nov 2025",
      "b": "2025-11-18",
      "c": "2025-07-01T22:30:05Z",
      "d": "01/07/2025 23:30:05",
      "e": "20250701T223005Z"
    }
    "#);
}

#[test]
fn a_line_writes_when_its_condition_holds() {
    let holds = |condition: &str, given: &NoticeExample| {
        json(&format!("a = {{ value = \"x\", when = \"{condition}\" }}"), given).contains("\"x\"")
    };
    let missed = example(NoticeKind::WorkshopMissed);
    let reported = example(NoticeKind::NonComplianceReported);
    let silent = example(NoticeKind::NoContact14Days);
    for (condition, given, expected) in [
        ("notice.kind is workshop_missed", &missed, true),
        ("notice.kind is not one of workshop_missed, declined", &missed, false),
        ("notice.part is '2'", &missed, true),
        ("notice.part is missing", &silent, true),
        ("notice.part is not '1'", &silent, true),
        ("any notice.reason is did_not_engage", &reported, true),
        ("every notice.reason is did_not_engage", &reported, false),
        ("any notice.reason is no_show", &silent, false),
        ("notice.reason is present", &reported, true),
        ("notice.sequence is at least 118", &missed, false),
        ("notice.sequence is at most 117", &missed, true),
        ("notice.sequence is one of 116, 117", &missed, true),
        ("notice.deadline is before 2026-01-01", &missed, true),
        ("notice.deadline is after 2025-12-31", &missed, false),
        ("notice.deadline is 2025-12-31", &missed, true),
        ("notice.made_at is after 2025-11-19T09:59:59Z", &missed, true),
        ("notice.occurrence_number looks like 'AA-9999-999999'", &missed, true),
        ("notice.occurrence_number starts with QY", &missed, false),
        ("notice.completion_still_possible is yes", &missed, true),
        ("notice.notice_id is 01997A3C-0000-7000-8000-000000000010", &missed, true),
    ] {
        assert_eq!(holds(condition, given), expected, "{condition}");
    }
}

#[test]
fn the_kinds_that_a_condition_lets_through_are_the_codes_that_a_lookup_lists() {
    let text = "a = { from = \"notice.kind\", lookup = \"k\", when = \"notice.kind is one of returned, declined\" }\n\
                [lookup.k]\nreturned = \"R\"\ndeclined = \"D\"\n";
    assert!(json(text, &example(NoticeKind::Returned)).contains("\"R\""));
}

#[test]
fn a_character_that_xml_has_no_way_to_write_is_an_error_that_names_the_place_only() {
    let plan = planned(BASE);
    let mut given = example(NoticeKind::Accepted);
    for hostile in ["QX\u{0}secret", "QX\u{1b}secret", "QX\u{ffff}secret"] {
        given.content.record_ref = Some(hostile.to_owned());
        let error = plan.render(&given.notice()).unwrap_err();
        assert!(matches!(error, Unrendered::Unwritable(_)));
        assert_eq!(error.to_string(), "the text of Ref holds a character that XML cannot hold");
    }
}

#[test]
fn a_letter_in_a_log_line_shows_nothing_of_the_notice() {
    let letter = planned(BASE).render(&example(NoticeKind::Accepted).notice()).unwrap();
    let shown = format!("{letter:?}");
    assert_eq!(shown, "Letter { media_type: \"application/xml; charset=utf-8\", .. }");
}

#[test]
fn a_plan_walks_between_threads() {
    fn walks<T: Send + Sync>(_: &T) {}
    walks(&planned(BASE));
}

#[test]
fn a_test_that_cannot_be_met_does_not_stop_the_plan_from_being_tried() {
    let text = BASE.replace("\"missed.xml\"", "\"gone.xml\"");
    let compiled = compiled(&text);
    assert_eq!(compiled.diagnostics.len(), 1);
    let report = letter::run_tests(&compiled.plan.unwrap(), &|_| None);
    assert_eq!(report.failures.len(), 1);
}
