//! Every mistake of a letter's mapping with the exact text that a person sees.

use std::fmt::Write as _;

use cara_mapping::code::MappingCode;
use cara_mapping::letter::{self, LetterPlan};
use proptest::prelude::*;

use super::mistakes::{Base, Mistake};
use super::slips::{can_be_shown, slipped, slips};
use super::{BASE, compiled};

const SOUND: Base<LetterPlan> = Base { text: BASE, compile: compiled };

const TARGETS: &[Mistake] = &[
    ("a key that does not exist", "dates = \"DD/MM/YYYY\"\n", "date = \"DD/MM/YYYY\"\n"),
    ("another kind of document", "\"letter/1\"", "\"leter/1\""),
    ("a force that does not exist", "\"hampshire\"\n", "\"hampshir\"\n"),
    ("a section of referrals", "[deliver]", "[source]\ntype = \"xml\"\n\n[deliver]"),
    ("no target", "[target]\ntype  = \"xml\"\nroot  = \"Update\"\ndates = \"DD/MM/YYYY\"\n", ""),
    ("a type that does not exist", "\"xml\"\n", "\"xlm\"\n"),
    ("fixed widths", "\"xml\"\n", "\"fixed\"\n"),
    ("no root", "root  = \"Update\"\n", ""),
    ("a root that is no name", "\"Update\"", "\"2 Updates\""),
    ("a key of another type", "root  =", "separator = \";\"\nroot  ="),
    ("a namespace with a blank", "root  =", "namespace = \"an example\"\nroot  ="),
    ("a format that is none", "\"DD/MM/YYYY\"\n", "\"dd/MM/YYYY\"\n"),
    ("a year of two digits", "\"DD/MM/YYYY\"\n", "\"DD/MM/YY\"\n"),
    ("a time in days", "\"DD/MM/YYYY\"\n", "\"DD/MM/YYYY hh:mm\"\n"),
    ("a text where a number belongs", "format = 1", "format = \"1\""),
];

const DELIVERIES: &[Mistake] = &[
    ("no address", "to         = \"https://notices.hampshire.example/inbox\"\n", ""),
    ("not https", "\"https://notices.hampshire", "\"http://notices.hampshire"),
    ("no host", "\"https://notices.hampshire.example/inbox\"", "\"https:///inbox\""),
    ("a user in the address", "https://notices", "https://user:pass@notices"),
    ("a port that is none", ".example/inbox", ".example:99999/inbox"),
    ("an answer that is no success", "[200, 202]", "[200, 302]"),
    ("no answer", "[200, 202]", "[]"),
    ("answers as a text", "[200, 202]", "\"200\""),
    ("taken over without being delivered", "taken_over = [200]", "taken_over = [201]"),
    ("too long", "= 20\n", "= 600\n"),
    ("a header of the gateway", "\"X-Source\" =", "\"content-type\" ="),
    ("a secret header", "\"X-Source\" =", "\"Authorization\" ="),
    ("a header that cannot be", "\"X-Source\" =", "\"X Source\" ="),
    ("a header twice", "\"X-Source\" =", "\"x-source\" = \"A\"\n\"X-Source\" ="),
    ("a line end in a header", "\"X-Source\" = \"CARA\"", "\"X-Source\" = \"CARA\\r\\nX: y\""),
];

const FIELDS: &[Mistake] = &[
    ("a field that does not exist", "\"notice.record_ref\"", "\"notice.record_rf\""),
    ("a field without its first word", "\"notice.record_ref\"", "\"record_ref\""),
    ("a key that is misspelt", "if_missing =", "if_mising ="),
    ("a field without its braces", "{ from = \"notice.notice_id\" }", "\"notice.notice_id\""),
    ("neither from nor value", "{ from = \"notice.notice_id\" }", "{ apply = [\"trim\"] }"),
    ("from and value", "{ value = \"for now\",", "{ from = \"notice.part\", value = \"for now\","),
    (
        "a constant with a transform",
        "{ value = \"for now\",",
        "{ value = \"for now\", apply = \"trim\",",
    ),
    ("a name with a blank", "\"Due\"  ", "\"Due by\""),
    ("a prefix", "\"Due\"", "\"n:Due\""),
    ("a reserved name", "\"@id\"", "\"@xmlns\""),
    ("an empty step", "\"Miss/Part\"", "\"Miss//Part\""),
    ("a path from the top", "\"Due\"", "\"/Due\""),
    ("an attribute of an attribute", "\"Ref/@kind\"      =", "\"Ref/@kind/@of\" ="),
    ("an element in a text", "\"Due\"", "\"Ref/Due\""),
    ("a text around an element", "\"Note\"           =", "\"Miss\" ="),
    ("a path twice", "\"Due\"            =", "\"Ref\" ="),
    ("a transform that does not exist", "\"upper case\"", "\"uper case\""),
    ("a transform that may fail", "\"upper case\"", "\"postcode\""),
    ("a list", "\"upper case\"", "\"words\""),
    ("formats for a text", "apply = [\"upper case\"]", "dates = \"DD/MM/YYYY\""),
    ("a time for a day", "if_missing = \"\"", "dates = \"DD/MM/YYYY hh:mm\""),
    ("a number as text", "if_missing = \"\"", "if_missing = 0"),
];

