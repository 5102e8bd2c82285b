//! New certificates, keys, revocation lists and identities without a restart.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::authority::Authority;
use super::expiry;
use super::file::Error;
use super::provider;
use super::snapshot::Snapshot;
use super::trust::Trust;
use cara_config::Settings;
use cara_metric::alert::CERTIFICATE_UNREADABLE;

/// What a look at the files found.
#[derive(Debug)]
pub(crate) enum Found {
    /// In force from now on.
    Taken(PathBuf),
    /// The last good one stays.
    Refused(Error),
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
        let (loaded, key) = Snapshot::load(&settings, &self.provider)?;
        *self.server.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
        self.replace(loaded.authorities, loaded.directory);
        Ok(Settings {
            api: cara_config::ApiSettings {
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
        match provider::certified_key(api, &self.provider) {
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
    let mut told = expiry::ToldExpiries::default();
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
