//! The store's contract, carried out by the writer, the readers and the claims.

use cara_domain::Compartment;
use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use jiff::civil::Date;
use tokio::sync::{Notify, oneshot};
use uuid::Uuid;

use super::step::{Outcome, Prepared, Step, json, texts};
use super::writer::{Command, STOPPING};
use super::{Sqlite, case, epoch, harm, hold, pending, plan, push, read, sweep};
use cara_store::{
    AuditHead, AuditRow, Backlog, BoundKey, Case, CasePage, Day, Digest, EndpointState, Entry,
    Error, Fact, ForceCode, HoldFilter, HoldRow, Incident, KeptPlace, KeptRaw, KeyIndex, Known,
    Late, LateBefore, Lease, Leased, Mail, NoticeFilter, NoticeRow, Paused, PendingCorrection,
    PendingPlan, PlanNumber, PlanVersion, PushRow, PushState, PushTroubles, Receipt, Reconciled,
    RecordIndex, ReferralRow, Refused, Route, Scrubbed, Settled, Store, Sweep,
};
use cara_vault::WrappedKeys;

/// Outcomes that one read looks for.
const OUTCOMES_AT_ONCE: usize = 1_000;

impl Store for Sqlite {
    fn look(&self, force: ForceCode, record: RecordIndex) -> BoxFuture<'_, Result<Known, Error>> {
        self.read(move |connection| {
            read::in_snapshot(connection, |connection| read::look(connection, force, record))
        })
        .boxed()
    }

    fn write(&self, entries: Vec<Entry>) -> BoxFuture<'_, Vec<Result<Receipt, Refused>>> {
        async move {
            let steps =
                entries.into_iter().map(|entry| Step::Entry(Box::new(Prepared::from_entry(entry))));
            let results = self.carry_out(steps.collect()).await;
            let committed_at = self.clock.now();
            let receipt = |outcome| match outcome {
                Outcome::Written { entry_id } => Receipt { entry_id, committed_at },
                Outcome::Settled | Outcome::Lost | Outcome::Carried | Outcome::Resent { .. } => {
                    unreachable!("an entry ends as written")
                }
            };
            results.into_iter().map(|result| result.map(receipt)).collect()
        }
        .boxed()
    }

    fn grown(&self, force: ForceCode, day: jiff::civil::Date) -> u64 {
        self.growth.on(force, day)
    }

    fn bound_key(
        &self,
        force: ForceCode,
        key: KeyIndex,
    ) -> BoxFuture<'_, Result<Option<BoundKey>, Error>> {
        self.read(move |connection| read::bound_key(connection, force, key)).boxed()
    }

    fn referral(&self, referral_id: Uuid) -> BoxFuture<'_, Result<Option<ReferralRow>, Error>> {
        self.read(move |connection| {
            read::in_snapshot(connection, |connection| read::referral(connection, referral_id))
        })
        .boxed()
    }

    fn case(&self, referral_id: Uuid) -> BoxFuture<'_, Result<Option<Case>, Error>> {
        self.read(move |connection| {
            read::in_snapshot(connection, |connection| case::case(connection, referral_id))
        })
        .boxed()
    }

    fn has_outcome(&self, outcome_id: Uuid) -> BoxFuture<'_, Result<bool, Error>> {
        self.read(move |connection| case::has_outcome(connection, outcome_id)).boxed()
    }

    fn notices(
        &self,
        filter: NoticeFilter,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<NoticeRow>, Error>> {
        self.read(move |connection| case::notices(connection, &filter, limit)).boxed()
    }

    fn notice(&self, notice_id: Uuid) -> BoxFuture<'_, Result<Option<NoticeRow>, Error>> {
        self.read(move |connection| case::notice(connection, notice_id)).boxed()
    }

    fn hold(&self, hold_id: Uuid) -> BoxFuture<'_, Result<Option<HoldRow>, Error>> {
        self.read(move |connection| hold::one(connection, hold_id)).boxed()
    }

    fn open_hold(
        &self,
        force: ForceCode,
        bytes: Digest,
    ) -> BoxFuture<'_, Result<Option<Uuid>, Error>> {
        self.read(move |connection| hold::open(connection, force, bytes)).boxed()
    }

    fn holds(
        &self,
        filter: HoldFilter,
        after: Option<Uuid>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<HoldRow>, Error>> {
        self.read(move |connection| hold::list(connection, &filter, after, limit)).boxed()
    }

    fn claim(
        &self,
        route: Route,
        limit: usize,
        lease_s: u32,
    ) -> BoxFuture<'_, Result<Vec<Result<Leased, Lease>>, Error>> {
        if self.harm.reason() == Some(harm::READ_ONLY) {
            // What could not be settled would be sent again and again.
            return std::future::ready(Ok(Vec::new())).boxed();
        }
        let (claims, clock) = (Arc::clone(&self.claims), self.clock.clone());
        let (wake, harm) = (Arc::clone(&self.wake), Arc::clone(&self.harm));
        self.read(move |connection| {
            let picked = claims.pick(connection, &clock, &route, limit, lease_s)?;
            if picked.unfinished {
                wake.notify_waiters();
            }
            let mut rows = Vec::with_capacity(picked.leases.len());
            for lease in &picked.leases {
                match pending::leased(connection, lease) {
                    Ok(row) => rows.extend(row.map(Ok)),
                    Err(error) if harm::is_damage(&error) || harm::is_of_one_row(&error) => {
                        harm.weigh(&error, "outbox");
                        rows.push(Err(lease.clone()));
                    }
                    Err(error) => {
                        claims.release(&picked.leases);
                        return Err(error);
                    }
                }
            }
            Ok(rows)
        })
        .boxed()
    }

    fn settle(&self, outcomes: Vec<(Lease, Settled)>) -> BoxFuture<'_, Result<Vec<bool>, Error>> {
        async move {
            let steps = outcomes.into_iter().map(|(lease, settled)| {
                let disclosure = match &settled {
                    Settled::Done { disclosure, .. } => Some(json(&**disclosure)),
                    Settled::Retry { .. } => None,
                };
                Step::Settle { lease, settled, disclosure }
            });
            let results = self.carry_out(steps.collect()).await;
            let answers = results.into_iter().map(|result| match result {
                Ok(outcome) => Ok(outcome == Outcome::Settled),
                Err(Refused::Unavailable { reason }) => Err(Error::Unavailable { reason }),
                Err(fault @ Refused::Fault { .. }) => Err(Error::Backend(Box::new(fault))),
                Err(Refused::Conflict) => Ok(false),
            });
            answers.collect()
        }
        .boxed()
    }

    fn resend(
        &self,
        provider: String,
        since: Timestamp,
        until: Timestamp,
        audit: Fact,
    ) -> BoxFuture<'_, Result<u64, Error>> {
        async move {
            let (mut resent, mut after) = (0, 0);
            let mut fact = Some(json(&audit));
            // In chunks, so that other work gets its turn; nothing confirmed after the call counts,
            // so what goes out meanwhile is not taken again.
            loop {
                let (provider, fact) = (provider.clone(), fact.take());
                let step = Step::Resend { provider, since, until, after, fact };
                match self.carry_out(VecDeque::from([step])).await.pop() {
                    Some(Ok(Outcome::Resent { rows, next })) => {
                        resent += rows;
                        match next {
                            Some(next) => after = next,
                            None => return Ok(resent),
                        }
                    }
                    Some(Err(Refused::Unavailable { reason })) => {
                        return Err(Error::Unavailable { reason });
                    }
                    Some(Err(fault @ Refused::Fault { .. })) => {
                        return Err(Error::Backend(Box::new(fault)));
                    }
                    Some(Ok(_) | Err(Refused::Conflict)) | None => {
                        return Err(Error::Unavailable { reason: STOPPING });
                    }
                }
            }
        }
        .boxed()
    }

    fn cases_on_clock(&self, after: i64, limit: usize) -> BoxFuture<'_, Result<CasePage, Error>> {
        self.read(move |connection| sweep::cases(connection, after, limit)).boxed()
    }

    fn untold_holds(&self, before: Timestamp) -> BoxFuture<'_, Result<Vec<HoldRow>, Error>> {
        self.read(move |connection| sweep::untold_holds(connection, before)).boxed()
    }

    fn late(&self, before: LateBefore) -> BoxFuture<'_, Result<Late, Error>> {
        self.read(move |connection| {
            read::in_snapshot(connection, |connection| sweep::late(connection, &before))
        })
        .boxed()
    }

    fn last_heard(&self, force: ForceCode) -> BoxFuture<'_, Result<Option<Date>, Error>> {
        self.read(move |connection| sweep::last_heard(connection, force)).boxed()
    }

    fn incidents(&self) -> BoxFuture<'_, Result<Vec<Incident>, Error>> {
        self.read(sweep::incidents).boxed()
    }

    fn sweep(&self) -> BoxFuture<'_, Result<Option<Sweep>, Error>> {
        self.read(sweep::state).boxed()
    }

    fn mails(&self, now: Timestamp, limit: usize) -> BoxFuture<'_, Result<Vec<Mail>, Error>> {
        self.read(move |connection| sweep::mails(connection, now, limit)).boxed()
    }

    fn pushes(
        &self,
        force: ForceCode,
        now: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<PushRow>, Error>> {
        let harm = Arc::clone(&self.harm);
        self.read(move |connection| push::due(connection, &harm, force, now, limit)).boxed()
    }

    fn pushes_waiting(&self, force: ForceCode) -> BoxFuture<'_, Result<u64, Error>> {
        self.read(move |connection| push::waiting(connection, force)).boxed()
    }

    fn push_state(&self, notice_id: Uuid) -> BoxFuture<'_, Result<Option<PushState>, Error>> {
        self.read(move |connection| push::state(connection, notice_id)).boxed()
    }

    fn endpoint(&self, force: ForceCode) -> BoxFuture<'_, Result<EndpointState, Error>> {
        self.read(move |connection| push::endpoint(connection, force)).boxed()
    }

    fn push_troubles(&self, before: Timestamp) -> BoxFuture<'_, Result<PushTroubles, Error>> {
        self.read(move |connection| push::troubles(connection, before)).boxed()
    }

    fn next_notice(&self, filter: NoticeFilter) -> BoxFuture<'_, Result<Option<NoticeRow>, Error>> {
        self.read(move |connection| case::next_notice(connection, &filter)).boxed()
    }

    fn reconciled(
        &self,
        provider: String,
        side: Compartment,
        day: Date,
    ) -> BoxFuture<'_, Result<Option<Reconciled>, Error>> {
        self.read(move |connection| sweep::reconciled(connection, &provider, side, day)).boxed()
    }

    fn paused(&self) -> BoxFuture<'_, Result<Vec<Paused>, Error>> {
        self.read(sweep::paused).boxed()
    }

    fn exchanged(
        &self,
        provider: String,
        side: Compartment,
        day: Date,
    ) -> BoxFuture<'_, Result<Vec<(Uuid, bool)>, Error>> {
        async move {
            let (mut all, mut place) = (Vec::new(), Some(sweep::DayPlace::START));
            // In chunks, so that other readers get their turn.
            while let Some(at) = place {
                let provider = provider.clone();
                let page = self
                    .read(move |connection| sweep::exchanged(connection, &provider, side, day, at));
                let (found, next) = page.await?;
                all.extend(found);
                place = next;
            }
            Ok(all)
        }
        .boxed()
    }

    fn absent_outcomes(&self, outcomes: Vec<Uuid>) -> BoxFuture<'_, Result<Vec<Uuid>, Error>> {
        async move {
            let mut absent = Vec::new();
            for chunk in outcomes.chunks(OUTCOMES_AT_ONCE) {
                let chunk = chunk.to_vec();
                let page = self.read(move |connection| sweep::absent_outcomes(connection, &chunk));
                absent.extend(page.await?);
            }
            Ok(absent)
        }
        .boxed()
    }

    fn oldest_waiting(&self, provider: String) -> BoxFuture<'_, Result<Option<Timestamp>, Error>> {
        self.read(move |connection| pending::oldest_of(connection, &provider)).boxed()
    }

    fn key_samples(&self) -> BoxFuture<'_, Result<Vec<(Uuid, WrappedKeys)>, Error>> {
        self.read(epoch::samples).boxed()
    }

    fn wake(&self) -> Arc<Notify> {
        Arc::clone(&self.wake)
    }

    fn backlog(&self) -> BoxFuture<'_, Result<Backlog, Error>> {
        async move {
            let oldest = self.read(pending::oldest).await?;
            Ok(Backlog { rows: self.claims.rows(), oldest })
        }
        .boxed()
    }

    fn day(&self, force: ForceCode, test: bool, day: Date) -> BoxFuture<'_, Result<Day, Error>> {
        self.read(move |connection| {
            read::in_snapshot(connection, |connection| read::day(connection, force, test, day))
        })
        .boxed()
    }

    fn audit_rows(&self, after: u64, limit: usize) -> BoxFuture<'_, Result<Vec<AuditRow>, Error>> {
        self.read(move |connection| read::audit_rows(connection, after, limit)).boxed()
    }

    fn audit_head(&self) -> BoxFuture<'_, Result<Option<AuditHead>, Error>> {
        self.read(read::audit_head).boxed()
    }

    fn plan_versions(&self) -> BoxFuture<'_, Result<Vec<PlanVersion>, Error>> {
        self.read(plan::newest).boxed()
    }

    fn plan_history(&self, force: ForceCode) -> BoxFuture<'_, Result<Vec<PlanVersion>, Error>> {
        self.read(move |connection| plan::history(connection, force)).boxed()
    }

    fn pending_plan(
        &self,
        force: ForceCode,
        name: String,
    ) -> BoxFuture<'_, Result<Option<PendingPlan>, Error>> {
        self.read(move |connection| plan::pending(connection, force, &name)).boxed()
    }

    fn pending_correction(
        &self,
        hold_id: Uuid,
    ) -> BoxFuture<'_, Result<Option<PendingCorrection>, Error>> {
        self.read(move |connection| hold::pending(connection, hold_id)).boxed()
    }

    fn plan_numbers(&self) -> BoxFuture<'_, Result<Vec<PlanNumber>, Error>> {
        self.read(plan::numbers).boxed()
    }

    fn plan_version(
        &self,
        number: PlanNumber,
    ) -> BoxFuture<'_, Result<Option<PlanVersion>, Error>> {
        self.read(move |connection| plan::one(connection, &number)).boxed()
    }

    fn kept_raws(
        &self,
        force: ForceCode,
        mapping: String,
        before: Option<KeptPlace>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<KeptRaw>, Error>> {
        self.read(move |connection| plan::kept_raws(connection, force, &mapping, before, limit))
            .boxed()
    }

    fn kept_holds(
        &self,
        force: ForceCode,
        mapping: String,
        before: Option<Uuid>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<HoldRow>, Error>> {
        self.read(move |connection| plan::kept_holds(connection, force, &mapping, before, limit))
            .boxed()
    }

    fn kept_count(
        &self,
        force: ForceCode,
        mapping: String,
        at_most: usize,
    ) -> BoxFuture<'_, Result<u64, Error>> {
        self.read(move |connection| plan::kept_count(connection, force, &mapping, at_most)).boxed()
    }

    fn activate_plan(
        &self,
        version: PlanVersion,
        audit: Vec<Fact>,
    ) -> BoxFuture<'_, Result<Result<(), Refused>, Error>> {
        let step = Step::Activate { version: Box::new(version), facts: texts(&audit) };
        self.carry_out_one(step).boxed()
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), Error>> {
        async move {
            match self.carry_out_one(Step::Probe).await? {
                Ok(()) => Ok(()),
                Err(_) => Err(Error::Inconsistent { table: "probe", what: "it has no row" }),
            }
        }
        .boxed()
    }

    fn scrub(&self) -> BoxFuture<'_, Result<Scrubbed, Error>> {
        self.scrub_turn().boxed()
    }

    fn poison(&self) -> Option<&'static str> {
        self.poisoned.get().copied()
    }

    fn close(&self) -> BoxFuture<'_, Result<(), Error>> {
        async move {
            // Read snapshots would keep the checkpoint from emptying the log; reads are ended first.
            self.readers.close();
            let Some(commands) = self.commands() else { return Ok(()) };
            let (reply, answer) = oneshot::channel();
            let sent = commands.send(Command::Close(reply)).await;
            drop(commands);
            let closed = match sent {
                Ok(()) => answer.await,
                // The writer has ended already.
                Err(_) => Ok(Ok(())),
            };
            self.end();
            match closed {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) => Err(Error::Backend(Box::new(error))),
                Err(_) => Err(Error::Unavailable { reason: STOPPING }),
            }
        }
        .boxed()
    }
}
