//! `mapping new`: from sample records to a first mapping, with scrambled examples.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use cara_domain::identifier::ForceCode;
use cara_propose::{Layout, Proposal, SAMPLES_MAX, Sample, propose};
use serde_json::{Value, json};

use crate::cli::format::{self, Shape};

/// Propose a first mapping from sample records, with scrambled examples.
///
/// Example: cara-gateway mapping new cumbria export/case-1.xml export/case-2.xml
///
/// Ends with 0 when the files were written, else with 1.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct New {
    /// The force, by the name that its folder gets
    pub force: String,
    /// Files with records as the force sends them, one to fifty, all of one kind
    #[arg(required = true)]
    pub records: Vec<PathBuf>,
    /// The folder of all mappings
    #[arg(long, default_value = "mappings")]
    pub mappings: PathBuf,
    /// Fixed width only: a file whose [source] names the `record` and whose [[line]] sections give
    /// the kinds of lines with their columns, such as a first proposal with these mended
    #[arg(long, value_name = "FILE")]
    pub lines: Option<PathBuf>,
    #[command(flatten)]
    pub shape: Shape,
}

impl New {
    /// Writes the mapping and its examples; nothing that is there already is touched. `seed` is what
    /// the examples' texts are drawn from. 0 when the files were written, else 1.
    pub fn run(&self, seed: u64, out: &mut impl Write) -> io::Result<ExitCode> {
        match self.written(seed, out) {
            Ok(()) => Ok(ExitCode::SUCCESS),
            Err(why) => {
                match self.shape.is_json() {
                    true => format::write(&json!({ "problem": why }), out)?,
                    false => writeln!(out, "{why}")?,
                }
                Ok(ExitCode::FAILURE)
            }
        }
    }

    fn written(&self, seed: u64, out: &mut impl Write) -> Result<(), String> {
        if ForceCode::from_slug(&self.force).is_none() {
            let mut slugs: Vec<&str> = ForceCode::all().map(ForceCode::slug).collect();
            slugs.dedup();
            return Err(format!(
                "\"{}\" is no force by its slug; there are: {}",
                self.force,
                slugs.join(", ")
            ));
        }
        if self.records.len() > SAMPLES_MAX {
            return Err(format!("{} samples; at most {SAMPLES_MAX} are read", self.records.len()));
        }
        let file = self.mappings.join(&self.force).join("referral.toml");
        if file.exists() {
            return Err(format!("{}: is there already and stays as it is", file.display()));
        }
        let proposal = self.proposal(seed)?;
        write_all(&file, &proposal)?;
        let folder = self.mappings.join(&self.force);
        match self.shape.is_json() {
            true => format::write(&document(&folder, &proposal), out),
            false => summary(&folder, &proposal, self.records.first(), out),
        }
        .map_err(|error| error.to_string())
    }

    fn proposal(&self, seed: u64) -> Result<Proposal, String> {
        let named = |path: &Path, error: io::Error| format!("{}: {error}", path.display());
        let mut bodies = Vec::with_capacity(self.records.len());
        for path in &self.records {
            let bytes = std::fs::read(path).map_err(|error| named(path, error))?;
            bodies.push((path.display().to_string(), bytes));
        }
        let samples: Vec<Sample<'_>> =
            bodies.iter().map(|(name, bytes)| Sample { name, bytes }).collect();
        let layout = match &self.lines {
            None => None,
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|error| named(path, error))?;
                let layout = Layout::read(&text);
                Some(layout.map_err(|why| format!("{}: {why}", path.display()))?)
            }
        };
        propose(&self.force, &samples, layout.as_ref(), seed).map_err(|why| why.to_string())
    }
}

/// The examples first, so that no mapping names one that is not there.
fn write_all(file: &Path, proposal: &Proposal) -> Result<(), String> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let examples = folder.join("examples");
    let named = |path: &Path, error: io::Error| format!("{}: {error}", path.display());
    let taken = proposal.examples.iter().map(|example| examples.join(&example.file));
    if let Some(taken) = taken.into_iter().find(|path| path.exists()) {
        return Err(format!("{}: is there already and stays as it is", taken.display()));
    }
    std::fs::create_dir_all(&examples).map_err(|error| named(&examples, error))?;
    for example in &proposal.examples {
        let path = examples.join(&example.file);
        write_one(&path, &example.bytes).map_err(|error| named(&path, error))?;
    }
    write_one(file, proposal.text.as_bytes()).map_err(|error| named(file, error))
}

