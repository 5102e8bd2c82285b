//! `incident`, `clock`, `delivery`, `reconcile`: what operators look at and order besides holds.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use jiff::civil::Date;
use serde_json::{Value, json};
use uuid::Uuid;

use super::socket::At;

#[derive(Debug, Subcommand)]
pub(super) enum IncidentCommand {
    /// What is wrong now, what it means and what to do
    List {
        #[command(flatten)]
        at: At,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum ClockCommand {
    /// The clock is right: notices and alerts go on
    Accept {
        #[command(flatten)]
        at: At,
        /// Why; it stands in the audit chain
        #[arg(long)]
        because: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Delivery {
    /// Where letters are pushed, how many wait, and what is paused
    List {
        #[command(flatten)]
        at: At,
    },
    /// Push nothing to a force for now; what waits is kept
    Pause(OfForce),
    /// Push to a force again
    Resume(OfForce),
    /// One letter: where it is, and what its last try came to. What it says is not shown
    Show {
        #[command(flatten)]
        at: At,
        /// The notice's id, as `incident list` names it
        notice_id: Uuid,
    },
    /// Push one letter no more. Its notice keeps its number and the force can still fetch it
    Cancel(OfLetter),
    /// Push one letter now, under its id; also one that had arrived or was cancelled
    Resend(OfLetter),
}

#[derive(Debug, Args)]
pub(super) struct OfLetter {
    #[command(flatten)]
    at: At,
    /// The notice's id
    notice_id: Uuid,
    /// Why; it stands in the audit chain
    #[arg(long)]
    because: String,
}

#[derive(Debug, Args)]
pub(super) struct OfForce {
    #[command(flatten)]
    at: At,
    /// The force's slug
    force: String,
    /// Why; it stands in the audit chain
    #[arg(long)]
    because: String,
}

#[derive(Debug, Args)]
pub(super) struct Reconcile {
    #[command(flatten)]
    at: At,
    /// A day in Europe/London, such as 2026-05-09
    #[arg(long)]
    day: Date,
    /// A force's slug: everything that came from it and went to it on that day
    #[arg(long, required_unless_present = "provider", conflicts_with = "provider")]
    force: Option<String>,
    /// A provider's slug: messages of that day, and what the provider says of it
    #[arg(long)]
    provider: Option<String>,
}

async fn order(at: At, order: &Value) -> anyhow::Result<Value> {
    Ok(at.gateway()?.tell("/v1/orders", order).await?.unwrap_or_default())
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

impl IncidentCommand {
    pub(super) async fn run(self, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let IncidentCommand::List { at } = self;
        let told = order(at, &json!({ "order": "incidents" })).await?;
        let incidents = told["incidents"].as_array().cloned().unwrap_or_default();
        for it in &incidents {
            let (kind, about) = (text(it, "kind"), text(it, "about"));
            let since = it["opened_at"].as_str().unwrap_or("now (the store has not noted it)");
            writeln!(out, "{kind} {about}: {}, since {since}", it["count"])?;
            writeln!(out, "    {}\n    {}", text(it, "means"), text(it, "now"))?;
        }
        if incidents.is_empty() {
            writeln!(out, "no incident is open")?;
            return Ok(ExitCode::SUCCESS);
        }
        writeln!(out, "`cara-gateway explain KIND` says more of each")?;
        Ok(ExitCode::FAILURE)
    }
}

impl ClockCommand {
    pub(super) async fn run(self, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let ClockCommand::Accept { at, because } = self;
        order(at, &json!({ "order": "accept_clock", "because": because })).await?;
        writeln!(out, "accepted; the next sweep says what is due")?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Delivery {
    pub(super) async fn run(self, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        match self {
            Delivery::List { at } => {
                let told = order(at, &json!({ "order": "deliveries" })).await?;
                let lines = told["deliveries"].as_array().cloned().unwrap_or_default();
                let mut all_well = true;
                for it in &lines {
                    let to = it["to"].as_str().unwrap_or("not pushed: collected by the force");
                    writeln!(out, "{}: {to}, {} waiting", text(it, "force"), it["waiting"])?;
                    if let Some(paused) = it.get("paused").filter(|it| !it.is_null()) {
                        all_well = false;
                        let (at, by) = (text(paused, "at"), text(paused, "by"));
                        writeln!(out, "    paused {at} by {by}: {}", text(paused, "because"))?;
                    }
                    if it["failing_since"].is_string() {
                        all_well = false;
                        let (since, reason) = (text(it, "failing_since"), text(it, "reason"));
                        writeln!(out, "    nothing gets through since {since}: {reason}")?;
                    } else if it["failing"].as_u64() > Some(0) {
                        all_well = false;
                        let now = "`incident list` names them";
                        writeln!(out, "    {} of them were tried in vain; {now}", it["failing"])?;
                    }
                }
                Ok(if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
            }
            Delivery::Pause(OfForce { at, force, because }) => {
                let said = json!({ "order": "pause", "force": force, "because": because });
                order(at, &said).await?;
                writeln!(out, "paused; what waits for {force} is kept")?;
                Ok(ExitCode::SUCCESS)
            }
            Delivery::Resume(OfForce { at, force, because }) => {
                let said = json!({ "order": "resume", "force": force, "because": because });
                order(at, &said).await?;
                writeln!(out, "resumed; what waits for {force} is pushed now")?;
                Ok(ExitCode::SUCCESS)
            }
            Delivery::Show { at, notice_id } => {
                let said = json!({ "order": "letter_show", "notice_id": notice_id });
                let told = order(at, &said).await?;
                for (name, value) in told.as_object().into_iter().flatten() {
                    match value {
                        Value::Null => {}
                        Value::String(text) => writeln!(out, "{name}: {text}")?,
                        other => writeln!(out, "{name}: {other}")?,
                    }
                }
                Ok(ExitCode::SUCCESS)
            }
            Delivery::Cancel(OfLetter { at, notice_id, because }) => {
                let said =
                    json!({ "order": "letter_cancel", "notice_id": notice_id, "because": because });
                order(at, &said).await?;
                writeln!(out, "pushed no more; the force can still fetch the notice")?;
                Ok(ExitCode::SUCCESS)
            }
            Delivery::Resend(OfLetter { at, notice_id, because }) => {
                let said =
                    json!({ "order": "letter_resend", "notice_id": notice_id, "because": because });
                order(at, &said).await?;
                writeln!(out, "pushed again, under the same id")?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

impl Reconcile {
    pub(super) async fn run(self, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let Reconcile { at, day, force, provider } = self;
        if let Some(force) = force {
            let said = json!({ "order": "reconcile_force", "force": force, "day": day });
            let told = order(at, &said).await?;
            writeln!(out, "{force} ({}) on {day}", text(&told, "force"))?;
            for (state, ids) in told["ids"].as_object().into_iter().flatten() {
                let ids = ids.as_array().cloned().unwrap_or_default();
                writeln!(out, "  {state}: {}", ids.len())?;
                for id in &ids {
                    writeln!(out, "    {}", id.as_str().unwrap_or_default())?;
                }
            }
            return Ok(ExitCode::SUCCESS);
        }
        let provider = provider.unwrap_or_default();
        let said = json!({ "order": "reconcile_provider", "provider": provider, "day": day });
        let told = order(at, &said).await?;
        writeln!(out, "{provider} on {day}")?;
        let mut even = true;
        for side in told["sides"].as_array().into_iter().flatten() {
            let count = |name: &str| side[name].as_array().map_or(0, Vec::len);
            let (sent, queued) = (count("sent"), count("queued"));
            writeln!(out, "  {}: {sent} sent, {queued} queued", text(side, "side"))?;
            let said = &side["provider"];
            if said.is_null() {
                writeln!(out, "    the provider has said nothing of this day")?;
                continue;
            }
            for (name, what) in [
                ("missing_there", "sent, and missing at the provider"),
                ("missing_here", "reported by the provider, and missing here"),
            ] {
                let ids = said[name].as_array().cloned().unwrap_or_default();
                even &= ids.is_empty();
                writeln!(out, "    {what}: {}", ids.len())?;
                for id in &ids {
                    writeln!(out, "      {}", id.as_str().unwrap_or_default())?;
                }
            }
        }
        Ok(if even { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
