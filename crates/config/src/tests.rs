use std::collections::BTreeMap;
use std::path::Path;

use super::*;

const SAMPLE: &str = include_str!("sample.toml");

fn read(text: &str, environment: &[(&str, &str)]) -> Result<Settings, Vec<Fault>> {
    let environment =
        environment.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    Settings::read(text, Path::new("/etc/cara/gateway.toml"), &environment)
}

/// The sample after these replacements, each of a text that it holds.
fn altered(replacements: &[(&str, &str)]) -> String {
    replacements.iter().fold(SAMPLE.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "the sample holds {from}");
        text.replacen(from, to, 1)
    })
}

/// What is said about the sample after one replacement, one fault a line.
fn faults(from: &str, to: &str) -> String {
    match read(&altered(&[(from, to)]), &[]) {
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
    let providers: Vec<_> = settings.forces.iter().map(|force| &*force.provider).collect();
    assert_eq!(providers, ["harbour", "pennine"]);
    assert_eq!(settings.operators.users[0].role, OperatorRole::Administer);
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
    let urls = "amqps://a:5671,amqps://b:5671";
    let settings = read(SAMPLE, &[("CARA_BROKER__URLS", urls)]).unwrap();
    assert_eq!(settings.broker.urls, ["amqps://a:5671", "amqps://b:5671"]);
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
    let text = altered(&[
        ("workers           = 2", "workers           = 0"),
        ("body_bytes_max    = 1048576", "body_bytes_max    = 9000000"),
        ("code               = \"44\"", "code               = \"00\""),
        ("window      = 256", "window      = 0"),
    ]);
    let faults = read(&text, &[]).unwrap_err();
    let keys: Vec<&str> = faults.iter().map(|fault| fault.key.as_str()).collect();
    assert_eq!(keys, ["api.body_bytes_max", "api.workers", "broker.window", "force[1].code"]);
}

#[test]
fn faults_of_several_sections_that_cannot_be_read_are_told_together() {
    let text = altered(&[
        ("listen = \"127.0.0.1:9100\"", "listen = \"nowhere\""),
        ("folder           = \"mappings\"", ""),
        ("sha256:0000", "sha256:zz"),
    ]);
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
fn a_broker_url_with_a_virtual_host_is_told_what_to_write() {
    let said = ["broker.urls[1]: it names a virtual host; every provider has its own"];
    check("amqps://localhost:5671", "amqps://localhost:5671/%2f", &said);
    assert_eq!(faults("amqps://localhost:5671", "amqps://localhost:5671/"), "");
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

/// The sample without this section, which ends at the next one.
fn without(section: &str) -> String {
    let (before, rest) = SAMPLE.split_once(&format!("[{section}] ")).unwrap();
    let (_, after) = rest.split_once("\n[").unwrap();
    format!("{before}[{after}")
}

#[test]
fn delivery_and_mail_may_be_left_out_as_a_whole() {
    let settings = read(SAMPLE, &[]).unwrap();
    let delivery = settings.delivery.unwrap();
    assert_eq!(delivery.ca, Path::new("/etc/cara/certs/ca.pem"));
    assert_eq!((delivery.key.key(), delivery.timeout_s), ("delivery.key", 30));
    let mail = settings.mail.unwrap();
    assert_eq!(mail.host_and_port(), Some(("smtp.gateway.example", 587)));
    assert_eq!(mail.password.unwrap().path(), Path::new("/etc/cara/secrets/mail.password"));
    assert!(read(&without("mail"), &[]).unwrap().mail.is_none());

    let faults = read(&without("delivery"), &[]).unwrap_err();
    assert_eq!(faults[0].key, "force[1].delivery_endpoints");
    let polled = without("delivery").replace("delivery_endpoints = ", "delivery_endpoints = [] #");
    assert!(read(&polled, &[]).unwrap().delivery.is_none());
}

#[test]
fn a_section_of_delivery_or_mail_is_whole() {
    check("ca          = \"certs/ca.pem\"            # who", "#", &["delivery: ", "field \"ca\""]);
    check("timeout_s   = 30", "timeout_s = 0", &["delivery.timeout_s: 0 is out of bounds"]);
    check("timeout_s   = 30", "retries = 3", &["delivery: ", "retries"]);
    check("operators = [\"ops@gateway.example\"]", "", &["mail: ", "operators"]);
}

#[test]
fn an_endpoint_is_a_plain_https_address_and_not_repeated() {
    let endpoint = "https://notices.hampshire.example/inbox";
    for (wrong, what) in [
        ("http://notices.hampshire.example/inbox", "it is no https address"),
        ("https://me:hunter2@notices.hampshire.example/inbox", "it holds a user or a password"),
        ("https://notices.hampshire.example/inbox?key=hunter2", "it holds a query"),
        ("https://notices.hampshire.example/inbox/../hunter2", "its path is not plain"),
    ] {
        check(endpoint, wrong, &["force[1].delivery_endpoints[1]: ", what]);
        assert!(!faults(endpoint, wrong).contains("hunter2"));
    }
    assert_eq!(faults(endpoint, "https://notices.hampshire.example/"), "");
}

#[test]
fn mail_in_clear_stays_on_this_machine() {
    let tls = "tls       = \"required\"";
    check(tls, "tls = \"none\"", &["mail.tls: mail would cross the network in clear"]);
    check(tls, "tls = \"maybe\"", &["mail: "]);
    for (server, sound) in [
        ("localhost:25", true),
        ("127.0.0.1:1025", true),
        ("[::1]:25", true),
        ("localhost", false),
        ("localhost:0", false),
        ("::1:25", false),
        ("localhost.evil.example:25", false),
        ("me@localhost:25", false),
    ] {
        let text =
            SAMPLE.replace("smtp.gateway.example:587", server).replace(tls, "tls = \"none\"");
        assert_eq!(read(&text, &[]).is_ok(), sound, "{server}");
    }
}

#[test]
fn a_mail_address_is_plain_and_not_repeated() {
    let operators = "\"ops@gateway.example\"";
    for wrong in
        ["", "hunter2", "a@b@hunter2", "Ops <hunter2@a.example>", "hunter2@", "a\\r@hunter2"]
    {
        let wrong = format!("\"{wrong}\"");
        check(operators, &wrong, &["mail.operators[1]: it is no mail address"]);
        assert!(!faults(operators, &wrong).contains("hunter2"));
    }
    check("[\"ops@gateway.example\"]", "[]", &["mail.operators: there are 0 of them"]);
    check("\"cara-gateway@gateway.example\"", "\"x\"", &["mail.from: it is no mail address"]);
    check("password  = \"secrets/mail.password\"", "", &["mail.user: a user and a password"]);
    let two = [("CARA_MAIL__OPERATORS", "a@gateway.example,b@gateway.example")];
    assert_eq!(read(SAMPLE, &two).unwrap().mail.unwrap().operators.len(), 2);
}

#[test]
fn a_provider_says_how_it_is_reached_and_how_long_its_programme_takes() {
    let settings = read(SAMPLE, &[]).unwrap();
    assert!(settings.providers[0].contact.as_ref().is_some_and(|it| it.contains("020")));
    assert_eq!(
        (settings.providers[1].contact.as_deref(), settings.providers[1].margin_weeks),
        (None, 5)
    );
    for weeks in ["0", "27"] {
        let margin = format!("margin_weeks = {weeks} #");
        check("margin_weeks = 5", &margin, &["provider[1].margin_weeks: "]);
    }
    let contact = "\"Harbour CARA team, 020 7946 0000\"";
    let long = format!("\"{}\"", "x".repeat(201));
    for wrong in ["\" \"", "\"two\\nlines\"", &long] {
        check(contact, wrong, &["provider[1].contact: it is empty, over 200 characters"]);
    }
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
