//! What a tree is made of, as plain data: its nodes, their texts by position, and what was opened.

use std::sync::OnceLock;

use super::Written;
use super::line::LayerLines;
use super::name::NameId;

/// A node of one tree. Rising ids are document order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(super) u32);

/// A text: where it stands in the body, or in [`super::Tree::made`] when the top bit of `start` is set.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Piece {
    pub(super) start: u32,
    pub(super) len: u32,
}

/// Of a piece in the buffer of made texts.
pub(super) const MADE: u32 = 1 << 31;

impl Piece {
    /// A text that stands in the body literally.
    pub(crate) fn at(start: usize, len: usize) -> Self {
        Piece { start: start as u32, len: len as u32 }
    }

    /// The same piece of a text that stands inside this one, or (what was made for that text)
    /// `made_before` bytes further on in the buffer.
    pub(super) fn moved(self, outer: Piece, made_before: u32) -> Self {
        let start = match self.start & MADE {
            0 => self.start + outer.start,
            _ => self.start + made_before,
        };
        Piece { start, len: self.len }
    }

    /// Without its first bytes.
    pub(super) fn from(self, bytes: usize) -> Self {
        Piece { start: self.start + bytes as u32, len: self.len - bytes as u32 }
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub name: NameId,
    pub parent: u32,
    /// One past the last id of the subtree.
    pub end: u32,
    pub name_text: Piece,
    pub text: Piece,
    /// In the text that holds the node: the body, or what was opened.
    pub span: (u32, u32),
    pub attribute_count: u16,
    pub is_attribute: bool,
    /// Which of the declared namespaces it is in; 0 for none of them.
    pub space: u8,
}

/// A text that was opened.
#[derive(Debug)]
pub(super) struct Layer {
    pub carrier: NodeId,
    /// The first node inside.
    pub first: u32,
    /// One past the last.
    pub end: u32,
    /// What was opened, in which the nodes inside have their places.
    pub text: Piece,
    pub written: Written,
    /// The layer around this one, by its place among all.
    pub outer: Option<usize>,
    /// Where its lines stand in the body, once somebody asks.
    pub lines: OnceLock<LayerLines>,
}
