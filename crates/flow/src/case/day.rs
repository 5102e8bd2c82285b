//! One force's day in both directions: every id by where it is now.

use std::collections::BTreeMap;

use cara_wire::api;
use jiff::civil::Date;
use uuid::Uuid;

use crate::audit::record_look;
use crate::hold::list::hold_state;
use crate::{Caller, Failure, ForceRefusal, Gateway, Operator, OrderRefusal, Unfinished};
use cara_store::{Fact, ForceNumber};

/// Everything that arrived from the caller's force on one day, by where it is now.
pub async fn reconciliation(
    gateway: &Gateway,
    caller: &Caller,
    force: Option<&str>,
    day: Date,
) -> Result<api::Reconciliation, Unfinished<ForceRefusal>> {
    let force = caller.force(force)?;
    Ok(reconciled_day(gateway, force, caller.test, day).await?)
}

/// The same of live records for an operator, who names the force by its slug.
pub async fn force_day(
    gateway: &Gateway,
    operator: &Operator,
    force: &str,
    day: Date,
) -> Result<api::Reconciliation, Unfinished<OrderRefusal>> {
    let force = gateway.forces.code_named(force)?;
    let now = gateway.clock.now();
    record_look(gateway, Fact::day_read(&operator.name, now, &force.to_string(), day)).await?;
    Ok(reconciled_day(gateway, force, false, day).await?)
}

/// One force's day, both directions.
async fn reconciled_day(
    gateway: &Gateway,
    force: ForceNumber,
    test: bool,
    day: Date,
) -> Result<api::Reconciliation, Failure> {
    let stored = gateway.store.day(force, test, day).await?;
    let mut ids: BTreeMap<String, Vec<Uuid>> = BTreeMap::new();
    for (referral_id, _, confirmed) in stored.revisions {
        let state = if confirmed { "sent" } else { "queued" };
        ids.entry(state.to_owned()).or_default().push(referral_id);
    }
    ids.entry("held".to_owned()).or_default().extend(stored.holds_open);
    for (hold_id, end) in stored.holds_ended {
        ids.entry(hold_state(Some(end)).to_owned()).or_default().push(hold_id);
    }
    for (hold_id, end) in stored.earlier_ended {
        let state = format!("earlier_{}", hold_state(Some(end)));
        ids.entry(state).or_default().push(hold_id);
    }
    ids.entry("decided".to_owned()).or_default().extend(stored.decisions);
    for (notice_id, state) in stored.notices {
        ids.entry(state.to_owned()).or_default().push(notice_id);
    }
    ids.retain(|_, ids| !ids.is_empty());
    let counts = ids.iter().map(|(state, ids)| (state.clone(), ids.len() as u64)).collect();
    let audit_head = stored.audit_head.map(|(sequence, mac)| api::AuditHeadView { sequence, mac });
    Ok(api::Reconciliation {
        force: force.to_string(),
        day: day.to_string(),
        counts,
        ids,
        audit_head,
    })
}
