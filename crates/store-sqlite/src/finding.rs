//! What a look at a table comes to.

use jiff::Timestamp;
use rusqlite::types::Value;

/// A row that is not as this program writes it, while everything around it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RowFinding {
    pub table: String,
    /// `None`: the table does not number its rows.
    pub row: Option<i64>,
    /// The referral or hold that it belongs to, where that is known.
    pub case_id: Option<uuid::Uuid>,
    /// Never a value.
    pub what: String,
}

/// What one turn did: part of a table, or all that was left of it.
#[derive(Debug)]
pub(crate) struct ScrubTurn {
    pub table: String,
    pub began_at: Timestamp,
    /// The key behind which to go on; `None`: the table is through.
    pub after: Option<Vec<Value>>,
    pub findings: Vec<RowFinding>,
}
