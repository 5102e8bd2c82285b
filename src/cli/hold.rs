//! `hold list|show|release|release-like|correct|return`

use std::io::{BufRead, Write};
use std::process::ExitCode;

use cara_wire::api::{FindingView, RecordStatus};
use cara_wire::operators::hold::{
    FieldCorrection, FieldValues, HoldAsked, HoldCause, HoldCauses, HoldCausesAsked, HoldCleared,
    HoldLine, HoldPage, HoldShown, HoldsAlike, HoldsAsked,
};
use cara_wire::operators::{Because, call};
use clap::{Args, Subcommand};
use serde::Serialize;
use uuid::Uuid;

use super::format;
use super::socket::{At, Socket};
use super::words;
use crate::app;
use cara_clock::london_words;

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

impl Hold {
    pub(super) async fn run(self, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        match self {
            Hold::List { at, force, by_cause: true, .. } => {
                at.say(call::HOLD_CAUSES, &HoldCausesAsked { force }, &(), out, by_causes).await
            }
            Hold::List { at, force, all, .. } => {
                let page = listed(&at.socket()?, HoldsAsked { force, all, after: None }).await?;
                format::say(at.shape, &page, out, |out| {
                    page.holds.iter().try_for_each(|line| write_line(line, out))?;
                    writeln!(out, "{} holds", page.holds.len())?;
                    Ok(ExitCode::SUCCESS)
                })
            }
            Hold::Show { at, hold_id, unmask: None } => {
                at.say(call::HOLD, &HoldAsked { hold_id }, &(), out, show).await
            }
            Hold::Show { at, hold_id, unmask: Some(because) } => {
                let (asked, because) = (HoldAsked { hold_id }, Because { because });
                at.say(call::UNMASK_HOLD, &asked, &because, out, show).await
            }
            Hold::Release(Cleared { at, hold_id, because }) => {
                let (asked, because) = (HoldAsked { hold_id }, Because { because });
                at.say(call::RELEASE_HOLD, &asked, &because, out, cleared).await
            }
            Hold::ReleaseLike(like) => release_like(like, out).await,
            Hold::Correct(corrected) => correct(corrected, out).await,
            Hold::Return(Cleared { at, hold_id, because }) => {
                let (asked, because) = (HoldAsked { hold_id }, Because { because });
                let words = |(): &(), out: &mut dyn Write| {
                    writeln!(out, "given back to the force, which is told why")?;
                    Ok(ExitCode::SUCCESS)
                };
                at.say(call::RETURN_HOLD, &asked, &because, out, words).await
            }
        }
    }
}

/// Writes how a release or a correction ended; a failure: the record is still held.
fn cleared(cleared: &HoldCleared, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let HoldCleared { hold_id, record, waits_after } = cleared;
    if let Some(first) = waits_after {
        writeln!(out, "waits for a second operator after {first}: the same command and value")?;
        return Ok(ExitCode::FAILURE);
    }
    if record.status == RecordStatus::Held {
        writeln!(out, "{hold_id} is still held:")?;
        causes(&record.violations, out)?;
        return Ok(ExitCode::FAILURE);
    }
    let id = record.referral_id.map(|id| id.to_string()).unwrap_or_default();
    writeln!(out, "released as referral {id}")?;
    Ok(ExitCode::SUCCESS)
}

/// What `hold release-like` came to.
#[derive(Serialize)]
struct ReleasedLike {
    alike: HoldsAlike,
    cleared: Vec<HoldCleared>,
    /// Somebody ended it meanwhile, say.
    not_cleared: Vec<NotCleared>,
}

#[derive(Serialize)]
struct NotCleared {
    hold_id: Uuid,
    why: String,
}

/// Releases every open hold that waits for the same reason, each once. With JSON nobody is asked: it
/// needs --yes.
async fn release_like(like: Like, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let Like { at, hold_id, because, yes } = like;
    let (socket, is_json) = (at.socket()?, at.shape.is_json());
    let alike = socket.call(&call::HOLDS_ALIKE, &HoldAsked { hold_id }, &()).await?;
    let because = Because { because };
    let mut like = ReleasedLike { alike, cleared: Vec::new(), not_cleared: Vec::new() };
    let all = like.alike.hold_ids.clone();
    let mut is_agreed = yes;
    if !is_json {
        let HoldsAlike { reasons, force, mapping, queues, .. } = &like.alike;
        writeln!(out, "{} open holds of {force}: {}", all.len(), words::reasons(reasons))?;
        let mapping = format!("{} version {}", mapping.name, mapping.version);
        writeln!(out, "each goes once to {}, as {mapping} reads it", queues.join(" or "))?;
        is_agreed = yes || is_confirmed(out)?;
        if !is_agreed {
            writeln!(out, "nothing was released")?;
        }
    }
    let mut gone = 0;
    for hold_id in all.iter().copied().filter(|_| is_agreed) {
        match socket.call(&call::RELEASE_HOLD, &HoldAsked { hold_id }, &because).await {
            Ok(it) => {
                let code =
                    if is_json { cleared(&it, &mut std::io::sink())? } else { cleared(&it, out)? };
                gone += usize::from(code == ExitCode::SUCCESS);
                like.cleared.push(it);
            }
            // Somebody ended it meanwhile, say; the others go on.
            Err(error) => {
                let why = format!("{error:#}");
                if !is_json {
                    writeln!(out, "{hold_id} was not released: {why}")?;
                }
                like.not_cleared.push(NotCleared { hold_id, why });
            }
        }
    }
    match is_json {
        true => format::write(&serde_json::to_value(&like)?, out)?,
        false if is_agreed => writeln!(out, "{gone} of {} released", all.len())?,
        false => {}
    }
    Ok(if is_agreed && gone == all.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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
    let correction = FieldCorrection { field, values: FieldValues(values), because };
    at.say(call::CORRECT_HOLD, &HoldAsked { hold_id }, &correction, out, cleared).await
}

/// `risk grade: XHI × 14 since 09:10, leicestershire`
fn by_causes(HoldCauses { causes }: &HoldCauses, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let today = app::clock().today();
    for HoldCause { reasons, count, since, force, like } in causes {
        let (reasons, since) = (words::reasons(reasons), london_words(*since, today));
        writeln!(out, "{reasons} × {count} since {since}, {force}")?;
        writeln!(out, "    like {like}")?;
    }
    let count: u64 = causes.iter().map(|it| it.count).sum();
    writeln!(out, "{count} holds")?;
    Ok(ExitCode::SUCCESS)
}

/// Every page as one, so that a long list needs no long answer.
async fn listed(socket: &Socket, mut asked: HoldsAsked) -> anyhow::Result<HoldPage> {
    let mut all = HoldPage { holds: Vec::new(), next: None };
    loop {
        let page = socket.call(&call::HOLDS, &asked, &()).await?;
        all.holds.extend(page.holds);
        match page.next {
            Some(next) => asked.after = Some(next),
            None => return Ok(all),
        }
    }
}

fn show(shown: &HoldShown, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    write_line(&shown.hold, out)?;
    if let Some(record) = &shown.record {
        writeln!(out, "\n{record}")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn write_line(line: &HoldLine, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "{}  force {}  {}  {}", line.hold_id, line.force, line.received_at, line.state)?;
    causes(&line.causes, out)?;
    if !line.unlisted.is_empty() {
        let unlisted: Vec<_> = line.unlisted.iter().map(words::unlisted).collect();
        writeln!(out, "    unlisted: {}", unlisted.join(", "))?;
    }
    Ok(())
}

fn causes(causes: &[FindingView], out: &mut dyn Write) -> std::io::Result<()> {
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
