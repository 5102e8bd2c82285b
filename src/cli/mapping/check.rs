//! `mapping check`: every problem of every mapping at once, and what the tests inside them reach.

mod watch;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use cara_mapping::{Diagnostic, Mapping, Plan, TestReport, could_both_match};
use serde_json::{Value, json};

use super::folder::{File, base_of, bases, extenders, files};
use super::problem;
use crate::cli::format::{self, Shape};

/// Compile mappings, run their tests and say what the tests reach.
///
/// Example: cara-gateway mapping check mappings/norfolk --watch
///
/// Ends with 0 when there is nothing to mend, else with 1.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Check {
    /// The folder of all mappings, one force's folder, or one file
    #[arg(default_value = "mappings")]
    pub path: PathBuf,
    /// Check again whenever a mapping, an example or a base changes, and say what is new; until
    /// Ctrl-C. With --format json each line is one document
    #[arg(long)]
    pub watch: bool,
    #[command(flatten)]
    pub shape: Shape,
}

/// Everything that one look at the mappings found.
struct Looked {
    mappings: Vec<Checked>,
    /// The bases that were named; each is checked through the mappings that extend it.
    bases: Vec<Base>,
    /// How many bases the mappings extend.
    bases_read: usize,
    /// Mappings of one force that could both take a body; the gateway would not know which to use.
    twins: Vec<[String; 2]>,
    /// Why there was nothing to look at.
    problem: Option<String>,
}

/// A base, and the mappings that extend it.
struct Base {
    file: String,
    extended_by: Vec<String>,
}

/// What is to be said of one mapping.
#[derive(Clone, PartialEq)]
struct Checked {
    /// As it was named.
    file: String,
    diagnostics: Vec<Diagnostic>,
    /// Absent when it could not be understood.
    report: Option<TestReport>,
    /// Why it could not be read.
    problem: Option<String>,
    base: Option<PathBuf>,
}

impl Check {
    pub(super) async fn start(&self, out: &mut impl Write) -> io::Result<ExitCode> {
        if self.watch { watch::run(self, out).await } else { self.run(out) }
    }

    /// Compiles every mapping below the path. 0 when there is nothing to mend, else 1.
    pub fn run(&self, out: &mut impl Write) -> io::Result<ExitCode> {
        let looked = look(&self.path);
        if self.shape.is_json() {
            format::write(&looked.document(), out)?;
        } else {
            write!(out, "{}", looked.words())?;
        }
        Ok(looked.code())
    }
}

fn look(path: &Path) -> Looked {
    let mut looked = Looked {
        mappings: Vec::new(),
        bases: Vec::new(),
        bases_read: 0,
        twins: Vec::new(),
        problem: None,
    };
    let paths = match paths(path, &mut looked.bases) {
        Ok(paths) => paths,
        Err(error) => {
            looked.problem = Some(format!("{}: {error}", path.display()));
            return looked;
        }
    };
    if paths.is_empty() && looked.bases.is_empty() {
        let what = "no mapping here: a mapping is FORCE/NAME.toml";
        looked.problem = Some(format!("{}: {what}", path.display()));
    }
    let mut plans = Vec::new();
    for path in paths {
        let (checked, plan) = checked(path);
        plans.extend(plan.map(|plan| (checked.file.clone(), plan)));
        looked.mappings.push(checked);
    }
    looked.twins = twins(&plans);
    let read = looked.mappings.iter().filter_map(|checked| checked.base.as_ref());
    looked.bases_read = read.collect::<BTreeSet<_>>().len();
    looked
}

/// The mappings to check; a base is checked through those that extend it.
fn paths(path: &Path, named: &mut Vec<Base>) -> io::Result<Vec<PathBuf>> {
    let bases = bases(path)?;
    if bases.is_empty() {
        return files(path);
    }
    let mut paths = BTreeSet::new();
    for base in bases {
        let extenders = extenders(&base)?;
        let extended_by = extenders.iter().map(|path| path.display().to_string()).collect();
        named.push(Base { file: base.display().to_string(), extended_by });
        paths.extend(extenders);
    }
    Ok(paths.into_iter().collect())
}

