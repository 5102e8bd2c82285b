//! A hold: what waits and why, and how an operator ends it.

pub mod cause;
pub mod clear;
pub mod list;

use cara_wire::api;
use uuid::Uuid;

use crate::record::read::{self, Again, RecordReading};
use crate::{Gateway, case_file};
use cara_store::HoldRow;

/// A hold in the operators' list.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct HoldLine {
    pub hold_id: Uuid,
    pub force: String,
    pub received_at: String,
    pub state: String,
    pub causes: Vec<api::FindingView>,
    /// What holds it, in words; see [`HoldCause`].
    #[serde(default)]
    pub cause: String,
    /// Unlisted codes that look like codes (12 characters at most, no space); others are not shown.
    pub unlisted: Vec<String>,
}

/// One page of the operators' list of holds.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct HoldPage {
    pub holds: Vec<HoldLine>,
    /// Ask again with `after` set to this for the rest.
    pub next: Option<Uuid>,
}

/// Open holds that wait for the same reason.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct HoldCause {
    /// `risk grade: XHI`, `missing: offender.phones`; several of one record with `; ` between.
    pub cause: String,
    pub count: u64,
    /// In London: the time alone when it is of today.
    pub since: String,
    /// The force's slug.
    pub force: String,
    /// The oldest of them.
    pub like: Uuid,
}

/// Where everything that waits for the same reason as one hold would go.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Alike {
    pub cause: String,
    pub force: String,
    /// `referral version 2`: what would read them.
    pub mapping: String,
    /// `cara.intake.harbour`; the victim's side goes to the provider's own queue for it.
    pub queues: Vec<String>,
    /// Oldest first.
    pub hold_ids: Vec<Uuid>,
}

/// How a release or a correction ended.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Released {
    pub hold_id: Uuid,
    /// The record's fate on the full path; still `held` when it is at fault again.
    pub record: api::RecordAnswer,
    /// Who asked first for this correction; another operator has to ask for the same.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub waits_after: Option<String>,
}

/// The force's own key of a held record, where the mapping that is live now can read it. One that
/// cannot be opened is told, and can still be given back.
pub(crate) fn record_ref(gateway: &Gateway, row: &HoldRow) -> Option<String> {
    let live = gateway.live.named(row.force, &row.mapping.name)?;
    let text = match case_file::held_text(gateway, row) {
        Ok(text) => text,
        Err(failure) => {
            gateway.faults.met(&format!("hold {}", row.hold_id), &failure);
            return None;
        }
    };
    let read = read::again(&RecordReading::of(gateway), &live, &text, Again::AsItCame);
    read.ok().and_then(|read| read.outcome.record_ref().map(str::to_owned))
}
