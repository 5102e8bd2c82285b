//! An outcome from a provider: read, compared with what is stored, folded into where the case
//! stands, and stored with the notices that follow from it, in one transaction.

use bytes::Bytes;
use cara_domain::Compartment;
use cara_domain::decision::Decision;
use cara_domain::outcome::{OffenderReport, Outcome};
use cara_wire::glance::Urgent;
use cara_wire::outcome::{self as told, OutcomeMessage as Reported, UnreadMessage};
use cara_wire::reconciliation;
use cara_wire::rejection::{self, Rejection, RejectionCode};
use uuid::Uuid;

use fold::{side_of, workshop_day};

use crate::case::caused;
use crate::case::consult;
use crate::case::decide;
use crate::notice;
use crate::outbox::reconcile;
use crate::record::prepare::Told;
use crate::{Gateway, Refusal};
use cara_store::{Case, Digest, Entry, Fact, NewOutcome, Operation, OutcomeRow, SealedSide, What};
use cara_vault::{Binding, Keys};

pub(crate) use fold::Folded;

mod alarm;
mod fold;
pub mod rejected;

/// Outcomes of one side of a case; folding them stays cheap, whatever a provider sends.
const OUTCOMES_MAX: usize = 200;

/// An outcome that keeps losing its race is left on its queue after this many tries.
const ROUNDS_MAX: usize = 8;

/// One message from an outcome queue.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// Whose queue it came from.
    pub provider: String,
    pub side: Compartment,
    /// The broker's user, where the broker has checked that it is the one who may speak here.
    pub speaker: Option<String>,
    pub message_id: Option<Uuid>,
    pub body: Bytes,
}

/// What became of it. In every case it may be acknowledged, once the rejections have been sent.
#[derive(Debug)]
pub struct Concluded {
    pub end: End,
    /// What the provider is told: why this outcome could not be applied, or one that had waited
    /// behind it.
    pub rejections: Vec<Rejection>,
    /// Whom a person has to tell, now.
    pub urgent: Option<Urgency>,
}

/// Who has to be told by a person, now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// This force, by its two digits; its notice is stored.
    Force(String),
    /// Nobody knows which force: the provider has to be asked.
    Provider,
}

impl Concluded {
    pub(crate) fn of(end: End, rejections: Vec<Rejection>) -> Concluded {
        Concluded { end, rejections, urgent: None }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It is stored, and the case has moved as far as it could.
    Applied,
    /// It is stored and waits: an earlier number has not arrived.
    Waits,
    /// It was stored before.
    AlreadyApplied,
    /// It is stored, contradicts what came before it, and changes nothing.
    Contradicts,
    /// It is not stored. [`Gateway::record_rejections`] has to be called before it is answered.
    Rejected,
    /// What is stored of its case cannot be opened; it goes to the dead queue, where a person finds
    /// it and can put it back.
    SetAside,
}

impl End {
    /// As it is counted.
    pub fn name(self) -> &'static str {
        match self {
            End::Applied => "applied",
            End::Waits => "waits",
            End::AlreadyApplied => "already_applied",
            End::Contradicts => "contradicts",
            End::Rejected => "rejected",
            End::SetAside => "set_aside",
        }
    }
}

/// The police-only row, as far as notices need it.
#[derive(serde::Deserialize)]
struct Police {
    record_ref: String,
    told: Option<Told>,
}

/// Takes one outcome. An error promises nothing: the message must stay on its queue.
pub async fn conclude(gateway: &Gateway, arrived: &Arrived) -> Result<Concluded, Refusal> {
    let concluded = apply(gateway, arrived).await?;
    match concluded.end {
        End::Rejected | End::SetAside => alarm::with_alarm(gateway, arrived, concluded).await,
        _ => Ok(concluded),
    }
}

/// What is wrong with a message by itself, without a look at any case.
pub fn at_sight(gateway: &Gateway, arrived: &Arrived) -> Option<Concluded> {
    read_whole(gateway, arrived).err()
}

fn read_whole<'a>(gateway: &Gateway, arrived: &'a Arrived) -> Result<(&'a str, Said), Concluded> {
    let Some(speaker) = arrived.speaker.as_deref() else {
        return Err(refuse(gateway, arrived, &rejection::WRONG_SPEAKER, "user_id", None));
    };
    let said = match reconciliation::read(&arrived.body) {
        Some(counted) => counted.map(Said::Counted),
        None => told::read(arrived.side, &arrived.body).map(Said::Reported),
    };
    Ok((speaker, said.map_err(|unread| reject(gateway, arrived, unread))?))
}

