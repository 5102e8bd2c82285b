//! Notices as letters: rendered by the mapping of their force, fetched one by one or pushed to the
//! force's endpoint, each case's in order.

use cara_domain::Compartment;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use cara_domain::notice::Notice;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::case::consult;
use crate::clock::sweep;
use crate::mapping::live::LiveLetter;
use crate::notice;
use crate::notice::{Asked, kind_in_words, known_kind};
use crate::record::fault;
use crate::{Caller, Gateway, Operator, Refusal, Role};
use cara_store::{
    EndpointChange, EndpointState, Entry, Fact, ForceNumber, LetterChange, NoticeFilter, NoticeRow,
    Operation, Paused, PushFailed, PushState, What,
};

/// An endpoint that lets nothing through, and a letter that fails while others arrive, are told to a
/// person after so long.
const FAILING_AFTER: Duration = Duration::from_secs(20);

/// Cases whose notices cannot be written as letters, passed in one look.
const PASSED_MAX: usize = 64;

/// What operators have to know of letters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LetterTroubles {
    /// Notices whose letters do not arrive while others do.
    pub letters: Vec<String>,
    /// Forces, by their slug, whose endpoint lets nothing through; with the letters that wait.
    pub endpoints: Vec<(String, u64)>,
    /// Forces, by their slug, to which nothing is pushed until somebody resumes.
    pub paused: Vec<String>,
}

/// A notice in its force's own format.
#[derive(Clone, PartialEq, Eq)]
pub struct Letter {
    pub notice_id: Uuid,
    pub sequence: u64,
    pub media_type: String,
    pub body: Vec<u8>,
}

/// Letters are never shown.
impl std::fmt::Debug for Letter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Letter").field("notice_id", &self.notice_id).finish_non_exhaustive()
    }
}

/// A letter whose turn it is to be pushed.
#[derive(Clone, Debug)]
pub struct Due {
    pub letter: Letter,
    /// Headers that the force wants besides ours.
    pub headers: Vec<(String, String)>,
    /// Answers by which the force has it.
    pub delivered: Vec<u16>,
    /// Answers by which the force says that it has taken it over.
    pub taken_over: Vec<u16>,
    pub timeout: Duration,
    /// Tries that failed.
    pub attempts: u32,
    /// Its last try was refused.
    pub is_refused: bool,
}

/// What a try that failed came to. `reason` is a code of ours.
#[derive(Clone, Copy, Debug)]
pub struct Failure {
    /// None: nothing was sent, or nothing answered.
    pub status: Option<u16>,
    pub reason: &'static str,
    /// A person must look; otherwise time will mend it.
    pub is_refused: bool,
}

/// Letters of a force whose turn it is.
#[derive(Clone, Debug, Default)]
pub struct Turn {
    pub due: Vec<Due>,
    /// Notices that cannot be read or written as letters now: our own fault, and theirs alone.
    pub unfit: Vec<Uuid>,
}

/// A force's endpoint, as its `notice.toml` names it; whether it may be used is not known here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushTo {
    pub force: ForceNumber,
    pub slug: String,
    pub url: String,
}

/// Where letters are pushed now; those that are paused are left out.
pub async fn endpoints(gateway: &Gateway) -> Result<Vec<PushTo>, Refusal> {
    let paused = gateway.store.paused().await?;
    let forces = gateway.forces.all().filter(|it| !paused.iter().any(|p| p.force == it.code));
    let endpoint = |force: &crate::Force| {
        let live = gateway.live.letter(force.code)?;
        let url = live.plan.delivery()?.to.clone();
        Some(PushTo { force: force.code, slug: force.slug.clone(), url })
    };
    Ok(forces.filter_map(endpoint).collect())
}

