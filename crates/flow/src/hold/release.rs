//! An operator clears a hold: the record goes the full path again with the mapping that is live
//! now, perhaps with one field put right, or it goes back to the force.

use cara_domain::Compartment;
use cara_domain::correct::Correction;
use cara_domain::notice::{NoticeContent, NoticeKind};
use cara_domain::{FindingKind, Validated};
use cara_wire::api::{RecordAnswer, RecordStatus};
use uuid::Uuid;

use crate::case::consult;
use crate::clock::sweep;
use crate::hold::Released;
use crate::hold::cause;
use crate::hold::clearing;
use crate::hold::clearing::Clearing;
use crate::notice;
use crate::record::accept;
use crate::record::accept::Work;
use crate::record::prepare::{self, Bench};
use crate::record::read::{self, Again};
use crate::{Caller, Gateway, Operator, Refusal, Role};
use cara_clock::london_day;
use cara_store::{
    About, Cause, Entry, Fact, HeldAgain, HoldEnd, HoldRow, Known, Operation, PendingCorrection,
    What,
};

/// A release that keeps losing its race is given back after this many tries.
const ROUNDS_MAX: usize = 4;

/// Sends a held record along the full path. Whatever still stops it keeps it held; what a
/// person may decide (a rule of the force, a record that may be stale) no longer does.
pub async fn release(
    gateway: &Gateway,
    operator: &Operator,
    hold_id: Uuid,
    because: String,
) -> Result<Released, Refusal> {
    let row = open_hold_for(gateway, operator, hold_id, &because).await?;
    consult::record_consultation(
        gateway,
        &operator.name,
        &format!("hold {hold_id} release"),
        Some(because.clone()),
    )
    .await?;
    clear(gateway, operator, &row, clearing(gateway, operator, hold_id, because, None)).await
}

/// The same with one field of the record replaced. A correction that does not clear the hold
/// changes nothing. How the offender is reached is corrected by two operators.
pub async fn correct_hold(
    gateway: &Gateway,
    operator: &Operator,
    hold_id: Uuid,
    (field, values): (&str, Vec<String>),
    because: String,
) -> Result<Released, Refusal> {
    let row = open_hold_for(gateway, operator, hold_id, &because).await?;
    let correction = Correction::of(field, values).map_err(Refusal::Barred)?;
    let about = format!("hold {hold_id} correct {}", correction.field());
    consult::record_consultation(gateway, &operator.name, &about, Some(because.clone())).await?;
    let clearing = clearing(gateway, operator, hold_id, because, Some(correction));
    clear(gateway, operator, &row, clearing).await
}

fn clearing(
    gateway: &Gateway,
    operator: &Operator,
    hold_id: Uuid,
    because: String,
    correction: Option<Correction>,
) -> Clearing {
    Clearing { hold_id, by: operator.name.clone(), because, at: gateway.clock.now(), correction }
}

async fn clear(
    gateway: &Gateway,
    operator: &Operator,
    row: &HoldRow,
    mut clearing: Clearing,
) -> Result<Released, Refusal> {
    let hold_id = row.hold_id;
    let agreed = agreed(gateway, &clearing).await?;
    if let Agreed::After(first) = &agreed {
        clearing.because = format!("{} (asked first by {first})", clearing.because);
    }
    let live = gateway
        .live
        .named(row.force, &row.mapping.name)
        .ok_or(Refusal::WrongState { state: "held by a mapping that is no longer live" })?;
    let text = consult::held_text(gateway, row)?;
    let caller = Caller {
        identity: operator.name.clone(),
        forces: vec![row.force],
        test: row.test_data,
        victims: operator.victims,
    };
    let bench = Bench {
        vault: &gateway.vault,
        clock: &gateway.clock,
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
        let read = read::kept(&accept::desk(gateway), &live, &text, again)?;
        let mut work = Work::of(gateway, &caller, read);
        work.released = Some(clearing.clone());
        let known = match work.record() {
            Some(record) => gateway.store.look(row.force, record).await?,
            None => Known::default(),
        };
        let entry = clearing_entry(gateway, &bench, row, &mut work, &known).await?;
        if let Some((record, causes)) = work.still_held(hold_id) {
            if clearing.correction.is_none() {
                hold_again(gateway, row, &work, causes).await?;
            }
            return Ok(Released { hold_id, record, waits_after: None });
        }
        if let (Agreed::NotYet, Some(correction)) = (&agreed, &clearing.correction) {
            pend(gateway, &clearing, correction).await?;
            let waits_after = Some(operator.name.clone());
            return Ok(Released { hold_id, record: still(row, &work), waits_after });
        }
        if let Some(record) = write_clearing(gateway, entry, &mut work).await? {
            return Ok(Released { hold_id, record, waits_after: None });
        }
        // The case has moved, or somebody else has ended the hold: then this says so.
        open_hold_for(gateway, operator, hold_id, &clearing.because).await?;
    }
    Err(Refusal::Unavailable { reason: "the same case keeps changing", retry_after_s: 1 })
}

