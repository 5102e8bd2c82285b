//! `mapping …`: for the person who writes a force's mapping. Each command is a file of its own; this
//! one lists them.

mod attempt;
pub(super) mod check;
mod folder;
mod golive;
mod new;
mod problem;
mod schema;
pub(super) mod show;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::process::ExitCode;

use jiff::Timestamp;

use crate::app;

// What a command does, and an example of it, stands at its arguments.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    Check(check::Check),
    Try(attempt::Try),
    Show(show::Show),
    New(new::New),
    Schema(schema::Schema),
    Diff(golive::Diff),
    Activate(golive::Activate),
    History(golive::History),
    Rollback(golive::RollBack),
}

/// Runs the command; what it has to say goes to `out`.
pub async fn run(
    command: Command,
    now: Timestamp,
    out: &mut impl Write,
) -> anyhow::Result<ExitCode> {
    match command {
        Command::Check(args) => Ok(args.start(out).await?),
        Command::Try(args) => Ok(args.run(now, out)?),
        Command::Show(args) => args.run(out),
        Command::New(args) => Ok(args.run(app::clock().random(), out)?),
        Command::Schema(args) => args.run(out),
        Command::Diff(args) => args.run(out),
        Command::Activate(args) => args.run(out).await,
        Command::History(args) => args.run(out).await,
        Command::Rollback(args) => args.run(out).await,
    }
}
