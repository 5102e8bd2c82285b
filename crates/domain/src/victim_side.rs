//! The victim's compartment: read by the victim workers only, and only while she agreed.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::choice::{AgeBand, ContactAgreed, SafeMethod, Sex, Views, YesNo};
use super::identifier::{Email, Phone};
use super::recorded::Recorded;
use super::redact::redacted;

/// What the provider's victim side reads of a referral, while `contact_agreed` is yes. Otherwise
/// the message holds nothing of this but `contact_agreed`: narrowing is the publisher's.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VictimSide {
    pub victim: Victim,
    pub risk: VictimRisk,
    /// Where the offences happened, for those that have a place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub offences: Vec<OffencePlace>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Victim {
    #[serde(rename = "ref")]
    pub reference: Recorded<String>,
    pub given_names: Recorded<Vec<String>>,
    pub family_name: Recorded<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_of_birth: Option<Recorded<Date>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sex: Option<Recorded<Sex>>,
    pub views_sought: Recorded<YesNo>,
    pub views: Recorded<Views>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub views_on: Option<Recorded<Date>>,
    pub contact_agreed: Recorded<ContactAgreed>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safe_contact: Option<SafeContact>,
    pub lives_with_offender: Recorded<YesNo>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Recorded<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interpreter_needed: Option<Recorded<YesNo>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Child>,
}

/// How it is safe to reach the victim.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SafeContact {
    pub method: Recorded<SafeMethod>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<Recorded<Phone>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Recorded<Email>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<Recorded<Vec<String>>>,
    /// No unless the record says yes.
    pub voicemail_safe: YesNo,
    /// No unless the record says yes.
    pub text_safe: YesNo,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who_may_answer: Option<Recorded<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_word: Option<Recorded<String>>,
}

/// A child of the household; who sees or hears abuse is a victim too (Domestic Abuse Act 2021 s3).
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Child {
    pub age_band: Recorded<AgeBand>,
    pub present: Recorded<YesNo>,
}

/// The part of the risk assessment that only the victim side reads.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VictimRisk {
    pub coercive_control: Recorded<YesNo>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orders_in_force: Option<Recorded<Vec<String>>>,
}

/// The place of one offence.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OffencePlace {
    /// Which of the offender side's `offences`, counted from 1.
    pub number: u32,
    pub location: String,
}

impl VictimSide {
    pub fn contact_agreed(&self) -> Recorded<ContactAgreed> {
        self.victim.contact_agreed
    }

    /// Whether the victim may be named to the provider: only after an explicit yes.
    pub fn may_be_contacted(&self) -> bool {
        self.contact_agreed() == Recorded::Is(ContactAgreed::Yes)
    }
}

redacted!(VictimSide, Victim, SafeContact, Child, VictimRisk, OffencePlace);
