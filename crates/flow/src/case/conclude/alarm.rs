//! What somebody may be in danger for is told first, whatever is wrong with the message that says
//! it; what is wrong goes back to the provider beside.

use cara_domain::Compartment;
use cara_domain::choice::RiskGrade;
use cara_domain::outcome::VictimReport;
use cara_wire::glance::{Glance, Urgent, glance};
use cara_wire::outcome::OutcomeMessage as Reported;
use jiff::Unit;
use uuid::Uuid;

use super::{Arrived, Concluded, Urgency};
use crate::case_file::CaseFile;
use crate::{Failure, Gateway, notice, write};
use cara_store::{About, DueNotice, What};

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
) -> Result<Concluded, Failure> {
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
) -> Result<Option<String>, Failure> {
    let Some(referral_id) = seen.referral_id else { return Ok(None) };
    for _ in 0..super::ROUNDS_MAX {
        let case = gateway.store.case(referral_id).await?;
        let Some(case) = case.filter(|case| case.provider == arrived.provider) else {
            return Ok(None);
        };
        let Ok(file) = CaseFile::open(gateway, case) else { return Ok(None) };
        let content = notice::of_case(gateway, &file, &file.folded().standing);
        let (side, cause) = (Compartment::Victim, alarm_cause(gateway, referral_id));
        let (keys, kind) = (&file.keys, urgent.kind());
        let notice = notice::new_notice(gateway, keys, side, kind, cause, &content)?;
        let (about, facts) = (About::Referral(referral_id), file.row.facts);
        if write::change(gateway, What::DueNotice(DueNotice { about, facts, notice })).await? {
            gateway.letters_wake.notify_one();
            return Ok(Some(file.row.force.to_string()));
        }
    }
    Err(Failure::case_busy())
}

/// One notice of a kind for each case and hour, however often a provider repeats itself.
fn alarm_cause(gateway: &Gateway, referral_id: Uuid) -> Uuid {
    let hour = gateway.clock.now().round(Unit::Hour).unwrap_or_else(|_| gateway.clock.now());
    let hour = hour.as_second().to_be_bytes();
    gateway.vault.digest("alarm", &[referral_id.as_bytes(), &hour]).id()
}
