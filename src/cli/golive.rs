//! `mapping activate|history|rollback|diff`: how a mapping goes live, and comes back.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use cara_record::mapping::{Diagnostic, Mapping, diff, extend};
use clap::Args;
use serde_json::{Value, json};

use super::format::{self, Shape};
use super::socket::At;

/// An example that a mapping names is never larger.
const FILE_BYTES_MAX: u64 = 2 << 20;

/// Put a mapping live in the running gateway.
///
/// Example: cara-gateway mapping activate norfolk --because "a new risk grade"
///
/// The gateway compiles it, runs its tests, says what changed and tries it on the records that are
/// kept. --dry-run does all of it but going live.
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

async fn order(at: At, order: &Value) -> anyhow::Result<Value> {
    Ok(at.gateway()?.tell("/v1/orders", order).await?.unwrap_or_default())
}

impl Activate {
    pub(super) async fn run(self, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let Activate { at, force, name, mappings, because, uncovered, dry_run } = self;
        let folder = mappings.join(&force);
        let path = folder.join(format!("{name}.toml"));
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        let Some(text) = self::text(&path, &text, out)? else { return Ok(ExitCode::FAILURE) };
        let told = order(
            at,
            &json!({
                "order": "activate", "force": force, "name": name, "text": text,
                "files": files(&folder, &text)?, "because": because, "uncovered": uncovered,
                "dry_run": dry_run,
            }),
        )
        .await?;
        writeln!(out, "{}", path.display())?;
        let changes = told["changes"].as_array().cloned().unwrap_or_default();
        for change in &changes {
            writeln!(out, "  {}", change.as_str().unwrap_or_default())?;
        }
        if changes.is_empty() {
            writeln!(out, "  nothing changed but tests and comments")?;
        }
        let replayed = told["replayed"].as_object().cloned().unwrap_or_default();
        let ends: Vec<_> = replayed.iter().map(|(end, count)| format!("{count} {end}")).collect();
        match ends.is_empty() {
            true => writeln!(out, "tried on no kept record")?,
            false => writeln!(out, "tried on the records that are kept: {}", ends.join(", "))?,
        }
        if let Some(first) = told["waits_after"].as_str() {
            writeln!(
                out,
                "not live yet: it concerns the victim, the risk or how somebody is reached. {first} \
                 asked first; another operator runs the same command"
            )?;
            return Ok(ExitCode::FAILURE);
        }
        match told["version"].as_u64() {
            Some(version) => writeln!(out, "version {version} is live")?,
            None => writeln!(out, "nothing went live")?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What is sent: the file with the base that it extends. What is wrong with one that extends a base
/// is printed here, where both files are: then there is nothing to send.
fn text(path: &Path, text: &str, out: &mut impl Write) -> anyhow::Result<Option<String>> {
    if extend::base_of(text).is_none() {
        return Ok(Some(text.to_owned()));
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let open = |name: &str| std::fs::read(folder.join(name)).ok();
    let shown = path.display().to_string();
    let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let diagnostics = Mapping::compile(name, &shown, text, &open).diagnostics;
    for diagnostic in &diagnostics {
        writeln!(out, "{}", diagnostic.render())?;
    }
    let sound = diagnostics.is_empty();
    Ok(sound.then(|| extend::effective(&shown, text, &open).text))
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
        let told = order(at, &json!({ "order": "mapping_history", "force": force })).await?;
        for it in told["versions"].as_array().into_iter().flatten() {
            let text = |name: &str| it[name].as_str().unwrap_or_default();
            let sha256 = text("sha256").get(..12).unwrap_or_default().to_owned();
            let (name, by, at) = (text("name"), text("by"), text("at"));
            let version = &it["version"];
            writeln!(out, "{name} {version}  {sha256}  {at}  {by}: {}", text("because"))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl RollBack {
    pub(super) async fn run(self, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let RollBack { at, force, name, version, because } = self;
        let said = json!({
            "order": "roll_back", "force": force, "name": name, "version": version,
            "because": because,
        });
        let told = order(at, &said).await?;
        writeln!(out, "version {} is live: the text of version {version} again", told["version"])?;
        Ok(ExitCode::SUCCESS)
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
