//! One small file for every published code of mappings: checked, it gives exactly that code, and
//! the committed text is exactly what a person sees.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::path::PathBuf;

use cara_mapping::code::MappingCode;
use cara_mapping::{Diagnostic, Mapping};

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

/// A file with one mistake, and what it opens.
struct Example {
    /// `referral` or `notice`
    name: &'static str,
    text: String,
    base: String,
    /// What the file without a mistake opens for its tests.
    folder: PathBuf,
    /// Replacements in it.
    opened: toml::Table,
}

/// The text with these pieces, each of which it holds once, replaced.
fn replaced(code: &str, text: &str, changes: &toml::Table) -> String {
    let mut text = text.to_owned();
    for (right, wrong) in changes {
        assert_eq!(text.matches(right).count(), 1, "{code}: it holds once: {right}");
        text = text.replace(right, wrong.as_str().unwrap());
    }
    text
}

/// An example is a list of replacements in a file that has no mistake. One with `own` splits that
/// file: `own` and the tests extend the rest.
fn example(code: &str) -> Example {
    let path = folder("catalogue/made").join(format!("{code}.toml"));
    let made: toml::Table = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let of = made["of"].as_str().unwrap();
    let table = |key: &str| {
        made.get(key).map_or_else(toml::Table::new, |it| it.as_table().unwrap().clone())
    };
    let whole = std::fs::read_to_string(folder(of).join("base.toml")).unwrap();
    let (text, base) = match made.get("own") {
        None => (replaced(code, &whole, &table("change")), String::new()),
        Some(own) => {
            let (rest, tests) = whole.split_at(whole.find("[[test]]").unwrap());
            let base =
                replaced(code, &rest.replace("force  = \"hampshire\"\n", ""), &table("change"));
            (format!("{}\n{tests}", own.as_str().unwrap()), base)
        }
    };
    let name = if of == "letter" { "notice" } else { "referral" };
    Example { name, text, base, folder: folder(of), opened: table("opened") }
}

fn diagnostics(code: &str, example: &Example) -> Vec<Diagnostic> {
    let open = |name: &str| match name {
        "../base/shared.toml" => Some(example.base.as_bytes().to_vec()),
        name => {
            let text = std::fs::read_to_string(example.folder.join(name)).ok()?;
            Some(replaced(code, &text, &example.opened).into_bytes())
        }
    };
    let shown = format!("mappings/hampshire/{}.toml", example.name);
    Mapping::compile(example.name, &shown, &example.text, &open).diagnostics
}

#[test]
fn every_code_has_an_example_with_exactly_what_a_person_sees() {
    let mut wrong = String::new();
    for code in examples() {
        let found = diagnostics(&code, &example(&code));
        let codes: Vec<&str> = found.iter().map(|it| it.code.id()).collect();
        let seen: String = found.iter().map(|it| it.render()).collect();
        if codes != [code.as_str()] {
            wrong.push_str(&format!("--- {code} gave {codes:?}\n{seen}"));
            continue;
        }
        insta::assert_snapshot!(code.as_str(), seen);
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn no_code_is_without_an_example_and_no_example_without_a_code() {
    let codes: BTreeSet<String> = MappingCode::all().map(|code| code.id().to_owned()).collect();
    let examples: BTreeSet<String> = examples().into_iter().collect();
    let missing: Vec<_> = codes.difference(&examples).collect();
    assert!(missing.is_empty(), "write tests/catalogue/made/CODE.toml for {missing:?}");
    assert_eq!(examples, codes);
}

#[test]
fn every_page_has_four_parts_that_are_sentences_of_their_own() {
    let mut ids = BTreeSet::new();
    for code in MappingCode::all() {
        let page = code.page();
        assert!(ids.insert(page.id), "{} is there twice", page.id);
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
