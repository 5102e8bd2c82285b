//! An operator clears a hold: the record goes the full path again with the mapping that is live
//! now, perhaps with one field put right, or it goes back to the force.

use cara_domain::Compartment;
use cara_domain::correct::Correction;
use cara_domain::notice::{NoticeContent, NoticeKind};
use cara_domain::{FindingKind, Validated};
use cara_wire::api::{RecordAnswer, RecordStatus};
use cara_wire::operators::hold::HoldCleared;
use uuid::Uuid;

use crate::audit::check_order;
use crate::case_file::{self, CaseKeys};
use crate::hold::{cause, record_ref};
use crate::record::accept::{self, RecordWork};
use crate::record::prepare::Arrival;
use crate::record::read::{self, Again, RecordReading};
use crate::record::release::{self, HoldRelease};
use crate::{
    Caller, Failure, Gateway, Operator, OrderRefusal, RecordRefusal, Unfinished, WrongState,
    notice, write,
};
use cara_clock::london_day;
use cara_store::{
    About, Cause, Entry, Fact, HeldAgain, HoldEnd, HoldRow, Known, PendingCorrection, What,
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
) -> Result<HoldCleared, Unfinished<OrderRefusal>> {
    let row = open_hold_for(gateway, operator, hold_id, &because).await?;
    let fact = Fact::release_tried(&operator.name, gateway.clock.now(), hold_id, &because);
    write::fact(gateway, fact).await?;
    clear(gateway, operator, &row, by_operator(gateway, operator, hold_id, because, None)).await
}

/// The same with one field of the record replaced. A correction that does not clear the hold
/// changes nothing. How the offender is reached is corrected by two operators.
pub async fn correct_hold(
    gateway: &Gateway,
    operator: &Operator,
    hold_id: Uuid,
    (field, values): (&str, Vec<String>),
    because: String,
) -> Result<HoldCleared, Unfinished<OrderRefusal>> {
    let row = open_hold_for(gateway, operator, hold_id, &because).await?;
    let correction = Correction::of(field, values).map_err(OrderRefusal::Barred)?;
    let (now, field) = (gateway.clock.now(), correction.field());
    let fact = Fact::correction_tried(&operator.name, now, hold_id, &field, &because);
    write::fact(gateway, fact).await?;
    let release = by_operator(gateway, operator, hold_id, because, Some(correction));
    clear(gateway, operator, &row, release).await
}

fn by_operator(
    gateway: &Gateway,
    operator: &Operator,
    hold_id: Uuid,
    because: String,
    correction: Option<Correction>,
) -> HoldRelease {
    HoldRelease { hold_id, by: operator.name.clone(), because, at: gateway.clock.now(), correction }
}

async fn clear(
    gateway: &Gateway,
    operator: &Operator,
    row: &HoldRow,
    mut release: HoldRelease,
) -> Result<HoldCleared, Unfinished<OrderRefusal>> {
    let hold_id = row.hold_id;
    let agreed = agreed(gateway, &release).await?;
    if let Agreed::After(first) = &agreed {
        release.because = format!("{} (asked first by {first})", release.because);
    }
    let live = gateway.live.named(row.force, &row.mapping.name).ok_or(WrongState::MappingGone)?;
    let text = case_file::held_text(gateway, row)?;
    let caller = Caller {
        identity: operator.name.clone(),
        forces: vec![row.force],
        test: row.test_data,
        victims: operator.victims,
    };
    let (received_at, media_type) = (release.at, row.media_type.as_str());
    let arrival = Arrival { caller: &caller, received_at, media_type };
    let rules = cause::rules(&row.causes);
    for _ in 0..ROUNDS_MAX {
        let again = match &release.correction {
            None => Again::Released(&rules),
            Some(correction) => Again::Corrected(&rules, correction),
        };
        let read = read::again(&RecordReading::of(gateway), &live, &text, again)?;
        let mut work = RecordWork::of(gateway, &caller, read);
        work.released = Some(release.clone());
        let known = match work.record() {
            Some(record) => gateway.store.look(row.force, record).await?,
            None => Known::default(),
        };
        let entry = release_entry(gateway, &arrival, row, &mut work, &known).await?;
        if let Some((record, causes)) = work.still_held(hold_id) {
            if release.correction.is_none() {
                hold_again(gateway, row, &work, causes).await?;
            }
            return Ok(HoldCleared { hold_id, record, waits_after: None });
        }
        if let (Agreed::NotYet, Some(correction)) = (&agreed, &release.correction) {
            pend(gateway, &release, correction).await?;
            let waits_after = Some(operator.name.clone());
            return Ok(HoldCleared { hold_id, record: still(row, &work), waits_after });
        }
        if let Some(record) = write_release(gateway, entry, &mut work).await? {
            return Ok(HoldCleared { hold_id, record, waits_after: None });
        }
        // The case has moved, or somebody else has ended the hold: then this says so.
        open_hold_for(gateway, operator, hold_id, &release.because).await?;
    }
    Err(Failure::case_busy().into())
}

/// A hold that was tried waits for what stops it now.
async fn hold_again(
    gateway: &Gateway,
    row: &HoldRow,
    work: &RecordWork,
    causes: Vec<Cause>,
) -> Result<(), Failure> {
    let mapping = work.read.live.reference.clone();
    if causes == row.causes && mapping == row.mapping {
        return Ok(());
    }
    let unlisted = CaseKeys::of_hold(gateway, row)?.seal_unlisted(&work.read.unlisted)?;
    let again = HeldAgain { hold_id: row.hold_id, causes, mapping, unlisted };
    // Whoever ended it meanwhile has made this needless.
    write::change(gateway, What::HeldAgain(Box::new(again))).await.map(drop)
}

