//! The committed schemas of mapping files: made from the code, true of every mapping of this
//! repository, and false of a file with a slip.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cara_mapping::schema;
use serde_json::{Map, Value, json};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn committed(name: &str) -> PathBuf {
    root().join(format!("docs/mapping/{name}.schema.json"))
}

/// To bring the copies up to date: `CARA_WRITE=1 cargo test -p cara-mapping --test schema`.
#[test]
fn the_committed_schemas_are_what_the_code_makes() {
    for name in schema::NAMES {
        let made = format!("{:#}\n", schema::of(name).unwrap());
        if std::env::var_os("CARA_WRITE").is_some() {
            std::fs::write(committed(name), &made).unwrap();
        }
        let read = std::fs::read_to_string(committed(name)).unwrap();
        assert!(read == made, "docs/mapping/{name}.schema.json is another; CARA_WRITE=1 renews it");
    }
    assert!(schema::of("letter").is_none());
}

/// A mapping file of this repository: its place and its text.
struct Mapping {
    shown: String,
    name: &'static str,
    text: String,
}

impl Mapping {
    /// Its text with something else in it, which it must hold.
    fn with(&self, from: &str, to: &str) -> Mapping {
        assert!(self.text.contains(from), "{} does not hold {from}", self.shown);
        let text = self.text.replacen(from, to, 1);
        Mapping { shown: self.shown.clone(), name: self.name, text }
    }
}

/// Which schema a file is for: a base says by what it fills.
fn mappings() -> Vec<Mapping> {
    let mut found = Vec::new();
    for folder in std::fs::read_dir(root().join("mappings")).unwrap() {
        let folder = folder.unwrap().path();
        let Ok(files) = std::fs::read_dir(&folder) else { continue };
        let paths = files.map(|file| file.unwrap().path());
        for path in paths.filter(|path| path.extension().is_some_and(|end| end == "toml")) {
            let text = std::fs::read_to_string(&path).unwrap();
            let fills = text.lines().find(|line| line.starts_with("fills")).unwrap_or_default();
            let names =
                [("referral/1", "referral"), ("decision/1", "decision"), ("letter/1", "notice")];
            let name = names.iter().find(|(filled, _)| fills.contains(filled)).unwrap().1;
            let shown = path.strip_prefix(root()).unwrap().display().to_string();
            found.push(Mapping { shown, name, text });
        }
    }
    found.sort_by(|one, other| one.shown.cmp(&other.shown));
    found
}

fn mapping(shown: &str) -> Mapping {
    mappings().into_iter().find(|it| it.shown == shown).unwrap()
}

/// What a validator of JSON Schema says of each.
fn messages(mappings: &[Mapping]) -> Vec<Vec<String>> {
    let cases: Vec<Value> =
        mappings.iter().map(|it| json!({ "schema": it.name, "text": it.text })).collect();
    let mut child = Command::new("/usr/bin/python3")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schema/validate.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 with jsonschema: scripts/install installs it");
    let mut stdin = child.stdin.take().unwrap();
    let schemas: Map<String, Value> =
        schema::NAMES.iter().map(|name| ((*name).to_owned(), schema::of(name).unwrap())).collect();
    let asked = json!({ "schemas": schemas, "cases": cases });
    stdin.write_all(asked.to_string().as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "python3 with jsonschema: scripts/install installs it");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn every_mapping_keeps_its_schema() {
    let mappings = mappings();
    assert!(mappings.len() >= 12);
    for (mapping, said) in mappings.iter().zip(messages(&mappings)) {
        assert_eq!(said, Vec::<String>::new(), "{}", mapping.shown);
    }
}

/// To add the lines that are missing: `CARA_WRITE=1 cargo test -p cara-mapping --test schema`.
#[test]
fn every_mapping_names_its_schema_on_its_first_line() {
    for mapping in mappings() {
        let line = format!("#:schema ../../docs/mapping/{}.schema.json\n", mapping.name);
        if !mapping.text.starts_with("#:schema ") && std::env::var_os("CARA_WRITE").is_some() {
            std::fs::write(root().join(&mapping.shown), format!("{line}{}", mapping.text)).unwrap();
            continue;
        }
        assert!(mapping.text.starts_with(&line), "{} begins with {line}", mapping.shown);
    }
}

/// Slips in one file, each with what is said of it.
#[track_caller]
fn check(shown: &str, slips: &[(&str, &str, &str)]) {
    let sound = mapping(shown);
    let broken: Vec<Mapping> = slips.iter().map(|(from, to, _)| sound.with(from, to)).collect();
    for ((_, to, expected), said) in slips.iter().zip(messages(&broken)) {
        assert_eq!(said.len(), 1, "{to}: {said:?}");
        assert!(said[0].contains(expected), "{to}: {said:?}");
    }
}

#[test]
fn a_slip_in_a_file_that_reads_records_is_seen_where_it_is() {
    check(
        "mappings/norfolk/referral.toml",
        &[
            ("[source]", "[sources]", "'sources' was unexpected"),
            ("force ", "farce ", "'farce' was unexpected"),
            ("\"norfolk\"", "\"norfolc\"", "'norfolc' is not one of"),
            ("officer.unit ", "officer.unitt ", "'unitt' was unexpected"),
            ("apply = [\"asn\"]", "aply = [\"asn\"]", "'aply' was unexpected"),
            ("apply = [\"asn\"]", "apply = [\"ason\"]", "'ason' does not match"),
            ("from = \"officer/unit\"", "value = \"\"", "'' is too short"),
            (
                "from = \"victim/current\", apply = [\"yes no\"]",
                "value = \"yes\"",
                "'value' was unexpected",
            ),
            ("\nfamily_name ", "\nfamily_nam ", "'family_nam' was unexpected"),
            ("\ncjs_code ", "\ncjs_cod ", "'cjs_cod' was unexpected"),
            ("fills = \"offender\"", "fills = \"offenders\"", "'offenders' is not one of"),
            (
                "expect.outcome = \"accepted\"",
                "expect.outcome = \"acepted\"",
                "'acepted' is not one of",
            ),
        ],
    );
}

#[test]
fn a_slip_in_a_file_that_writes_letters_is_seen_where_it_is() {
    check(
        "mappings/hampshire/notice.toml",
        &[
            ("taken_over", "takenover", "'takenover' was unexpected"),
            ("[200]", "[404]", "404 is greater than the maximum"),
        ],
    );
    check(
        "mappings/west-midlands/notice.toml",
        &[
            ("\"notice.kind\"", "\"notice.kynd\"", "'notice.kynd' is not one of"),
            ("if_missing", "if_mising", "'if_mising' was unexpected"),
            ("\n\"declined\" ", "\n\"declind\" ", "'declind' was unexpected"),
            ("notice = \"declined\"", "notice = \"declind\"", "'declind'"),
        ],
    );
}
