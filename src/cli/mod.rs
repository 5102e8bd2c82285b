//! The commands. Each is its own file: arguments in, a few lines and an exit code out.
//!
//! Exit codes: 0 it is as it should be, 1 it is not (the lines say what and what now), 2 the
//! command line itself is wrong.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::app;

pub mod mapping;
mod sandbox;
mod serve;

/// The CARA gateway: takes police records over mutual TLS, translates them and queues referrals to
/// the charity.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway until it is told to stop.
    Serve(Config),
    /// Check the forces' mappings, or try one with a record.
    #[command(subcommand)]
    Mapping(mapping::Command),
    /// A whole small world on this machine: forces, a charity, a broker, the gateway.
    Sandbox(sandbox::Arguments),
}

/// Where the settings are.
#[derive(Debug, clap::Args)]
struct Config {
    /// The gateway's settings.
    #[arg(long, value_name = "FILE", default_value = "gateway.toml")]
    config: PathBuf,
}

/// Runs the command that the command line names.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let ended = match arguments.command {
        Command::Serve(config) => serve::run(&config.config),
        Command::Sandbox(arguments) => sandbox::run(arguments),
        Command::Mapping(command) => {
            mapping::run(&command, app::clock().now(), &mut std::io::stdout().lock())
        }
    };
    match ended {
        Ok(code) => code,
        Err(error) => {
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "cara-gateway: {error:#}");
            ExitCode::FAILURE
        }
    }
}
