//! A test inside a mapping that reads records, as plain data.

/// One `[[test]]`.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordTest {
    pub name: String,
    pub given: Given,
    pub expected: Vec<Expected>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    Text(String),
    /// Relative to the mapping's folder.
    File(String),
    /// An earlier test's record with some texts replaced, each of which it holds once.
    Changed {
        of: Box<Given>,
        changes: Vec<(String, String)>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    RecordResult(RecordResult),
    /// These codes or names stop the record, in any order, and no others.
    Violations(Vec<String>),
    /// These flags are among the record's.
    Flags(Vec<String>),
    /// The field's texts in the draft.
    Field(String, Vec<String>),
}

/// What becomes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordResult {
    /// A referral.
    Accepted,
    /// The force takes the case back.
    Withdrawn,
    /// Only holds stop it.
    Held,
    /// The force must mend it.
    Refused,
    /// A decision.
    Decided,
}

impl RecordResult {
    pub const NAMES: [&'static str; 5] = ["accepted", "withdrawn", "held", "refused", "decided"];

    pub fn named(text: &str) -> Option<RecordResult> {
        match text {
            "accepted" => Some(RecordResult::Accepted),
            "withdrawn" => Some(RecordResult::Withdrawn),
            "held" => Some(RecordResult::Held),
            "refused" => Some(RecordResult::Refused),
            "decided" => Some(RecordResult::Decided),
            _ => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            RecordResult::Accepted => "accepted",
            RecordResult::Withdrawn => "withdrawn",
            RecordResult::Held => "held",
            RecordResult::Refused => "refused",
            RecordResult::Decided => "decided",
        }
    }
}
