//! The offender's compartment: everything that the provider may read of the case, and nothing of
//! the victim. No type of the victim's compartment occurs here.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::choice::{
    Authority, CautionKind, ConditionKind, DateKind, PreferredContact, RelationshipKind, RiskGrade,
    RiskTool, SelfDefinedEthnicity, Sex, YesNo,
};
use super::identifier::{Email, OffenceCode, Phone, Postcode};
use super::recorded::Recorded;
use super::redact::redacted;

/// What the provider's offender side reads of a referral.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OffenderSide {
    pub case: CaseNumbers,
    pub officer: Officer,
    pub offender: Offender,
    /// At least one.
    pub offences: Vec<Offence>,
    pub relationship: Relationship,
    pub caution: CautionContent,
    pub risk: OffenderRisk,
}

#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Case")]
pub struct CaseNumbers {
    /// 1 to 30 characters; every force has its own form.
    pub occurrence_number: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crime_reference: Option<String>,
}

/// The officer in the case.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Officer {
    /// Unique within the force only.
    pub collar_number: String,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
}

/// The offender; at least one of `phones` and `email` is there, and an address unless
/// `no_fixed_abode` is yes.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Offender {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// At least one, in order, in the source's spelling.
    pub given_names: Vec<String>,
    pub family_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_as: Option<String>,
    pub date_of_birth: Date,
    pub sex: Sex,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ethnicity_self_defined: Option<SelfDefinedEthnicity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<PostalAddress>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_fixed_abode: Option<YesNo>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phones: Vec<Phone>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferred_contact: Option<PreferredContact>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    pub interpreter_needed: YesNo,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_needs: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub safety_warnings: Vec<String>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Address")]
pub struct PostalAddress {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postcode: Option<Postcode>,
}

/// An offence without its place, which is often the victim's home.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Offence {
    pub cjs_code: OffenceCode,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wording: Option<String>,
    pub date_kind: DateKind,
    pub started_on: Date,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_on: Option<Date>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Relationship {
    pub kind: Recorded<RelationshipKind>,
    pub current: Recorded<YesNo>,
}

/// The disposal and what it demands.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Caution")]
pub struct CautionContent {
    pub kind: CautionKind,
    pub given_on: Recorded<Date>,
    pub given_by: GivenBy,
    pub admission_recorded: Recorded<YesNo>,
    pub signed_document_ref: Recorded<String>,
    pub authority: Authority,
    /// Exactly one is `cara`.
    pub conditions: Vec<Condition>,
    /// As police sent it; never computed.
    pub deadline: Date,
}

/// The authorised person who gave the caution (CJA 2003 s22).
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GivenBy {
    pub collar_number: Recorded<String>,
    pub rank: Recorded<String>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    pub id: String,
    pub kind: ConditionKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    pub due_by: Date,
}

/// The part of the risk assessment that whoever meets the offender needs.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OffenderRisk {
    pub tool: Recorded<RiskTool>,
    pub grade: Recorded<RiskGrade>,
    pub assessed_on: Recorded<Date>,
    pub serving_community_order: Recorded<YesNo>,
}

redacted!(
    OffenderSide,
    CaseNumbers,
    Officer,
    Offender,
    PostalAddress,
    Offence,
    Relationship,
    CautionContent,
    GivenBy,
    Condition,
    OffenderRisk
);
