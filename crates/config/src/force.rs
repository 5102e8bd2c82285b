//! `[[force]]`: the police forces.

use cara_domain::identifier::ForceCode;
use serde::Deserialize;

use super::api::{BODY_BYTES_CEILING, DAY_BYTES_CEILING, DAY_BYTES_FLOOR};
use super::delivery::Address;
use super::fault::SettingsFaults;

/// A force has so many endpoints at most.
const ENDPOINTS_MAX: usize = 20;

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForceSettings {
    /// Also the name of its folder under `mappings.folder`.
    pub slug: String,
    /// Home Office code, two digits: `44`.
    pub code: String,
    /// The provider of new cases. Cases that are there keep theirs.
    pub provider: String,
    /// Where the records of its test identities go: a provider with `test = true`.
    #[serde(default)]
    pub test_provider: Option<String>,
    /// The information-sharing agreement.
    pub agreement_ref: String,
    /// Domains that a compliance inbox may have.
    #[serde(default)]
    pub compliance_domains: Vec<String>,
    /// Where its notices may be pushed: exact `https` addresses, or prefixes that end in `/`.
    #[serde(default)]
    pub delivery_endpoints: Vec<String>,
    /// After so many days without a record a person is told.
    #[serde(default = "default_silent_days")]
    pub silent_days: u32,
    /// Instead of `api.body_bytes_max`.
    #[serde(default)]
    pub body_bytes_max: Option<usize>,
    /// Instead of `api.requests_per_s_max`.
    #[serde(default)]
    pub requests_per_s_max: Option<u32>,
    /// Instead of `api.store_bytes_per_day_max`.
    #[serde(default)]
    pub store_bytes_per_day_max: Option<u64>,
}

fn default_silent_days() -> u32 {
    7
}

impl ForceSettings {
    /// The code as a number, 1 to 99.
    pub fn code_number(&self) -> u8 {
        self.code.parse().unwrap_or(0)
    }

    pub(crate) fn validate(&self, key: &str, faults: &mut SettingsFaults) {
        faults.slug(format!("{key}.slug"), &self.slug);
        match ForceCode::parse(&self.code) {
            Err(_) => faults.add(
                format!("{key}.code"),
                format!("`{}` is no force code", self.code),
                "Write the Home Office code with two digits, such as \"44\"; 00 is nobody",
            ),
            Ok(code) if ForceCode::from_slug(&self.slug).is_some() && code.slug() != self.slug => {
                faults.add(
                    format!("{key}.code"),
                    format!("{code} is the code of {}, not of {}", code.slug(), self.slug),
                    "Correct the slug or the code",
                );
            }
            Ok(_) => {}
        }
        if self.agreement_ref.trim().is_empty() {
            faults.add(
                format!("{key}.agreement_ref"),
                "it is empty",
                "Name the information-sharing agreement that covers this force",
            );
        }
        faults.bound(format!("{key}.silent_days"), self.silent_days, 1, 365);
        if let Some(bytes) = self.body_bytes_max {
            faults.bound(format!("{key}.body_bytes_max"), bytes, 1024, BODY_BYTES_CEILING);
        }
        if let Some(requests) = self.requests_per_s_max {
            faults.bound(format!("{key}.requests_per_s_max"), requests, 1, 1_000_000);
        }
        if let Some(bytes) = self.store_bytes_per_day_max {
            let key = format!("{key}.store_bytes_per_day_max");
            faults.bound(key, bytes, DAY_BYTES_FLOOR, DAY_BYTES_CEILING);
        }
        faults.bound(
            format!("{key}.delivery_endpoints"),
            self.delivery_endpoints.len(),
            0,
            ENDPOINTS_MAX,
        );
        for (index, endpoint) in self.delivery_endpoints.iter().enumerate() {
            let key = format!("{key}.delivery_endpoints[{}]", index + 1);
            Address::validate(endpoint, key, faults);
        }
        for (index, domain) in self.compliance_domains.iter().enumerate() {
            if domain.is_empty() || domain.contains(['@', ' ', '/']) || !domain.contains('.') {
                faults.add(
                    format!("{key}.compliance_domains[{}]", index + 1),
                    "it is no domain",
                    "Write what follows the @, such as \"hampshire.police.uk\"",
                );
            }
        }
    }
}