/// At most `limit` letters of a force whose turn it is, by number; those that are on their way
/// are passed over.
pub async fn due_letters(
    gateway: &Gateway,
    force: ForceNumber,
    limit: usize,
    on_way: &BTreeSet<Uuid>,
) -> Result<Turn, Refusal> {
    let mut turn = Turn::default();
    let Some(live) = gateway.live.letter(force) else { return Ok(turn) };
    let Some(delivery) = live.plan.delivery() else { return Ok(turn) };
    let rows = gateway.store.pushes(force, gateway.clock.now(), limit + on_way.len()).await?;
    let rows = rows.into_iter().filter(|row| !on_way.contains(&row.notice_id));
    for row in rows.take(limit) {
        match written(gateway, row.notice_id, &live).await {
            Ok(letter) => turn.due.push(Due {
                letter,
                headers: delivery.headers.clone(),
                delivered: delivery.delivered.clone(),
                taken_over: delivery.taken_over.clone(),
                timeout: Duration::from_secs(delivery.timeout_s.into()),
                attempts: row.attempts,
                is_refused: row.is_refused,
            }),
            Err(error @ Refusal::Unavailable { .. }) => return Err(error),
            Err(error) => {
                tracing::error!(
                    notice_id = %row.notice_id,
                    error = &error as &dyn std::error::Error,
                    "a notice cannot be written as a letter; the others go on"
                );
                turn.unfit.push(row.notice_id);
            }
        }
    }
    Ok(turn)
}

/// The notice as a letter. A panic is this letter's own.
async fn written(
    gateway: &Gateway,
    notice_id: Uuid,
    live: &Arc<LiveLetter>,
) -> Result<Letter, Refusal> {
    let row = gateway.store.notice(notice_id).await?.ok_or(Refusal::Absent)?;
    cara_supervisor::contain_now(|| render(gateway, &row, live)).map_err(Refusal::internal)?
}

/// The force's endpoint has the letter; with `taken_over` it said that it answers for it.
pub async fn letter_delivered(
    gateway: &Gateway,
    force: ForceNumber,
    notice_id: Uuid,
    taken_over: bool,
) -> Result<(), Refusal> {
    let at = gateway.clock.now();
    let fact = Fact {
        operation: Operation::Disclosure,
        by: "gateway".to_owned(),
        at,
        about: format!("notice {notice_id}"),
        to: Some(format!("endpoint of {}", gateway.forces.of(force).slug)),
        note: taken_over.then(|| "taken over".to_owned()),
    };
    let what = What::Letter(LetterChange::Delivered { notice_id, at, taken_over });
    consult::write_raced(gateway, Entry::of(what, vec![fact])).await.map(drop)
}

pub async fn letter_again(
    gateway: &Gateway,
    notice_id: Uuid,
    not_before: Timestamp,
    failure: Failure,
) -> Result<(), Refusal> {
    let Failure { status, reason, is_refused } = failure;
    let failed = PushFailed { status, reason, is_refused };
    let again = LetterChange::PushAgain { notice_id, at: gateway.clock.now(), not_before, failed };
    sweep::change(gateway, What::Letter(again)).await.map(drop)
}

/// The endpoint answers again: what waits need not wait any longer.
pub async fn letters_now(gateway: &Gateway, force: ForceNumber) -> Result<(), Refusal> {
    sweep::change(gateway, What::Endpoint(EndpointChange::Answers { force })).await.map(drop)
}

/// Nothing gets through to a force's endpoint; answers since when, and how many letters were
/// tried in vain.
pub async fn endpoint_fails(
    gateway: &Gateway,
    force: ForceNumber,
    reason: &'static str,
) -> Result<EndpointState, Refusal> {
    let at = gateway.clock.now();
    sweep::change(gateway, What::Endpoint(EndpointChange::Fails { force, at, reason })).await?;
    Ok(gateway.store.endpoint(force).await?)
}

/// What operators have to know of letters now.
pub async fn letter_troubles(gateway: &Gateway) -> Result<LetterTroubles, Refusal> {
    let before = gateway.clock.now().saturating_sub(FAILING_AFTER).unwrap_or(Timestamp::MIN);
    let troubles = gateway.store.push_troubles(before).await?;
    let paused = gateway.store.paused().await?;
    let slug = |(force, count)| (gateway.forces.of(force).slug.clone(), count);
    Ok(LetterTroubles {
        letters: troubles.letters.iter().map(Uuid::to_string).collect(),
        endpoints: troubles.endpoints.into_iter().map(slug).collect(),
        paused: paused.iter().map(|it| gateway.forces.of(it.force).slug.clone()).collect(),
    })
}

