//! What a force or an operator may look at. A consultation is in the audit chain before the answer
//! is given (DPA 2018 s62(2)).

use cara_domain::Compartment;
use cara_domain::caution::Caution;
use cara_domain::choice::Choice as _;
use cara_domain::programme::Programme;
use std::collections::BTreeMap;

use cara_wire::api;
use jiff::Timestamp;
use uuid::Uuid;

use crate::hold::cause;
use crate::hold::{HoldLine, HoldPage};
use crate::record::read::view;
use crate::{Caller, Gateway, Operator, Refusal, Role};
use cara_store::{
    Action, Entry, Fact, ForceNumber, HoldEnd, HoldFilter, HoldRow, MessageState, Operation,
    READ_ONLY, RecordIndex, ReferralRow, Refused, RevisionRow, What,
};
use cara_vault::{Binding, RawKey, Sealed, WrappedKeys};

/// Holds in one page of the operators' list.
const HOLDS_PAGE: usize = 500;

/// Where a referral is. Another force's looks absent.
pub async fn referral(
    gateway: &Gateway,
    caller: &Caller,
    referral_id: Uuid,
) -> Result<api::ReferralView, Refusal> {
    let row = gateway.store.referral(referral_id).await?;
    let row = row.filter(|row| may_see(caller, row.force, row.test_data));
    let row = row.ok_or(Refusal::Absent)?;
    record_consultation(gateway, &caller.identity, &referral_id.to_string(), None).await?;
    let index = record_ref_of(gateway, &row)?;
    let record = gateway.vault.record_index(row.force.0, row.test_data, &index);
    let holds = open_holds(gateway, row.force, record).await?;
    Ok(referral_view(&row, index, holds))
}

/// The referral and the open holds of one record key.
pub async fn find(
    gateway: &Gateway,
    caller: &Caller,
    record_ref: String,
) -> Result<api::FindAnswer, Refusal> {
    for force in &caller.forces {
        let record = gateway.vault.record_index(force.0, caller.test, &record_ref);
        let known = gateway.store.look(*force, record).await?;
        if known.referral.is_none() && known.open_holds.is_empty() {
            continue;
        }
        let about = known.referral.as_ref().map(|referral| referral.referral_id);
        let about = about.or(known.open_holds.first().copied()).unwrap_or_default();
        record_consultation(gateway, &caller.identity, &about.to_string(), None).await?;
        let holds = open_holds(gateway, *force, record).await?;
        let referral = match &known.referral {
            Some(referral) => gateway.store.referral(referral.referral_id).await?,
            None => None,
        };
        let referral = referral.map(|row| referral_view(&row, record_ref.clone(), holds.clone()));
        return Ok(api::FindAnswer { referral, holds });
    }
    Err(Refusal::Absent)
}

/// Everything that arrived from the caller's force on one day, by where it is now.
pub async fn reconciliation(
    gateway: &Gateway,
    caller: &Caller,
    force: Option<&str>,
    day: jiff::civil::Date,
) -> Result<api::Reconciliation, Refusal> {
    let force = one_force(caller, force)?;
    reconciled_day(gateway, force, caller.test, day).await
}

