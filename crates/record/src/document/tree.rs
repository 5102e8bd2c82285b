//! The tree that every format is read into: an arena whose nodes are in document order.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

use super::{Error, Limits, Text, place};

/// A node of one tree. Ordered as in the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u32);

/// A name that some path of a plan mentions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NameId(u32);

impl NameId {
    /// A name that no path mentions.
    pub const OTHER: NameId = NameId(0);
}

/// The names that the paths of a plan mention: a reader turns each name into its number once, and
/// paths compare numbers.
#[derive(Clone, Debug, Default)]
pub struct Names {
    ids: HashMap<Box<str>, u32, BuildHasherDefault<NameHasher>>,
}

impl Names {
    pub fn intern(&mut self, name: &str) -> NameId {
        if let Some(id) = self.ids.get(name) {
            return NameId(*id);
        }
        let id = u32::try_from(self.ids.len() + 1).unwrap_or(u32::MAX);
        self.ids.insert(name.into(), id);
        NameId(id)
    }

    /// [`NameId::OTHER`] for a name that was never interned.
    pub fn find(&self, name: &str) -> NameId {
        self.ids.get(name).map_or(NameId::OTHER, |id| NameId(*id))
    }
}

/// FNV-1a: names are short and come from the mapping, not from a stranger.
#[derive(Clone, Debug)]
pub struct NameHasher(u64);

impl Default for NameHasher {
    fn default() -> Self {
        NameHasher(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for NameHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

const NONE: u32 = u32::MAX;

#[derive(Debug)]
struct Node<'t> {
    name: NameId,
    attribute: bool,
    parent: u32,
    /// The next child of the same parent; attributes follow their element directly.
    next: u32,
    first_child: u32,
    name_text: Text<'t>,
    text: Option<Text<'t>>,
    start: u32,
    end: u32,
}

/// A body, read. Borrows the decoded text.
#[derive(Debug)]
pub struct Tree<'t> {
    source: &'t str,
    nodes: Vec<Node<'t>>,
}

impl<'t> Tree<'t> {
    /// The node above everything; it has no name.
    pub fn root(&self) -> NodeId {
        NodeId(0)
    }

    pub fn name(&self, node: NodeId) -> NameId {
        self.node(node).name
    }

    /// The name as written, without a prefix.
    pub fn name_text(&self, node: NodeId) -> &str {
        &self.node(node).name_text
    }

    pub fn is_attribute(&self, node: NodeId) -> bool {
        self.node(node).attribute
    }

    pub fn parent(&self, node: NodeId) -> Option<NodeId> {
        let parent = self.node(node).parent;
        (parent != NONE).then_some(NodeId(parent))
    }

    /// The elements, members or lines directly inside, in order.
    pub fn children(&self, node: NodeId) -> impl Iterator<Item = NodeId> {
        let mut next = self.node(node).first_child;
        std::iter::from_fn(move || {
            let child = (next != NONE).then_some(NodeId(next))?;
            next = self.node(child).next;
            Some(child)
        })
    }

    pub fn attributes(&self, node: NodeId) -> impl Iterator<Item = NodeId> {
        let first = node.0 + 1;
        let follows = move |index: &u32| {
            self.nodes.get(*index as usize).is_some_and(|it| it.attribute && it.parent == node.0)
        };
        (first..).take_while(follows).map(NodeId)
    }

    /// Its own text and CDATA joined, without the elements inside, trimmed.
    pub fn text(&self, node: NodeId) -> Text<'t> {
        match &self.node(node).text {
            None => Text::Borrowed(""),
            Some(Text::Borrowed(text)) => Text::Borrowed(text.trim()),
            Some(Text::Owned(text)) => {
                let trimmed = text.trim();
                Text::Owned(trimmed.to_owned())
            }
        }
    }

    /// 1-based line of the body.
    pub fn line(&self, node: NodeId) -> u32 {
        place::of(self.source, self.node(node).start as usize).0
    }

    /// The bytes of the decoded text that the node was read from.
    pub fn span(&self, node: NodeId) -> Range<usize> {
        let node = self.node(node);
        node.start as usize..node.end as usize
    }

