//! What is stored and published of one valid record, and what it is compared by.

use cara_domain::choice::Action;
use cara_domain::notice::NoticeContent;
use cara_domain::{Recorded, Referral, Withdrawal};
use cara_wire::{OffenderContent, VictimContent};

use crate::case_file::PoliceFacts;
use crate::record::compare::Arriving;
use cara_store::{Digest, ForceNumber, RecordIndex};
use cara_vault::Vault;

/// Of one valid record.
pub(crate) struct Content {
    pub action: Action,
    /// Both sides; none for a withdrawal.
    pub sides: Option<(OffenderContent, VictimContent)>,
    /// The police-only content as canonical JSON; none for a withdrawal.
    pub police: Option<Vec<u8>>,
    /// What notices to the force say of the case.
    pub facts: Option<PoliceFacts>,
    pub contact_agreed: bool,
    pub offender_content: Digest,
    pub victim_content: Digest,
    pub content: Digest,
    pub person: Option<Digest>,
    pub message_ref: Option<Digest>,
    pub extracted_at: Option<jiff::Timestamp>,
    pub record: RecordIndex,
    pub record_ref: String,
}

impl Content {
    pub fn of_referral(vault: &Vault, force: ForceNumber, test: bool, referral: &Referral) -> Self {
        let offender = OffenderContent::of(&referral.offender_side);
        let victim = VictimContent::of(&referral.victim_side);
        let police = referral.police_content();
        let agreed = referral.victim_side.may_be_contacted();
        let (offender_bytes, victim_bytes) = (offender.as_bytes(), victim.as_bytes());
        // While contact is not agreed only that fact is published, so only it can change.
        let said = match victim.contact_agreed() {
            Recorded::Is(said) => said as u8,
            Recorded::NotRecorded => u8::MAX,
        };
        let published_victim = if agreed { victim_bytes } else { &[said] };
        Content {
            action: Action::New,
            contact_agreed: agreed,
            offender_content: vault.digest("offender", &[offender_bytes]),
            victim_content: vault.digest("victim", &[&[u8::from(agreed)], published_victim]),
            content: vault.digest("content", &[offender_bytes, victim_bytes, &police]),
            person: Some(vault.digest("person", &[&referral.person_key()])),
            message_ref: message_digest(vault, referral.source.message_ref.as_deref()),
            extracted_at: referral.source.extracted_at,
            record: vault.record_index(force.0, test, &referral.source.record_ref),
            record_ref: referral.source.record_ref.clone(),
            sides: Some((offender, victim)),
            police: Some(police),
            facts: Some(PoliceFacts::of(referral)),
        }
    }

    pub fn of_withdrawal(
        vault: &Vault,
        force: ForceNumber,
        test: bool,
        withdrawal: &Withdrawal,
    ) -> Self {
        let none = Digest([0; 32]);
        let source = &withdrawal.source;
        Content {
            action: Action::Withdrawn,
            sides: None,
            police: None,
            facts: None,
            contact_agreed: false,
            offender_content: none,
            victim_content: none,
            content: none,
            person: None,
            message_ref: message_digest(vault, source.message_ref.as_deref()),
            extracted_at: source.extracted_at,
            record: vault.record_index(force.0, test, &source.record_ref),
            record_ref: source.record_ref.clone(),
        }
    }

    /// What the force is told of a correction, with what it knows the case by.
    pub fn said_of_correction(&self, told: NoticeContent) -> NoticeContent {
        let known = self.facts.as_ref();
        NoticeContent {
            record_ref: Some(self.record_ref.clone()),
            occurrence_number: known.map(|it| it.occurrence_number.clone()),
            collar_number: known.map(|it| it.collar_number.clone()),
            compliance_inbox: known.map(|it| it.compliance_inbox.clone()),
            deadline: known.map(|it| it.deadline),
            prosecution_time_bar: known.and_then(|it| it.prosecution_time_bar),
            ..told
        }
    }

    pub fn arriving(&self, released: bool) -> Arriving {
        Arriving {
            withdrawn: self.action == Action::Withdrawn,
            content: self.content,
            person: self.person,
            message_ref: self.message_ref,
            extracted_at: self.extracted_at,
            released,
        }
    }
}

fn message_digest(vault: &Vault, message_ref: Option<&str>) -> Option<Digest> {
    message_ref.map(|text| vault.digest("message_ref", &[text.as_bytes()]))
}