async fn apply(gateway: &Gateway, arrived: &Arrived) -> Result<Concluded, Refusal> {
    let (speaker, reported) = match read_whole(gateway, arrived) {
        Ok((_, Said::Counted(counted))) => {
            return reconcile::reconcile(gateway, arrived, counted).await;
        }
        Ok((speaker, Said::Reported(reported))) => (speaker, reported),
        Err(rejected) => return Ok(rejected),
    };
    let head = reported.head();
    let content = gateway.vault.digest("outcome", &[&reported.to_json()]);
    for round in 0..ROUNDS_MAX {
        // Asked before the case is looked at: what is stored of this case in between is seen.
        let is_taken = round > 0 && gateway.store.has_outcome(head.outcome_id).await?;
        let case = gateway.store.case(head.referral_id).await?;
        let Some(case) = case.filter(|case| case.provider == arrived.provider) else {
            let code = &rejection::UNKNOWN_REFERRAL;
            return Ok(refuse(gateway, arrived, code, "data.referral_id", Some(&reported)));
        };
        let open = match open(gateway, &case) {
            Ok(open) => open,
            Err(error) => {
                // Trying again would fail again, and would stop everybody's outcomes.
                tracing::error!(
                    cause = %format_args!("{error:#}"),
                    "an outcome's case cannot be opened; the outcome is set aside"
                );
                return Ok(Concluded::of(End::SetAside, Vec::new()));
            }
        };
        match look(gateway, &case, &open, &reported, content) {
            Look::Same => return Ok(again(gateway, arrived, &case, &open, head.number)),
            Look::Wrong(code, member) => {
                return Ok(refuse(gateway, arrived, code, member, Some(&reported)));
            }
            Look::New if is_taken => {
                let code = &rejection::ID_REUSED;
                return Ok(refuse(gateway, arrived, code, "data.outcome_id", Some(&reported)));
            }
            Look::New => {}
        }
        let made = prepare(gateway, &case, open, &reported, content, speaker)?;
        if consult::write_raced(gateway, made.entry).await? {
            gateway.letters_wake.notify_one();
            let contradicting = made.contradicting.iter();
            let rejections = contradicting.map(|it| contradiction(gateway, arrived, it)).collect();
            let urgent = made.is_urgent.then(|| Urgency::Force(case.force.to_string()));
            return Ok(Concluded { urgent, ..Concluded::of(made.end, rejections) });
        }
    }
    Err(Refusal::Unavailable { reason: "the same case keeps changing", retry_after_s: 1 })
}

/// It was stored before; the answers may not have gone out then.
fn again(gateway: &Gateway, arrived: &Arrived, case: &Case, open: &Open, number: u32) -> Concluded {
    let folded = Folded::of(&open.reported, &open.decisions, case);
    let known = open.reported.iter().filter(|it| it.head().number >= number);
    let rejections = known
        .filter(|it| folded.contradicts(it))
        .map(|it| contradiction(gateway, arrived, it))
        .collect();
    Concluded::of(End::AlreadyApplied, rejections)
}

/// The answer to an outcome that is stored and changes nothing. The same outcome gets the same
/// answer, under the same id.
fn contradiction(gateway: &Gateway, arrived: &Arrived, reported: &Reported) -> Rejection {
    let unread = unread(&rejection::CONTRADICTION, "data.kind", Some(reported));
    let outcome_id = reported.head().outcome_id;
    rejection(gateway, arrived, unread, &[b"contradiction", outcome_id.as_bytes()])
}

fn refuse(
    gateway: &Gateway,
    arrived: &Arrived,
    code: &'static RejectionCode,
    member: &str,
    reported: Option<&Reported>,
) -> Concluded {
    reject(gateway, arrived, unread(code, member, reported))
}

/// The answer to the provider.
fn reject(gateway: &Gateway, arrived: &Arrived, unread: UnreadMessage) -> Concluded {
    let rejection = rejection(gateway, arrived, unread, &[b"body", &arrived.body]);
    Concluded::of(End::Rejected, vec![rejection])
}

