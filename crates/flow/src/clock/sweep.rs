//! The clock: notices that are due because time has passed, and alerts to the operators. Everything
//! is decided from stored facts; each thing is said once.

mod due;

use cara_domain::Compartment;
use std::collections::{BTreeMap, BTreeSet};

use cara_domain::notice::{NoticeContent, NoticeKind};
use cara_domain::programme::Programme;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use self::due::Due;
use crate::case::conclude;
use crate::case::conclude::Folded;
use crate::case::consult;
use crate::notice;
use crate::record::accept;
use crate::record::fault;
use crate::record::read;
use crate::{Gateway, Operator, Refusal, Role};
use cara_clock::london_day;
use cara_metric::alert::{self, Alerts, EPOCH_MISSING, FORCE_UNLISTED};
pub use cara_store::Incident;
use cara_store::{
    About, CaseClock, DueNotice, Entry, Fact, ForceNumber, HoldRow, IncidentChange, LateBefore,
    MailChange, Operation, SweepChange, What,
};

use cara_supervisor::contain;

/// Cases that one step of the walk looks at.
const CASES_AT_ONCE: usize = 500;

/// How far a clock may go back without being doubted: it is set right in small steps.
const BACK_S_MAX: i64 = 60;
/// How long the sweep may have rested before its clock is doubted (DESIGN section 7).
const JUMP_H_MAX: i64 = 26;
/// All cases are looked at so often, and when the day changes.
const WALK_M: i64 = 60;

const GAP_H: i64 = 1;
const RECALL_H: i64 = 24;
const PAIR_M: i64 = 10;
/// A miss or a concern that nobody has taken over, a record that is held, a referral that nobody
/// has received.
const URGENT_H: i64 = 4;
/// An open incident is said again after so long.
const AGAIN_H: i64 = 24;

const CLOCK_JUMPED: &str = "clock_jumped";
/// Kinds that say how long something has lasted: not looked for while the clock is in doubt.
const OF_THE_CLOCK: &[&str] = &[
    "outcome_gap",
    "recall_unconfirmed",
    "pair_incomplete",
    "notice_not_collected",
    "force_silent",
    "not_received",
    "certificate_expiring",
    FORCE_UNLISTED,
];

/// Looks at what time has made due.
pub struct Sweeper {
    gateway: Gateway,
    walked_at: Option<Timestamp>,
    /// As the last walk saw it.
    not_received: BTreeMap<String, u64>,
    /// Open cases of forces that are not in `gateway.toml`.
    unlisted: BTreeMap<ForceNumber, u64>,
}

/// What one sweep did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    pub notices: u64,
    /// The clock cannot be right: nothing else was done.
    pub stopped: bool,
    pub opened: Vec<Incident>,
    pub told_again: Vec<Incident>,
    pub closed: Vec<Incident>,
    /// Open incidents by kind.
    pub open: BTreeMap<String, u64>,
}

impl Sweeper {
    pub fn of(gateway: Gateway) -> Sweeper {
        Sweeper {
            gateway,
            walked_at: None,
            not_received: BTreeMap::new(),
            unlisted: BTreeMap::new(),
        }
    }

    /// One sweep. `outside`: what others have seen that an operator has to know of.
    pub async fn sweep(&mut self, outside: &Alerts) -> Result<Swept, Refusal> {
        let gateway = self.gateway.clone();
        let now = gateway.clock.now();
        let mut swept = Swept::default();
        let mut alerts = outside.clone();
        fault::forget_faults(&gateway, now);
        if is_doubtful(&gateway, now).await? {
            // Only what the clock says of itself has to wait: whoever is in danger has not.
            swept.stopped = true;
            alerts.insert((CLOCK_JUMPED, "gateway".to_owned()), 1);
        } else {
            self.make_notices(now, &mut swept).await?;
        }
        for (provider, count) in &self.not_received {
            alerts.insert(("not_received", provider.clone()), *count);
        }
        for (force, count) in &self.unlisted {
            alerts.insert((FORCE_UNLISTED, force.to_string()), *count);
        }
        look_for_late(&gateway, now, swept.stopped, &mut alerts).await?;
        tell(&gateway, alerts, is_swept, now, swept.stopped, &mut swept).await?;
        Ok(swept)
    }

