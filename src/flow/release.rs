//! An operator clears a hold: the record goes the full path again with the mapping that is live
//! now, or it goes back to the force.

use cara_record::domain::Validated;
use uuid::Uuid;

use super::accept::Work;
use super::prepare::Bench;
use super::{Caller, Gateway, Operator, Refusal, Released, Role, read};
use crate::store::{Entry, Fact, HoldEnd, HoldRow, Operation, What};

/// A release that keeps losing its race is given back after this many tries.
const ROUNDS_MAX: usize = 4;

impl Gateway {
    /// Sends a held record along the full path. Whatever still stops it keeps it held; what a
    /// person may decide (a rule of the force, a record that may be stale) no longer does.
    pub async fn release(
        &self,
        operator: &Operator,
        hold_id: Uuid,
        because: String,
    ) -> Result<Released, Refusal> {
        let row = self.open_hold_for(operator, hold_id, &because).await?;
        self.record_consultation(&operator.name, &format!("hold {hold_id} release"), Some(because))
            .await?;
        let live = self
            .live
            .named(row.force, &row.mapping.name)
            .ok_or(Refusal::WrongState { state: "the mapping that held it is no longer live" })?;
        let text = self.held_text(&row)?;
        let caller = Caller {
            identity: operator.name.clone(),
            forces: vec![row.force],
            test: row.test_data,
            victims: operator.victims,
        };
        let bench = Bench {
            vault: &self.vault,
            clock: &self.clock,
            caller: &caller,
            received_at: self.clock.now(),
            media_type: &row.media_type,
        };
        for _ in 0..ROUNDS_MAX {
            let read = read::kept(&self.desk(), &live, &text, true)?;
            let mut work = Work::of(self, &caller, read);
            work.released = Some(hold_id);
            let known = match work.record() {
                Some(record) => self.store.look(row.force, record).await?,
                None => crate::store::Known::default(),
            };
            if let Some(record) = self.release_once(&bench, &mut work, &known, hold_id).await? {
                return Ok(Released { hold_id, record });
            }
        }
        Err(Refusal::Unavailable { reason: "the same case keeps changing", retry_after_s: 1 })
    }

    async fn release_once(
        &self,
        bench: &Bench<'_>,
        work: &mut Work,
        known: &crate::store::Known,
        hold_id: Uuid,
    ) -> Result<Option<cara_record::wire::api::RecordAnswer>, Refusal> {
        let entry = match &work.read.outcome {
            Validated::Decision(_) => self.decision_entry(bench, work).await?,
            _ => self.decide(bench, work, known, true)?,
        };
        if let Some(held) = work.still_held(hold_id) {
            return Ok(Some(held));
        }
        let Some(entry) = entry else {
            // Equal to what is stored: nothing new is sent, and the hold has served its purpose.
            let what = What::EndHold { hold_id, end: HoldEnd::Released, at: bench.received_at };
            let fact = self.fact_of(bench.caller, hold_id);
            self.write_one(Entry {
                what,
                release_hold: None,
                close_holds: None,
                audit: vec![fact],
            })
            .await?;
            return Ok(work.answer.take());
        };
        let result = self.store.write(vec![entry]).await.pop();
        let result =
            result.ok_or(Refusal::Internal(anyhow::anyhow!("the store gave no answer")))?;
        work.settle(result)?;
        Ok(work.answer.take())
    }

    /// Gives a held record back to the force: it is the force's to mend and send again.
    pub async fn return_hold(
        &self,
        operator: &Operator,
        hold_id: Uuid,
        because: String,
    ) -> Result<(), Refusal> {
        let row = self.open_hold_for(operator, hold_id, &because).await?;
        let at = self.clock.now();
        let audit = vec![Fact {
            operation: Operation::Alteration,
            by: operator.name.clone(),
            at,
            about: format!("hold {hold_id} returned"),
            to: Some(self.forces.of(row.force)?.slug.clone()),
            note: Some(because),
        }];
        let what = What::EndHold { hold_id, end: HoldEnd::Returned, at };
        self.write_one(Entry::of(what, audit)).await
    }

    async fn open_hold_for(
        &self,
        operator: &Operator,
        hold_id: Uuid,
        because: &str,
    ) -> Result<HoldRow, Refusal> {
        if operator.role < Role::Operate {
            return Err(Refusal::Forbidden);
        }
        if because.trim().is_empty() {
            return Err(Refusal::Parameter { name: "because" });
        }
        let row = self.store.hold(hold_id).await?.ok_or(Refusal::Absent)?;
        match row.ended {
            None => Ok(row),
            Some((HoldEnd::Released, _)) => Err(Refusal::WrongState { state: "already released" }),
            Some((HoldEnd::Returned, _)) => Err(Refusal::WrongState { state: "already returned" }),
            Some((HoldEnd::Superseded, _)) => {
                Err(Refusal::WrongState { state: "superseded by a later good record" })
            }
            Some((HoldEnd::Withdrawn, _)) => {
                Err(Refusal::WrongState { state: "the force withdrew the case" })
            }
        }
    }

    fn fact_of(&self, caller: &Caller, hold_id: Uuid) -> Fact {
        Fact {
            operation: Operation::Alteration,
            by: caller.identity.clone(),
            at: self.clock.now(),
            about: format!("hold {hold_id} released"),
            to: None,
            note: None,
        }
    }
}
