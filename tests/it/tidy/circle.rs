//! Files and folders side by side use each other in one direction only. A file and the folder of its
//! name are one; what a file deep inside names counts for the file or folder above it on each level.
//! `use` and whole paths count, followed through what a module hands on; `mod` lines and tests do not.

use std::collections::{BTreeMap, BTreeSet};

use super::source::Source;
use super::{Package, at, packages};

/// How often a name may be handed on before it is followed no further.
const HANDED_ON_MAX: usize = 16;

/// The modules of a package that are files, and what each module brings in under which name.
struct Map<'s> {
    files: BTreeSet<&'s [String]>,
    imports: BTreeMap<(&'s [String], &'s str), &'s [String]>,
}

impl<'s> Map<'s> {
    fn of(sources: &'s [Source]) -> Self {
        let imports = sources.iter().flat_map(|source| &source.facts.imports);
        Map {
            files: sources.iter().map(|source| source.module.as_slice()).collect(),
            imports: imports
                .map(|(module, name, path)| ((module.as_slice(), name.as_str()), path.as_slice()))
                .collect(),
        }
    }

    /// The module whose file defines what `path` names in `module`; `None`: another package's.
    fn resolve(&self, module: &[String], path: &[String], handed_on: usize) -> Option<Vec<String>> {
        let (first, mut rest) = path.split_first()?;
        let mut reached = match first.as_str() {
            "crate" => Vec::new(),
            "self" | "super" => {
                rest = path;
                module.to_vec()
            }
            _ => {
                rest = path;
                let is_own = self.is_child(module, first) || self.import(module, first).is_some();
                is_own.then(|| module.to_vec())?
            }
        };
        while let Some((step, tail)) = rest.split_first() {
            match step.as_str() {
                "self" => {}
                "super" => {
                    reached.pop();
                }
                _ if self.is_child(&reached, step) => reached.push(step.clone()),
                _ => {
                    let from = self.import(&reached, step).filter(|path| *path != [step.clone()]);
                    let Some(from) = from.filter(|_| handed_on < HANDED_ON_MAX) else { break };
                    let whole: Vec<_> = from.iter().chain(tail).cloned().collect();
                    return self.resolve(&reached, &whole, handed_on + 1);
                }
            }
            rest = tail;
        }
        Some(reached)
    }

    fn is_child(&self, module: &[String], name: &str) -> bool {
        let path: Vec<_> = module.iter().cloned().chain([name.to_owned()]).collect();
        self.files.contains(path.as_slice())
    }

    fn import(&self, module: &[String], name: &str) -> Option<&'s [String]> {
        self.imports.get(&(module, name)).copied()
    }
}

/// Who uses whom in one folder, each with the places where it does.
type Uses = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// By folder: the modules above, joined.
fn uses(sources: &[Source]) -> BTreeMap<String, Uses> {
    let map = Map::of(sources);
    let mut found: BTreeMap<String, Uses> = BTreeMap::new();
    for source in sources {
        for written in &source.facts.written {
            let Some(target) = map.resolve(&written.module, &written.path, 0) else { continue };
            let own = source.module.as_slice();
            let shared = own.iter().zip(&target).take_while(|(one, other)| one == other).count();
            let (Some(from), Some(to)) = (own.get(shared), target.get(shared)) else { continue };
            let uses = found.entry(own[..shared].join("/")).or_default();
            let places = uses.entry(from.clone()).or_default().entry(to.clone()).or_default();
            places.push(at(source, written.line, &written.path.join("::")));
        }
    }
    found
}

fn reached<'u>(uses: &'u Uses, from: &'u str) -> BTreeSet<&'u str> {
    let mut found = BTreeSet::new();
    let mut open = vec![from];
    while let Some(name) = open.pop() {
        for used in uses.get(name).into_iter().flat_map(BTreeMap::keys) {
            if found.insert(used.as_str()) {
                open.push(used);
            }
        }
    }
    found
}

/// Sets of names that reach each other, sorted.
fn circles(uses: &Uses) -> BTreeSet<Vec<&str>> {
    let all: BTreeMap<&str, _> =
        uses.keys().map(|name| (name.as_str(), reached(uses, name))).collect();
    let round = |name: &str| -> Vec<&str> {
        let others =
            all.iter().filter(|(other, own)| all[name].contains(*other) && own.contains(name));
        others.map(|(other, _)| *other).collect()
    };
    all.keys().map(|name| round(name)).filter(|circle| !circle.is_empty()).collect()
}

