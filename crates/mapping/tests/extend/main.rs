//! A file that extends a base: what comes of the two, line by line.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../shared/slips.rs"]
mod slips;
mod whole;

use cara_mapping::extend::{self, Effective};

const SHOWN: &str = "mappings/hampshire/referral.toml";

const BASE: &str = r#"# One product of several forces.

format = 1
fills  = "referral/1"

[source]
type  = "xml"
dates = [
  "DD/MM/YYYY",  # by hand
  "YYYY-MM-DD",
]

[fields]
# Who is in charge.
officer.name = { from = "Officer/Name" }
officer.unit = { from = "Officer/Unit" }

case.asn = { from = "ASN" }

[[one]]
fills = "offender"
from  = "Person[@role='SUSPECT']"
[one.fields]
family_name = { from = "Surname" }
email       = { from = "Email" }

[[each]]
fills = "offences"
from  = "Offence"
[each.fields]
location = { from = "Location" }

[lookup."risk grade"]
"STD" = "standard"
"XHI" = "high"
otherwise = "hold"

[lookup.sex]
"1" = "male"

[[rule]]
name      = "grade"
require   = "risk.grade is standard"
otherwise = "hold"
because   = "…"
"#;

fn of(base: &str, own: &str) -> Effective {
    let open = |name: &str| (name == "../base/x.toml").then(|| base.as_bytes().to_vec());
    extend::effective(SHOWN, own, &open)
}

/// The base with each piece, which it has once, replaced by another.
fn changed(changes: &[(&str, &str)]) -> String {
    let mut text = BASE.to_owned();
    for (piece, other) in changes {
        assert_eq!(text.matches(piece).count(), 1, "{piece}");
        text = text.replace(piece, other);
    }
    text
}

/// What the file says besides `extends`, and the base with these changes.
#[track_caller]
fn check(own: &str, changes: &[(&str, &str)]) {
    let own = format!("extends = \"../base/x.toml\"\nforce = \"hampshire\"\n{own}");
    let effective = of(BASE, &own);
    let told: String = effective.diagnostics.iter().map(|it| it.render()).collect();
    assert_eq!(told, "");
    let force = ("fills  = \"referral/1\"\n", "fills  = \"referral/1\"\nforce = \"hampshire\"\n");
    assert_eq!(effective.text, changed(&[&[force], changes].concat()));
    for (number, line) in (1..).zip(effective.text.lines()) {
        let spot = effective.lines.spot(number);
        let from = if spot.base.is_some() { BASE } else { &own };
        assert_eq!(from.lines().nth(spot.line - 1), Some(line), "line {number} is copied");
    }
}

#[test]
fn a_file_that_says_nothing_else_is_the_base_with_its_force() {
    check("", &[]);
}

#[test]
fn a_key_replaces_the_bases_where_it_stood() {
    check(
        "[fields]\nofficer.unit = { from = \"Unit\" } # other\n",
        &[(
            "officer.unit = { from = \"Officer/Unit\" }",
            "officer.unit = { from = \"Unit\" } # other",
        )],
    );
    check(
        "[source]\ndates = [\n  \"YYYY\",\n]\n",
        &[(
            "dates = [\n  \"DD/MM/YYYY\",  # by hand\n  \"YYYY-MM-DD\",\n]\n",
            "dates = [\n  \"YYYY\",\n]\n",
        )],
    );
}

#[test]
fn a_key_brings_the_comment_above_it_and_takes_the_bases_away() {
    check(
        "[fields]\n\n# Far.\n\n# Near.\nofficer.name = { from = \"N\" }\n",
        &[(
            "# Who is in charge.\nofficer.name = { from = \"Officer/Name\" }",
            "# Near.\nofficer.name = { from = \"N\" }",
        )],
    );
}