/// One force's day, both directions.
pub(crate) async fn reconciled_day(
    gateway: &Gateway,
    force: ForceNumber,
    test: bool,
    day: jiff::civil::Date,
) -> Result<api::Reconciliation, Refusal> {
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

/// The forces a caller stands for, with the mappings that read their records.
pub fn forces_of(gateway: &Gateway, caller: &Caller) -> Vec<api::ForceView> {
    let own = caller.forces.iter().map(|code| gateway.forces.of(*code));
    own.map(|force| api::ForceView {
        code: force.code.to_string(),
        slug: force.slug.clone(),
        mappings: gateway.live.of(force.code).iter().map(|live| mapping(&live.reference)).collect(),
    })
    .collect()
}

/// Holds oldest first, for operators.
pub async fn holds(
    gateway: &Gateway,
    operator: &Operator,
    force: Option<String>,
    all: bool,
    after: Option<Uuid>,
) -> Result<HoldPage, Refusal> {
    let force = match force {
        None => None,
        Some(slug) => Some(gateway.forces.code_named(&slug)?),
    };
    let filter = HoldFilter { force, record: None, open_only: !all };
    let rows = gateway.store.holds(filter, after, HOLDS_PAGE).await?;
    record_look(gateway, operator, "hold list").await?;
    let next = (rows.len() == HOLDS_PAGE).then(|| rows[HOLDS_PAGE - 1].hold_id);
    let holds = rows.iter().map(|row| hold_line(gateway, row)).collect::<Result<_, _>>()?;
    Ok(HoldPage { holds, next })
}

/// One hold. With a reason, the record as the force sent it, for those who may see victims.
pub async fn hold_show(
    gateway: &Gateway,
    operator: &Operator,
    hold_id: Uuid,
    unmask: Option<String>,
) -> Result<(HoldLine, Option<String>), Refusal> {
    let row = gateway.store.hold(hold_id).await?.ok_or(Refusal::Absent)?;
    let line = hold_line(gateway, &row)?;
    let Some(reason) = unmask else {
        record_look(gateway, operator, &format!("hold {hold_id}")).await?;
        return Ok((line, None));
    };
    if operator.role < Role::Operate || !operator.victims {
        return Err(Refusal::Forbidden);
    }
    if reason.trim().is_empty() {
        return Err(Refusal::Parameter { name: "because" });
    }
    record_consultation(gateway, &operator.name, &format!("hold {hold_id} unmasked"), Some(reason))
        .await?;
    Ok((line, Some(held_text(gateway, &row)?)))
}

/// The kept record of a hold, opened.
pub(crate) fn held_text(gateway: &Gateway, row: &HoldRow) -> Result<String, Refusal> {
    raw_text(gateway, row.hold_id, 0, &row.keys, &row.raw)
}

/// A record as it came, opened; `revision` is 0 of a hold.
pub(crate) fn raw_text(
    gateway: &Gateway,
    id: Uuid,
    revision: u32,
    keys: &WrappedKeys,
    raw: &Sealed<RawKey>,
) -> Result<String, Refusal> {
    let keys = gateway.vault.unwrap_keys(id, keys)?;
    let bytes = gateway.vault.open_sealed(&keys, Binding { id, revision, column: "raw" }, raw)?;
    String::from_utf8(bytes).map_err(Refusal::internal)
}

async fn open_holds(
    gateway: &Gateway,
    force: ForceNumber,
    record: RecordIndex,
) -> Result<Vec<api::HoldView>, Refusal> {
    let filter = HoldFilter { force: Some(force), record: Some(record), open_only: true };
    let rows = gateway.store.holds(filter, None, HOLDS_PAGE).await?;
    Ok(rows.iter().map(hold_view).collect())
}

fn hold_line(gateway: &Gateway, row: &HoldRow) -> Result<HoldLine, Refusal> {
    let unlisted = cause::unlisted_of(gateway, row)?;
    let view = hold_view(row);
    Ok(HoldLine {
        hold_id: row.hold_id,
        force: gateway.forces.of(row.force).slug.clone(),
        received_at: view.received_at,
        state: view.state,
        causes: view.causes,
        cause: cause::words(&row.causes, &unlisted, cause::shown),
        unlisted: unlisted
            .iter()
            .map(|(field, text)| format!("{field}: {}", cause::shown(text)))
            .collect(),
    })
}

fn record_ref_of(gateway: &Gateway, row: &ReferralRow) -> Result<String, Refusal> {
    #[derive(serde::Deserialize)]
    struct Police {
        record_ref: String,
    }
    let Some(latest) = row.revisions.last() else {
        unreachable!("a referral is written together with its first revision")
    };
    let keys = gateway.vault.unwrap_keys(row.referral_id, &row.keys)?;
    let binding = Binding { id: row.referral_id, revision: latest.revision, column: "police" };
    let json = gateway.vault.open_sealed(&keys, binding, &latest.police)?;
    let police: Police = serde_json::from_slice(&json).map_err(Refusal::internal)?;
    Ok(police.record_ref)
}

/// Commits the fact of a consultation; the answer may be given only afterwards.
pub(crate) async fn record_consultation(
    gateway: &Gateway,
    by: &str,
    about: &str,
    reason: Option<String>,
) -> Result<(), Refusal> {
    let fact = Fact {
        operation: Operation::Consultation,
        by: by.to_owned(),
        at: gateway.clock.now(),
        about: about.to_owned(),
        to: None,
        note: reason,
    };
    let what = What::Nothing { entry_id: gateway.clock.id() };
    write_one(gateway, Entry::of(what, vec![fact])).await
}

/// The same of an operator who is shown no values. What helps to save a store that is opened for
/// reading only is shown: the log has the fact instead of the store.
pub(crate) async fn record_look(
    gateway: &Gateway,
    operator: &Operator,
    about: &str,
) -> Result<(), Refusal> {
    match record_consultation(gateway, &operator.name, about, None).await {
        Err(Refusal::Unavailable { reason: READ_ONLY, .. }) => {
            let by = operator.name.as_str();
            tracing::warn!(by, about, "consulted in a store that is opened for reading only");
            Ok(())
        }
        recorded => recorded,
    }
}

/// Writes an entry that nobody races for.
pub(crate) async fn write_one(gateway: &Gateway, entry: Entry) -> Result<(), Refusal> {
    match write_raced(gateway, entry).await? {
        true => Ok(()),
        false => Err(Refusal::WrongState { state: "somebody else was first: look again" }),
    }
}

/// Writes an entry, unless somebody else was first: then nothing is written, and the answer is
/// `false`.
pub(crate) async fn write_raced(gateway: &Gateway, entry: Entry) -> Result<bool, Refusal> {
    match gateway.store.write(vec![entry]).await.pop() {
        Some(Ok(_receipt)) => Ok(true),
        Some(Err(Refused::Conflict)) => Ok(false),
        Some(Err(Refused::Unavailable { reason })) => {
            Err(Refusal::Unavailable { reason, retry_after_s: 5 })
        }
        Some(Err(fault @ Refused::Fault { .. })) => Err(Refusal::internal(fault)),
        None => Err(Refusal::Internal(anyhow::anyhow!("the store gave no answer"))),
    }
}

/// The force that a call is about: the caller's only one, or the one of several that it names.
pub(crate) fn one_force(caller: &Caller, named: Option<&str>) -> Result<ForceNumber, Refusal> {
    match named {
        None if caller.forces.len() > 1 => Err(Refusal::Parameter { name: "force" }),
        None => Ok(caller.forces[0]),
        Some(named) => {
            let mut own = caller.forces.iter().copied();
            own.find(|code| code.to_string() == named).ok_or(Refusal::Absent)
        }
    }
}

fn may_see(caller: &Caller, force: ForceNumber, test_data: bool) -> bool {
    caller.forces.contains(&force) && caller.test == test_data
}

fn mapping(reference: &cara_store::MappingRef) -> api::MappingView {
    api::MappingView {
        name: reference.name.clone(),
        version: reference.version,
        sha256: reference.sha256.clone(),
    }
}

fn referral_view(
    row: &ReferralRow,
    record_ref: String,
    holds: Vec<api::HoldView>,
) -> api::ReferralView {
    api::ReferralView {
        referral_id: row.referral_id,
        record_ref,
        force: row.force.to_string(),
        provider: row.provider.clone(),
        state: state(row).to_owned(),
        test_data: row.test_data,
        revisions: row.revisions.iter().map(revision_view).collect(),
        holds,
        programme: row
            .standing
            .as_ref()
            .map_or(Programme::Sent.name(), |(programme, _)| programme)
            .to_owned(),
        caution: row
            .standing
            .as_ref()
            .map_or(Caution::Active.name(), |(_, caution)| caution)
            .to_owned(),
        notices: row
            .notices
            .iter()
            .filter(|notice| notice.stream == Compartment::Offender)
            .map(|notice| api::NoticeView {
                notice_id: notice.notice_id,
                sequence: notice.sequence,
                kind: notice.kind.code().to_owned(),
                taken_over_at: notice.taken_over_at.as_ref().map(Timestamp::to_string),
                cancelled_at: notice.cancelled_at.as_ref().map(Timestamp::to_string),
            })
            .collect(),
        messages: row.messages.iter().map(message_view).collect(),
    }
}

fn state(row: &ReferralRow) -> &'static str {
    let latest = row.revisions.last();
    if latest.is_some_and(|revision| revision.action == Action::Withdrawn) {
        return "withdrawn";
    }
    let of_revisions = row.revisions.iter().flat_map(|revision| &revision.messages);
    let mut messages = of_revisions.chain(&row.messages);
    if messages.any(|message| message.confirmed_at.is_none()) { "queued" } else { "sent" }
}

