//! Certificates of the small world: one CA, the server, the gateway's own, the charity, the forces.
//! They are kept from one run to the next, so that a supplier can copy one into another program.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

/// The name of the CA in `gateway.toml`.
pub const CA_NAME: &str = "sandbox-ca";

/// Valid until the end of this year: a sandbox is no place to learn about renewals.
const LAST_YEAR: i32 = 2049;

/// Where the certificates of a sandbox lie.
#[derive(Clone, Debug)]
pub struct Certificates {
    folder: PathBuf,
}

/// A certificate with its key, as files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Certificates {
    /// Makes what is missing under `folder`: `ca.pem`, `server.pem`, `gateway.pem`, `charity.pem`
    /// and `forces/<slug>.pem`, each with its `.key`.
    pub fn make(folder: &Path, forces: &[&str]) -> anyhow::Result<Certificates> {
        fs::create_dir_all(folder.join("forces"))
            .with_context(|| format!("{} cannot be made", folder.display()))?;
        let made = Certificates { folder: folder.to_path_buf() };
        let issuer = made.issuer()?;
        let local = ["localhost", "127.0.0.1", "::1"];
        made.leaf(&issuer, "server", ExtendedKeyUsagePurpose::ServerAuth, &local)?;
        let client = ExtendedKeyUsagePurpose::ClientAuth;
        made.leaf(&issuer, "gateway", client.clone(), &["gateway.example"])?;
        made.leaf(&issuer, "charity", client.clone(), &["intake.charity.example"])?;
        for slug in forces {
            let name = force_name(slug);
            made.leaf(&issuer, &format!("forces/{slug}"), client.clone(), &[&name])?;
        }
        Ok(made)
    }

    pub fn ca(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// `server`, `gateway`, `charity` or `forces/<slug>`.
    pub fn paths(&self, name: &str) -> Paths {
        Paths {
            certificate: self.folder.join(format!("{name}.pem")),
            key: self.folder.join(format!("{name}.key")),
        }
    }

    /// The CA's parameters are the same in every run, so its key is all that has to be kept.
    fn issuer(&self) -> anyhow::Result<Issuer<'static, KeyPair>> {
        let Paths { certificate, key } = self.paths("ca");
        let mut params = parameters("CARA sandbox CA", &[])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        if certificate.exists() && key.exists() {
            return Ok(Issuer::new(params, KeyPair::from_pem(&read(&key)?)?));
        }
        let signing = KeyPair::generate()?;
        write(&key, &signing.serialize_pem(), 0o600)?;
        write(&certificate, &params.self_signed(&signing)?.pem(), 0o644)?;
        Ok(Issuer::new(params, signing))
    }

    fn leaf(
        &self,
        issuer: &Issuer<'static, KeyPair>,
        name: &str,
        usage: ExtendedKeyUsagePurpose,
        subjects: &[&str],
    ) -> anyhow::Result<()> {
        let Paths { certificate, key } = self.paths(name);
        if certificate.exists() && key.exists() {
            return Ok(());
        }
        let mut params = parameters(subjects[0], subjects)?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        let own = KeyPair::generate()?;
        write(&key, &own.serialize_pem(), 0o600)?;
        write(&certificate, &params.signed_by(&own, issuer)?.pem(), 0o644)
    }
}

/// The DNS name in a force's certificate, by which `gateway.toml` knows it under the sandbox's CA.
pub fn force_name(slug: &str) -> String {
    format!("records.{slug}.example")
}

fn parameters(common_name: &str, subjects: &[&str]) -> anyhow::Result<CertificateParams> {
    let subjects: Vec<String> = subjects.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(subjects)?;
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.not_before = rcgen::date_time_ymd(2024, 1, 1);
    params.not_after = rcgen::date_time_ymd(LAST_YEAR, 12, 31);
    Ok(params)
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}

/// Writes a file that only its owner may change; `mode` says who may read it.
pub(crate) fn write(path: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(path)
        .with_context(|| format!("{} cannot be written", path.display()))?;
    file.write_all(text.as_bytes()).with_context(|| format!("{} cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_made_once_and_kept() {
        let folder = std::env::temp_dir().join(format!("cara-certificates-{}", std::process::id()));
        let made = Certificates::make(&folder, &["hampshire"]).unwrap();
        let first = read(&made.paths("forces/hampshire").certificate).unwrap();
        let again = Certificates::make(&folder, &["hampshire", "norfolk"]).unwrap();
        assert_eq!(read(&again.paths("forces/hampshire").certificate).unwrap(), first);
        assert!(again.paths("forces/norfolk").key.exists());
        fs::remove_dir_all(&folder).unwrap();
    }
}