#[test]
fn a_key_that_the_base_lacks_ends_its_section() {
    check(
        "[fields]\ncase.pti_urn = { from = \"URN\" }\n",
        &[(
            "case.asn = { from = \"ASN\" }\n",
            "case.asn = { from = \"ASN\" }\ncase.pti_urn = { from = \"URN\" }\n",
        )],
    );
    check(
        "[lookup.\"risk grade\"]\n\"MED\" = \"medium\"\n\"STD\" = \"medium\"\n",
        &[
            ("\"STD\" = \"standard\"", "\"STD\" = \"medium\""),
            (
                "otherwise = \"hold\"\n\n[lookup.sex]",
                "otherwise = \"hold\"\n\"MED\" = \"medium\"\n\n[lookup.sex]",
            ),
        ],
    );
}

#[test]
fn blocks_meet_by_what_they_fill_and_rules_by_their_name() {
    check(
        "[[one]]\nfills = \"offender\"\nfrom = \"P\"\n[one.fields]\nemail = { from = \"E\" }\n",
        &[
            ("from  = \"Person[@role='SUSPECT']\"", "from = \"P\""),
            ("email       = { from = \"Email\" }", "email = { from = \"E\" }"),
        ],
    );
    check(
        "[[rule]]\nname = \"grade\"\nbecause = \"local\"\n[[each]]\nfills = \"offences\"\n[each.fields]\ntitle = { from = \"T\" }\n",
        &[
            ("because   = \"…\"", "because = \"local\""),
            ("name      = \"grade\"", "name = \"grade\""),
            ("fills = \"offences\"\n", "fills = \"offences\"\n"),
            (
                "location = { from = \"Location\" }\n",
                "location = { from = \"Location\" }\ntitle = { from = \"T\" }\n",
            ),
        ],
    );
}

#[test]
fn a_section_that_the_base_lacks_stands_behind_those_of_its_kind() {
    check(
        "\n[lookup.views]\n\"A\" = \"supports\"\n\n[[one]]\nfills = \"victim\"\nfrom = \"V\"\n[one.fields]\nref = { from = \"@id\" }\n\n[[test]]\nname = \"t\"\n",
        &[
            (
                "email       = { from = \"Email\" }\n",
                "email       = { from = \"Email\" }\n\n[[one]]\nfills = \"victim\"\nfrom = \"V\"\n[one.fields]\nref = { from = \"@id\" }\n",
            ),
            ("\"1\" = \"male\"\n", "\"1\" = \"male\"\n\n[lookup.views]\n\"A\" = \"supports\"\n"),
            ("because   = \"…\"\n", "because   = \"…\"\n\n[[test]]\nname = \"t\"\n"),
        ],
    );
}

#[test]
fn what_is_left_out_is_gone_with_its_comment() {
    for (name, piece) in [
        ("officer.unit", "officer.unit = { from = \"Officer/Unit\" }\n"),
        ("officer.name", "# Who is in charge.\nofficer.name = { from = \"Officer/Name\" }\n"),
        ("offender.email", "email       = { from = \"Email\" }\n"),
        ("offences.location", "location = { from = \"Location\" }\n"),
        ("source.type", "type  = \"xml\"\n"),
        ("lookup.risk grade.XHI", "\"XHI\" = \"high\"\n"),
        ("lookup.sex", "\n[lookup.sex]\n\"1\" = \"male\"\n"),
        (
            "offences",
            "\n[[each]]\nfills = \"offences\"\nfrom  = \"Offence\"\n[each.fields]\nlocation = { from = \"Location\" }\n",
        ),
    ] {
        check(&format!("without = [\"{name}\"]\n"), &[(piece, "")]);
    }
    let rule = &BASE[BASE.find("\n[[rule]]").unwrap()..];
    check("without = ['rule.grade']\n", &[(rule, "")]);
}

/// What a person sees of a file's mistakes.
fn seen(base: &str, own: &str) -> String {
    of(base, own).diagnostics.iter().map(|it| it.render()).collect()
}

