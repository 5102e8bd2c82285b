//! The tree that all formats become: an arena in document order.
//!
//! A node's attributes follow it at once, then its descendants; so a subtree is a range of ids,
//! and ids in rising order are document order. Texts are positions in the decoded body, or in one
//! buffer beside it for those that are not there literally (entities, escapes, CDATA joined).

use std::borrow::Cow;
use std::ops::Range;
use std::sync::OnceLock;

use super::line::LineIndex;
use super::name::{NameId, NameTable};
use super::node::{Layer, MADE, Node, NodeId, Piece};
use super::{Fail, Limits, Written};

/// A parsed body. The root is the document itself: its children are the XML root element, the
/// members of a JSON object (or `item`s of an array), the rows of a CSV, the lines of a fixed
/// width file. What [`super::open`] opened stands below the node that carries it.
pub struct Tree<'t> {
    pub(super) source: &'t str,
    pub(super) made: String,
    pub(super) nodes: Vec<Node>,
    pub(super) lines: OnceLock<LineIndex>,
    /// How the body is written.
    pub(super) written: Written,
    /// What was opened, by the first node inside.
    pub(super) layers: Vec<Layer>,
}

impl<'t> Tree<'t> {
    pub fn root(&self) -> NodeId {
        NodeId(0)
    }

    /// Nodes, attributes and the root included.
    #[expect(clippy::len_without_is_empty, reason = "a tree has a root, so it is never empty")]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    #[inline]
    pub fn name(&self, node: NodeId) -> NameId {
        self.node(node).name
    }

    /// The name without its prefix; empty for the root.
    pub fn name_text(&self, node: NodeId) -> &str {
        self.read(self.node(node).name_text)
    }

    #[inline]
    pub fn is_attribute(&self, node: NodeId) -> bool {
        self.node(node).is_attribute
    }

    #[inline]
    pub fn parent(&self, node: NodeId) -> Option<NodeId> {
        (node.0 != 0).then(|| NodeId(self.node(node).parent))
    }

    /// Child elements in document order.
    #[inline]
    pub fn children(&self, node: NodeId) -> Children<'_, 't> {
        let parent = self.node(node);
        Children {
            tree: self,
            next: node.0 + 1 + u32::from(parent.attribute_count),
            end: parent.end,
        }
    }

    /// Attributes in document order; only XML has them.
    #[inline]
    pub fn attributes(&self, node: NodeId) -> impl Iterator<Item = NodeId> + use<> {
        let first = node.0 + 1;
        (first..first + u32::from(self.node(node).attribute_count)).map(NodeId)
    }

    /// The node, its attributes and everything below, in document order.
    #[inline]
    pub fn subtree(&self, node: NodeId) -> impl Iterator<Item = NodeId> + use<> {
        (node.0..self.node(node).end).map(NodeId)
    }

    /// Whether a node is the other one or stands below it.
    pub fn is_within(&self, node: NodeId, outer: NodeId) -> bool {
        node.0 >= outer.0 && node.0 < self.node(outer).end
    }

    /// The node's own text, all pieces of it joined, without white space around it.
    #[inline]
    pub fn text(&self, node: NodeId) -> Cow<'t, str> {
        let piece = self.node(node).text;
        if piece.start & MADE == 0 {
            let start = piece.start as usize;
            Cow::Borrowed(self.source[start..start + piece.len as usize].trim())
        } else {
            Cow::Owned(self.read(piece).trim().to_owned())
        }
    }

    /// The same as [`Tree::text`] without ever making a copy; for comparing.
    #[inline]
    pub fn peek(&self, node: NodeId) -> &str {
        self.read(self.node(node).text).trim()
    }

    /// Which of the namespaces that the plan declares the node is in; 0 for none of them.
    #[inline]
    pub fn space(&self, node: NodeId) -> u8 {
        self.node(node).space
    }

    /// Where the node stands in the decoded body without its byte order mark: an element from `<` to `>`, a JSON member from
    /// its key, an array's element from its value, a row or line with its line end, a fixed width
    /// record to the end of its last line. A group of CSV rows spans from its first row to its
    /// last, and other groups' rows may stand between. Of a node inside something opened: where it
    /// stands in that text.
    pub fn span(&self, node: NodeId) -> Range<usize> {
        let (start, end) = self.node(node).span;
        start as usize..end as usize
    }

    /// The innermost opened text that holds the node; `None` for the body.
    pub(super) fn layer_of(&self, node: NodeId) -> Option<usize> {
        let behind = self.layers.partition_point(|layer| layer.first <= node.0);
        let mut layer = behind.checked_sub(1)?;
        while node.0 >= self.layers[layer].end {
            layer = self.layers[layer].outer?;
        }
        Some(layer)
    }

    /// How the text is written that holds the node.
    pub(super) fn written_in(&self, layer: Option<usize>) -> Written {
        layer.map_or(self.written, |layer| self.layers[layer].written)
    }

    /// The text that holds the node.
    pub(super) fn holding(&self, layer: Option<usize>) -> &str {
        layer.map_or(self.source, |layer| self.read(self.layers[layer].text))
    }
    /// A text that does not stand in the body literally.
    pub(super) fn make(&mut self, text: &str) -> Piece {
        let start = self.made.len() as u32 | MADE;
        self.made.push_str(text);
        Piece { start, len: text.len() as u32 }
    }

    /// Bytes of texts that do not stand in the body literally.
    #[cfg(test)]
    pub(crate) fn made_bytes(&self) -> usize {
        self.made.len()
    }

    #[cfg(test)]
    pub(crate) fn node_bytes() -> usize {
        size_of::<Node>()
    }

    #[inline]
    pub(super) fn node(&self, node: NodeId) -> &Node {
        &self.nodes[node.0 as usize]
    }

    #[inline]
    pub(super) fn read(&self, piece: Piece) -> &str {
        let start = (piece.start & !MADE) as usize;
        let text = if piece.start & MADE == 0 { self.source } else { &self.made };
        &text[start..start + piece.len as usize]
    }
}

