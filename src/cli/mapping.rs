//! `mapping check` and `mapping try`: for the person who writes a force's mapping.

#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use cara_record::domain::choice::Choice as _;
use cara_record::domain::decision::DecisionRecord;
use cara_record::domain::{Finding, Kind, Referral, Validated};
use cara_record::mapping::attempt::{Attempt, Unread};
use cara_record::mapping::trace::Line;
use cara_record::mapping::{LETTERS, Mapping, Plan, compile, could_both_match};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::golive;
use crate::config::Settings;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Compile mappings, run their tests and say what the tests reach
    Check(Check),
    /// Translate a record and show what becomes of it, and where every field came from
    Try(Try),
    /// What changed between two versions of a file, in words
    Diff(golive::Diff),
    /// Put a mapping live in the running gateway
    Activate(golive::Activate),
    /// Every version of a force's mappings
    History(golive::History),
    /// Put an earlier version live again
    Rollback(golive::RollBack),
}

#[derive(Debug, clap::Args)]
pub struct Check {
    /// The folder of all mappings, one force's folder, or one file
    #[arg(default_value = "mappings")]
    pub path: PathBuf,
}

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

/// Runs the command; what it has to say goes to `out`.
pub async fn run(
    command: Command,
    now: Timestamp,
    out: &mut impl Write,
) -> anyhow::Result<ExitCode> {
    match command {
        Command::Check(args) => Ok(check(&args, out)?),
        Command::Try(args) => Ok(attempt(&args, now, out)?),
        Command::Diff(args) => args.run(out),
        Command::Activate(args) => args.run(out).await,
        Command::History(args) => args.run(out).await,
        Command::Rollback(args) => args.run(out).await,
    }
}

/// A mapping file as it was found on disk.
struct File {
    path: PathBuf,
    text: String,
}

impl File {
    fn read(path: PathBuf) -> io::Result<File> {
        let text = std::fs::read_to_string(&path)?;
        Ok(File { path, text })
    }

    /// Whether it writes letters instead of reading records.
    fn is_letters(&self) -> bool {
        self.name() == LETTERS
    }

    /// `referral`, from `hampshire/referral.toml`.
    fn name(&self) -> &str {
        self.path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()
    }

    /// A file that the mapping names, from its own folder.
    fn open(&self, name: &str) -> Option<Vec<u8>> {
        std::fs::read(self.path.parent()?.join(name)).ok()
    }
}

/// Compiles every mapping below the path. 0 when there is nothing to mend, else 1.
pub fn check(args: &Check, out: &mut impl Write) -> io::Result<ExitCode> {
    let paths = match files(&args.path) {
        Ok(paths) if !paths.is_empty() => paths,
        Ok(_) => {
            writeln!(
                out,
                "{}: no mapping here: a mapping is FORCE/NAME.toml",
                args.path.display()
            )?;
            return Ok(ExitCode::FAILURE);
        }
        Err(error) => {
            writeln!(out, "{}: {error}", args.path.display())?;
            return Ok(ExitCode::FAILURE);
        }
    };
    let mut wrong = 0;
    let count = paths.len();
    let mut plans: Vec<(PathBuf, Plan)> = Vec::new();
    for path in paths {
        let file = match File::read(path.clone()) {
            Ok(file) => file,
            Err(error) => {
                writeln!(out, "{}: {error}", path.display())?;
                wrong += 1;
                continue;
            }
        };
        let (mapping, clean) = check_one(&file, out)?;
        wrong += usize::from(!clean);
        if let Some(Mapping::Plan(plan)) = mapping {
            plans.push((path, plan));
        }
    }
    wrong += twins(&plans, out)?;
    match wrong {
        0 => writeln!(out, "nothing to mend in {}", counted(count, "mapping"))?,
        _ => writeln!(out, "{} to mend", counted(wrong, "thing"))?,
    }
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints what is wrong with one file, or what its tests reach. False: something is to be mended.
fn check_one(file: &File, out: &mut impl Write) -> io::Result<(Option<Mapping>, bool)> {
    let open = |name: &str| file.open(name);
    let shown = file.path.display().to_string();
    let compiled = Mapping::compile(file.name(), &shown, &file.text, &open);
    for diagnostic in &compiled.diagnostics {
        writeln!(out, "{}", diagnostic.render())?;
    }
    let Some(mapping) = compiled.plan else { return Ok((None, false)) };
    let report = mapping.run_tests(&open);
    write!(out, "{shown}: {report}")?;
    let clean = compiled.diagnostics.is_empty() && !report.failed() && report.is_complete();
    Ok((Some(mapping), clean))
}

/// Mappings of one force that could both take a body; the gateway would not know which to use.
fn twins(plans: &[(PathBuf, Plan)], out: &mut impl Write) -> io::Result<usize> {
    let mut found = 0;
    for (index, (path, plan)) in plans.iter().enumerate() {
        let others = plans[index + 1..]
            .iter()
            .filter(|(_, other)| other.force() == plan.force() && could_both_match(plan, other));
        for (other, _) in others {
            found += 1;
            writeln!(
                out,
                "{} and {} could both take the same body: make their `match` tell them apart",
                path.display(),
                other.display()
            )?;
        }
    }
    Ok(found)
}

/// Translates the record with the mapping of the force that takes it. 0 when every record would go
/// on, else 1.
pub fn attempt(args: &Try, now: Timestamp, out: &mut impl Write) -> io::Result<ExitCode> {
    let body = match std::fs::read(&args.record) {
        Ok(body) => body,
        Err(error) => {
            writeln!(out, "{}: {error}", args.record.display())?;
            return Ok(ExitCode::FAILURE);
        }
    };
    let domains = match &args.config {
        None => None,
        Some(config) => match listed_domains(config, &args.force) {
            Ok(domains) => Some(domains),
            Err(problems) => {
                write!(out, "{problems}")?;
                return Ok(ExitCode::FAILURE);
            }
        },
    };
    let folder = args.mappings.join(&args.force);
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
                writeln!(out, "{} with {}", args.record.display(), file.path.display())?;
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

/// The mapping files below a path: itself, those of one force's folder, or those of all folders.
/// `base` holds shared starts, which are no mappings by themselves.
fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let own = tomls(path)?;
    if !own.is_empty() {
        return Ok(own);
    }
    let mut all = Vec::new();
    for folder in sorted(path)? {
        if folder.is_dir() && !folder.ends_with("base") {
            all.extend(tomls(&folder)?);
        }
    }
    Ok(all)
}

fn tomls(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let toml = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "toml");
    Ok(sorted(folder)?.into_iter().filter(toml).collect())
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)?
        .map(|entry| entry.map(|it| it.path()))
        .collect::<Result<_, _>>()?;
    paths.sort();
    Ok(paths)
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
