//! The repository's own mappings: each compiles without a diagnostic, passes its tests, and its
//! tests reach every field, lookup row and rule branch.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::path::PathBuf;

use cara_document::Limits;
use cara_domain::field::{FIELDS, Group};
use cara_mapping::{Plan, compile, could_both_match, extend, trial};

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

/// Everything that is wrong with one of a force's mappings, as a person would see it.
fn wrong(force: &str, file: &str) -> String {
    let folder = folder(force);
    let text = std::fs::read_to_string(folder.join(file)).unwrap();
    let open = |name: &str| std::fs::read(folder.join(name)).ok();
    let compiled = compile(&format!("{force}/{file}"), &text, &open);
    let mut wrong: String = compiled.diagnostics.iter().map(|it| it.render()).collect();
    match compiled.plan {
        None => wrong.push_str("no plan\n"),
        Some(plan) => {
            assert_eq!(plan.force(), force);
            let report = trial::run(&plan, &open);
            if report.failed() || !report.is_complete() {
                wrong.push_str(&report.to_string());
            }
        }
    }
    wrong
}

#[test]
fn every_mapping_compiles_and_its_tests_pass_and_reach_everything() {
    let files = FORCES.iter().flat_map(|force| {
        ["referral.toml", "decision.toml"]
            .map(|file| (format!("{force}/{file}"), wrong(force, file)))
    });
    let told: String = files
        .filter(|(_, wrong)| !wrong.is_empty())
        .map(|(file, wrong)| format!("{file}:\n{wrong}\n"))
        .collect();
    assert!(told.is_empty(), "{told}");
}

/// A body of one must never be read as the other.
#[test]
fn the_two_mappings_of_a_force_are_told_apart() {
    for force in FORCES {
        let plan = |file: &str| {
            let text = std::fs::read_to_string(folder(force).join(file)).unwrap();
            compile(file, &text, &|name| std::fs::read(folder(force).join(name)).ok()).plan.unwrap()
        };
        let (referral, decision) = (plan("referral.toml"), plan("decision.toml"));
        assert!(!could_both_match(&referral, &decision), "{force}");
        assert!(could_both_match(&referral, &referral), "{force}");
        for entry in std::fs::read_dir(folder(force).join("examples")).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if name.starts_with("notice-") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let takes = |plan: &Plan| {
                let tree = plan.read(&text, &Limits::default());
                tree.is_ok_and(|tree| plan.matches(&tree))
            };
            let is_decision = name.starts_with("decision-");
            assert_eq!((takes(&referral), takes(&decision)), (!is_decision, is_decision), "{name}");
        }
    }
}

#[test]
fn every_folder_of_mappings_is_tested() {
    let found: BTreeSet<String> = std::fs::read_dir(folder(""))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().join("referral.toml").is_file())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    assert_eq!(found, FORCES.map(str::to_owned).into());
}

#[test]
fn some_mapping_fills_every_field_of_the_referral() {
    let texts = FORCES.map(|force| {
        let text = std::fs::read_to_string(folder(force).join("referral.toml")).unwrap();
        let open = |name: &str| std::fs::read(folder(force).join(name)).ok();
        let text = extend::effective("referral.toml", &text, &open).text;
        toml::from_str::<toml::Value>(&text).unwrap()
    });
    let mut filled = BTreeSet::new();
    for mapping in &texts {
        collect("", &mapping["fields"], &mut filled);
        for kind in ["one", "each"] {
            for block in mapping.get(kind).and_then(toml::Value::as_array).into_iter().flatten() {
                collect(block["fills"].as_str().unwrap(), &block["fields"], &mut filled);
            }
        }
    }
    for spec in FIELDS.iter().filter(|spec| spec.group != Group::Decision) {
        let name = match spec.group {
            Group::Root => spec.name.to_owned(),
            group => format!("{}.{}", group.name(), spec.name),
        };
        assert!(filled.contains(&name), "no mapping fills {name}");
    }
}

/// The dotted names of a table of fields.
fn collect(prefix: &str, fields: &toml::Value, filled: &mut BTreeSet<String>) {
    for (key, value) in fields.as_table().unwrap() {
        let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        let table = value.as_table().unwrap();
        let leaf = table.get("from").is_some_and(|from| !from.is_table());
        if leaf || table.contains_key("value") {
            filled.insert(name);
        } else {
            collect(&name, value, filled);
        }
    }
}

/// The benchmark's record stays the size of a real one.
#[test]
fn hampshires_full_record_is_about_three_and_a_half_kilobytes() {
    let bytes = std::fs::metadata(folder("hampshire").join("examples/full.xml")).unwrap().len();
    assert!((3_300..3_700).contains(&bytes), "{bytes} bytes");
}
