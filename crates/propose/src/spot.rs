//! Every place of the samples that holds a text, with all its texts.

use std::collections::BTreeMap;

use super::word::words;
use cara_document::{NodeId, Tree};

/// One text where it stands.
#[derive(Clone)]
pub(super) struct SeenText {
    /// Which sample.
    pub body: usize,
    /// Which record of all samples; of what stands outside of a record, none.
    pub record: Option<usize>,
    /// The record, or the item of the block that the place is read in.
    pub item: NodeId,
    /// What it stands in.
    pub parent: Option<NodeId>,
    pub text: String,
}

/// The sibling that a path means, by the text of one of its parts: `[@type='MOB']`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tag {
    /// Index of the step that has it.
    pub step: usize,
    /// `@type`, or the name of a child.
    pub by: String,
    pub text: String,
}

/// A place of a record: a path without positions, and everything that stands there.
pub(super) struct Spot {
    /// From the record or item down, an attribute as `@name`; from the top of the body if `above`.
    pub steps: Vec<String>,
    pub above: bool,
    pub tag: Option<Tag>,
    pub seen: Vec<SeenText>,
}

impl Spot {
    /// The path as a mapping writes it.
    pub fn path(&self) -> String {
        let mut path = if self.above { "/".to_owned() } else { String::new() };
        for (index, step) in self.steps.iter().enumerate() {
            if index > 0 {
                path.push('/');
            }
            path.push_str(&quoted(step));
            if let Some(tag) = self.tag.as_ref().filter(|tag| tag.step == index) {
                path.push_str(&bracket(&tag.by, &tag.text));
            }
        }
        if path.is_empty() { ".".to_owned() } else { path }
    }

    pub fn texts(&self) -> impl Iterator<Item = &str> + Clone {
        self.seen.iter().map(|seen| seen.text.as_str())
    }

    /// The different texts, in order.
    pub fn distinct(&self) -> Vec<&str> {
        let mut texts: Vec<&str> = self.texts().collect();
        texts.sort_unstable();
        texts.dedup();
        texts
    }

    /// Whether some item has several texts here.
    pub fn repeats(&self) -> bool {
        let mut items: Vec<_> = self.seen.iter().map(|seen| (seen.body, seen.item)).collect();
        let all = items.len();
        items.sort_unstable();
        items.dedup();
        items.len() < all
    }

    /// The words of its last step, and those of the steps before with those of the tag.
    pub fn words(&self) -> (Vec<String>, Vec<Vec<String>>) {
        // What stands in the item itself is its text.
        let last = self.steps.last().map_or(vec!["text".to_owned()], |step| words(step));
        let until = self.steps.len().saturating_sub(1);
        let mut before: Vec<Vec<String>> =
            self.steps[..until].iter().map(|step| words(step)).collect();
        if let Some(tag) = &self.tag {
            before.push(words(&tag.text));
        }
        (last, before)
    }
}

/// `[@role='SUSPECT']`
pub(super) fn bracket(by: &str, text: &str) -> String {
    let quote = if text.contains('\'') { '"' } else { '\'' };
    format!("[{}={quote}{text}{quote}]", self::quoted(by))
}

/// A name of a path, in double quotes where it holds what a path is written with.
pub(super) fn quoted(step: &str) -> String {
    match step.strip_prefix('@') {
        Some(_) => step.to_owned(),
        None if step.contains(['/', '[', ']', '@', '=']) => format!("\"{step}\""),
        None => step.to_owned(),
    }
}

/// Siblings of one name that a part of them tells apart.
#[derive(Clone, Debug)]
pub(super) struct Split {
    pub steps: Vec<String>,
    pub by: String,
    pub texts: Vec<String>,
    pub is_person: bool,
}

/// Where the texts of one item are gathered.
pub(super) struct Gather<'a> {
    pub splits: &'a [Split],
    /// Elements that are read in a block of their own: not gone into.
    pub apart: &'a [Vec<String>],
}

/// Spots while they are gathered, by path.
#[derive(Default)]
pub(super) struct Spots {
    all: BTreeMap<(Vec<String>, Option<Tag>), usize>,
    pub list: Vec<Spot>,
}

/// Where a walk stands.
#[derive(Clone, Copy)]
pub(super) struct WalkPosition {
    pub body: usize,
    pub record: Option<usize>,
    pub item: NodeId,
}

impl Spots {
    /// Adds every text below the item. `base` is where the item stands, from the record.
    pub fn gather(
        &mut self,
        tree: &Tree<'_>,
        from: WalkPosition,
        base: &[String],
        gather: &Gather<'_>,
    ) {
        let mut steps = base.to_vec();
        self.node(tree, from.item, from, base.len(), &mut steps, None, gather);
    }

    #[expect(clippy::too_many_arguments, reason = "a walk carries where it is and what it knows")]
    fn node(
        &mut self,
        tree: &Tree<'_>,
        node: NodeId,
        from: WalkPosition,
        base: usize,
        steps: &mut Vec<String>,
        tag: Option<Tag>,
        gather: &Gather<'_>,
    ) {
        self.text(tree, node, from, &steps[base..], tag.as_ref());
        for attribute in tree.attributes(node) {
            steps.push(format!("@{}", tree.name_text(attribute)));
            self.text(tree, attribute, from, &steps[base..], tag.as_ref());
            steps.pop();
        }
        for child in tree.children(node) {
            steps.push(tree.name_text(child).to_owned());
            if !gather.apart.contains(steps) {
                let own = gather.splits.iter().find(|it| !it.is_person && it.steps == *steps);
                let own = own.and_then(|split| {
                    let text = part(tree, child, &split.by)?;
                    let step = steps.len() - 1 - base;
                    Some(Tag { step, by: split.by.clone(), text })
                });
                let tag = own.or_else(|| tag.clone());
                self.node(tree, child, from, base, steps, tag, gather);
            }
            steps.pop();
        }
    }

    fn text(
        &mut self,
        tree: &Tree<'_>,
        node: NodeId,
        from: WalkPosition,
        steps: &[String],
        tag: Option<&Tag>,
    ) {
        let text = tree.text(node).into_owned();
        if text.is_empty() {
            return;
        }
        let key = (steps.to_vec(), tag.cloned());
        let list = &mut self.list;
        let index = *self.all.entry(key).or_insert_with(|| {
            let (steps, tag) = (steps.to_vec(), tag.cloned());
            list.push(Spot { steps, above: from.record.is_none(), tag, seen: Vec::new() });
            list.len() - 1
        });
        let WalkPosition { body, record, item } = from;
        let parent = tree.parent(node);
        list[index].seen.push(SeenText { body, record, item, parent, text });
    }
}

/// The text of an attribute or child.
pub(super) fn part(tree: &Tree<'_>, node: NodeId, by: &str) -> Option<String> {
    let found = match by.strip_prefix('@') {
        Some(name) => tree.attributes(node).find(|it| tree.name_text(*it) == name),
        None => tree.children(node).find(|it| tree.name_text(*it) == by),
    };
    found.map(|node| tree.text(node).into_owned()).filter(|text| !text.is_empty())
}
