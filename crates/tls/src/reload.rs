//! New certificates, keys, revocation lists and identities without a restart.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::authority::Authority;
use super::directory::Directory;
use super::expiry;
use super::file::Error;
use super::server;
use super::trust::Trust;
use cara_config::Settings;
use cara_metric::alert::CERTIFICATE_UNREADABLE;

/// The files that trust is read from, as they were when they were looked at last.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) settings: Settings,
    stamps: BTreeMap<PathBuf, Option<Stamp>>,
    /// Something was refused at the last change: the next one looks at everything.
    refused: bool,
}

/// Changes whenever a file is written or replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    bytes: u64,
    modified_s: i64,
    modified_ns: i64,
}

/// What a look at the files found.
#[derive(Debug)]
pub(crate) enum Found {
    /// In force from now on.
    Taken(PathBuf),
    /// The last good one stays.
    Refused(Error),
}

impl Watched {
    pub(crate) fn of(settings: &Settings) -> Self {
        let stamps =
            files(settings).map(|file| (stamp(&file), file)).map(|(s, f)| (f, s)).collect();
        Watched { settings: settings.clone(), stamps, refused: false }
    }

    /// The files that are not as they were.
    fn changed(&mut self) -> BTreeSet<PathBuf> {
        let now = files(&self.settings).map(|file| (file.clone(), stamp(&file)));
        let now: BTreeMap<_, _> = now.collect();
        let differs = |(file, stamp): &(&PathBuf, &Option<Stamp>)| {
            self.stamps.get(*file).is_none_or(|before| before != *stamp)
        };
        let changed = now.iter().filter(differs).map(|(file, _)| file.clone()).collect();
        self.stamps = now;
        changed
    }
}

fn files(settings: &Settings) -> impl Iterator<Item = PathBuf> {
    let own = [settings.file.clone(), settings.api.certificate.clone()];
    let key = settings.api.key.path().to_path_buf();
    own.into_iter().chain([key]).chain(settings.cas.iter().flat_map(Authority::files))
}

fn stamp(file: &Path) -> Option<Stamp> {
    let facts = std::fs::metadata(file).ok()?;
    Some(Stamp {
        inode: facts.ino(),
        bytes: facts.len(),
        modified_s: facts.mtime(),
        modified_ns: facts.mtime_nsec(),
    })
}

impl Trust {
    /// Looks whether a file has changed and takes over what can be used.
    pub(crate) fn look_again(&self) -> Vec<Found> {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = watched.changed();
        if changed.is_empty() {
            return Vec::new();
        }
        let changed =
            if watched.refused { watched.stamps.keys().cloned().collect() } else { changed };
        let mut found = Vec::new();
        if changed.contains(&watched.settings.file) {
            match self.look_at_settings(&watched.settings) {
                Ok(settings) => {
                    found.push(Found::Taken(settings.file.clone()));
                    watched.settings = settings;
                }
                Err(errors) => found.extend(errors.into_iter().map(Found::Refused)),
            }
        }
        self.look_at_server(&watched.settings, &changed, &mut found);
        self.look_at_authorities(&watched.settings, &changed, &mut found);
        // The settings look at the same files: each trouble is said once.
        let mut said = BTreeSet::new();
        found.retain(|it| match it {
            Found::Refused(error) => said.insert(error.to_string()),
            Found::Taken(_) => true,
        });
        let refused = said.len();
        watched.refused = refused > 0;
        let troubles = self.metric.troubles();
        match refused {
            0 => troubles.over(CERTIFICATE_UNREADABLE, "files of [api], [[ca]], [[identity]]"),
            _ => troubles.are(
                CERTIFICATE_UNREADABLE,
                "files of [api], [[ca]], [[identity]]",
                refused as u64,
            ),
        }
        found
    }

    /// Other identities, CAs and the server's certificate; every other setting needs a restart.
    fn look_at_settings(&self, before: &Settings) -> Result<Settings, Vec<Error>> {
        let settings = Settings::load(&before.file)
            .map_err(|faults| faults.into_iter().map(Error::Settings).collect::<Vec<_>>())?;
        if settings.forces != before.forces {
            return Err(vec![Error::ForcesChanged]);
        }
        let mut errors = Vec::new();
        let mut authorities = Vec::new();
        for ca in &settings.cas {
            match Authority::load(ca, &self.provider) {
                Ok(authority) => authorities.push(Arc::new(authority)),
                Err(error) => errors.push(error),
            }
        }
        let key = server::certified_key(&settings.api, &self.provider);
        let key = key.map_err(|error| errors.push(error)).ok();
        let (Some(key), true) = (key, errors.is_empty()) else { return Err(errors) };
        *self.server.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
        self.replace(authorities, Arc::new(Directory::of(&settings)));
        Ok(Settings {
            api: cara_config::Api {
                certificate: settings.api.certificate,
                key: settings.api.key,
                ..before.api.clone()
            },
            cas: settings.cas,
            identities: settings.identities,
            ..before.clone()
        })
    }

    fn look_at_server(
        &self,
        settings: &Settings,
        changed: &BTreeSet<PathBuf>,
        found: &mut Vec<Found>,
    ) {
        let api = &settings.api;
        if !changed.contains(&api.certificate) && !changed.contains(api.key.path()) {
            return;
        }
        match server::certified_key(api, &self.provider) {
            Ok(key) => {
                *self.server.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
                found.push(Found::Taken(api.certificate.clone()));
            }
            Err(error) => found.push(Found::Refused(error)),
        }
    }

    fn look_at_authorities(
        &self,
        settings: &Settings,
        changed: &BTreeSet<PathBuf>,
        found: &mut Vec<Found>,
    ) {
        let current = self.current();
        let mut authorities = current.authorities.clone();
        let mut any = false;
        for ca in &settings.cas {
            if !Authority::files(ca).iter().any(|file| changed.contains(file)) {
                continue;
            }
            match Authority::load(ca, &self.provider) {
                Ok(authority) => {
                    authorities.retain(|other| other.name != authority.name);
                    authorities.push(Arc::new(authority));
                    found.push(Found::Taken(ca.certificate.clone()));
                    any = true;
                }
                Err(error) => found.push(Found::Refused(error)),
            }
        }
        if any {
            self.replace(authorities, Arc::clone(&current.directory));
        }
    }
}

/// Looks at the files every two seconds and at the ends of certificates every minute; never returns.
pub async fn watch(trust: Arc<Trust>) {
    let mut told = expiry::Told::default();
    let mut looks = tokio::time::interval(Duration::from_secs(2));
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for second in 0_u64.. {
        looks.tick().await;
        let found = trust.look_again();
        for found in &found {
            match found {
                Found::Taken(file) => tracing::info!(file = %file.display(), "tls.file_taken"),
                Found::Refused(error) => tracing::error!(
                    cause = %chain(error),
                    "tls.file_refused: the last good one stays in force"
                ),
            }
        }
        if !found.is_empty() || second % 60 == 0 {
            trust.tell_ends(&mut told);
        }
    }
}

/// An error with all its causes on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
