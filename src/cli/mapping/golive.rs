//! `mapping activate|history|rollback|diff`: how a mapping goes live, and comes back.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use cara_mapping::{Diagnostic, Mapping, diff, extend};
use cara_wire::operators::call;
use cara_wire::operators::mapping::{
    Candidate, CandidateAnswer, ForceAsked, MappingHistory, MappingRollback, MappingRolledBack,
    Revealed, Sort, WaitingHolds,
};
use clap::Args;
use serde_json::{Value, json};

use super::problem;
use crate::cli::format::{self, Shape};
use crate::cli::socket::At;
use crate::cli::words;
use cara_flow::mapping::replay::{RECORDS_MAX, RECORDS_USUAL};

/// An example that a mapping names is never larger.
const FILE_BYTES_MAX: u64 = 2 << 20;

/// Put a mapping live in the running gateway.
///
/// Example: cara-gateway mapping activate norfolk --because "a new risk grade"
///
/// The gateway compiles it, runs its tests, says what changed and tries it on the records that are
/// kept. Then it asks; --yes answers. --dry-run does all of it but going live. With --format json
/// nobody is asked: it goes live with --yes only.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Activate {
    #[command(flatten)]
    at: At,
    /// The force, by the name of its folder
    force: String,
    /// Which of its files: referral, decision or notice
    #[arg(long, default_value = "referral")]
    name: String,
    /// The folder of all mappings
    #[arg(long, default_value = "mappings")]
    mappings: PathBuf,
    /// Why; it stands in the version's history and in the audit chain
    #[arg(long)]
    because: String,
    /// Why its tests need not reach everything
    #[arg(long)]
    uncovered: Option<String>,
    /// Check, compare and try it on the records that are kept; put nothing live
    #[arg(long)]
    dry_run: bool,
    /// Put it live without asking
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,
    /// On how many kept records it is tried, the newest first
    #[arg(long, value_name = "N", default_value_t = RECORDS_USUAL,
          value_parser = clap::value_parser!(u32).range(1..=i64::from(RECORDS_MAX)))]
    records: u32,
    /// Show old and new values of what changes, at most 50; it is audited with your reason
    #[arg(long)]
    reveal: bool,
}

/// Every version of a force's mappings: who, when, why.
///
/// Example: cara-gateway mapping history norfolk
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct History {
    #[command(flatten)]
    at: At,
    /// The force, by the name of its folder
    force: String,
}

/// Put an earlier version live again, as a new version with its text.
///
/// Example: cara-gateway mapping rollback norfolk referral 3 --because "the grade was wrong"
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct RollBack {
    #[command(flatten)]
    at: At,
    /// The force, by the name of its folder
    force: String,
    /// Which of its files: referral, decision or notice
    name: String,
    /// The version that goes live again
    version: u32,
    /// Why; it stands in the version's history and in the audit chain
    #[arg(long)]
    because: String,
}

/// What changed between two versions of a file, in words.
///
/// Example: cara-gateway mapping diff old/referral.toml mappings/norfolk/referral.toml
///
/// A line that begins with ! concerns the victim, the risk or how somebody is reached.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Diff {
    /// The file as it was, or a force by the name of its folder
    old: PathBuf,
    /// The file as it is, or a force by the name of its folder
    new: PathBuf,
    /// Which of a force's files: referral, decision or notice
    #[arg(long, default_value = "referral")]
    name: String,
    /// The folder of all mappings
    #[arg(long, default_value = "mappings")]
    mappings: PathBuf,
    #[command(flatten)]
    shape: Shape,
}

