//! Paths into a tree: `Person[@role='SUSPECT']/Surname`, parsed once, compared by name numbers.
//!
//! | written | finds |
//! | --- | --- |
//! | `A/B` | the `B` directly inside an `A` directly inside the item |
//! | `@id`, `@*` | attributes |
//! | `*` | children of any name |
//! | `A//B`, `.//B` | `B` at any depth inside |
//! | `//B` | `B` at any depth inside the record |
//! | `/A` | from the top of the body |
//! | `.`, `..` | the item itself, what it stands in |
//! | `A[B]`, `A[@b='x']`, `A[B/C = 'x']` | only an `A` that has it; that has one with this text |
//! | `A[@id = this/B/@ref]` | only an `A` tied to the item: any text of one side equals any of the other |
//! | `A[2]` | the second of those `A` inside one parent that the brackets before it left |
//!
//! The right side of a join is read from where `this/` (the item), `../` or `//` (the record) says.
//! Several brackets mean all. A name may hold blanks; one that holds `/`, `[` or `]` stands in
//! double quotes. A prefix that the mapping declares finds only what is in that namespace; any
//! other is dropped, as it is in XML documents. Texts are compared after trimming. Where an
//! attribute was opened by `[[unwrap]]`, a path goes on behind it: `@payload/Case`.

mod parse;
mod unmet;

use std::ops::Range;

use cara_document::{NameId, NameTable, NodeId, Tree};

use super::fault::PhraseFault;

/// A compiled path.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    text: String,
    origin: Origin,
    steps: Vec<PathStep>,
    /// One way leads to each match and ways come in document order, so that nothing has to be
    /// sorted: no `..`, and `//` once at most, in the last step.
    direct: bool,
    /// The right sides of its joins; a bracket names one by its place here.
    joins: Vec<Path>,
}

/// Where a path begins.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Origin {
    /// At the item that the mapping stands in.
    Item,
    /// At the top of the body: a leading `/`.
    Body,
    /// At the record, whatever the item: a leading `//`. Never at the body, which may hold other
    /// people's records.
    Record,
}

/// One step and where it stands in the path's text.
#[derive(Clone, Debug, PartialEq)]
pub struct PathStep {
    axis: Axis,
    /// At any depth.
    deep: bool,
    test: Test,
    brackets: Vec<Bracket>,
    /// As written, without its brackets, `@` and prefix; for diagnostics.
    pub name: String,
    /// The namespace of a declared prefix, by its number in the plan; 0 for any.
    pub space: u8,
    /// Of the name, in the path's text.
    pub at: Range<usize>,
    /// Of all its brackets, in the path's text; empty when there are none.
    pub brackets_at: Range<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Axis {
    Child,
    Attribute,
    Parent,
    Here,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Test {
    Any,
    Name(NameId),
    /// `x:Name`: XML drops prefixes, JSON keys and CSV headers keep what looks like one.
    Prefixed {
        local: NameId,
        whole: NameId,
    },
    /// `x:Name` with a declared prefix.
    Within {
        local: NameId,
        space: u8,
    },
    /// `x:*` with a declared prefix.
    AnyWithin(u8),
}

/// What stands in brackets.
#[derive(Clone, Debug, PartialEq)]
enum Bracket {
    /// 1-based.
    Position(usize),
    Has(Vec<PathStep>),
    Equals(Vec<PathStep>, String),
    /// Some text of the candidate's path is one of the texts that this join of the path has found.
    Joined(Vec<PathStep>, usize),
}

/// What the right sides of a path's joins have found, each in its place.
type Found<'f> = &'f [Vec<NodeId>];

/// Brackets on one step.
const BRACKETS_MAX: usize = 4;

/// Where a path is asked from: an item, and the record that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathStart {
    pub record: NodeId,
    pub item: NodeId,
}

/// The record itself.
impl From<NodeId> for PathStart {
    fn from(record: NodeId) -> Self {
        PathStart { record, item: record }
    }
}

/// The first step of a path that finds nothing in a tree, for a did-you-mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadEnd {
    /// The name, or the brackets when only they let nothing through, in the path's text.
    pub at: Range<usize>,
    /// The name that was looked for.
    pub name: String,
    /// The names that are there instead, each once, in document order.
    pub present: Vec<String>,
    /// The name is there, in another namespace.
    pub in_other_space: bool,
}

impl DeadEnd {
    /// Adds names that are there in another place.
    pub fn add(&mut self, names: &[String]) {
        let more = names.iter().filter(|name| !self.present.contains(name));
        let more: Vec<String> = more.cloned().collect();
        self.present.extend(more);
    }
}

