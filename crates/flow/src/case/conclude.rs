//! An outcome from a provider: read, compared with what is stored, folded into where the case
//! stands, and stored with the notices that follow from it, in one transaction.

use bytes::Bytes;
use cara_domain::Compartment;
use cara_domain::choice::Choice as _;
use cara_domain::outcome::{OffenderReport, Outcome};
use cara_wire::glance::Urgent;
use cara_wire::outcome::{self as told, OutcomeMessage as Reported, UnreadMessage};
use cara_wire::reconciliation;
use cara_wire::rejection::{self, Rejection, RejectionCode};
use uuid::Uuid;

use crate::case_file::CaseFile;
use crate::case_file::fold::{Folded, side_of, workshop_day};
use crate::outbox::{message, reconcile};
use crate::{Failure, Gateway, notice, write};
use cara_store::{CausedMessage, Digest, Entry, Fact, NewNotice, NewOutcome, OutcomeRow, What};

mod alarm;
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

/// Takes one outcome. An error promises nothing: the message must stay on its queue.
pub async fn conclude(gateway: &Gateway, arrived: &Arrived) -> Result<Concluded, Failure> {
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

async fn apply(gateway: &Gateway, arrived: &Arrived) -> Result<Concluded, Failure> {
    let (speaker, reported) = match read_whole(gateway, arrived) {
        Ok((_, Said::Counted(counted))) => {
            let speaker = arrived.speaker.as_deref().unwrap_or(&arrived.provider);
            reconcile::reconcile(gateway, &arrived.provider, arrived.side, speaker, counted)
                .await?;
            return Ok(Concluded::of(End::Applied, Vec::new()));
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
        let file = match CaseFile::open(gateway, case) {
            Ok(file) => file,
            Err(error) => {
                // Trying again would fail again, and would stop everybody's outcomes.
                let error = &error as &dyn std::error::Error;
                tracing::error!(
                    error,
                    "an outcome's case cannot be opened; the outcome is set aside"
                );
                return Ok(Concluded::of(End::SetAside, Vec::new()));
            }
        };
        match compare(gateway, &file, &reported, content) {
            Compared::Same => return Ok(again(gateway, arrived, &file, head.number)),
            Compared::Wrong(code, member) => {
                return Ok(refuse(gateway, arrived, code, member, Some(&reported)));
            }
            Compared::New if is_taken => {
                let code = &rejection::ID_REUSED;
                return Ok(refuse(gateway, arrived, code, "data.outcome_id", Some(&reported)));
            }
            Compared::New => {}
        }
        let made = prepare(gateway, &file, &reported, content, speaker)?;
        if write::entry(gateway, made.entry).await? {
            gateway.letters_wake.notify_one();
            let contradicting = made.contradicting.iter();
            let rejections = contradicting.map(|it| contradiction(gateway, arrived, it)).collect();
            let is_urgent = alarm::urgent(&reported) == Some(Urgent::Concern);
            let urgent = is_urgent.then(|| Urgency::Force(file.row.force.to_string()));
            return Ok(Concluded { urgent, ..Concluded::of(made.end, rejections) });
        }
    }
    Err(Failure::case_busy())
}

/// It was stored before; the answers may not have gone out then.
fn again(gateway: &Gateway, arrived: &Arrived, file: &CaseFile<'_>, number: u32) -> Concluded {
    let folded = file.folded();
    let known = file.reported.iter().filter(|it| it.head().number >= number);
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
fn compare(
    gateway: &Gateway,
    file: &CaseFile<'_>,
    reported: &Reported,
    content: Digest,
) -> Compared {
    let (case, head) = (&file.row, reported.head());
    let side = side_of(reported);
    let same_id = case.outcomes.iter().find(|row| row.outcome_id == head.outcome_id);
    if let Some(row) = same_id {
        let same = row.content == content && row.body.compartment() == side;
        return if same {
            Compared::Same
        } else {
            Compared::Wrong(&rejection::ID_REUSED, "data.outcome_id")
        };
    }
    let of_side = || case.outcomes.iter().filter(|row| row.body.compartment() == side);
    if of_side().any(|row| row.number == head.number) {
        return Compared::Wrong(&rejection::NUMBER_TAKEN, "data.number");
    }
    if of_side().count() >= OUTCOMES_MAX {
        return Compared::Wrong(&rejection::TOO_MANY, "data.referral_id");
    }
    if head.revision_seen > case.latest_revision {
        return Compared::Wrong(&rejection::REVISION_AHEAD, "data.revision_seen");
    }
    let today = gateway.clock.today();
    if head.happened_on > today {
        return Compared::Wrong(&rejection::IN_FUTURE, "data.happened_on");
    }
    if workshop_day(reported).is_some_and(|on| on > today) {
        return Compared::Wrong(&rejection::IN_FUTURE, "data.on");
    }
    let given_on = file.police.given_on;
    if given_on.is_some_and(|given_on| head.happened_on < given_on) {
        return Compared::Wrong(&rejection::BEFORE_CAUTION, "data.happened_on");
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
            return Compared::Wrong(&rejection::UNKNOWN_SUPERSEDES, "data.supersedes");
        }
    }
    Compared::New
}

/// The entry that stores it, and how the case stands then.
fn prepare(
    gateway: &Gateway,
    file: &CaseFile<'_>,
    reported: &Reported,
    content: Digest,
    speaker: &str,
) -> Result<Made, Failure> {
    let (before, after) = (file.folded(), file.folded_with(reported));
    let end = if after.contradicts(reported) {
        End::Contradicts
    } else if after.stands(reported) {
        End::Applied
    } else {
        End::Waits
    };
    let mut all: Vec<&Reported> = file.reported.iter().chain([reported]).collect();
    // What closes a gap lets others go on behind it: the force is told in their order.
    all.sort_by_key(|reported| reported.head().number);
    let head = reported.head();
    // What is urgent is told when it arrives, and not when a gap before it is closed.
    let is_news = |it: &Reported| match alarm::urgent(it) {
        Some(_) => it.head().outcome_id == head.outcome_id,
        None => after.stands(it) && !before.stands(it),
    };
    let news: Vec<&Reported> = all.iter().copied().filter(|it| is_news(it)).collect();
    let (notices, messages) = following(gateway, file, &after, &news)?;
    let received_at = gateway.clock.now();
    let outcome = NewOutcome {
        referral_id: file.row.referral_id,
        outcome_id: head.outcome_id,
        number: head.number,
        kind: reported.kind().to_owned(),
        happened_on: head.happened_on,
        received_at,
        content,
        body: file.keys.seal_outcome(reported)?,
        standing: after.to_store(file.row.facts),
        notices,
        messages,
    };
    let (referral_id, programme) = (file.row.referral_id, after.standing.programme.state().code());
    let (id, kind) = (head.outcome_id, reported.kind());
    let fact = Fact::outcome_taken(speaker, received_at, id, kind, referral_id, programme);
    let entry = Entry::of(What::Outcome(Box::new(outcome)), vec![fact]);
    let is_newly = |it: &&Reported| after.contradicts(it) && !before.contradicts(it);
    let contradicting = all.into_iter().filter(is_newly).cloned().collect();
    Ok(Made { entry, end, contradicting })
}

/// What the force and the victim worker are told because these outcomes stand now.
fn following(
    gateway: &Gateway,
    file: &CaseFile<'_>,
    after: &Folded,
    news: &[&Reported],
) -> Result<(Vec<NewNotice>, Vec<CausedMessage>), Failure> {
    let (mut notices, mut messages) = (Vec::new(), Vec::new());
    let stamp = message::stamp(gateway, &file.row, gateway.clock.now());
    for reported in news {
        if let Some(prompt) = message::prompt_of_outcome(reported) {
            messages.push(message::prompt(gateway, &file.keys, &stamp, prompt)?);
        }
        let Some(kind) = notice::kind(reported) else { continue };
        let content = notice::of_outcome(gateway, file, &after.standing, reported);
        let (side, cause) = (side_of(reported), reported.head().outcome_id);
        notices.push(notice::new_notice(gateway, &file.keys, side, kind, cause, &content)?);
    }
    Ok((notices, messages))
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
enum Compared {
    New,
    Same,
    Wrong(&'static RejectionCode, &'static str),
}

struct Made {
    entry: Entry,
    end: End,
    /// Outcomes that were not known to contradict before.
    contradicting: Vec<Reported>,
}
