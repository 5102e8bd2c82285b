//! What a force is told because of an outcome, and how it reads and takes over what it was told.

pub mod letter;
pub mod mail;

use cara_domain::Compartment;
use cara_domain::caution::Caution;
use cara_domain::choice::Choice as _;
use cara_domain::notice::NoticeKind;
use cara_domain::outcome::{OffenderReport, Outcome};
use cara_domain::standing::CaseStanding;
use cara_wire::api;
use cara_wire::outcome::OutcomeMessage as Reported;
use jiff::ToSpan as _;
use jiff::civil::Date;
use uuid::Uuid;

use crate::case::conclude;
use crate::case::conclude::Open;
use crate::case::consult;
use crate::record::fault;
use crate::{Caller, Gateway, Refusal};
use cara_store::{
    Entry, Fact, ForceNumber, NewNotice, NoticeFilter, NoticeRow, Operation, SealedSide, What,
};
use cara_vault::{Binding, Keys};

/// Notices in one answer, at most.
const LIMIT_MAX: usize = 500;

/// Two workshops are four to five weeks apart (DOMAIN 1.4), so this much has to be left before the
/// deadline while the first has not been attended.
const WEEKS_BETWEEN_WORKSHOPS: i64 = 5;

/// Which notices a force asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Two digits, for a caller that stands for several.
    pub force: Option<String>,
    /// Those that concern victims, a stream with numbers of its own.
    pub victims: bool,
    /// Numbers above this one.
    pub after: u64,
    pub limit: Option<usize>,
}

/// As what the force is told of such an outcome, if it is.
pub(crate) fn kind(reported: &Reported) -> Option<NoticeKind> {
    match reported {
        Reported::Offender(outcome) => NoticeKind::of_report(&outcome.report),
        Reported::Victim(outcome) => Some(NoticeKind::of_victim_report(&outcome.report)),
    }
}

/// What the notice says.
pub(crate) fn content(
    open: &Open,
    reported: &Reported,
    standing: &CaseStanding,
    contact: Option<&str>,
    today: Date,
) -> api::NoticeContent {
    let head = reported.head();
    let mut content = api::NoticeContent {
        happened_on: head.happened_on,
        evidence_ref: Some(head.outcome_id),
        ..of_case(open, standing, contact, today)
    };
    if let Reported::Offender(outcome) = reported {
        add(&mut content, outcome);
    }
    content
}

/// What every notice of a case says, as if a clock had made it today.
pub(crate) fn of_case(
    open: &Open,
    standing: &CaseStanding,
    contact: Option<&str>,
    today: Date,
) -> api::NoticeContent {
    let told = &open.told;
    let deadline = match standing.caution {
        Caution::Varied { deadline, .. } => deadline,
        _ => told.deadline,
    };
    api::NoticeContent {
        record_ref: Some(open.record_ref.clone()),
        occurrence_number: Some(told.occurrence_number.clone()),
        collar_number: Some(told.collar_number.clone()),
        compliance_inbox: Some(told.compliance_inbox.clone()),
        deadline: Some(deadline),
        prosecution_time_bar: told.prosecution_time_bar,
        completion_still_possible: still_possible(standing, deadline, today),
        provider_contact: contact.map(str::to_owned),
        ..api::NoticeContent::of_day(today)
    }
}

fn add(content: &mut api::NoticeContent, outcome: &Outcome) {
    match &outcome.report {
        OffenderReport::Declined { reason } => content.reason = Some(reason.code().to_owned()),
        OffenderReport::WorkshopBooked { part, on }
        | OffenderReport::WorkshopRescheduled { part, on }
        | OffenderReport::WorkshopAttended { part, on, .. } => {
            content.part = Some(part.number());
            content.workshop_on = Some(*on);
        }
        OffenderReport::WorkshopMissed { part, on, reason, .. } => {
            content.part = Some(part.number());
            content.workshop_on = Some(*on);
            content.reason = Some(reason.code().to_owned());
        }
        OffenderReport::InformationRequested { fields } => content.reason = Some(fields.join(" ")),
        OffenderReport::NonComplianceReported { facts } => {
            let codes: Vec<_> = facts.iter().map(|fact| fact.code()).collect();
            content.reason = Some(codes.join(" "));
        }
        OffenderReport::Correction { supersedes } => content.supersedes = Some(*supersedes),
        _ => {}
    }
}

fn still_possible(standing: &CaseStanding, deadline: Date, today: Date) -> Option<bool> {
    use cara_domain::programme::Programme;
    let weeks = match standing.programme {
        Programme::Attended1 { .. } | Programme::Booked2 { .. } => 0,
        ref programme if programme.has_ended() => return None,
        _ => WEEKS_BETWEEN_WORKSHOPS,
    };
    Some(today.saturating_add(weeks.weeks()) <= deadline)
}

