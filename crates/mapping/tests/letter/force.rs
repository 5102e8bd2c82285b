//! The repository's own letters: each file compiles without a diagnostic, passes its tests, and its
//! tests reach every field, lookup row and kind of notice.

use std::collections::BTreeSet;
use std::path::PathBuf;

use cara_document::{Limits, NameTable, Tree, parse};
use cara_mapping::extend;
use cara_mapping::letter::{self, FIELDS, LetterPlan, example};

use super::kinds;

const FORCES: [&str; 9] = [
    "avon-and-somerset",
    "cambridgeshire",
    "dorset",
    "hampshire",
    "leicestershire",
    "norfolk",
    "thames-valley",
    "west-midlands",
    "west-yorkshire",
];

fn folder(force: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../mappings").join(force)
}

/// The plan of a force, and everything that is wrong with it, as a person would see it.
fn plan(force: &str) -> (LetterPlan, String) {
    let folder = folder(force);
    let text = std::fs::read_to_string(folder.join("notice.toml")).unwrap();
    let open = |name: &str| std::fs::read(folder.join(name)).ok();
    let compiled = letter::compile(&format!("{force}/notice.toml"), &text, &open);
    let mut wrong: String = compiled.diagnostics.iter().map(|it| it.render()).collect();
    assert!(compiled.plan.is_some(), "{wrong}");
    let plan = compiled.plan.unwrap();
    let report = letter::run_tests(&plan, &open);
    if report.failed() || !report.is_complete() {
        wrong.push_str(&report.to_string());
    }
    (plan, wrong)
}

/// Every text of a document, attributes included.
fn texts(tree: &Tree<'_>) -> Vec<String> {
    tree.subtree(tree.root()).map(|node| tree.text(node).into_owned()).collect()
}

#[test]
fn every_force_compiles_and_its_tests_pass_and_reach_everything() {
    for force in FORCES {
        let (plan, wrong) = plan(force);
        assert!(wrong.is_empty(), "{wrong}");
        assert_eq!((plan.force(), plan.name(), plan.fills()), (force, "notice", "letter/1"));
    }
}

#[test]
fn every_folder_of_letters_is_tested() {
    let found: BTreeSet<String> = std::fs::read_dir(folder(""))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().join("notice.toml").is_file())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    assert_eq!(found, FORCES.map(str::to_owned).into());
}

#[test]
fn every_kind_of_notice_is_a_letter_of_every_force_that_reads_back() {
    for force in FORCES {
        let (plan, _) = plan(force);
        for kind in kinds() {
            let given = example(kind);
            let letter = plan.render(&given.notice()).unwrap();
            assert_eq!(letter.media_type, plan.media_type());
            let body = String::from_utf8(letter.body).unwrap();
            let tree =
                parse(&body, plan.format(), &NameTable::default(), &Limits::default()).unwrap();
            let found = texts(&tree);
            let contact = given.content.provider_contact.clone().unwrap();
            for wanted in ["117".to_owned(), contact] {
                assert!(found.contains(&wanted), "{force} {kind:?}: {wanted}");
            }
            assert_eq!(plan.render(&given.notice()).unwrap().body, body.as_bytes());
        }
    }
}

#[test]
fn every_force_says_everything_that_a_notice_holds() {
    for force in FORCES {
        let text = std::fs::read_to_string(folder(force).join("notice.toml")).unwrap();
        let open = |name: &str| std::fs::read(folder(force).join(name)).ok();
        let text = extend::effective("notice.toml", &text, &open).text;
        for spec in FIELDS {
            assert!(text.contains(&format!("from = \"{}\"", spec.name)), "{force}: {}", spec.name);
        }
    }
}

#[test]
fn hampshire_wants_its_letters_pushed_and_the_others_collect_them() {
    let pushed: Vec<_> = FORCES.iter().filter(|it| plan(it).0.delivery().is_some()).collect();
    assert_eq!(pushed, [&"hampshire"]);
    let (plan, _) = plan("hampshire");
    let delivery = plan.delivery().unwrap();
    assert_eq!(delivery.to, "https://notices.hampshire.example/cara/inbox");
    assert_eq!((&delivery.delivered[..], &delivery.taken_over[..]), (&[200, 202][..], &[200][..]));
    assert_eq!(delivery.timeout_s, 30);
    assert_eq!(delivery.headers, [("X-Source-System".to_owned(), "CARA".to_owned())]);
}
