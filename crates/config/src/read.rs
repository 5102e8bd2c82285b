//! File and environment into sections, every problem collected.

use std::collections::BTreeMap;
use std::path::Path;

use config::{Config, ConfigError, Environment, File, FileFormat, Value, ValueKind};
use serde::de::DeserializeOwned;

use super::fault::{Fault, SettingsFaults};
use super::{Settings, check};

const SECTIONS: [&str; 13] = [
    "api",
    "internal",
    "operators",
    "store",
    "vault",
    "broker",
    "mappings",
    "delivery",
    "mail",
    "ca",
    "provider",
    "force",
    "identity",
];

pub(crate) fn from_file(
    file: &Path,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<Settings, Vec<Fault>> {
    let fault = |error: std::io::Error| {
        let mut faults = SettingsFaults::of(file);
        faults.add("", format!("it cannot be read: {error}"), "Name a readable file");
        faults.into_found()
    };
    let file_absolute = file.canonicalize().map_err(fault)?;
    let text = std::fs::read_to_string(&file_absolute).map_err(fault)?;
    from_text(&text, &file_absolute, environment.collect())
}

pub(crate) fn from_text(
    text: &str,
    file: &Path,
    environment: BTreeMap<String, String>,
) -> Result<Settings, Vec<Fault>> {
    let mut faults = SettingsFaults::of(file);
    let mut sections = match merge(text, environment) {
        Ok(sections) => sections,
        Err(error) => {
            faults.add("", plain(&error), "Correct the TOML");
            return Err(faults.into_found());
        }
    };
    for unknown in sections.keys().filter(|name| !SECTIONS.contains(&name.as_str())) {
        faults.add(
            unknown,
            "there is no such section",
            format!("Use one of {}", SECTIONS.join(", ")),
        );
    }
    let base = file.parent().unwrap_or(Path::new("/"));
    match assemble(&mut sections, base, file, &mut faults) {
        Some(settings) if faults.is_empty() => Ok(settings),
        _ => Err(faults.into_found()),
    }
}

/// The file's tables with the environment's values in their places.
fn merge(
    text: &str,
    environment: BTreeMap<String, String>,
) -> Result<config::Map<String, Value>, ConfigError> {
    let settings_only = environment
        .into_iter()
        .filter(|(name, _)| name.starts_with("CARA_") && name.contains("__"))
        .collect();
    let environment = Environment::with_prefix("CARA")
        .prefix_separator("_")
        .separator("__")
        .list_separator(",")
        .with_list_parse_key("broker.urls")
        .with_list_parse_key("mail.operators")
        .try_parsing(true)
        .source(Some(settings_only));
    Config::builder()
        .add_source(File::from_str(text, FileFormat::Toml))
        .add_source(environment)
        .build()?
        .cache
        .into_table()
}

fn assemble(
    sections: &mut config::Map<String, Value>,
    base: &Path,
    file: &Path,
    faults: &mut SettingsFaults,
) -> Option<Settings> {
    // Every section is read before the first missing one ends the reading.
    let api = one(sections, "api", faults);
    let internal = one(sections, "internal", faults);
    let operators = one(sections, "operators", faults);
    let store = one(sections, "store", faults);
    let vault = one(sections, "vault", faults);
    let broker = one(sections, "broker", faults);
    let mappings = one(sections, "mappings", faults);
    let delivery = optional(sections, "delivery", faults);
    let mail = optional(sections, "mail", faults);
    let cas = several(sections, "ca", faults);
    let providers = several(sections, "provider", faults);
    let forces = several(sections, "force", faults);
    let identities = several(sections, "identity", faults);
    let mut settings = Settings {
        file: file.to_path_buf(),
        api: api?,
        internal: internal?,
        operators: operators?,
        store: store?,
        vault: vault?,
        broker: broker?,
        mappings: mappings?,
        delivery: delivery?,
        mail: mail?,
        cas: cas?,
        providers: providers?,
        forces: forces?,
        identities: identities?,
    };
    resolve(&mut settings, base);
    validate(&settings, faults);
    Some(settings)
}

fn one<T: DeserializeOwned>(
    sections: &mut config::Map<String, Value>,
    name: &str,
    faults: &mut SettingsFaults,
) -> Option<T> {
    let Some(value) = sections.remove(name) else {
        faults.add(name, "the section is missing", format!("Add [{name}]; sample.toml shows it"));
        return None;
    };
    read(value, name, faults)
}

/// A section that may be left out as a whole.
fn optional<T: DeserializeOwned>(
    sections: &mut config::Map<String, Value>,
    name: &str,
    faults: &mut SettingsFaults,
) -> Option<Option<T>> {
    match sections.remove(name) {
        Some(value) => read(value, name, faults).map(Some),
        None => Some(None),
    }
}

/// Each entry is read alone, so that every faulty one is named.
fn several<T: DeserializeOwned>(
    sections: &mut config::Map<String, Value>,
    name: &str,
    faults: &mut SettingsFaults,
) -> Option<Vec<T>> {
    let Some(value) = sections.remove(name) else { return Some(Vec::new()) };
    let ValueKind::Array(entries) = value.kind else {
        faults.add(name, "there can be several", format!("Write [[{name}]]"));
        return None;
    };
    let entries = entries.into_iter().enumerate();
    let entries: Vec<Option<T>> = entries
        .map(|(index, entry)| read(entry, &format!("{name}[{}]", index + 1), faults))
        .collect();
    entries.into_iter().collect()
}

fn read<T: DeserializeOwned>(value: Value, name: &str, faults: &mut SettingsFaults) -> Option<T> {
    match value.try_deserialize() {
        Ok(section) => Some(section),
        Err(error) => {
            faults.add(name, plain(&error), "Correct it; sample.toml shows every key");
            None
        }
    }
}

/// The reader's message on one line.
fn plain(error: &ConfigError) -> String {
    let text = error.to_string();
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

fn resolve(settings: &mut Settings, base: &Path) {
    settings.api.resolve(base);
    settings.operators.resolve(base);
    settings.store.resolve(base);
    settings.vault.resolve(base);
    settings.broker.resolve(base);
    settings.mappings.resolve(base);
    if let Some(delivery) = &mut settings.delivery {
        delivery.resolve(base);
    }
    if let Some(mail) = &mut settings.mail {
        mail.resolve(base);
    }
    settings.cas.iter_mut().for_each(|ca| ca.resolve(base));
}

fn validate(settings: &Settings, faults: &mut SettingsFaults) {
    settings.api.validate(faults);
    settings.operators.validate(faults);
    settings.store.validate(faults);
    settings.vault.validate(faults);
    settings.broker.validate(faults);
    if let Some(delivery) = &settings.delivery {
        delivery.validate(faults);
    }
    if let Some(mail) = &settings.mail {
        mail.validate(faults);
    }
    for (index, ca) in settings.cas.iter().enumerate() {
        ca.validate(&format!("ca[{}]", index + 1), faults);
    }
    for (index, provider) in settings.providers.iter().enumerate() {
        provider.validate(&format!("provider[{}]", index + 1), faults);
    }
    for (index, force) in settings.forces.iter().enumerate() {
        force.validate(&format!("force[{}]", index + 1), faults);
    }
    for (index, identity) in settings.identities.iter().enumerate() {
        identity.validate(&format!("identity[{}]", index + 1), faults);
    }
    check::across(settings, faults);
}
