//! `mapping try`: a record translated, and where every field came from.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use cara_record::domain::choice::Choice as _;
use cara_record::domain::decision::DecisionRecord;
use cara_record::domain::{Finding, Kind, Referral, Validated};
use cara_record::mapping::attempt::{Attempt, Unread};
use cara_record::mapping::trace::Line;
use cara_record::mapping::{Plan, compile};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::folder::{File, tomls};
use crate::config::Settings;

#[derive(Debug, clap::Args)]
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
}

impl Try {
    /// Translates the record with the mapping of the force that takes it. 0 when every record would
    /// go on, else 1.
    pub fn run(&self, now: Timestamp, out: &mut impl Write) -> io::Result<ExitCode> {
        let body = match std::fs::read(&self.record) {
            Ok(body) => body,
            Err(error) => {
                writeln!(out, "{}: {error}", self.record.display())?;
                return Ok(ExitCode::FAILURE);
            }
        };
        let domains = match &self.config {
            None => None,
            Some(config) => match listed_domains(config, &self.force) {
                Ok(domains) => Some(domains),
                Err(problems) => {
                    write!(out, "{problems}")?;
                    return Ok(ExitCode::FAILURE);
                }
            },
        };
        let folder = self.mappings.join(&self.force);
        let paths = tomls(&folder).unwrap_or_default();
        if paths.is_empty() {
            writeln!(out, "{}: no mapping of this force here", folder.display())?;
            return Ok(ExitCode::FAILURE);
        }
        let zone = jiff::tz::TimeZone::get("Europe/London").unwrap_or(jiff::tz::TimeZone::UTC);
        let today = zone.to_datetime(now).date();
        let mut refusals = Vec::new();
        for path in paths {
            let file = File::read(path)?;
            if file.is_letters() {
                continue;
            }
            let open = |name: &str| file.open(name);
            let compiled = compile(&file.path.display().to_string(), &file.text, &open);
            for diagnostic in &compiled.diagnostics {
                writeln!(out, "{}", diagnostic.render())?;
            }
            let Some(plan) = compiled.plan else { return Ok(ExitCode::FAILURE) };
            match plan.attempt(&body, now, today, domains.as_deref()) {
                Ok(attempts) => {
                    writeln!(out, "{} with {}", self.record.display(), file.path.display())?;
                    return shown(&plan, &attempts, out);
                }
                Err(unread) => refusals.push((file.path.clone(), unread)),
            }
        }
        for (path, unread) in refusals {
            writeln!(out, "{}: {}", path.display(), refusal(&unread))?;
        }
        Ok(ExitCode::FAILURE)
    }
}

fn refusal(unread: &Unread) -> String {
    let place = match unread {
        Unread::Document(error) => match (error.line, error.column) {
            (Some(line), Some(column)) => format!(" (line {line}, column {column})"),
            (Some(line), None) => format!(" (line {line})"),
            _ => String::new(),
        },
        _ => String::new(),
    };
    format!("{unread}{place}")
}

fn listed_domains(config: &Path, force: &str) -> Result<Vec<String>, String> {
    let settings = Settings::load(config).map_err(|faults| {
        faults.iter().map(|fault| format!("{}: {fault}\n", config.display())).collect::<String>()
    })?;
    match settings.force(force) {
        Some(force) => Ok(force.compliance_domains.clone()),
        None => Err(format!("{}: no [[force]] has the slug \"{force}\"\n", config.display())),
    }
}

fn shown(plan: &Plan, attempts: &[Attempt], out: &mut impl Write) -> io::Result<ExitCode> {
    let mut stopped = 0;
    for (number, attempt) in (1..).zip(attempts) {
        let of = attempts.len();
        write!(out, "\nrecord {number} of {of}, from line {}: ", attempt.body_line)?;
        match &attempt.validated {
            Validated::Referral(referral) => {
                writeln!(out, "accepted")?;
                writeln!(out, "{:#}", content(referral))?;
                findings(plan, &referral.flags, out)?;
            }
            Validated::Withdrawal(withdrawal) => {
                writeln!(out, "withdrawn")?;
                findings(plan, &withdrawal.flags, out)?;
            }
            Validated::Decision(sent) => {
                writeln!(out, "decided")?;
                writeln!(out, "{:#}", decided(sent))?;
            }
            Validated::Stopped(record) => {
                stopped += 1;
                let refused = record.findings.iter().any(|it| it.code.kind() == Kind::Violation);
                writeln!(out, "{}", if refused { "refused" } else { "held" })?;
                findings(plan, &record.findings, out)?;
            }
        }
        for (field, code) in &attempt.unlisted {
            writeln!(out, "  not listed: \"{code}\" for {field}")?;
        }
        trace(&attempt.lines, out)?;
    }
    Ok(if stopped == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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

fn findings(plan: &Plan, findings: &[Finding], out: &mut impl Write) -> io::Result<()> {
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|finding| std::cmp::Reverse(finding.code.kind()));
    for finding in sorted {
        let page = finding.code.page();
        let kind = match page.kind {
            Kind::Flag => "flag",
            Kind::Hold => "hold",
            Kind::Violation => "violation",
        };
        let field = if finding.field.is_empty() { "the record" } else { &finding.field };
        write!(out, "  {kind} {} {}: {field}", page.id, page.name)?;
        if let Some(origin) = finding.origin {
            write!(out, " from {}", plan.path_text(origin))?;
        }
        if let Some(line) = finding.line {
            write!(out, " (line {line})")?;
        }
        if let Some(named) = &finding.named {
            write!(out, " by \"{named}\"")?;
        }
        if let Some(letter) = finding.expected_letter {
            write!(out, ", the letter {letter} would be right")?;
        }
        writeln!(out)?;
        writeln!(out, "      {}", page.fix)?;
    }
    Ok(())
}

/// Where every field came from: field, line of the record, source path, and the texts on the way.
fn trace(lines: &[Line], out: &mut impl Write) -> io::Result<()> {
    let width = |texts: &dyn Fn(&Line) -> usize| lines.iter().map(texts).max().unwrap_or(0);
    let field_width = width(&|line| line.field.chars().count()).max("field".len());
    let path = |line: &Line| match &line.source_path {
        Some(path) => path.clone(),
        None if line.filled => "constant".to_owned(),
        None => "nothing found".to_owned(),
    };
    let path_width = width(&|line| path(line).chars().count()).clamp(4, 48);
    writeln!(out, "\n  {:field_width$}  {:>5}  {:path_width$}  value", "field", "line", "from")?;
    for line in lines {
        let at = line.record_line.map(|line| line.to_string()).unwrap_or_default();
        let mut steps: Vec<String> = line.texts.iter().map(|texts| texts.join(" | ")).collect();
        steps.dedup();
        let value = if steps.is_empty() { "–".to_owned() } else { steps.join(" → ") };
        let from = path(line);
        let unfilled = if line.filled || steps.is_empty() { "" } else { "  (not filled)" };
        let field = &line.field;
        writeln!(out, "  {field:field_width$}  {at:>5}  {from:path_width$}  {value}{unfilled}")?;
    }
    Ok(())
}
