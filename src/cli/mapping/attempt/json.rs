//! What `mapping try` says to a program.

use std::path::Path;

use cara_domain::Finding;
use cara_mapping::Plan;
use cara_mapping::attempt::Attempt;
use cara_mapping::trace::{By, Made, TraceLine};
use serde_json::{Value, json};

use super::{Tried, judged, kind, sorted};
use crate::cli::mapping::problem;

/// `{record, mapping, diagnostics, problems, records}`
pub(super) fn document(record: &Path, tried: &Tried) -> Value {
    let taken = tried.taken.as_ref();
    let records: Vec<Value> = taken
        .map(|taken| taken.attempts.iter().map(|attempt| one(&taken.plan, attempt)).collect())
        .unwrap_or_default();
    json!({
        "record": record.display().to_string(),
        "mapping": taken.map(|taken| taken.mapping.display().to_string()),
        "diagnostics": tried.diagnostics.iter().map(problem::document).collect::<Vec<_>>(),
        "problems": tried.problems,
        "records": records,
    })
}

fn one(plan: &Plan, attempt: &Attempt) -> Value {
    let judged = judged(&attempt.validated);
    let unlisted = attempt.unlisted.iter();
    let unlisted = unlisted.map(|(field, text)| json!({ "field": field, "text": text }));
    let findings = sorted(judged.findings).into_iter().map(|finding| found(plan, finding));
    json!({
        "line": attempt.body_line,
        "outcome": judged.outcome,
        "content": judged.content,
        "findings": findings.collect::<Vec<_>>(),
        "unlisted": unlisted.collect::<Vec<_>>(),
        "fields": attempt.lines.iter().map(field).collect::<Vec<_>>(),
    })
}

fn found(plan: &Plan, finding: &Finding) -> Value {
    let page = finding.code.page();
    json!({
        "kind": kind(finding),
        "id": page.id,
        "code": page.name,
        "field": finding.field,
        "from": finding.origin.map(|origin| plan.path_text(origin)),
        "line": finding.line,
        "named": finding.named.as_deref(),
        "expected_letter": finding.expected_letter,
        "fix": page.fix,
    })
}

fn field(line: &TraceLine) -> Value {
    json!({
        "field": line.field,
        "from": line.source_path,
        "record_line": line.record_line,
        "mapping_file": line.mapping_spot.base.as_deref(),
        "mapping_line": line.mapping_spot.line,
        "steps": line.made.iter().map(step).collect::<Vec<_>>(),
        "stuck_at": line.stuck_at.as_ref().map(by),
        "value": line.value,
    })
}

fn step(made: &Made) -> Value {
    let mut step = by(&made.by);
    step["texts"] = json!(made.texts);
    step
}

fn by(by: &By) -> Value {
    match by {
        By::Reading => json!({ "by": "reading" }),
        By::Transform(name) => json!({ "by": "transform", "name": name }),
        By::Lookup(name) => json!({ "by": "lookup", "name": name }),
        By::Shape => json!({ "by": "field" }),
    }
}
