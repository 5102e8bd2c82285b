//! `[[one]]` and `[[each]]`: persons and repeated groups.

use std::borrow::Cow;

use super::{Read, Translator, Trouble};
use crate::path::PathStart;
use crate::plan::{Block, BlockKind, Field};
use cara_document::NodeId;
use cara_domain::field::Group;
use cara_domain::{Draft, Fields, Finding, FindingCode, Origin, Value};

/// Items of one `[[each]]`, mentions of one person; no case has as many. Bounds the work that one
/// record can ask for.
const ITEMS_MAX: usize = 200;

impl<'t> Translator<'_, 't, '_> {
    pub(super) fn block(&mut self, block: &Block, record: NodeId, draft: &mut Draft<'t>) {
        match self.holds(block.when.as_ref(), record.into()) {
            Ok(true) => {}
            Ok(false) => return,
            Err(Trouble::Several) | Err(_) => {
                let origin = block.from.first().map(|(_, origin)| *origin);
                let name = match block.kind {
                    BlockKind::One(name) => name,
                    BlockKind::Each(group) => group.name(),
                };
                self.findings.push(Finding::new(FindingCode::MORE_THAN_ONE, name).at(origin, None));
                return;
            }
        }
        let mut items = Vec::new();
        for (path, _) in &block.from {
            path.select(self.tree, record, &mut items);
        }
        match block.kind {
            BlockKind::One(name) => match items.as_slice() {
                [] => {}
                [item] => {
                    let at = PathStart { record, item: *item };
                    self.fields(&block.fields, &[at], &mut draft.root, None);
                }
                several if self.is_one_person(block, record, several) => {
                    let at = |item: &NodeId| PathStart { record, item: *item };
                    let places: Vec<PathStart> = several.iter().map(at).collect();
                    self.fields(&block.fields, &places, &mut draft.root, None);
                }
                [_, second, ..] => {
                    let origin = block.from.first().map(|(_, origin)| *origin);
                    let line = Some(self.tree.line(*second));
                    self.findings
                        .push(Finding::new(FindingCode::MORE_THAN_ONE, name).at(origin, line));
                }
            },
            BlockKind::Each(group) if items.len() > ITEMS_MAX => {
                let origin = block.from.first().map(|(_, origin)| *origin);
                self.findings
                    .push(Finding::new(FindingCode::MORE_THAN_ONE, group.name()).at(origin, None));
            }
            BlockKind::Each(group) => {
                for (index, item) in items.into_iter().enumerate() {
                    let mut fields = Fields::empty(group);
                    let at = PathStart { record, item };
                    self.fields(&block.fields, &[at], &mut fields, Some(index + 1));
                    match group {
                        Group::Offence => draft.offences.push(fields),
                        Group::Condition => draft.conditions.push(fields),
                        Group::Child => draft.children.push(fields),
                        Group::Root | Group::Decision => {
                            unreachable!("an each block never fills the root")
                        }
                    }
                }
            }
        }
    }

    /// Whether all these candidates have the same key. One without it may be anybody.
    fn is_one_person(&mut self, block: &Block, record: NodeId, items: &[NodeId]) -> bool {
        if block.same_by.is_empty() || items.len() > ITEMS_MAX {
            return false;
        }
        let mut keys = items.iter().map(|item| self.key(block, PathStart { record, item: *item }));
        let Some(Some(first)) = keys.next() else { return false };
        keys.all(|key| key.as_ref() == Some(&first))
    }

    /// The texts of `same_by`, all of which have to be there.
    fn key(&mut self, block: &Block, at: PathStart) -> Option<Vec<Cow<'t, str>>> {
        let mut key = Vec::with_capacity(block.same_by.len());
        for path in &block.same_by {
            let found = self.one(path, Origin(0), at).ok().flatten()?;
            key.extend(found.texts.into_list());
        }
        Some(key)
    }

    /// A field of one person who is said several times: whoever says it has to say the same.
    pub(super) fn agreed(
        &mut self,
        field: &Field,
        places: &[PathStart],
        number: Option<usize>,
    ) -> Read<'t> {
        let nothing =
            Read { value: Ok(Value::Absent), origin: None, node: None, steps: Vec::new() };
        places.iter().fold(nothing, |said, at| said.with(self.read(field, *at, number)))
    }
}

impl Read<'_> {
    /// Both of them, if they do not contradict each other.
    fn with(self, next: Self) -> Self {
        match (&self.value, &next.value) {
            (Err(_), _) | (Ok(_), Ok(Value::Absent)) => self,
            (Ok(Value::Absent), _) | (Ok(_), Err(_)) => next,
            (Ok(said), Ok(again)) if said == again => self,
            (Ok(_), Ok(_)) => Read { value: Err(Trouble::Several), ..next },
        }
    }
}