impl Activate {
    pub(super) async fn run(self, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let gateway = self.at.socket()?;
        let folder = self.mappings.join(&self.force);
        let path = folder.join(format!("{}.toml", self.name));
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        let is_json = self.at.shape.is_json();
        let (text, diagnostics) = self::text(&path, &text);
        if !diagnostics.is_empty() {
            if is_json {
                let problems: Vec<_> = diagnostics.iter().map(problem::document).collect();
                write_document(&path, &problems, None, None, out)?;
                return Ok(ExitCode::FAILURE);
            }
            for diagnostic in &diagnostics {
                writeln!(out, "{}", diagnostic.render())?;
            }
            return Ok(ExitCode::FAILURE);
        }
        let candidate = Candidate {
            files: files(&folder, &text)?,
            force: self.force,
            name: self.name,
            text,
            because: self.because,
            uncovered: self.uncovered,
            dry_run: true,
            seen: None,
            records: Some(self.records),
            reveal: self.reveal,
        };
        let tried = gateway.call(&call::PUT_MAPPING, &(), &candidate).await?;
        if is_json {
            let mut went = None;
            if self.yes {
                let candidate = candidate.live(tried.seen.clone());
                went = Some(gateway.call(&call::PUT_MAPPING, &(), &candidate).await?);
            }
            write_document(&path, &[], Some(&tried), went.as_ref(), out)?;
            let live = went.is_some_and(|went| went.waits_after.is_none());
            return Ok(if live || self.dry_run { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        writeln!(out, "{}", path.display())?;
        write_tried(&tried, out)?;
        if self.dry_run {
            writeln!(out, "nothing went live")?;
            return Ok(ExitCode::SUCCESS);
        }
        if !self.yes && !is_confirmed(out)? {
            writeln!(out, "nothing went live; the same with --yes puts it live")?;
            return Ok(ExitCode::FAILURE);
        }
        // Only the text that was tried, over the version that it was tried against.
        let candidate = candidate.live(tried.seen);
        write_live(&gateway.call(&call::PUT_MAPPING, &(), &candidate).await?, out)
    }
}

/// What changed, and what would become of the records that are kept; what would stop is loud.
fn write_tried(tried: &CandidateAnswer, out: &mut impl Write) -> std::io::Result<()> {
    match tried.changes.as_deref() {
        None => writeln!(out, "  the first version: there is none to compare it with")?,
        Some([]) => writeln!(out, "  nothing changed but tests and comments")?,
        Some(changes) => changes.iter().try_for_each(|change| writeln!(out, "  {change}"))?,
    }
    if tried.sensitive {
        writeln!(
            out,
            "it concerns the victim, the risk or how somebody is reached: two operators have to ask \
             for it"
        )?;
    }
    let Some(replay) = &tried.replay else { return Ok(()) };
    if replay.looked_at == 0 {
        return writeln!(out, "tried on no kept record");
    }
    let mut ends: Vec<_> =
        replay.ends.iter().map(|it| (it.sort, words::ending(it), it.records)).collect();
    ends.sort();
    let told = |stopped: bool| ends.iter().filter(move |it| (it.0 == Sort::Stopped) == stopped);
    let ends: Vec<_> =
        told(false).map(|(_, words, records)| format!("{records} {words}")).collect();
    let ends = if ends.is_empty() { "none as before".to_owned() } else { ends.join(", ") };
    let of = match replay.looked_at == replay.kept {
        true => format!("of {} records kept", replay.kept),
        false => format!("of the newest {} of {} records kept", replay.looked_at, replay.kept),
    };
    writeln!(out, "tried: {ends}; {of}")?;
    for (_, words, records) in told(true) {
        writeln!(out, "! {records} {words}")?;
    }
    for hold_id in &replay.now_accepted {
        writeln!(out, "  now accepted: hold {hold_id}")?;
    }
    for Revealed { referral_id, field, was, is } in &replay.revealed {
        let (was, is) = (words::revealed(was), words::revealed(is));
        writeln!(out, "  {referral_id} {field}: {was} -> {is}")?;
    }
    Ok(())
}

fn write_live(went: &CandidateAnswer, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    if let Some(first) = &went.waits_after {
        writeln!(
            out,
            "not live yet: it concerns the victim, the risk or how somebody is reached. {first} \
             asked first; another operator runs the same command"
        )?;
        return Ok(ExitCode::FAILURE);
    }
    match went.version {
        Some(version) => writeln!(out, "version {version} is live")?,
        None => writeln!(out, "nothing went live")?,
    }
    for WaitingHolds { reasons, holds, hold_id } in &went.waiting {
        let cause = words::reasons(reasons);
        writeln!(out, "{holds} open holds would be accepted now: {cause}")?;
        writeln!(out, "  cara-gateway hold release-like {hold_id} --because \"…\"")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Asks the person at the terminal; nobody there has not said yes.
fn is_confirmed(out: &mut impl Write) -> std::io::Result<bool> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        return Ok(false);
    }
    write!(out, "Type yes to put it live: ")?;
    out.flush()?;
    let mut line = String::new();
    input.read_line(&mut line)?;
    Ok(line.trim() == "yes")
}

/// The answer as JSON: `{file, diagnostics, tried, went_live}`.
fn write_document(
    path: &Path,
    diagnostics: &[Value],
    tried: Option<&CandidateAnswer>,
    went: Option<&CandidateAnswer>,
    out: &mut impl Write,
) -> std::io::Result<()> {
    let document = json!({
        "file": path.display().to_string(), "diagnostics": diagnostics, "tried": tried,
        "went_live": went,
    });
    format::write(&document, out)
}

/// What is sent: the file with the base that it extends. What is wrong with one that extends a base
/// is said here, where both files are: then there is nothing to send.
fn text(path: &Path, text: &str) -> (String, Vec<Diagnostic>) {
    if extend::base_of(text).is_none() {
        return (text.to_owned(), Vec::new());
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let open = |name: &str| std::fs::read(folder.join(name)).ok();
    let shown = path.display().to_string();
    let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let diagnostics = Mapping::compile(name, &shown, text, &open).diagnostics;
    (extend::effective(&shown, text, &open).text, diagnostics)
}

/// The files that the mapping's tests name, by those names.
fn files(folder: &Path, text: &str) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for line in text.lines().map(str::trim_start) {
        let named = ["given_file", "expect_file"].iter().find_map(|key| line.strip_prefix(key));
        let Some(name) = named.and_then(|rest| rest.split('"').nth(1)) else { continue };
        let path = folder.join(name);
        // One that is missing is named by the check, with its line.
        let Ok(about) = std::fs::metadata(&path) else { continue };
        anyhow::ensure!(about.len() <= FILE_BYTES_MAX, "{} is too large", path.display());
        files.insert(name.to_owned(), std::fs::read(&path)?);
    }
    Ok(files)
}

impl History {
    pub(super) async fn run(self, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let History { at, force } = self;
        at.say(call::MAPPINGS, &ForceAsked { force }, &(), out, write_history).await
    }
}

fn write_history(history: &MappingHistory, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    for it in &history.versions {
        let sha256 = it.sha256.get(..12).unwrap_or_default();
        let live = if it.live { "live" } else { "    " };
        let (name, version, at) = (&it.name, it.version, it.at);
        writeln!(out, "{name} {version}  {live}  {sha256}  {at}  {}: {}", it.by, it.because)?;
    }
    Ok(ExitCode::SUCCESS)
}

impl RollBack {
    pub(super) async fn run(self, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let RollBack { at, force, name, version, because } = self;
        let words = |back: &MappingRolledBack, out: &mut dyn Write| {
            let now = back.version;
            writeln!(out, "version {now} is live: the text of version {version} again")?;
            Ok(ExitCode::SUCCESS)
        };
        let back = MappingRollback { force, name, version, because };
        at.say(call::ROLL_BACK_MAPPING, &(), &back, out, words).await
    }
}

impl Diff {
    pub(super) fn run(&self, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let changes = diff::changes(&self.whole(&self.old)?, &self.whole(&self.new)?);
        if self.shape.is_json() {
            let changes = changes.iter();
            let changes =
                changes.map(|it| json!({ "words": it.words, "is_sensitive": it.is_sensitive }));
            format::write(&json!({ "changes": changes.collect::<Vec<_>>() }), out)?;
            return Ok(ExitCode::SUCCESS);
        }
        for change in &changes {
            let mark = if change.is_sensitive { "!" } else { " " };
            writeln!(out, "{mark} {}", change.words)?;
        }
        match changes.is_empty() {
            true => writeln!(out, "nothing changed but tests and comments")?,
            false if changes.iter().any(|change| change.is_sensitive) => writeln!(
                out,
                "! concerns the victim, the risk or how somebody is reached: two operators"
            )?,
            false => {}
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The text of a file, or of a force's file, with the base that it extends.
    fn whole(&self, named: &Path) -> anyhow::Result<String> {
        let of_force = self.mappings.join(named).join(format!("{}.toml", self.name));
        let path = if !named.is_file() && of_force.is_file() { &of_force } else { named };
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let open = |name: &str| std::fs::read(folder.join(name)).ok();
        let effective = extend::effective(&path.display().to_string(), &text, &open);
        let told: String = effective.diagnostics.iter().map(Diagnostic::render).collect();
        anyhow::ensure!(effective.is_whole, "{told}");
        Ok(effective.text)
    }
}
