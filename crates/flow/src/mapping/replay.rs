//! A candidate tried on the records that are still kept, accepted ones and open holds, beside the
//! mapping that is live. It tells fields and codes; values only where an operator asked for them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cara_domain::{Finding, FindingKind, Stopped, Validated};
use cara_wire::operators::hold::HoldReason;
use cara_wire::operators::mapping::{
    EndFinding, Ending, RecordEnd, Replay, Revealed, RevealedValue, Sort, WaitingHolds,
};
use serde_json::Value;
use uuid::Uuid;

use crate::case_file::{self, CaseKeys};
use crate::hold::cause;
use crate::live::LivePlan;
use crate::mapping::difference::{self, Difference};
use crate::mapping::retained::{AT_ONCE, Retained, Walk};
use crate::record::read::{self, RecordReading};
use crate::{Failure, Force, Gateway, Operator, write};
use cara_store::{Fact, HoldRow};
use cara_supervisor::contain_now;

/// Records on which a candidate is tried unless the operator says otherwise.
pub const RECORDS_USUAL: u32 = 1_000;
/// Records on which it is tried at most.
pub const RECORDS_MAX: u32 = 10_000;
/// Values that one try shows.
const REVEALED_MAX: usize = 50;
/// Ends that are told apart; whatever is beyond counts as one.
const ENDS_MAX: usize = 200;
/// Kept records are counted so far.
const COUNTED_MAX: usize = 100_000;

/// What an operator wants to see of a try.
pub(crate) struct ReplayOrder<'a> {
    pub operator: &'a Operator,
    pub because: &'a str,
    /// At most so many records.
    pub records: u32,
    pub reveal: bool,
}

/// Counts ends; bounded whatever the records hold.
#[derive(Default)]
struct Tally {
    ends: BTreeMap<(Sort, RecordEnd), u64>,
    looked_at: u64,
    now_accepted: Vec<Uuid>,
    revealed: Vec<Revealed>,
}

impl Tally {
    fn count(&mut self, sort: Sort, how: RecordEnd) {
        let key = (sort, how);
        let is_known = self.ends.contains_key(&key);
        let key = match is_known || self.ends.len() < ENDS_MAX {
            true => key,
            false => (sort, RecordEnd::Otherwise),
        };
        *self.ends.entry(key).or_default() += 1;
    }

    fn into_replay(self, kept: u64) -> Replay {
        let ends = self.ends.into_iter();
        Replay {
            kept: kept.max(self.looked_at),
            looked_at: self.looked_at,
            ends: ends.map(|((sort, how), records)| Ending { sort, how, records }).collect(),
            now_accepted: self.now_accepted,
            revealed: self.revealed,
        }
    }
}

/// What a try needs in a thread of its own.
struct Trial {
    gateway: Gateway,
    force: Force,
    live: Arc<LivePlan>,
    candidate: Arc<LivePlan>,
    reveal: bool,
    victims: bool,
}

impl Trial {
    fn look_at(&self, chunk: &[Retained], tally: &mut Tally) -> Result<(), Failure> {
        for kept in chunk {
            let keys = CaseKeys::unwrap(&self.gateway, kept.id, &kept.keys)?;
            let text = keys.open_raw(kept.revision, &kept.raw)?;
            let judged = |plan: &LivePlan| {
                read::alone(&RecordReading::of(&self.gateway), plan, &self.force, &text)
            };
            let (was, is) = (judged(&self.live), judged(&self.candidate));
            tally.looked_at += 1;
            self.note(kept, was.as_ref(), is.as_ref(), tally);
        }
        Ok(())
    }

    fn note(
        &self,
        kept: &Retained,
        was: Option<&Validated>,
        is: Option<&Validated>,
        tally: &mut Tally,
    ) {
        let is_new = |it: Option<&Validated>| !matches!(it, None | Some(Validated::Stopped(_)));
        if is_new(is)
            && !is_new(was)
            && kept.revision == 0
            && tally.now_accepted.len() < REVEALED_MAX
        {
            tally.now_accepted.push(kept.id);
        }
        let differences = match (was, is) {
            (Some(was), Some(is)) => difference::differences(was, is),
            (None, None) => Some(Vec::new()),
            _ => None,
        };
        let Some(differences) = differences else {
            let (sort, how) = ended(was, is);
            tally.count(sort, how);
            return;
        };
        if differences.is_empty() {
            tally.count(Sort::Same, RecordEnd::Same);
        }
        for difference in differences {
            let field = difference.field.clone();
            tally.count(Sort::Changed, RecordEnd::Field { field });
            if self.reveal && tally.revealed.len() < REVEALED_MAX {
                tally.revealed.push(self.revealed(kept.id, difference));
            }
        }
    }

