//! A hold: what waits and why, and how an operator ends it.

pub mod cause;
pub mod clear;
pub mod list;

use crate::record::read::{self, Again, RecordReading};
use crate::{Gateway, case_file};
use cara_store::HoldRow;

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
