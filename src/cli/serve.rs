//! `serve`

use clap::Args;
use std::process::ExitCode;

use super::Config;
use crate::app;

#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    config: Config,
}

impl Serve {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let settings = app::settings(&self.config.config)?;
        app::start_log()?;
        app::serve(settings).await?;
        Ok(ExitCode::SUCCESS)
    }
}