/// One page of the caller's notices, by number. Consulting them is audited. One that cannot be
/// opened is told, and its number is named.
pub async fn notices(
    gateway: &Gateway,
    caller: &Caller,
    asked: Asked,
) -> Result<api::NoticePage, Refusal> {
    let Asked { force, victims, after, limit } = asked;
    let force = crate::case::consult::one_force(caller, force.as_deref())?;
    if victims && !caller.victims {
        return Err(Refusal::Forbidden);
    }
    let limit = limit.unwrap_or(LIMIT_MAX).clamp(1, LIMIT_MAX);
    let stream = if victims { Compartment::Victim } else { Compartment::Offender };
    let filter = NoticeFilter { force, test_data: caller.test, stream, after };
    let rows = gateway.store.notices(filter, limit).await?;
    let last = rows.last().map_or(after, |row| row.sequence);
    if !rows.is_empty() {
        let of = if victims { "victim notices" } else { "notices" };
        let about = format!("{of} {}..{last} of {force}", rows[0].sequence);
        consult::record_consultation(gateway, &caller.identity, &about, None).await?;
    }
    let mut page = api::NoticePage { last, ..Default::default() };
    for row in &rows {
        let view = cara_supervisor::contain_now(|| notice_view(gateway, row).map(Some));
        match fault::set_aside(gateway, &format!("notice {}", row.notice_id), view)? {
            Some(notice) => page.notices.push(notice),
            None => page.unreadable.push(row.sequence),
        }
    }
    Ok(page)
}

/// The force has taken a notice over. Repeating it is harmless.
pub async fn acknowledge(
    gateway: &Gateway,
    caller: &Caller,
    notice_id: Uuid,
) -> Result<(), Refusal> {
    let row = gateway.store.notice(notice_id).await?;
    let row = row.filter(|row| may_read(caller, row.force, row.test_data, &row.body));
    let row = row.ok_or(Refusal::Absent)?;
    if row.taken_over_at.is_some() {
        return Ok(());
    }
    let at = gateway.clock.now();
    let fact = Fact {
        operation: Operation::Disclosure,
        by: "gateway".to_owned(),
        at,
        about: format!("notice {notice_id} {}", kind_in_words(&row)),
        to: Some(caller.identity.clone()),
        note: None,
    };
    let what = What::TakeOver { notice_id, at };
    // Somebody may have acknowledged it at the same instant.
    consult::write_raced(gateway, Entry::of(what, vec![fact])).await?;
    // The case's next letter may go.
    gateway.letters_wake.notify_one();
    Ok(())
}

/// A notice that is made now, sealed for its side. `cause`: what is told once under this kind.
pub(crate) fn new_notice(
    gateway: &Gateway,
    keys: &Keys,
    side: Compartment,
    kind: NoticeKind,
    cause: Uuid,
    content: &api::NoticeContent,
) -> Result<NewNotice, Refusal> {
    let notice_id = gateway.clock.id();
    let json = serde_json::to_vec(content).map_err(Refusal::internal)?;
    Ok(NewNotice {
        notice_id,
        kind,
        cause,
        made_at: gateway.clock.now(),
        body: conclude::sealed(gateway, keys, binding(notice_id), side, &json)?,
    })
}

/// Opens what was sealed for one of the two sides.
pub(crate) fn open_side(
    gateway: &Gateway,
    keys: &Keys,
    binding: Binding,
    body: &SealedSide,
) -> Result<Vec<u8>, cara_vault::Error> {
    match body {
        SealedSide::Offender(sealed) => gateway.vault.open_sealed(keys, binding, sealed),
        SealedSide::Victim(sealed) => gateway.vault.open_sealed(keys, binding, sealed),
    }
}

pub(crate) fn notice_view(gateway: &Gateway, row: &NoticeRow) -> Result<api::NoticeFacts, Refusal> {
    let keys = gateway.vault.unwrap_keys(row.about.id(), &row.keys)?;
    let json = open_side(gateway, &keys, binding(row.notice_id), &row.body)?;
    let content = serde_json::from_slice(&json).map_err(Refusal::internal)?;
    Ok(api::NoticeFacts {
        notice_id: row.notice_id,
        sequence: row.sequence,
        kind: kind_in_words(row).to_owned(),
        referral_id: row.about.referral_id(),
        made_at: row.made_at.to_string(),
        taken_over_at: row.taken_over_at.as_ref().map(jiff::Timestamp::to_string),
        cancelled_at: row.cancelled_at.as_ref().map(jiff::Timestamp::to_string),
        content,
    })
}

/// The kind, without which a notice cannot be written.
pub(super) fn known_kind(row: &NoticeRow) -> Result<NoticeKind, Refusal> {
    let unknown = |kind| anyhow::anyhow!("{kind} is no kind of notice");
    row.kind.clone().map_err(|kind| Refusal::Internal(unknown(kind)))
}

/// As the audit and operators' lists name it.
pub(super) fn kind_in_words(row: &NoticeRow) -> &str {
    row.kind.as_ref().map_or_else(String::as_str, |kind| kind.code())
}

/// Notices of the victim's stream are for identities that may read it; for others they are absent.
fn may_read(caller: &Caller, force: ForceNumber, test_data: bool, body: &SealedSide) -> bool {
    caller.forces.contains(&force)
        && caller.test == test_data
        && (caller.victims || body.compartment() == Compartment::Offender)
}

/// A notice is sealed under its case's key and bound to its own id.
fn binding(notice_id: Uuid) -> Binding {
    Binding { id: notice_id, revision: 0, column: "notice" }
}
