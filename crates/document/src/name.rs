//! Names of elements, attributes, members and columns as integers, so that a path is evaluated by
//! comparing integers.

/// A name that some path of a plan mentions, or [`NameId::OTHER`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NameId(u32);

impl NameId {
    /// A name that no path mentions; no path matches it, except by `*`.
    pub const OTHER: NameId = NameId(0);
}

/// The names that a plan mentions. Only who writes a mapping adds to it, so a body cannot make it
/// grow or choose its collisions.
#[derive(Clone, Debug, Default)]
pub struct NameTable {
    /// The word of `NameId(index + 1)`.
    words: Vec<Box<str>>,
    /// Open addressing; a power of two at least four times the words; 0 is a free slot.
    slots: Vec<u32>,
    /// The namespaces that the plan declares, by prefix.
    prefixes: Vec<Prefix>,
}

/// A declared prefix.
#[derive(Clone, Debug)]
struct Prefix {
    prefix: Box<str>,
    uri: Box<str>,
    space: u8,
    used: bool,
}

/// Namespaces that one plan may declare: what a node can say in one byte.
pub const SPACES_MAX: usize = 255;

impl NameTable {
    /// The id of this name, made if it is not there. Case counts.
    pub fn intern(&mut self, name: &str) -> NameId {
        let known = self.find(name);
        if known != NameId::OTHER {
            return known;
        }
        self.words.push(name.into());
        if self.words.len() * 4 > self.slots.len() {
            self.slots = vec![0; (self.words.len() * 8).next_power_of_two()];
            for index in 0..self.words.len() {
                self.place(index);
            }
        } else {
            self.place(self.words.len() - 1);
        }
        NameId(self.words.len() as u32)
    }

    /// The id of this name, or [`NameId::OTHER`].
    #[inline]
    pub fn find(&self, name: &str) -> NameId {
        if self.slots.is_empty() {
            return NameId::OTHER;
        }
        let mask = self.slots.len() - 1;
        let mut slot = hash(name) & mask;
        loop {
            match self.slots[slot] {
                0 => return NameId::OTHER,
                id if *self.words[id as usize - 1] == *name => return NameId(id),
                _ => slot = (slot + 1) & mask,
            }
        }
    }

    /// Declares a prefix for a namespace; false when there are [`SPACES_MAX`] already.
    pub fn declare(&mut self, prefix: &str, uri: &str) -> bool {
        if self.prefixes.len() >= SPACES_MAX {
            return false;
        }
        let space = match self.space(uri) {
            0 => self.prefixes.len() as u8 + 1,
            known => known,
        };
        self.prefixes.push(Prefix { prefix: prefix.into(), uri: uri.into(), space, used: false });
        true
    }

    /// Whether any namespace is declared.
    #[inline]
    pub fn has_spaces(&self) -> bool {
        !self.prefixes.is_empty()
    }

    /// The number of a declared namespace; 0 for any other. Two prefixes of one namespace are one.
    pub fn space(&self, uri: &str) -> u8 {
        let found = self.prefixes.iter().find(|declared| *declared.uri == *uri);
        found.map_or(0, |declared| declared.space)
    }

    /// The namespace of this number; empty for 0.
    pub fn uri(&self, space: u8) -> &str {
        let found = self.prefixes.iter().find(|declared| declared.space == space);
        found.map_or("", |declared| &declared.uri)
    }

    /// The namespace that a path's prefix stands for, if the plan declares it; it counts as used.
    pub fn use_prefix(&mut self, prefix: &str) -> Option<u8> {
        let found = self.prefixes.iter_mut().find(|declared| *declared.prefix == *prefix)?;
        found.used = true;
        Some(found.space)
    }

    /// Every declared prefix, and whether a path uses it.
    pub fn prefixes(&self) -> impl Iterator<Item = (&str, bool)> {
        self.prefixes.iter().map(|declared| (&*declared.prefix, declared.used))
    }

    fn place(&mut self, index: usize) {
        let mask = self.slots.len() - 1;
        let mut slot = hash(&self.words[index]) & mask;
        while self.slots[slot] != 0 {
            slot = (slot + 1) & mask;
        }
        self.slots[slot] = index as u32 + 1;
    }
}

/// Looks at the length, the first eight and the last eight bytes.
#[inline]
fn hash(name: &str) -> usize {
    let bytes = name.as_bytes();
    let word = match (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (Some(first), Some(last)) => {
            u64::from_le_bytes(*first) ^ u64::from_le_bytes(*last).rotate_left(29)
        }
        _ => bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    };
    ((word ^ bytes.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as usize
}

#[cfg(test)]
mod tests {
    use super::{NameId, NameTable};

    #[test]
    fn a_name_keeps_its_id_however_many_follow() {
        let mut names = NameTable::default();
        assert_eq!(names.find("Surname"), NameId::OTHER);
        let ids: Vec<_> = (0..500).map(|n| names.intern(&format!("Column {n} of many"))).collect();
        for (n, id) in ids.iter().enumerate() {
            assert_eq!(names.find(&format!("Column {n} of many")), *id);
            assert_eq!(names.intern(&format!("Column {n} of many")), *id);
            assert_ne!(*id, NameId::OTHER);
        }
        assert_eq!(names.find(""), NameId::OTHER);
        assert_eq!(names.find("column 1 of many"), NameId::OTHER, "case counts");
    }
}
