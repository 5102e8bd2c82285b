//! `POST /v1/records`: a body is read whole, each record is compared with what is stored, and the
//! answer is given after the commit that holds it.
//!
//! A record is first written as if nobody had sent it before; the store's unique constraints say
//! otherwise when they must, and only then is the case looked up and compared. So the ordinary new
//! record costs no read, and two that arrive at the same instant cannot both be first.

use std::collections::HashSet;

use cara_domain::{FindingCode, FindingKind, Validated};
use cara_wire::api::{RecordAnswer, RecordStatus, RecordsAnswer};

use crate::record::compare::{self, Verdict};
use crate::record::decide::{self, Judged};
use crate::record::growth;
use crate::record::prepare::{self, Arrival, NextRevision};
use crate::record::read::{self, Read, RecordReading};
use crate::record::{Accepted, Submission};
use crate::{Caller, Failure, Gateway, RecordRefusal, Unfinished, write};
use cara_store::{BoundKey, Cause, Digest, Entry, Fact, HoldEnd, KeyIndex, Known, What};
use cara_supervisor::{contain, contain_now};

mod work;

pub(crate) use work::RecordWork;
use work::{Pending, blank};

/// A record that keeps losing its race is given back with 503 after this many tries.
const ROUNDS_MAX: usize = 8;

/// Records of one body are sealed and written in steps of about so many bytes.
const WRITE_BYTES: usize = 1 << 20;

/// Bodies above this are read on a thread of their own, so that small ones are not kept waiting.
const INLINE_BYTES_MAX: usize = 64 * 1024;

/// Takes the records of one body, or says why not.
pub async fn accept(
    gateway: &Gateway,
    caller: &Caller,
    submission: Submission,
) -> Result<Accepted, Unfinished<RecordRefusal>> {
    let started = gateway.clock.monotonic();
    let key = key_of(gateway, caller, &submission);
    if let Some(key) = &key
        && let Some(bound) = gateway.store.bound_key(caller.forces[0], key.index).await?
    {
        return replay(gateway, caller, submission, key, &bound).await;
    }
    if let ([force], false) = (&caller.forces[..], submission.dry_run) {
        growth::room_for(gateway, *force)?;
    }
    let read = read(gateway, caller, submission.clone()).await?;
    if submission.dry_run {
        return Ok(Accepted::DryRun(dry_run(&read)));
    }
    if caller.forces.len() > 1 {
        read.iter().try_for_each(|read| growth::room_for(gateway, read.force))?;
    }
    let work = take(gateway, caller, &submission.media_type, read).await?;
    let answer = RecordsAnswer { records: work.into_iter().map(RecordWork::into_answer).collect() };
    count(gateway, caller, &answer, started);
    if answer.records.iter().all(is_at_fault) {
        return Ok(Accepted::AllAtFault(answer));
    }
    if let Some(key) = key {
        bind(gateway, caller, &key, &answer).await?;
    }
    Ok(Accepted::Taken(answer))
}

async fn read(
    gateway: &Gateway,
    caller: &Caller,
    submission: Submission,
) -> Result<Vec<Read>, Unfinished<RecordRefusal>> {
    match (read_within(gateway, caller, submission.clone()).await, &submission.room) {
        (Err(Unfinished::Refused(RecordRefusal::Crowded { bytes })), Some(room)) => {
            room.renew(bytes).await?;
            read_within(gateway, caller, submission).await
        }
        (read, _) => read,
    }
}

async fn read_within(
    gateway: &Gateway,
    caller: &Caller,
    submission: Submission,
) -> Result<Vec<Read>, Unfinished<RecordRefusal>> {
    if submission.body.len() <= INLINE_BYTES_MAX {
        return read::body(&RecordReading::of(gateway), caller, &submission);
    }
    let gateway = gateway.clone();
    let caller = caller.clone();
    let reading = tokio::task::spawn_blocking(move || {
        contain_now(|| read::body(&RecordReading::of(&gateway), &caller, &submission))
    });
    match reading.await {
        Ok(Ok(read)) => read,
        Ok(Err(_)) | Err(_) => {
            Err(Failure::Ours(anyhow::anyhow!("reading a body ended early")).into())
        }
    }
}

