//! An operator clears a hold: the record goes the full path again with the mapping that is live
//! now, perhaps with one field put right, or it goes back to the force.

use cara_domain::Compartment;
use cara_domain::correct::Correction;
use cara_domain::notice::{NoticeContent, NoticeKind};
use cara_domain::{FindingKind, Validated};
use cara_wire::api::{RecordAnswer, RecordStatus};
use uuid::Uuid;

use super::accept::Work;
use super::clearing::Clearing;
use super::prepare::{self, Bench};
use super::read::{self, Again};
use super::{Caller, Gateway, Operator, Refusal, Released, Role, cause};
use cara_clock::london_day;
use cara_store::{
    About, Cause, Entry, Fact, HeldAgain, HoldEnd, HoldRow, Known, Operation, PendingCorrection,
    What,
};

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
        self.record_consultation(
            &operator.name,
            &format!("hold {hold_id} release"),
            Some(because.clone()),
        )
        .await?;
        self.clear(operator, &row, self.clearing(operator, hold_id, because, None)).await
    }

    /// The same with one field of the record replaced. A correction that does not clear the hold
    /// changes nothing. How the offender is reached is corrected by two operators.
    pub async fn correct_hold(
        &self,
        operator: &Operator,
        hold_id: Uuid,
        (field, values): (&str, Vec<String>),
        because: String,
    ) -> Result<Released, Refusal> {
        let row = self.open_hold_for(operator, hold_id, &because).await?;
        let correction = Correction::of(field, values).map_err(Refusal::Barred)?;
        let about = format!("hold {hold_id} correct {}", correction.field());
        self.record_consultation(&operator.name, &about, Some(because.clone())).await?;
        let clearing = self.clearing(operator, hold_id, because, Some(correction));
        self.clear(operator, &row, clearing).await
    }

    fn clearing(
        &self,
        operator: &Operator,
        hold_id: Uuid,
        because: String,
        correction: Option<Correction>,
    ) -> Clearing {
        Clearing { hold_id, by: operator.name.clone(), because, at: self.clock.now(), correction }
    }

    async fn clear(
        &self,
        operator: &Operator,
        row: &HoldRow,
        mut clearing: Clearing,
    ) -> Result<Released, Refusal> {
        let hold_id = row.hold_id;
        let agreed = self.agreed(&clearing).await?;
        if let Agreed::After(first) = &agreed {
            clearing.because = format!("{} (asked first by {first})", clearing.because);
        }
        let live = self
            .live
            .named(row.force, &row.mapping.name)
            .ok_or(Refusal::WrongState { state: "held by a mapping that is no longer live" })?;
        let text = self.held_text(row)?;
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
            received_at: clearing.at,
            media_type: &row.media_type,
        };
        let rules = cause::rules(&row.causes);
        for _ in 0..ROUNDS_MAX {
            let again = match &clearing.correction {
                None => Again::Released(&rules),
                Some(correction) => Again::Corrected(&rules, correction),
            };
            let read = read::kept(&self.desk(), &live, &text, again)?;
            let mut work = Work::of(self, &caller, read);
            work.released = Some(clearing.clone());
            let known = match work.record() {
                Some(record) => self.store.look(row.force, record).await?,
                None => Known::default(),
            };
            let entry = self.clearing_entry(&bench, row, &mut work, &known).await?;
            if let Some((record, causes)) = work.still_held(hold_id) {
                if clearing.correction.is_none() {
                    self.hold_again(row, &work, causes).await?;
                }
                return Ok(Released { hold_id, record, waits_after: None });
            }
            if let (Agreed::NotYet, Some(correction)) = (&agreed, &clearing.correction) {
                self.pend(&clearing, correction).await?;
                let waits_after = Some(operator.name.clone());
                return Ok(Released { hold_id, record: still(row, &work), waits_after });
            }
            if let Some(record) = self.write_clearing(entry, &mut work).await? {
                return Ok(Released { hold_id, record, waits_after: None });
            }
            // The case has moved, or somebody else has ended the hold: then this says so.
            self.open_hold_for(operator, hold_id, &clearing.because).await?;
        }
        Err(Refusal::Unavailable { reason: "the same case keeps changing", retry_after_s: 1 })
    }

    /// A hold that was tried waits for what stops it now.
    async fn hold_again(
        &self,
        row: &HoldRow,
        work: &Work,
        causes: Vec<Cause>,
    ) -> Result<(), Refusal> {
        let mapping = work.read.live.reference.clone();
        if causes == row.causes && mapping == row.mapping {
            return Ok(());
        }
        let keys = self.vault.unwrap_keys(row.hold_id, &row.keys)?;
        let unlisted = prepare::unlisted(&self.vault, &keys, row.hold_id, &work.read)?;
        let again = HeldAgain { hold_id: row.hold_id, causes, mapping, unlisted };
        // Whoever ended it meanwhile has made this needless.
        self.change(What::HeldAgain(Box::new(again))).await.map(drop)
    }

    /// What releasing makes the store write; none: the case has it already, or it is still stopped.
    async fn clearing_entry(
        &self,
        bench: &Bench<'_>,
        row: &HoldRow,
        work: &mut Work,
        known: &Known,
    ) -> Result<Option<Entry>, Refusal> {
        let entry = match &work.read.outcome {
            Validated::Decision(_) => self.decision_entry(bench, work).await?,
            _ => self.decide(bench, work, known, true)?,
        };
        let Some(clearing) = work.released.as_ref().filter(|_| entry.is_none()) else {
            return Ok(entry);
        };
        // Equal to what is stored: nothing new is sent, and the hold has served its purpose.
        let (hold_id, end, at) = (row.hold_id, clearing.end(), clearing.at);
        let audit = vec![clearing.fact()];
        let notice = match clearing.told() {
            None => None,
            Some(told) => {
                let keys = self.vault.unwrap_keys(hold_id, &row.keys)?;
                let record_ref = work.read.outcome.record_ref().map(str::to_owned);
                let said = NoticeContent { record_ref, ..told };
                Some((About::Hold(hold_id), self.notice_of_correction(&keys, &said)?))
            }
        };
        Ok(Some(Entry { notice, ..Entry::of(What::EndHold { hold_id, end, at }, audit) }))
    }

    /// `None`: the case has moved meanwhile, or somebody else ended the hold; look again.
    async fn write_clearing(
        &self,
        entry: Option<Entry>,
        work: &mut Work,
    ) -> Result<Option<RecordAnswer>, Refusal> {
        let Some(entry) = entry else { return Ok(None) };
        let same = work.answer.take();
        if !self.write_raced(entry).await? {
            return Ok(None);
        }
        self.letters_wake.notify_one();
        Ok(same.or_else(|| work.answer_pending()))
    }

    /// Whether a correction may be carried out by this operator alone.
    async fn agreed(&self, clearing: &Clearing) -> Result<Agreed, Refusal> {
        let Some(correction) = clearing.correction.as_ref().filter(|it| it.is_contact()) else {
            return Ok(Agreed::Alone);
        };
        if !self.forces.second_operator {
            return Ok(Agreed::Alone);
        }
        let digest = self.correction_digest(clearing.hold_id, correction);
        let waiting = self.store.pending_correction(clearing.hold_id).await?;
        let asked = waiting.filter(|it| it.digest == digest && it.by != clearing.by);
        Ok(asked.map_or(Agreed::NotYet, |it| Agreed::After(it.by)))
    }

    async fn pend(&self, clearing: &Clearing, correction: &Correction) -> Result<(), Refusal> {
        let (hold_id, field) = (clearing.hold_id, correction.field());
        let fact = Fact {
            about: format!("hold {hold_id} correction of {field} waits for a second operator"),
            ..clearing.fact()
        };
        let pending = PendingCorrection {
            hold_id,
            field: field.into_owned(),
            digest: self.correction_digest(hold_id, correction),
            by: clearing.by.clone(),
            at: clearing.at,
            because: clearing.because.clone(),
        };
        self.write_one(Entry::of(What::PendCorrection(pending), vec![fact])).await
    }

    /// Gives a held record back to the force, which is told: it is the force's to mend and send
    /// again.
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
            to: Some(self.forces.of(row.force).slug.clone()),
            note: Some(because),
        }];
        let content = NoticeContent {
            record_ref: self.record_ref_of_hold(&row),
            reason: Some(codes_and_fields(&row.causes)),
            evidence_ref: Some(hold_id),
            ..NoticeContent::of_day(london_day(at))
        };
        let keys = self.vault.unwrap_keys(hold_id, &row.keys)?;
        let kind = NoticeKind::RecordReturned;
        let notice = self.new_notice(&keys, Compartment::Offender, kind, hold_id, &content)?;
        let what = What::EndHold { hold_id, end: HoldEnd::Returned, at };
        let notice = Some((About::Hold(hold_id), notice));
        self.write_one(Entry { notice, ..Entry::of(what, audit) }).await?;
        self.letters_wake.notify_one();
        Ok(())
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
        let state = match row.ended {
            None => return Ok(row),
            Some((HoldEnd::Released, _)) => "already released",
            Some((HoldEnd::Corrected, _)) => "already corrected",
            Some((HoldEnd::Returned, _)) => "already returned",
            Some((HoldEnd::Superseded, _)) => "superseded by a later good record",
            Some((HoldEnd::Withdrawn, _)) => "withdrawn by the force",
        };
        Err(Refusal::WrongState { state })
    }
}

