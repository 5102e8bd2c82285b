//! A record after translation, before validation: text by field, with where each came from.

use std::borrow::Cow;

use super::field::{self, FieldId, Fills, Group};
use super::finding::Finding;
use super::origin::Origin;

/// What a slot of a draft holds. `Debug` shows the kind of value, never the value.
#[derive(Clone, Default, PartialEq)]
pub enum Value<'t> {
    /// Nothing in the record, or only blanks.
    #[default]
    Absent,
    /// The record says that it was not recorded; only evidenced fields may hold it.
    NotRecorded,
    Text(Cow<'t, str>),
    List(Vec<Cow<'t, str>>),
    Date(jiff::civil::Date),
    Instant(jiff::Timestamp),
    /// Something was there that the mapping could not read or look up; a finding says what.
    Unreadable,
}

impl std::fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Value::Absent => "Absent",
            Value::NotRecorded => "NotRecorded",
            Value::Text(_) => "Text(…)",
            Value::List(_) => "List(…)",
            Value::Date(_) => "Date(…)",
            Value::Instant(_) => "Instant(…)",
            Value::Unreadable => "Unreadable",
        })
    }
}

impl Value<'_> {
    /// The texts that it holds: one, several of a list, or none.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let texts: &[Cow<'_, str>] = match self {
            Value::Text(text) => std::slice::from_ref(text),
            Value::List(texts) => texts,
            _ => &[],
        };
        texts.iter().map(|text| text.as_ref())
    }
}

/// One field's value and where it came from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Slot<'t> {
    pub value: Value<'t>,
    pub origin: Option<Origin>,
}

/// The slots of one block of a group, addressed by [`FieldId`].
#[derive(Clone, Debug, PartialEq)]
pub struct Fields<'t> {
    group: Group,
    slots: Vec<Slot<'t>>,
}

impl<'t> Fields<'t> {
    pub fn empty(group: Group) -> Self {
        Fields { group, slots: vec![Slot::default(); field::group_len(group)] }
    }

    pub fn group(&self) -> Group {
        self.group
    }

    /// The slot of a field of this block's group.
    pub fn slot(&self, id: FieldId) -> &Slot<'t> {
        debug_assert_eq!(id.spec().group, self.group);
        &self.slots[id.slot_index()]
    }

    pub fn set(&mut self, id: FieldId, value: Value<'t>, origin: Option<Origin>) {
        debug_assert_eq!(id.spec().group, self.group);
        self.slots[id.slot_index()] = Slot { value, origin };
    }

    /// Moves a field's value out; the slot keeps its origin.
    pub fn take(&mut self, id: FieldId) -> Value<'t> {
        debug_assert_eq!(id.spec().group, self.group);
        std::mem::take(&mut self.slots[id.slot_index()].value)
    }

    /// The filled slots in table order.
    pub fn filled(&self) -> impl Iterator<Item = (FieldId, &Slot<'t>)> {
        field::all(self.group).zip(&self.slots).filter(|(_, slot)| slot.value != Value::Absent)
    }
}

/// A record after translation: every field as text, and what the translation itself found wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft<'t> {
    pub root: Fields<'t>,
    pub offences: Vec<Fields<'t>>,
    pub conditions: Vec<Fields<'t>>,
    pub children: Vec<Fields<'t>>,
    /// Unlisted codes, unreadable dates, more than one value, rules of the mapping.
    pub findings: Vec<Finding>,
}

impl<'t> Draft<'t> {
    pub fn empty() -> Self {
        Draft::of(Fills::Referral)
    }

    /// Nothing yet of what a file fills.
    pub fn of(fills: Fills) -> Self {
        Draft {
            root: Fields::empty(fills.root()),
            offences: Vec::new(),
            conditions: Vec::new(),
            children: Vec::new(),
            findings: Vec::new(),
        }
    }

    /// A block by its group and position, 0-based; the root has one.
    pub fn block(&self, group: Group, index: usize) -> Option<&Fields<'t>> {
        match group {
            Group::Root | Group::Decision => Some(&self.root),
            Group::Offence => self.offences.get(index),
            Group::Condition => self.conditions.get(index),
            Group::Child => self.children.get(index),
        }
    }
}
