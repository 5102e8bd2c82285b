//! A side's content as JSON, written once: the same bytes are compared, sealed and published.

use serde::Serialize;

use cara_domain::choice::ContactAgreed;
use cara_domain::{OffenderSide, Recorded, VictimSide};

/// Most sides are between 1 and 3 KB.
const CONTENT_BYTES_USUAL: usize = 3072;

/// The offender's side as JSON.
#[derive(Clone, PartialEq, Eq)]
pub struct OffenderContent {
    json: Vec<u8>,
}

/// The victim's side as JSON, with what decides whether it may be published.
#[derive(Clone, PartialEq, Eq)]
pub struct VictimContent {
    json: Vec<u8>,
    contact_agreed: Recorded<ContactAgreed>,
}

impl OffenderContent {
    pub fn of(side: &OffenderSide) -> Self {
        OffenderContent { json: json(side) }
    }

    /// A JSON object; equal content gives equal bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.json
    }
}

impl VictimContent {
    pub fn of(side: &VictimSide) -> Self {
        VictimContent { json: json(side), contact_agreed: side.contact_agreed() }
    }

    /// A JSON object; equal content gives equal bytes. Whole, whether she agreed or not.
    pub fn as_bytes(&self) -> &[u8] {
        &self.json
    }

    pub fn contact_agreed(&self) -> Recorded<ContactAgreed> {
        self.contact_agreed
    }
}

/// Content is never shown.
impl std::fmt::Debug for OffenderContent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OffenderContent({} bytes)", self.json.len())
    }
}

/// Content is never shown.
impl std::fmt::Debug for VictimContent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VictimContent({} bytes)", self.json.len())
    }
}

fn json(side: &impl Serialize) -> Vec<u8> {
    let mut json = Vec::with_capacity(CONTENT_BYTES_USUAL);
    match serde_json::to_writer(&mut json, side) {
        Ok(()) => json,
        Err(_) => unreachable!("a side has text keys and goes into memory, so writing cannot fail"),
    }
}
