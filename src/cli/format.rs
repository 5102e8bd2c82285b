//! How a command says what it found: for a person, or for a program.

use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;
use serde_json::Value;

/// The shape of a command's answer; its exit code is the same in both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For a person
    #[default]
    Text,
    /// One JSON document, for a program
    Json,
}

/// The argument that every command takes: `#[command(flatten)] shape: Shape`.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct Shape {
    /// How to answer: in words, or as one JSON document
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

impl Shape {
    pub fn is_json(self) -> bool {
        self.format == Format::Json
    }
}

/// Writes one JSON document for a program, with line ends that a person can bear as well.
pub fn write(document: &Value, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{document:#}")
}

/// Says what a command found, as one JSON document or in words. The exit code is the one of the words
/// in both.
pub fn say(
    shape: Shape,
    found: &impl Serialize,
    out: &mut dyn Write,
    words: impl FnOnce(&mut dyn Write) -> anyhow::Result<ExitCode>,
) -> anyhow::Result<ExitCode> {
    if !shape.is_json() {
        return words(out);
    }
    let code = words(&mut io::sink())?;
    writeln!(out, "{:#}", serde_json::to_value(found)?)?;
    Ok(code)
}
