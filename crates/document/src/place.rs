//! Where things stand in the text that holds them, as the body or an opened text wrote them.

use std::ops::Range;

use super::Written;
use super::line::{LayerLines, LineIndex, newlines};
use super::node::NodeId;
use super::tree::Tree;

impl Tree<'_> {
    /// The line of the body on which the node begins, 1-based. Of a node inside something opened:
    /// the line on which it stands if line ends stand in the body as they are, else the line of
    /// what carries it.
    pub fn line(&self, node: NodeId) -> u32 {
        self.line_in(self.layer_of(node), self.node(node).span.0 as usize)
    }

    /// The line of the body for a byte of an opened text (or of the body itself), 1-based.
    pub(super) fn line_in(&self, layer: Option<usize>, offset: usize) -> u32 {
        let Some(layer) = layer else {
            let lines = self.lines.get_or_init(|| LineIndex::of(self.source));
            return 1 + lines.count_before(self.source, offset);
        };
        let lines = self.layers[layer].lines.get_or_init(|| self.layer_lines(layer));
        let within = lines.literal.as_ref();
        lines.first
            + within.map_or(0, |lines| lines.count_before(self.holding(Some(layer)), offset))
    }

    fn layer_lines(&self, layer: usize) -> LayerLines {
        let carrier = self.layers[layer].carrier;
        let inner = self.holding(Some(layer));
        let outer = self.layer_of(carrier);
        let around = self.holding(outer);
        let literal = self.own_text(carrier);
        if let (Some(first), Some(last)) = (literal.first(), literal.last()) {
            let raw = &around[first.start..last.end];
            // Readers drop blanks before the text.
            let leading = raw.len() - raw.trim_start().len();
            let leading = newlines(&raw.as_bytes()[..leading]);
            let dropped = newlines(raw.as_bytes()).checked_sub(newlines(inner.as_bytes()));
            if let Some(dropped) = dropped.filter(|dropped| *dropped <= leading) {
                let first = self.line_in(outer, first.start) + dropped;
                return LayerLines { first, literal: Some(LineIndex::of(inner)) };
            }
        }
        let first = self.line_in(outer, self.span(carrier).start);
        LayerLines { first, literal: None }
    }

    /// Where a node's own text stands in the text that holds it, with whatever escapes it; in
    /// several pieces when elements stand in between.
    pub(super) fn own_text(&self, node: NodeId) -> Vec<Range<usize>> {
        let layer = self.layer_of(node);
        let around = self.holding(layer);
        let span = self.span(node);
        let one = match self.written_in(layer) {
            Written::Csv | Written::Fixed => span,
            Written::Json => span.start + value_start(&around[span.clone()])..span.end,
            Written::Xml if self.is_attribute(node) => attribute_value(around, span.start),
            Written::Xml => return self.element_text(node, around),
        };
        vec![one]
    }

    fn element_text(&self, node: NodeId, around: &str) -> Vec<Range<usize>> {
        let span = self.span(node);
        let element = &around[span.clone()];
        let mut start = span.start + start_tag_bytes(element);
        let end = element.rfind("</").map_or(start, |at| span.start + at);
        let layer = self.layer_of(node);
        let own = |child: &NodeId| {
            self.layer_of(*child) == layer && !self.name_text(*child).starts_with('@')
        };
        let mut pieces = Vec::new();
        for child in self.children(node).filter(own) {
            let child = self.span(child);
            pieces.push(start..child.start);
            start = child.end;
        }
        pieces.push(start..end.max(start));
        pieces
    }
}

/// Bytes of the start tag that an element begins with.
fn start_tag_bytes(element: &str) -> usize {
    let mut quote = None;
    for (at, byte) in element.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return at + 1,
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    element.len()
}

/// Between the quotes of the attribute whose name begins here.
fn attribute_value(around: &str, start: usize) -> Range<usize> {
    let rest = &around[start..];
    let open = rest.find(['"', '\'']).map_or(rest.len(), |at| at + 1);
    let quote = rest.as_bytes().get(open.wrapping_sub(1)).copied().unwrap_or(b'"');
    let len = rest[open..].find(char::from(quote)).unwrap_or(rest.len() - open);
    start + open..start + open + len
}

/// Where a member's value begins behind its key; 0 for an element of an array.
fn value_start(member: &str) -> usize {
    let bytes = member.as_bytes();
    if bytes.first() != Some(&b'"') {
        return 0;
    }
    let mut at = 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    let skip = |from: usize| {
        let rest = bytes.get(from..).unwrap_or_default();
        from + rest.iter().take_while(|byte| is_space(byte)).count()
    };
    let colon = skip(at + 1);
    if bytes.get(colon) == Some(&b':') { skip(colon + 1) } else { 0 }
}
