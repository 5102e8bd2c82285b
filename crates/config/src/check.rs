//! What no section can see alone: that the names fit together.

use std::collections::BTreeMap;

use super::Settings;
use super::fault::SettingsFaults;

/// Adds every fault between sections.
pub(crate) fn across(settings: &Settings, faults: &mut SettingsFaults) {
    unique(faults, "ca", "name", settings.cas.iter().map(|ca| ca.name.as_str()));
    unique(faults, "provider", "slug", settings.providers.iter().map(|p| p.slug.as_str()));
    unique(faults, "force", "slug", settings.forces.iter().map(|force| force.slug.as_str()));
    unique(faults, "force", "code", settings.forces.iter().map(|force| force.code.as_str()));
    unique(faults, "identity", "name", settings.identities.iter().map(|i| i.name.as_str()));
    not_empty(settings, faults);
    bodies_fit(settings, faults);
    forces_have_providers(settings, faults);
    endpoints_can_be_reached(settings, faults);
    identities_have_forces(settings, faults);
    identities_are_distinct(settings, faults);
}

fn unique<'a>(
    faults: &mut SettingsFaults,
    section: &str,
    field: &str,
    values: impl Iterator<Item = &'a str>,
) {
    let mut first = BTreeMap::new();
    for (index, value) in values.enumerate() {
        if let Some(earlier) = first.insert(value.to_owned(), index + 1) {
            faults.add(
                format!("{section}[{}].{field}", index + 1),
                format!("`{value}` is also the {field} of {section}[{earlier}]"),
                "Keep one of them",
            );
        }
    }
}

fn not_empty(settings: &Settings, faults: &mut SettingsFaults) {
    let sections = [
        ("ca", settings.cas.is_empty()),
        ("provider", settings.providers.is_empty()),
        ("force", settings.forces.is_empty()),
        ("identity", settings.identities.is_empty()),
    ];
    for (section, _) in sections.into_iter().filter(|(_, empty)| *empty) {
        faults.add(section, "there is none", format!("Add a [[{section}]] section"));
    }
}

fn bodies_fit(settings: &Settings, faults: &mut SettingsFaults) {
    let largest = settings.forces.iter().map(|force| settings.body_bytes_max(force)).max();
    // A force alone may use half of it.
    if largest.is_some_and(|largest| largest > settings.api.in_flight_bytes_max / 2) {
        faults.add(
            "api.in_flight_bytes_max",
            "it is smaller than twice the largest body that a force may send",
            "Raise it, or lower `body_bytes_max`",
        );
    }
}

fn forces_have_providers(settings: &Settings, faults: &mut SettingsFaults) {
    for (index, force) in settings.forces.iter().enumerate() {
        let named =
            [("provider", Some(&force.provider)), ("test_provider", force.test_provider.as_ref())];
        for (field, slug) in named {
            let Some(slug) = slug else { continue };
            let key = format!("force[{}].{field}", index + 1);
            match settings.provider(slug) {
                None => faults.add(
                    key,
                    format!("there is no provider `{slug}`"),
                    "Add a [[provider]] with this slug, or correct the name",
                ),
                Some(provider) if provider.test != (field == "test_provider") => faults.add(
                    key,
                    format!("provider `{slug}` has `test = {}`", provider.test),
                    "Live records go to live providers only, and test records to test ones",
                ),
                Some(_) => {}
            }
        }
    }
}

/// A force that expects pushes shall not wait for them in vain.
fn endpoints_can_be_reached(settings: &Settings, faults: &mut SettingsFaults) {
    if settings.delivery.is_some() {
        return;
    }
    for (index, force) in settings.forces.iter().enumerate() {
        if !force.delivery_endpoints.is_empty() {
            faults.add(
                format!("force[{}].delivery_endpoints", index + 1),
                "without [delivery] nothing is pushed",
                "Add [delivery]; sample.toml shows it",
            );
        }
    }
}

fn identities_have_forces(settings: &Settings, faults: &mut SettingsFaults) {
    for (index, identity) in settings.identities.iter().enumerate() {
        let key = format!("identity[{}]", index + 1);
        for slug in &identity.forces {
            match settings.force(slug) {
                None => faults.add(
                    format!("{key}.forces"),
                    format!("there is no force `{slug}`"),
                    "Add a [[force]] with this slug, or correct the name",
                ),
                Some(force) if identity.test && force.test_provider.is_none() => faults.add(
                    format!("{key}.test"),
                    format!("force `{slug}` has no `test_provider` for a test identity's records"),
                    "Name a provider with `test = true` as the force's `test_provider`",
                ),
                Some(_) => {}
            }
        }
        if let Some(ca) = &identity.ca
            && settings.ca(ca).is_none()
        {
            faults.add(
                format!("{key}.ca"),
                format!("there is no CA `{ca}`"),
                "Add a [[ca]] with this name, or correct it",
            );
        }
    }
}

/// Two identities must never both fit one certificate.
fn identities_are_distinct(settings: &Settings, faults: &mut SettingsFaults) {
    let mut fingerprints = BTreeMap::new();
    let mut names = BTreeMap::new();
    for (index, identity) in settings.identities.iter().enumerate() {
        let number = index + 1;
        for fingerprint in &identity.fingerprints {
            if let Some(earlier) = fingerprints.insert(*fingerprint, number) {
                faults.add(
                    format!("identity[{number}].fingerprints"),
                    format!("{fingerprint} is also in identity[{earlier}]"),
                    "A certificate may stand for one identity only",
                );
            }
        }
        if let (Some(san), Some(ca)) = (&identity.san, &identity.ca)
            && let Some(earlier) = names.insert((san.to_ascii_lowercase(), ca), number)
        {
            faults.add(
                format!("identity[{number}].san"),
                format!("identity[{earlier}] has the same name under the same CA"),
                "A certificate may stand for one identity only",
            );
        }
    }
}
