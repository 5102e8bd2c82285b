//! What was rejected, in the audit chain: one row for all that is recorded together, so that a
//! provider cannot make the chain grow as fast as it talks.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use cara_domain::Compartment;
use cara_wire::rejection::Rejection;

use crate::{Failure, Gateway, write};
use cara_store::Fact;

/// Writes the fact that these outcomes of one side of a provider were rejected.
pub async fn record_rejections(
    gateway: &Gateway,
    provider: &str,
    side: Compartment,
    rejections: &[Rejection],
) -> Result<(), Failure> {
    let (now, codes) = (gateway.clock.now(), counted(rejections));
    let fact = match rejections {
        [] => return Ok(()),
        [Rejection { outcome_id: Some(outcome_id), .. }] => {
            Fact::outcome_rejected(provider, now, *outcome_id, &codes)
        }
        [_] => Fact::message_rejected(provider, now, &codes),
        several => {
            let side = format!("{side:?}").to_lowercase();
            Fact::outcomes_rejected(provider, now, several.len(), &side, &codes)
        }
    };
    write::fact(gateway, fact).await
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