/// Pushes nothing more to a force until somebody resumes; the queue is kept.
pub async fn pause_delivery(
    gateway: &Gateway,
    force: ForceNumber,
    by: &str,
    because: &str,
) -> Result<bool, Refusal> {
    let at = gateway.clock.now();
    let (by, because) = (by.to_owned(), because.to_owned());
    let fact = Fact {
        operation: Operation::Alteration,
        by: by.clone(),
        at,
        about: format!("delivery to {force} paused"),
        to: None,
        note: Some(because.clone()),
    };
    let what = What::Endpoint(EndpointChange::Pause(Paused { force, at, by, because }));
    let is_paused = consult::write_raced(gateway, Entry::of(what, vec![fact])).await?;
    gateway.letters_wake.notify_one();
    Ok(is_paused)
}

pub(crate) async fn resume_delivery(
    gateway: &Gateway,
    operator: &Operator,
    force: ForceNumber,
    because: String,
) -> Result<(), Refusal> {
    let fact = sweep::said_by(gateway, operator, &format!("delivery to {force} resumed"), because)?;
    let what = What::Endpoint(EndpointChange::Resume { force });
    match consult::write_raced(gateway, Entry::of(what, vec![fact])).await? {
        true => {
            gateway.letters_wake.notify_one();
            Ok(())
        }
        false => Err(Refusal::WrongState { state: "it is not paused" }),
    }
}

/// One letter and what its last try came to. What it says is not shown.
pub(crate) async fn letter_shown(
    gateway: &Gateway,
    operator: &Operator,
    notice_id: Uuid,
) -> Result<Value, Refusal> {
    let (row, state) = letter(gateway, operator, notice_id).await?;
    consult::record_consultation(gateway, &operator.name, &format!("letter {notice_id}"), None)
        .await?;
    let (force, time) = (gateway.forces.of(row.force), |at: Timestamp| at.to_string());
    Ok(json!({
        "notice_id": notice_id, "force": force.slug, "sequence": row.sequence,
        "kind": kind_in_words(&row), "referral_id": row.about.referral_id(),
        "made_at": time(row.made_at), "state": standing(&row, &state),
        "taken_over_at": row.taken_over_at.map(time), "cancelled_at": row.cancelled_at.map(time),
        "delivered_at": state.delivered_at.map(time),
        "push_cancelled_at": state.push_cancelled_at.map(time),
        "attempts": state.attempts, "failing_since": state.failing_since.map(time),
        "next_try_at": state.not_before.map(time), "status": state.status,
        "reason": state.reason,
    }))
}

/// A letter is pushed no more. Its notice keeps its number, is there for the force to fetch, and
/// later letters of the case may pass.
pub(crate) async fn cancel_letter(
    gateway: &Gateway,
    operator: &Operator,
    notice_id: Uuid,
    because: String,
) -> Result<(), Refusal> {
    let about = format!("letter {notice_id} is pushed no more");
    let fact = sweep::said_by(gateway, operator, &about, because)?;
    let (row, state) = letter(gateway, operator, notice_id).await?;
    let state = standing(&row, &state);
    let what = What::Letter(LetterChange::CancelPush { notice_id, at: gateway.clock.now() });
    letter_changed(gateway, what, fact, state).await
}

/// A letter is pushed now, under its id; also one that had arrived or been cancelled.
pub(crate) async fn resend_letter(
    gateway: &Gateway,
    operator: &Operator,
    notice_id: Uuid,
    because: String,
) -> Result<(), Refusal> {
    let fact =
        sweep::said_by(gateway, operator, &format!("letter {notice_id} is pushed again"), because)?;
    let (row, state) = letter(gateway, operator, notice_id).await?;
    let state = standing(&row, &state);
    letter_changed(gateway, What::Letter(LetterChange::PushAnew { notice_id }), fact, state).await
}

