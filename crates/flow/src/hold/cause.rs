//! What holds records: holds that wait for the same reasons are one group.

use std::collections::BTreeMap;

use cara_domain::{FindingCode, FindingKind};
use cara_wire::operators::hold::{HoldCause, HoldCauses, HoldReason, HoldsAlike, MappingNumber};
use uuid::Uuid;

use crate::audit::record_look;
use crate::case_file::unlisted_of;
use crate::{Failure, Gateway, Operator, OrderRefusal, Unfinished, WrongState};
use cara_store::{Cause, Fact, ForceNumber, HoldFilter, HoldRow, RecordIndex};

/// Holds that are read at once.
const HOLDS_AT_ONCE: usize = 200;

/// An unlisted text is shown only if it looks like a code (DESIGN section 10).
const CODE_CHARS_MAX: usize = 12;

/// The text, if it looks like a code.
pub(crate) fn shown(text: String) -> Option<String> {
    let looks_like_a_code =
        text.chars().count() <= CODE_CHARS_MAX && !text.chars().any(char::is_whitespace);
    looks_like_a_code.then_some(text)
}

/// What stops a record by itself. A rule that could not be met because its field could not be read
/// only follows from that.
pub(crate) fn stopping(causes: &[Cause]) -> impl Iterator<Item = &Cause> {
    let is_rule = |cause: &Cause| cause.code == FindingCode::RULE.id();
    causes.iter().filter(move |cause| {
        let explains = |other: &Cause| {
            other.kind != FindingKind::Flag && !is_rule(other) && other.field == cause.field
        };
        cause.kind != FindingKind::Flag && !(is_rule(cause) && causes.iter().any(explains))
    })
}

/// The rules of the force that somebody who lets such a hold go has decided about.
pub(crate) fn rules(causes: &[Cause]) -> Vec<String> {
    let rules = stopping(causes).filter(|cause| cause.code == FindingCode::RULE.id());
    rules.filter_map(|cause| cause.named.clone()).collect()
}

/// What stops a record by itself, each once. `unlisted`: field and text of every code that no lookup
/// lists.
pub(crate) fn reasons(causes: &[Cause], unlisted: &[(String, String)]) -> Vec<HoldReason> {
    let mut reasons = Vec::new();
    for cause in stopping(causes) {
        let is_unlisted = cause.code == FindingCode::UNLISTED_CODE.id();
        let found = unlisted.iter().find(|(field, _)| is_unlisted && *field == cause.field);
        let reason = HoldReason {
            code: cause.code.clone(),
            name: cause.name.clone(),
            field: cause.field.clone(),
            named: cause.named.clone(),
            text: found.map(|(_, text)| text.clone()),
        };
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    reasons
}

/// The same as it may be shown: a text only where it looks like a code.
pub(crate) fn shown_reasons(reasons: Vec<HoldReason>) -> Vec<HoldReason> {
    let shown = |it: HoldReason| HoldReason { text: it.text.and_then(shown), ..it };
    reasons.into_iter().map(shown).collect()
}

/// Open holds by what they wait for, the most frequent first.
pub async fn hold_causes(
    gateway: &Gateway,
    operator: &Operator,
    force: Option<&str>,
) -> Result<HoldCauses, Unfinished<OrderRefusal>> {
    let force = match force {
        None => None,
        Some(slug) => Some(gateway.forces.code_named(slug)?),
    };
    record_look(gateway, Fact::hold_causes_read(&operator.name, gateway.clock.now())).await?;
    // By the true text: two that are not shown are not the same for that.
    let mut groups: BTreeMap<(ForceNumber, Vec<HoldReason>), HoldCause> = BTreeMap::new();
    each_open_hold(gateway, force, |row| {
        let unlisted = unlisted_of(gateway, row)?;
        let reasons = reasons(&row.causes, &unlisted);
        let slug = gateway.forces.of(row.force).slug.clone();
        let group = groups.entry((row.force, reasons.clone())).or_insert_with(|| HoldCause {
            reasons: shown_reasons(reasons),
            count: 0,
            since: row.received_at,
            force: slug,
            like: row.hold_id,
        });
        group.count += 1;
        Ok(())
    })
    .await?;
    let mut causes: Vec<HoldCause> = groups.into_values().collect();
    causes.sort_by_key(|group| std::cmp::Reverse(group.count));
    Ok(HoldCauses { causes })
}

/// What waits for the same reason as this hold, and where it would go when it is released.
pub async fn holds_like(
    gateway: &Gateway,
    operator: &Operator,
    hold_id: Uuid,
) -> Result<HoldsAlike, Unfinished<OrderRefusal>> {
    let row = gateway.store.hold(hold_id).await?.ok_or(OrderRefusal::Absent)?;
    let now = gateway.clock.now();
    record_look(gateway, Fact::holds_alike_read(&operator.name, now, hold_id)).await?;
    let live = gateway.live.named(row.force, &row.mapping.name);
    let live = live.ok_or(WrongState::MappingGone)?;
    let unlisted = unlisted_of(gateway, &row)?;
    let sought = reasons(&row.causes, &unlisted);
    let mut hold_ids = Vec::new();
    let mut cases = Vec::new();
    each_open_hold(gateway, Some(row.force), |other| {
        let unlisted = unlisted_of(gateway, other)?;
        if reasons(&other.causes, &unlisted) == sought {
            hold_ids.push(other.hold_id);
            cases.push((other.record, other.test_data));
        }
        Ok(())
    })
    .await?;
    let mut queues = Vec::new();
    for (record, test) in cases {
        let queue = format!("cara.intake.{}", provider_of(gateway, row.force, record, test).await?);
        if !queues.contains(&queue) {
            queues.push(queue);
        }
    }
    let (name, version) = (live.reference.name.clone(), live.reference.version);
    Ok(HoldsAlike {
        reasons: shown_reasons(sought),
        force: gateway.forces.of(row.force).slug.clone(),
        mapping: MappingNumber { name, version },
        queues,
        hold_ids,
    })
}

/// The provider that a case is pinned to, or to which a new one of the force goes.
async fn provider_of(
    gateway: &Gateway,
    force: ForceNumber,
    record: Option<RecordIndex>,
    test: bool,
) -> Result<String, Unfinished<OrderRefusal>> {
    if let Some(record) = record
        && let Some(known) = gateway.store.look(force, record).await?.referral
    {
        return Ok(known.provider);
    }
    let force = gateway.forces.of(force);
    Ok(force.provider(test).ok_or(WrongState::NoProvider)?.to_owned())
}

/// Looks at every open hold, oldest first, a page at a time.
async fn each_open_hold(
    gateway: &Gateway,
    force: Option<ForceNumber>,
    mut look: impl FnMut(&HoldRow) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let filter = HoldFilter { force, record: None, open_only: true };
    let mut after = None;
    loop {
        let rows = gateway.store.holds(filter.clone(), after, HOLDS_AT_ONCE).await?;
        for row in &rows {
            look(row)?;
        }
        match rows.last() {
            Some(last) if rows.len() == HOLDS_AT_ONCE => after = Some(last.hold_id),
            _ => return Ok(()),
        }
    }
}