    /// What is due because time has passed: of cases once an hour, of held records.
    async fn make_notices(&mut self, now: Timestamp, swept: &mut Swept) -> Result<(), Refusal> {
        let gateway = self.gateway.clone();
        let day_changed = self.walked_at.is_some_and(|at| london_day(at) != london_day(now));
        let rested = self.walked_at.is_none_or(|at| now >= ago(at, -WALK_M * 60));
        if day_changed || rested {
            swept.notices += self.walk(now).await?;
            self.walked_at = Some(now);
        }
        for hold in gateway.store.untold_holds(ago(now, URGENT_H * 3600)).await? {
            let about = format!("hold {}", hold.hold_id);
            let told =
                fault::set_aside(&gateway, &about, contain(tell_hold(&gateway, &hold)).await)?;
            swept.notices += u64::from(told);
        }
        Ok(())
    }

    /// Looks at every case that has not ended.
    async fn walk(&mut self, now: Timestamp) -> Result<u64, Refusal> {
        let gateway = self.gateway.clone();
        let today = london_day(now);
        let (mut after, mut made) = (None, 0);
        self.not_received.clear();
        self.unlisted.clear();
        loop {
            let page = gateway.store.cases_on_clock(after, CASES_AT_ONCE).await?;
            for case in &page.cases {
                let sent_before = case.sent_at.is_some_and(|at| at <= ago(now, URGENT_H * 3600));
                if sent_before && case.programme == Programme::Sent.name() && !case.test_data {
                    *self.not_received.entry(case.provider.clone()).or_default() += 1;
                }
                if !gateway.forces.lists(case.force) {
                    *self.unlisted.entry(case.force).or_default() += 1;
                }
                let margin_weeks = gateway.forces.provider(&case.provider).margin_weeks;
                for due in due::of(case, margin_weeks, today) {
                    let about = format!("case {}", case.referral_id);
                    let step = contain(tell_due(&gateway, case, due, today)).await;
                    made += u64::from(fault::set_aside(&gateway, &about, step)?);
                }
            }
            after = match page.next {
                Some(next) => Some(next),
                None => return Ok(made),
            };
        }
    }
}

/// Whether the sweep tells it.
fn is_swept(kind: &str, _about: &str) -> bool {
    !alert::is_of_mappings(kind)
}

/// So many seconds before.
fn ago(at: Timestamp, seconds: i64) -> Timestamp {
    at.saturating_sub(SignedDuration::from_secs(seconds)).unwrap_or(at)
}

/// Whether the clock cannot be trusted; remembers that this sweep ran.
async fn is_doubtful(gateway: &Gateway, now: Timestamp) -> Result<bool, Refusal> {
    let before = gateway.store.sweep().await?;
    if before.is_some_and(|sweep| sweep.stopped_at.is_some()) {
        return Ok(true);
    }
    let doubtful = before.is_some_and(|sweep| {
        now < ago(sweep.seen_at, BACK_S_MAX) || sweep.seen_at < ago(now, JUMP_H_MAX * 3600)
    });
    change(gateway, What::Sweep(SweepChange::Ran { at: now, is_stopped: doubtful })).await?;
    Ok(doubtful)
}

/// An operator says that the clock is right: the sweep goes on.
pub async fn accept_clock(
    gateway: &Gateway,
    operator: &Operator,
    because: String,
) -> Result<(), Refusal> {
    let audit = said_by(gateway, operator, "clock accepted", because)?;
    let what = What::Sweep(SweepChange::AcceptClock { at: gateway.clock.now() });
    match consult::write_raced(gateway, Entry::of(what, vec![audit])).await? {
        true => Ok(()),
        false => Err(Refusal::WrongState { state: "the clock is not in doubt" }),
    }
}

/// The fact of what an operator did, who may do it, and gave a reason.
pub(crate) fn said_by(
    gateway: &Gateway,
    operator: &Operator,
    about: &str,
    because: String,
) -> Result<Fact, Refusal> {
    if operator.role < Role::Operate {
        return Err(Refusal::Forbidden);
    }
    if because.trim().is_empty() {
        return Err(Refusal::Parameter { name: "because" });
    }
    Ok(Fact {
        operation: Operation::Alteration,
        by: operator.name.clone(),
        at: gateway.clock.now(),
        about: about.to_owned(),
        to: None,
        note: Some(because),
    })
}

