//! `[[provider]]`: the charities.

use serde::Deserialize;

use super::fault::Faults;

/// Stands in notices; a telephone number and an address fit.
const CONTACT_CHARS_MAX: usize = 200;

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
    /// How police reach the provider; shown in notices.
    #[serde(default)]
    pub contact: Option<String>,
    /// What is left of the programme takes so long: that many weeks before the deadline a case
    /// that has not begun can no longer be completed.
    #[serde(default = "default_margin_weeks")]
    pub margin_weeks: u32,
}

fn default_margin_weeks() -> u32 {
    5
}

impl Provider {
    pub(in crate::config) fn validate(&self, key: &str, faults: &mut Faults) {
        faults.slug(format!("{key}.slug"), &self.slug);
        faults.bound(format!("{key}.margin_weeks"), self.margin_weeks, 1, 26);
        if let Some(contact) = &self.contact
            && (contact.trim().is_empty()
                || contact.chars().count() > CONTACT_CHARS_MAX
                || contact.chars().any(char::is_control))
        {
            faults.add(
                format!("{key}.contact"),
                format!("it is empty, over {CONTACT_CHARS_MAX} characters, or over one line"),
                "Write how police reach the provider, or leave it out",
            );
        }
    }
}
