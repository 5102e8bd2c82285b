//! Where things stand in the text that holds them, as the body or an opened text wrote them.

use std::ops::Range;

use super::Written;
use super::tree::{NodeId, Tree};

impl Tree<'_> {
    /// The line of the body for a byte of an opened text (or of the body itself).
    pub(super) fn line_in(&self, layer: Option<usize>, offset: usize) -> u32 {
        let Some(opened) = layer.map(|layer| &self.layers[layer]) else {
            return self.body_line(offset);
        };
        let outer = self.layer_of(opened.carrier);
        let around = self.holding(outer);
        let inner = self.read(opened.text);
        let literal = self.own_text(opened.carrier);
        let (Some(first), Some(last)) = (literal.first(), literal.last()) else {
            return self.line_in(outer, self.span(opened.carrier).start);
        };
        let raw = &around[first.start..last.end];
        // Blanks before the text are dropped by the readers, or belong to no document.
        let leading = newlines(&raw[..raw.len() - raw.trim_start().len()]);
        let dropped = newlines(raw).checked_sub(newlines(inner));
        match dropped.filter(|dropped| *dropped <= leading) {
            Some(dropped) => {
                self.line_in(outer, first.start) + dropped + newlines(&inner[..offset])
            }
            None => self.line_in(outer, self.span(opened.carrier).start),
        }
    }

    /// Where a node's own text stands in the text that holds it, with whatever escapes it; in
    /// several pieces when elements stand in between.
    pub(super) fn own_text(&self, node: NodeId) -> Vec<Range<usize>> {
        let layer = self.layer_of(node);
        let around = self.holding(layer);
        let span = self.span(node);
        match self.written_in(layer) {
            Written::Csv | Written::Fixed => vec![span],
            Written::Json => {
                let value = span.start + value_start(&around[span.clone()]);
                vec![value..span.end]
            }
            Written::Xml if self.is_attribute(node) => {
                vec![attribute_value(around, span.start)]
            }
            Written::Xml => self.element_text(node, around),
        }
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

fn newlines(text: &str) -> u32 {
    text.bytes().filter(|byte| *byte == b'\n').count() as u32
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
