//! A whole mapping split into a base and a file that extends it: together they are what it was.

use std::path::PathBuf;

use cara_mapping::{Compiled, Plan, compile, extend, letter, trial};
use proptest::prelude::*;

use super::SHOWN;
use super::slips::{can_be_shown, slipped, slips};

const PIECES: &[&str] = &[
    "[",
    "]",
    "\"",
    "'''",
    "=",
    "{",
    "}",
    "\n",
    ".",
    "#",
    "[fields]\n",
    "extends",
    "\r\n",
    "é",
    "\u{feff}",
];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/plan")
}

/// A whole mapping: what a base can hold of it, and its tests.
fn parts() -> (String, String) {
    let text = std::fs::read_to_string(folder().join("base.toml")).unwrap();
    let (base, tests) = text.split_at(text.find("[[test]]").unwrap());
    (base.replacen("force  = \"hampshire\"\n", "", 1), tests.to_owned())
}

fn own(text: &str) -> String {
    let (_, tests) = parts();
    format!("extends = \"../base/x.toml\"\nforce = \"hampshire\"\n{text}\n{tests}")
}

fn compiled(base: &str, own: &str) -> Compiled<Plan> {
    compile(SHOWN, own, &opener(base))
}

fn opener(base: &str) -> impl Fn(&str) -> Option<Vec<u8>> {
    move |name| match name {
        "../base/x.toml" => Some(base.as_bytes().to_vec()),
        name => std::fs::read(folder().join(name)).ok(),
    }
}

/// A plan without the places of its lines.
fn meaning(plan: &Plan) -> String {
    let shown = format!("{plan:#?}");
    let mut out = String::new();
    let mut lines = shown.lines();
    while let Some(line) = lines.next() {
        match line.trim_start().starts_with("spot: LineOrigin {") {
            true => drop(lines.by_ref().find(|line| line.trim_start() == "},")),
            false => out.extend([line, "\n"]),
        }
    }
    out
}

/// A key on one line of the base, with what has to stand above it in a file that says it otherwise.
struct Key {
    headers: String,
    /// 0-based.
    line: usize,
}

fn keys(base: &str) -> Vec<Key> {
    let mut keys = Vec::new();
    let (mut block, mut section) = (String::new(), String::new());
    for (number, line) in base.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
        let told_by = line.starts_with("fills") || line.starts_with("name ");
        if line.starts_with("[[") {
            (block, section) = (format!("{line}\n"), String::new());
        } else if line.starts_with('[') {
            let is_inner = line == "[one.fields]" || line == "[each.fields]";
            block = if is_inner { block } else { String::new() };
            section = format!("{line}\n");
        } else if told_by && !block.is_empty() {
            block.push_str(&format!("{line}\n"));
        } else if !block.is_empty() || !section.is_empty() {
            keys.push(Key { headers: format!("{block}{section}"), line: number });
        }
    }
    keys
}

#[test]
fn a_split_mapping_means_what_the_whole_one_means() {
    let (base, _) = parts();
    let whole = std::fs::read_to_string(folder().join("base.toml")).unwrap();
    let whole = compile(SHOWN, &whole, &opener("")).plan.unwrap();
    let compiled = compiled(&base, &own(""));
    assert_eq!(compiled.diagnostics, []);
    let plan = compiled.plan.unwrap();
    assert_eq!(meaning(&plan), meaning(&whole));
    // What is stored compiles without any other file, and to the same.
    let text = extend::effective(SHOWN, &own(""), &opener(&base)).text;
    let stored = compile("44 referral", &text, &|_| None).plan.unwrap();
    let stored = meaning(&stored).replace("name: \"44 referral\"", "name: \"referral\"");
    let without_tests = |text: &str| text.split_once("\n    tests: ").unwrap().0.to_owned();
    assert_eq!(without_tests(&stored), without_tests(&meaning(&plan)));
}

#[test]
fn what_no_test_reaches_is_named_with_its_file_and_line() {
    let (base, _) = parts();
    let own = "extends = \"../base/x.toml\"\nforce = \"hampshire\"\n[fields]\nofficer.unit = { from = \"Number\" }\n";
    let report = trial::run(&compiled(&base, own).plan.unwrap(), &opener(&base));
    for words in ["mappings/base/x.toml:13: source.record_ref", "line 4: officer.unit"] {
        assert!(report.not_reached.iter().any(|it| it == words), "{words} in {report}");
    }
}