fn checked(path: PathBuf) -> (Checked, Option<Plan>) {
    let shown = path.display().to_string();
    let mut checked =
        Checked { file: shown, diagnostics: Vec::new(), report: None, problem: None, base: None };
    let file = match File::read(path) {
        Ok(file) => file,
        Err(error) => {
            checked.problem = Some(error.to_string());
            return (checked, None);
        }
    };
    checked.base = base_of(&file.text);
    let open = |name: &str| file.open(name);
    let compiled = Mapping::compile(file.name(), &checked.file, &file.text, &open);
    checked.diagnostics = compiled.diagnostics;
    checked.report = compiled.plan.as_ref().map(|mapping| mapping.run_tests(&open));
    match compiled.plan {
        Some(Mapping::Plan(plan)) => (checked, Some(plan)),
        _ => (checked, None),
    }
}

fn twins(plans: &[(String, Plan)]) -> Vec<[String; 2]> {
    let pairs = plans
        .iter()
        .enumerate()
        .flat_map(|(index, one)| plans[index + 1..].iter().map(move |other| (one, other)));
    let alike = pairs.filter(|((_, one), (_, other))| {
        one.force() == other.force() && could_both_match(one, other)
    });
    alike.map(|((one, _), (other, _))| [one.clone(), other.clone()]).collect()
}

impl Checked {
    fn is_clean(&self) -> bool {
        let complete = |report: &TestReport| !report.failed() && report.is_complete();
        self.diagnostics.is_empty() && self.report.as_ref().is_some_and(complete)
    }

    fn words(&self) -> String {
        let mut words = String::new();
        if let Some(problem) = &self.problem {
            let _ = writeln!(words, "{}: {problem}", self.file);
        }
        for diagnostic in &self.diagnostics {
            let _ = writeln!(words, "{}", diagnostic.render());
        }
        if let Some(report) = &self.report {
            let _ = write!(words, "{}: {report}", self.file);
        }
        words
    }

    fn document(&self) -> Value {
        json!({
            "file": self.file,
            "is_clean": self.is_clean(),
            "problem": self.problem,
            "diagnostics": self.diagnostics.iter().map(problem::document).collect::<Vec<_>>(),
            "tests": self.report.as_ref().map(problem::tests),
        })
    }
}

impl Looked {
    fn to_mend(&self) -> usize {
        let wrong = self.mappings.iter().filter(|checked| !checked.is_clean()).count();
        let unused = self.bases.iter().filter(|base| base.extended_by.is_empty()).count();
        wrong + unused + self.twins.len() + usize::from(self.problem.is_some())
    }

    fn code(&self) -> ExitCode {
        if self.to_mend() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn words(&self) -> String {
        let of_mappings: String = self.mappings.iter().map(Checked::words).collect();
        self.words_of_bases() + &of_mappings + &self.words_of_all()
    }

    fn words_of_bases(&self) -> String {
        let mut words = String::new();
        for Base { file, extended_by } in &self.bases {
            let nobody = extended_by.is_empty();
            let by = if nobody { "no mapping".to_owned() } else { extended_by.join(", ") };
            let _ = writeln!(words, "{file} is extended by {by}");
        }
        words
    }

    /// What is said of all of them together.
    fn words_of_all(&self) -> String {
        if let Some(problem) = &self.problem {
            return format!("{problem}\n");
        }
        if self.mappings.is_empty() {
            return String::new();
        }
        let mut words = String::new();
        for [one, other] in &self.twins {
            let what = "could both take the same body: make their `match` tell them apart";
            let _ = writeln!(words, "{one} and {other} {what}");
        }
        let _ = match self.to_mend() {
            0 => {
                let of = counted(self.mappings.len(), "mapping");
                let read = match self.bases_read {
                    0 => String::new(),
                    count => format!(" and {}", counted(count, "base")),
                };
                writeln!(words, "nothing to mend in {of}{read}")
            }
            wrong => writeln!(words, "{} to mend", counted(wrong, "thing")),
        };
        words
    }

    /// `{bases, mappings, twins, problem, to_mend}`
    fn document(&self) -> Value {
        let bases = self.bases.iter();
        let bases = bases.map(|it| json!({ "file": it.file, "extended_by": it.extended_by }));
        json!({
            "bases": bases.collect::<Vec<_>>(),
            "mappings": self.mappings.iter().map(Checked::document).collect::<Vec<_>>(),
            "twins": self.twins,
            "problem": self.problem,
            "to_mend": self.to_mend(),
        })
    }
}

pub(super) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