/// `identity`: what makes two answers the same one.
fn rejection(
    gateway: &Gateway,
    arrived: &Arrived,
    unread: UnreadMessage,
    identity: &[&[u8]],
) -> Rejection {
    Rejection {
        side: arrived.side,
        provider: arrived.provider.clone(),
        id: gateway.vault.digest("rejection", identity).id(),
        at: gateway.clock.now(),
        message_id: arrived.message_id,
        outcome_id: unread.outcome_id,
        referral_id: unread.referral_id,
        faults: unread.faults,
    }
}

/// Compares an outcome with what is stored of its case.
fn look(gateway: &Gateway, case: &Case, open: &Open, reported: &Reported, content: Digest) -> Look {
    let head = reported.head();
    let side = side_of(reported);
    let same_id = case.outcomes.iter().find(|row| row.outcome_id == head.outcome_id);
    if let Some(row) = same_id {
        let same = row.content == content && row.body.compartment() == side;
        return if same {
            Look::Same
        } else {
            Look::Wrong(&rejection::ID_REUSED, "data.outcome_id")
        };
    }
    let of_side = || case.outcomes.iter().filter(|row| row.body.compartment() == side);
    if of_side().any(|row| row.number == head.number) {
        return Look::Wrong(&rejection::NUMBER_TAKEN, "data.number");
    }
    if of_side().count() >= OUTCOMES_MAX {
        return Look::Wrong(&rejection::TOO_MANY, "data.referral_id");
    }
    if head.revision_seen > case.latest_revision {
        return Look::Wrong(&rejection::REVISION_AHEAD, "data.revision_seen");
    }
    let today = gateway.clock.today();
    if head.happened_on > today {
        return Look::Wrong(&rejection::IN_FUTURE, "data.happened_on");
    }
    if workshop_day(reported).is_some_and(|on| on > today) {
        return Look::Wrong(&rejection::IN_FUTURE, "data.on");
    }
    let given_on = open.told.given_on;
    if given_on.is_some_and(|given_on| head.happened_on < given_on) {
        return Look::Wrong(&rejection::BEFORE_CAUTION, "data.happened_on");
    }
    if let Reported::Offender(Outcome {
        report: OffenderReport::Correction { supersedes }, ..
    }) = reported
    {
        let earlier = |row: &OutcomeRow| row.outcome_id == *supersedes && row.number < head.number;
        // Behind a gap it cannot be told yet.
        let complete = of_side().filter(|row| row.number < head.number).count();
        let is_complete = usize::try_from(head.number - 1).is_ok_and(|all| all == complete);
        if is_complete && !of_side().any(earlier) {
            return Look::Wrong(&rejection::UNKNOWN_SUPERSEDES, "data.supersedes");
        }
    }
    Look::New
}

/// Opens what is stored of a case.
pub(crate) fn open(gateway: &Gateway, case: &Case) -> anyhow::Result<Open> {
    let keys = gateway.vault.unwrap_keys(case.referral_id, &case.keys)?;
    let place = Binding { id: case.referral_id, revision: case.police_revision, column: "police" };
    let police = gateway.vault.open_sealed(&keys, place, &case.police)?;
    let police: Police = serde_json::from_slice(&police)?;
    let Some(told) = police.told else {
        anyhow::bail!("referral {} was stored before notices were", case.referral_id);
    };
    let mut reported = Vec::new();
    for row in &case.outcomes {
        let json = notice::open_side(gateway, &keys, binding(row.outcome_id), &row.body)?;
        let read = Reported::from_json(row.body.compartment(), &json)
            .map_err(|_| anyhow::anyhow!("outcome {} cannot be read", row.outcome_id))?;
        reported.push(read);
    }
    let mut decisions = Vec::new();
    for row in &case.decisions {
        let json = gateway.vault.open_sealed(&keys, decide::binding(row.decision_id), &row.body)?;
        decisions.push(serde_json::from_slice(&json)?);
    }
    Ok(Open { keys, record_ref: police.record_ref, told, reported, decisions })
}

