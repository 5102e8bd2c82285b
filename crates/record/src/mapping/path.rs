//! Paths into a tree: `Person[@role='SUSPECT']/Surname`, parsed once, compared by name numbers.

use crate::document::{NameId, Names, NodeId, Tree};

use super::fault::{Cause, Fault};

/// A compiled path.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    text: String,
    /// Starts at the top, not at the node it is asked from.
    absolute: bool,
    steps: Vec<Step>,
    /// Matches can come out of order or twice, so they are sorted.
    unordered: bool,
}

/// One step and where it stands in the path's text.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    axis: Axis,
    test: Test,
    predicates: Vec<Predicate>,
    /// As written, without its brackets; for diagnostics.
    pub name: String,
    /// First byte of the name in the path's text.
    pub start: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Axis {
    Child,
    Descendant,
    Attribute,
    Parent,
    Here,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Test {
    Any,
    Name(NameId),
}

#[derive(Clone, Debug, PartialEq)]
enum Predicate {
    /// 1-based among the matches of the step under one parent.
    Position(usize),
    Has(Path),
    Equals(Path, String),
}

impl Path {
    /// Reads a path; its names become known to `names`.
    pub fn parse(text: &str, names: &mut Names) -> Result<Path, Fault> {
        let mut parser = Parser { text, at: 0, names };
        let path = parser.path(0)?;
        if parser.at < text.len() {
            let what = "a path goes on after its end: is a `/` missing?";
            return Err(Fault::new(Cause::Path, parser.at..text.len(), what));
        }
        Ok(path)
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    pub fn is_absolute(&self) -> bool {
        self.absolute
    }

    /// Adds what the path finds from `at`, in document order, each node once.
    pub fn select(&self, tree: &Tree<'_>, at: NodeId, out: &mut Vec<NodeId>) {
        let from = out.len();
        let start = if self.absolute { tree.root() } else { at };
        self.walk(tree, 0, start, &mut |node| {
            out.push(node);
            false
        });
        if self.unordered {
            out[from..].sort_unstable();
            let mut kept = from;
            for index in from..out.len() {
                if index == from || out[index] != out[kept - 1] {
                    out[kept] = out[index];
                    kept += 1;
                }
            }
            out.truncate(kept);
        }
    }

    /// Whether the path finds anything from `at` that passes.
    fn any(&self, tree: &Tree<'_>, at: NodeId, pass: &dyn Fn(NodeId) -> bool) -> bool {
        let start = if self.absolute { tree.root() } else { at };
        self.walk(tree, 0, start, &mut |node| pass(node))
    }

    /// Calls `found` for each match until it answers true.
    fn walk(
        &self,
        tree: &Tree<'_>,
        index: usize,
        at: NodeId,
        found: &mut dyn FnMut(NodeId) -> bool,
    ) -> bool {
        let Some(step) = self.steps.get(index) else { return found(at) };
        let mut counts = [0usize; PREDICATES_MAX];
        let mut go_on = |candidate: NodeId| {
            step.takes(tree, candidate, &mut counts) && self.walk(tree, index + 1, candidate, found)
        };
        match step.axis {
            Axis::Child => tree.children(at).any(&mut go_on),
            Axis::Attribute => tree.attributes(at).any(&mut go_on),
            Axis::Parent => tree.parent(at).is_some_and(&mut go_on),
            Axis::Here => go_on(at),
            Axis::Descendant => {
                let mut waiting: Vec<NodeId> = tree.children(at).collect();
                waiting.reverse();
                while let Some(node) = waiting.pop() {
                    if go_on(node) {
                        return true;
                    }
                    let before = waiting.len();
                    waiting.extend(tree.children(node));
                    waiting[before..].reverse();
                }
                false
            }
        }
    }
}

/// Brackets on one step.
const PREDICATES_MAX: usize = 4;

/// Brackets inside brackets.
const NESTING_MAX: usize = 4;

impl Step {
    fn takes(&self, tree: &Tree<'_>, node: NodeId, counts: &mut [usize; PREDICATES_MAX]) -> bool {
        if let Test::Name(name) = self.test
            && tree.name(node) != name
        {
            return false;
        }
        self.predicates.iter().zip(counts).all(|(predicate, count)| match predicate {
            Predicate::Position(position) => {
                *count += 1;
                *count == *position
            }
            Predicate::Has(path) => path.any(tree, node, &|_| true),
            Predicate::Equals(path, value) => {
                path.any(tree, node, &|found| tree.text(found) == value.as_str())
            }
        })
    }
}

struct Parser<'p, 'n> {
    text: &'p str,
    at: usize,
    names: &'n mut Names,
}

impl<'p> Parser<'p, '_> {
    fn path(&mut self, nesting: usize) -> Result<Path, Fault> {
        self.blanks();
        let start = self.at;
        let mut steps = Vec::new();
        let absolute = self.rest().starts_with('/');
        let mut deep = self.eat("//");
        if !deep {
            self.eat("/");
        }
        let only_root = absolute && !deep && self.at_end();
        while !only_root {
            steps.push(self.step(deep, nesting)?);
            deep = self.eat("//");
            if !deep && !self.eat("/") {
                break;
            }
        }
        let moves = |axis| matches!(axis, Axis::Descendant | Axis::Parent);
        Ok(Path {
            text: self.text[start..self.at].trim().to_owned(),
            absolute,
            unordered: steps.iter().any(|step: &Step| moves(step.axis)),
            steps,
        })
    }

    fn step(&mut self, deep: bool, nesting: usize) -> Result<Step, Fault> {
        self.blanks();
        let attribute = self.eat("@");
        let start = self.at;
        let name = self.name();
        let range = start..self.at.max(start + 1).min(self.text.len().max(start));
        let (axis, test) = match (name, attribute, deep) {
            ("", _, _) => {
                return Err(Fault::new(Cause::Path, range, "a name is missing in the path"));
            }
            ("this", false, false) => {
                let what = "`this` is not available yet: write the path from the record";
                return Err(Fault::new(Cause::Path, range, what));
            }
            ("..", false, false) => (Axis::Parent, Test::Any),
            (".", false, false) => (Axis::Here, Test::Any),
            ("..", ..) | (".", ..) => {
                return Err(Fault::new(Cause::Path, range, "dots stand alone in a step"));
            }
            (_, true, true) => {
                let what = "an attribute at any depth is written `//*/@name`";
                return Err(Fault::new(Cause::Path, range, what));
            }
            ("*", true, _) => (Axis::Attribute, Test::Any),
            ("*", false, true) => (Axis::Descendant, Test::Any),
            ("*", false, false) => (Axis::Child, Test::Any),
            (name, true, _) => (Axis::Attribute, Test::Name(self.names.intern(name))),
            (name, false, true) => (Axis::Descendant, Test::Name(self.names.intern(name))),
            (name, false, false) => (Axis::Child, Test::Name(self.names.intern(name))),
        };
        let mut predicates = Vec::new();
        while self.eat("[") {
            let open = self.at - 1;
            if predicates.len() == PREDICATES_MAX || nesting == NESTING_MAX {
                return Err(Fault::new(Cause::Path, open..self.at, "too many brackets"));
            }
            predicates.push(self.predicate(open, nesting + 1)?);
        }
        Ok(Step { axis, test, predicates, name: name.to_owned(), start })
    }

    fn predicate(&mut self, open: usize, nesting: usize) -> Result<Predicate, Fault> {
        self.blanks();
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        let after = self.rest()[digits..].trim_start();
        let predicate = if digits > 0 && after.starts_with(']') {
            let position = self.rest()[..digits].parse().unwrap_or(0);
            if position == 0 {
                let range = self.at..self.at + digits;
                return Err(Fault::new(Cause::Path, range, "positions are counted from 1"));
            }
            self.at += digits;
            Predicate::Position(position)
        } else {
            let path = self.path(nesting)?;
            self.blanks();
            if self.eat("=") { self.equals(path)? } else { Predicate::Has(path) }
        };
        self.blanks();
        if !self.eat("]") {
            return Err(Fault::new(Cause::Path, open..self.at, "the bracket is not closed"));
        }
        Ok(predicate)
    }

    fn equals(&mut self, path: Path) -> Result<Predicate, Fault> {
        self.blanks();
        let start = self.at;
        let quote = self.rest().chars().next().filter(|c| matches!(c, '\'' | '"'));
        let Some(quote) = quote else {
            let end = self.rest().find(']').map_or(self.text.len(), |found| start + found);
            let what = "a value stands in quotes; comparing two paths is not available yet";
            return Err(Fault::new(Cause::Path, start..end, what));
        };
        self.at += 1;
        let Some(length) = self.rest().find(quote) else {
            return Err(Fault::new(Cause::Path, start..self.text.len(), "a quote is not closed"));
        };
        let value = self.rest()[..length].trim().to_owned();
        self.at += length + 1;
        Ok(Predicate::Equals(path, value))
    }

    /// Everything up to what ends a name; names may hold blanks inside.
    fn name(&mut self) -> &'p str {
        let rest = &self.text[self.at..];
        let length = rest.find(['/', '[', ']', '=', '@']).unwrap_or(rest.len());
        let name = rest[..length].trim_end();
        self.at += name.len();
        let after = self.at;
        self.blanks();
        if !self.rest().starts_with(['/', '[', ']', '=']) && !self.at_end() {
            self.at = after;
        }
        // A prefix is dropped, as it is in the documents.
        name.rsplit_once(':').map_or(name, |(_, local)| local)
    }

    fn rest(&self) -> &'p str {
        &self.text[self.at..]
    }

    fn at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    fn blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn eat(&mut self, mark: &str) -> bool {
        let there = self.rest().starts_with(mark);
        self.at += if there { mark.len() } else { 0 };
        there
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Format, Limits, parse};

    const TEXT: &str = "<E n='0'><P role='V'><S>Ann</S></P><P role='S' id='7'><S>Bob</S><C t='M'>1</C>\
        <C t='M'>2</C><C t='H'>3</C></P><D><P><S>Cy</S></P></D></E>";

    /// The texts that a path finds from the root element.
    fn check(path: &str, expected: &[&str]) {
        let mut names = Names::default();
        let path = Path::parse(path, &mut names).unwrap();
        let tree = parse(TEXT, &Format::Xml, &names, &Limits::default()).unwrap();
        let element = tree.children(tree.root()).next().unwrap();
        let mut found = Vec::new();
        path.select(&tree, element, &mut found);
        let texts: Vec<_> = found.iter().map(|node| tree.text(*node).into_owned()).collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn steps_predicates_and_attributes() {
        check("P/S", &["Ann", "Bob"]);
        check("P[@role='S']/S", &["Bob"]);
        check("P[@role = \"S\"][S]/C[2]", &["2"]);
        check("P/C[@t='M'][2]", &["2"]);
        check("P[2]/@id", &["7"]);
        check("/E/@n", &["0"]);
        check("P[C]/S", &["Bob"]);
        check("P[S='Bob']/C[@t='H']", &["3"]);
        check("*/S", &["Ann", "Bob"]);
        check("x:P/y:S", &["Ann", "Bob"]);
        check("P/@*", &["V", "S", "7"]);
        check("Nothing/Here", &[]);
    }

    #[test]
    fn depth_parents_and_order() {
        check("//S", &["Ann", "Bob", "Cy"]);
        check("//P[not]", &[]);
        check("P/C/../S", &["Bob"]);
        check("//P//S", &["Ann", "Bob", "Cy"]);
        check("D//S", &["Cy"]);
        check("./P[1]/S", &["Ann"]);
    }

    #[test]
    fn names_may_hold_blanks() {
        let mut names = Names::default();
        let path = Path::parse("row/RISK GRADE", &mut names).unwrap();
        assert_eq!(path.steps()[1].name, "RISK GRADE");
        assert_eq!(path.text(), "row/RISK GRADE");
    }

    /// A path with a mistake, and the underlined part.
    fn fault(path: &str, underlined: &str) {
        let fault = Path::parse(path, &mut Names::default()).unwrap_err();
        assert_eq!(&path[fault.start..fault.end], underlined, "{}", fault.what);
    }

    #[test]
    fn faults_underline_what_is_wrong() {
        fault("A//", "");
        fault("A[", "");
        fault("A[B", "[B");
        fault("A[0]", "0");
        fault("A[@b='c]", "'c]");
        fault("A[@b=c]", "c");
        fault("this/A", "this");
        fault("A]", "]");
        fault("//@x", "x");
    }
}
