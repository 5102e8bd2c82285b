//! Reads the source and says where it leaves the plan: room order, one owner for each library,
//! the pure core, circles, names, size, markers, reasons. Every check is shown able to fail.

mod circle;
mod length;
mod namesake;
mod room;
mod source;
mod text;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use source::Source;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// No Rust file is longer.
const LINES_MAX: usize = 500;

struct Package {
    /// A crate is one room; the rooms of the gateway's own package are its modules.
    room: Option<String>,
    manifest: PathBuf,
    sources: Vec<Source>,
}

impl Package {
    /// The room of a source; what stands in none is the binaries'.
    fn room<'p>(&'p self, source: &'p Source) -> &'p str {
        let module = || source.module.first().map_or("bin", String::as_str);
        self.room.as_deref().unwrap_or_else(module)
    }
}

/// All of them, read once for all tests.
fn packages() -> &'static [Package] {
    static PACKAGES: LazyLock<Vec<Package>> = LazyLock::new(read_packages);
    &PACKAGES
}

fn read_packages() -> Vec<Package> {
    let root = Path::new(ROOT);
    let mut sources = source::package(&root.join("src/lib.rs"));
    sources.extend(source::package(&root.join("src/main.rs")));
    sources.extend(source::package(&root.join("src/bin/cara-sandbox.rs")));
    let mut all = vec![Package { room: None, manifest: root.join("Cargo.toml"), sources }];
    let mut folders: Vec<_> = std::fs::read_dir(root.join("crates"))
        .expect("crates")
        .map(|entry| entry.expect("a readable folder").path())
        .collect();
    folders.sort();
    for folder in folders {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().replace('-', "_");
        all.push(Package {
            room: Some(name),
            manifest: folder.join("Cargo.toml"),
            sources: source::package(&folder.join("src/lib.rs")),
        });
    }
    all
}

fn check(found: Vec<String>) {
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

fn at(source: &Source, line: usize, what: &str) -> String {
    let file = source.file.strip_prefix(ROOT).unwrap_or(&source.file);
    format!("{}:{line}: {what}", file.display())
}

fn misuses(room: &str, source: &Source) -> Vec<String> {
    let paths = source.facts.paths.iter();
    let mut found: Vec<String> = paths
        .filter_map(|(path, line)| room::misuse(room, path).map(|what| at(source, *line, &what)))
        .collect();
    found.dedup();
    found
}

#[test]
fn a_room_uses_only_what_its_row_lists() {
    let packages = packages();
    let found = packages.iter().flat_map(|package| {
        package.sources.iter().flat_map(|source| misuses(package.room(source), source))
    });
    check(found.collect());
}

#[test]
fn every_library_has_an_owner() {
    let mut found = Vec::new();
    for package in packages() {
        let text = std::fs::read_to_string(&package.manifest).expect("a manifest");
        let at = package.manifest.display();
        for library in text::dependencies(&text) {
            if !room::LIBRARIES.iter().any(|(name, _)| *name == library) {
                found.push(format!("{at}: `{library}` has no owner in tests/it/tidy/room.rs"));
            }
            let room = package.room.as_deref();
            let wrong = room.and_then(|room| room::uses_library(room, &library));
            found.extend(wrong.map(|what| format!("{at}: {what}")));
        }
    }
    check(found);
}

#[test]
fn the_pure_crates_print_nothing() {
    let mut found = Vec::new();
    for name in room::PURE {
        let folder = format!("crates/{name}/src");
        let files = text::files(Path::new(ROOT), &[&folder], "rs");
        assert!(!files.is_empty(), "{folder}");
        for file in files.into_iter().filter(|file| !text::is_for_tests(file)) {
            let text = std::fs::read_to_string(&file).expect("source");
            let lines = text::loud(&text, room::LOUD);
            found.extend(lines.map(|line| format!("{}:{line}", file.display())));
        }
    }
    check(found);
}

#[test]
fn no_name_says_nothing() {
    let mut found = Vec::new();
    for source in packages().iter().flat_map(|package| &package.sources) {
        let stem = source.file.file_stem().unwrap_or_default().to_string_lossy();
        let own = (stem.into_owned(), 1);
        let names = source.facts.names.iter().chain([&own]);
        found.extend(
            names
                .filter(|(name, _)| text::says_nothing(name))
                .map(|(name, line)| at(source, *line, &format!("`{name}` says nothing"))),
        );
    }
    check(found);
}

#[test]
fn every_expectation_has_a_reason_and_nothing_is_allowed() {
    let packages = packages();
    let sources = packages.iter().flat_map(|package| &package.sources);
    let found = sources.flat_map(|source| {
        let lines = source.facts.unexplained.iter();
        lines.map(|line| at(source, *line, "use #[expect(…, reason = \"…\")]"))
    });
    check(found.collect());
}

fn rust_files() -> Vec<PathBuf> {
    let folders = ["src", "crates", "tests", "examples", "benches", "fuzz"];
    text::files(Path::new(ROOT), &folders, "rs")
}

#[test]
fn no_file_is_too_long() {
    let mut found = Vec::new();
    for file in rust_files() {
        let lines = std::fs::read_to_string(&file).expect("source").lines().count();
        if lines > LINES_MAX {
            found.push(format!("{}: {lines} lines, at most {LINES_MAX}", file.display()));
        }
    }
    check(found);
}

#[test]
fn no_marker_is_left() {
    let root = Path::new(ROOT);
    let mut files = rust_files();
    files.extend(text::files(root, &["mappings", "src"], "toml"));
    files.extend(text::files(root, &["docs", "mappings", "certs-example"], "md"));
    files.extend(text::files(root, &["scripts", "certs-example"], "sh"));
    files.extend(
        ["Makefile", "Dockerfile", ".ci/run", "README.md", "ARCHITECTURE.md", "Cargo.toml"]
            .map(|name| root.join(name)),
    );
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.exists()) {
        let text = std::fs::read_to_string(file).expect("text");
        found.extend(
            text::markers(&text).into_iter().map(|line| format!("{}:{line}", file.display())),
        );
    }
    check(found);
}

