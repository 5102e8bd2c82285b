//! `mapping …`: for the person who writes a force's mapping. Each command is a file of its own; this
//! one lists them.

mod attempt;
pub(super) mod check;
mod folder;
mod new;
pub(super) mod show;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::process::ExitCode;

use jiff::Timestamp;

use super::golive;
use crate::app;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Compile mappings, run their tests and say what the tests reach
    Check(check::Check),
    /// Translate a record and show what becomes of it, and where every field came from
    Try(attempt::Try),
    /// A mapping as it counts, with the lines of the base that it extends
    Show(show::Show),
    /// Propose a first mapping from sample records, with scrambled examples
    New(new::New),
    /// What changed between two versions of a file, in words
    Diff(golive::Diff),
    /// Put a mapping live in the running gateway
    Activate(golive::Activate),
    /// Every version of a force's mappings
    History(golive::History),
    /// Put an earlier version live again
    Rollback(golive::RollBack),
}

/// Runs the command; what it has to say goes to `out`.
pub async fn run(
    command: Command,
    now: Timestamp,
    out: &mut impl Write,
) -> anyhow::Result<ExitCode> {
    match command {
        Command::Check(args) => Ok(args.run(out)?),
        Command::Try(args) => Ok(args.run(now, out)?),
        Command::Show(args) => args.run(out),
        Command::New(args) => Ok(args.run(app::clock().id().as_u64_pair().1, out)?),
        Command::Diff(args) => args.run(out),
        Command::Activate(args) => args.run(out).await,
        Command::History(args) => args.run(out).await,
        Command::Rollback(args) => args.run(out).await,
    }
}
