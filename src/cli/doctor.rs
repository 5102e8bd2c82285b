//! `doctor`: would a gateway with these settings work? One line for each part.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::Config;
use super::format::{self, Shape};
use super::mapping::check::Check;
use crate::app::inspect::{self, PartFinding};
use cara_config::Settings;

#[derive(Debug, Args)]
pub(super) struct Doctor {
    #[command(flatten)]
    config: Config,
    /// Look at every page and row of the store, which takes long; the gateway must be stopped
    #[arg(long)]
    deep: bool,
    #[command(flatten)]
    shape: Shape,
}

impl Doctor {
    pub(super) async fn run(self, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let found = match Settings::load(&self.config.config) {
            Ok(settings) => {
                let mut found =
                    vec![PartFinding::good("settings", settings.file.display().to_string())];
                found.extend(inspect::parts(&settings, self.deep).await);
                found.push(mappings(&settings)?);
                found
            }
            Err(faults) => {
                let bad =
                    |fault: &cara_config::Fault| PartFinding::bad("settings", fault.to_string());
                faults.iter().map(bad).collect()
            }
        };
        format::say(self.shape, &json!({ "parts": found }), out, |out| {
            for PartFinding { part, is_good, what } in &found {
                writeln!(out, "{} {part}: {what}", if *is_good { "ok   " } else { "WRONG" })?;
            }
            match found.iter().all(|finding| finding.is_good) {
                true => Ok(ExitCode::SUCCESS),
                false => Ok(ExitCode::FAILURE),
            }
        })
    }
}

/// Every force has a mapping, and there is nothing to mend in any.
fn mappings(settings: &Settings) -> anyhow::Result<PartFinding> {
    let folder = &settings.mappings.folder;
    let without: Vec<_> = settings
        .forces
        .iter()
        .filter(|force| !folder.join(&force.slug).join("referral.toml").exists())
        .map(|force| force.slug.as_str())
        .collect();
    if !without.is_empty() {
        let (folder, forces) = (folder.display(), without.join(", "));
        return Ok(PartFinding::bad(
            "mappings",
            format!("{folder} has no referral.toml for {forces}"),
        ));
    }
    let mut said = Vec::new();
    let checked =
        Check { path: folder.clone(), watch: false, shape: Shape::default() }.run(&mut said)?;
    let said = String::from_utf8_lossy(&said);
    let last = said.lines().last().unwrap_or_default();
    Ok(match checked == ExitCode::SUCCESS {
        true => PartFinding::good("mappings", last),
        false => PartFinding::bad(
            "mappings",
            format!("{last}; run `cara-gateway mapping check {}`", folder.display()),
        ),
    })
}