impl Path {
    /// Reads a path; its names become known to `names`.
    pub fn parse(text: &str, names: &mut NameTable) -> Result<Path, PhraseFault> {
        parse::path(text, names)
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn steps(&self) -> &[PathStep] {
        &self.steps
    }

    /// Whether it finds attributes, not elements.
    pub fn ends_in_attribute(&self) -> bool {
        self.steps.last().is_some_and(|step| step.axis == Axis::Attribute)
    }

    /// Adds what the path finds, in document order, each node once. Beyond `out` it allocates only
    /// for paths with `..` or with steps behind `//`; the work is bounded by the nodes of the tree
    /// times the steps, times the depth.
    pub fn select(&self, tree: &Tree<'_>, from: impl Into<PathStart>, out: &mut Vec<NodeId>) {
        let from = from.into();
        let joined = self.joined(tree, from);
        select(&self.steps, self.direct, tree, self.start(tree, from), &joined, out);
    }

    /// Asked once for all candidates, since it does not depend on them.
    fn joined(&self, tree: &Tree<'_>, from: PathStart) -> Vec<Vec<NodeId>> {
        let find = |join: &Path| {
            let mut found = Vec::new();
            join.select(tree, from, &mut found);
            found
        };
        self.joins.iter().map(find).collect()
    }

    /// The first step that finds nothing; `None` when the path finds something.
    pub fn dead_end(&self, tree: &Tree<'_>, from: impl Into<PathStart>) -> Option<DeadEnd> {
        let from = from.into();
        let start = self.start(tree, from);
        let joined = self.joined(tree, from);
        let reached = |steps: &[PathStep]| {
            let mut found = Vec::new();
            select(steps, false, tree, start, &joined, &mut found);
            found
        };
        let dead =
            (0..self.steps.len()).find(|index| reached(&self.steps[..=*index]).is_empty())?;
        let step = &self.steps[dead];
        let mut present: Vec<String> = Vec::new();
        let mut is_there = false;
        let mut in_other_space = false;
        for node in reached(&self.steps[..dead]) {
            let around: Vec<NodeId> = match (step.axis, step.deep) {
                (Axis::Attribute, false) => tree.attributes(node).collect(),
                (_, false) => tree.children(node).collect(),
                (axis, true) => {
                    let wanted = axis == Axis::Attribute;
                    tree.subtree(node).filter(|it| tree.is_attribute(*it) == wanted).collect()
                }
            };
            for node in around {
                is_there |= step.test.fits(tree, node);
                in_other_space |= step.test.fits_but_for_space(tree, node);
                let name = tree.name_text(node);
                if !name.is_empty() && !present.iter().any(|known| known == name) {
                    present.push(name.to_owned());
                }
            }
        }
        let at = if is_there { &step.brackets_at } else { &step.at };
        in_other_space &= !is_there;
        Some(DeadEnd { at: at.clone(), name: step.name.clone(), present, in_other_space })
    }

    fn start(&self, tree: &Tree<'_>, from: PathStart) -> NodeId {
        match self.origin {
            Origin::Item => from.item,
            Origin::Body => tree.root(),
            Origin::Record => from.record,
        }
    }
}

fn select(
    steps: &[PathStep],
    direct: bool,
    tree: &Tree<'_>,
    start: NodeId,
    joined: Found<'_>,
    out: &mut Vec<NodeId>,
) {
    if direct {
        walk(steps, tree, start, joined, &mut |node| {
            out.push(node);
            false
        });
        return;
    }
    // Step by step, each node once, so that many ways to one node cost no more than one.
    let mut reached = vec![start];
    let mut next = Vec::new();
    for step in steps {
        let mut covered: Option<NodeId> = None;
        for node in reached.drain(..) {
            let counts_by_parent = step.brackets.iter().any(Bracket::is_position);
            if step.deep && !counts_by_parent {
                // What is below a node that was searched through was found already.
                if covered.is_some_and(|outer| tree.is_within(node, outer)) {
                    continue;
                }
                covered = Some(node);
            }
            walk(std::slice::from_ref(step), tree, node, joined, &mut |found| {
                if next.last() != Some(&found) {
                    next.push(found);
                }
                false
            });
        }
        next.sort_unstable();
        next.dedup();
        std::mem::swap(&mut reached, &mut next);
    }
    out.append(&mut reached);
}

/// Calls `found` for each match until it answers true; says whether it did.
fn walk<F: FnMut(NodeId) -> bool>(
    steps: &[PathStep],
    tree: &Tree<'_>,
    at: NodeId,
    joined: Found<'_>,
    found: &mut F,
) -> bool {
    let Some((step, rest)) = steps.split_first() else { return found(at) };
    if step.deep {
        return walk_deep(step, rest, tree, at, joined, found);
    }
    let mut counts = [0; BRACKETS_MAX];
    match step.axis {
        Axis::Child => {
            for child in tree.children(at) {
                if step.takes(tree, child, joined, &mut counts)
                    && walk(rest, tree, child, joined, found)
                {
                    return true;
                }
            }
            false
        }
        Axis::Attribute => {
            for attribute in tree.attributes(at) {
                if step.takes(tree, attribute, joined, &mut counts)
                    && walk(rest, tree, attribute, joined, found)
                {
                    return true;
                }
            }
            false
        }
        Axis::Parent => match tree.parent(at) {
            Some(parent) => {
                step.takes(tree, parent, joined, &mut counts)
                    && walk(rest, tree, parent, joined, found)
            }
            None => false,
        },
        Axis::Here => {
            step.takes(tree, at, joined, &mut counts) && walk(rest, tree, at, joined, found)
        }
    }
}

fn walk_deep<F: FnMut(NodeId) -> bool>(
    step: &PathStep,
    rest: &[PathStep],
    tree: &Tree<'_>,
    at: NodeId,
    joined: Found<'_>,
    found: &mut F,
) -> bool {
    let attributes = step.axis == Axis::Attribute;
    if !step.brackets.iter().any(Bracket::is_position) {
        let mut counts = [0; BRACKETS_MAX];
        for node in tree.subtree(at).skip(1) {
            if tree.is_attribute(node) == attributes
                && step.takes(tree, node, joined, &mut counts)
                && walk(rest, tree, node, joined, found)
            {
                return true;
            }
        }
        return false;
    }
    for parent in tree.subtree(at) {
        let mut counts = [0; BRACKETS_MAX];
        if tree.is_attribute(parent) {
            continue;
        }
        for child in tree.children(parent) {
            if step.takes(tree, child, joined, &mut counts)
                && walk(rest, tree, child, joined, found)
            {
                return true;
            }
        }
    }
    false
}

impl PathStep {
    /// Whether a candidate has the name and passes the brackets; `counts` are of one parent.
    /// Most candidates have another name, so that is asked before anything is called.
    #[inline(always)]
    fn takes(
        &self,
        tree: &Tree<'_>,
        node: NodeId,
        joined: Found<'_>,
        counts: &mut [usize; BRACKETS_MAX],
    ) -> bool {
        self.test.fits(tree, node)
            && (self.brackets.is_empty() || self.passes(tree, node, joined, counts))
    }

