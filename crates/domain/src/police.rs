//! What stays with the police and the gateway: it serves notices and matching, and never crosses
//! the broker.

use jiff::civil::Date;
use serde::{Deserialize, Serialize, Serializer};

use super::canonical::canonical;
use super::choice::{ObservedEthnicity, YesNo};
use super::identifier::{Asn, Cro, Email, PncId, PtiUrn};
use super::recorded::Recorded;
use super::redact::redacted;

/// The police-only facts of a referral. The type implements neither `Serialize` nor `Deserialize`
/// nor `JsonSchema`, so no message can hold one; [`Police::content`] is for sealing.
///
/// The victim's address is not kept at all: it serves the search of the offender-side texts only.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Police {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asn: Option<Asn>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pti_urn: Option<PtiUrn>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custody_reference: Option<String>,
    /// Where a missed workshop is sent.
    pub compliance_inbox: Email,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ethnicity_observed: Option<ObservedEthnicity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pnc_id: Option<PncId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cro_number: Option<Cro>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_person_ref: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority_ref: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prosecution_time_bar: Option<Date>,
    pub da_disposal_last_two_years: Recorded<YesNo>,
}

impl Police {
    /// Canonical JSON, to be sealed and compared.
    pub fn content(&self) -> Vec<u8> {
        canonical(&Sealing(self))
    }

    /// Reads what [`Police::content`] wrote.
    pub fn from_content(content: &[u8]) -> Result<Police, serde_json::Error> {
        let mut reader = serde_json::Deserializer::from_slice(content);
        let police = Police::deserialize(&mut reader)?;
        reader.end()?;
        Ok(police)
    }
}

struct Sealing<'p>(&'p Police);

impl Serialize for Sealing<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Police::serialize(self.0, serializer)
    }
}

redacted!(Police);
