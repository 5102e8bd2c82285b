//! `[[identity]]`: a client certificate and the forces it stands for.

use std::fmt;

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use serde::Deserialize;

use super::fault::SettingsFaults;

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentitySettings {
    pub name: String,
    /// Slugs. More than one where one system serves several forces.
    pub forces: Vec<String>,
    /// Of the certificates' public keys; several while a key is being renewed.
    #[serde(default)]
    pub fingerprints: Vec<Fingerprint>,
    /// A DNS name of the certificate, valid only under `ca`.
    #[serde(default)]
    pub san: Option<String>,
    #[serde(default)]
    pub ca: Option<String>,
    /// A test identity's records never reach a live queue.
    #[serde(default)]
    pub test: bool,
    /// May read what concerns victims: the second stream of notices.
    #[serde(default)]
    pub victims: bool,
}

/// SHA-256 of a certificate's SubjectPublicKeyInfo, written `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Fingerprint(pub [u8; 32]);

impl std::str::FromStr for Fingerprint {
    type Err = &'static str;

    /// Colons and blanks between the digits are allowed, so that the output of openssl fits.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const SHAPE: &str = "a fingerprint is `sha256:` and 64 hexadecimal digits";
        let digits = text.strip_prefix("sha256:").ok_or(SHAPE)?;
        let digits: String = digits.chars().filter(|c| !matches!(c, ':' | ' ')).collect();
        let bytes = HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).map_err(|_| SHAPE)?;
        bytes.try_into().map(Fingerprint).map_err(|_| SHAPE)
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", HEXLOWER.encode_display(&self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl IdentitySettings {
    pub(crate) fn validate(&self, key: &str, faults: &mut SettingsFaults) {
        faults.slug(format!("{key}.name"), &self.name);
        if self.forces.is_empty() {
            faults.add(format!("{key}.forces"), "it is empty", "Name one force at least");
        }
        if self.san.is_some() != self.ca.is_some() {
            faults.add(
                format!("{key}.san"),
                "a name counts only under the identity's own CA",
                "Set both `san` and `ca`, or leave both out",
            );
        } else if self.san.is_none() && self.fingerprints.is_empty() {
            faults.add(key, "no certificate is named", "Give `fingerprints`, or `san` and `ca`");
        }
        if let Some(san) = &self.san
            && (san.is_empty() || san.contains(['*', ' ', '/', '@']))
        {
            faults.add(
                format!("{key}.san"),
                "it is not one DNS name",
                "Write it in full, without a wildcard",
            );
        }
    }
}
