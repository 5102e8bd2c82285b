//! `broker definitions`

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;

use super::Config;
use super::format::Shape;
use crate::app;
use cara_amqp::definitions::{Account, Definitions, Pair};

#[derive(Debug, Subcommand)]
pub(super) enum Broker {
    /// Print the virtual hosts, users, rights, exchanges and queues for RabbitMQ's load_definitions.
    /// AMQP itself cannot make users
    Definitions {
        #[command(flatten)]
        config: Config,
        /// Where <provider>-intake.password and <provider>-victims.password are; missing ones are
        /// made, readable by their owner only
        #[arg(long, value_name = "FOLDER")]
        passwords: PathBuf,
        /// Both are the same document
        #[command(flatten)]
        shape: Shape,
    },
}

impl Broker {
    pub(super) fn run(self, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let Broker::Definitions { config, passwords, .. } = self;
        let settings = app::settings(&config.config)?;
        let broker = &settings.broker;
        let password = match &broker.password {
            Some(file) => {
                let secret = file.read()?;
                let line = secret.line().context("`broker.password` holds no line of text")?;
                Some(line.to_owned())
            }
            None => None,
        };
        std::fs::create_dir_all(&passwords)
            .with_context(|| format!("{} cannot be made", passwords.display()))?;
        let pairs = settings.providers.iter();
        let pairs = pairs.map(|provider| Pair::of_folder(&provider.slug, &passwords));
        let definitions = Definitions {
            gateway: Account { name: broker.user.clone(), password },
            administrator: None,
            pairs: pairs.collect::<Result<_, _>>()?,
        };
        writeln!(out, "{}", serde_json::to_string_pretty(&definitions.json()?)?)?;
        Ok(ExitCode::SUCCESS)
    }
}
