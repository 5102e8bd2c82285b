//! `audit verify`

use std::io::Write;
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::Config;
use super::format::{self, Shape};
use crate::app::{self, inspect};

#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// Check every link of the audit chain. The gateway must not be running on the store
    Verify {
        #[command(flatten)]
        config: Config,
        #[command(flatten)]
        shape: Shape,
    },
}

impl Audit {
    pub(super) async fn run(self, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let Audit::Verify { config, shape } = self;
        let settings = app::settings(&config.config)?;
        let verified = inspect::audit(&settings).await?;
        let broken =
            verified.broken.map(|(sequence, why)| json!({ "sequence": sequence, "why": why }));
        let found = json!({ "rows": verified.rows, "head": verified.head, "broken": broken });
        format::say(shape, &found, out, |out| {
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
        })
    }
}
