//! `dead list|return`

use std::collections::BTreeSet;
use std::io::Write;
use std::process::ExitCode;

use clap::Subcommand;
use serde::Deserialize;
use serde_json::json;

use super::socket::At;

#[derive(Debug, Subcommand)]
pub(super) enum Dead {
    /// The dead queues that are not empty. One message in them is an incident
    List {
        #[command(flatten)]
        at: At,
    },
    /// Put every message of a dead queue back where it died, with the same id
    Return {
        #[command(flatten)]
        at: At,
        /// Such as cara.intake.harbour
        queue: String,
    },
}

#[derive(Deserialize)]
struct Queue {
    queue: String,
    messages: Option<u64>,
}

impl Dead {
    pub(super) async fn run(self, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        match self {
            Dead::List { at } => {
                let queues: Vec<Queue> = at.gateway()?.read("/v1/dead", &[]).await?;
                let mut silent = BTreeSet::new();
                for Queue { queue, messages } in &queues {
                    match messages {
                        Some(messages) => writeln!(out, "{queue}: {messages} dead")?,
                        None => {
                            silent.extend(queue.rsplit('.').next());
                        }
                    }
                }
                for provider in silent {
                    writeln!(
                        out,
                        "the queues of {provider} are not known: its broker does not let the gateway \
                         look; `/readyz` says why"
                    )?;
                }
                if queues.is_empty() {
                    writeln!(out, "nothing is dead")?;
                    return Ok(ExitCode::SUCCESS);
                }
                Ok(ExitCode::FAILURE)
            }
            Dead::Return { at, queue } => {
                let body = json!({ "queue": queue });
                let told = at.gateway()?.tell("/v1/dead/return", &body).await?;
                let told = told.unwrap_or_default();
                writeln!(out, "{} put back", told["messages"])?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}
