//! The commands.
//!
//! Exit codes: 0 done, nothing wrong; 1 something is wrong, and it was said what; 2 the command
//! line itself (clap). Answers go to standard output, everything else to standard error.

mod audit;
mod broker;
mod dead;
mod doctor;
mod explain;
pub mod format;
mod hold;
pub mod mapping;
mod order;
mod resend;
mod serve;
mod socket;
pub mod words;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::app;

/// Takes police records over mutual TLS, translates them and queues referrals to the charity.
///
/// Exit codes: 0 done, 1 something is wrong (it says what), 2 the command line is wrong.
#[derive(Debug, Parser)]
#[command(name = "cara-gateway", version, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway until it is told to stop (SIGTERM or Ctrl-C)
    Serve(serve::Serve),
    /// Check the forces' mappings, or try one with a record
    #[command(subcommand)]
    Mapping(mapping::Command),
    /// What a published code means, and what to do: V101, M122, O105, P413 …
    Explain(explain::Explain),
    /// Would a gateway with these settings work? One line for each part, and what to do
    Doctor(doctor::Doctor),
    /// Look at the records that could not go on, and clear them
    #[command(subcommand)]
    Hold(hold::Hold),
    /// Look at the messages that died on the broker, and put them back
    #[command(subcommand)]
    Dead(dead::DeadCommand),
    /// Send a provider again what it has lost, because it restored a backup
    Resend(resend::Resend),
    /// What is wrong now, and what to do about it
    #[command(subcommand)]
    Incident(order::IncidentCommand),
    /// When the clock was in doubt
    #[command(subcommand)]
    Clock(order::ClockCommand),
    /// Letters that are pushed to forces
    #[command(subcommand)]
    Delivery(order::DeliveryCommand),
    /// One day, id by id: a force's, or a provider's with what it says of it
    Reconcile(order::Reconcile),
    /// The audit chain
    #[command(subcommand)]
    Audit(audit::Audit),
    /// What the broker's operator loads once
    #[command(subcommand)]
    Broker(broker::Broker),
}

/// Where the settings are.
#[derive(Debug, Args)]
struct Config {
    /// The gateway's settings
    #[arg(long, value_name = "FILE", default_value = "gateway.toml")]
    config: PathBuf,
}

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let ended = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::new)
        .and_then(|runtime| runtime.block_on(command(arguments.command)));
    match ended {
        Ok(code) => code,
        // Whoever reads the answer has read enough of it: `… | head`.
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let _nobody_reads_it = writeln!(std::io::stderr(), "cara-gateway: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Only of the command's own writing: a pipe that closed deeper down is a failure.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let written = error.downcast_ref::<std::io::Error>();
    written.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

async fn command(command: Command) -> anyhow::Result<ExitCode> {
    let out = &mut std::io::stdout();
    match command {
        Command::Serve(serve) => serve.run().await,
        Command::Mapping(command) => mapping::run(command, app::clock().now(), out).await,
        Command::Explain(explain) => explain.run(out),
        Command::Doctor(doctor) => doctor.run(out).await,
        Command::Hold(hold) => hold.run(out).await,
        Command::Dead(dead) => dead.run(out).await,
        Command::Resend(resend) => resend.run(out).await,
        Command::Incident(incident) => incident.run(out).await,
        Command::Clock(clock) => clock.run(out).await,
        Command::Delivery(delivery) => delivery.run(out).await,
        Command::Reconcile(reconcile) => reconcile.run(out).await,
        Command::Audit(audit) => audit.run(out).await,
        Command::Broker(broker) => broker.run(out),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    /// Every command below, with the words that call it.
    fn leaves(command: &clap::Command, called: &str, found: &mut Vec<(String, bool)>) {
        let called = format!("{called} {}", command.get_name());
        let has_format = command.get_arguments().any(|it| it.get_long() == Some("format"));
        if !command.has_subcommands() {
            found.push((called.trim().to_owned(), has_format));
        }
        command.get_subcommands().for_each(|below| leaves(below, &called, found));
    }

    #[test]
    fn every_command_that_answers_has_a_shape_for_programs() {
        let mut found = Vec::new();
        leaves(&Arguments::command(), "", &mut found);
        assert!(found.len() > 25, "{found:?}");
        let without = found.iter().filter(|(_, has_format)| !has_format);
        let without: Vec<_> = without.map(|(called, _)| called.as_str()).collect();
        // It answers nobody on standard output.
        assert_eq!(without, ["cara-gateway serve"]);
    }
}
