//! A public type's name stands once in production code, whatever its reach: `Error` aside, which is
//! read with its room.

use std::collections::BTreeMap;

use super::{Package, at, packages};

/// Names that still stand more than once. One that stands once leaves this list; none is added.
const STANDING: &[&str] = &[];

/// Names that stand more than once, each with the places.
fn namesakes(packages: &[Package]) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in packages.iter().flat_map(|package| &package.sources) {
        for (name, line) in &source.facts.public_types {
            found.entry(name.clone()).or_default().push(at(source, *line, name));
        }
    }
    found.retain(|name, places| places.len() > 1 && name != "Error");
    found
}

#[test]
fn no_public_type_has_a_namesake() {
    let found = namesakes(packages());
    let mut wrong: Vec<String> = Vec::new();
    for (_, places) in found.iter().filter(|(name, _)| !STANDING.contains(&name.as_str())) {
        wrong.push(format!("a namesake: {}", places.join(", ")));
    }
    for name in STANDING.iter().filter(|name| !found.contains_key(**name)) {
        wrong.push(format!("`{name}` has no namesake any more, take it off STANDING"));
    }
    super::check(wrong);
}

mod can_fail {
    use super::*;
    use crate::tidy::source::{self, Source};

    fn package(text: &str) -> Package {
        let facts = source::read(text, &[]).expect("the snippet parses");
        let sources = vec![Source { file: "part.rs".into(), module: Vec::new(), facts }];
        Package { room: None, manifest: "Cargo.toml".into(), sources }
    }

    #[test]
    fn a_namesake_is_seen_in_every_kind_of_type() {
        let one = package(
            "pub struct A; pub(crate) enum B {} pub trait C {} mod m { pub(super) type D = u8; }",
        );
        let two = package("pub enum A {} pub trait B {} pub type C = u8; pub(crate) struct D;");
        let names: Vec<_> = namesakes(&[one, two]).into_keys().collect();
        assert_eq!(names, ["A", "B", "C", "D"]);
    }

    #[test]
    fn a_private_type_and_an_error_have_no_namesake() {
        let one =
            package("struct A; pub(self) struct B; pub enum Error {} #[cfg(test)] pub struct C;");
        let two = package("pub struct A; pub struct B; pub enum Error {} pub struct C;");
        assert!(namesakes(&[one, two]).is_empty());
    }
}
