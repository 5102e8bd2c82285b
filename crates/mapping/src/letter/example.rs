//! A made-up notice of every kind, for the tests inside a mapping and for whoever looks at one.

use jiff::Timestamp;
use jiff::civil::{Date, date};
use uuid::Uuid;

use super::field::Field;
use cara_domain::choice::{Choice, YesNo};
use cara_domain::notice::{Notice, NoticeContent, NoticeKind};

/// A notice that nobody was ever sent.
#[derive(Clone, Debug, PartialEq)]
pub struct NoticeExample {
    pub notice_id: Uuid,
    pub sequence: u64,
    pub kind: NoticeKind,
    pub referral_id: Option<Uuid>,
    pub made_at: Timestamp,
    pub content: NoticeContent,
}

impl NoticeExample {
    pub fn notice(&self) -> Notice<'_> {
        Notice {
            notice_id: self.notice_id,
            sequence: self.sequence,
            kind: self.kind,
            referral_id: self.referral_id,
            made_at: self.made_at,
            content: &self.content,
        }
    }

    /// Lets it say this in a field, or nothing there for an empty text; `false` when the field
    /// cannot hold it.
    pub(super) fn say(&mut self, field: Field, text: &str) -> bool {
        let content = &mut self.content;
        let own = (!text.is_empty()).then(|| text.to_owned());
        let put_id = |slot: &mut Option<Uuid>| optional(slot, &own);
        let put_day = |slot: &mut Option<Date>| optional(slot, &own);
        match field {
            Field::Kind => return false,
            Field::NoticeId => return mandatory(&mut self.notice_id, text),
            Field::Sequence => return mandatory(&mut self.sequence, text),
            Field::MadeAt => return mandatory(&mut self.made_at, text),
            Field::HappenedOn => return mandatory(&mut content.happened_on, text),
            Field::ReferralId => return put_id(&mut self.referral_id),
            Field::EvidenceRef => return put_id(&mut content.evidence_ref),
            Field::Supersedes => return put_id(&mut content.supersedes),
            Field::WorkshopOn => return put_day(&mut content.workshop_on),
            Field::Deadline => return put_day(&mut content.deadline),
            Field::ProsecutionTimeBar => return put_day(&mut content.prosecution_time_bar),
            Field::Part => return optional(&mut content.part, &own),
            Field::CompletionStillPossible => {
                let word = YesNo::from_code(text);
                content.completion_still_possible = word.map(|word| word == YesNo::Yes);
                return word.is_some() || own.is_none();
            }
            Field::RecordRef => content.record_ref = own,
            Field::OccurrenceNumber => content.occurrence_number = own,
            Field::CollarNumber => content.collar_number = own,
            Field::ComplianceInbox => content.compliance_inbox = own,
            Field::Reason => content.reason = own,
            Field::ProviderContact => content.provider_contact = own,
        }
        true
    }
}

fn mandatory<T: std::str::FromStr>(slot: &mut T, text: &str) -> bool {
    text.parse().map(|value| *slot = value).is_ok()
}

fn optional<T: std::str::FromStr>(slot: &mut Option<T>, text: &Option<String>) -> bool {
    *slot = text.as_ref().and_then(|text| text.parse().ok());
    slot.is_some() || text.is_none()
}

/// A made-up notice of this kind, with everything that such a notice can say.
pub fn example(kind: NoticeKind) -> NoticeExample {
    let id = |number: u128| Uuid::from_u128(0x0199_7a3c_0000_7000_8000_0000_0000_0000 + number);
    let workshop = |part: u8, on: Date| (Some(part), Some(on));
    let (part, workshop_on) = match kind {
        NoticeKind::WorkshopBooked => workshop(1, date(2025, 10, 14)),
        NoticeKind::WorkshopRescheduled => workshop(2, date(2025, 11, 25)),
        NoticeKind::WorkshopAttended => workshop(1, date(2025, 10, 14)),
        NoticeKind::WorkshopMissed => workshop(2, date(2025, 11, 18)),
        _ => (None, None),
    };
    let reason = match kind {
        NoticeKind::Declined => Some("no_capacity"),
        NoticeKind::InformationRequested => Some("offender.phones offender.address.postcode"),
        NoticeKind::WorkshopMissed => Some("no_show"),
        NoticeKind::NonComplianceReported => Some("workshops_missed did_not_engage"),
        NoticeKind::RecordReturned => Some("V101:caution.deadline V201:offender.sex"),
        NoticeKind::RecordCorrected => Some("offender.phones"),
        NoticeKind::VictimContactStatus => Some("reached"),
        NoticeKind::VictimRiskChanged => Some("medium"),
        _ => None,
    };
    let is_held = matches!(kind, NoticeKind::RecordHeld | NoticeKind::RecordReturned);
    let has_ended = matches!(
        kind,
        NoticeKind::Declined | NoticeKind::ProgrammeCompleted | NoticeKind::Returned
    ) || is_held
        || kind.is_of_victim();
    let by_clock = matches!(
        kind,
        NoticeKind::CompletionAtRisk
            | NoticeKind::CompletionImpossible
            | NoticeKind::DeadlinePassed
            | NoticeKind::NoContact14Days
    );
    let impossible = matches!(kind, NoticeKind::CompletionImpossible | NoticeKind::DeadlinePassed);
    NoticeExample {
        notice_id: id(0x10),
        sequence: 117,
        kind,
        referral_id: (!is_held).then(|| id(0x20)),
        made_at: Timestamp::constant(1_763_546_400, 0),
        content: NoticeContent {
            record_ref: Some("QX-2025-004417/P1".to_owned()),
            occurrence_number: Some("QX-2025-004417".to_owned()),
            collar_number: Some("20931".to_owned()),
            compliance_inbox: Some("compliance@police.example".to_owned()),
            happened_on: date(2025, 11, 18),
            part,
            workshop_on,
            reason: reason.map(str::to_owned),
            deadline: (!is_held).then(|| date(2025, 12, 31)),
            prosecution_time_bar: (!is_held).then(|| date(2026, 2, 8)),
            completion_still_possible: (!has_ended).then_some(!impossible),
            provider_contact: Some("Workshop desk, 01632 960417".to_owned()),
            evidence_ref: (!by_clock).then(|| id(0x30)),
            supersedes: (kind == NoticeKind::Correction).then(|| id(0x31)),
        },
    }
}