    fn revealed(&self, referral_id: Uuid, difference: Difference) -> Revealed {
        let Difference { field, was, is, of_victim } = difference;
        let (was, is) = (shown(&was), shown(&is));
        // A draft may read anything of the record into any field, the victim's name into the
        // officer's: what it brings in is shown only to those who may see victims.
        let (was, is) = match (self.victims, of_victim) {
            (true, _) => (was, is),
            (false, true) => (RevealedValue::Masked, RevealedValue::Masked),
            (false, false) if is_part_of(&is, &was) => (was, is),
            (false, false) => (was, RevealedValue::Masked),
        };
        Revealed { referral_id, field, was, is }
    }
}

/// Characters of one value that are shown.
const SHOWN_CHARS_MAX: usize = 200;

fn shown(value: &Value) -> RevealedValue {
    let text = match value {
        Value::Null => return RevealedValue::Nothing,
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    RevealedValue::Text(match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text,
    })
}

/// Whether a value says nothing that another does not, whatever its case, blanks and signs.
fn is_part_of(value: &RevealedValue, whole: &RevealedValue) -> bool {
    let letters = |value: &RevealedValue| {
        let RevealedValue::Text(text) = value else { return String::new() };
        let letters = text.chars().filter(|it| it.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect::<String>()
    };
    letters(whole).contains(&letters(value))
}

/// How a record would end that does not end in the same sort of way.
fn ended(was: Option<&Validated>, is: Option<&Validated>) -> (Sort, RecordEnd) {
    let Some(is) = is else { return (Sort::Stopped, RecordEnd::NotRead) };
    let was_stopped = matches!(was, Some(Validated::Stopped(_)));
    let sort = match (was, is) {
        // For other reasons than before.
        (_, Validated::Stopped(_)) if was_stopped => Sort::Changed,
        (_, Validated::Stopped(_)) => Sort::Stopped,
        (None | Some(Validated::Stopped(_)), _) => Sort::Accepted,
        // A referral that becomes a withdrawal, say, sends nobody anywhere.
        (Some(_), _) => Sort::Stopped,
    };
    let how = match is {
        Validated::Referral(_) => RecordEnd::Accepted,
        Validated::Withdrawal(_) => RecordEnd::Withdrawn,
        Validated::Decision(_) => RecordEnd::Decided,
        Validated::Stopped(stopped) if is_at_fault(stopped) => {
            RecordEnd::Refused { findings: findings(stopped) }
        }
        Validated::Stopped(stopped) => RecordEnd::Held { findings: findings(stopped) },
    };
    (sort, how)
}

/// Whether the force has to mend it.
fn is_at_fault(stopped: &Stopped) -> bool {
    stopped.findings.iter().any(|it| it.code.kind() == FindingKind::Violation)
}

fn findings(stopped: &Stopped) -> Vec<EndFinding> {
    let stopping = stopped.findings.iter().filter(|it| it.code.kind() != FindingKind::Flag);
    let finding = |it: &Finding| EndFinding {
        code: it.code.id().to_owned(),
        name: it.code.name().to_owned(),
        field: it.field.to_string(),
    };
    stopping.map(finding).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Tries a candidate on the newest records that are still kept, beside the plan that is live.
/// Who looked is committed before the answer.
pub(crate) async fn try_on_retained(
    gateway: &Gateway,
    asked: &ReplayOrder<'_>,
    force: &Force,
    candidate: LivePlan,
) -> Result<Replay, Failure> {
    let name = candidate.reference.name.clone();
    let Some(live) = gateway.live.named(force.code, &name) else { return Ok(Replay::default()) };
    let kept = gateway.store.kept_count(force.code, name.clone(), COUNTED_MAX).await?;
    let mut trial = Trial {
        gateway: gateway.clone(),
        force: force.clone(),
        live,
        candidate: Arc::new(candidate),
        reveal: asked.reveal,
        victims: asked.operator.victims,
    };
    let mut walk = Walk::of(gateway, force.code, &name);
    let mut tally = Tally::default();
    loop {
        let left = u64::from(asked.records).saturating_sub(tally.looked_at);
        let chunk = walk.next(usize::try_from(left).unwrap_or(usize::MAX)).await?;
        if chunk.is_empty() {
            break;
        }
        (trial, tally) = on_own_thread(move || {
            trial.look_at(&chunk, &mut tally)?;
            Ok((trial, tally))
        })
        .await?;
    }
    let replay = tally.into_replay(kept);
    record_try(gateway, asked, force, &name, &replay).await?;
    Ok(replay)
}

async fn record_try(
    gateway: &Gateway,
    asked: &ReplayOrder<'_>,
    force: &Force,
    name: &str,
    replay: &Replay,
) -> Result<(), Failure> {
    if replay.looked_at == 0 {
        return Ok(());
    }
    let (by, slug, now) = (&asked.operator.name, &force.slug, gateway.clock.now());
    write::fact(gateway, Fact::mapping_tried(by, now, replay.looked_at, slug, name)).await?;
    if replay.revealed.is_empty() {
        return Ok(());
    }
    let mut ids: Vec<_> = replay.revealed.iter().map(|it| it.referral_id.to_string()).collect();
    ids.dedup();
    let ids = ids.join(", ");
    write::fact(gateway, Fact::tried_values_shown(by, now, slug, name, &ids, asked.because)).await
}

/// Open holds of a mapping that its live version would accept, by cause: what a person can
/// release now. Those that were held for what other records say are left out.
pub(crate) async fn waiting_for(
    gateway: &Gateway,
    operator: &Operator,
    force: &Force,
    name: &str,
) -> Result<Vec<WaitingHolds>, Failure> {
    let Some(mut live) = gateway.live.named(force.code, name) else { return Ok(Vec::new()) };
    let mut found: BTreeMap<Vec<HoldReason>, WaitingHolds> = BTreeMap::new();
    let (mut place, mut looked_at) = (None, 0);
    while looked_at < RECORDS_MAX as usize {
        let rows = gateway.store.kept_holds(force.code, name.to_owned(), place, AT_ONCE).await?;
        let Some(last) = rows.last() else { break };
        place = Some(last.hold_id);
        looked_at += rows.len();
        let (gateway, force) = (gateway.clone(), force.clone());
        let accepted;
        (live, accepted) = on_own_thread(move || {
            let accepted = accepted_of(&gateway, rows, &live, &force)?;
            Ok((live, accepted))
        })
        .await?;
        for (key, waiting) in accepted {
            found.entry(key).or_insert(waiting).holds += 1;
        }
    }
    if looked_at > 0 {
        let (by, now) = (&operator.name, gateway.clock.now());
        write::fact(gateway, Fact::holds_tried(by, now, looked_at, &force.slug, name)).await?;
    }
    Ok(found.into_values().collect())
}

/// Each with what tells its cause from others: the true text of a code, shown or not.
fn accepted_of(
    gateway: &Gateway,
    rows: Vec<HoldRow>,
    live: &LivePlan,
    force: &Force,
) -> Result<Vec<(Vec<HoldReason>, WaitingHolds)>, Failure> {
    let mut accepted = Vec::new();
    for row in rows.into_iter().filter(|row| !row.causes.iter().any(difference::is_of_others)) {
        let text = case_file::held_text(gateway, &row)?;
        let ended = read::alone(&RecordReading::of(gateway), live, force, &text);
        if matches!(ended, None | Some(Validated::Stopped(_))) {
            continue;
        }
        let unlisted = case_file::unlisted_of(gateway, &row)?;
        let key = cause::reasons(&row.causes, &unlisted);
        let reasons = cause::shown_reasons(key.clone());
        accepted.push((key, WaitingHolds { reasons, holds: 0, hold_id: row.hold_id }));
    }
    Ok(accepted)
}

/// Runs what takes the processor for long on a thread of its own.
pub(crate) async fn on_own_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(|| contain_now(work)).await {
        Ok(Ok(done)) => done,
        Ok(Err(panicked)) => Err(Failure::ours(panicked)),
        Err(error) => Err(Failure::ours(error)),
    }
}
