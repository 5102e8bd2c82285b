//! The tests inside a mapping: run, compared, and how much of the mapping they reach.

use std::collections::BTreeSet;

use super::open::OpenFile;
use super::plan::Plan;
use super::record_test::{Expected, Given, RecordResult, RecordTest};
use super::report::TestReport;
use super::translate::{FieldStep, Watch};
use cara_document::Limits;
use cara_domain::field::Group;
use cara_domain::{Context, Draft, FindingKind, Validated, Value};

impl Given {
    /// The record's text, decoded as the gateway would.
    pub(super) fn text(&self, plan: &Plan, open: OpenFile<'_>) -> Result<String, String> {
        match self {
            Given::Text(text) => Ok(text.clone()),
            Given::File(file) => {
                let bytes = open(file).ok_or_else(|| format!("{file} is not there"))?;
                text_of(plan, &bytes)
            }
            Given::Changed { of, changes } => {
                let mut text = of.text(plan, open)?;
                for (from, to) in changes {
                    match text.matches(from.as_str()).count() {
                        1 => text = text.replacen(from.as_str(), to, 1),
                        0 => return Err(format!("the record does not hold \"{from}\"")),
                        count => {
                            return Err(format!("the record holds \"{from}\" {count} times"));
                        }
                    }
                }
                Ok(text)
            }
        }
    }
}

/// What the tests reached.
#[derive(Default)]
struct Reached {
    fields: BTreeSet<usize>,
    rows: BTreeSet<(usize, Option<usize>)>,
    rules: BTreeSet<(usize, bool)>,
}

impl Watch for Reached {
    fn field(&mut self, step: FieldStep<'_>) {
        if step.filled {
            self.fields.insert(step.number);
        }
    }
    fn lookup_row(&mut self, lookup: usize, row: Option<usize>) {
        self.rows.insert((lookup, row));
    }
    fn rule(&mut self, rule: usize, holds: bool) {
        self.rules.insert((rule, holds));
    }
}

/// Runs every test of the mapping. The day is fixed, so that a test does not begin to fail by
/// itself; any domain of a compliance inbox that an example uses counts as listed.
pub fn run(plan: &Plan, open: OpenFile<'_>) -> TestReport {
    let mut report = TestReport::default();
    let mut reached = Reached::default();
    for test in &plan.tests {
        let differences = try_one(plan, test, open, &mut reached);
        report.note(&test.name, differences.unwrap_or_else(|why| vec![why]));
    }
    coverage(plan, &reached, &mut report);
    report
}

/// Everything in which the record is not as the test expects, or why it cannot be tried.
fn try_one(
    plan: &Plan,
    test: &RecordTest,
    open: OpenFile<'_>,
    reached: &mut Reached,
) -> Result<Vec<String>, String> {
    let text = test.given.text(plan, open)?;
    let limits = Limits::default();
    let tree =
        plan.read(&text, &limits).map_err(|error| format!("the record cannot be read: {error}"))?;
    if !plan.matches(&tree) {
        return Err("the record is not one that `match` takes".to_owned());
    }
    let records = plan.records(&tree);
    let Some(record) = records.first() else {
        return Err("`record` finds nothing in it".to_owned());
    };
    // Every record of the example counts for coverage; the expectations are of the first.
    for other in &records[1..] {
        plan.translate_watched(&tree, *other, reached, true);
    }
    let draft = plan.translate_watched(&tree, *record, reached, true).draft;
    let shown = draft.clone();
    let domains = inbox_domains(&draft);
    let context = Context {
        now: jiff::Timestamp::constant(TRIAL_SECOND, 0),
        today: jiff::civil::date(2026, 11, 23),
        compliance_domains: &domains,
    };
    let judged = plan.judge(draft, &context);
    Ok(compare(test, &shown, &judged))
}

/// Noon of the day on which tests are run.
const TRIAL_SECOND: i64 = 1_795_435_200;

/// Decoded as the gateway would.
pub(super) fn text_of(plan: &Plan, bytes: &[u8]) -> Result<String, String> {
    cara_document::decode(bytes, plan.encoding())
        .map(|text| text.into_owned())
        .map_err(|error| format!("the record cannot be read: {error}"))
}

pub(super) fn inbox_domains(draft: &Draft<'_>) -> Vec<String> {
    if draft.root.group() != Group::Root {
        return Vec::new();
    }
    let slot = draft.root.slot(cara_domain::FieldId::OFFICER_COMPLIANCE_INBOX);
    texts(&slot.value)
        .iter()
        .filter_map(|text| Some(text.rsplit_once('@')?.1.to_lowercase()))
        .collect()
}

