//! Where a referral is, for its force.

use cara_domain::Compartment;
use cara_domain::caution::CautionState;
use cara_domain::choice::{Action, Choice as _, stored_code};
use cara_domain::programme::ProgrammeState;
use cara_wire::api;
use jiff::Timestamp;
use uuid::Uuid;

use crate::hold::list::{HOLDS_PAGE, hold_view};
use crate::mapping::mapping_view;
use crate::record::read::view;
use crate::{Caller, ForceRefusal, Gateway, Unfinished, case_file, write};
use cara_store::{
    Fact, ForceNumber, HoldFilter, MessageState, RecordIndex, ReferralRow, RevisionRow,
};

/// Where a referral is. Another force's looks absent.
pub async fn referral(
    gateway: &Gateway,
    caller: &Caller,
    referral_id: Uuid,
) -> Result<api::ReferralView, Unfinished<ForceRefusal>> {
    let row = gateway.store.referral(referral_id).await?;
    let row = row.filter(|row| caller.may_see(row.force, row.test_data));
    let row = row.ok_or(ForceRefusal::Absent)?;
    let fact = Fact::referral_read(&caller.identity, gateway.clock.now(), referral_id);
    write::fact(gateway, fact).await?;
    let record_ref = case_file::record_ref_of(gateway, &row)?;
    let record = gateway.vault.record_index(row.force.0, row.test_data, &record_ref);
    let holds = open_holds(gateway, row.force, record).await?;
    Ok(referral_view(&row, record_ref, holds))
}

/// The referral and the open holds of one record key.
pub async fn find(
    gateway: &Gateway,
    caller: &Caller,
    record_ref: String,
) -> Result<api::FindAnswer, Unfinished<ForceRefusal>> {
    for force in &caller.forces {
        let record = gateway.vault.record_index(force.0, caller.test, &record_ref);
        let known = gateway.store.look(*force, record).await?;
        if known.referral.is_none() && known.open_holds.is_empty() {
            continue;
        }
        let about = known.referral.as_ref().map(|referral| referral.referral_id);
        let about = about.or(known.open_holds.first().copied()).unwrap_or_default();
        let fact = Fact::referral_read(&caller.identity, gateway.clock.now(), about);
        write::fact(gateway, fact).await?;
        let holds = open_holds(gateway, *force, record).await?;
        let referral = match &known.referral {
            Some(referral) => gateway.store.referral(referral.referral_id).await?,
            None => None,
        };
        let referral = referral.map(|row| referral_view(&row, record_ref.clone(), holds.clone()));
        return Ok(api::FindAnswer { referral, holds });
    }
    Err(ForceRefusal::Absent.into())
}

async fn open_holds(
    gateway: &Gateway,
    force: ForceNumber,
    record: RecordIndex,
) -> Result<Vec<api::HoldView>, Unfinished<ForceRefusal>> {
    let filter = HoldFilter { force: Some(force), record: Some(record), open_only: true };
    let rows = gateway.store.holds(filter, None, HOLDS_PAGE).await?;
    Ok(rows.iter().map(hold_view).collect())
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
            .map_or(ProgrammeState::Sent.code(), |standing| stored_code(&standing.programme))
            .to_owned(),
        caution: row
            .standing
            .as_ref()
            .map_or(CautionState::Active.code(), |standing| stored_code(&standing.caution))
            .to_owned(),
        notices: row
            .notices
            .iter()
            .filter(|notice| notice.stream == Compartment::Offender)
            .map(|notice| api::NoticeView {
                notice_id: notice.notice_id,
                sequence: notice.sequence,
                kind: stored_code(&notice.kind).to_owned(),
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
    api::RevisionView {
        revision: row.revision,
        action: row.action.code().to_owned(),
        received_at: row.received_at.to_string(),
        mapping: mapping_view(&row.mapping),
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
        kind: stored_code(&message.kind).to_owned(),
        confirmed_at: message.confirmed_at.as_ref().map(Timestamp::to_string),
    }
}