#[test]
fn every_source_file_is_part_of_a_package() {
    let packages = packages();
    let reached: BTreeSet<_> =
        packages.iter().flat_map(|package| &package.sources).map(|source| &source.file).collect();
    let root = Path::new(ROOT);
    let is_source = |file: &PathBuf| {
        let below = file.strip_prefix(root).unwrap_or(file);
        below.components().any(|part| part.as_os_str() == "src")
    };
    let found = text::files(root, &["src", "crates"], "rs")
        .into_iter()
        .filter(|file| is_source(file) && !reached.contains(file) && !text::is_for_tests(file))
        .map(|file| format!("{}: no `mod` leads here", file.display()));
    check(found.collect());
}

/// Every function of all packages with the modules and the type it is in.
fn functions(packages: &[Package]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for package in packages {
        for source in &package.sources {
            let at = package.room.iter().chain(&source.module);
            let own = source.facts.functions.iter();
            found.extend(own.map(|inside| at.clone().chain(inside).cloned().collect()));
        }
    }
    found
}

#[test]
fn the_walkthroughs_name_functions_that_exist() {
    let text = std::fs::read_to_string(Path::new(ROOT).join("ARCHITECTURE.md")).expect("the map");
    let written = text::quoted_paths(&text, "Walkthroughs");
    assert!(written.len() > 10, "three walkthroughs name more than {written:?}");
    let functions = functions(packages());
    let found = written
        .iter()
        .filter(|path| !functions.iter().any(|function| text::names_function(path, function)))
        .map(|path| format!("ARCHITECTURE.md: there is no function `{path}`"));
    check(found.collect());
}

mod can_fail {
    use super::*;

    fn snippet(room: &str, text: &str) -> Source {
        let module = vec![room.to_owned(), "part".to_owned()];
        let facts = source::read(text, &module).expect("the snippet parses");
        Source { file: PathBuf::from("part.rs"), module, facts }
    }

    fn misuse_of(room: &str, text: &str) -> Vec<String> {
        misuses(room, &snippet(room, text))
    }

    #[test]
    fn a_forbidden_room_is_seen_in_every_way_of_writing_it() {
        for text in [
            "use cara_store::Receipt;",
            "use {cara_flow::Gateway, cara_store::{self, Receipt}};",
            "fn f(x: cara_store::Receipt) {}",
            "fn f() { cara_store::open(); }",
            "fn f() { assert!(matches!(x, cara_store::Fact::Done)); }",
        ] {
            let found = misuse_of("http", text);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert!(found[0].contains("room `http` may not use room `store`"), "{found:?}");
        }
        for text in ["use crate::worker::Post;", "mod inner { use super::super::super::worker; }"] {
            assert_eq!(misuse_of("http", text).len(), 1, "{text}");
        }
        assert!(!misuse_of("http", "use cara_mapping::Plan;").is_empty());
    }

