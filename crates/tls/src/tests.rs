use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    RevokedCertParams, SerialNumber, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};

use super::reload::Found;
use super::*;
use cara_clock::Clock;
use cara_config::Settings;
use cara_metric::Metric;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A folder with a configuration, and CAs that sign for it.
struct World {
    folder: PathBuf,
    clock: Clock,
}

struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

struct Client {
    der: CertificateDer<'static>,
    pem: String,
    key: KeyPair,
}

impl Authority {
    fn named(name: &str) -> Authority {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).unwrap();
        Authority { pem: certificate.pem(), issuer: Issuer::new(params, key) }
    }

    /// Good from January to July 2026.
    fn sign(&self, name: &str, serial: u64) -> Client {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.serial_number = Some(SerialNumber::from(serial));
        params.not_before = date_time_ymd(2026, 1, 1);
        params.not_after = date_time_ymd(2026, 7, 1);
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Client { der: certificate.der().clone(), pem: certificate.pem(), key }
    }

    fn crl(&self, revoked: &[u64]) -> String {
        let revoked_certs = revoked
            .iter()
            .map(|serial| RevokedCertParams {
                serial_number: SerialNumber::from(*serial),
                revocation_time: date_time_ymd(2026, 2, 1),
                reason_code: None,
                invalidity_date: None,
            })
            .collect();
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2026, 2, 1),
            next_update: date_time_ymd(2027, 2, 1),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs,
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).unwrap().pem().unwrap()
    }
}

impl Client {
    fn presented(&self) -> Presented {
        Presented::read(std::slice::from_ref(&self.der)).unwrap()
    }
}

