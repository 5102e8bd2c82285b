//! `hold list|show|release|release-like|return`

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::socket::{At, Gateway};
use crate::flow::{HoldLine, HoldPage, Released};
use cara_record::wire::api::{FindingView, RecordStatus};

#[derive(Debug, Subcommand)]
pub(super) enum Hold {
    /// The open holds, oldest first: force, age, and why
    List {
        #[command(flatten)]
        at: At,
        /// Of one force, by its name, such as hampshire
        #[arg(long, value_name = "FORCE")]
        force: Option<String>,
        /// Also those that ended
        #[arg(long)]
        all: bool,
        /// One line for each cause instead of each hold
        #[arg(long)]
        by_cause: bool,
    },
    /// One hold. With --unmask also the record as the force sent it
    Show {
        #[command(flatten)]
        at: At,
        hold_id: Uuid,
        /// Show the record; needs a reason, which is kept in the audit chain
        #[arg(long, value_name = "REASON")]
        unmask: Option<String>,
    },
    /// Translate the record again and let it go on, or say what still stops it
    Release(Cleared),
    /// The same for every open hold of the same force and cause as one of them. Without --yes it only
    /// says how many that are
    ReleaseLike(Alike),
    /// Give the record back to the force: it goes no further
    Return(Cleared),
}

#[derive(Debug, Args)]
pub(super) struct Cleared {
    #[command(flatten)]
    at: At,
    hold_id: Uuid,
    /// Why; kept in the audit chain
    #[arg(long, value_name = "REASON")]
    because: String,
}

#[derive(Debug, Args)]
pub(super) struct Alike {
    #[command(flatten)]
    at: At,
    /// One of the holds
    hold_id: Uuid,
    /// Why; kept in the audit chain
    #[arg(long, value_name = "REASON")]
    because: String,
    /// Release them
    #[arg(long)]
    yes: bool,
}

#[derive(Deserialize)]
struct Shown {
    hold: HoldLine,
    #[serde(default)]
    record: Option<String>,
}

