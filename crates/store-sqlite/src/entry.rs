//! What an entry makes the writer do. Everything here runs inside one savepoint.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::civil::Date;
use uuid::Uuid;

use super::Sqlite;
use super::step::{Prepared, Step, StepEnd};
use super::transaction::{Added, StepFailure, Transaction};
use cara_store::{About, Entry, Fact, ForceNumber, GATEWAY, NotWritten, Receipt, What};

impl cara_store::Entries for Sqlite {
    fn write(&self, entries: Vec<Entry>) -> BoxFuture<'_, Vec<Result<Receipt, NotWritten>>> {
        async move {
            let steps =
                entries.into_iter().map(|entry| Step::Entry(Box::new(Prepared::from_entry(entry))));
            let results = self.carry_out(steps.collect()).await;
            let committed_at = self.clock.now();
            let receipt = |outcome| match outcome {
                StepEnd::Written { entry_id } => Receipt { entry_id, committed_at },
                StepEnd::Settled | StepEnd::Lost | StepEnd::Carried | StepEnd::Resent { .. } => {
                    unreachable!("an entry ends as written")
                }
            };
            results.into_iter().map(|result| result.map(receipt)).collect()
        }
        .boxed()
    }

    fn grown(&self, force: ForceNumber, day: Date) -> u64 {
        self.growth.on(force, day)
    }
}

impl Transaction<'_> {
    /// Carries out one entry; says how many outbox rows it added and from which revision row.
    pub fn entry(&mut self, prepared: &Prepared) -> Result<(StepEnd, Option<Added>), StepFailure> {
        let entry = &prepared.entry;
        let mut added = None;
        if let Some((About::Hold(hold_id), notice)) = &entry.notice {
            self.hold_notice(*hold_id, notice)?;
        }
        if let Some((hold_id, end)) = entry.clear_hold {
            self.end_hold(hold_id, end, self.now)?;
        }
        let entry_id = match &entry.what {
            What::Revision(revision) => {
                added = Some(self.revision(revision, &prepared.causes)?);
                revision.referral_id
            }
            What::Hold(hold) => {
                self.hold(hold, &prepared.causes)?;
                hold.hold_id
            }
            What::EndHold { hold_id, end, at } => {
                self.end_hold(*hold_id, *end, *at)?;
                *hold_id
            }
            What::Outcome(outcome) => {
                added = self.outcome(outcome)?;
                outcome.outcome_id
            }
            What::Decision(decision) => {
                added = self.decision(decision)?;
                decision.decision_id
            }
            What::TakeOver { notice_id, at } => {
                self.take_over(*notice_id, *at)?;
                *notice_id
            }
            What::DueNotice(due) => noted(self.due_notice(due))?,
            What::HeldAgain(again) => noted(self.held_again(again))?,
            What::PendCorrection(pending) => noted(self.pend_correction(pending))?,
            What::PendPlan(pending) => noted(self.pend_plan(pending))?,
            What::Letter(change) => noted(self.letter(change))?,
            What::Endpoint(change) => noted(self.endpoint(change))?,
            What::Incident(change) => noted(self.incident(change))?,
            What::Mail(change) => noted(self.mail(change))?,
            What::Sweep(change) => noted(self.sweep(change))?,
            What::Reconciled(reconciled) => noted(self.reconciled(reconciled))?,
            What::BindKey(key) => noted(self.bind_key(key))?,
            What::Nothing { entry_id } => *entry_id,
        };
        if let Some((About::Referral(referral_id), notice)) = &entry.notice {
            self.notice(self.referral_row(*referral_id)?, notice)?;
        }
        self.facts(&prepared.facts)?;
        if let Some((record, end)) = entry.close_holds {
            let by = entry.audit.first().map_or(GATEWAY, Fact::by);
            self.close_holds((record, end), entry_id, by)?;
        }
        Ok((StepEnd::Written { entry_id }, added))
    }
}

/// What has no id of its own.
fn noted(done: Result<(), StepFailure>) -> Result<Uuid, StepFailure> {
    done.map(|()| Uuid::nil())
}
