//! An operator ends a hold: who, why, and what of the record that person put right.

use cara_domain::Compartment;
use cara_domain::correct::Correction;
use cara_domain::notice::{NoticeContent, NoticeKind};
use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use crate::notice;
use crate::{Gateway, Refusal};
use cara_clock::london_day;
use cara_store::{Digest, Fact, HoldEnd, NewNotice, Operation};
use cara_vault::Keys;

/// How an operator ends a hold by letting its record go on.
#[derive(Clone, Debug)]
pub(crate) struct Clearing {
    pub hold_id: Uuid,
    /// The operator's name.
    pub by: String,
    pub because: String,
    pub at: Timestamp,
    pub correction: Option<Correction>,
}

/// What is sealed with a corrected revision; the value stands in the revision itself.
#[derive(Serialize)]
struct Corrected<'a> {
    field: &'a str,
    by: &'a str,
    at: Timestamp,
    because: &'a str,
    hold_id: Uuid,
}

impl Clearing {
    pub fn end(&self) -> HoldEnd {
        if self.correction.is_some() { HoldEnd::Corrected } else { HoldEnd::Released }
    }

    /// For the audit chain: which field, never its value.
    pub fn fact(&self) -> Fact {
        let hold_id = self.hold_id;
        let about = match &self.correction {
            None => format!("hold {hold_id} released"),
            Some(correction) => format!("hold {hold_id} corrected {}", correction.field()),
        };
        Fact {
            operation: Operation::Alteration,
            by: self.by.clone(),
            at: self.at,
            about,
            to: None,
            note: Some(self.because.clone()),
        }
    }

    /// Who corrected what, as JSON to be sealed with the revision.
    pub fn sealed(&self) -> Option<Vec<u8>> {
        let field = self.correction.as_ref()?.field();
        let corrected = Corrected {
            field: &field,
            by: &self.by,
            at: self.at,
            because: &self.because,
            hold_id: self.hold_id,
        };
        serde_json::to_vec(&corrected).ok()
    }

    /// What the force is told of a correction: the field, and the hold.
    pub fn told(&self) -> Option<NoticeContent> {
        let field = self.correction.as_ref()?.field();
        Some(NoticeContent {
            reason: Some(field.into_owned()),
            evidence_ref: Some(self.hold_id),
            ..NoticeContent::of_day(london_day(self.at))
        })
    }
}

/// The notice of a correction, once for each hold.
pub(crate) fn notice_of_correction(
    gateway: &Gateway,
    keys: &Keys,
    content: &NoticeContent,
) -> Result<NewNotice, Refusal> {
    let kind = NoticeKind::RecordCorrected;
    let cause = content.evidence_ref.unwrap_or_default();
    notice::new_notice(gateway, keys, Compartment::Offender, kind, cause, content)
}

/// Which value of which field of which hold: what a second operator has to repeat.
pub(crate) fn correction_digest(
    gateway: &Gateway,
    hold_id: Uuid,
    correction: &Correction,
) -> Digest {
    let field = correction.field();
    let mut parts: Vec<&[u8]> = vec![hold_id.as_bytes(), field.as_bytes()];
    parts.extend(correction.values().iter().map(String::as_bytes));
    gateway.vault.digest("correction", &parts)
}
