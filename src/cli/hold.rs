//! `hold list|show|release|return`

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

#[derive(Deserialize)]
struct Shown {
    hold: HoldLine,
    #[serde(default)]
    record: Option<String>,
}

impl Hold {
    pub(super) async fn run(self, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        match self {
            Hold::List { at, force, all } => list(&at.gateway()?, force, all, out).await,
            Hold::Show { at, hold_id, unmask } => show(&at.gateway()?, hold_id, unmask, out).await,
            Hold::Release(Cleared { at, hold_id, because }) => {
                let path = format!("/v1/holds/{hold_id}/release");
                let told = at.gateway()?.tell(&path, &json!({ "because": because })).await?;
                let released: Released = serde_json::from_value(told.unwrap_or_default())?;
                let record = released.record;
                if record.status == RecordStatus::Held {
                    writeln!(out, "still held:")?;
                    causes(&record.violations, out)?;
                    return Ok(ExitCode::FAILURE);
                }
                let id = record.referral_id.map(|id| id.to_string()).unwrap_or_default();
                writeln!(out, "released as referral {id}")?;
                Ok(ExitCode::SUCCESS)
            }
            Hold::Return(Cleared { at, hold_id, because }) => {
                let path = format!("/v1/holds/{hold_id}/return");
                at.gateway()?.tell(&path, &json!({ "because": because })).await?;
                writeln!(out, "given back to the force")?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

/// Page by page, so that a long list needs no long answer.
async fn list(
    gateway: &Gateway,
    force: Option<String>,
    all: bool,
    out: &mut impl Write,
) -> anyhow::Result<ExitCode> {
    let mut after: Option<String> = None;
    let mut count = 0_usize;
    loop {
        let mut query = vec![("all", if all { "true" } else { "false" })];
        query.extend(force.as_deref().map(|force| ("force", force)));
        query.extend(after.as_deref().map(|after| ("after", after)));
        let page: HoldPage = gateway.read("/v1/holds", &query).await?;
        for line in &page.holds {
            write_line(line, out)?;
        }
        count += page.holds.len();
        match page.next {
            Some(next) => after = Some(next.to_string()),
            None => break,
        }
    }
    writeln!(out, "{count} holds")?;
    Ok(ExitCode::SUCCESS)
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
