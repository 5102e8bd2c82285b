//! Which mappings are live: the store is the authority, files are drafts.

use std::path::{Path, PathBuf};

use cara_mapping::code::MappingCode;
use cara_mapping::{Diagnostic, LETTERS, Mapping, extend};

use crate::live::{LiveLetter, LiveMapping, LivePlan};
use crate::{Failure, Force, Gateway};
use cara_store::{Fact, ForceNumber, GATEWAY, MappingRef, NotWritten, PlanVersion};

/// Mapping files of one force that the gateway reads.
pub(crate) const NAMES: [&str; 3] = ["referral", "decision", LETTERS];

/// What the compiler says of a text in words that this release does not know. The rest of what it
/// says is advice to who writes the file, needs its examples, or came with a later release.
const NOT_UNDERSTOOD: [MappingCode; 22] = [
    MappingCode::SYNTAX,
    MappingCode::UNKNOWN_KEY,
    MappingCode::WRONG_TYPE,
    MappingCode::MISSING_KEY,
    MappingCode::WRONG_VALUE,
    MappingCode::UNKNOWN_FIELD,
    MappingCode::WRONG_BLOCK,
    MappingCode::PATH,
    MappingCode::UNKNOWN_TRANSFORM,
    MappingCode::TRANSFORM_ARGUMENT,
    MappingCode::UNKNOWN_LOOKUP,
    MappingCode::LOOKUP_VALUE,
    MappingCode::CONDITION,
    MappingCode::CONDITION_FIELD,
    MappingCode::CONDITION_OPERATOR,
    MappingCode::CONDITION_VALUE,
    MappingCode::CONDITION_QUANTIFIER,
    MappingCode::DATE_FORMAT,
    MappingCode::LINE,
    MappingCode::LETTER_PLACE,
    MappingCode::NOTICE_FIELD,
    MappingCode::DELIVERY,
];
/// Bytes of a file's problems that one log line holds.
const LOGGED_BYTES_MAX: usize = 2_000;

/// Why the mappings could not go live.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "the mapping file {path} cannot be read: check that it exists and that the gateway's user may read it"
    )]
    File {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{path} has problems; nothing of it went live:\n{report}")]
    Refused { path: PathBuf, report: String },
    #[error(
        "the live version {version} of {force}/{name} no longer compiles; it was made by another release of the gateway:\n{report}"
    )]
    Stored { force: String, name: String, version: u32, report: String },
    #[error(
        "{force}: the mappings {first} and {second} could both match one body; give each a `match` of its own"
    )]
    BothMatch { force: String, first: String, second: String },
    #[error("the store refused the mapping versions")]
    Store(#[from] Failure),
}

/// One mapping file as read from the folder.
#[derive(Debug)]
pub struct MappingFile {
    pub force: ForceNumber,
    pub slug: String,
    pub name: &'static str,
    pub path: PathBuf,
    /// As the file has it.
    pub written: String,
    /// With the base that it extends: what goes live.
    pub text: String,
}

/// What becomes of a file whose text is not the one that is live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangedFiles {
    /// Nothing, until an operator activates it; whoever starts the gateway is told.
    AreDrafts,
    /// It goes live by itself.
    GoLive,
}

/// Takes the folder's files as the first versions, and makes the newest versions of the store
/// live. A file with another text is a draft: a warning, unless a
/// [`Follower`](crate::mapping::follow::Follower) will take what has changed ([`ChangedFiles::GoLive`]). A bad file
/// never replaces a good version: with one live already it is reported and left out.
pub async fn activate_mappings(
    gateway: &Gateway,
    folder: &Path,
    changed: ChangedFiles,
) -> Result<Vec<String>, Error> {
    let mut warnings = Vec::new();
    let stored = gateway.store.plan_versions().await.map_err(Failure::from)?;
    let mut live = LiveMappings::default();
    for file in mapping_files(gateway, folder)? {
        let newest = stored.iter().find(|it| it.force == file.force && it.name == file.name);
        if let Some(version) = newest.filter(|newest| newest.text != file.text) {
            let warning = format!(
                "{} is a draft: version {} is live. Run `cara-gateway mapping activate {}`",
                file.path.display(),
                version.version,
                file.slug,
            );
            warnings.extend((changed == ChangedFiles::AreDrafts).then_some(warning));
            live.push(restore_stored(version)?);
            continue;
        }
        match bring_live(gateway, &file, newest).await {
            Ok(sound) => live.push(sound),
            Err(Error::Refused { path, report }) if newest.is_some() => {
                warnings.push(format!(
                    "{} has problems; version {} stays live:\n{report}",
                    path.display(),
                    newest.map_or(0, |version| version.version),
                ));
                if let Some(version) = newest {
                    live.push(restore(version, &file)?);
                }
            }
            Err(error) => return Err(error),
        }
    }
    for version in &stored {
        if !live.knows(version) && gateway.forces.lists(version.force) {
            live.push(restore_stored(version)?);
        }
    }
    check_one_reads(&live.plans)?;
    gateway.live.replace(live.plans, live.letters);
    Ok(warnings)
}