fn write_one(path: &Path, bytes: &[u8]) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(bytes)
}

fn document(folder: &Path, proposal: &Proposal) -> Value {
    json!({
        "folder": folder.display().to_string(),
        "fields_proposed": proposal.proposed_count,
        "fields_unsure": proposal.unsure_count,
        "records": proposal.record_count,
        "examples": proposal.examples.len(),
        "missing": proposal.missing,
        "are_columns_guessed": proposal.are_columns_guessed,
        "is_wrapped": proposal.is_wrapped,
    })
}

fn summary(
    folder: &Path,
    proposal: &Proposal,
    first: Option<&PathBuf>,
    out: &mut impl Write,
) -> io::Result<()> {
    let folder = folder.display();
    let counted = super::check::counted;
    writeln!(
        out,
        "{folder}/referral.toml: {} proposed, {} of them unsure, from {}",
        counted(proposal.proposed_count, "field"),
        proposal.unsure_count,
        counted(proposal.record_count, "record")
    )?;
    writeln!(out, "{folder}/examples: {}, scrambled", counted(proposal.examples.len(), "example"))?;
    if !proposal.missing.is_empty() {
        writeln!(out, "mandatory and not found, or for a person to choose:")?;
        for field in &proposal.missing {
            writeln!(out, "  {field}")?;
        }
    }
    if proposal.are_columns_guessed {
        writeln!(
            out,
            "its columns were guessed: describe its lines in a file of their own, delete {folder}, \
             and run this again with --lines FILE"
        )?;
    }
    if proposal.is_wrapped {
        writeln!(out, "some texts carry a document inside, which was not looked into")?;
    }
    writeln!(
        out,
        "\nnext: read every line of the file, mend what is marked `unsure` and `choose`, then"
    )?;
    writeln!(out, "  cara-gateway mapping check {folder}")?;
    if let (Some(first), Some(force)) = (first, Path::new(&folder.to_string()).file_name()) {
        let (force, first) = (force.display(), first.display());
        writeln!(out, "  cara-gateway mapping try {force} {first}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(file: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("mappings").join(file)
    }

    /// What the command says for these records, in a folder of its own.
    fn said(folder: &Path, force: &str, records: &[PathBuf]) -> (ExitCode, String) {
        let new = New {
            force: force.to_owned(),
            records: records.to_vec(),
            mappings: folder.to_owned(),
            lines: None,
            shape: Shape::default(),
        };
        let mut out = Vec::new();
        let code = new.run(7, &mut out).unwrap();
        (code, String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_mapping_is_written_once_and_everything_else_is_refused_by_name() {
        let folder = std::env::temp_dir().join(format!("cara-new-{}", std::process::id()));
        let full = example("hampshire/examples/full.xml");
        let (code, out) = said(&folder, "hampshire", std::slice::from_ref(&full));
        assert_eq!(code, ExitCode::SUCCESS, "{out}");
        assert!(out.contains("51 fields proposed") && out.contains("  risk.grade"), "{out}");
        let file = folder.join("hampshire/referral.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(folder.join("hampshire/examples/sample-1.xml").is_file());
        for (force, records, why) in [
            ("hampshire", vec![full.clone()], "is there already"),
            ("atlantis", vec![full.clone()], "is no force by its slug"),
            ("dorset", vec![folder.join("absent.xml")], "absent.xml"),
            ("dorset", vec![full.clone(); SAMPLES_MAX + 1], "at most 50"),
            (
                "dorset",
                vec![full, example("west-midlands/examples/full.json")],
                "of another format",
            ),
        ] {
            let (code, out) = said(&folder, force, &records);
            assert_eq!(code, ExitCode::FAILURE, "{out}");
            assert!(out.contains(why), "{why}: {out}");
        }
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
        assert!(!folder.join("dorset").exists());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
