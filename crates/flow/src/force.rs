//! The forces and providers that `gateway.toml` lists.

use std::borrow::Cow;
use std::collections::BTreeMap;

use cara_store::ForceNumber;

use crate::OrderRefusal;

/// One force as `gateway.toml` describes it.
#[derive(Clone, Debug)]
pub struct Force {
    pub code: ForceNumber,
    pub slug: String,
    /// Where live records go; absent while the force only tests.
    pub provider: Option<String>,
    /// Where records of test identities go; a provider that is marked as a test one.
    pub test_provider: Option<String>,
    pub agreement_ref: String,
    pub compliance_domains: Vec<String>,
    /// After so many days without a record a person is told.
    pub silent_days: u32,
    /// What its records may add to the store in a day in London, in bytes.
    pub store_bytes_per_day_max: u64,
}

/// One provider as `gateway.toml` describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    pub slug: String,
    /// How police reach it.
    pub contact: Option<String>,
    /// The weeks that it needs from the first workshop to completion.
    pub margin_weeks: u32,
}

/// Two workshops four to five weeks apart (DOMAIN 1.4).
const MARGIN_WEEKS_USUAL: u32 = 5;

const UNLISTED_PREFIX: &str = "force-";

impl Force {
    /// A force of which the store holds cases and `gateway.toml` nothing.
    fn unlisted(code: ForceNumber) -> Force {
        Force {
            code,
            slug: format!("{UNLISTED_PREFIX}{code} (not in gateway.toml)"),
            provider: None,
            test_provider: None,
            agreement_ref: "none: the force is not in gateway.toml".to_owned(),
            compliance_domains: Vec::new(),
            silent_days: u32::MAX,
            store_bytes_per_day_max: u64::MAX,
        }
    }

    /// The provider for a record, so that test data never reaches a live queue, nor the reverse.
    pub(crate) fn provider(&self, test: bool) -> Option<&str> {
        if test { self.test_provider.as_deref() } else { self.provider.as_deref() }
    }
}

/// The forces that this gateway serves, and their providers.
#[derive(Clone, Debug, Default)]
pub struct Forces {
    forces: BTreeMap<ForceNumber, Force>,
    providers: BTreeMap<String, Provider>,
    /// Whether there is a mail server to tell people by.
    pub has_mail: bool,
    /// Whether a change that can get somebody hurt needs two operators.
    pub second_operator: bool,
}

impl FromIterator<Force> for Forces {
    fn from_iter<I: IntoIterator<Item = Force>>(forces: I) -> Self {
        let forces = forces.into_iter().map(|force| (force.code, force)).collect();
        Forces { forces, ..Forces::default() }
    }
}

impl Forces {
    /// Adds what is known of their providers.
    pub fn with_providers(mut self, providers: impl IntoIterator<Item = Provider>) -> Forces {
        let named = providers.into_iter().map(|provider| (provider.slug.clone(), provider));
        self.providers = named.collect();
        self
    }

    /// What is known of a provider; the usual, for one that is no longer in the settings.
    pub fn provider(&self, slug: &str) -> Provider {
        let usual =
            || Provider { slug: slug.to_owned(), contact: None, margin_weeks: MARGIN_WEEKS_USUAL };
        self.providers.get(slug).cloned().unwrap_or_else(usual)
    }

    /// A stored force outlives the settings: one that is not in `gateway.toml` is marked in its slug.
    pub fn of(&self, code: ForceNumber) -> Cow<'_, Force> {
        match self.forces.get(&code) {
            Some(force) => Cow::Borrowed(force),
            None => Cow::Owned(Force::unlisted(code)),
        }
    }

    /// Whether the force is in `gateway.toml`.
    pub fn lists(&self, code: ForceNumber) -> bool {
        self.forces.contains_key(&code)
    }

    /// The code of a force that an operator names: by its slug, or as `force-44` where it is not in
    /// `gateway.toml` any more.
    pub fn code_named(&self, name: &str) -> Result<ForceNumber, OrderRefusal> {
        let listed = self.with_slug(name).map(|force| force.code);
        let code = name.strip_prefix(UNLISTED_PREFIX).filter(|digits| digits.len() == 2);
        let unlisted = code.and_then(|digits| digits.parse().ok()).map(ForceNumber);
        listed.or_else(|absent| unlisted.ok_or(absent))
    }

    /// As commands take it: the slug, or `force-44` where it is not in `gateway.toml` any more.
    pub fn name(&self, code: ForceNumber) -> String {
        let listed = self.forces.get(&code).map(|force| force.slug.clone());
        listed.unwrap_or_else(|| format!("{UNLISTED_PREFIX}{code}"))
    }

    /// What an incident is about; a force has its name there, though some rooms know only its code.
    pub fn name_in(&self, about: &str) -> String {
        match about.parse() {
            Ok(code) if about.len() == 2 => self.name(ForceNumber(code)),
            _ => about.to_owned(),
        }
    }

    /// The force that a caller names by its slug.
    pub fn with_slug(&self, slug: &str) -> Result<&Force, OrderRefusal> {
        let force = self.forces.values().find(|force| force.slug == slug);
        force.ok_or(OrderRefusal::Parameter { name: "force" })
    }

    pub fn all(&self) -> impl Iterator<Item = &Force> {
        self.forces.values()
    }
}