pub(crate) async fn change(gateway: &Gateway, what: What) -> Result<bool, Refusal> {
    consult::write_raced(gateway, Entry::of(what, Vec::new())).await
}

/// Makes a notice that is due. `false`: the case has moved meanwhile; the next walk looks again.
async fn tell_due(
    gateway: &Gateway,
    seen: &CaseClock,
    due: Due,
    today: Date,
) -> Result<bool, Refusal> {
    let Some(case) = gateway.store.case(seen.referral_id).await? else { return Ok(false) };
    let open = conclude::open(gateway, &case).map_err(Refusal::Internal)?;
    let standing = Folded::of(&open.reported, &open.decisions, &case).standing;
    let provider = gateway.forces.provider(&case.provider);
    let content = notice::of_case(&open, &standing, provider.contact.as_deref(), today);
    let about = About::Referral(case.referral_id);
    let side = Compartment::Offender;
    let notice = notice::new_notice(gateway, &open.keys, side, due.kind, due.cause, &content)?;
    change(gateway, What::DueNotice(DueNotice { about, facts: case.facts, notice })).await
}

/// Tells the force that its record is held.
async fn tell_hold(gateway: &Gateway, hold: &HoldRow) -> Result<bool, Refusal> {
    let content = NoticeContent {
        record_ref: record_ref_of_hold(gateway, hold),
        reason: Some(codes(hold)),
        evidence_ref: Some(hold.hold_id),
        ..NoticeContent::of_day(london_day(hold.received_at))
    };
    let keys = gateway.vault.unwrap_keys(hold.hold_id, &hold.keys)?;
    let kind = NoticeKind::RecordHeld;
    let side = Compartment::Offender;
    let notice = notice::new_notice(gateway, &keys, side, kind, hold.hold_id, &content)?;
    change(
        gateway,
        What::DueNotice(DueNotice { about: About::Hold(hold.hold_id), facts: 0, notice }),
    )
    .await
}

/// The force's own key, where the mapping that is live now can read it.
pub(crate) fn record_ref_of_hold(gateway: &Gateway, hold: &HoldRow) -> Option<String> {
    let live = gateway.live.named(hold.force, &hold.mapping.name)?;
    let text = consult::held_text(gateway, hold).ok()?;
    let read = read::kept(&accept::desk(gateway), &live, &text, read::Again::AsItCame).ok()?;
    read.outcome.record_ref().map(str::to_owned)
}

/// What is late by the stored facts. In doubt of the clock, what only the clock says is left out.
async fn look_for_late(
    gateway: &Gateway,
    now: Timestamp,
    in_doubt: bool,
    alerts: &mut Alerts,
) -> Result<(), Refusal> {
    let urgent = ago(now, URGENT_H * 3600);
    let late = gateway.store.late(LateBefore {
        gap: ago(now, GAP_H * 3600),
        recall: ago(now, RECALL_H * 3600),
        pair: ago(now, PAIR_M * 60),
        urgent,
    });
    let late = late.await?;
    for (force, count) in late.holds_open {
        alerts.insert(("hold_open", force.to_string()), count);
    }
    for (force, count) in late.concerns {
        alerts.insert(("safeguarding_concern", force.to_string()), count);
    }
    for (provider, day) in late.reconciliation {
        alerts.insert(("reconciliation_missing", format!("{provider} {day}")), 1);
    }
    for epoch in epochs_missing(gateway).await? {
        alerts.insert((EPOCH_MISSING, epoch), 1);
    }
    for paused in gateway.store.paused().await? {
        alerts.insert(("endpoint_paused", paused.force.to_string()), 1);
    }
    if in_doubt {
        return Ok(());
    }
    for referral_id in late.gaps {
        alerts.insert(("outcome_gap", referral_id.to_string()), 1);
    }
    for referral_id in late.recalls {
        alerts.insert(("recall_unconfirmed", referral_id.to_string()), 1);
    }
    for (provider, count) in late.pairs {
        alerts.insert(("pair_incomplete", provider), count);
    }
    for (force, count) in late.not_collected {
        alerts.insert(("notice_not_collected", force.to_string()), count);
    }
    look_for_silence(gateway, now, alerts).await?;
    if gateway.forces.has_mail {
        for notice_id in late.unmailed {
            let mail_id = gateway.clock.id();
            change(gateway, What::Mail(MailChange::OfNotice { notice_id, mail_id, at: now }))
                .await?;
        }
    }
    Ok(())
}

