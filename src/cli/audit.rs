//! `audit verify`

use std::io::Write;
use std::process::ExitCode;

use clap::Subcommand;

use super::Config;
use crate::app::{self, inspect};

#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// Check every link of the audit chain. The gateway must not be running on the store
    Verify(Config),
}

impl Audit {
    pub(super) async fn run(self, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let Audit::Verify(config) = self;
        let settings = app::settings(&config.config)?;
        let verified = inspect::audit(&settings).await?;
        writeln!(out, "{} links hold", verified.rows)?;
        if let Some(head) = &verified.head {
            writeln!(out, "head {head}")?;
        }
        match verified.broken {
            None => Ok(ExitCode::SUCCESS),
            Some((sequence, why)) => {
                writeln!(out, "link {sequence} is BROKEN: {why}")?;
                Ok(ExitCode::FAILURE)
            }
        }
    }
}
