//! The namespaces of one XML document, for plans that declare some: which of them each prefix
//! stands for at the element that is being read.

use std::ops::Range;

use super::tree::Builder;

const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// Prefixes that are declared around the element that is being read, innermost last.
#[derive(Default)]
pub(super) struct Scope {
    declared: Vec<Declared>,
    /// The prefixes of the element's attributes so far; empty for none.
    attributes: Vec<Range<usize>>,
}

struct Declared {
    /// Elements around the one that declares it.
    depth: usize,
    /// Where the prefix stands in the document; empty for the default namespace.
    prefix: Range<usize>,
    space: u8,
}

impl Scope {
    /// A new element begins at this depth: what was declared beside or inside its siblings ends.
    pub fn enter(&mut self, depth: usize) {
        while self.declared.last().is_some_and(|declared| declared.depth >= depth) {
            self.declared.pop();
        }
        self.attributes.clear();
    }

    /// `xmlns` or `xmlns:prefix` of the element that was entered.
    pub fn declare(
        &mut self,
        builder: &Builder<'_, '_>,
        depth: usize,
        name: Range<usize>,
        uri: &str,
    ) {
        let prefix = match builder.source[name.clone()].strip_prefix("xmlns:") {
            Some(prefix) => name.end - prefix.len()..name.end,
            None => name.end..name.end,
        };
        let space = builder.names().space(uri);
        self.declared.push(Declared { depth, prefix, space });
    }

    /// An attribute with this prefix.
    pub fn attribute(&mut self, prefix: Range<usize>) {
        self.attributes.push(prefix);
    }

    /// All attributes were read: the element and each of them gets its namespace. An attribute
    /// without a prefix is in none, whatever the default is.
    pub fn resolve(&self, builder: &mut Builder<'_, '_>, prefix: Range<usize>) {
        let source = builder.source;
        let element = self.find(builder, &source[prefix]);
        let spaces: Vec<u8> = self
            .attributes
            .iter()
            .map(|prefix| match prefix.is_empty() {
                true => 0,
                false => self.find(builder, &source[prefix.clone()]),
            })
            .collect();
        builder.set_spaces(element, spaces.into_iter());
    }

    fn find(&self, builder: &Builder<'_, '_>, prefix: &str) -> u8 {
        let source = builder.source;
        let mut inner_first = self.declared.iter().rev();
        match inner_first.find(|declared| source[declared.prefix.clone()] == *prefix) {
            Some(declared) => declared.space,
            None if prefix == "xml" => builder.names().space(XML),
            None => 0,
        }
    }
}