/// Whether an operator may carry out a correction.
enum Agreed {
    /// It needs nobody else.
    Alone,
    /// This one asked for the same before.
    After(String),
    /// Nobody else has asked for the same.
    NotYet,
}

/// What is answered while a correction waits: the hold as it stands.
fn still(row: &HoldRow, work: &Work) -> RecordAnswer {
    let (flags, causes): (Vec<&Cause>, Vec<&Cause>) =
        row.causes.iter().partition(|cause| cause.kind == FindingKind::Flag);
    RecordAnswer {
        record_ref: work.read.outcome.record_ref().map(str::to_owned),
        referral_id: None,
        hold_id: Some(row.hold_id),
        revision: None,
        decision_id: None,
        status: RecordStatus::Held,
        violations: causes.into_iter().map(read::view).collect(),
        flags: flags.into_iter().map(read::view).collect(),
    }
}

/// `V101:caution.deadline V201:offender.sex`: the published codes that hold a record, each with its
/// field where it has one.
fn codes_and_fields(causes: &[Cause]) -> String {
    let mut said: Vec<String> = Vec::new();
    for cause in cause::stopping(causes) {
        let one = match cause.field.as_str() {
            "" => cause.code.clone(),
            field => format!("{}:{field}", cause.code),
        };
        if !said.contains(&one) {
            said.push(one);
        }
    }
    said.join(" ")
}
