//! `dead list|return`

use std::collections::BTreeSet;
use std::io::Write;
use std::process::ExitCode;

use cara_wire::operators::{DeadQueue, DeadQueues, DeadReturn, MessagesMoved, call};
use clap::Subcommand;

use super::socket::At;

#[derive(Debug, Subcommand)]
pub(super) enum DeadCommand {
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

impl DeadCommand {
    pub(super) async fn run(self, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        match self {
            DeadCommand::List { at } => at.say(call::DEAD_QUEUES, &(), &(), out, list).await,
            DeadCommand::Return { at, queue } => {
                let words = |moved: &MessagesMoved, out: &mut dyn Write| {
                    writeln!(out, "{} put back", moved.messages)?;
                    Ok(ExitCode::SUCCESS)
                };
                at.say(call::RETURN_DEAD, &(), &DeadReturn { queue }, out, words).await
            }
        }
    }
}

fn list(DeadQueues { queues }: &DeadQueues, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let mut silent = BTreeSet::new();
    for DeadQueue { queue, messages } in queues {
        match messages {
            Some(messages) => writeln!(out, "{queue}: {messages} dead")?,
            None => silent.extend(queue.rsplit('.').next()),
        }
    }
    for provider in silent {
        writeln!(
            out,
            "the queues of {provider} are not known: its broker does not let the gateway look; \
             `/readyz` says why"
        )?;
    }
    if queues.is_empty() {
        writeln!(out, "nothing is dead")?;
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}
