//! Certificates for tests: authorities, servers, clients, revocation lists.

use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    RevokedCertParams, SerialNumber, date_time_ymd,
};

/// An authority that signs certificates and revocation lists.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub pem: String,
}

/// A certificate with its key, both PEM.
#[derive(Clone)]
pub struct Signed {
    pub certificate: String,
    pub key: String,
}

impl Signed {
    /// Certificate and key in one text, as an HTTP client wants them.
    pub fn identity(&self) -> reqwest::Identity {
        let both = format!("{}{}", self.key, self.certificate);
        reqwest::Identity::from_pem(both.as_bytes()).unwrap()
    }

    pub fn write(&self, folder: &Path, name: &str) {
        std::fs::write(folder.join(format!("{name}.pem")), &self.certificate).unwrap();
        crate::world::write_secret(&folder.join(format!("{name}.key")), &self.key);
    }
}

impl Authority {
    pub fn make(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Authority { issuer: Issuer::new(params, key), pem }
    }

    pub fn server(&self, serial: u64) -> Signed {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        self.sign(names, ExtendedKeyUsagePurpose::ServerAuth, serial, 2099)
    }

    /// A client certificate with one DNS name.
    pub fn client(&self, san: &str, serial: u64) -> Signed {
        self.sign(vec![san.to_owned()], ExtendedKeyUsagePurpose::ClientAuth, serial, 2099)
    }

    pub fn expired_client(&self, san: &str, serial: u64) -> Signed {
        self.sign(vec![san.to_owned()], ExtendedKeyUsagePurpose::ClientAuth, serial, 2020)
    }

    fn sign(
        &self,
        names: Vec<String>,
        usage: ExtendedKeyUsagePurpose,
        serial: u64,
        last_year: i32,
    ) -> Signed {
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = date_time_ymd(last_year, 12, 31);
        params.serial_number = Some(SerialNumber::from(serial));
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Signed { certificate: certificate.pem(), key: key.serialize_pem() }
    }

    /// A revocation list naming these serial numbers.
    pub fn revoke(&self, serials: &[u64]) -> String {
        let revoked = serials.iter().map(|serial| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: date_time_ymd(2025, 1, 1),
            reason_code: None,
            invalidity_date: None,
        });
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2025, 1, 1),
            next_update: date_time_ymd(2099, 1, 1),
            crl_number: SerialNumber::from(serials.len() as u64 + 1),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).unwrap().pem().unwrap()
    }
}
