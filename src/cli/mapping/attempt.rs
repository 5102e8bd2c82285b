//! `mapping try`: a record translated, and where every field came from.

mod json;
mod text;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use cara_domain::choice::Choice as _;
use cara_domain::decision::DecisionRecord;
use cara_domain::{Finding, FindingKind, Referral, Validated};
use cara_mapping::attempt::{Attempt, UntriedBody};
use cara_mapping::{Diagnostic, Plan, compile};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::folder::{File, tomls};
use crate::cli::format::{self, Shape};
use cara_config::Settings;

/// Translate a record and show what becomes of it, and where every field came from.
///
/// Example: cara-gateway mapping try norfolk mappings/norfolk/examples/full.txt
///
/// Nothing is stored and nothing is sent. What is shown holds the record's own values, as does the
/// JSON of `--format json`: keep it where the record may be.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Try {
    /// The force, by the name of its folder
    pub force: String,
    /// A file with one record or several, as the force would send it
    pub record: PathBuf,
    /// The folder of all mappings
    #[arg(long, default_value = "mappings")]
    pub mappings: PathBuf,
    /// Take the domains that a compliance inbox may have from this gateway.toml; without it every
    /// domain counts as listed
    #[arg(long)]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub shape: Shape,
}

/// What became of the body.
#[derive(Default)]
struct Tried {
    /// What is wrong with the mappings that were looked at.
    diagnostics: Vec<Diagnostic>,
    /// Why no record was tried, a line each.
    problems: Vec<String>,
    taken: Option<Taken>,
}

/// The mapping that takes the body, and what it makes of each record.
struct Taken {
    mapping: PathBuf,
    plan: Plan,
    attempts: Vec<Attempt>,
}

impl Tried {
    fn not(problem: String) -> Tried {
        Tried { problems: vec![problem], ..Tried::default() }
    }
}

impl Try {
    /// Translates the record with the mapping of the force that takes it. 0 when every record would
    /// go on, else 1.
    pub fn run(&self, now: Timestamp, out: &mut impl Write) -> io::Result<ExitCode> {
        let tried = self.tried(now)?;
        if self.shape.is_json() {
            format::write(&json::document(&self.record, &tried), out)?;
        } else {
            text::write(&self.record, &tried, out)?;
        }
        let goes_on = |attempt: &Attempt| !matches!(attempt.validated, Validated::Stopped(_));
        match &tried.taken {
            Some(taken) if taken.attempts.iter().all(goes_on) => Ok(ExitCode::SUCCESS),
            _ => Ok(ExitCode::FAILURE),
        }
    }

    fn tried(&self, now: Timestamp) -> io::Result<Tried> {
        let body = match std::fs::read(&self.record) {
            Ok(body) => body,
            Err(error) => return Ok(Tried::not(format!("{}: {error}", self.record.display()))),
        };
        let domains = match &self.config {
            None => None,
            Some(config) => match listed_domains(config, &self.force) {
                Ok(domains) => Some(domains),
                Err(problems) => return Ok(Tried { problems, ..Tried::default() }),
            },
        };
        let folder = self.mappings.join(&self.force);
        let paths = tomls(&folder).unwrap_or_default();
        if paths.is_empty() {
            return Ok(Tried::not(format!("{}: no mapping of this force here", folder.display())));
        }
        let zone = jiff::tz::TimeZone::get("Europe/London").unwrap_or(jiff::tz::TimeZone::UTC);
        let today = zone.to_datetime(now).date();
        let mut tried = Tried::default();
        for path in paths {
            let file = File::read(path)?;
            if file.is_letters() {
                continue;
            }
            let open = |name: &str| file.open(name);
            let compiled = compile(&file.path.display().to_string(), &file.text, &open);
            tried.diagnostics.extend(compiled.diagnostics);
            let Some(plan) = compiled.plan else {
                // What it would have taken is not known.
                tried.problems.clear();
                return Ok(tried);
            };
            match plan.attempt(&body, now, today, domains.as_deref()) {
                Ok(attempts) => {
                    tried.problems.clear();
                    tried.taken = Some(Taken { mapping: file.path, plan, attempts });
                    return Ok(tried);
                }
                Err(unread) => {
                    tried.problems.push(format!("{}: {}", file.path.display(), refusal(&unread)));
                }
            }
        }
        Ok(tried)
    }
}

/// What became of one record, in one word, with what it says and what was found.
struct Judged<'a> {
    outcome: &'static str,
    content: Option<Value>,
    findings: &'a [Finding],
}

fn judged(validated: &Validated) -> Judged<'_> {
    match validated {
        Validated::Referral(referral) => Judged {
            outcome: "accepted",
            content: Some(content(referral)),
            findings: &referral.flags,
        },
        Validated::Withdrawal(withdrawal) => {
            Judged { outcome: "withdrawn", content: None, findings: &withdrawal.flags }
        }
        Validated::Decision(sent) => {
            Judged { outcome: "decided", content: Some(decided(sent)), findings: &[] }
        }
        Validated::Stopped(record) => {
            let refused = record.findings.iter().any(|it| it.code.kind() == FindingKind::Violation);
            let outcome = if refused { "refused" } else { "held" };
            Judged { outcome, content: None, findings: &record.findings }
        }
    }
}

fn refusal(unread: &UntriedBody) -> String {
    let place = match unread {
        UntriedBody::Document(error) => match (error.line, error.column) {
            (Some(line), Some(column)) => format!(" (line {line}, column {column})"),
            (Some(line), None) => format!(" (line {line})"),
            _ => String::new(),
        },
        _ => String::new(),
    };
    format!("{unread}{place}")
}

fn listed_domains(config: &Path, force: &str) -> Result<Vec<String>, Vec<String>> {
    let settings = Settings::load(config).map_err(|faults| {
        let shown = faults.iter().map(|fault| format!("{}: {fault}", config.display()));
        shown.collect::<Vec<_>>()
    })?;
    match settings.force(force) {
        Some(force) => Ok(force.compliance_domains.clone()),
        None => Err(vec![format!("{}: no [[force]] has the slug \"{force}\"", config.display())]),
    }
}

fn decided(sent: &DecisionRecord) -> Value {
    json!({
        "record_ref": sent.record_ref,
        "decision_ref": sent.decision_ref,
        "decided_on": sent.decided_on.to_string(),
        "decision": sent.decided.code(),
        "new_deadline": sent.new_deadline.map(|day| day.to_string()),
        "decided_by": { "collar_number": sent.decided_by_collar_number },
        "supersedes": sent.supersedes,
    })
}

/// The whole referral, side by side; what stays with the police included.
fn content(referral: &Referral) -> Value {
    let side = |bytes: Vec<u8>| serde_json::from_slice::<Value>(&bytes).unwrap_or(Value::Null);
    let source = &referral.source;
    json!({
        "record_ref": source.record_ref,
        "message_ref": source.message_ref,
        "extracted_at": source.extracted_at.map(|at| at.to_string()),
        "offender_side": side(referral.offender_content()),
        "victim_side": side(referral.victim_content()),
        "police_only": side(referral.police_content()),
    })
}

/// Kind, and in which order the findings are shown: what stops a record first.
fn sorted(findings: &[Finding]) -> Vec<&Finding> {
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|finding| std::cmp::Reverse(finding.code.kind()));
    sorted
}

fn kind(finding: &Finding) -> &'static str {
    match finding.code.kind() {
        FindingKind::Flag => "flag",
        FindingKind::Hold => "hold",
        FindingKind::Violation => "violation",
    }
}