fn mapping_files(gateway: &Gateway, folder: &Path) -> Result<Vec<MappingFile>, Error> {
    let mut files = Vec::new();
    for force in gateway.forces.all() {
        for name in NAMES {
            files.extend(MappingFile::read(folder, force, name)?);
        }
    }
    Ok(files)
}

async fn bring_live(
    gateway: &Gateway,
    file: &MappingFile,
    newest: Option<&PlanVersion>,
) -> Result<LiveMapping, Error> {
    let sound = compile(file)?;
    let sha256 = gateway.vault.sha256(file.text.as_bytes());
    let version = match newest {
        Some(newest) => newest.version,
        None if store_version(gateway, file, &sha256, 1, "first start").await? => 1,
        None => {
            let reason = "another gateway put a version live at the same moment: start again";
            return Err(Error::Store(Failure::Passing { reason, retry_after_s: 1 }));
        }
    };
    Ok(live(file.force, file.name, sound, version, sha256))
}

/// Stores a file as the next version; `false`: another took its number.
pub(crate) async fn store_version(
    gateway: &Gateway,
    file: &MappingFile,
    sha256: &str,
    version: u32,
    because: &str,
) -> Result<bool, Failure> {
    let row = PlanVersion {
        force: file.force,
        name: file.name.to_owned(),
        version,
        sha256: sha256.to_owned(),
        text: file.text.clone(),
        by: GATEWAY.to_owned(),
        at: gateway.clock.now(),
        because: because.to_owned(),
    };
    store_plan(gateway, &file.slug, row).await
}

/// Stores a version as the one that is live; `false`: another took its number. `force`: its slug.
pub(crate) async fn store_plan(
    gateway: &Gateway,
    force: &str,
    row: PlanVersion,
) -> Result<bool, Failure> {
    let fact = Fact::mapping_live(&row.by, row.at, force, &row.name, row.version, &row.because);
    match gateway.store.activate_plan(row, vec![fact]).await? {
        Ok(()) => Ok(true),
        Err(NotWritten::Conflict) => Ok(false),
        Err(refused) => Err(refused.into()),
    }
}

/// Two mappings of one force that could take the same body would make the choice a guess.
fn check_one_reads(live: &[LivePlan]) -> Result<(), Error> {
    for (index, first) in live.iter().enumerate() {
        for second in &live[index + 1..] {
            if first.force == second.force
                && cara_mapping::could_both_match(&first.plan, &second.plan)
            {
                return Err(Error::BothMatch {
                    force: first.force.to_string(),
                    first: first.reference.name.clone(),
                    second: second.reference.name.clone(),
                });
            }
        }
    }
    Ok(())
}

impl MappingFile {
    /// The one way in which the text of a mapping file is read; none: there is no such file.
    pub(crate) fn read(
        folder: &Path,
        force: &Force,
        name: &'static str,
    ) -> Result<Option<MappingFile>, Error> {
        let path = folder.join(&force.slug).join(format!("{name}.toml"));
        let (force, slug) = (force.code, force.slug.clone());
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                let written = text.clone();
                Ok(Some(MappingFile { force, slug, name, path, written, text }.extended()))
            }
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::File { path, source }),
        }
    }

    /// Compiles it with its examples beside it and runs its tests.
    pub(crate) fn checked(&self) -> Result<Checked, Unsound> {
        checked(&self.path.display().to_string(), self.name, &self.written, &self.open())
    }

    fn open(&self) -> impl Fn(&str) -> Option<Vec<u8>> + use<> {
        let folder = self.path.parent().map(Path::to_path_buf).unwrap_or_default();
        move |name| std::fs::read(folder.join(name)).ok()
    }

    /// Takes the base in. Where that cannot be, the text stays as it is written, and compiling it
    /// says why.
    fn extended(mut self) -> Self {
        let shown = self.path.display().to_string();
        let effective = extend::effective(&shown, &self.written, &self.open());
        if effective.diagnostics.is_empty() {
            self.text = effective.text;
        }
        self
    }
}

/// Compiles a file with its examples beside it and runs its tests: only a sound mapping goes live.
pub fn compile(file: &MappingFile) -> Result<Mapping, Error> {
    let refused =
        |unsound: Unsound| Error::Refused { path: file.path.clone(), report: unsound.to_string() };
    file.checked().map(|checked| checked.sound).map_err(refused)
}

