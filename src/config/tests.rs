use std::collections::BTreeMap;
use std::path::Path;

use super::*;

const SAMPLE: &str = include_str!("sample.toml");

fn read(text: &str, environment: &[(&str, &str)]) -> Result<Settings, Vec<Fault>> {
    let environment =
        environment.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    Settings::read(text, Path::new("/etc/cara/gateway.toml"), &environment)
}

/// What is said about the sample after one replacement, one fault a line.
fn faults(from: &str, to: &str) -> String {
    assert!(SAMPLE.contains(from), "the sample holds {from}");
    match read(&SAMPLE.replacen(from, to, 1), &[]) {
        Ok(_) => String::new(),
        Err(faults) => faults.iter().map(|fault| format!("{fault}\n")).collect(),
    }
}

#[track_caller]
fn check(from: &str, to: &str, expected: &[&str]) {
    let said = faults(from, to);
    for text in expected {
        assert!(said.contains(text), "{text:?} is not in:\n{said}");
    }
    assert!(!said.is_empty());
}

#[test]
fn the_sample_is_a_whole_configuration() {
    let settings = read(SAMPLE, &[]).unwrap();
    assert_eq!(settings.api.certificate, Path::new("/etc/cara/certs/server.pem"));
    assert_eq!(settings.vault.index_key.path(), Path::new("/etc/cara/secrets/index.key"));
    assert_eq!(settings.cas[0].crl, Crl::None);
    assert_eq!(settings.forces[0].code_number(), 44);
    assert_eq!(settings.operators.users[0].role, Role::Administer);
    assert_eq!(settings.body_bytes_max(&settings.forces[0]), 4 << 20);
    assert!(settings.identity("hampshire-records-next").is_some_and(|identity| identity.test));
}

#[test]
fn the_environment_replaces_a_setting() {
    let environment =
        [("CARA_API__LISTEN", "127.0.0.1:9"), ("CARA_BROKER__WINDOW", "7"), ("CARA_SHELL", "x")];
    let settings = read(SAMPLE, &environment).unwrap();
    assert_eq!(settings.api.listen.port(), 9);
    assert_eq!(settings.broker.window, 7);
}

#[test]
fn a_list_in_the_environment_is_separated_by_commas() {
    let urls = "amqps://a:5671/%2f,amqps://b:5671/%2f";
    let settings = read(SAMPLE, &[("CARA_BROKER__URLS", urls)]).unwrap();
    assert_eq!(settings.broker.urls, ["amqps://a:5671/%2f", "amqps://b:5671/%2f"]);
}

#[test]
fn an_unknown_key_of_the_environment_is_refused() {
    let faults = read(SAMPLE, &[("CARA_API__LISTN", "127.0.0.1:9")]).unwrap_err();
    assert!(faults[0].to_string().contains("listn"), "{faults:?}");
}

#[test]
fn an_unknown_key_or_section_is_refused() {
    check("records_max ", "record_max ", &["api: ", "record_max"]);
    check("[internal]", "[external]\n[internal]", &["external: there is no such section"]);
    check("role    =", "roll    =", &["operators: ", "roll"]);
}

#[test]
fn every_problem_is_told_at_once() {
    let text = SAMPLE
        .replace("workers           = 2", "workers           = 0")
        .replace("body_bytes_max    = 1048576", "body_bytes_max    = 9000000")
        .replace("code               = \"44\"", "code               = \"00\"")
        .replace("window      = 256", "window      = 0");
    let faults = read(&text, &[]).unwrap_err();
    let keys: Vec<&str> = faults.iter().map(|fault| fault.key.as_str()).collect();
    assert_eq!(keys, ["api.body_bytes_max", "api.workers", "broker.window", "force[1].code"]);
}

#[test]
fn faults_of_several_sections_that_cannot_be_read_are_told_together() {
    let text = SAMPLE
        .replace("listen = \"127.0.0.1:9100\"", "listen = \"nowhere\"")
        .replace("folder = \"mappings\"", "")
        .replace("sha256:0000", "sha256:zz");
    let faults = read(&text, &[]).unwrap_err();
    let keys: Vec<&str> = faults.iter().map(|fault| fault.key.as_str()).collect();
    assert_eq!(keys, ["internal", "mappings", "identity[1]"]);
}

