//! What somebody may be in danger for is told first, whatever is wrong with the message that says
//! it; what is wrong goes back to the provider beside.

use cara_domain::Compartment;
use cara_domain::choice::RiskGrade;
use cara_domain::outcome::VictimReport;
use cara_wire::glance::{Glance, Urgent, glance};
use cara_wire::outcome::OutcomeMessage as Reported;
use jiff::Unit;
use uuid::Uuid;

use super::{Arrived, Concluded, Folded, Urgency};
use crate::case::conclude;
use crate::clock::sweep;
use crate::notice;
use crate::{Gateway, Refusal};
use cara_store::{About, Case, DueNotice, What};

/// What a report that could be read has to be told for, before everything else.
pub(super) fn urgent(reported: &Reported) -> Option<Urgent> {
    match reported {
        Reported::Victim(it) => match it.report {
            VictimReport::SafeguardingConcern => Some(Urgent::Concern),
            VictimReport::VictimRiskChanged { grade: RiskGrade::High } => Some(Urgent::RiskHigh),
            _ => None,
        },
        Reported::Offender(_) => None,
    }
}

/// The end of a message that is not applied, after the force was told of what is urgent in it.
pub(super) async fn with_alarm(
    gateway: &Gateway,
    arrived: &Arrived,
    concluded: Concluded,
) -> Result<Concluded, Refusal> {
    let seen = glance(&arrived.body);
    let Some(urgent) = seen.urgent else { return Ok(concluded) };
    let urgent = match alarm(gateway, arrived, &seen, urgent).await? {
        Some(force) if urgent == Urgent::Concern => Some(Urgency::Force(force)),
        Some(_) => None,
        None => Some(Urgency::Provider),
    };
    Ok(Concluded { urgent, ..concluded })
}

/// Tells the case's force; its two digits, or none when nobody knows which case it is.
async fn alarm(
    gateway: &Gateway,
    arrived: &Arrived,
    seen: &Glance,
    urgent: Urgent,
) -> Result<Option<String>, Refusal> {
    let Some(referral_id) = seen.referral_id else { return Ok(None) };
    for _ in 0..super::ROUNDS_MAX {
        let case = gateway.store.case(referral_id).await?;
        let Some(case) = case.filter(|case| case.provider == arrived.provider) else {
            return Ok(None);
        };
        let Ok(open) = conclude::open(gateway, &case) else { return Ok(None) };
        let standing = Folded::of(&open.reported, &open.decisions, &case).standing;
        let contact = gateway.forces.provider(&case.provider).contact;
        let today = gateway.clock.today();
        let content = notice::of_case(&open, &standing, contact.as_deref(), today);
        let (kind, cause) = (urgent.kind(), alarm_cause(gateway, &case));
        let notice =
            notice::new_notice(gateway, &open.keys, Compartment::Victim, kind, cause, &content)?;
        let about = About::Referral(case.referral_id);
        if sweep::change(gateway, What::DueNotice(DueNotice { about, facts: case.facts, notice }))
            .await?
        {
            gateway.letters_wake.notify_one();
            return Ok(Some(case.force.to_string()));
        }
    }
    Err(Refusal::Unavailable { reason: "the same case keeps changing", retry_after_s: 1 })
}

/// One notice of a kind for each case and hour, however often a provider repeats itself.
fn alarm_cause(gateway: &Gateway, case: &Case) -> Uuid {
    let hour = gateway.clock.now().round(Unit::Hour).unwrap_or_else(|_| gateway.clock.now());
    let hour = hour.as_second().to_be_bytes();
    gateway.vault.digest("alarm", &[case.referral_id.as_bytes(), &hour]).id()
}