fn compare(test: &RecordTest, draft: &Draft<'_>, judged: &Validated) -> Vec<String> {
    let (outcome, stopping, flags) = summary(judged);
    let mut differences = Vec::new();
    for expected in &test.expected {
        match expected {
            Expected::RecordResult(wanted) if *wanted == outcome => {}
            Expected::RecordResult(wanted) => {
                let (wanted, outcome) = (wanted.name(), outcome.name());
                let because = if stopping.is_empty() { "" } else { ": " };
                let found = stopping.join(", ");
                differences.push(format!("expected {wanted}, was {outcome}{because}{found}"));
            }
            Expected::Violations(wanted) => {
                let wanted: BTreeSet<_> = wanted.iter().filter_map(|it| name_of(it)).collect();
                let found: BTreeSet<_> = stopping.iter().map(|it| code_of(it)).collect();
                if wanted != found {
                    differences.push(format!("violations were {}", listed(&stopping)));
                }
            }
            Expected::Flags(wanted) => {
                let found: BTreeSet<_> = flags.iter().map(|it| code_of(it)).collect();
                let mut wanted = wanted.iter().filter_map(|it| name_of(it));
                if !wanted.all(|name| found.contains(name)) {
                    differences.push(format!("flags were {}", listed(&flags)));
                }
            }
            Expected::Field(name, wanted) => {
                let found = field_texts(draft, name);
                if found != *wanted {
                    differences.push(format!("{name} was {found:?}, expected {wanted:?}"));
                }
            }
        }
    }
    differences
}

fn listed(findings: &[String]) -> String {
    if findings.is_empty() { "none".to_owned() } else { findings.join(", ") }
}

/// The code of a finding that is shown as `code field`.
fn code_of(shown: &str) -> &str {
    shown.split(' ').next().unwrap_or_default()
}

fn name_of(text: &str) -> Option<&'static str> {
    cara_domain::FindingCode::find(text).map(|code| code.name())
}

/// RecordResult, what stops the record and its flags, each as `name field`.
fn summary(judged: &Validated) -> (RecordResult, Vec<String>, Vec<String>) {
    let shown =
        |finding: &cara_domain::Finding| format!("{} {}", finding.code.name(), finding.field);
    match judged {
        Validated::Referral(referral) => {
            (RecordResult::Accepted, Vec::new(), referral.flags.iter().map(shown).collect())
        }
        Validated::Withdrawal(withdrawal) => {
            (RecordResult::Withdrawn, Vec::new(), withdrawal.flags.iter().map(shown).collect())
        }
        Validated::Decision(_) => (RecordResult::Decided, Vec::new(), Vec::new()),
        Validated::Stopped(stopped) => {
            let (flags, stopping): (Vec<_>, Vec<_>) =
                stopped.findings.iter().partition(|it| it.code.kind() == FindingKind::Flag);
            let refused = stopping.iter().any(|it| it.code.kind() == FindingKind::Violation);
            let outcome = if refused { RecordResult::Refused } else { RecordResult::Held };
            let shown = |all: Vec<&cara_domain::Finding>| all.into_iter().map(shown).collect();
            (outcome, shown(stopping), shown(flags))
        }
    }
}

fn field_texts(draft: &Draft<'_>, name: &str) -> Vec<String> {
    let (group, number, field) = match name.split_once('[') {
        None => (draft.root.group(), 1, name),
        Some((group, rest)) => {
            let (number, field) = rest.split_once("].").unwrap_or((rest, ""));
            let found = Group::ALL.into_iter().find(|it| it.name() == group);
            (found.unwrap_or(Group::Root), number.parse().unwrap_or(0), field)
        }
    };
    let blocks = match group {
        Group::Root | Group::Decision => std::slice::from_ref(&draft.root),
        Group::Offence => &draft.offences,
        Group::Condition => &draft.conditions,
        Group::Child => &draft.children,
    };
    let block = blocks.get(usize::wrapping_sub(number, 1));
    let id = cara_domain::FieldId::find(group, field);
    match (block, id) {
        (Some(block), Some(id)) => texts(&block.slot(id).value),
        _ => Vec::new(),
    }
}

pub(super) fn texts(value: &Value<'_>) -> Vec<String> {
    match value {
        Value::Absent | Value::Unreadable => Vec::new(),
        Value::NotRecorded => vec!["not_recorded".to_owned()],
        Value::Text(text) => vec![text.to_string()],
        Value::List(all) => all.iter().map(|text| text.to_string()).collect(),
        Value::Date(date) => vec![date.to_string()],
        Value::Instant(at) => vec![at.to_string()],
    }
}

fn coverage(plan: &Plan, reached: &Reached, report: &mut TestReport) {
    let blocks = plan.blocks.iter().flat_map(|block| &block.fields);
    let fields = plan.fields.iter().chain(blocks).map(|field| {
        let words = format!("{}: {}", field.spot, field.id.full_name(None));
        (reached.fields.contains(&field.number), words)
    });
    report.count("fields", fields);
    // The rows of built-in tables are the gateway's own and tested there.
    let lookups = plan.lookups.iter().enumerate();
    let own = lookups.filter(|(_, it)| super::lookup::built_in(&it.name).is_none());
    let rows = own.flat_map(|(index, lookup)| {
        lookup.values.iter().enumerate().map(move |(row, (code, _))| {
            let words = format!("lookup \"{}\": {code}", lookup.name);
            (reached.rows.contains(&(index, Some(row))), words)
        })
    });
    report.count("lookup rows", rows);
    let branches = plan.rules.iter().enumerate().flat_map(|(index, rule)| {
        [(true, "is met"), (false, "is not met")].map(|(holds, branch)| {
            let words = format!("rule \"{}\" {branch}", rule.name);
            (reached.rules.contains(&(index, holds)), words)
        })
    });
    report.count("rule branches", branches);
}
