//! Whatever a notice's texts hold: what is written is read back by the project's own reader as the
//! same text, or there is no letter.

use std::borrow::Cow;

use cara_document::{Limits, NameTable, Tree, parse};
use cara_domain::notice::NoticeKind;
use cara_mapping::letter::{LetterPlan, NoticeExample, example};
use proptest::prelude::*;

use super::planned;

const FIELDS: &str = "\n[fields]\n\
    \"First\" = { from = \"notice.record_ref\", if_missing = \"\" }\n\
    \"Second\" = { from = \"notice.provider_contact\", if_missing = \"\" }\n\
    [[test]]\nname = \"one\"\nnotice = \"returned\"\nexpect_file = \"missed.xml\"\n";

fn plan(target: &str) -> LetterPlan {
    let head = "format = 1\nforce = \"norfolk\"\nfills = \"letter/1\"\n[target]\n";
    planned(&format!("{head}{target}{FIELDS}"))
}

fn attributes() -> LetterPlan {
    let head = "format = 1\nforce = \"norfolk\"\nfills = \"letter/1\"\n[target]\ntype = \"xml\"\nroot = \"R\"";
    let fields = FIELDS.replace("\"First\"", "\"@First\"").replace("\"Second\"", "\"In/@Second\"");
    planned(&format!("{head}{fields}"))
}

/// The pieces that something may take for its own.
const PIECES: &[&str] = &[
    "<",
    ">",
    "&",
    "\"",
    "'",
    "]]>",
    "<![CDATA[",
    "&amp;",
    "&#10;",
    "<!--",
    "?>",
    ";",
    ",",
    "|",
    "\t",
    "\n",
    "\r",
    "\r\n",
    "\\",
    "\\n",
    "\\u0041",
    "{",
    "}",
    "[",
    "/",
    "=",
    "+",
    "-",
    "@",
    "=1+1",
    "\u{85}",
    "\u{2028}",
    "\u{feff}",
    "\u{1F600}",
    "\u{10FFFF}",
    "é",
    "\u{301}",
    "Fernhollow",
    " ",
    "\u{7f}",
    "\u{fffd}",
];

fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(PIECES).prop_map(Cow::Borrowed),
        1 => "\\PC{1,4}".prop_map(Cow::Owned),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

fn given(first: &str, second: &str) -> NoticeExample {
    let mut given = example(NoticeKind::Returned);
    given.content.record_ref = Some(first.to_owned());
    given.content.provider_contact = Some(second.to_owned());
    given
}

/// The texts of the two places, in order.
fn read(tree: &Tree<'_>) -> Vec<String> {
    let nodes = tree.subtree(tree.root());
    let named = nodes.filter(|node| {
        let name = tree.name_text(*node);
        ["First", "Second", "column 1", "column 2"].contains(&name)
    });
    named.map(|node| tree.text(node).into_owned()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_reads_back_as_itself(first in hostile(), second in hostile()) {
        let given = given(&first, &second);
        for plan in [
            plan("type = \"xml\"\nroot = \"R\"\nnamespace = \"urn:example:1\""),
            attributes(),
            plan("type = \"json\""),
            plan("type = \"json\"\nroot = \"in\""),
            plan("type = \"csv\""),
            plan("type = \"csv\"\nseparator = \";\"\nheader = false\nline_end = \"lf\""),
            plan("type = \"csv\"\nseparator = \"=\""),
        ] {
            let letter = plan.render(&given.notice()).unwrap();
            let body = String::from_utf8(letter.body).unwrap();
            let tree = parse(&body, plan.format(), &NameTable::default(), &Limits::default()).unwrap();
            // The reader takes white space off both ends of every value.
            prop_assert_eq!(read(&tree), [first.trim(), second.trim()]);
        }
    }

    #[test]
    fn other_readers_agree_and_nothing_is_trimmed_on_the_way(first in hostile(), second in hostile()) {
        let given = given(&first, &second);
        let kept = |text: &str| if text.trim().is_empty() { String::new() } else { text.to_owned() };
        let expected = [kept(&first), kept(&second)];

        let body = plan("type = \"xml\"\nroot = \"R\"").render(&given.notice()).unwrap().body;
        let body = String::from_utf8(body).unwrap();
        let tree = roxmltree::Document::parse(&body).unwrap();
        let texts = tree.root_element().children().filter(roxmltree::Node::is_element);
        let texts: Vec<_> = texts.map(|node| node.text().unwrap_or("").to_owned()).collect();
        prop_assert_eq!(&texts, &expected);

        let body = plan("type = \"json\"").render(&given.notice()).unwrap().body;
        let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
        prop_assert_eq!(&[value["First"].as_str().unwrap(), value["Second"].as_str().unwrap()], &expected);

        let body = plan("type = \"csv\"").render(&given.notice()).unwrap().body;
        let mut reader = csv::Reader::from_reader(&body[..]);
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        prop_assert_eq!(rows.len(), 1);
        prop_assert_eq!(rows[0].iter().collect::<Vec<_>>(), expected);
    }
}

#[test]
fn what_a_spreadsheet_would_take_for_a_formula_is_quoted_and_not_changed() {
    for (text, written) in
        [("=1+1", "\"=1+1\""), ("+44", "\"+44\""), ("-1", "\"-1\""), ("@a", "\"@a\"")]
    {
        let body =
            plan("type = \"csv\"\nheader = false").render(&given(text, "b").notice()).unwrap();
        assert_eq!(String::from_utf8(body.body).unwrap(), format!("{written},b\r\n"));
    }
}

#[test]
fn a_line_of_one_empty_column_is_still_a_row() {
    let text = "format = 1\nforce = \"norfolk\"\nfills = \"letter/1\"\n[target]\ntype = \"csv\"\n[fields]\n\
                A = { from = \"notice.supersedes\" }\n\
                [[test]]\nname = \"one\"\nnotice = \"returned\"\nexpect.A = \"\"\n";
    let plan = planned(text);
    let body = plan.render(&example(NoticeKind::Returned).notice()).unwrap().body;
    let body = String::from_utf8(body).unwrap();
    assert_eq!(body, "A\r\n\"\"\r\n");
    let tree = parse(&body, plan.format(), &NameTable::default(), &Limits::default()).unwrap();
    assert_eq!(tree.children(tree.root()).count(), 1);
}