/// Every circle of the packages: its folder, its members, and the uses inside it as text.
fn all_circles(packages: &[Package]) -> BTreeMap<(String, Vec<String>), String> {
    let mut found = BTreeMap::new();
    for package in packages {
        for (folder, uses) in uses(&package.sources) {
            let room = package.room.as_deref().unwrap_or("gateway");
            let folder =
                if folder.is_empty() { room.to_owned() } else { format!("{room}/{folder}") };
            for circle in circles(&uses) {
                let inside = |name: &str| circle.contains(&name);
                let pairs = uses.iter().filter(|(from, _)| inside(from)).flat_map(|(from, to)| {
                    let to = to.iter().filter(|(to, _)| inside(to));
                    to.map(move |(to, places)| format!("  {from} → {to}: {}", places.join("; ")))
                });
                let pairs = pairs.collect::<Vec<_>>().join("\n");
                let members = circle.iter().map(|name| (*name).to_owned()).collect();
                found.insert((folder.clone(), members), pairs);
            }
        }
    }
    found
}

#[test]
fn no_circle_between_sibling_files() {
    let found = all_circles(packages());
    let wrong = found.iter().map(|((folder, members), pairs)| {
        format!("a circle: (\"{folder}\", &{members:?}),\n{pairs}")
    });
    super::check(wrong.collect());
}

mod can_fail {
    use super::*;
    use crate::tidy::source;

    fn sources(texts: &[(&str, &str)]) -> Vec<Source> {
        let read = |(module, text): &(&str, &str)| {
            let module: Vec<_> =
                module.split('/').filter(|step| !step.is_empty()).map(str::to_owned).collect();
            let facts = source::read(text, &module).expect("the snippet parses");
            Source { file: module.join("/").into(), module, facts }
        };
        texts.iter().map(read).collect()
    }

    fn circles_of(texts: &[(&str, &str)]) -> Vec<String> {
        let sources = sources(texts);
        let found = uses(&sources);
        let circles = found.iter().flat_map(|(folder, uses)| {
            circles(uses).into_iter().map(move |names| format!("{folder}:{}", names.join(",")))
        });
        circles.collect()
    }

    const LIB: (&str, &str) = ("", "mod a; mod b; mod c; pub use a::A; use b::hand_on;");

    #[test]
    fn a_circle_is_seen_in_every_way_of_writing_it() {
        for back in [
            "use super::a::A;",
            "use crate::{c, a::{self, A}};",
            "fn f() { crate::a::f(); }",
            "fn f() -> super::a::A {}",
            "use crate::A;",
            "fn f() { assert!(super::a::f()); }",
            "mod inner { use super::super::a; }",
        ] {
            let texts = [LIB, ("a", "use super::b; pub struct A;"), ("b", back), ("c", "")];
            assert_eq!(circles_of(&texts), [":a,b"], "{back}");
        }
        let three =
            [LIB, ("a", "use super::b;"), ("b", "use super::c::C;"), ("c", "use crate::A;")];
        assert_eq!(circles_of(&three), [":a,b,c"]);
    }

    #[test]
    fn a_circle_deep_inside_and_one_between_folders_are_seen() {
        let lib = ("", "mod a; mod b;");
        let inside = [
            lib,
            ("a", "mod one; mod two;"),
            ("a/one", "use super::two;"),
            ("a/two", "use super::one::X;"),
            ("b", "use crate::a;"),
        ];
        assert_eq!(circles_of(&inside), ["a:one,two"]);
        let between =
            [lib, ("a", "mod one;"), ("a/one", "use crate::b::B;"), ("b", "use super::a::one;")];
        assert_eq!(circles_of(&between), [":a,b"]);
    }

    #[test]
    fn one_direction_a_parent_and_tests_are_no_circle() {
        let texts = [
            LIB,
            ("a", "use super::b::B; use super::own; mod part;"),
            ("a/part", "use super::A; use super::super::b;"),
            ("b", "#[cfg(test)] mod tests { use crate::a; } use crate::c;"),
            ("c", "use other::a; fn f(a: u8) { a.b() }"),
        ];
        assert_eq!(circles_of(&texts), Vec::<String>::new());
    }
}