#[test]
fn mistakes_of_how_a_file_extends() {
    let own = |text: &str| format!("extends = \"../base/x.toml\"\nforce = \"hampshire\"\n{text}");
    let mut out = String::new();
    for (title, base, own) in [
        ("no such base", BASE.to_owned(), own("").replace("x.toml", "y.toml")),
        ("no text", BASE.to_owned(), own("").replace("\"../base/x.toml\"", "1")),
        ("a base of a base", format!("extends = \"../base/y.toml\"\n{BASE}"), own("")),
        ("a base with tests", format!("{BASE}\n[[test]]\nname = \"t\"\n"), own("")),
        ("a base that is no TOML", changed(&[("[lookup.sex]", "[lookup.sex")]), own("")),
        (
            "nothing of this name",
            BASE.to_owned(),
            own("without = [\"oficer.unit\", \"lookup.sex.9\"]\n"),
        ),
        ("no list", BASE.to_owned(), own("without = \"officer.unit\"\n")),
        ("what the base says", BASE.to_owned(), own("[lookup.sex]\n\"1\"   = \"male\" # too\n")),
        ("a key where the base has a section", BASE.to_owned(), own("source.type = \"csv\"\n")),
        (
            "a section where the base has keys",
            BASE.to_owned(),
            own("[fields.officer]\nrank = { from = \"R\" }\n"),
        ),
        (
            "a whole where the base has parts",
            BASE.to_owned(),
            own("[fields]\nofficer = { from = \"O\" }\n"),
        ),
    ] {
        let seen = seen(&base, &own);
        assert!(!seen.is_empty(), "no diagnostic: {title}");
        out.push_str(&format!("--- {title}\n{seen}"));
    }
    insta::assert_snapshot!(out);
}

#[test]
fn nothing_but_a_base_beside_the_forces_is_opened() {
    for name in [
        "../../etc/passwd",
        "/etc/passwd",
        "../base/../secrets.toml",
        "../base/sub/x.toml",
        "../base/.toml",
        "../base/x",
        "base/x.toml",
        "..\\\\base\\\\x.toml",
        "../base/x.toml\\u0000",
    ] {
        let open = |name: &str| -> Option<Vec<u8>> { panic!("{name} was opened") };
        let effective = extend::effective(SHOWN, &format!("extends = \"{name}\"\n"), &open);
        let codes: Vec<_> = effective.diagnostics.iter().map(|it| it.code.id()).collect();
        assert_eq!((codes, effective.is_whole), (vec!["M201"], false), "{name}");
    }
}

#[test]
fn a_file_that_extends_nothing_stays_as_it_is() {
    let open = |name: &str| -> Option<Vec<u8>> { panic!("{name} was opened") };
    for text in [BASE, "", "[", "\u{feff}format = 1", "a = 1\r\nb = 2"] {
        let effective = extend::effective(SHOWN, text, &open);
        assert_eq!((effective.text.as_str(), effective.diagnostics), (text, Vec::new()));
    }
}

#[test]
fn a_mapping_is_shown_with_where_each_line_is_from() {
    let own = "extends = \"../base/x.toml\"\nforce = \"hampshire\"\n[fields]\nofficer.unit = { from = \"Unit\" }\n\
               [[test]]\ngiven = \"\"\"\n<A/>\n\n\"\"\"\n";
    let effective = of(BASE, own);
    let shown = effective.shown();
    let value = |text: &str| toml::from_str::<toml::Value>(text).unwrap();
    assert_eq!(value(&shown), value(&effective.text));
    insta::assert_snapshot!(shown);
}

#[test]
fn line_ends_and_marks_of_either_file_do_no_harm() {
    let own = "extends = \"../base/x.toml\"\n[lookup.sex]\n\"2\" = \"female\"";
    let plain = of(BASE, own).text;
    let (base, own) = (BASE.replace('\n', "\r\n"), format!("\u{feff}{own}"));
    let effective = of(&format!("\u{feff}{base}"), &own);
    assert_eq!(effective.diagnostics, []);
    assert_eq!(effective.text.replace("\r\n", "\n"), plain);
}
