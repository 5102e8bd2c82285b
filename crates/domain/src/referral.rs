//! The referral: a valid case of one offender, in three compartments that are three types.

use jiff::Timestamp;
use jiff::civil::Date;

use super::canonical::canonical;
use super::choice::{Action, ContactAgreed};
use super::decision::DecisionRecord;
use super::field::FieldId;
use super::finding::Finding;
use super::fold::fold;
use super::identifier::ForceCode;
use super::offender_side::OffenderSide;
use super::origin::Origin;
use super::police::Police;
use super::recorded::Recorded;
use super::redact::redacted;
use super::victim_side::VictimSide;

/// What the rules need to know besides the record.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub now: Timestamp,
    /// The day in Europe/London.
    pub today: Date,
    /// Domains to which missed workshops may be sent, of this force.
    pub compliance_domains: &'a [String],
}

/// What the rules made of a draft.
#[derive(Clone, Debug, PartialEq)]
pub enum Validated {
    Referral(Box<Referral>),
    Withdrawal(Withdrawal),
    /// What police decided about a case.
    Decision(Box<DecisionRecord>),
    Stopped(Stopped),
}

impl Validated {
    /// The force's own key; absent where it could not be read.
    pub fn record_ref(&self) -> Option<&str> {
        match self {
            Validated::Referral(referral) => Some(&referral.source.record_ref),
            Validated::Withdrawal(withdrawal) => Some(&withdrawal.source.record_ref),
            Validated::Decision(sent) => Some(&sent.record_ref),
            Validated::Stopped(stopped) => stopped.record_ref.as_deref(),
        }
    }
}

/// How the force names the record, and what it wants with it.
#[derive(Clone, PartialEq)]
pub struct RecordSource {
    pub record_ref: String,
    pub message_ref: Option<String>,
    pub extracted_at: Option<Timestamp>,
    pub action: Action,
    /// Filled only where one identity stands for several forces.
    pub force: Option<ForceCode>,
}

/// A valid case; what goes where is decided by the type that holds it.
#[derive(Clone, PartialEq)]
pub struct Referral {
    pub source: RecordSource,
    pub police: Police,
    pub offender_side: OffenderSide,
    pub victim_side: VictimSide,
    pub flags: Vec<Finding>,
    /// Where every filled field came from, in the order of the field table, groups item by item.
    pub provenance: Vec<(FieldId, Origin)>,
}

/// The force takes a case back; only the source fields are demanded.
#[derive(Clone, PartialEq)]
pub struct Withdrawal {
    pub source: RecordSource,
    pub flags: Vec<Finding>,
}

/// A draft that cannot go on.
#[derive(Clone, PartialEq)]
pub struct Stopped {
    pub record_ref: Option<String>,
    /// None when it could not be read.
    pub source_action: Option<Action>,
    /// None when it was not filled or could not be read.
    pub source_force: Option<ForceCode>,
    /// Violations, holds and flags; at least one is not a flag.
    pub findings: Vec<Finding>,
}

impl Referral {
    /// Canonical JSON of the offender's side: what is compared, and what a message embeds.
    pub fn offender_content(&self) -> Vec<u8> {
        canonical(&self.offender_side)
    }

    /// Canonical JSON of the victim's side, whether she agreed or not.
    pub fn victim_content(&self) -> Vec<u8> {
        canonical(&self.victim_side)
    }

    /// Canonical JSON of the police-only facts, for sealing and comparing.
    pub fn police_content(&self) -> Vec<u8> {
        self.police.content()
    }

    /// Who the offender is, for telling whether a later record means another person: birth date
    /// and the letters of the family name. Personal: only its keyed hash may be stored.
    pub fn person_key(&self) -> Vec<u8> {
        let offender = &self.offender_side.offender;
        let mut key = offender.date_of_birth.to_string().into_bytes();
        key.push(b' ');
        key.extend_from_slice(fold(&offender.family_name).as_bytes());
        key
    }

    pub fn contact_agreed(&self) -> Recorded<ContactAgreed> {
        self.victim_side.contact_agreed()
    }

    /// The day by which the conditions must be met, as police sent it.
    pub fn deadline(&self) -> Date {
        self.offender_side.caution.deadline
    }
}

redacted!(RecordSource, Referral, Withdrawal, Stopped);
