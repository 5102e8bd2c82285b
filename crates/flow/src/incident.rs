//! Incidents: what is wrong now is opened, said again every day while it is so, and closed.

use std::collections::BTreeMap;

use cara_wire::operators::{IncidentLine, IncidentList};
use jiff::{SignedDuration, Timestamp};

use crate::{Failure, Gateway, write};
use cara_metric::alert::{self, Alerts, FORCE_UNLISTED};
use cara_store::{Incident, IncidentChange, What};

/// An open incident is said again after so long.
const AGAIN: SignedDuration = SignedDuration::from_hours(24);

/// Kinds that say how long something has lasted: not looked for while the clock is in doubt.
const OF_THE_CLOCK: &[&str] = &[
    "outcome_gap",
    "recall_unconfirmed",
    "pair_incomplete",
    "notice_not_collected",
    "force_silent",
    "not_received",
    "certificate_expiring",
    FORCE_UNLISTED,
];

/// Whether the time of day can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClockTrust {
    Trusted,
    InDoubt,
}

/// What became of incidents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IncidentsTold {
    pub opened: Vec<Incident>,
    pub told_again: Vec<Incident>,
    pub closed: Vec<Incident>,
    /// Those that are open, by kind.
    pub open: BTreeMap<String, u64>,
}

/// What operators see: what stands in the store, and what is so now and cannot, or not yet, be noted
/// there.
pub async fn incidents(gateway: &Gateway) -> Result<IncidentList, Failure> {
    let troubles = gateway.metric.troubles().now().into_iter();
    let mut unnoted: BTreeMap<(String, String), u64> = troubles
        .map(|((kind, about), count)| ((kind.to_owned(), gateway.forces.name_in(&about)), count))
        .collect();
    let mut incidents = Vec::new();
    for it in gateway.store.incidents().await? {
        unnoted.remove(&(it.kind.clone(), it.about.clone()));
        let opened_at = Some(it.opened_at);
        incidents.push(IncidentLine { kind: it.kind, about: it.about, count: it.count, opened_at });
    }
    let unnoted = unnoted.into_iter();
    incidents.extend(unnoted.map(|((kind, about), count)| IncidentLine {
        kind,
        about,
        count,
        opened_at: None,
    }));
    Ok(IncidentList { incidents })
}

/// Opens, repeats and closes incidents so that they are what is so now; those that are not
/// `mine`, by kind and what they are about, are others' to tell. While the clock is in doubt
/// those stay open that only a clock can end.
pub(crate) async fn tell(
    gateway: &Gateway,
    alerts: Alerts,
    mine: impl Fn(&str, &str) -> bool,
    clock: ClockTrust,
) -> Result<IncidentsTold, Failure> {
    let now = gateway.clock.now();
    let mut told = IncidentsTold::default();
    let named =
        |((kind, about), count): ((_, String), _)| ((kind, gateway.forces.name_in(&about)), count);
    let mut alerts = Alerts::from_iter(alerts.into_iter().map(named));
    for incident in gateway.store.incidents().await? {
        if !mine(&incident.kind, &incident.about) {
            *told.open.entry(incident.kind).or_default() += 1;
            continue;
        }
        let name = alert::kind(&incident.kind).map_or("", |kind| kind.name);
        match alerts.remove(&(name, incident.about.clone())) {
            Some(count) => still(gateway, incident, count, now, &mut told).await?,
            None if clock == ClockTrust::InDoubt && OF_THE_CLOCK.contains(&name) => {
                *told.open.entry(incident.kind).or_default() += 1;
            }
            None => {
                let (incident_id, mail) = (incident.incident_id, mail_id(gateway));
                let close = IncidentChange::Close { incident_id, at: now, mail };
                if write::change(gateway, What::Incident(close)).await? {
                    told.closed.push(incident);
                }
            }
        }
    }
    for ((kind, about), count) in alerts {
        let incident = Incident {
            incident_id: gateway.clock.id(),
            kind: kind.to_owned(),
            about,
            count,
            opened_at: now,
            told_at: now,
        };
        let opening = IncidentChange::Open { incident: incident.clone(), mail: mail_id(gateway) };
        if write::change(gateway, What::Incident(opening)).await? {
            *told.open.entry(incident.kind.clone()).or_default() += 1;
            told.opened.push(incident);
        }
    }
    Ok(told)
}

/// What was open is so still, perhaps more often, perhaps for another day.
async fn still(
    gateway: &Gateway,
    incident: Incident,
    count: u64,
    now: Timestamp,
    told: &mut IncidentsTold,
) -> Result<(), Failure> {
    *told.open.entry(incident.kind.clone()).or_default() += 1;
    let is_again = incident.told_at.saturating_add(AGAIN).unwrap_or(Timestamp::MAX) <= now;
    if !is_again && count == incident.count {
        return Ok(());
    }
    let mail = if is_again { mail_id(gateway) } else { None };
    let (incident_id, told_at) = (incident.incident_id, is_again.then_some(now));
    let still = IncidentChange::Still { incident_id, count, told: told_at, mail };
    if write::change(gateway, What::Incident(still)).await? && is_again {
        told.told_again.push(Incident { count, ..incident });
    }
    Ok(())
}

/// The e-mail that says it; none where nobody gets e-mail.
fn mail_id(gateway: &Gateway) -> Option<uuid::Uuid> {
    gateway.forces.has_mail.then(|| gateway.clock.id())
}