/// A hold that was tried waits for what stops it now.
async fn hold_again(
    gateway: &Gateway,
    row: &HoldRow,
    work: &Work,
    causes: Vec<Cause>,
) -> Result<(), Refusal> {
    let mapping = work.read.live.reference.clone();
    if causes == row.causes && mapping == row.mapping {
        return Ok(());
    }
    let keys = gateway.vault.unwrap_keys(row.hold_id, &row.keys)?;
    let unlisted = prepare::unlisted(&gateway.vault, &keys, row.hold_id, &work.read)?;
    let again = HeldAgain { hold_id: row.hold_id, causes, mapping, unlisted };
    // Whoever ended it meanwhile has made this needless.
    sweep::change(gateway, What::HeldAgain(Box::new(again))).await.map(drop)
}

/// What releasing makes the store write; none: the case has it already, or it is still stopped.
async fn clearing_entry(
    gateway: &Gateway,
    bench: &Bench<'_>,
    row: &HoldRow,
    work: &mut Work,
    known: &Known,
) -> Result<Option<Entry>, Refusal> {
    let entry = match &work.read.outcome {
        Validated::Decision(_) => accept::decision_entry(gateway, bench, work).await?,
        _ => accept::decide(gateway, bench, work, known, true)?,
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
            let keys = gateway.vault.unwrap_keys(hold_id, &row.keys)?;
            let record_ref = work.read.outcome.record_ref().map(str::to_owned);
            let said = NoticeContent { record_ref, ..told };
            Some((About::Hold(hold_id), clearing::notice_of_correction(gateway, &keys, &said)?))
        }
    };
    Ok(Some(Entry { notice, ..Entry::of(What::EndHold { hold_id, end, at }, audit) }))
}

/// `None`: the case has moved meanwhile, or somebody else ended the hold; look again.
async fn write_clearing(
    gateway: &Gateway,
    entry: Option<Entry>,
    work: &mut Work,
) -> Result<Option<RecordAnswer>, Refusal> {
    let Some(entry) = entry else { return Ok(None) };
    let same = work.answer.take();
    if !consult::write_raced(gateway, entry).await? {
        return Ok(None);
    }
    gateway.letters_wake.notify_one();
    Ok(same.or_else(|| work.answer_pending()))
}

/// Whether a correction may be carried out by this operator alone.
async fn agreed(gateway: &Gateway, clearing: &Clearing) -> Result<Agreed, Refusal> {
    let Some(correction) = clearing.correction.as_ref().filter(|it| it.is_contact()) else {
        return Ok(Agreed::Alone);
    };
    if !gateway.forces.second_operator {
        return Ok(Agreed::Alone);
    }
    let digest = clearing::correction_digest(gateway, clearing.hold_id, correction);
    let waiting = gateway.store.pending_correction(clearing.hold_id).await?;
    let asked = waiting.filter(|it| it.digest == digest && it.by != clearing.by);
    Ok(asked.map_or(Agreed::NotYet, |it| Agreed::After(it.by)))
}

async fn pend(
    gateway: &Gateway,
    clearing: &Clearing,
    correction: &Correction,
) -> Result<(), Refusal> {
    let (hold_id, field) = (clearing.hold_id, correction.field());
    let fact = Fact {
        about: format!("hold {hold_id} correction of {field} waits for a second operator"),
        ..clearing.fact()
    };
    let pending = PendingCorrection {
        hold_id,
        field: field.into_owned(),
        digest: clearing::correction_digest(gateway, hold_id, correction),
        by: clearing.by.clone(),
        at: clearing.at,
        because: clearing.because.clone(),
    };
    consult::write_one(gateway, Entry::of(What::PendCorrection(pending), vec![fact])).await
}

/// Gives a held record back to the force, which is told: it is the force's to mend and send
/// again.
pub async fn return_hold(
    gateway: &Gateway,
    operator: &Operator,
    hold_id: Uuid,
    because: String,
) -> Result<(), Refusal> {
    let row = open_hold_for(gateway, operator, hold_id, &because).await?;
    let at = gateway.clock.now();
    let audit = vec![Fact {
        operation: Operation::Alteration,
        by: operator.name.clone(),
        at,
        about: format!("hold {hold_id} returned"),
        to: Some(gateway.forces.of(row.force).slug.clone()),
        note: Some(because),
    }];
    let content = NoticeContent {
        record_ref: sweep::record_ref_of_hold(gateway, &row),
        reason: Some(codes_and_fields(&row.causes)),
        evidence_ref: Some(hold_id),
        ..NoticeContent::of_day(london_day(at))
    };
    let keys = gateway.vault.unwrap_keys(hold_id, &row.keys)?;
    let kind = NoticeKind::RecordReturned;
    let notice =
        notice::new_notice(gateway, &keys, Compartment::Offender, kind, hold_id, &content)?;
    let what = What::EndHold { hold_id, end: HoldEnd::Returned, at };
    let notice = Some((About::Hold(hold_id), notice));
    consult::write_one(gateway, Entry { notice, ..Entry::of(what, audit) }).await?;
    gateway.letters_wake.notify_one();
    Ok(())
}

async fn open_hold_for(
    gateway: &Gateway,
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
    let row = gateway.store.hold(hold_id).await?.ok_or(Refusal::Absent)?;
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