const LOOKUPS: &[Mistake] = &[
    ("a code is missing", "\"returned\" = \"RET\"\n", ""),
    ("a code that cannot be", "\"returned\" = \"RET\"\n", "\"returnd\" = \"RET\"\n"),
    ("a code too many", "\"no_show\" = \"N\"", "\"no_show\" = \"N\"\n\"asleep\" = \"Z\""),
    (
        "a code of another kind",
        "\"no_show\" = \"N\"",
        "\"no_show\" = \"N\"\n\"no_capacity\" = \"Z\"",
    ),
    ("an otherwise", "\"no_show\" = \"N\"", "\"no_show\" = \"N\"\notherwise = \"hold\""),
    ("a lookup that does not exist", "lookup = \"reason\"", "lookup = \"reasn\""),
    ("a lookup that nothing uses", "lookup = \"reason\", ", ""),
    ("a field without codes", "apply = [\"upper case\"]", "lookup = \"kind\""),
    ("a word that is a number", "\"no_show\" = \"N\"", "\"no_show\" = 1"),
    ("a code twice", "\"no_show\" = \"N\"", "\"no_show\" = \"N\"\n\"no_show\" = \"M\""),
];

const CONDITIONS: &[Mistake] = &[
    (
        "a field that does not exist",
        "notice.kind is safeguarding_concern",
        "notice.knd is declined",
    ),
    ("a kind that does not exist", "is safeguarding_concern", "is safeguarding_concerns"),
    (
        "before a lookup",
        "when = \"notice.kind is workshop_missed\" }\n\"Miss/Part",
        "when = \"notice.knd is workshop_missed\" }\n\"Miss/Part",
    ),
    ("no operator", "notice.kind is safeguarding_concern", "notice.kind"),
    (
        "an order of codes",
        "notice.kind is safeguarding_concern",
        "notice.kind is at least declined",
    ),
    ("a start of a day", "notice.kind is safeguarding_concern", "notice.deadline starts with 2"),
    (
        "a list without a quantifier",
        "notice.kind is safeguarding_concern",
        "notice.reason is no_show",
    ),
    (
        "a quantifier for one value",
        "notice.kind is safeguarding_concern",
        "any notice.kind is declined",
    ),
    (
        "a reason that cannot be",
        "notice.kind is safeguarding_concern",
        "any notice.reason is no_shw",
    ),
    ("a day that is none", "notice.kind is safeguarding_concern", "notice.deadline is after soon"),
    (
        "a number that is none",
        "notice.kind is safeguarding_concern",
        "notice.sequence is at least x",
    ),
    ("an id that is none", "notice.kind is safeguarding_concern", "notice.supersedes is 7"),
];

const TESTS: &[Mistake] = &[
    ("a file that is not there", "\"missed.xml\"", "\"mised.xml\""),
    (
        "a kind that does not exist",
        "notice = \"information_requested\"",
        "notice = \"info_requested\"",
    ),
    ("no kind", "notice = \"information_requested\"\n", ""),
    ("no kind in the list", "notice = \"information_requested\"", "notice = []"),
    ("no name", "name   = \"a request for more\"\n", ""),
    ("a name twice", "\"the rest\"", "\"a request for more\""),
    ("nothing expected", "expect.\"Miss/Reason\" = \"N L E R C\"\n", ""),
    ("a place that does not exist", "expect.\"Ref\" =", "expect.\"Reff\" ="),
    ("a given field that does not exist", "given.notice.record_ref", "given.notice.record_rf"),
    (
        "a given text that cannot be",
        "given.notice.record_ref = \"qx-9/p1\"",
        "given.notice.deadline = \"soon\"",
    ),
    (
        "a given code that cannot be",
        "given.notice.record_ref = \"qx-9/p1\"",
        "given.notice.part = \"3\"",
    ),
    ("a given kind", "given.notice.record_ref = \"qx-9/p1\"", "given.notice.kind = \"declined\""),
    ("an expectation that is a number", "= \"QX-9/P1\"", "= 9"),
];

#[test]
fn mistakes_of_the_target() {
    insta::assert_snapshot!(SOUND.shown(TARGETS));
}

#[test]
fn mistakes_of_the_delivery() {
    insta::assert_snapshot!(SOUND.shown(DELIVERIES));
}

#[test]
fn mistakes_of_fields() {
    insta::assert_snapshot!(SOUND.shown(FIELDS));
}

#[test]
fn mistakes_of_lookups() {
    insta::assert_snapshot!(SOUND.shown(LOOKUPS));
}

#[test]
fn mistakes_of_conditions() {
    insta::assert_snapshot!(SOUND.shown(CONDITIONS));
}