/// What releasing makes the store write; none: the case has it already, or it is still stopped.
async fn release_entry(
    gateway: &Gateway,
    arrival: &Arrival<'_>,
    row: &HoldRow,
    work: &mut RecordWork,
    known: &Known,
) -> Result<Option<Entry>, Unfinished<OrderRefusal>> {
    let entry = match &work.read.outcome {
        Validated::Decision(_) => accept::decision_entry(gateway, arrival, work).await?,
        _ => accept::decide(gateway, arrival, work, known).map_err(not_taken)?,
    };
    let Some(release) = work.released.as_ref().filter(|_| entry.is_none()) else {
        return Ok(entry);
    };
    // Equal to what is stored: nothing new is sent, and the hold has served its purpose.
    let (hold_id, end, at) = (row.hold_id, release.end(), release.at);
    let audit = vec![release.fact()];
    let notice = match release.notice_content() {
        None => None,
        Some(told) => {
            let keys = CaseKeys::of_hold(gateway, row)?;
            let record_ref = work.read.outcome.record_ref().map(str::to_owned);
            let said = NoticeContent { record_ref, ..told };
            Some((About::Hold(hold_id), release::notice_of_correction(gateway, &keys, &said)?))
        }
    };
    Ok(Some(Entry { notice, ..Entry::of(What::EndHold { hold_id, end, at }, audit) }))
}

/// `None`: the case has moved meanwhile, or somebody else ended the hold; look again.
async fn write_release(
    gateway: &Gateway,
    entry: Option<Entry>,
    work: &mut RecordWork,
) -> Result<Option<RecordAnswer>, Failure> {
    let Some(entry) = entry else { return Ok(None) };
    let same = work.answer.take();
    if !write::entry(gateway, entry).await? {
        return Ok(None);
    }
    gateway.letters_wake.notify_one();
    Ok(same.or_else(|| work.answer_pending()))
}

/// Whether a correction may be carried out by this operator alone.
async fn agreed(gateway: &Gateway, release: &HoldRelease) -> Result<Agreed, Failure> {
    let Some(correction) = release.correction.as_ref().filter(|it| it.is_contact()) else {
        return Ok(Agreed::Alone);
    };
    if !gateway.forces.second_operator {
        return Ok(Agreed::Alone);
    }
    let digest = release::correction_digest(gateway, release.hold_id, correction);
    let waiting = gateway.store.pending_correction(release.hold_id).await?;
    let asked = waiting.filter(|it| it.digest == digest && it.by != release.by);
    Ok(asked.map_or(Agreed::NotYet, |it| Agreed::After(it.by)))
}

async fn pend(
    gateway: &Gateway,
    release: &HoldRelease,
    correction: &Correction,
) -> Result<(), Unfinished<OrderRefusal>> {
    let HoldRelease { hold_id, by, because, at, .. } = release.clone();
    let field = correction.field();
    let fact = Fact::correction_asked(&by, at, hold_id, &field, &because);
    let digest = release::correction_digest(gateway, hold_id, correction);
    let field = field.into_owned();
    let pending = PendingCorrection { hold_id, field, digest, by, at, because };
    first(write::entry(gateway, Entry::of(What::PendCorrection(pending), vec![fact])).await?)
}

/// Whether it was written.
fn first(is_written: bool) -> Result<(), Unfinished<OrderRefusal>> {
    match is_written {
        true => Ok(()),
        false => Err(WrongState::SomebodyFirst.into()),
    }
}

/// What is released was taken once: only its provider may be missing now.
fn not_taken(refused: Unfinished<RecordRefusal>) -> Unfinished<OrderRefusal> {
    match refused {
        Unfinished::Refused(RecordRefusal::NoProvider) => WrongState::NoProvider.into(),
        Unfinished::Refused(other) => Failure::ours(other).into(),
        Unfinished::Failed(failure) => failure.into(),
    }
}

/// Gives a held record back to the force, which is told: it is the force's to mend and send
/// again.
pub async fn return_hold(
    gateway: &Gateway,
    operator: &Operator,
    hold_id: Uuid,
    because: String,
) -> Result<(), Unfinished<OrderRefusal>> {
    let row = open_hold_for(gateway, operator, hold_id, &because).await?;
    let at = gateway.clock.now();
    let slug = &gateway.forces.of(row.force).slug;
    let fact = Fact::hold_returned(&operator.name, at, hold_id, slug, &because);
    let content = NoticeContent {
        record_ref: record_ref(gateway, &row),
        reason: Some(codes_and_fields(&row.causes)),
        evidence_ref: Some(hold_id),
        ..NoticeContent::of_day(london_day(at))
    };
    let keys = CaseKeys::of_hold(gateway, &row)?;
    let (kind, side) = (NoticeKind::RecordReturned, Compartment::Offender);
    let notice = notice::new_notice(gateway, &keys, side, kind, hold_id, &content)?;
    let what = What::EndHold { hold_id, end: HoldEnd::Returned, at };
    let notice = Some((About::Hold(hold_id), notice));
    first(write::entry(gateway, Entry { notice, ..Entry::of(what, vec![fact]) }).await?)?;
    gateway.letters_wake.notify_one();
    Ok(())
}

async fn open_hold_for(
    gateway: &Gateway,
    operator: &Operator,
    hold_id: Uuid,
    because: &str,
) -> Result<HoldRow, Unfinished<OrderRefusal>> {
    check_order(operator, because)?;
    let row = gateway.store.hold(hold_id).await?.ok_or(OrderRefusal::Absent)?;
    match row.ended {
        None => Ok(row),
        Some((end, _)) => Err(WrongState::HoldEnded(end).into()),
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
fn still(row: &HoldRow, work: &RecordWork) -> RecordAnswer {
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
