//! `[[provider]]`: the charities.

use serde::Deserialize;

use super::fault::SettingsFaults;

/// Stands in notices; a telephone number and an address fit.
const CONTACT_CHARS_MAX: usize = 200;

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderSettings {
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
    /// Reports of one of its sides that are worked on in a minute; more of them wait, what is urgent
    /// does not.
    #[serde(default = "default_outcomes_per_minute_max")]
    pub outcomes_per_minute_max: u32,
    /// Rejected reports of one of its sides in an hour; with more, an operator is told.
    #[serde(default = "default_rejections_per_hour_max")]
    pub rejections_per_hour_max: u32,
}

fn default_outcomes_per_minute_max() -> u32 {
    1_200
}

fn default_rejections_per_hour_max() -> u32 {
    100
}

fn default_margin_weeks() -> u32 {
    5
}

impl ProviderSettings {
    pub(crate) fn validate(&self, key: &str, faults: &mut SettingsFaults) {
        faults.slug(format!("{key}.slug"), &self.slug);
        faults.bound(format!("{key}.margin_weeks"), self.margin_weeks, 1, 26);
        let per_minute = self.outcomes_per_minute_max;
        faults.bound(format!("{key}.outcomes_per_minute_max"), per_minute, 60, 60_000);
        let per_hour = self.rejections_per_hour_max;
        faults.bound(format!("{key}.rejections_per_hour_max"), per_hour, 1, 10_000);
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