/// The entry that stores it, and how the case stands then.
fn prepare(
    gateway: &Gateway,
    case: &Case,
    open: Open,
    reported: &Reported,
    content: Digest,
    speaker: &str,
) -> Result<Made, Refusal> {
    let before = Folded::of(&open.reported, &open.decisions, case);
    let mut all = open.reported.clone();
    all.push(reported.clone());
    let after = Folded::of(&all, &open.decisions, case);
    let keys = &open.keys;
    let contact = gateway.forces.provider(&case.provider).contact;
    let head = reported.head();
    // What is urgent is told when it arrives, and not when a gap before it is closed.
    let is_new = |it: &Reported| match alarm::urgent(it) {
        Some(_) => it.head().outcome_id == head.outcome_id,
        None => after.stands(it) && !before.stands(it),
    };
    let end = if after.contradicts(reported) {
        End::Contradicts
    } else if after.stands(reported) {
        End::Applied
    } else {
        End::Waits
    };
    let today = gateway.clock.today();
    let stamp = caused::stamp(gateway, case, gateway.clock.now())?;
    let mut notices = Vec::new();
    let mut messages = Vec::new();
    // What closes a gap lets others go on behind it: the force is told in their order.
    all.sort_by_key(|reported| reported.head().number);
    for reported in &all {
        if !is_new(reported) {
            continue;
        }
        if let Some(prompt) = caused::prompt_of_outcome(reported) {
            messages.push(caused::prompt(gateway, keys, &stamp, prompt)?);
        }
        let Some(kind) = notice::kind(reported) else { continue };
        let content = notice::content(&open, reported, &after.standing, contact.as_deref(), today);
        let (side, cause) = (side_of(reported), reported.head().outcome_id);
        notices.push(notice::new_notice(gateway, keys, side, kind, cause, &content)?);
    }
    let received_at = gateway.clock.now();
    let standing = &after.standing;
    let outcome = NewOutcome {
        referral_id: case.referral_id,
        outcome_id: head.outcome_id,
        number: head.number,
        kind: reported.kind().to_owned(),
        happened_on: head.happened_on,
        received_at,
        content,
        body: sealed(
            gateway,
            keys,
            binding(head.outcome_id),
            side_of(reported),
            &reported.to_json(),
        )?,
        standing: after.to_store(case.facts),
        notices,
        messages,
    };
    let fact = Fact {
        operation: Operation::Collection,
        by: speaker.to_owned(),
        at: received_at,
        about: format!("outcome {} {}", head.outcome_id, reported.kind()),
        to: None,
        note: Some(format!("referral {} is {}", case.referral_id, standing.programme.name())),
    };
    let what = What::Outcome(Box::new(outcome));
    let entry = Entry::of(what, vec![fact]);
    let is_urgent = alarm::urgent(reported) == Some(Urgent::Concern);
    let contradicting =
        all.into_iter().filter(|it| after.contradicts(it) && !before.contradicts(it)).collect();
    Ok(Made { entry, end, contradicting, is_urgent })
}

pub(crate) fn sealed(
    gateway: &Gateway,
    keys: &Keys,
    binding: Binding,
    side: Compartment,
    plain: &[u8],
) -> Result<SealedSide, Refusal> {
    Ok(match side {
        Compartment::Offender => SealedSide::Offender(gateway.vault.seal(keys, binding, plain)?),
        Compartment::Victim => SealedSide::Victim(gateway.vault.seal(keys, binding, plain)?),
    })
}

fn unread(
    code: &'static RejectionCode,
    member: &str,
    reported: Option<&Reported>,
) -> UnreadMessage {
    let unread = UnreadMessage::of(code, member);
    match reported {
        Some(reported) => unread.about(reported.head()),
        None => unread,
    }
}

/// What a provider may say over its outcome queues.
enum Said {
    Reported(Reported),
    Counted(reconciliation::ReconciliationCount),
}

/// How an outcome compares with what is stored.
enum Look {
    New,
    Same,
    Wrong(&'static RejectionCode, &'static str),
}

/// A case, opened.
pub(crate) struct Open {
    pub keys: Keys,
    pub record_ref: String,
    pub told: Told,
    pub reported: Vec<Reported>,
    pub decisions: Vec<Decision>,
}

struct Made {
    entry: Entry,
    end: End,
    /// Outcomes that were not known to contradict before.
    contradicting: Vec<Reported>,
    /// A safeguarding concern is among what is told now.
    is_urgent: bool,
}

/// An outcome is sealed under its case's key and bound to its own id.
fn binding(outcome_id: Uuid) -> Binding {
    Binding { id: outcome_id, revision: 0, column: "outcome" }
}
