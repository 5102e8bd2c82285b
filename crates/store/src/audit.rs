//! The audit chain: one link for each fact, each under a keyed hash of the link before it.
//!
//! What checking finds: a fact changed, removed, added or moved anywhere in the chain; links taken
//! off its end (the sealed head names the last sequence, and nobody without the audit key can name
//! another; a store whose head is not under that key writes nothing more). What it cannot find
//! alone: the *whole* file, head included, put back to an older copy. For that the forces hold the
//! daily heads of the reconciliation: one that the chain does not contain proves it. Who has the
//! audit key can forge everything but those.

use futures_util::future::BoxFuture;

use super::Error;
use cara_vault::Vault;
use data_encoding::HEXLOWER;

/// Reads of the audit chain.
pub trait AuditChain: Send + Sync + 'static {
    /// The audit chain in order, `after` exclusive; at most `limit` rows.
    fn audit_rows(&self, after: u64, limit: usize) -> BoxFuture<'_, Result<Vec<AuditRow>, Error>>;

    /// Sequence and link of the last audit row, and the seal of both; sequence 0 before the first.
    /// None when somebody has removed it.
    fn audit_head(&self) -> BoxFuture<'_, Result<Option<AuditHead>, Error>>;
}

/// One link of the audit chain.
#[derive(Clone, Debug)]
pub struct AuditRow {
    pub sequence: u64,
    /// The fact as the JSON text that was hashed.
    pub fact: String,
    pub mac: [u8; 32],
}

/// The head of the audit chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditHead {
    pub sequence: u64,
    pub mac: [u8; 32],
    pub seal: [u8; 32],
}

pub const CHANGED: &str = "the row does not fit the one before it: it or that one was changed";
pub const MISSING: &str = "a row is missing";
pub const SHORT: &str = "the end of the chain is missing";
pub const LONG: &str = "rows were added behind the head";
pub const HEAD: &str = "the head is not under the audit key: it was changed";
pub const HEADLESS: &str = "the chain has no head";

/// Rows read at a time.
const ROWS_PER_READ: usize = 1_000;

/// The end of the chain while links are added or checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainEnd {
    pub sequence: u64,
    pub mac: [u8; 32],
}

impl ChainEnd {
    /// The end of an empty chain.
    pub const START: ChainEnd = ChainEnd { sequence: 0, mac: [0; 32] };

    /// The end after one more fact.
    pub fn link(self, vault: &Vault, fact: &str) -> ChainEnd {
        let sequence = self.sequence + 1;
        ChainEnd { sequence, mac: vault.audit_mac(&self.mac, sequence, fact) }
    }

    pub fn seal(self, vault: &Vault) -> AuditHead {
        let seal = vault.audit_head_mac(self.sequence, &self.mac);
        AuditHead { sequence: self.sequence, mac: self.mac, seal }
    }
}

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

/// Walks the whole chain in chunks, while facts may be added to it.
pub async fn verify(store: &dyn AuditChain, vault: &Vault) -> Result<Verified, Error> {
    let mut end = ChainEnd::START;
    let broken = loop {
        let rows = store.audit_rows(end.sequence, ROWS_PER_READ).await?;
        if let Some(broken) = rows.iter().find_map(|row| check(vault, &mut end, row).err()) {
            break Some(broken);
        }
        if !rows.is_empty() {
            continue;
        }
        // Read after the rows: it stands where they end, or facts were added in between.
        let Some(head) = store.audit_head().await? else {
            break Some((end.sequence + 1, HEADLESS));
        };
        let claimed = ChainEnd { sequence: head.sequence, mac: head.mac };
        if claimed.seal(vault) != head {
            break Some((head.sequence, HEAD));
        }
        if claimed == end {
            break None;
        }
        if head.sequence < end.sequence {
            break Some((head.sequence + 1, LONG));
        }
        if store.audit_rows(end.sequence, 1).await?.is_empty() {
            break Some((end.sequence + 1, SHORT));
        }
    };
    let head = (broken.is_none() && end != ChainEnd::START).then(|| HEXLOWER.encode(&end.mac));
    Ok(Verified { rows: end.sequence, broken, head })
}

fn check(vault: &Vault, end: &mut ChainEnd, row: &AuditRow) -> Result<(), (u64, &'static str)> {
    let next = end.link(vault, &row.fact);
    if row.sequence != next.sequence {
        return Err((next.sequence, MISSING));
    }
    if row.mac != next.mac {
        return Err((row.sequence, CHANGED));
    }
    *end = next;
    Ok(())
}
