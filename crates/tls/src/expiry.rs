//! When certificates end: told at 30, 14 and 7 days, and every minute as a number.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use jiff::Timestamp;

use super::client::end_of;
use super::file::timestamp;
use super::trust::Trust;

/// A certificate or revocation list and its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// `api`, `broker`, `ca police-ca`, `crl police-ca`, `identity hampshire-records`.
    pub name: String,
    pub at: Timestamp,
}

/// What has been told already: the end and the number of days that were left.
#[derive(Debug, Default)]
pub(crate) struct ToldExpiries(BTreeMap<String, (Timestamp, i64)>);

impl Expiry {
    /// Whole days that are left; negative when it is over.
    pub fn days_left(&self, now: Timestamp) -> i64 {
        (self.at.as_second() - now.as_second()).div_euclid(24 * 3600)
    }

    /// The narrowest of 30, 14, 7 and 0 days that the end has come into.
    pub fn due(&self, now: Timestamp) -> Option<i64> {
        let left = self.days_left(now);
        [0, 7, 14, 30].into_iter().find(|days| left < *days)
    }
}

impl ToldExpiries {
    /// Whether this end has to be told (again).
    pub(crate) fn is_news(&mut self, end: &Expiry, now: Timestamp) -> bool {
        let Some(due) = end.due(now) else {
            self.0.remove(&end.name);
            return false;
        };
        self.0.insert(end.name.clone(), (end.at, due)) != Some((end.at, due))
    }
}

impl Trust {
    /// The end of everything that was read from files or seen on connections.
    pub fn ends(&self) -> Vec<Expiry> {
        let mut ends = Vec::new();
        let key = self.server.read().unwrap_or_else(PoisonError::into_inner);
        let own = key.end_entity_cert().ok();
        let own = own.and_then(|der| x509_parser::parse_x509_certificate(der).ok());
        if let Some((_, own)) = own {
            ends.push(Expiry { name: "api".to_owned(), at: timestamp(own.validity().not_after) });
        }
        for authority in &self.current().authorities {
            ends.push(Expiry { name: format!("ca {}", authority.name), at: authority.ends_at });
            let crl = authority.crl_ends_at;
            ends.extend(crl.map(|at| Expiry { name: format!("crl {}", authority.name), at }));
        }
        let broker = {
            let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
            watched.settings.broker.certificate.clone()
        };
        let broker = broker.and_then(|file| end_of(&file).ok());
        ends.extend(broker.map(|at| Expiry { name: "broker".to_owned(), at }));
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        ends.extend(
            seen.iter().map(|(name, at)| Expiry { name: format!("identity {name}"), at: *at }),
        );
        ends
    }

    pub(crate) fn tell_ends(&self, told: &mut ToldExpiries) {
        let now = self.clock.now();
        for end in self.ends() {
            let days_left = end.days_left(now);
            self.metric.certificate_days_left(&end.name, days_left);
            if told.is_news(&end, now) {
                tracing::warn!(
                    certificate.name = %end.name,
                    certificate.ends_at = %end.at,
                    days_left,
                    "tls.certificate_expiring: renew it"
                );
            }
        }
    }
}
