//! How a command says what it found: for a person, or for a program.

use std::io::{self, Write};

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

/// The argument that every command with two shapes takes: `#[command(flatten)] shape: Shape`.
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
