//! The clock: notices that are due because time has passed, and alerts to the operators. Everything
//! is decided from stored facts; each thing is said once.

mod due;

use std::collections::{BTreeMap, BTreeSet};

use cara_domain::Compartment;
use cara_domain::notice::{NoticeContent, NoticeKind};
use cara_domain::programme::ProgrammeState;
use jiff::{SignedDuration, Timestamp};

use self::due::ClockDue;
use crate::audit::check_order;
use crate::case_file::{CaseFile, CaseKeys};
use crate::incident::{self, ClockTrust, IncidentsTold};
use crate::{
    Failure, Gateway, Operator, OrderRefusal, Unfinished, WrongState, hold, notice, write,
};
use cara_clock::london_day;
use cara_metric::alert::{self, Alerts, EPOCH_MISSING, FORCE_UNLISTED};
pub use cara_store::Incident;
use cara_store::{
    About, CaseClock, DueNotice, Entry, Fact, ForceNumber, HoldRow, LateBefore, MailChange,
    SweepChange, What,
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

const CLOCK_JUMPED: &str = "clock_jumped";
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
    pub incidents: IncidentsTold,
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
    pub async fn sweep(&mut self, outside: &Alerts) -> Result<Swept, Failure> {
        let gateway = self.gateway.clone();
        let now = gateway.clock.now();
        let mut swept = Swept::default();
        let mut alerts = outside.clone();
        gateway.faults.forget(now);
        let clock = clock_trust(&gateway, now).await?;
        if clock == ClockTrust::InDoubt {
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
        look_for_late(&gateway, now, clock, &mut alerts).await?;
        swept.incidents = incident::tell(&gateway, alerts, is_swept, clock).await?;
        Ok(swept)
    }

    /// What is due because time has passed: of cases once an hour, of held records.
    async fn make_notices(&mut self, now: Timestamp, swept: &mut Swept) -> Result<(), Failure> {
        let gateway = self.gateway.clone();
        let day_changed = self.walked_at.is_some_and(|at| london_day(at) != london_day(now));
        let rested = self.walked_at.is_none_or(|at| now >= ago(at, -WALK_M * 60));
        if day_changed || rested {
            swept.notices += self.walk(now).await?;
            self.walked_at = Some(now);
        }
        for hold in gateway.store.untold_holds(ago(now, URGENT_H * 3600)).await? {
            let about = format!("hold {}", hold.hold_id);
            let step = contain(tell_hold(&gateway, &hold)).await;
            let told = gateway.faults.set_aside(&about, step)?;
            swept.notices += u64::from(told);
        }
        Ok(())
    }

    /// Looks at every case that has not ended.
    async fn walk(&mut self, now: Timestamp) -> Result<u64, Failure> {
        let gateway = self.gateway.clone();
        let today = london_day(now);
        let (mut after, mut made) = (None, 0);
        self.not_received.clear();
        self.unlisted.clear();
        loop {
            let page = gateway.store.cases_on_clock(after, CASES_AT_ONCE).await?;
            for case in &page.cases {
                let sent_before = case.sent_at.is_some_and(|at| at <= ago(now, URGENT_H * 3600));
                if sent_before && case.programme == Ok(ProgrammeState::Sent) && !case.test_data {
                    *self.not_received.entry(case.provider.clone()).or_default() += 1;
                }
                if !gateway.forces.lists(case.force) {
                    *self.unlisted.entry(case.force).or_default() += 1;
                }
                let margin_weeks = gateway.forces.provider(&case.provider).margin_weeks;
                for due in due::of(case, margin_weeks, today) {
                    let about = format!("case {}", case.referral_id);
                    let step = contain(tell_due(&gateway, case, due)).await;
                    made += u64::from(gateway.faults.set_aside(&about, step)?);
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

/// Whether the clock can be trusted; remembers that this sweep ran.
async fn clock_trust(gateway: &Gateway, now: Timestamp) -> Result<ClockTrust, Failure> {
    let before = gateway.store.sweep().await?;
    if before.is_some_and(|sweep| sweep.stopped_at.is_some()) {
        return Ok(ClockTrust::InDoubt);
    }
    let is_stopped = before.is_some_and(|sweep| {
        now < ago(sweep.seen_at, BACK_S_MAX) || sweep.seen_at < ago(now, JUMP_H_MAX * 3600)
    });
    write::change(gateway, What::Sweep(SweepChange::Ran { at: now, is_stopped })).await?;
    Ok(if is_stopped { ClockTrust::InDoubt } else { ClockTrust::Trusted })
}

/// An operator says that the clock is right: the sweep goes on.
pub async fn accept_clock(
    gateway: &Gateway,
    operator: &Operator,
    because: String,
) -> Result<(), Unfinished<OrderRefusal>> {
    check_order(operator, &because)?;
    let at = gateway.clock.now();
    let fact = Fact::clock_accepted(&operator.name, at, &because);
    let what = What::Sweep(SweepChange::AcceptClock { at });
    match write::entry(gateway, Entry::of(what, vec![fact])).await? {
        true => Ok(()),
        false => Err(WrongState::ClockNotInDoubt.into()),
    }
}

/// Makes a notice that is due. `false`: the case has moved meanwhile; the next walk looks again.
async fn tell_due(gateway: &Gateway, seen: &CaseClock, due: ClockDue) -> Result<bool, Failure> {
    let Some(case) = gateway.store.case(seen.referral_id).await? else { return Ok(false) };
    let file = CaseFile::open(gateway, case)?;
    let content = notice::of_case(gateway, &file, &file.folded().standing);
    let (side, cause) = (Compartment::Offender, due.cause);
    let notice = notice::new_notice(gateway, &file.keys, side, due.kind, cause, &content)?;
    let (about, facts) = (About::Referral(file.row.referral_id), file.row.facts);
    write::change(gateway, What::DueNotice(DueNotice { about, facts, notice })).await
}

/// Tells the force that its record is held.
async fn tell_hold(gateway: &Gateway, row: &HoldRow) -> Result<bool, Failure> {
    let content = NoticeContent {
        record_ref: hold::record_ref(gateway, row),
        reason: Some(codes(row)),
        evidence_ref: Some(row.hold_id),
        ..NoticeContent::of_day(london_day(row.received_at))
    };
    let keys = CaseKeys::of_hold(gateway, row)?;
    let (kind, side) = (NoticeKind::RecordHeld, Compartment::Offender);
    let notice = notice::new_notice(gateway, &keys, side, kind, row.hold_id, &content)?;
    let about = About::Hold(row.hold_id);
    write::change(gateway, What::DueNotice(DueNotice { about, facts: 0, notice })).await
}

/// What is late by the stored facts. In doubt of the clock, what only the clock says is left out.
async fn look_for_late(
    gateway: &Gateway,
    now: Timestamp,
    clock: ClockTrust,
    alerts: &mut Alerts,
) -> Result<(), Failure> {
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
    if clock == ClockTrust::InDoubt {
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
            write::change(
                gateway,
                What::Mail(MailChange::OfNotice { notice_id, mail_id, at: now }),
            )
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
) -> Result<(), Failure> {
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

/// Files of key epochs that the store names and that are missing, or are not the right ones.
pub async fn epochs_missing(gateway: &Gateway) -> Result<BTreeSet<String>, Failure> {
    Ok(gateway.vault.epochs_missing(&gateway.store.key_samples().await?))
}

/// Incidents that are open, for the operators.
pub async fn incidents(gateway: &Gateway) -> Result<Vec<Incident>, Failure> {
    Ok(gateway.store.incidents().await?)
}

/// The codes that hold a record, with blanks between.
fn codes(hold: &HoldRow) -> String {
    let mut codes: Vec<&str> = hold.causes.iter().map(|cause| cause.code.as_str()).collect();
    codes.dedup();
    codes.join(" ")
}
