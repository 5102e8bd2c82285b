//! A candidate tried on the records that are still kept, accepted ones and open holds, beside the
//! mapping that is live. It tells fields and codes; values only where an operator asked for them.

use std::collections::BTreeMap;
use std::sync::Arc;

use cara_domain::{FindingKind, Stopped, Validated};
use serde::{Deserialize, Serialize};
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

/// What a candidate would make of the records that are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    /// Records of this mapping that are still kept: accepted ones, and holds that are open.
    pub kept: u64,
    /// How many of them it was tried on, the newest first.
    pub looked_at: u64,
    /// How they would end: what is the same, then accepted, changed, and last what would be stopped.
    /// A record with two changed fields is in both.
    pub ends: Vec<Ending>,
    /// Holds that would be accepted now; at most 50.
    pub now_accepted: Vec<Uuid>,
    /// Old and new values, where the operator asked for them; at most 50.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revealed: Vec<Revealed>,
}

/// One way in which records would end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    pub sort: Sort,
    /// `same`, `now accepted`, `changed: officer.unit`, `now held: V201 unlisted_code risk.grade`
    pub words: String,
    pub records: u64,
}

/// In the order in which they are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    Same,
    Accepted,
    Changed,
    /// It would be held, refused, or not even read.
    Stopped,
}

/// One value that would be another.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revealed {
    pub referral_id: Uuid,
    pub field: String,
    pub was: String,
    pub is: String,
}

/// Values are never shown by accident.
impl std::fmt::Debug for Revealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Revealed").field("field", &self.field).finish_non_exhaustive()
    }
}

/// Holds that a mapping which has gone live would accept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Why they were held: `risk grade: XHI`
    pub cause: String,
    pub holds: u64,
    /// One of them.
    pub hold_id: Uuid,
}

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
    ends: BTreeMap<(Sort, String), u64>,
    looked_at: u64,
    now_accepted: Vec<Uuid>,
    revealed: Vec<Revealed>,
}

impl Tally {
    fn count(&mut self, sort: Sort, words: String) {
        let key = (sort, words);
        let is_known = self.ends.contains_key(&key);
        let (sort, words) = match is_known || self.ends.len() < ENDS_MAX {
            true => key,
            false => (key.0, "otherwise, in still more ways".to_owned()),
        };
        *self.ends.entry((sort, words)).or_default() += 1;
    }

    fn into_replay(self, kept: u64) -> Replay {
        let ends = self.ends.into_iter();
        Replay {
            kept: kept.max(self.looked_at),
            looked_at: self.looked_at,
            ends: ends.map(|((sort, words), records)| Ending { sort, words, records }).collect(),
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
            let (sort, words) = ended(was, is);
            tally.count(sort, words);
            return;
        };
        if differences.is_empty() {
            tally.count(Sort::Same, "same".to_owned());
        }
        for difference in differences {
            tally.count(Sort::Changed, format!("changed: {}", difference.field));
            if self.reveal && tally.revealed.len() < REVEALED_MAX {
                tally.revealed.push(self.revealed(kept.id, difference));
            }
        }
    }

    fn revealed(&self, referral_id: Uuid, difference: Difference) -> Revealed {
        let Difference { field, was, is, of_victim } = difference;
        let (was, is) = (shown(&was), shown(&is));
        let masked = || "(masked)".to_owned();
        // A draft may read anything of the record into any field, the victim's name into the
        // officer's: what it brings in is shown only to those who may see victims.
        let (was, is) = match (self.victims, of_victim) {
            (true, _) => (was, is),
            (false, true) => (masked(), masked()),
            (false, false) if is == NOTHING || is_part_of(&is, &was) => (was, is),
            (false, false) => (was, masked()),
        };
        Revealed { referral_id, field, was, is }
    }
}

/// As it is shown where there is nothing.
const NOTHING: &str = "(nothing)";
/// Characters of one value that are shown.
const SHOWN_CHARS_MAX: usize = 200;

fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => return NOTHING.to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text,
    }
}

/// Whether a text says nothing that another does not, whatever its case, blanks and signs.
fn is_part_of(text: &str, whole: &str) -> bool {
    let letters = |text: &str| {
        let letters = text.chars().filter(|it| it.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect::<String>()
    };
    letters(whole).contains(&letters(text))
}

/// How a record would end that does not end in the same sort of way.
fn ended(was: Option<&Validated>, is: Option<&Validated>) -> (Sort, String) {
    match (was, is) {
        (_, None) => (Sort::Stopped, "now not read at all".to_owned()),
        (_, Some(Validated::Stopped(stopped))) => {
            let again = matches!(was, Some(Validated::Stopped(_)));
            let how = if is_at_fault(stopped) { "refused" } else { "held" };
            match again {
                true => (Sort::Changed, format!("still {how}, now by {}", codes(stopped))),
                false => (Sort::Stopped, format!("now {how}: {}", codes(stopped))),
            }
        }
        (None | Some(Validated::Stopped(_)), Some(is)) => {
            (Sort::Accepted, format!("now {}", end(is)))
        }
        // A referral that becomes a withdrawal, say, sends nobody anywhere.
        (Some(_), Some(is)) => (Sort::Stopped, format!("now {}", end(is))),
    }
}

fn end(validated: &Validated) -> &'static str {
    match validated {
        Validated::Referral(_) => "accepted",
        Validated::Withdrawal(_) => "withdrawn",
        Validated::Decision(_) => "decided",
        Validated::Stopped(_) => "held",
    }
}

/// Whether the force has to mend it.
fn is_at_fault(stopped: &Stopped) -> bool {
    stopped.findings.iter().any(|it| it.code.kind() == FindingKind::Violation)
}

fn codes(stopped: &Stopped) -> String {
    let stopping = stopped.findings.iter().filter(|it| it.code.kind() != FindingKind::Flag);
    let mut codes: Vec<_> =
        stopping.map(|it| format!("{} {} {}", it.code.id(), it.code.name(), it.field)).collect();
    codes.sort();
    codes.dedup();
    codes.join(", ")
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
) -> Result<Vec<Waiting>, Failure> {
    let Some(mut live) = gateway.live.named(force.code, name) else { return Ok(Vec::new()) };
    let mut found: BTreeMap<String, Waiting> = BTreeMap::new();
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
) -> Result<Vec<(String, Waiting)>, Failure> {
    let mut accepted = Vec::new();
    for row in rows.into_iter().filter(|row| !row.causes.iter().any(difference::is_of_others)) {
        let text = case_file::held_text(gateway, &row)?;
        let ended = read::alone(&RecordReading::of(gateway), live, force, &text);
        if matches!(ended, None | Some(Validated::Stopped(_))) {
            continue;
        }
        let unlisted = case_file::unlisted_of(gateway, &row)?;
        let cause = cause::words(&row.causes, &unlisted, cause::shown);
        let key = cause::words(&row.causes, &unlisted, |text| text);
        accepted.push((key, Waiting { cause, holds: 0, hold_id: row.hold_id }));
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
