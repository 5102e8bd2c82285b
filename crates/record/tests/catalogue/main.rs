//! One small file for every published code of mappings: checked, it gives exactly that code, and
//! the committed text is exactly what a person sees.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::path::PathBuf;

use cara_record::mapping::code::Code;
use cara_record::mapping::{Diagnostic, Mapping};

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

/// The codes that have an example, in order.
fn examples() -> Vec<String> {
    let entries = std::fs::read_dir(folder("catalogue/made")).unwrap();
    let mut codes: Vec<String> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "toml"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    codes.sort();
    codes
}

/// What an example replaces in the file without a mistake that it names.
struct Example {
    name: &'static str,
    shown: String,
    text: String,
}

/// An example is a list of replacements in a file that has no mistake.
fn example(code: &str) -> Example {
    let path = folder("catalogue/made").join(format!("{code}.toml"));
    let made: toml::Table = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let of = made["of"].as_str().unwrap();
    let mut text = std::fs::read_to_string(folder(of).join("base.toml")).unwrap();
    for (right, wrong) in made["change"].as_table().unwrap() {
        assert_eq!(text.matches(right).count(), 1, "{code}: the file holds once: {right}");
        text = text.replace(right, wrong.as_str().unwrap());
    }
    let name = if of == "letter" { "notice" } else { "referral" };
    Example { name, shown: format!("{name}.toml"), text }
}

fn diagnostics(example: &Example) -> Vec<Diagnostic> {
    let open = |name: &str| {
        let of = if example.name == "notice" { "letter" } else { "plan" };
        std::fs::read(folder(of).join(name)).ok()
    };
    Mapping::compile(example.name, &example.shown, &example.text, &open).diagnostics
}

#[test]
fn every_code_has_an_example_with_exactly_what_a_person_sees() {
    for code in examples() {
        let example = example(&code);
        let found = diagnostics(&example);
        let codes: Vec<&str> = found.iter().map(|it| it.code.id()).collect();
        let seen: String = found.iter().map(|it| it.render()).collect();
        assert_eq!(codes, [code.as_str()], "{seen}");
        insta::assert_snapshot!(code.as_str(), seen);
    }
}

#[test]
fn no_code_is_without_an_example_and_no_example_without_a_code() {
    let codes: BTreeSet<String> = Code::all().map(|code| code.id().to_owned()).collect();
    let examples: BTreeSet<String> = examples().into_iter().collect();
    let missing: Vec<_> = codes.difference(&examples).collect();
    assert!(missing.is_empty(), "write tests/catalogue/made/CODE.toml for {missing:?}");
    assert_eq!(examples, codes);
}

#[test]
fn every_page_has_four_parts_that_are_sentences_of_their_own() {
    let mut ids = BTreeSet::new();
    for code in Code::all() {
        let page = code.page();
        assert!(ids.insert(page.id) && ids.len() > 0, "{} is there twice", page.id);
        let parts = [page.means, page.cause, page.fix, page.avoid];
        for part in parts {
            assert!(part.ends_with('.') && part.len() > 10, "{}: {part}", page.id);
            assert!(part.starts_with(|c: char| c.is_uppercase()), "{}: {part}", page.id);
        }
        let distinct: BTreeSet<&str> = parts.into_iter().collect();
        assert_eq!(distinct.len(), 4, "{}", page.id);
        assert!(!page.effect.is_empty() && !page.effect.ends_with('.'), "{}", page.id);
    }
}