/// Says how large the tree is; what is in it is a person's.
impl std::fmt::Debug for Tree<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tree").field("nodes", &self.nodes.len()).finish_non_exhaustive()
    }
}

/// The child elements of a node.
#[derive(Clone, Debug)]
pub struct Children<'a, 't> {
    tree: &'a Tree<'t>,
    next: u32,
    end: u32,
}

impl Iterator for Children<'_, '_> {
    type Item = NodeId;

    #[inline]
    fn next(&mut self) -> Option<NodeId> {
        if self.next >= self.end {
            return None;
        }
        let child = NodeId(self.next);
        self.next = self.tree.node(child).end;
        Some(child)
    }
}

/// An element that is not closed yet, and the text it has so far when that is not one piece.
struct Open {
    node: u32,
    own: String,
}

/// Makes a tree in document order and keeps to the limits. What it is given last is what is open.
pub(crate) struct Builder<'b, 't> {
    pub(crate) source: &'t str,
    pub(crate) limits: &'b Limits,
    names: &'b NameTable,
    before: Before,
    made: String,
    nodes: Vec<Node>,
    open: Vec<Open>,
}

/// What counts against the limits already when something inside a tree is opened.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Before {
    pub nodes: usize,
    pub depth: usize,
}

impl<'b, 't> Builder<'b, 't> {
    pub(crate) fn new(
        source: &'t str,
        names: &'b NameTable,
        limits: &'b Limits,
        before: Before,
    ) -> Self {
        let mut nodes = Vec::with_capacity((source.len() / 24 + 4).min(limits.nodes_max));
        nodes.push(Node {
            name: NameId::OTHER,
            parent: 0,
            end: 0,
            name_text: Piece::default(),
            text: Piece::default(),
            span: (0, source.len() as u32),
            attribute_count: 0,
            is_attribute: false,
            space: 0,
        });
        let mut open = Vec::with_capacity(16);
        open.push(Open { node: 0, own: String::new() });
        Builder { source, limits, names, before, made: String::new(), nodes, open }
    }

    /// Nodes that are open inside the root.
    #[inline]
    pub(crate) fn depth(&self) -> usize {
        self.open.len() - 1
    }

    /// Whether nothing may be opened at this depth any more.
    #[inline]
    pub(crate) fn is_too_deep(&self, depth: usize) -> bool {
        depth + self.before.depth >= self.limits.depth_max
    }

    pub(crate) fn too_deep(&self, offset: usize) -> Fail {
        let reason = format!("nested deeper than {} levels", self.limits.depth_max);
        Fail::limit(offset, "depth", reason)
    }

