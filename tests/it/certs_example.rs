//! `certs-example/make.sh` does what its README says.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cara_clock::Clock;
use cara_config::Settings;
use cara_metric::Metric;
use cara_tls::{Denied, Presented, Trust};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn run(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).output().expect("the program starts")
}

#[track_caller]
fn check(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A folder with the example certificates; removes itself.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn made(name: &str) -> Folder {
        let name = format!("cara-certs-{name}-{}", std::process::id());
        let folder = Folder(std::env::temp_dir().join(name));
        check(&run(root().join("certs-example/make.sh"), &[folder.0.to_str().unwrap()]));
        folder
    }

    pub fn revoke(&self, slug: &str) {
        let script = root().join("certs-example/make.sh");
        check(&run(script, &["revoke", slug, self.0.to_str().unwrap()]));
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn presented(file: &Path) -> Presented {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;
    let chain: Vec<_> =
        CertificateDer::pem_file_iter(file).unwrap().collect::<Result<_, _>>().unwrap();
    Presented::read(&chain).unwrap()
}

/// The sample with the paths and identities of the folder.
pub fn settings(folder: &Path) -> Settings {
    let sample = include_str!("../../crates/config/src/sample.toml");
    let identities = std::fs::read_to_string(folder.join("identities.toml")).unwrap();
    let sample = sample.split("[[identity]]").next().unwrap();
    let forces = ["west-midlands 20", "leicestershire 33", "norfolk 36"].map(|force| {
        let (slug, code) = force.split_once(' ').unwrap();
        format!(
            "[[force]]\nslug = \"{slug}\"\ncode = \"{code}\"\nprovider = \"harbour\"\n\
             agreement_ref = \"ISA-{code}-1\"\n"
        )
    });
    let text = sample.replace("certs/", "").replace("\"none\"", "\"ca.crl\"");
    let text = format!("{text}{}{identities}", forces.concat());
    Settings::read(&text, &folder.join("gateway.toml"), &Default::default()).unwrap()
}

#[test]
fn the_example_certificates_are_made_verified_and_revoked() {
    let folder = Folder::made("example");
    let script = root().join("certs-example/make.sh");
    let out = folder.0.to_str().unwrap();

    let ca = format!("{out}/ca.pem");
    let client = ["forces/hampshire", "forces/west-midlands", "forces/leicestershire"];
    for file in client.into_iter().chain(["forces/norfolk", "gateway"]) {
        let certificate = format!("{out}/{file}.pem");
        check(&run("openssl", &["verify", "-purpose", "sslclient", "-CAfile", &ca, &certificate]));
    }
    let server = format!("{out}/server.pem");
    let verify = ["verify", "-purpose", "sslserver", "-verify_hostname", "localhost"];
    check(&run("openssl", &[&verify[..], &["-CAfile", &ca, &server]].concat()));
    let wrong = run("openssl", &["verify", "-purpose", "sslclient", "-CAfile", &ca, &server]);
    assert!(!wrong.status.success(), "a server's certificate is no client's");

    let opened = || {
        Trust::open(&settings(&folder.0), Clock::system(), Metric::default())
            .unwrap_or_else(|errors| panic!("{errors:?}"))
    };
    let hampshire = || presented(&folder.0.join("forces/hampshire.pem"));
    assert_eq!(opened().check(&hampshire()).unwrap().name, "hampshire-records");
    folder.revoke("hampshire");
    assert_eq!(opened().check(&hampshire()), Err(Denied::Revoked));
    let norfolk = presented(&folder.0.join("forces/norfolk.pem"));
    assert_eq!(opened().check(&norfolk).unwrap().forces, [36]);

    assert!(!run(&script, &[out]).status.success(), "nothing is written over");
}

#[test]
fn no_private_key_is_committed() {
    let listed = run("git", &["-C", root().to_str().unwrap(), "ls-files", "-z"]);
    // An unpacked source archive has no repository to ask.
    if !listed.status.success() {
        return;
    }
    let files = String::from_utf8(listed.stdout).unwrap();
    let begin = ["-----BEGIN", "PRIVATE KEY"];
    for file in files.split('\0').filter(|file| !file.is_empty()) {
        let Ok(text) = std::fs::read(root().join(file)) else { continue };
        let text = String::from_utf8_lossy(&text);
        let held = text.lines().any(|line| {
            line.starts_with(begin[0]) && line.trim_end().ends_with(&format!("{}-----", begin[1]))
        });
        assert!(!held, "{file} holds a private key");
    }
}
