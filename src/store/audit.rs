//! The audit chain: what it proves and how it is checked.
//!
//! Each row's MAC covers the row before it, its number and its fact, under a key that is not in
//! the store. A changed, inserted, removed or reordered row breaks the chain; a cut-off tail does
//! not fit the sealed head. What it cannot show is the store put back whole to an earlier day: for
//! that the forces hold the daily heads.

use super::{Error, Store};
use crate::vault::{Vault, hex};

/// Rows read at a time.
const CHUNK: usize = 1000;

/// What a walk over the chain found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Rows that hold.
    pub rows: u64,
    /// Sequence of the first row that does not, and why.
    pub broken: Option<(u64, &'static str)>,
    /// The last row's link, hexadecimal: compare it with the head that a force was given.
    pub head: Option<String>,
}

/// Walks the whole chain in chunks.
pub async fn verify(store: &dyn Store, vault: &Vault) -> Result<Verified, Error> {
    let head = store.audit_head().await?;
    let mut verified = Verified { rows: 0, broken: None, head: None };
    let mut last = [0; 32];
    loop {
        let rows = store.audit_rows(verified.rows, CHUNK).await?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            let expected = verified.rows + 1;
            if row.sequence != expected {
                verified.broken = Some((expected, "a row is missing"));
                return Ok(verified);
            }
            if vault.audit_mac(&last, row.sequence, &row.fact) != row.mac {
                let why = "the row does not fit the one before it: it or that one was changed";
                verified.broken = Some((row.sequence, why));
                return Ok(verified);
            }
            last = row.mac;
            verified.rows = row.sequence;
            // A row written after the head was read belongs to a later walk.
            if head.as_ref().is_some_and(|head| head.sequence == row.sequence) {
                break;
            }
        }
        if head.as_ref().is_some_and(|head| head.sequence == verified.rows) {
            break;
        }
    }
    verified.broken = match head {
        None if verified.rows == 0 => None,
        None => Some((verified.rows, "the chain has no head")),
        Some(head) if head.sequence > verified.rows => {
            Some((verified.rows + 1, "the end of the chain is missing"))
        }
        Some(head) if vault.audit_head_mac(head.sequence, &last) != head.seal => {
            Some((head.sequence, "the head does not fit the last row"))
        }
        Some(_) => {
            verified.head = Some(hex(&last));
            None
        }
    };
    Ok(verified)
}