    /// The names that the plan mentions and the namespaces that it declares.
    pub(crate) fn names(&self) -> &'b NameTable {
        self.names
    }

    /// Says which declared namespaces the element that was opened just now is in, and its
    /// attributes in their order.
    pub(crate) fn set_spaces(&mut self, element: u8, attributes: impl Iterator<Item = u8>) {
        let node = self.top().node as usize;
        self.nodes[node].space = element;
        for (index, space) in attributes.enumerate() {
            self.nodes[node + 1 + index].space = space;
        }
    }

    /// Whether the root has a child.
    pub(crate) fn has_content(&self) -> bool {
        self.nodes.len() > 1
    }

    /// The id of a name that will be given several times.
    pub(crate) fn resolve(&self, name: &str) -> NameId {
        self.names.find(name)
    }

    /// A text that does not stand in the body literally.
    pub(crate) fn make(&mut self, text: &str) -> Piece {
        let start = self.made.len() as u32 | MADE;
        self.made.push_str(text);
        Piece { start, len: text.len() as u32 }
    }

    /// A text that [`Builder::make`] made.
    pub(crate) fn made(&self, piece: Piece) -> &str {
        let start = (piece.start & !MADE) as usize;
        &self.made[start..start + piece.len as usize]
    }

    /// Opens a child of what is open; `start` is where it begins in the body.
    #[inline]
    pub(crate) fn open(&mut self, name: NameId, text: Piece, start: usize) -> Result<(), Fail> {
        if self.is_too_deep(self.depth()) {
            return Err(self.too_deep(start));
        }
        let node = self.push(name, text, start, false)?;
        self.open.push(Open { node, own: String::new() });
        Ok(())
    }

    /// [`Builder::open`] for a name that stands in the body literally.
    #[inline]
    pub(crate) fn open_at(&mut self, name: Range<usize>, start: usize) -> Result<(), Fail> {
        let id = self.names.find(&self.source[name.clone()]);
        self.open(id, Piece::at(name.start, name.len()), start)
    }

    /// An attribute of the element that was opened just now.
    #[inline]
    pub(crate) fn attribute(&mut self, name: Range<usize>, value: Piece) -> Result<(), Fail> {
        let owner = self.top().node as usize;
        if usize::from(self.nodes[owner].attribute_count) >= self.limits.attributes_max {
            let reason = format!("more than {} attributes", self.limits.attributes_max);
            return Err(Fail::limit(name.start, "attributes", reason));
        }
        let id = self.names.find(&self.source[name.clone()]);
        let node = self.push(id, Piece::at(name.start, name.len()), name.start, true)? as usize;
        self.nodes[node].text = value;
        self.nodes[node].end = node as u32 + 1;
        self.nodes[owner].attribute_count += 1;
        Ok(())
    }

    fn push(
        &mut self,
        name: NameId,
        name_text: Piece,
        start: usize,
        is_attribute: bool,
    ) -> Result<u32, Fail> {
        let node = self.nodes.len();
        if node + self.before.nodes > self.limits.nodes_max {
            let reason = format!("more than {} elements and attributes", self.limits.nodes_max);
            return Err(Fail::limit(start, "nodes", reason));
        }
        self.nodes.push(Node {
            name,
            parent: self.top().node,
            end: 0,
            name_text,
            text: Piece::default(),
            span: (start as u32, start as u32),
            attribute_count: 0,
            is_attribute,
            space: 0,
        });
        Ok(node as u32)
    }

    /// The whole text of what is open.
    pub(crate) fn set_text(&mut self, text: Piece) {
        let node = self.top().node as usize;
        self.nodes[node].text = text;
    }

    /// A further piece of text of what is open, where it stands in the body.
    #[inline]
    pub(crate) fn add_text(&mut self, at: Range<usize>) {
        let Some(top) = self.open.last_mut() else { return };
        let text = &mut self.nodes[top.node as usize].text;
        if top.own.is_empty() && text.len == 0 {
            *text = Piece::at(at.start, at.len());
        } else {
            if top.own.is_empty() {
                let first = text.start as usize;
                top.own.push_str(&self.source[first..first + text.len as usize]);
            }
            top.own.push_str(&self.source[at]);
        }
    }

    /// A further piece of text that does not stand in the body literally.
    pub(crate) fn add_made(&mut self, piece: &str) {
        self.add_text(0..0);
        if let Some(top) = self.open.last_mut() {
            top.own.push_str(piece);
        }
    }

    /// Whether what is open has no text so far.
    #[inline]
    pub(crate) fn is_textless(&self) -> bool {
        let top = self.top();
        top.own.is_empty() && self.nodes[top.node as usize].text.len == 0
    }

    /// Closes what is open; `end` is one past it in the body.
    #[inline]
    pub(crate) fn close(&mut self, end: usize) {
        let Some(top) = self.open.pop() else { return };
        let node = top.node as usize;
        if !top.own.is_empty() {
            self.nodes[node].text = self.make(&top.own);
        }
        self.nodes[node].end = self.nodes.len() as u32;
        self.nodes[node].span.1 = end as u32;
    }

    pub(crate) fn finish(mut self) -> Tree<'t> {
        while !self.open.is_empty() {
            self.close(self.source.len());
        }
        Tree {
            source: self.source,
            made: self.made,
            nodes: self.nodes,
            lines: OnceLock::new(),
            written: Written::Xml,
            layers: Vec::new(),
        }
    }

    #[inline]
    fn top(&self) -> &Open {
        // The root is closed by `finish` only, and readers close what they opened.
        &self.open[self.open.len() - 1]
    }
}