/// Writes every record, in the body's order where two are of one case.
async fn take(
    gateway: &Gateway,
    caller: &Caller,
    media_type: &str,
    read: Vec<Read>,
) -> Result<Vec<RecordWork>, Unfinished<RecordRefusal>> {
    let received_at = gateway.clock.now();
    let arrival = Arrival { caller, received_at, media_type };
    let mut work: Vec<RecordWork> =
        read.into_iter().map(|read| RecordWork::of(gateway, caller, read)).collect();
    for round in 0..ROUNDS_MAX {
        let mut cases = HashSet::new();
        let mut next = 0;
        while next < work.len() {
            let (mut entries, mut written, mut bytes) = (Vec::new(), Vec::new(), 0);
            while next < work.len() && bytes < WRITE_BYTES {
                let (index, work) = (next, &mut work[next]);
                next += 1;
                let answered = work.answer.is_some();
                let waits = |record| !cases.insert(record);
                if answered || work.record.is_some_and(waits) {
                    continue;
                }
                if let Some(mut entry) = entry_or_hold(gateway, &arrival, work, round > 0).await? {
                    entry.sent_by = Some(work.read.force);
                    bytes += work.read.excerpt.len();
                    entries.push(entry);
                    written.push(index);
                }
            }
            let results = gateway.store.write(entries).await;
            for (index, result) in written.into_iter().zip(results) {
                let work = &mut work[index];
                if let Some(fault) = work.settle(result)? {
                    faulted(gateway, work, &fault)?;
                }
                if work.answer.is_some() {
                    work.forget();
                }
            }
        }
        if work.iter().all(|work| work.answer.is_some()) {
            return Ok(work);
        }
    }
    Err(Failure::case_busy().into())
}

/// The same as [`Gateway::next_entry`]; a fault of our own makes the record a hold.
async fn entry_or_hold(
    gateway: &Gateway,
    arrival: &Arrival<'_>,
    work: &mut RecordWork,
    look: bool,
) -> Result<Option<Entry>, Unfinished<RecordRefusal>> {
    if !work.has_faulted {
        match contain(next_entry(gateway, arrival, work, look)).await {
            Ok(Err(Unfinished::Failed(Failure::Ours(error)))) => {
                faulted(gateway, work, error.as_ref())?
            }
            Err(panicked) => faulted(gateway, work, &panicked)?,
            Ok(prepared) => return prepared,
        }
    }
    Ok(hold(gateway, arrival, work, vec![read::own_cause(FindingCode::GATEWAY_FAULT)])?)
}