#[test]
fn names_must_fit_together() {
    check(
        "forces       = [\"hampshire\"]",
        "forces = [\"kent\"]",
        &["identity[1].forces: there is no force `kent`"],
    );
    check(
        "provider           = \"harbour\"",
        "provider = \"quay\"",
        &["force[1].provider: there is no provider `quay`"],
    );
    check(
        "provider           = \"harbour\"",
        "provider = \"harbour-test\"",
        &["force[1].provider"],
    );
    check(
        "test_provider      = \"harbour-test\"",
        "",
        &["identity[2].test: force `hampshire` has no"],
    );
    check(
        "ca     = \"police-ca\"",
        "ca     = \"other\"",
        &["identity[2].ca: there is no CA `other`"],
    );
    check("ca     = \"police-ca\"", "", &["identity[2].san: a name counts only under"]);
    check(
        "san    = \"records.hampshire.example\"\nca     = \"police-ca\"",
        "",
        &["identity[2]: no certificate is named"],
    );
}

#[test]
fn a_force_has_its_own_code() {
    check("= \"44\"", "= \"00\"", &["force[1].code: `00` is no force code"]);
    check("= \"44\"", "= \"99\"", &["force[1].code: `99` is no force code"]);
    check("= \"44\"", "= \"4\"", &["force[1].code: `4` is no force code"]);
    check("= \"44\"", "= \"46\"", &["force[1].code: 46 is the code of kent, not of hampshire"]);
}

#[test]
fn a_ca_says_none_in_writing() {
    check("crl         = \"none\"", "", &["ca[1]: ", "crl"]);
    check("crl         = \"none\"", "crl = \"\"", &["ca[1].crl"]);
}

#[test]
fn two_identities_never_share_a_certificate() {
    let twin = "fingerprints = [\"sha256:0000000000000000000000000000000000000000000000000000000000000000\"]\nsan    =";
    check("san    =", twin, &["identity[2].fingerprints"]);
    let twin = "san = \"RECORDS.hampshire.example\"\nca = \"police-ca\"\ntest         = false";
    check("test         = false", twin, &["identity[2].san: identity[1] has the same name"]);
}

#[test]
fn a_force_code_is_used_once() {
    let again = "[[force]]\nslug = \"other\"\ncode = \"44\"\nprovider = \"harbour\"\nagreement_ref = \"x\"\n\n[[identity]]";
    check("[[identity]]", again, &["force[2].code: `44` is also the code of force[1]"]);
}

#[test]
fn a_broker_url_with_a_password_is_refused_without_repeating_it() {
    let said = faults("amqps://localhost", "amqps://me:hunter2@localhost");
    assert!(said.contains("broker.urls[1]"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn clear_text_to_another_machine_has_to_be_asked_for() {
    check(
        "amqps://localhost:5671",
        "amqp://broker.example:5672",
        &["broker.urls[1]: amqp:// would carry"],
    );
    assert_eq!(faults("amqps://localhost:5671", "amqp://127.0.0.1:5672"), "");
    assert_eq!(faults("amqps://localhost:5671", "amqp://[::1]:5672"), "");
}

#[test]
fn a_secret_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = std::env::temp_dir().join(format!("cara-secret-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("hunter2");
    std::fs::write(&path, "word\n").unwrap();
    let file = SecretFile::at(&path, "broker.password");
    for (mode, usable) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let read = file.read();
        assert_eq!(read.is_ok(), usable, "{mode:o}");
        assert!(!format!("{file:?} {read:?}").contains("hunter2"));
    }
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(file.read().unwrap().line(), Some("word"));
    std::fs::write(&path, "").unwrap();
    assert!(matches!(file.read(), Err(secret::Unusable::WrongSize { .. })));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn broken_toml_names_its_line() {
    let faults = read("[api\nlisten = 1", &[]).unwrap_err();
    assert_eq!(faults.len(), 1);
    assert!(faults[0].what.contains("line 1"), "{}", faults[0]);
}

#[test]
fn a_missing_file_is_one_fault() {
    let faults = Settings::load(Path::new("/nowhere/gateway.toml")).unwrap_err();
    assert!(faults[0].to_string().contains("/nowhere/gateway.toml"));
    let none: BTreeMap<String, String> = BTreeMap::new();
    assert!(Settings::read("", Path::new("x"), &none).unwrap_err().len() >= 7);
}
