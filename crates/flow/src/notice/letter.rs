//! Notices as letters: rendered by the mapping of their force, fetched one by one or pushed to the
//! force's endpoint, each case's in order.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use cara_domain::Compartment;
use cara_domain::notice::Notice;
use jiff::Timestamp;
use uuid::Uuid;

use crate::live::LiveLetter;
use crate::notice::{self, NoticeQuery, kind_in_words, known_kind};
use crate::{Caller, Failure, ForceRefusal, Gateway, Unfinished, write};
use cara_store::{
    EndpointChange, EndpointState, Entry, Fact, ForceNumber, GATEWAY, LetterChange, NoticeFilter,
    NoticeRow, PushFailed, What,
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
pub struct DueLetter {
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

/// What an endpoint said that has the letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    Arrived,
    /// It answers for the notice from now on.
    TakenOver,
}

/// What a try that failed came to. `reason` is a code of ours.
#[derive(Clone, Copy, Debug)]
pub struct PushFailure {
    /// None: nothing was sent, or nothing answered.
    pub status: Option<u16>,
    pub reason: &'static str,
    /// A person must look; otherwise time will mend it.
    pub is_refused: bool,
}

/// Letters of a force whose turn it is.
#[derive(Clone, Debug, Default)]
pub struct Turn {
    pub due: Vec<DueLetter>,
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
pub async fn endpoints(gateway: &Gateway) -> Result<Vec<PushTo>, Failure> {
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
) -> Result<Turn, Failure> {
    let mut turn = Turn::default();
    let Some(live) = gateway.live.letter(force) else { return Ok(turn) };
    let Some(delivery) = live.plan.delivery() else { return Ok(turn) };
    let rows = gateway.store.pushes(force, gateway.clock.now(), limit + on_way.len()).await?;
    let rows = rows.into_iter().filter(|row| !on_way.contains(&row.notice_id));
    for row in rows.take(limit) {
        match written(gateway, row.notice_id, &live).await {
            Ok(letter) => turn.due.push(DueLetter {
                letter,
                headers: delivery.headers.clone(),
                delivered: delivery.delivered.clone(),
                taken_over: delivery.taken_over.clone(),
                timeout: Duration::from_secs(delivery.timeout_s.into()),
                attempts: row.attempts,
                is_refused: row.is_refused,
            }),
            Err(error @ Failure::Passing { .. }) => return Err(error),
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
) -> Result<Letter, Failure> {
    let row = gateway.store.notice(notice_id).await?.ok_or(Failure::missing("a notice"))?;
    cara_supervisor::contain_now(|| render(gateway, &row, live)).map_err(Failure::ours)?
}

/// The force's endpoint has the letter.
pub async fn letter_delivered(
    gateway: &Gateway,
    force: ForceNumber,
    notice_id: Uuid,
    end: Delivered,
) -> Result<(), Failure> {
    let at = gateway.clock.now();
    let slug = &gateway.forces.of(force).slug;
    let fact = match end {
        Delivered::Arrived => Fact::letter_arrived(GATEWAY, at, notice_id, slug),
        Delivered::TakenOver => Fact::letter_taken_over(GATEWAY, at, notice_id, slug),
    };
    let taken_over = end == Delivered::TakenOver;
    let what = What::Letter(LetterChange::Delivered { notice_id, at, taken_over });
    write::entry(gateway, Entry::of(what, vec![fact])).await.map(drop)
}

pub async fn letter_again(
    gateway: &Gateway,
    notice_id: Uuid,
    not_before: Timestamp,
    failure: PushFailure,
) -> Result<(), Failure> {
    let PushFailure { status, reason, is_refused } = failure;
    let failed = PushFailed { status, reason, is_refused };
    let again = LetterChange::PushAgain { notice_id, at: gateway.clock.now(), not_before, failed };
    write::change(gateway, What::Letter(again)).await.map(drop)
}

/// The endpoint answers again: what waits need not wait any longer.
pub async fn letters_now(gateway: &Gateway, force: ForceNumber) -> Result<(), Failure> {
    write::change(gateway, What::Endpoint(EndpointChange::Answers { force })).await.map(drop)
}

/// Nothing gets through to a force's endpoint; answers since when, and how many letters were
/// tried in vain.
pub async fn endpoint_fails(
    gateway: &Gateway,
    force: ForceNumber,
    reason: &'static str,
) -> Result<EndpointState, Failure> {
    let at = gateway.clock.now();
    write::change(gateway, What::Endpoint(EndpointChange::Fails { force, at, reason })).await?;
    Ok(gateway.store.endpoint(force).await?)
}

/// What operators have to know of letters now.
pub async fn letter_troubles(gateway: &Gateway) -> Result<LetterTroubles, Failure> {
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

/// The first notice that the caller's force has not taken over, as a letter. One that cannot be
/// written is told and passed, with those of its case.
pub async fn next_letter(
    gateway: &Gateway,
    caller: &Caller,
    asked: NoticeQuery,
) -> Result<Option<Letter>, Unfinished<ForceRefusal>> {
    let force = caller.force(asked.force.as_deref())?;
    if asked.victims && !caller.victims {
        return Err(ForceRefusal::Forbidden.into());
    }
    let live = gateway.live.letter(force).ok_or(ForceRefusal::Absent)?;
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
            gateway.faults.set_aside(&format!("notice {}", row.notice_id), written)?
        {
            let (by, now) = (&caller.identity, gateway.clock.now());
            let fact = Fact::letter_fetched(by, now, row.notice_id, kind_in_words(&row));
            write::fact(gateway, fact).await?;
            return Ok(Some(letter));
        }
        // Others go on; later ones of its own case would come out of order.
        passed.insert(row.about.id());
        if passed.len() >= PASSED_MAX {
            let error = anyhow::anyhow!("{PASSED_MAX} notices in a row cannot be written");
            return Err(Failure::Ours(error).into());
        }
    }
    Ok(None)
}

fn render(gateway: &Gateway, row: &NoticeRow, live: &Arc<LiveLetter>) -> Result<Letter, Failure> {
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
        live.plan.render(&notice).map_err(|error| Failure::Ours(anyhow::anyhow!(error)))?;
    Ok(Letter {
        notice_id: row.notice_id,
        sequence: row.sequence,
        media_type: rendered.media_type,
        body: rendered.body,
    })
}