    fn passes(
        &self,
        tree: &Tree<'_>,
        node: NodeId,
        joined: Found<'_>,
        counts: &mut [usize; BRACKETS_MAX],
    ) -> bool {
        self.brackets.iter().zip(counts).all(|(bracket, count)| match bracket {
            Bracket::Position(position) => {
                *count += 1;
                *count == *position
            }
            Bracket::Has(steps) => walk(steps, tree, node, joined, &mut |_| true),
            Bracket::Equals(steps, text) => {
                walk(steps, tree, node, joined, &mut |found| tree.peek(found) == text)
            }
            Bracket::Joined(steps, number) => {
                let others = joined.get(*number).map_or(&[][..], Vec::as_slice);
                walk(steps, tree, node, joined, &mut |found| {
                    let text = tree.peek(found);
                    // Nothing is tied by what is not there.
                    !text.is_empty() && others.iter().any(|other| tree.peek(*other) == text)
                })
            }
        })
    }
}

impl Test {
    #[inline(always)]
    fn fits(self, tree: &Tree<'_>, node: NodeId) -> bool {
        match self {
            Test::Name(wanted) => tree.name(node) == wanted,
            other => other.fits_otherwise(tree, node),
        }
    }

    /// Nearly every test is of a bare name.
    fn fits_otherwise(self, tree: &Tree<'_>, node: NodeId) -> bool {
        let name = tree.name(node);
        match self {
            Test::Name(wanted) => name == wanted,
            Test::Any => true,
            Test::Prefixed { local, whole } => name == local || name == whole,
            Test::Within { local, space } => name == local && tree.space(node) == space,
            Test::AnyWithin(space) => tree.space(node) == space,
        }
    }

    /// Whether only the namespace is another one.
    fn fits_but_for_space(self, tree: &Tree<'_>, node: NodeId) -> bool {
        match self {
            Test::Within { local, space } => tree.name(node) == local && tree.space(node) != space,
            _ => false,
        }
    }
}

impl Bracket {
    fn is_position(&self) -> bool {
        matches!(self, Bracket::Position(_))
    }
}

#[cfg(test)]
mod tests;