async fn letter_changed(
    gateway: &Gateway,
    what: What,
    fact: Fact,
    state: &'static str,
) -> Result<(), Refusal> {
    match consult::write_raced(gateway, Entry::of(what, vec![fact])).await? {
        true => {
            gateway.letters_wake.notify_one();
            Ok(())
        }
        false => Err(Refusal::WrongState { state }),
    }
}

/// Notices that are pushed to nobody are absent: those of victims, and those of test data.
async fn letter(
    gateway: &Gateway,
    operator: &Operator,
    notice_id: Uuid,
) -> Result<(NoticeRow, PushState), Refusal> {
    if operator.role < Role::Look {
        return Err(Refusal::Forbidden);
    }
    let row = gateway.store.notice(notice_id).await?.ok_or(Refusal::Absent)?;
    let state = gateway.store.push_state(notice_id).await?;
    let state = state.filter(|state| state.is_pushed).ok_or(Refusal::Absent)?;
    Ok((row, state))
}

/// The first notice that the caller's force has not taken over, as a letter. One that cannot be
/// written is told and passed, with those of its case.
pub async fn next_letter(
    gateway: &Gateway,
    caller: &Caller,
    asked: Asked,
) -> Result<Option<Letter>, Refusal> {
    let force = crate::case::consult::one_force(caller, asked.force.as_deref())?;
    if asked.victims && !caller.victims {
        return Err(Refusal::Forbidden);
    }
    let live = gateway.live.letter(force).ok_or(Refusal::Absent)?;
    let stream = if asked.victims { Compartment::Victim } else { Compartment::Offender };
    let mut filter = NoticeFilter { force, test_data: caller.test, stream, after: asked.after };
    let mut passed = BTreeSet::new();
    while let Some(row) = gateway.store.next_notice(filter.clone()).await? {
        filter.after = row.sequence;
        if passed.contains(&row.about.id()) {
            continue;
        }
        let written = cara_supervisor::contain_now(|| render(gateway, &row, &live).map(Some));
        if let Some(letter) =
            fault::set_aside(gateway, &format!("notice {}", row.notice_id), written)?
        {
            let about = format!("notice {} {}", row.notice_id, kind_in_words(&row));
            consult::record_consultation(gateway, &caller.identity, &about, None).await?;
            return Ok(Some(letter));
        }
        // Others go on; later ones of its own case would come out of order.
        passed.insert(row.about.id());
        if passed.len() >= PASSED_MAX {
            let error = anyhow::anyhow!("{PASSED_MAX} notices in a row cannot be written");
            return Err(Refusal::Internal(error));
        }
    }
    Ok(None)
}

fn render(gateway: &Gateway, row: &NoticeRow, live: &Arc<LiveLetter>) -> Result<Letter, Refusal> {
    let view = notice::notice_view(gateway, row)?;
    let notice = Notice {
        notice_id: row.notice_id,
        sequence: row.sequence,
        kind: known_kind(row)?,
        referral_id: row.about.referral_id(),
        made_at: row.made_at,
        content: &view.content,
    };
    let rendered =
        live.plan.render(&notice).map_err(|error| Refusal::Internal(anyhow::anyhow!(error)))?;
    Ok(Letter {
        notice_id: row.notice_id,
        sequence: row.sequence,
        media_type: rendered.media_type,
        body: rendered.body,
    })
}

/// Where a letter is, in words.
fn standing(row: &NoticeRow, state: &PushState) -> &'static str {
    if row.taken_over_at.is_some() {
        "the force has taken it over"
    } else if row.cancelled_at.is_some() {
        "the notice no longer applies"
    } else if state.delivered_at.is_some() {
        "it has arrived"
    } else if state.push_cancelled_at.is_some() {
        "it is pushed no more; the force can fetch it"
    } else if state.is_refused {
        "it is refused and tried again"
    } else {
        "it waits"
    }
}
