//! What the files said when they were read last.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::sign::CertifiedKey;

use super::authority::{Authority, ChainVerdict};
use super::directory::Directory;
use super::file::Error;
use super::identity::{Denied, Identity};
use super::presented::Presented;
use super::provider;
use cara_config::Settings;

/// One state of the files. It is replaced whole, never changed.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) generation: u64,
    pub(crate) authorities: Vec<Arc<Authority>>,
    pub(crate) directory: Arc<Directory>,
}

impl Snapshot {
    /// Reads every file, the server's key beside. The error holds all that is wrong.
    pub(crate) fn load(
        settings: &Settings,
        provider: &Arc<CryptoProvider>,
    ) -> Result<(Snapshot, CertifiedKey), Vec<Error>> {
        let mut errors = Vec::new();
        let key = provider::certified_key(&settings.api, provider);
        let key = key.map_err(|error| errors.push(error)).ok();
        let mut authorities = Vec::new();
        for ca in &settings.cas {
            match Authority::load(ca, provider) {
                Ok(authority) => authorities.push(Arc::new(authority)),
                Err(error) => errors.push(error),
            }
        }
        let (Some(key), true) = (key, errors.is_empty()) else { return Err(errors) };
        let directory = Arc::new(Directory::of(settings));
        Ok((Snapshot { generation: 1, authorities, directory }, key))
    }

    /// Who the certificate stands for.
    pub(crate) fn identity(
        &self,
        presented: &Presented,
        at: UnixTime,
    ) -> Result<Arc<Identity>, Denied> {
        let signers = self.signers(presented.own(), presented.others(), at)?;
        self.directory.find(presented, signers.iter().map(|ca| ca.name.as_str()))
    }

    /// The CAs that stand behind a chain; never empty. Revoked by one is revoked.
    pub(crate) fn signers(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        at: UnixTime,
    ) -> Result<Vec<&Authority>, Denied> {
        let mut signers = Vec::new();
        let mut denied = Denied::Untrusted;
        for authority in &self.authorities {
            match authority.judge(own, others, at) {
                ChainVerdict::Signed => signers.push(authority.as_ref()),
                ChainVerdict::Revoked => return Err(Denied::Revoked),
                ChainVerdict::Expired => denied = Denied::Expired,
                ChainVerdict::Untrusted => {}
            }
        }
        if signers.is_empty() { Err(denied) } else { Ok(signers) }
    }
}
