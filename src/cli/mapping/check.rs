//! `mapping check`: every problem of every mapping at once, and what the tests inside them reach.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use cara_record::mapping::{Mapping, Plan, could_both_match};

use super::folder::{File, base_of, bases, extenders, files};

#[derive(Debug, clap::Args)]
pub struct Check {
    /// The folder of all mappings, one force's folder, or one file
    #[arg(default_value = "mappings")]
    pub path: PathBuf,
}

impl Check {
    /// Compiles every mapping below the path. 0 when there is nothing to mend, else 1.
    pub fn run(&self, out: &mut impl Write) -> io::Result<ExitCode> {
        let bases = bases(&self.path)?;
        let mut unused = 0;
        let paths = match self.paths(&bases, &mut unused, out) {
            Ok(paths) if paths.is_empty() && !bases.is_empty() => return Ok(ExitCode::FAILURE),
            Ok(paths) if !paths.is_empty() => paths,
            Ok(_) => {
                writeln!(
                    out,
                    "{}: no mapping here: a mapping is FORCE/NAME.toml",
                    self.path.display()
                )?;
                return Ok(ExitCode::FAILURE);
            }
            Err(error) => {
                writeln!(out, "{}: {error}", self.path.display())?;
                return Ok(ExitCode::FAILURE);
            }
        };
        let mut wrong = unused;
        let count = paths.len();
        let mut read = BTreeSet::new();
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
            read.extend(base_of(&file.text));
            let (mapping, clean) = check_one(&file, out)?;
            wrong += usize::from(!clean);
            if let Some(Mapping::Plan(plan)) = mapping {
                plans.push((path, plan));
            }
        }
        wrong += twins(&plans, out)?;
        match wrong {
            0 if read.is_empty() => {
                writeln!(out, "nothing to mend in {}", counted(count, "mapping"))?;
            }
            0 => writeln!(
                out,
                "nothing to mend in {} and {}",
                counted(count, "mapping"),
                counted(read.len(), "base")
            )?,
            _ => writeln!(out, "{} to mend", counted(wrong, "thing"))?,
        }
        Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// The mappings to check; a base is checked through those that extend it. `unused` counts bases
    /// that none extends.
    fn paths(
        &self,
        bases: &[PathBuf],
        unused: &mut usize,
        out: &mut impl Write,
    ) -> io::Result<Vec<PathBuf>> {
        if bases.is_empty() {
            return files(&self.path);
        }
        let mut paths = BTreeSet::new();
        for base in bases {
            let extenders = extenders(base)?;
            let names: Vec<_> = extenders.iter().map(|it| it.display().to_string()).collect();
            *unused += usize::from(names.is_empty());
            let by = if names.is_empty() { "no mapping".to_owned() } else { names.join(", ") };
            writeln!(out, "{} is extended by {by}", base.display())?;
            paths.extend(extenders);
        }
        Ok(paths.into_iter().collect())
    }
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

pub(super) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