/// A force of which nothing was heard since the first of its mappings went live, or since it
/// sent something, for the days that are set for it.
async fn look_for_silence(
    gateway: &Gateway,
    now: Timestamp,
    alerts: &mut Alerts,
) -> Result<(), Refusal> {
    let versions = gateway.store.plan_versions().await?;
    for force in gateway.forces.all() {
        let live_since = versions.iter().filter(|it| it.force == force.code).map(|it| it.at);
        let Some(live_since) = live_since.min() else { continue };
        let heard = gateway.store.last_heard(force.code).await?;
        let heard = heard.unwrap_or_else(|| london_day(live_since));
        let silent = (london_day(now) - heard).get_days();
        if i64::from(silent) > i64::from(force.silent_days) {
            alerts.insert(("force_silent", force.code.to_string()), silent.unsigned_abs().into());
        }
    }
    Ok(())
}

/// Opens, repeats and closes incidents so that they are what is so now; those that are not
/// `mine`, by kind and what they are about, are others' to tell. While the clock is in doubt
/// those stay open that only a clock can end.
pub(crate) async fn tell(
    gateway: &Gateway,
    alerts: Alerts,
    mine: impl Fn(&str, &str) -> bool,
    now: Timestamp,
    in_doubt: bool,
    swept: &mut Swept,
) -> Result<(), Refusal> {
    let mail = || gateway.forces.has_mail.then(|| gateway.clock.id());
    let named =
        |((kind, about), count): ((_, String), _)| ((kind, gateway.forces.name_in(&about)), count);
    let mut alerts = Alerts::from_iter(alerts.into_iter().map(named));
    for incident in gateway.store.incidents().await? {
        if !mine(&incident.kind, &incident.about) {
            *swept.open.entry(incident.kind).or_default() += 1;
            continue;
        }
        let name = alert::kind(&incident.kind).map_or("", |kind| kind.name);
        let Some(count) = alerts.remove(&(name, incident.about.clone())) else {
            if in_doubt && OF_THE_CLOCK.contains(&name) {
                *swept.open.entry(incident.kind).or_default() += 1;
                continue;
            }
            let incident_id = incident.incident_id;
            let close = IncidentChange::Close { incident_id, at: now, mail: mail() };
            if change(gateway, What::Incident(close)).await? {
                swept.closed.push(incident);
            }
            continue;
        };
        *swept.open.entry(incident.kind.clone()).or_default() += 1;
        let again = incident.told_at <= ago(now, AGAIN_H * 3600);
        if !again && count == incident.count {
            continue;
        }
        let told = again.then_some(now);
        let mail = if again { mail() } else { None };
        let incident_id = incident.incident_id;
        let still = change(
            gateway,
            What::Incident(IncidentChange::Still { incident_id, count, told, mail }),
        )
        .await?;
        if still && again {
            swept.told_again.push(Incident { count, ..incident });
        }
    }
    for ((kind, about), count) in alerts {
        let incident = Incident {
            incident_id: gateway.clock.id(),
            kind: kind.to_owned(),
            about,
            count,
            opened_at: now,
            told_at: now,
        };
        let opening = IncidentChange::Open { incident: incident.clone(), mail: mail() };
        if change(gateway, What::Incident(opening)).await? {
            *swept.open.entry(incident.kind.clone()).or_default() += 1;
            swept.opened.push(incident);
        }
    }
    Ok(())
}

/// Files of key epochs that the store names and that are missing, or are not the right ones.
pub async fn epochs_missing(gateway: &Gateway) -> Result<BTreeSet<String>, Refusal> {
    Ok(gateway.vault.epochs_missing(&gateway.store.key_samples().await?))
}

/// Incidents that are open, for the operators.
pub async fn incidents(gateway: &Gateway) -> Result<Vec<Incident>, Refusal> {
    Ok(gateway.store.incidents().await?)
}

/// The codes that hold a record, with blanks between.
fn codes(hold: &HoldRow) -> String {
    let mut codes: Vec<&str> = hold.causes.iter().map(|cause| cause.code.as_str()).collect();
    codes.dedup();
    codes.join(" ")
}
