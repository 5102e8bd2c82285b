//! The identities of `gateway.toml`, found by key or by name under their own CA.

use std::collections::HashMap;
use std::sync::Arc;

use super::identity::{Denied, Identity};
use super::presented::Presented;

use cara_config::{Fingerprint, Settings};

#[derive(Debug, Default)]
pub(crate) struct Directory {
    by_key: HashMap<Fingerprint, Arc<Identity>>,
    /// CA, then name in lower case.
    by_name: HashMap<String, HashMap<String, Arc<Identity>>>,
}

impl Directory {
    pub(crate) fn of(settings: &Settings) -> Self {
        let mut directory = Directory::default();
        for entry in &settings.identities {
            let forces = entry.forces.iter().filter_map(|slug| settings.force(slug));
            let identity = Arc::new(Identity {
                name: entry.name.clone(),
                forces: forces.map(|force| force.code_number()).collect(),
                test: entry.test,
                victims: entry.victims,
            });
            for fingerprint in &entry.fingerprints {
                directory.by_key.insert(*fingerprint, Arc::clone(&identity));
            }
            if let (Some(san), Some(ca)) = (&entry.san, &entry.ca) {
                let names = directory.by_name.entry(ca.clone()).or_default();
                names.insert(san.to_ascii_lowercase(), identity);
            }
        }
        directory
    }

    /// The one identity that the certificate stands for. `cas` are those that signed it.
    pub(crate) fn find<'a>(
        &self,
        presented: &Presented,
        cas: impl Iterator<Item = &'a str>,
    ) -> Result<Arc<Identity>, Denied> {
        let by_key = self.by_key.get(&presented.fingerprint()).into_iter();
        let names = cas.filter_map(|ca| self.by_name.get(ca));
        let by_name =
            names.flat_map(|of_ca| presented.names().iter().filter_map(|name| of_ca.get(name)));
        let mut all = by_key.chain(by_name);
        let first = all.next().ok_or(Denied::Unknown)?;
        if all.all(|other| other.name == first.name) {
            Ok(Arc::clone(first))
        } else {
            Err(Denied::Ambiguous)
        }
    }
}