impl Hold {
    pub(super) async fn run(self, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        match self {
            Hold::List { at, force, all, by_cause } => {
                let gateway = at.gateway()?;
                let holds = listed(&gateway, force, all).await?;
                match by_cause {
                    true => by_causes(&holds, out)?,
                    false => holds.iter().try_for_each(|line| write_line(line, out))?,
                }
                writeln!(out, "{} holds", holds.len())?;
                Ok(ExitCode::SUCCESS)
            }
            Hold::Show { at, hold_id, unmask } => show(&at.gateway()?, hold_id, unmask, out).await,
            Hold::Release(Cleared { at, hold_id, because }) => {
                match release(&at.gateway()?, hold_id, &because, out).await? {
                    true => Ok(ExitCode::SUCCESS),
                    false => Ok(ExitCode::FAILURE),
                }
            }
            Hold::ReleaseLike(alike) => release_like(alike, out).await,
            Hold::Return(Cleared { at, hold_id, because }) => {
                let path = format!("/v1/holds/{hold_id}/return");
                at.gateway()?.tell(&path, &json!({ "because": because })).await?;
                writeln!(out, "given back to the force")?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

/// Releases one hold; `false`: it is still held, and why was written.
async fn release(
    gateway: &Gateway,
    hold_id: Uuid,
    because: &str,
    out: &mut impl Write,
) -> anyhow::Result<bool> {
    let path = format!("/v1/holds/{hold_id}/release");
    let told = gateway.tell(&path, &json!({ "because": because })).await?;
    let released: Released = serde_json::from_value(told.unwrap_or_default())?;
    let record = released.record;
    if record.status == RecordStatus::Held {
        writeln!(out, "{hold_id} is still held:")?;
        causes(&record.violations, out)?;
        return Ok(false);
    }
    let id = record.referral_id.map(|id| id.to_string()).unwrap_or_default();
    writeln!(out, "released as referral {id}")?;
    Ok(true)
}

/// Releases every open hold that waits for the same reason.
async fn release_like(alike: Alike, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let Alike { at, hold_id, because, yes } = alike;
    let gateway = at.gateway()?;
    let shown: Shown = gateway.read(&format!("/v1/holds/{hold_id}"), &[]).await?;
    let cause = cause_of(&shown.hold);
    let open = listed(&gateway, Some(shown.hold.force.clone()), false).await?;
    let like: Vec<_> = open.iter().filter(|line| cause_of(line) == cause).collect();
    let (force, count) = (&shown.hold.force, like.len());
    writeln!(out, "{count} open holds of {force}: {cause}")?;
    if !yes {
        writeln!(out, "nothing was released; each goes the full way to its provider with --yes")?;
        return Ok(ExitCode::FAILURE);
    }
    let mut all = true;
    for line in like {
        all &= release(&gateway, line.hold_id, &because, out).await?;
    }
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What stops a record, as one text: equal for records that wait for the same reason.
fn cause_of(line: &HoldLine) -> String {
    let stopping = line.causes.iter().filter(|cause| cause.kind != "flag");
    let mut texts: Vec<_> = stopping
        .map(|cause| format!("{} {} {}", cause.code, cause.name, cause.field).trim().to_owned())
        .collect();
    texts.dedup();
    let codes = line.unlisted.join(", ");
    let codes = if codes.is_empty() { String::new() } else { format!(" ({codes})") };
    format!("{}{codes}", texts.join("; "))
}

fn by_causes(holds: &[HoldLine], out: &mut impl Write) -> std::io::Result<()> {
    let mut groups: BTreeMap<(&str, String), Vec<&HoldLine>> = BTreeMap::new();
    for line in holds {
        groups.entry((&line.force, cause_of(line))).or_default().push(line);
    }
    for ((force, cause), lines) in groups {
        let since = lines.iter().map(|line| line.received_at.as_str()).min().unwrap_or_default();
        writeln!(out, "{} × {force}: {cause}, since {since}", lines.len())?;
        writeln!(out, "    like {}", lines[0].hold_id)?;
    }
    Ok(())
}

/// Page by page, so that a long list needs no long answer.
async fn listed(
    gateway: &Gateway,
    force: Option<String>,
    all: bool,
) -> anyhow::Result<Vec<HoldLine>> {
    let mut after: Option<String> = None;
    let mut holds = Vec::new();
    loop {
        let mut query = vec![("all", if all { "true" } else { "false" })];
        query.extend(force.as_deref().map(|force| ("force", force)));
        query.extend(after.as_deref().map(|after| ("after", after)));
        let page: HoldPage = gateway.read("/v1/holds", &query).await?;
        holds.extend(page.holds);
        match page.next {
            Some(next) => after = Some(next.to_string()),
            None => return Ok(holds),
        }
    }
}

async fn show(
    gateway: &Gateway,
    hold_id: Uuid,
    unmask: Option<String>,
    out: &mut impl Write,
) -> anyhow::Result<ExitCode> {
    let shown: Shown = match unmask {
        None => gateway.read(&format!("/v1/holds/{hold_id}"), &[]).await?,
        Some(because) => {
            let path = format!("/v1/holds/{hold_id}/unmask");
            let told = gateway.tell(&path, &json!({ "because": because })).await?;
            serde_json::from_value(told.unwrap_or_default())?
        }
    };
    write_line(&shown.hold, out)?;
    if let Some(record) = shown.record {
        writeln!(out, "\n{record}")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn write_line(line: &HoldLine, out: &mut impl Write) -> std::io::Result<()> {
    writeln!(out, "{}  force {}  {}  {}", line.hold_id, line.force, line.received_at, line.state)?;
    causes(&line.causes, out)?;
    if !line.unlisted.is_empty() {
        writeln!(out, "    unlisted: {}", line.unlisted.join(", "))?;
    }
    Ok(())
}

fn causes(causes: &[FindingView], out: &mut impl Write) -> std::io::Result<()> {
    for cause in causes {
        let field = if cause.field.is_empty() { "the record" } else { &cause.field };
        write!(out, "    {} {} {}: {field}", cause.code, cause.kind, cause.name)?;
        if let Some(path) = &cause.source_path {
            write!(out, " ({path}")?;
            if let Some(line) = cause.line {
                write!(out, ", line {line}")?;
            }
            write!(out, ")")?;
        }
        writeln!(out)?;
    }
    Ok(())
}
