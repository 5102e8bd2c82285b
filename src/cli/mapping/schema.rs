//! `mapping schema`: what an editor completes and checks a mapping file by.

use std::io::Write;
use std::process::ExitCode;

use cara_mapping::schema;

use crate::cli::format::{self, Shape};

/// The JSON Schema (draft 7) of a mapping file, for an editor that completes and checks it.
///
/// Example: cara-gateway mapping schema referral > referral.schema.json
///
/// The mappings of this repository name the committed copy on their first line,
/// `#:schema ../../docs/mapping/referral.schema.json`, which Taplo and Even Better TOML follow.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Schema {
    /// Of which file
    #[arg(value_parser = schema::NAMES, default_value = "referral")]
    name: String,
    /// Both are the same document
    #[command(flatten)]
    shape: Shape,
}

impl Schema {
    pub(super) fn run(&self, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let Some(schema) = schema::of(&self.name) else {
            unreachable!("the command line takes only names that have one")
        };
        format::write(&schema, out)?;
        Ok(ExitCode::SUCCESS)
    }
}
