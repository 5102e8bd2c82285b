//! `serve`: the gateway itself.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;

use crate::app;

pub(super) fn run(config: &Path) -> anyhow::Result<ExitCode> {
    let settings = app::settings(config)?;
    app::start_log()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("the runtime cannot start")?;
    runtime.block_on(app::serve(settings))?;
    Ok(ExitCode::SUCCESS)
}
