//! `mapping show`: a mapping as it counts, with its base's lines among its own.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use cara_mapping::extend::{self, Effective};
use serde_json::{Value, json};

use super::folder::File;
use crate::cli::format::{self, Shape};

/// A mapping as it counts, with the lines of the base that it extends.
///
/// Example: cara-gateway mapping show hampshire notice
///
/// What is printed is a mapping itself: where each line is from stands in comments.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Show {
    /// The force, by the name of its folder
    pub force: String,
    /// Which of its files: referral, decision or notice
    #[arg(default_value = "referral")]
    pub name: String,
    /// The folder of all mappings
    #[arg(long, default_value = "mappings")]
    pub mappings: PathBuf,
    #[command(flatten)]
    pub shape: Shape,
}

impl Show {
    /// Prints the mapping, each line with the file and line that it is from. 1 when its base cannot
    /// be taken.
    pub fn run(&self, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let path = self.mappings.join(&self.force).join(format!("{}.toml", self.name));
        let file = File::read(path.clone())
            .with_context(|| format!("{} cannot be read", path.display()))?;
        let shown = path.display().to_string();
        let effective = extend::effective(&shown, &file.text, &|name| file.open(name));
        if self.shape.is_json() {
            format::write(&document(&effective), out)?;
        } else if effective.is_whole {
            write!(out, "{}", effective.shown())?;
        } else {
            for diagnostic in &effective.diagnostics {
                writeln!(out, "{}", diagnostic.render())?;
            }
        }
        Ok(if effective.is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn document(effective: &Effective) -> Value {
    let lines = (1..).zip(effective.text.lines()).map(|(number, text)| {
        let spot = effective.lines.spot(number);
        json!({ "text": text, "file": effective.lines.file(&spot), "line": spot.line })
    });
    let diagnostics = effective.diagnostics.iter().map(
        |it| json!({ "code": it.code.id(), "file": it.file, "line": it.line, "what": it.what }),
    );
    json!({
        "is_whole": effective.is_whole,
        "lines": lines.collect::<Vec<_>>(),
        "diagnostics": diagnostics.collect::<Vec<_>>(),
    })
}