/// A fault of our own met this record: it is held, so that the others go on and its sender need
/// not send it for ever. Where that fails as well nothing was taken, and the answer says so.
fn faulted(
    gateway: &Gateway,
    work: &mut RecordWork,
    fault: &(dyn std::error::Error + 'static),
) -> Result<(), Failure> {
    let about = format!("a record of {}", gateway.forces.name(work.read.force));
    gateway.faults.met(&about, fault);
    if std::mem::replace(&mut work.has_faulted, true) {
        return Err(Failure::Ours(anyhow::anyhow!("a record could not even be held")));
    }
    work.pending = None;
    work.held = None;
    Ok(())
}

/// What this record makes the store write; `None` when its answer needs no writing.
async fn next_entry(
    gateway: &Gateway,
    arrival: &Arrival<'_>,
    work: &mut RecordWork,
    look: bool,
) -> Result<Option<Entry>, Unfinished<RecordRefusal>> {
    let known = match work.record() {
        Some(record) if look || work.lookup_first() => {
            gateway.store.look(work.read.force, record).await?
        }
        _ => Known::default(),
    };
    if let Some((bytes, causes)) = work.held.take()
        && let Some(hold_id) = gateway.store.open_hold(work.read.force, bytes).await?
    {
        // The same faulty bytes are held already: the same answer, no second hold.
        work.answer = Some(work.answer_of(Pending::Held { hold_id, causes }));
        return Ok(None);
    }
    if let Validated::Decision(_) = &work.read.outcome {
        return Ok(decision_entry(gateway, arrival, work).await?);
    }
    decide(gateway, arrival, work, &known)
}

/// What a decision makes the store write; `None` when it is stored already.
pub(crate) async fn decision_entry(
    gateway: &Gateway,
    arrival: &Arrival<'_>,
    work: &mut RecordWork,
) -> Result<Option<Entry>, Failure> {
    let Validated::Decision(sent) = &work.read.outcome else {
        unreachable!("only a decision is asked about")
    };
    let (force, test) = (work.read.force, arrival.caller.test);
    let record = gateway.vault.record_index(force.0, test, &sent.record_ref);
    match decide::judge(gateway, arrival, record, force, sent).await? {
        Judged::New { entry, referral_id, decision_id } => {
            work.pending = Some(Pending::Decided { referral_id, decision_id });
            let entry = *entry;
            Ok(Some(work.cleared(entry)))
        }
        Judged::Same { referral_id, decision_id } => {
            let answer = work.answer_of(Pending::Decided { referral_id, decision_id });
            work.answer = Some(RecordAnswer { status: RecordStatus::Duplicate, ..answer });
            Ok(None)
        }
        Judged::Hold(code) => hold(gateway, arrival, work, vec![read::own_cause(code)]),
    }
}

/// Compares and prepares; the answer is kept in `work` until the commit.
pub(crate) fn decide(
    gateway: &Gateway,
    arrival: &Arrival<'_>,
    work: &mut RecordWork,
    known: &Known,
) -> Result<Option<Entry>, Unfinished<RecordRefusal>> {
    if let Some(revision) = cleared_before(gateway, arrival, work, known) {
        work.answer_duplicate(known, revision);
        return Ok(None);
    }
    let Some(content) = &work.content else {
        let causes = work.causes.clone();
        return Ok(hold(gateway, arrival, work, causes)?);
    };
    match compare::compare(known, &content.arriving(work.released.is_some())) {
        Verdict::First | Verdict::Next { .. } => {
            let force = gateway.forces.of(work.read.force);
            let known = known.referral.as_ref();
            let made = prepare::revision(
                gateway,
                arrival,
                NextRevision {
                    force: &force,
                    read: &work.read,
                    content,
                    known,
                    release: work.released.as_ref(),
                },
            )?;
            work.pending = Some(Pending::Accepted {
                referral_id: made.referral_id,
                revision: made.number,
                flags: made.flags,
            });
            Ok(Some(made.entry))
        }
        Verdict::Duplicate { revision } => {
            work.answer_duplicate(known, revision);
            Ok(None)
        }
        Verdict::CloseHolds => {
            work.pending = Some(Pending::Withdrawn);
            let entry_id = gateway.clock.id();
            let close_holds = Some((content.record, HoldEnd::Withdrawn));
            let by = &arrival.caller.identity;
            let audit = vec![Fact::held_record_withdrawn(by, arrival.received_at, entry_id)];
            let what = What::Nothing { entry_id };
            Ok(Some(work.cleared(Entry { close_holds, ..Entry::of(what, audit) })))
        }
        Verdict::Hold(code) => {
            let mut causes = work.causes.clone();
            causes.insert(0, read::own_cause(code));
            Ok(hold(gateway, arrival, work, causes)?)
        }
    }
}

fn hold(
    gateway: &Gateway,
    arrival: &Arrival<'_>,
    work: &mut RecordWork,
    causes: Vec<Cause>,
) -> Result<Option<Entry>, Failure> {
    let (hold_id, bytes, entry) =
        prepare::hold(gateway, arrival, &work.read, work.record, causes.clone())?;
    work.held = Some((bytes, causes.clone()));
    work.pending = Some(Pending::Held { hold_id, causes });
    Ok(Some(entry))
}

fn key_of(gateway: &Gateway, caller: &Caller, submission: &Submission) -> Option<Key> {
    let key = submission.idempotency_key.as_ref().filter(|_| !submission.dry_run)?;
    let force = caller.forces[0];
    Some(Key {
        index: gateway.vault.key_index(force.0, &caller.identity, key),
        body: gateway.vault.digest("body", &[submission.body.as_ref()]),
    })
}

async fn bind(
    gateway: &Gateway,
    caller: &Caller,
    key: &Key,
    answer: &RecordsAnswer,
) -> Result<(), Failure> {
    let bound = BoundKey {
        force: caller.forces[0],
        key: key.index,
        body: key.body,
        answer: without_record_refs(answer),
        at: gateway.clock.now(),
    };
    // The same key at the same instant: its records were compared like any others.
    let sent_by = Some(bound.force);
    let entry = Entry { sent_by, ..Entry::of(What::BindKey(bound), Vec::new()) };
    write::entry(gateway, entry).await.map(drop)
}

/// The first answer again; only the record keys, which are never stored in clear, are read anew.
async fn replay(
    gateway: &Gateway,
    caller: &Caller,
    submission: Submission,
    key: &Key,
    bound: &BoundKey,
) -> Result<Accepted, Unfinished<RecordRefusal>> {
    if bound.body != key.body {
        return Err(RecordRefusal::KeyReused.into());
    }
    let mut answer: RecordsAnswer = serde_json::from_str(&bound.answer).map_err(Failure::ours)?;
    let read = read(gateway, caller, submission).await?;
    for (record, read) in answer.records.iter_mut().zip(&read) {
        record.record_ref = read.outcome.record_ref().map(str::to_owned);
    }
    Ok(Accepted::Taken(answer))
}

fn count(gateway: &Gateway, caller: &Caller, answer: &RecordsAnswer, started: std::time::Duration) {
    let elapsed = gateway.clock.monotonic().saturating_sub(started);
    gateway.metric.accept(elapsed);
    for record in &answer.records {
        let status = match record.status {
            RecordStatus::Accepted => "accepted",
            RecordStatus::Duplicate => "duplicate",
            RecordStatus::Held => "held",
        };
        gateway.metric.record(&caller.forces[0].to_string(), status);
    }
}

/// The revision that an operator made of these very bytes, while nothing newer is known of the case:
/// it stands, and a resend of the bytes neither undoes it nor opens a second hold.
fn cleared_before(
    gateway: &Gateway,
    arrival: &Arrival<'_>,
    work: &RecordWork,
    known: &Known,
) -> Option<u32> {
    let latest = known.referral.as_ref()?.revisions.last()?;
    let cleared = latest.held_bytes.filter(|_| work.released.is_none())?;
    let bytes = prepare::held_bytes(gateway, arrival, work.read.force, &work.read.excerpt);
    (cleared == bytes).then_some(latest.revision)
}

/// A bound `Idempotency-Key` and the digest of the body that came with it.
struct Key {
    index: KeyIndex,
    body: Digest,
}

/// The force must mend it: not merely something for the operators to clear.
fn is_at_fault(record: &RecordAnswer) -> bool {
    record.status == RecordStatus::Held
        && record.violations.iter().any(|finding| finding.kind == "violation")
}

fn without_record_refs(answer: &RecordsAnswer) -> String {
    let mut answer = answer.clone();
    for record in &mut answer.records {
        record.record_ref = None;
    }
    match serde_json::to_string(&answer) {
        Ok(json) => json,
        Err(_) => unreachable!("an answer has only text keys"),
    }
}

fn dry_run(read: &[Read]) -> RecordsAnswer {
    let records = read.iter().map(|read| {
        let (status, findings) = match &read.outcome {
            Validated::Referral(referral) => (RecordStatus::Accepted, &referral.flags),
            Validated::Withdrawal(withdrawal) => (RecordStatus::Accepted, &withdrawal.flags),
            Validated::Decision(_) => (RecordStatus::Accepted, &Vec::new()),
            Validated::Stopped(stopped) => (RecordStatus::Held, &stopped.findings),
        };
        let (flags, violations): (Vec<Cause>, Vec<Cause>) =
            read.causes(findings).into_iter().partition(|cause| cause.kind == FindingKind::Flag);
        RecordAnswer {
            status,
            violations: violations.iter().map(read::view).collect(),
            flags: flags.iter().map(read::view).collect(),
            ..blank(&read.outcome)
        }
    });
    RecordsAnswer { records: records.collect() }
}