#[test]
fn mistakes_are_said_of_the_file_that_has_them() {
    let (base, _) = parts();
    let mut out = String::new();
    for (title, right, wrong, text) in [
        ("in the base", "Officer/Name", "Officer/Nam", ""),
        ("in the TOML of the base", "\"Officer/Name\"", "\"Officer/Name", ""),
        ("in the file", "", "", "[fields]\nofficer.unit = { from = \"Officer/Unt\" }\n"),
        ("in the TOML of the file", "", "", "[fields]\nofficer.unit = { from = \"Number }\n"),
        ("between both", "", "", "[fields]\noffender.sex = { from = \"Number\" }\n"),
        ("left out", "", "", "without = [\"officer.name\"]\n"),
        ("in neither", "fills  = \"referral/1\"\n", "", ""),
    ] {
        assert!(base.contains(right), "{right}");
        let diagnostics = compiled(&base.replacen(right, wrong, 1), &own(text)).diagnostics;
        assert!(!diagnostics.is_empty(), "no diagnostic: {title}");
        let seen: String = diagnostics.iter().map(|it| it.render()).collect();
        out.push_str(&format!("--- {title}\n{seen}"));
    }
    insta::assert_snapshot!(out);
}

proptest! {
    #[test]
    fn what_a_file_says_otherwise_than_its_base_is_what_counts(
        chosen in prop::collection::vec(any::<bool>(), 90),
    ) {
        let (base, tests) = parts();
        let mut wrong: Vec<String> = base.lines().map(str::to_owned).collect();
        let (mut right, mut above) = (String::new(), String::new());
        for (key, _) in keys(&base).into_iter().zip(&chosen).filter(|(_, chosen)| **chosen) {
            let below = key.headers.strip_prefix(&above).unwrap_or(&key.headers);
            right.push_str(&format!("{below}{}\n", base.lines().nth(key.line).unwrap()));
            above = key.headers;
            let (name, _) = wrong[key.line].split_once('=').unwrap();
            wrong[key.line] = format!("{name}= \"otherwise\"");
        }
        let wrong = wrong.join("\n");
        let effective = extend::effective(SHOWN, &own(&right), &opener(&wrong));
        prop_assert_eq!(effective.diagnostics, []);
        let force = "fills  = \"referral/1\"\n";
        let expected = base.replacen(force, &format!("{force}force = \"hampshire\"\n"), 1);
        let blank = |text: &str| text.replace("\n\n", "\n");
        prop_assert_eq!(blank(&effective.text), blank(&format!("{expected}{tests}")));
    }

    #[test]
    fn slips_in_either_file_are_said_of_a_line_that_it_has(
        in_base in slips(PIECES),
        in_own in slips(PIECES),
    ) {
        let base = slipped(&parts().0, &in_base);
        let own = slipped(&own("without = [\"risk.tool\"]\n[lookup.grade]\n\"NEW\" = \"high\"\n"), &in_own);
        let effective = extend::effective(SHOWN, &own, &opener(&base));
        let shown = effective.shown();
        if let (Ok(one), Ok(other)) = (toml::from_str::<toml::Value>(&shown), toml::from_str(&effective.text)) {
            prop_assert_eq!(one, other);
        }
        let compiled = compiled(&base, &own);
        prop_assert!(compiled.plan.is_some() || !compiled.diagnostics.is_empty());
        let (of_base, of_own): (Vec<_>, Vec<_>) =
            compiled.diagnostics.into_iter().partition(|it| it.file == "mappings/base/x.toml");
        can_be_shown(&of_base, &base)?;
        can_be_shown(&of_own, &own)?;
    }
}

/// A letter's lines meet by their places, and its headers are a section as any other.
#[test]
fn a_letter_extends_a_base_as_a_record_does() {
    const BASE: &str = include_str!("../letter/base.toml");
    // The blank line between them is the tests' own.
    let (base, tests) = BASE.split_at(BASE.find("\n[[test]]").unwrap());
    let missed = include_bytes!("../letter/missed.xml");
    let open = |name: &str| match name {
        "../base/notice.toml" => Some(base.as_bytes().to_vec()),
        name => (name == "missed.xml").then(|| missed.to_vec()),
    };
    let own = "extends = \"../base/notice.toml\"\nforce = \"dorset\"\nwithout = [\"deliver.headers.X-Source\", \"Due\"]\n\
               [deliver.headers]\n\"X-From\" = \"CARA\"\n[fields]\n\"Ref\" = { from = \"notice.record_ref\" }\n";
    let own = format!("{own}{tests}");
    let compiled = letter::compile("mappings/dorset/notice.toml", &own, &open);
    let seen: Vec<_> = compiled.diagnostics.iter().map(|it| (&*it.file, it.code.id())).collect();
    // The tests of the base's letter expect what is left out or otherwise here, and nothing else.
    assert!(seen.iter().all(|it| *it == ("mappings/dorset/notice.toml", "M195")), "{seen:?}");
    let text = extend::effective("mappings/dorset/notice.toml", &own, &open).text;
    let expected = base
        .replace("force  = \"hampshire\"", "force = \"dorset\"")
        .replace("\"X-Source\" = \"CARA\"", "\"X-From\" = \"CARA\"")
        .replace("\"Due\"            = { from = \"notice.deadline\", if_missing = \"\" }\n", "")
        .replace(
            "\"Ref\"            = { from = \"notice.record_ref\", apply = [\"upper case\"] }",
            "\"Ref\" = { from = \"notice.record_ref\" }",
        );
    assert_eq!(text, format!("{expected}{tests}"));
}
