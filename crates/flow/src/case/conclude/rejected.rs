//! What was rejected, in the audit chain: one row for all that is recorded together, so that a
//! provider cannot make the chain grow as fast as it talks.

use cara_domain::Compartment;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use cara_wire::rejection::Rejection;

use crate::case::consult;
use crate::{Gateway, Refusal};
use cara_store::{Entry, Fact, Operation, What};

/// Writes the fact that these outcomes of one side of a provider were rejected.
pub async fn record_rejections(
    gateway: &Gateway,
    provider: &str,
    side: Compartment,
    rejections: &[Rejection],
) -> Result<(), Refusal> {
    let about = match rejections {
        [] => return Ok(()),
        [Rejection { outcome_id: Some(outcome_id), .. }] => {
            format!("rejected outcome {outcome_id}")
        }
        [_] => "rejected outcome without an id".to_owned(),
        several => format!("{} rejected outcomes ({side:?} side)", several.len()),
    };
    let fact = Fact {
        operation: Operation::Collection,
        by: provider.to_owned(),
        at: gateway.clock.now(),
        about: about.to_lowercase(),
        to: None,
        note: Some(counted(rejections)),
    };
    let what = What::Nothing { entry_id: gateway.clock.id() };
    consult::write_one(gateway, Entry::of(what, vec![fact])).await
}

/// `O101 O105`, or with how often: `O101 × 3 O105 × 40`.
fn counted(rejections: &[Rejection]) -> String {
    let mut codes = BTreeMap::<&str, usize>::new();
    for fault in rejections.iter().flat_map(|it| &it.faults) {
        *codes.entry(fault.code.id).or_default() += 1;
    }
    let mut text = String::new();
    for (code, count) in codes {
        let space = if text.is_empty() { "" } else { " " };
        let written = match count {
            1 => write!(text, "{space}{code}"),
            _ => write!(text, "{space}{code} × {count}"),
        };
        written.unwrap_or(());
    }
    text
}