    #[test]
    fn what_is_listed_and_what_is_only_for_tests_passes() {
        for text in [
            "use cara_flow::Refusal; use cara_wire::api;",
            "#[cfg(test)] mod tests { use cara_store::Receipt; }",
            "#[cfg(test)] use cara_store::Receipt;",
            "fn f(store: u8) -> u8 { store }",
            "use cara_store::{Lease, Settled};",
        ] {
            assert_eq!(misuse_of("http", text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn a_library_outside_its_room_is_seen() {
        for (room, text) in [
            ("flow", "use lapin::Channel;"),
            ("store", "fn f() -> reqwest::Result<()> { Ok(()) }"),
            ("worker", "#[derive(clap::Parser)] struct Arguments;"),
            ("app", "fn f() { let x = vec![rusqlite::types::Null]; }"),
            ("app", "use config::Config;"),
        ] {
            assert_eq!(misuse_of(room, text).len(), 1, "{text}");
        }
        assert!(room::uses_library("domain", "tokio").is_some(), "of a manifest");
        assert!(room::uses_library("sandbox", "rcgen").is_none());
    }

    #[test]
    fn the_world_is_seen_in_the_pure_crates() {
        for text in [
            "use std::fs;",
            "use std::{collections::BTreeMap, fs::File};",
            "fn f() { std::time::Instant::now(); }",
            "use jiff::Timestamp; fn f() { Timestamp::now(); }",
            "async fn f() { tokio::task::yield_now().await }",
            "fn f() { tracing::info!(\"x\"); }",
        ] {
            assert!(!misuse_of("domain", text).is_empty(), "{text}");
        }
        assert_eq!(text::loud("fn f() {\n    println!();\n}", room::LOUD).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn an_unexplained_expectation_is_seen() {
        let text = "#![allow(dead_code)]\n#[expect(unused)]\nfn f() {}\n\
                    #[expect(unused, reason = \"why\")]\nfn g() {}";
        assert_eq!(snippet("flow", text).facts.unexplained, [1, 2]);
    }

    #[test]
    fn an_empty_name_is_seen() {
        for name in ["utils", "StringUtils", "common", "RecordManager", "new_queue", "worker2"] {
            assert!(text::says_nothing(name), "{name}");
        }
        for name in ["record", "Receipt", "NewHold", "v1", "newest", "Database", "sha2"] {
            assert!(!text::says_nothing(name), "{name}");
        }
    }

    #[test]
    fn a_marker_is_seen() {
        let text = ["fine", concat!("// TO", "DO: later"), concat!("FIX", "ME"), "blank XXXX/XX"];
        assert_eq!(text::markers(&text.join("\n")), [2, 3]);
    }

    #[test]
    fn a_library_without_an_owner_is_seen() {
        let manifest = "[dependencies]\nquick-xml = \"1\"\nserde.workspace = true\n\n\
                        [dev-dependencies]\ninsta = \"1\"\n";
        assert_eq!(text::dependencies(manifest), ["quick_xml", "serde"]);
    }

    #[test]
    fn a_walkthrough_of_functions_that_are_not_there_is_seen() {
        let text = "## Other\n`a::b`\n## Walkthroughs\nfirst `Gateway::accept()`, then\n\
                    `read::body`, a `Tree`\n### Two\n`gone::away`\n## Next\n`c::d`";
        let written = text::quoted_paths(text, "Walkthroughs");
        assert_eq!(written, ["Gateway::accept", "gone::away", "read::body"]);
        let own = |path: &[&str]| path.iter().map(|step| (*step).to_owned()).collect::<Vec<_>>();
        assert!(text::names_function(
            "Gateway::accept",
            &own(&["flow", "accept", "Gateway", "accept"])
        ));
        assert!(text::names_function("read::body", &own(&["flow", "read", "body"])));
        assert!(!text::names_function("read::body", &own(&["flow", "accept", "body"])));
        assert!(!text::names_function("read::body", &own(&["flow", "read", "other"])));
    }
}