#[test]
fn mistakes_of_tests() {
    let without = &BASE[..BASE.find("[[test]]").unwrap()];
    insta::assert_snapshot!(format!("{}--- no test\n{}", SOUND.shown(TESTS), SOUND.seen(without)));
}

#[test]
fn mistakes_of_columns_and_members() {
    let text = |target: &str, fields: &str| {
        format!(
            "format = 1\nforce = \"norfolk\"\nfills = \"letter/1\"\n[target]\n{target}\n[fields]\n{fields}\n\
             [[test]]\nname = \"one\"\nnotice = \"returned\"\nexpect_file = \"missed.xml\"\n"
        )
    };
    let mut out = String::new();
    for (title, target, fields) in [
        (
            "a column twice",
            "type = \"csv\"",
            "\"A\" = { value = \"1\" }\n\"A \" = { value = \"2\" }",
        ),
        ("a column without a name", "type = \"csv\"", "\" \" = { value = \"1\" }"),
        ("a separator of two", "type = \"csv\"\nseparator = \"||\"", "\"A\" = { value = \"1\" }"),
        ("a quote as separator", "type = \"csv\"\nseparator = '\"'", "\"A\" = { value = \"1\" }"),
        (
            "a line end that is none",
            "type = \"csv\"\nline_end = \"cr\"",
            "\"A\" = { value = \"1\" }",
        ),
        ("a root of csv", "type = \"csv\"\nroot = \"A\"", "\"A\" = { value = \"1\" }"),
        ("an attribute in json", "type = \"json\"", "\"A/@b\" = { value = \"1\" }"),
        ("a member without a name", "type = \"json\"", "\"A/\" = { value = \"1\" }"),
        (
            "a member in a text",
            "type = \"json\"",
            "\"A\" = { value = \"1\" }\n\"A/b\" = { value = \"2\" }",
        ),
        (
            "too deep",
            "type = \"json\"",
            "\"a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a\" = { value = \"1\" }",
        ),
        ("dots instead of strokes", "type = \"json\"", "a.b = { value = \"1\" }"),
        ("no line", "type = \"json\"", ""),
    ] {
        let _ = write!(out, "--- {title}\n{}", SOUND.seen(&text(target, fields)));
    }
    insta::assert_snapshot!(out);
}

#[test]
fn every_mistake_of_a_file_is_told_at_once() {
    let text = SOUND
        .with("\"hampshire\"\n", "\"hampshir\"\n")
        .replace("\"notice.record_ref\"", "\"notice.record_rf\"")
        .replace("\"Miss/Part\"", "\"Miss//Part\"")
        .replace("\"X-Source\" =", "\"Host\" =")
        .replace("\"returned\" = \"RET\"\n", "")
        .replace("\"missed.xml\"", "\"mised.xml\"");
    let found = SOUND.found(&text);
    let expected =
        [(2, "M105"), (16, "M194"), (20, "M192"), (25, "M191"), (31, "M193"), (65, "M195")];
    assert_eq!(found, expected);
}

#[test]
fn what_is_no_toml_is_told_with_what_else_is_wrong_and_without_what_only_follows() {
    let text = SOUND
        .with("\"hampshire\"\n", "\"hampshire\n")
        .replace("\"returned\" = \"RET\"", "\"returned\" = \"RET")
        .replace("\"notice.record_ref\"", "\"notice.record_rf\"");
    assert_eq!(SOUND.found(&text), [(2, "M101"), (20, "M192"), (43, "M101")]);
    assert!(compiled(&text).plan.is_none());
}

#[test]
fn every_code_of_letters_has_a_mistake_here() {
    let all = [TARGETS, DELIVERIES, FIELDS, LOOKUPS, CONDITIONS, TESTS].concat();
    let found = SOUND.codes(&all);
    for id in ["M191", "M192", "M193", "M194", "M195"] {
        assert!(found.contains(&MappingCode::find(id).unwrap()), "{id}");
    }
}

/// Pieces that mean something in a letter's mapping.
const PIECES: &[&str] = &[
    "\"",
    "'",
    "[",
    "]",
    "[[",
    "{",
    "}",
    "=",
    ",",
    ".",
    "#",
    "\n",
    "\\",
    "é",
    "\u{1F600}",
    "\0",
    "/",
    "@",
    "//",
    "-1",
    "true",
    "99999999999999999999",
    "[fields]\n",
    "when = \"notice.part is 1\", ",
    "any ",
    "YY",
    "\"csv\"",
    "\"json\"",
    "lookup = \"kind\", ",
    "https://",
    ":",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_mapping_gets_diagnostics_that_can_be_shown_and_never_a_panic(
        slips in slips(PIECES)
    ) {
        let text = slipped(BASE, &slips);
        let compiled = compiled(&text);
        can_be_shown(&compiled.diagnostics, &text)?;
        prop_assert!(compiled.plan.is_some() || !compiled.diagnostics.is_empty());
        if let Some(plan) = &compiled.plan {
            let _ = letter::run_tests(plan, &|_| None);
            for kind in super::kinds() {
                let _ = plan.render(&letter::example(kind).notice());
            }
        }
    }
}