    /// How many nodes there are, the root included.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// A tree has a root, so it is never empty.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    fn node(&self, id: NodeId) -> &Node<'t> {
        &self.nodes[id.0 as usize]
    }
}

/// Makes a tree from front to back, under the limits.
pub(super) struct Builder<'t, 'l> {
    tree: Tree<'t>,
    names: &'l Names,
    limits: &'l Limits,
    /// Open nodes with their last child.
    open: Vec<(u32, u32)>,
}

impl<'t, 'l> Builder<'t, 'l> {
    pub fn new(source: &'t str, names: &'l Names, limits: &'l Limits) -> Self {
        let root = Node {
            name: NameId::OTHER,
            attribute: false,
            parent: NONE,
            next: NONE,
            first_child: NONE,
            name_text: Text::Borrowed(""),
            text: None,
            start: 0,
            end: u32::try_from(source.len()).unwrap_or(u32::MAX),
        };
        Builder { tree: Tree { source, nodes: vec![root] }, names, limits, open: vec![(0, NONE)] }
    }

    /// How many nodes are open above the root.
    pub fn depth(&self) -> usize {
        self.open.len() - 1
    }

    /// The name of the innermost open node.
    pub fn open_name(&self) -> &str {
        let (index, _) = self.innermost();
        &self.tree.nodes[index as usize].name_text
    }

    /// Opens a child of the innermost open node.
    pub fn open(&mut self, name: Text<'t>, start: usize) -> Result<(), Error> {
        if self.depth() >= self.limits.depth_max {
            return Err(Error::limit("depth").at(self.tree.source, start));
        }
        let (parent, last_child) = self.innermost();
        let index = self.push(name, false, parent, start)?;
        match last_child {
            NONE => self.tree.nodes[parent as usize].first_child = index,
            last => self.tree.nodes[last as usize].next = index,
        }
        if let Some(innermost) = self.open.last_mut() {
            innermost.1 = index;
        }
        self.open.push((index, NONE));
        Ok(())
    }

    /// An attribute of the innermost open node, before any child of it.
    pub fn attribute(
        &mut self,
        name: Text<'t>,
        value: Text<'t>,
        span: Range<usize>,
    ) -> Result<(), Error> {
        let (parent, _) = self.innermost();
        let index = self.push(name, true, parent, span.start)?;
        let node = &mut self.tree.nodes[index as usize];
        node.text = Some(value);
        node.end = u32::try_from(span.end).unwrap_or(u32::MAX);
        Ok(())
    }

    /// Appends to the innermost open node's own text.
    pub fn text(&mut self, more: Text<'t>) {
        let (index, _) = self.innermost();
        let text = &mut self.tree.nodes[index as usize].text;
        *text = Some(match text.take() {
            None => more,
            Some(before) => {
                let mut joined = before.into_owned();
                joined.push_str(&more);
                Text::Owned(joined)
            }
        });
    }

    /// Closes the innermost open node; `end` is one past its last byte.
    pub fn close(&mut self, end: usize) {
        if let Some((index, _)) = self.open.pop() {
            self.tree.nodes[index as usize].end = u32::try_from(end).unwrap_or(u32::MAX);
        }
    }

    pub fn finish(self) -> Tree<'t> {
        self.tree
    }

    fn innermost(&self) -> (u32, u32) {
        match self.open.last() {
            Some(open) => *open,
            None => unreachable!("the root is closed only by finish"),
        }
    }

    fn push(
        &mut self,
        name_text: Text<'t>,
        attribute: bool,
        parent: u32,
        start: usize,
    ) -> Result<u32, Error> {
        if self.tree.nodes.len() > self.limits.nodes_max {
            return Err(Error::limit("nodes").at(self.tree.source, start));
        }
        let index = u32::try_from(self.tree.nodes.len()).unwrap_or(NONE);
        self.tree.nodes.push(Node {
            name: self.names.find(&name_text),
            attribute,
            parent,
            next: NONE,
            first_child: NONE,
            name_text,
            text: None,
            start: u32::try_from(start).unwrap_or(u32::MAX),
            end: u32::try_from(start).unwrap_or(u32::MAX),
        });
        Ok(index)
    }
}
