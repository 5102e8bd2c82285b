//! `hold list|show|release|release-like|correct|return`

use std::io::{BufRead, Write};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use uuid::Uuid;

use super::socket::{At, Gateway};
use cara_flow::hold::{Alike, HoldCause, HoldLine, HoldPage, Released};
use cara_flow::operate::{Order, Values};
use cara_wire::api::{FindingView, RecordStatus};

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
        /// One line for each cause instead of each hold: what, how many, since when, whose
        #[arg(long, conflicts_with = "all")]
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
    /// The same for every open hold of the same force and cause as one of them, after it has said how
    /// many go where
    ReleaseLike(Like),
    /// Put one field right and let the record go on, or say what still stops it. What rests on
    /// evidence, concerns the victim or names the case is only the force's to correct
    Correct(Corrected),
    /// Give the record back to the force, which is told why: it goes no further
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
pub(super) struct Like {
    #[command(flatten)]
    at: At,
    /// One of the holds
    hold_id: Uuid,
    /// Why; kept in the audit chain
    #[arg(long, value_name = "REASON")]
    because: String,
    /// Release them without asking
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Args)]
pub(super) struct Corrected {
    #[command(flatten)]
    at: At,
    hold_id: Uuid,
    /// As a mapping writes it, such as caution.deadline; of several things offences[1].title
    field: String,
    /// What it is to say, in the referral's own form (a day is YYYY-MM-DD); of a list field every
    /// value. With - each line of the standard input is one, so that nothing personal stands in the
    /// list of processes
    #[arg(required = true)]
    values: Vec<String>,
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
            Hold::List { at, force, by_cause: true, .. } => {
                by_causes(&at.gateway()?, force, out).await?;
                Ok(ExitCode::SUCCESS)
            }
            Hold::List { at, force, all, .. } => {
                let holds = listed(&at.gateway()?, force, all).await?;
                holds.iter().try_for_each(|line| write_line(line, out))?;
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
            Hold::ReleaseLike(like) => release_like(like, out).await,
            Hold::Correct(corrected) => correct(corrected, out).await,
            Hold::Return(Cleared { at, hold_id, because }) => {
                let path = format!("/v1/holds/{hold_id}/return");
                at.gateway()?.tell(&path, &json!({ "because": because })).await?;
                writeln!(out, "given back to the force, which is told why")?;
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
    outcome(serde_json::from_value(told.unwrap_or_default())?, out)
}

/// Writes how a release ended; `false`: the record is still held.
fn outcome(released: Released, out: &mut impl Write) -> anyhow::Result<bool> {
    let Released { hold_id, record, .. } = released;
    if record.status == RecordStatus::Held {
        writeln!(out, "{hold_id} is still held:")?;
        causes(&record.violations, out)?;
        return Ok(false);
    }
    let id = record.referral_id.map(|id| id.to_string()).unwrap_or_default();
    writeln!(out, "released as referral {id}")?;
    Ok(true)
}

/// Releases every open hold that waits for the same reason, each once.
async fn release_like(like: Like, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let Like { at, hold_id, because, yes } = like;
    let gateway = at.gateway()?;
    let alike: Alike = ordered(&gateway, &Order::HoldsLike { hold_id }).await?;
    let Alike { cause, force, mapping, queues, hold_ids } = alike;
    writeln!(out, "{} open holds of {force}: {cause}", hold_ids.len())?;
    writeln!(out, "each goes once to {}, as {mapping} reads it", queues.join(" or "))?;
    if !yes && !is_confirmed(out)? {
        writeln!(out, "nothing was released")?;
        return Ok(ExitCode::FAILURE);
    }
    let mut gone = 0;
    for hold_id in &hold_ids {
        match release(&gateway, *hold_id, &because, out).await {
            Ok(true) => gone += 1,
            Ok(false) => {}
            // Somebody ended it meanwhile, say; the others go on.
            Err(error) => writeln!(out, "{hold_id} was not released: {error:#}")?,
        }
    }
    writeln!(out, "{gone} of {} released", hold_ids.len())?;
    Ok(if gone == hold_ids.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether somebody at the keyboard typed yes.
fn is_confirmed(out: &mut impl Write) -> std::io::Result<bool> {
    write!(out, "release them? yes or no: ")?;
    out.flush()?;
    let mut typed = String::new();
    std::io::stdin().lock().read_line(&mut typed)?;
    writeln!(out)?;
    Ok(typed.trim() == "yes")
}

async fn correct(corrected: Corrected, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let Corrected { at, hold_id, field, values, because } = corrected;
    let values = match values.as_slice() {
        [only] if only == "-" => std::io::stdin().lock().lines().collect::<Result<_, _>>()?,
        _ => values,
    };
    let values = Values(values);
    let order = Order::CorrectHold { hold_id, field, values, because };
    let told: Released = ordered(&at.gateway()?, &order).await?;
    if let Some(first) = told.waits_after {
        writeln!(out, "waits for a second operator after {first}: the same command and value")?;
        return Ok(ExitCode::FAILURE);
    }
    match outcome(told, out)? {
        true => Ok(ExitCode::SUCCESS),
        false => Ok(ExitCode::FAILURE),
    }
}

async fn ordered<T: DeserializeOwned>(gateway: &Gateway, order: &Order) -> anyhow::Result<T> {
    let told = gateway.tell("/v1/orders", &serde_json::to_value(order)?).await?;
    Ok(serde_json::from_value(told.unwrap_or_default())?)
}

/// `risk grade: XHI × 14 since 09:10, leicestershire`
async fn by_causes(
    gateway: &Gateway,
    force: Option<String>,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    #[derive(Deserialize)]
    struct Causes {
        causes: Vec<HoldCause>,
    }
    let Causes { causes } = ordered(gateway, &Order::HoldCauses { force }).await?;
    for HoldCause { cause, count, since, force, like } in &causes {
        writeln!(out, "{cause} × {count} since {since}, {force}")?;
        writeln!(out, "    like {like}")?;
    }
    let count: u64 = causes.iter().map(|it| it.count).sum();
    writeln!(out, "{count} holds")?;
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
