//! What holds records, in words: holds that wait for the same reason have the same words.

use std::collections::BTreeMap;

use cara_domain::{FindingCode, FindingKind};
use uuid::Uuid;

use crate::audit::record_look;
use crate::case_file::unlisted_of;
use crate::hold::{Alike, HoldCause};
use crate::{Failure, Gateway, Operator, OrderRefusal, Unfinished, WrongState};
use cara_clock::london_words;
use cara_store::{Cause, Fact, ForceNumber, HoldFilter, HoldRow, RecordIndex};

/// Holds that are read at once.
const HOLDS_AT_ONCE: usize = 200;

/// An unlisted text is shown only if it looks like a code (DESIGN section 10).
const CODE_CHARS_MAX: usize = 12;

/// The text, if it looks like a code.
pub(crate) fn shown(text: &str) -> &str {
    let looks_like_a_code =
        text.chars().count() <= CODE_CHARS_MAX && !text.chars().any(char::is_whitespace);
    if looks_like_a_code { text } else { "(not shown)" }
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

/// `risk grade: XHI; missing: offender.phones`. `unlisted`: field and text of every code that no
/// lookup lists, each as `show` lets it be seen.
pub(crate) fn words(
    causes: &[Cause],
    unlisted: &[(String, String)],
    show: fn(&str) -> &str,
) -> String {
    let mut words: Vec<String> = Vec::new();
    for cause in stopping(causes) {
        let named = cause.named.as_deref();
        let word = match (cause.code.as_str(), named) {
            (code, _) if code == FindingCode::UNLISTED_CODE.id() => {
                let found = unlisted.iter().find(|(field, _)| *field == cause.field);
                let text = found.map_or("(not shown)", |(_, text)| show(text));
                format!("{}: {text}", named.unwrap_or(&cause.field))
            }
            (_, Some(rule)) => format!("{}: {rule}", cause.name),
            (_, None) if cause.field.is_empty() => cause.name.clone(),
            (_, None) => format!("{}: {}", cause.name, cause.field),
        };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words.join("; ")
}

/// Open holds by what they wait for, the most frequent first.
pub async fn hold_causes(
    gateway: &Gateway,
    operator: &Operator,
    force: Option<&str>,
) -> Result<Vec<HoldCause>, Unfinished<OrderRefusal>> {
    let force = match force {
        None => None,
        Some(slug) => Some(gateway.forces.code_named(slug)?),
    };
    record_look(gateway, Fact::hold_causes_read(&operator.name, gateway.clock.now())).await?;
    let today = gateway.clock.today();
    // By the true text: two that are not shown are not the same for that.
    let mut groups: BTreeMap<(ForceNumber, String), HoldCause> = BTreeMap::new();
    each_open_hold(gateway, force, |row| {
        let unlisted = unlisted_of(gateway, row)?;
        let key = (row.force, words(&row.causes, &unlisted, |text| text));
        let slug = gateway.forces.of(row.force).slug.clone();
        let group = groups.entry(key).or_insert_with(|| HoldCause {
            cause: words(&row.causes, &unlisted, shown),
            count: 0,
            since: london_words(row.received_at, today),
            force: slug,
            like: row.hold_id,
        });
        group.count += 1;
        Ok(())
    })
    .await?;
    let mut causes: Vec<HoldCause> = groups.into_values().collect();
    causes.sort_by_key(|group| std::cmp::Reverse(group.count));
    Ok(causes)
}

/// What waits for the same reason as this hold, and where it would go when it is released.
pub async fn holds_like(
    gateway: &Gateway,
    operator: &Operator,
    hold_id: Uuid,
) -> Result<Alike, Unfinished<OrderRefusal>> {
    let row = gateway.store.hold(hold_id).await?.ok_or(OrderRefusal::Absent)?;
    let now = gateway.clock.now();
    record_look(gateway, Fact::holds_alike_read(&operator.name, now, hold_id)).await?;
    let live = gateway.live.named(row.force, &row.mapping.name);
    let live = live.ok_or(WrongState::MappingGone)?;
    let unlisted = unlisted_of(gateway, &row)?;
    let sought = words(&row.causes, &unlisted, |text| text);
    let mut hold_ids = Vec::new();
    let mut cases = Vec::new();
    each_open_hold(gateway, Some(row.force), |other| {
        let unlisted = unlisted_of(gateway, other)?;
        if words(&other.causes, &unlisted, |text| text) == sought {
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
    Ok(Alike {
        cause: words(&row.causes, &unlisted, shown),
        force: gateway.forces.of(row.force).slug.clone(),
        mapping: format!("{} version {}", live.reference.name, live.reference.version),
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
