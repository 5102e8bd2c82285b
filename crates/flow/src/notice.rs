//! What a force is told because of an outcome, and how it reads and takes over what it was told.

pub mod delivery;
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

use crate::case_file::{CaseFile, CaseKeys};
use crate::{Caller, Failure, ForceRefusal, Gateway, Unfinished, write};
use cara_store::{
    Entry, Fact, ForceNumber, GATEWAY, NewNotice, NoticeFilter, NoticeRow, SealedSide, What,
};

/// Notices in one answer, at most.
const LIMIT_MAX: usize = 500;

/// Two workshops are four to five weeks apart (DOMAIN 1.4), so this much has to be left before the
/// deadline while the first has not been attended.
const WEEKS_BETWEEN_WORKSHOPS: i64 = 5;

/// Which notices a force asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoticeQuery {
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

/// What the notice of an outcome says.
pub(crate) fn of_outcome(
    gateway: &Gateway,
    file: &CaseFile<'_>,
    standing: &CaseStanding,
    reported: &Reported,
) -> api::NoticeContent {
    let head = reported.head();
    let mut content = api::NoticeContent {
        happened_on: head.happened_on,
        evidence_ref: Some(head.outcome_id),
        ..of_case(gateway, file, standing)
    };
    if let Reported::Offender(outcome) = reported {
        add(&mut content, outcome);
    }
    content
}

/// What every notice of a case says, as if a clock had made it today.
pub(crate) fn of_case(
    gateway: &Gateway,
    file: &CaseFile<'_>,
    standing: &CaseStanding,
) -> api::NoticeContent {
    let (police, today) = (&file.police, gateway.clock.today());
    let deadline = match standing.caution {
        Caution::Varied { deadline, .. } => deadline,
        _ => police.deadline,
    };
    api::NoticeContent {
        record_ref: Some(file.record_ref.clone()),
        occurrence_number: Some(police.occurrence_number.clone()),
        collar_number: Some(police.collar_number.clone()),
        compliance_inbox: Some(police.compliance_inbox.clone()),
        deadline: Some(deadline),
        prosecution_time_bar: police.prosecution_time_bar,
        completion_still_possible: still_possible(standing, deadline, today),
        provider_contact: gateway.forces.provider(&file.row.provider).contact,
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
    asked: NoticeQuery,
) -> Result<api::NoticePage, Unfinished<ForceRefusal>> {
    let NoticeQuery { force, victims, after, limit } = asked;
    let force = caller.force(force.as_deref())?;
    if victims && !caller.victims {
        return Err(ForceRefusal::Forbidden.into());
    }
    let limit = limit.unwrap_or(LIMIT_MAX).clamp(1, LIMIT_MAX);
    let stream = if victims { Compartment::Victim } else { Compartment::Offender };
    let filter = NoticeFilter { force, test_data: caller.test, stream, after };
    let rows = gateway.store.notices(filter, limit).await?;
    let last = rows.last().map_or(after, |row| row.sequence);
    if let Some(first) = rows.first().map(|row| row.sequence) {
        let read = if victims { Fact::victim_notices_read } else { Fact::notices_read };
        let (by, now) = (&caller.identity, gateway.clock.now());
        write::fact(gateway, read(by, now, first, last, &force.to_string())).await?;
    }
    let mut page = api::NoticePage { last, ..Default::default() };
    for row in &rows {
        let view = cara_supervisor::contain_now(|| notice_view(gateway, row).map(Some));
        match gateway.faults.set_aside(&format!("notice {}", row.notice_id), view)? {
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
) -> Result<(), Unfinished<ForceRefusal>> {
    let row = gateway.store.notice(notice_id).await?;
    let row = row.filter(|row| may_read(caller, row.force, row.test_data, &row.body));
    let row = row.ok_or(ForceRefusal::Absent)?;
    if row.taken_over_at.is_some() {
        return Ok(());
    }
    let at = gateway.clock.now();
    let kind = kind_in_words(&row);
    let fact = Fact::notice_taken_over(GATEWAY, at, notice_id, kind, &caller.identity);
    let what = What::TakeOver { notice_id, at };
    // Somebody may have acknowledged it at the same instant.
    write::entry(gateway, Entry::of(what, vec![fact])).await?;
    // The case's next letter may go.
    gateway.letters_wake.notify_one();
    Ok(())
}

/// A notice that is made now, sealed for its side. `cause`: what is told once under this kind.
pub(crate) fn new_notice(
    gateway: &Gateway,
    keys: &CaseKeys<'_>,
    side: Compartment,
    kind: NoticeKind,
    cause: Uuid,
    content: &api::NoticeContent,
) -> Result<NewNotice, Failure> {
    let (notice_id, made_at) = (gateway.clock.id(), gateway.clock.now());
    let body = keys.seal_notice(notice_id, side, content)?;
    Ok(NewNotice { notice_id, kind, cause, made_at, body })
}

pub(crate) fn notice_view(gateway: &Gateway, row: &NoticeRow) -> Result<api::NoticeFacts, Failure> {
    let content = CaseKeys::open_notice(gateway, row)?;
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
pub(super) fn known_kind(row: &NoticeRow) -> Result<NoticeKind, Failure> {
    let unknown = |kind| anyhow::anyhow!("{kind} is no kind of notice");
    row.kind.clone().map_err(|kind| Failure::Ours(unknown(kind)))
}

/// As the audit and operators' lists name it.
pub(super) fn kind_in_words(row: &NoticeRow) -> &str {
    row.kind.as_ref().map_or_else(String::as_str, |kind| kind.code())
}

/// Notices of the victim's stream are for identities that may read it; for others they are absent.
fn may_read(caller: &Caller, force: ForceNumber, test_data: bool, body: &SealedSide) -> bool {
    caller.may_see(force, test_data)
        && (caller.victims || body.compartment() == Compartment::Offender)
}
