//! Problems of a mapping file, and how its tests went, as JSON.

use cara_mapping::{Diagnostic, TestReport};
use serde_json::{Value, json};

pub(super) fn document(diagnostic: &Diagnostic) -> Value {
    json!({
        "file": diagnostic.file,
        "line": diagnostic.line,
        "column": diagnostic.column,
        "length": diagnostic.length,
        "code": diagnostic.code.id(),
        "what": diagnostic.what,
        "suggestion": diagnostic.suggestion,
        "effect": diagnostic.effect,
        "fix": diagnostic.code.page().fix,
    })
}

pub(super) fn tests(report: &TestReport) -> Value {
    let failures = report.failures.iter().map(|(name, what)| json!({ "name": name, "what": what }));
    let coverage = report
        .coverage
        .iter()
        .map(|it| json!({ "of": it.of, "reached": it.reached, "all": it.all }));
    json!({
        "passed": report.passed,
        "failures": failures.collect::<Vec<_>>(),
        "coverage": coverage.collect::<Vec<_>>(),
        "not_reached": report.not_reached,
    })
}
