//! `incident`, `clock`, `delivery`, `reconcile`: what operators look at and order besides holds.

use std::io::Write;
use std::process::ExitCode;

use cara_wire::api::Reconciliation;
use cara_wire::operators::call;
use cara_wire::operators::delivery::{DeliveryList, LetterAsked, LetterView};
use cara_wire::operators::mapping::ForceAsked;
use cara_wire::operators::{Because, ForceDayAsked, IncidentList, ProviderDay, ProviderDayAsked};
use clap::{Args, Subcommand};
use jiff::civil::Date;
use serde_json::Value;
use uuid::Uuid;

use super::socket::At;
use crate::app;

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
pub(super) enum DeliveryCommand {
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

/// Whether all is well.
fn code(is_well: bool) -> ExitCode {
    if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The words of an order that answers nothing.
fn done(words: String) -> impl FnOnce(&(), &mut dyn Write) -> anyhow::Result<ExitCode> {
    move |(), out| {
        writeln!(out, "{words}")?;
        Ok(ExitCode::SUCCESS)
    }
}

impl IncidentCommand {
    pub(super) async fn run(self, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let IncidentCommand::List { at } = self;
        at.say(call::INCIDENTS, &(), &(), out, incidents).await
    }
}

fn incidents(list: &IncidentList, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    for it in &list.incidents {
        let since = it.opened_at.map(|at| at.to_string());
        let since = since.as_deref().unwrap_or("now (the store has not noted it)");
        writeln!(out, "{} {}: {}, since {since}", it.kind, it.about, it.count)?;
        let page = app::page(&it.kind);
        let page = page.as_ref().map_or(("", ""), |page| (&page.means, &page.fix));
        writeln!(out, "    {}\n    {}", page.0, page.1)?;
    }
    match list.incidents.is_empty() {
        true => writeln!(out, "no incident is open")?,
        false => writeln!(out, "`cara-gateway explain KIND` says more of each")?,
    }
    Ok(code(list.incidents.is_empty()))
}

impl ClockCommand {
    pub(super) async fn run(self, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let ClockCommand::Accept { at, because } = self;
        let words = done("accepted; the next sweep says what is due".to_owned());
        at.say(call::ACCEPT_CLOCK, &(), &Because { because }, out, words).await
    }
}

impl DeliveryCommand {
    pub(super) async fn run(self, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        match self {
            DeliveryCommand::List { at } => {
                at.say(call::DELIVERIES, &(), &(), out, deliveries).await
            }
            DeliveryCommand::Pause(OfForce { at, force, because }) => {
                let words = done(format!("paused; what waits for {force} is kept"));
                let asked = ForceAsked { force };
                at.say(call::PAUSE_DELIVERY, &asked, &Because { because }, out, words).await
            }
            DeliveryCommand::Resume(OfForce { at, force, because }) => {
                let words = done(format!("resumed; what waits for {force} is pushed now"));
                let asked = ForceAsked { force };
                at.say(call::RESUME_DELIVERY, &asked, &Because { because }, out, words).await
            }
            DeliveryCommand::Show { at, notice_id } => {
                at.say(call::LETTER, &LetterAsked { notice_id }, &(), out, letter).await
            }
            DeliveryCommand::Cancel(OfLetter { at, notice_id, because }) => {
                let words = "pushed no more; the force can still fetch the notice";
                let (asked, because) = (LetterAsked { notice_id }, Because { because });
                at.say(call::CANCEL_LETTER, &asked, &because, out, done(words.to_owned())).await
            }
            DeliveryCommand::Resend(OfLetter { at, notice_id, because }) => {
                let words = "pushed again, under the same id";
                let (asked, because) = (LetterAsked { notice_id }, Because { because });
                at.say(call::RESEND_LETTER, &asked, &because, out, done(words.to_owned())).await
            }
        }
    }
}

fn deliveries(list: &DeliveryList, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let mut is_well = true;
    for it in &list.deliveries {
        let to = it.to.as_deref().unwrap_or("not pushed: collected by the force");
        writeln!(out, "{}: {to}, {} waiting", it.force, it.waiting)?;
        is_well &= it.paused.is_none() && it.failing_since.is_none() && it.failing == 0;
        if let Some(paused) = &it.paused {
            writeln!(out, "    paused {} by {}: {}", paused.at, paused.by, paused.because)?;
        }
        if let Some(since) = it.failing_since {
            let reason = it.reason.as_deref().unwrap_or_default();
            writeln!(out, "    nothing gets through since {since}: {reason}")?;
        } else if it.failing > 0 {
            let now = "`incident list` names them";
            writeln!(out, "    {} of them were tried in vain; {now}", it.failing)?;
        }
    }
    Ok(code(is_well))
}

fn letter(letter: &LetterView, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let mut shown = serde_json::to_value(letter)?;
    shown["state"] = letter.state.words().into();
    for (name, value) in shown.as_object().into_iter().flatten() {
        match value {
            Value::Null => {}
            Value::String(text) => writeln!(out, "{name}: {text}")?,
            other => writeln!(out, "{name}: {other}")?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl Reconcile {
    pub(super) async fn run(self, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let Reconcile { at, day, force, provider } = self;
        if let Some(force) = force {
            let asked = ForceDayAsked { force, day };
            let words = |told: &_, out: &mut dyn Write| of_force(&asked.force, told, out);
            return at.say(call::FORCE_DAY, &asked, &(), out, words).await;
        }
        let asked = ProviderDayAsked { provider: provider.unwrap_or_default(), day };
        at.say(call::PROVIDER_DAY, &asked, &(), out, of_provider).await
    }
}

fn of_force(slug: &str, told: &Reconciliation, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    writeln!(out, "{slug} ({}) on {}", told.force, told.day)?;
    for (state, ids) in &told.ids {
        write_ids(out, "  ", state, ids)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn of_provider(told: &ProviderDay, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    writeln!(out, "{} on {}", told.provider, told.day)?;
    let mut is_even = true;
    for it in &told.sides {
        writeln!(out, "  {}: {} sent, {} queued", it.side, it.sent.len(), it.queued.len())?;
        let Some(said) = &it.provider else {
            writeln!(out, "    the provider has said nothing of this day")?;
            continue;
        };
        is_even &= said.missing_there.is_empty() && said.missing_here.is_empty();
        write_ids(out, "    ", "sent, and missing at the provider", &said.missing_there)?;
        let what = "reported by the provider, and missing here";
        write_ids(out, "    ", what, &said.missing_here)?;
    }
    Ok(code(is_even))
}

fn write_ids(out: &mut dyn Write, indent: &str, what: &str, ids: &[Uuid]) -> std::io::Result<()> {
    writeln!(out, "{indent}{what}: {}", ids.len())?;
    ids.iter().try_for_each(|id| writeln!(out, "{indent}  {id}"))
}
