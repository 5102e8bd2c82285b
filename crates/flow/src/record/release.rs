//! An operator ends a hold: who, why, and what of the record that person put right.

use cara_domain::Compartment;
use cara_domain::correct::Correction;
use cara_domain::notice::{NoticeContent, NoticeKind};
use jiff::Timestamp;
use uuid::Uuid;

use crate::case_file::{CaseKeys, CorrectedField};
use crate::{Failure, Gateway, notice};
use cara_clock::london_day;
use cara_store::{Digest, Fact, HoldEnd, NewNotice};

/// How an operator ends a hold by letting its record go on.
#[derive(Clone, Debug)]
pub(crate) struct HoldRelease {
    pub hold_id: Uuid,
    /// The operator's name.
    pub by: String,
    pub because: String,
    pub at: Timestamp,
    pub correction: Option<Correction>,
}

impl HoldRelease {
    pub fn end(&self) -> HoldEnd {
        if self.correction.is_some() { HoldEnd::Corrected } else { HoldEnd::Released }
    }

    /// For the audit chain: which field, never its value.
    pub fn fact(&self) -> Fact {
        let Self { hold_id, by, because, at, correction } = self;
        match correction {
            None => Fact::hold_released(by, *at, *hold_id, because),
            Some(it) => Fact::hold_corrected(by, *at, *hold_id, &it.field(), because),
        }
    }

    /// What is sealed with a corrected revision.
    pub fn corrected_field(&self) -> Option<CorrectedField<'_>> {
        let field = self.correction.as_ref()?.field();
        let Self { hold_id, by, because, at, .. } = self;
        Some(CorrectedField { field, by, at: *at, because, hold_id: *hold_id })
    }

    /// What the force is told of a correction: the field, and the hold.
    pub fn notice_content(&self) -> Option<NoticeContent> {
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
    keys: &CaseKeys<'_>,
    content: &NoticeContent,
) -> Result<NewNotice, Failure> {
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
