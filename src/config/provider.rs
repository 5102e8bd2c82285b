//! `[[provider]]`: the charities.

use serde::Deserialize;

use super::fault::Faults;

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Stands in routing keys and queue names.
    pub slug: String,
    /// A test provider gets test records and nothing else; a live one never gets any.
    #[serde(default)]
    pub test: bool,
    /// The broker's user who may report on the offender's side; `<slug>-intake` unless it says
    /// otherwise.
    #[serde(default)]
    pub intake_user: Option<String>,
    /// The same on the victim's side; `<slug>-victims` unless it says otherwise.
    #[serde(default)]
    pub victims_user: Option<String>,
}

impl Provider {
    pub(in crate::config) fn validate(&self, key: &str, faults: &mut Faults) {
        faults.slug(format!("{key}.slug"), &self.slug);
    }
}
