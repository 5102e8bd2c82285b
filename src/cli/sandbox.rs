//! `sandbox`

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use crate::app;
use crate::sandbox;
use crate::sandbox::console::Console;
use crate::sandbox::world::Wishes;

#[derive(Debug, Args)]
pub(super) struct Sandbox {
    /// Where certificates, records, logs and sandbox.json go; kept from one run to the next
    #[arg(long, value_name = "DIR", default_value = "sandbox")]
    dir: PathBuf,
    /// A running broker, by its administrator's URL: amqp://user:password@host. Without it a
    /// private rabbitmq-server is started in DIR and ended with the sandbox
    #[arg(long, value_name = "URL", env = "AMQP_URL", hide_env_values = true)]
    amqp: Option<String>,
    /// Play force systems that push records of every shape and a charity that consumes them; ends
    /// with a table that has to add up (exit code 1 if it does not)
    #[arg(long)]
    traffic: bool,
    /// End after so many seconds; otherwise Ctrl-C ends it
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
}

impl Sandbox {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let clock = app::clock();
        let console = Console::standard(clock.clone());
        let wishes = Wishes {
            folder: self.dir,
            amqp: self.amqp.filter(|url| !url.is_empty()),
            program: std::env::current_exe()?,
        };
        let time = self.seconds.map(Duration::from_secs);
        match sandbox::run(wishes, self.traffic, time, console, clock).await? {
            true => Ok(ExitCode::SUCCESS),
            false => Ok(ExitCode::FAILURE),
        }
    }
}