impl World {
    fn at(name: &str, day: &str) -> World {
        let folder = std::env::temp_dir().join(format!("cara-tls-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let folder = folder.canonicalize().unwrap();
        let now: Timestamp = format!("{day}T12:00:00Z").parse().unwrap();
        let world = World { folder, clock: Clock::manual(now) };
        world.put_server(&Authority::named("server CA").sign("localhost", 1));
        world
    }

    fn put(&self, file: &str, text: &str) {
        // Replaced as a renewal tool does it; an own name makes an own inode.
        let path = self.folder.join(file);
        let aside = self.folder.join(format!("{file}.aside"));
        fs::write(&aside, text).unwrap();
        fs::set_permissions(&aside, fs::Permissions::from_mode(0o600)).unwrap();
        fs::rename(aside, path).unwrap();
    }

    fn put_server(&self, server: &Client) {
        self.put("server.pem", &server.pem);
        self.put("server.key", &server.key.serialize_pem());
    }

    /// The sample with these CAs (name and CRL) and identities, read from the folder.
    fn settings(&self, cas: &[(&str, &str)], identities: &str) -> Settings {
        let sample = include_str!("../../config/src/sample.toml").replace("certs/", "");
        let until_cas = sample.split("[[ca]]").next().unwrap().to_owned();
        let between = &sample[sample.find("[[provider]]").unwrap()..];
        let between = between.split("[[identity]]").next().unwrap();
        let cas: String = cas
            .iter()
            .map(|(name, crl)| {
                format!(
                    "[[ca]]\nname = \"{name}\"\ncertificate = \"{name}.pem\"\ncrl = \"{crl}\"\n"
                )
            })
            .collect();
        let text = format!("{until_cas}{cas}{between}{identities}");
        self.put("gateway.toml", &text);
        let file = self.folder.join("gateway.toml");
        Settings::read(&text, &file, &BTreeMap::new()).unwrap()
    }

    fn trust(&self, cas: &[(&str, &str)], identities: &str) -> Arc<Trust> {
        let settings = self.settings(cas, identities);
        Arc::new(Trust::open(&settings, self.clock.clone(), Metric::default()).unwrap())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn by_name(name: &str, ca: &str) -> String {
    format!(
        "[[identity]]\nname = \"{name}\"\nforces = [\"hampshire\"]\nsan = \"{name}.example\"\nca = \"{ca}\"\n"
    )
}

fn by_key(name: &str, client: &Client) -> String {
    let fingerprint = client.presented().fingerprint();
    format!(
        "[[identity]]\nname = \"{name}\"\nforces = [\"hampshire\"]\nfingerprints = [\"{fingerprint}\"]\n"
    )
}

fn refused(found: &[Found]) -> Vec<String> {
    let error = |found: &Found| match found {
        Found::Refused(error) => Some(error.to_string()),
        Found::Taken(_) => None,
    };
    found.iter().filter_map(error).collect()
}

#[test]
fn a_certificate_stands_for_an_identity_by_name_under_its_own_ca() {
    let world = World::at("by-name", "2026-03-01");
    let police = Authority::named("police");
    world.put("police.pem", &police.pem);
    let trust = world.trust(&[("police", "none")], &by_name("records", "police"));
    let identity = trust.check(&police.sign("records.example", 1).presented()).unwrap();
    assert_eq!((identity.name.as_str(), identity.forces.as_slice()), ("records", &[44][..]));
    let upper = trust.check(&police.sign("RECORDS.example", 2).presented());
    assert!(upper.is_ok(), "names have no case");
    let other = trust.check(&police.sign("other.example", 3).presented());
    assert_eq!(other, Err(Denied::Unknown));
}

#[test]
fn a_name_from_another_trusted_ca_stands_for_nobody() {
    let world = World::at("other-ca", "2026-03-01");
    let (police, suppliers) = (Authority::named("police"), Authority::named("suppliers"));
    world.put("police.pem", &police.pem);
    world.put("suppliers.pem", &suppliers.pem);
    let cas = [("police", "none"), ("suppliers", "none")];
    let trust = world.trust(&cas, &by_name("records", "police"));
    let minted = suppliers.sign("records.example", 1);
    assert_eq!(trust.check(&minted.presented()), Err(Denied::Unknown));
    assert!(trust.check(&police.sign("records.example", 1).presented()).is_ok());
}

#[test]
fn a_ca_that_is_not_listed_is_not_trusted_even_with_a_listed_name() {
    let world = World::at("foreign", "2026-03-01");
    let (police, impostor) = (Authority::named("police"), Authority::named("police"));
    world.put("police.pem", &police.pem);
    let trust = world.trust(&[("police", "none")], &by_name("records", "police"));
    let minted = impostor.sign("records.example", 1);
    assert_eq!(trust.check(&minted.presented()), Err(Denied::Untrusted));
}

#[test]
fn a_certificate_stands_for_an_identity_by_its_key() {
    let world = World::at("by-key", "2026-03-01");
    let police = Authority::named("police");
    world.put("police.pem", &police.pem);
    let client = police.sign("anything.example", 1);
    let trust = world.trust(&[("police", "none")], &by_key("records", &client));
    assert_eq!(trust.check(&client.presented()).unwrap().name, "records");
    let own_signed = Authority::named("impostor").sign("anything.example", 1);
    assert_eq!(trust.check(&own_signed.presented()), Err(Denied::Untrusted));
}

#[test]
fn a_certificate_that_fits_two_identities_stands_for_neither() {
    let world = World::at("ambiguous", "2026-03-01");
    let police = Authority::named("police");
    world.put("police.pem", &police.pem);
    let client = police.sign("second.example", 1);
    let identities = by_key("first", &client) + &by_name("second", "police");
    let trust = world.trust(&[("police", "none")], &identities);
    assert_eq!(trust.check(&client.presented()), Err(Denied::Ambiguous));
}

#[test]
fn a_certificate_that_ends_while_its_connection_is_open_is_refused() {
    let world = World::at("expired", "2026-06-30");
    let police = Authority::named("police");
    world.put("police.pem", &police.pem);
    let trust = world.trust(&[("police", "none")], &by_name("records", "police"));
    let presented = police.sign("records.example", 1).presented();
    assert!(trust.check(&presented).is_ok());
    world.clock.advance(DAY);
    assert_eq!(trust.check(&presented), Err(Denied::Expired));
}

#[test]
fn a_revocation_reaches_a_connection_that_is_open() {
    let world = World::at("revoked", "2026-03-01");
    let police = Authority::named("police");
    world.put("police.pem", &police.pem);
    world.put("police.crl", &police.crl(&[7]));
    let trust = world.trust(&[("police", "police.crl")], &by_name("records", "police"));
    let (good, bad) = (police.sign("records.example", 6), police.sign("records.example", 7));
    let good = good.presented();
    assert!(trust.check(&good).is_ok());
    assert_eq!(trust.check(&bad.presented()), Err(Denied::Revoked));

    world.put("police.crl", &police.crl(&[6, 7]));
    assert_eq!(refused(&trust.look_again()), Vec::<String>::new());
    assert_eq!(trust.check(&good), Err(Denied::Revoked));
}

#[test]
fn a_bad_revocation_list_keeps_the_last_good_one_and_says_so() {
    let world = World::at("bad-crl", "2026-03-01");
    let police = Authority::named("police");
    world.put("police.pem", &police.pem);
    world.put("police.crl", &police.crl(&[7]));
    let trust = world.trust(&[("police", "police.crl")], &by_name("records", "police"));
    let (good, bad) = (police.sign("records.example", 6), police.sign("records.example", 7));
    let foreign = Authority::named("police").crl(&[]);
    for text in ["", "not a list", foreign.as_str()] {
        world.put("police.crl", text);
        let said = refused(&trust.look_again());
        assert!(said.len() == 1 && said[0].contains("police.crl"), "{said:?}");
        assert_eq!(trust.check(&bad.presented()), Err(Denied::Revoked));
        assert!(trust.check(&good.presented()).is_ok());
        assert!(trust.look_again().is_empty(), "it is said once");
    }
}

#[test]
fn an_identity_that_is_removed_ends_on_an_open_connection() {
    let world = World::at("removed", "2026-03-01");
    let police = Authority::named("police");
    world.put("police.pem", &police.pem);
    let cas = [("police", "none")];
    let trust = world.trust(&cas, &by_name("records", "police"));
    let presented = police.sign("records.example", 1).presented();
    assert!(trust.check(&presented).is_ok());
    world.settings(&cas, &by_name("other", "police"));
    assert_eq!(refused(&trust.look_again()), Vec::<String>::new());
    assert_eq!(trust.check(&presented), Err(Denied::Unknown));
    world.put("gateway.toml", "[api]\nlisten = 7");
    assert!(!refused(&trust.look_again()).is_empty());
    assert!(trust.check(&police.sign("other.example", 1).presented()).is_ok());
}

#[test]
fn a_server_certificate_without_its_key_keeps_the_last_pair() {
    let world = World::at("pair", "2026-03-01");
    let police = Authority::named("police");
    world.put("police.pem", &police.pem);
    let trust = world.trust(&[("police", "none")], &by_name("records", "police"));
    let before = trust.server.read().unwrap().cert.clone();
    let renewed = Authority::named("server CA").sign("localhost", 2);
    world.put("server.pem", &renewed.pem);
    assert!(refused(&trust.look_again())[0].contains("api.key"));
    assert_eq!(trust.server.read().unwrap().cert, before);
    world.put("server.key", &renewed.key.serialize_pem());
    assert!(refused(&trust.look_again()).is_empty());
    assert_eq!(trust.server.read().unwrap().cert[0], renewed.der);
}

#[test]
fn everything_that_stops_the_start_is_said_at_once() {
    let world = World::at("start", "2026-03-01");
    world.put("server.key", &KeyPair::generate().unwrap().serialize_pem());
    world.put("leaf.pem", &Authority::named("x").sign("leaf.example", 1).pem);
    let cas = [("leaf", "none"), ("absent", "none")];
    let settings = world.settings(&cas, &by_name("records", "leaf"));
    let errors = Trust::open(&settings, world.clock.clone(), Metric::default()).unwrap_err();
    let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 3, "{said:?}");
    assert!(said[0].contains("api.key") && said[1].contains("leaf.pem"), "{said:?}");
    assert!(said[2].contains("absent.pem"), "{said:?}");
}

#[test]
fn ends_are_told_at_30_14_and_7_days_once_each() {
    let world = World::at("ends", "2026-05-20");
    let end = Expiry { name: "api".to_owned(), at: "2026-07-01T00:00:00Z".parse().unwrap() };
    let mut told = super::expiry::ToldExpiries::default();
    let mut days = Vec::new();
    for _ in 0..50 {
        let now = world.clock.now();
        if told.is_news(&end, now) {
            days.push(end.days_left(now));
        }
        world.clock.advance(DAY);
    }
    assert_eq!(days, [29, 13, 6, -1]);
}

#[test]
fn an_outgoing_certificate_needs_its_own_key() {
    let world = World::at("outgoing", "2026-03-01");
    let client = Authority::named("broker").sign("gateway.example", 1);
    world.put("gateway.pem", &client.pem);
    world.put("gateway.key", &client.key.serialize_pem());
    let key = cara_config::SecretFile::at(world.folder.join("gateway.key"), "broker.key");
    let pair = outgoing(&world.folder.join("gateway.pem"), &key).unwrap();
    assert_eq!(pair.chain_pem, client.pem);
    assert!(!format!("{pair:?}").contains("PRIVATE"));
    world.put("gateway.key", &KeyPair::generate().unwrap().serialize_pem());
    let error = outgoing(&world.folder.join("gateway.pem"), &key).unwrap_err();
    assert!(matches!(error, Error::Mismatch { .. }), "{error}");
    assert!(roots_pem(Path::new("/nowhere.pem")).is_err());
}

/// A handshake in memory. Ok: the version that was agreed and whether tickets were sent.
fn handshake(
    trust: &Arc<Trust>,
    client: Option<&Client>,
    client_version: &'static rustls::SupportedProtocolVersion,
    tls_1_2: bool,
) -> Result<Presented, rustls::Error> {
    let server_certificate = trust.server.read().unwrap().cert[0].clone();
    let verifier = Pinned(server_certificate);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[client_version])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let config = match client {
        Some(client) => {
            let key = PrivateKeyDer::try_from(client.key.serialize_der()).unwrap();
            config.with_client_auth_cert(vec![client.der.clone()], key).unwrap()
        }
        None => config.with_no_client_auth(),
    };
    let name = ServerName::try_from("localhost").unwrap();
    let mut client = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let config = trust.server_config(tls_1_2).unwrap();
    let mut server = rustls::ServerConnection::new(Arc::new(config)).unwrap();
    while client.is_handshaking() || server.is_handshaking() {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        let mut unread = wire.as_slice();
        while !unread.is_empty() {
            server.read_tls(&mut unread).unwrap();
            server.process_new_packets()?;
        }
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        let mut unread = wire.as_slice();
        while !unread.is_empty() {
            client.read_tls(&mut unread).unwrap();
            client.process_new_packets()?;
        }
    }
    assert_eq!(server.handshake_kind(), Some(rustls::HandshakeKind::Full));
    Ok(Presented::read(server.peer_certificates().unwrap()).unwrap())
}

/// Accepts exactly one server certificate.
#[derive(Debug)]
struct Pinned(CertificateDer<'static>);

impl rustls::client::danger::ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        _others: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        assert_eq!(*own, self.0);
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        let provider = rustls::crypto::ring::default_provider();
        provider.signature_verification_algorithms.supported_schemes()
    }
}

#[test]
fn a_handshake_needs_a_good_certificate_and_tls_1_3() {
    use rustls::version::{TLS12, TLS13};
    let world = World::at("handshake", "2026-03-01");
    let police = Authority::named("police");
    world.put("police.pem", &police.pem);
    world.put("police.crl", &police.crl(&[7]));
    let trust = world.trust(&[("police", "police.crl")], &by_name("records", "police"));
    let good = police.sign("records.example", 1);
    let presented = handshake(&trust, Some(&good), &TLS13, false).unwrap();
    assert_eq!(trust.check(&presented).unwrap().name, "records");

    let revoked = police.sign("records.example", 7);
    let foreign = Authority::named("police").sign("records.example", 1);
    for client in [None, Some(&revoked), Some(&foreign)] {
        assert!(handshake(&trust, client, &TLS13, false).is_err());
    }
    assert!(handshake(&trust, Some(&good), &TLS12, false).is_err());
    assert!(handshake(&trust, Some(&good), &TLS12, true).is_ok());

    world.clock.advance(DAY * 200);
    assert!(handshake(&trust, Some(&good), &TLS13, false).is_err(), "the clock is ours");
}