fn revision_view(row: &RevisionRow) -> api::RevisionView {
    let action = match row.action {
        Action::New => "new",
        Action::Amended => "amended",
        Action::Withdrawn => "withdrawn",
    };
    api::RevisionView {
        revision: row.revision,
        action: action.to_owned(),
        received_at: row.received_at.to_string(),
        mapping: mapping(&row.mapping),
        flags: row.flags.iter().map(view).collect(),
        messages: row.messages.iter().map(message_view).collect(),
    }
}

fn message_view(message: &MessageState) -> api::MessageView {
    api::MessageView {
        message_id: message.event_id,
        compartment: match message.compartment {
            Compartment::Offender => "offender".to_owned(),
            Compartment::Victim => "victim".to_owned(),
        },
        kind: message.kind.clone(),
        confirmed_at: message.confirmed_at.as_ref().map(Timestamp::to_string),
    }
}

fn hold_view(row: &HoldRow) -> api::HoldView {
    api::HoldView {
        hold_id: row.hold_id,
        received_at: row.received_at.to_string(),
        causes: row.causes.iter().map(view).collect(),
        state: hold_state(row.ended.map(|(end, _)| end)).to_owned(),
    }
}

fn hold_state(end: Option<HoldEnd>) -> &'static str {
    match end {
        None => "open",
        Some(HoldEnd::Released) => "released",
        Some(HoldEnd::Corrected) => "corrected",
        Some(HoldEnd::Returned) => "returned",
        Some(HoldEnd::Superseded) => "superseded",
        Some(HoldEnd::Withdrawn) => "withdrawn",
    }
}