/// A mapping whose tests pass.
pub(crate) struct Checked {
    pub sound: Mapping,
    /// What its tests do not reach; empty when they reach everything.
    pub not_reached: Vec<String>,
}

/// Why a text cannot go live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unsound {
    /// Every problem of the file, which it may quote.
    Problems(String),
    /// Tests failed; what they tell may hold values of examples.
    Tests(cara_mapping::TestReport),
    /// Its tests do not reach these.
    NotReached(Vec<String>),
    /// It and this other mapping of the force could take one body.
    Twin(String),
}

impl Unsound {
    /// The same without anything that an example holds, and short enough for one line of the log.
    pub(crate) fn for_log(&self) -> String {
        let mut text = match self {
            Unsound::Tests(report) => {
                let names: Vec<_> = report.failures.iter().map(|(name, _)| name.as_str()).collect();
                format!("{} of its tests fail: {}", names.len(), names.join("; "))
            }
            other => other.to_string(),
        };
        if text.len() > LOGGED_BYTES_MAX {
            let cut = (0..=LOGGED_BYTES_MAX).rev().find(|at| text.is_char_boundary(*at));
            text.truncate(cut.unwrap_or(0));
            text.push_str(" … and more: run `cara-gateway mapping check`");
        }
        text
    }
}

impl std::fmt::Display for Unsound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unsound::Problems(problems) => f.write_str(problems),
            Unsound::Tests(report) => report.fmt(f),
            Unsound::NotReached(things) => {
                write!(f, "its tests do not reach everything:\n  {}", things.join("\n  "))
            }
            Unsound::Twin(other) => {
                write!(f, "it and {other} could both take one body; give each a `match` of its own")
            }
        }
    }
}

/// Compiles a text and runs its tests.
pub(crate) fn checked(
    shown: &str,
    name: &str,
    text: &str,
    open: cara_mapping::OpenFile<'_>,
) -> Result<Checked, Unsound> {
    let compiled = Mapping::compile(name, shown, text, open);
    let sound = match compiled.plan {
        Some(sound) if compiled.diagnostics.is_empty() => sound,
        _ => return Err(Unsound::Problems(rendered(&compiled.diagnostics))),
    };
    let report = sound.run_tests(open);
    match report.failed() {
        true => Err(Unsound::Tests(report)),
        false => Ok(Checked { sound, not_reached: report.not_reached }),
    }
}

fn rendered(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(Diagnostic::render).collect::<Vec<_>>().join("\n")
}

#[derive(Default)]
struct LiveMappings {
    plans: Vec<LivePlan>,
    letters: Vec<LiveLetter>,
}

impl LiveMappings {
    fn push(&mut self, mapping: LiveMapping) {
        match mapping {
            LiveMapping::Plan(plan) => self.plans.push(plan),
            LiveMapping::Letter(letter) => self.letters.push(letter),
        }
    }

    fn knows(&self, version: &PlanVersion) -> bool {
        let plans = self.plans.iter().map(|it| (it.force, &it.reference.name));
        let letters = self.letters.iter().map(|it| (it.force, &it.reference.name));
        plans.chain(letters).any(|it| it == (version.force, &version.name))
    }
}

pub(crate) fn live(
    force: ForceNumber,
    name: &str,
    sound: Mapping,
    version: u32,
    sha256: String,
) -> LiveMapping {
    let reference = MappingRef { name: name.to_owned(), version, sha256 };
    match sound {
        Mapping::Plan(plan) => LiveMapping::Plan(LivePlan { force, plan, reference }),
        Mapping::Letter(plan) => LiveMapping::Letter(LiveLetter { force, plan, reference }),
    }
}

fn restore(version: &PlanVersion, file: &MappingFile) -> Result<LiveMapping, Error> {
    tracing::error!(mapping = %file.path.display(), version = version.version, "the mapping file is refused; the last good version stays live");
    restore_stored(version)
}

/// Compiles a stored version. Its tests passed when it went live; its examples need not be there.
pub(crate) fn restore_stored(version: &PlanVersion) -> Result<LiveMapping, Error> {
    let shown = format!("{} {}", version.force, version.name);
    let mut compiled = Mapping::compile(&version.name, &shown, &version.text, &|_| None);
    // Its words were known when it went live. What is half understood would be a guess.
    compiled.diagnostics.retain(|it| NOT_UNDERSTOOD.contains(&it.code));
    let Some(sound) = compiled.plan.filter(|_| compiled.diagnostics.is_empty()) else {
        return Err(Error::Stored {
            force: version.force.to_string(),
            name: version.name.clone(),
            version: version.version,
            report: rendered(&compiled.diagnostics),
        });
    };
    Ok(live(version.force, &version.name, sound, version.version, version.sha256.clone()))
}
