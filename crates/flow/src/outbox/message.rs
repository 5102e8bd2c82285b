//! Messages to the provider that no revision carries: what police decided, and what the victim
//! worker is told because something happened on the offender's side.

use cara_domain::Compartment;
use cara_domain::choice::{Decided, MissReason};
use cara_domain::decision::Decision;
use cara_domain::outcome::{OffenderReport, Outcome};
use cara_wire::outcome::OutcomeMessage as Reported;
use cara_wire::v1::Prompt;
use cara_wire::{Event, Stamp};
use jiff::civil::{Date, Weekday};
use jiff::{Timestamp, ToSpan as _};
use uuid::Uuid;

use crate::case_file::CaseKeys;
use crate::{Failure, Gateway};
use cara_clock::london_day;
use cara_store::{Case, CausedMessage};

/// What the victim worker is told because of an outcome, and the day on which it happened.
pub(crate) fn prompt_of_outcome(reported: &Reported) -> Option<(Prompt, Date)> {
    let Reported::Offender(Outcome { report, happened_on, .. }) = reported else { return None };
    match report {
        OffenderReport::WorkshopMissed { on, reason, .. }
            if *reason != MissReason::CancelledByProvider =>
        {
            Some((Prompt::WorkshopMissed, *on))
        }
        OffenderReport::ProgrammeCompleted => Some((Prompt::ProgrammeCompleted, *happened_on)),
        _ => None,
    }
}

fn prompt_of_decision(decided: Decided) -> Prompt {
    match decided {
        Decided::Continue => Prompt::CautionContinued,
        Decided::Varied => Prompt::CautionVaried,
        Decided::Prosecute => Prompt::Prosecuted,
        Decided::NoFurtherAction => Prompt::NoFurtherAction,
        Decided::Withdrawn => Prompt::Withdrawn,
        Decided::Recalled => Prompt::Recalled,
    }
}

/// One working day later. Bank holidays are not known here, so they count as working days: the
/// prompt is due too early then, never too late.
pub(crate) fn due_by(today: Date) -> Date {
    let mut day = today.saturating_add(1.day());
    while matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) {
        day = day.saturating_add(1.day());
    }
    day
}

/// What goes on a message about this case now.
pub(crate) fn stamp(gateway: &Gateway, case: &Case, at: Timestamp) -> Stamp {
    Stamp {
        referral_id: case.referral_id,
        revision: case.latest_revision,
        force: case.force.to_string(),
        provider: case.provider.clone(),
        received_at: at,
        agreement_ref: gateway.forces.of(case.force).agreement_ref.clone(),
        test_data: case.test_data,
    }
}

/// A prompt to the victim worker.
pub(crate) fn prompt(
    gateway: &Gateway,
    keys: &CaseKeys<'_>,
    stamp: &Stamp,
    (what, happened_on): (Prompt, Date),
) -> Result<CausedMessage, Failure> {
    let due_by = due_by(london_day(stamp.received_at));
    let event = Event::prompt(gateway.clock.id(), stamp, what, happened_on, due_by);
    sealed(keys, Compartment::Victim, &event, None)
}

/// What both sides of the provider are told of a decision, the victim's first.
pub(crate) fn messages_of_decision(
    gateway: &Gateway,
    keys: &CaseKeys<'_>,
    stamp: &Stamp,
    decision: &Decision,
) -> Result<Vec<CausedMessage>, Failure> {
    let what = prompt_of_decision(decision.decided);
    let prompt = prompt(gateway, keys, stamp, (what, decision.decided_on))?;
    let event = Event::decision(gateway.clock.id(), stamp, decision);
    let decided = sealed(keys, Compartment::Offender, &event, Some(prompt.event_id))?;
    Ok(vec![prompt, decided])
}

fn sealed(
    keys: &CaseKeys<'_>,
    side: Compartment,
    event: &Event,
    after: Option<Uuid>,
) -> Result<CausedMessage, Failure> {
    Ok(CausedMessage {
        event_id: event.message_id(),
        kind: event.header().kind.action(),
        made_at: event.timestamp(),
        body: keys.seal_message(side, event)?,
        after,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_due_on_the_next_working_day() {
        let due = |day: &str| due_by(day.parse().unwrap()).to_string();
        assert_eq!(due("2026-03-26"), "2026-03-27");
        assert_eq!(due("2026-03-27"), "2026-03-30");
        assert_eq!(due("2026-03-28"), "2026-03-30");
        assert_eq!(due("2026-03-29"), "2026-03-30");
    }
}
