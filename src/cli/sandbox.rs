//! `sandbox`: a whole small world on loopback.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;

use crate::sandbox::{self, Wishes};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Where everything of the world is kept: certificates, settings, store, broker.
    #[arg(long, value_name = "DIR", default_value = "sandbox")]
    dir: PathBuf,
    /// An administrator's address of a running broker; without it a private one is started.
    #[arg(long, value_name = "URL", env = "AMQP_URL")]
    amqp: Option<String>,
    /// Play forces that push and a charity that consumes, and end with a reconciliation.
    #[arg(long)]
    traffic: bool,
    /// End after so many seconds.
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { dir, amqp, traffic, seconds } = arguments;
    let wishes = Wishes { folder: dir, amqp: amqp.filter(|url| !url.is_empty()), traffic, seconds };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("the runtime cannot start")?;
    let adds_up = runtime.block_on(sandbox::run(wishes, &mut std::io::stdout()))?;
    Ok(if adds_up { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
