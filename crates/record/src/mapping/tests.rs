use std::path::PathBuf;

use super::{Compiled, compile, trial};

fn folder(force: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../mappings").join(force)
}

fn compiled(force: &str) -> (Compiled, String) {
    let folder = folder(force);
    let text = std::fs::read_to_string(folder.join("referral.toml")).unwrap();
    let open = |name: &str| std::fs::read(folder.join(name)).ok();
    (compile("referral.toml", &text, &open), text)
}

/// Compiles a force's mapping, runs its tests, and demands that everything is reached.
fn check_force(force: &str) {
    let (compiled, text) = compiled(force);
    let shown: Vec<_> = compiled.diagnostics.iter().map(|it| it.render(&text)).collect();
    assert!(compiled.diagnostics.is_empty(), "{}", shown.join("\n"));
    let folder = folder(force);
    let open = |name: &str| std::fs::read(folder.join(name)).ok();
    let report = trial::run(&compiled.plan.unwrap(), &open);
    assert!(!report.failed() && report.is_complete(), "{report}");
}

#[test]
fn hampshire_compiles_and_its_tests_reach_everything() {
    check_force("hampshire");
}

#[test]
fn west_midlands_compiles_and_its_tests_reach_everything() {
    check_force("west-midlands");
}

#[test]
fn leicestershire_compiles_and_its_tests_reach_everything() {
    check_force("leicestershire");
}

#[test]
fn norfolk_compiles_and_its_tests_reach_everything() {
    check_force("norfolk");
}
