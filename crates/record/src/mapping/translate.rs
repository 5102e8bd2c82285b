//! A record's tree to a draft. No regular expression is compiled, no path parsed and no field
//! looked up by name here.

use std::borrow::Cow;

use super::condition::Reading;
use super::path::Place;
use super::plan::{Block, BlockKind, Field, From, Lookup, Plan};
use crate::document::{NodeId, Tree};
use crate::domain::field::{FieldId, Group, Need, Shape};
use crate::domain::{Code, Draft, Fields, Finding, Kind, Origin, Value};

/// Items of one `[[each]]`; no case has as many. Bounds the work that one record can ask for.
const EACH_ITEMS_MAX: usize = 200;

/// What a translation gives: the draft, and apart from it what must not be in any finding.
#[derive(Debug)]
pub struct Translation<'t> {
    pub draft: Draft<'t>,
    /// Field and text of every code that no lookup lists. Personal until somebody has looked.
    pub unlisted: Vec<(String, String)>,
}

/// Somebody who looks on while a record is translated. Everything a trace or a coverage needs; the
/// ordinary translation has nobody looking and pays nothing for it.
pub(super) trait Watch {
    /// A field of the file got a value, or got a finding.
    fn field(&mut self, _step: Step<'_>) {}
    /// This row of this lookup gave a value; `None` is its `otherwise`.
    fn lookup_row(&mut self, _lookup: usize, _row: Option<usize>) {}
    /// This rule was asked.
    fn rule(&mut self, _rule: usize, _holds: bool) {}
}

/// One field on its way from the record to the draft.
pub(super) struct Step<'a> {
    pub number: usize,
    pub line: usize,
    pub field: Cow<'static, str>,
    pub origin: Option<Origin>,
    pub node: Option<NodeId>,
    /// The texts after each step: as read, after each transform, after the lookup.
    pub texts: &'a [Vec<String>],
    pub filled: bool,
}

/// Nobody.
pub(super) struct Unwatched;

impl Watch for Unwatched {}

impl Plan {
    /// Translates one record. What cannot be read is a finding, and its slot says so.
    pub fn translate<'t>(&self, tree: &Tree<'t>, record: NodeId) -> Translation<'t> {
        self.translate_watched(tree, record, &mut Unwatched, false)
    }

    pub(super) fn translate_watched<'t>(
        &self,
        tree: &Tree<'t>,
        record: NodeId,
        watch: &mut dyn Watch,
        watched: bool,
    ) -> Translation<'t> {
        let mut translator = Translator {
            plan: self,
            tree,
            watch,
            watched,
            findings: Vec::new(),
            unlisted: Vec::new(),
            nodes: Vec::new(),
        };
        let mut draft = Draft::empty();
        translator.fields(&self.fields, record.into(), &mut draft.root, None);
        for block in &self.blocks {
            translator.block(block, record, &mut draft);
        }
        for (index, line) in self.rules.iter().enumerate() {
            let holds = line.require.holds(&draft);
            translator.watch.rule(index, holds);
            if !holds {
                let code = if line.otherwise == Kind::Flag { Code::RULE_FLAG } else { Code::RULE };
                let mut finding = Finding::new(code, full_name(line.require.field(), None));
                finding.named = Some(std::sync::Arc::clone(&line.name));
                translator.findings.push(finding);
            }
        }
        draft.findings = translator.findings;
        Translation { draft, unlisted: translator.unlisted }
    }
}

struct Translator<'p, 't, 'w> {
    plan: &'p Plan,
    tree: &'p Tree<'t>,
    watch: &'w mut dyn Watch,
    watched: bool,
    findings: Vec<Finding>,
    unlisted: Vec<(String, String)>,
    /// Kept between fields, so that selecting does not allocate each time.
    nodes: Vec<NodeId>,
}

/// Why a field got no value although something was there.
enum Trouble {
    Several,
    Unreadable,
    Unlisted(usize),
}

/// What was read for a field.
struct Found<'t> {
    texts: Vec<Cow<'t, str>>,
    origin: Origin,
    node: Option<NodeId>,
}

impl<'t> Translator<'_, 't, '_> {
    fn block(&mut self, block: &Block, record: NodeId, draft: &mut Draft<'t>) {
        match self.holds(block.when.as_ref(), record.into()) {
            Ok(true) => {}
            Ok(false) => return,
            Err(Trouble::Several) | Err(_) => {
                let origin = block.from.first().map(|(_, origin)| *origin);
                let name = match block.kind {
                    BlockKind::One(name) => name,
                    BlockKind::Each(group) => group.name(),
                };
                self.findings.push(Finding::new(Code::MORE_THAN_ONE, name).at(origin, None));
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
                    let at = Place { record, item: *item };
                    self.fields(&block.fields, at, &mut draft.root, None);
                }
                [_, second, ..] => {
                    let origin = block.from.first().map(|(_, origin)| *origin);
                    let line = Some(self.tree.line(*second));
                    self.findings.push(Finding::new(Code::MORE_THAN_ONE, name).at(origin, line));
                }
            },
            BlockKind::Each(group) if items.len() > EACH_ITEMS_MAX => {
                let origin = block.from.first().map(|(_, origin)| *origin);
                self.findings
                    .push(Finding::new(Code::MORE_THAN_ONE, group.name()).at(origin, None));
            }
            BlockKind::Each(group) => {
                for (index, item) in items.into_iter().enumerate() {
                    let mut fields = Fields::empty(group);
                    let at = Place { record, item };
                    self.fields(&block.fields, at, &mut fields, Some(index + 1));
                    match group {
                        Group::Offence => draft.offences.push(fields),
                        Group::Condition => draft.conditions.push(fields),
                        Group::Child => draft.children.push(fields),
                        Group::Root => unreachable!("an each block never fills the root"),
                    }
                }
            }
        }
    }

    fn fields(
        &mut self,
        fields: &[Field],
        at: Place,
        into: &mut Fields<'t>,
        number: Option<usize>,
    ) {
        for field in fields {
            self.field(field, at, into, number);
        }
    }

    fn field(&mut self, field: &Field, at: Place, into: &mut Fields<'t>, number: Option<usize>) {
        let mut steps: Vec<Vec<String>> = Vec::new();
        let outcome = match self.holds(field.when.as_ref(), at) {
            Ok(true) => self.found(field, at),
            Ok(false) => Ok(None),
            Err(trouble) => Err((trouble, field.first_origin(), None)),
        };
        let (value, origin, node) = match outcome {
            Ok(None) => (Ok(Value::Absent), None, None),
            Err((trouble, origin, node)) => (Err(trouble), Some(origin), node),
            Ok(Some(found)) => {
                let (origin, node) = (found.origin, found.node);
                (self.value(field, found.texts, &mut steps), Some(origin), node)
            }
        };
        let filled = !matches!(value, Ok(Value::Absent));
        if self.watched {
            let name = full_name(field.id, number);
            let (number, line) = (field.number, field.line);
            let texts = &steps;
            self.watch.field(Step { number, line, field: name, origin, node, texts, filled });
        }
        match value {
            Ok(Value::Absent) => {}
            Ok(value) => into.set(field.id, value, origin),
            Err(trouble) => {
                let finding = self.finding(field, trouble, number);
                let line = node.map(|node| self.tree.line(node));
                self.findings.push(finding.at(origin, line));
                into.set(field.id, Value::Unreadable, origin);
            }
        }
    }

    fn finding(&self, field: &Field, trouble: Trouble, number: Option<usize>) -> Finding {
        let code = match trouble {
            Trouble::Several => Code::MORE_THAN_ONE,
            Trouble::Unlisted(_) => Code::UNLISTED_CODE,
            Trouble::Unreadable if field.id.spec().need == Need::Mandatory => {
                Code::UNREADABLE_MANDATORY
            }
            Trouble::Unreadable => Code::UNREADABLE,
        };
        let mut finding = Finding::new(code, full_name(field.id, number));
        if let Trouble::Unlisted(lookup) = trouble {
            finding.named = Some(std::sync::Arc::clone(&self.plan.lookups[lookup].name));
        }
        finding
    }

    fn holds(&self, when: Option<&super::condition::When>, at: Place) -> Result<bool, Trouble> {
        let Some(when) = when else { return Ok(true) };
        let blank = |text: &str| self.plan.is_blank(text);
        let reading = Reading { blank: &blank, dates: &self.plan.dates };
        when.holds(self.tree, at, &reading).map_err(|_| Trouble::Several)
    }

    /// The texts of a field before any transform; `None` when there is nothing.
    fn found(
        &mut self,
        field: &Field,
        at: Place,
    ) -> Result<Option<Found<'t>>, (Trouble, Origin, Option<NodeId>)> {
        let (paths, join) = match &field.from {
            From::Constant(text, origin) => {
                let texts = vec![Cow::Owned(text.clone())];
                return Ok(Some(Found { texts, origin: *origin, node: None }));
            }
            From::Paths { paths, join } => (paths, join),
        };
        let mut found: Option<Found<'t>> = None;
        for (path, origin) in paths {
            self.nodes.clear();
            path.select(self.tree, at, &mut self.nodes);
            let before = found.as_ref().map_or(0, |found| found.texts.len());
            for node in &self.nodes {
                let text = self.tree.text(*node);
                if text.is_empty() || self.plan.is_blank(&text) {
                    continue;
                }
                let found = found.get_or_insert_with(|| Found {
                    texts: Vec::new(),
                    origin: *origin,
                    node: Some(*node),
                });
                let single = !field.id.spec().list && join.is_none();
                match found.texts.first() {
                    Some(first) if single && *first != text => {
                        return Err((Trouble::Several, *origin, Some(*node)));
                    }
                    Some(_) if single => {}
                    _ => found.texts.push(text),
                }
            }
            let after = found.as_ref().map_or(0, |found| found.texts.len());
            if !field.id.spec().list && join.is_none() && after > 0 {
                break;
            }
            let whole_key = join.is_some() && field.id == FieldId::SOURCE_RECORD_REF;
            if whole_key && after > before + 1 {
                return Err((Trouble::Several, *origin, None));
            }
            // A key with a part missing would be another case's key.
            if whole_key && after == before {
                return Ok(None);
            }
        }
        Ok(found.map(|mut found| {
            if let Some(join) = join
                && (found.texts.len() > 1 || !field.id.spec().list)
            {
                found.texts = vec![Cow::Owned(found.texts.join(join))];
            }
            found
        }))
    }

    fn value(
        &mut self,
        field: &Field,
        mut texts: Vec<Cow<'t, str>>,
        steps: &mut Vec<Vec<String>>,
    ) -> Result<Value<'t>, Trouble> {
        let spec = field.id.spec();
        let mut note = |texts: &[Cow<'t, str>], watched: bool| {
            if watched {
                steps.push(texts.iter().map(|text| text.to_string()).collect());
            }
        };
        note(&texts, self.watched);
        for transform in &field.apply {
            if transform.makes_list() || texts.len() > 1 {
                texts = transform.apply_list(texts).map_err(|_| Trouble::Unreadable)?;
            } else if let Some(text) = texts.pop() {
                texts.push(transform.apply(text).map_err(|_| Trouble::Unreadable)?);
            }
            note(&texts, self.watched);
        }
        texts.retain(|text| !text.trim().is_empty());
        if texts.is_empty() {
            return Ok(Value::Absent);
        }
        if let Some(index) = field.lookup {
            for text in &mut texts {
                *text = self.looked_up(field, index, text)?;
            }
            note(&texts, self.watched);
        }
        if spec.evidenced && texts.iter().all(|text| text == "not_recorded") {
            return Ok(Value::NotRecorded);
        }
        let dates = field.dates.as_ref().unwrap_or(&self.plan.dates);
        let first = || texts.first().map_or("", |text| &**text);
        match spec.shape {
            _ if spec.list => Ok(Value::List(texts)),
            _ if texts.len() > 1 => Err(Trouble::Several),
            Shape::Date => dates.date(first()).map(Value::Date).ok_or(Trouble::Unreadable),
            Shape::Instant => dates.instant(first()).map(Value::Instant).ok_or(Trouble::Unreadable),
            _ => Ok(texts.pop().map_or(Value::Absent, Value::Text)),
        }
    }

    fn looked_up(
        &mut self,
        field: &Field,
        index: usize,
        text: &str,
    ) -> Result<Cow<'t, str>, Trouble> {
        let lookup: &Lookup = &self.plan.lookups[index];
        let row = lookup.rows.get(text.trim()).copied();
        match (row, &lookup.otherwise) {
            (Some(row), _) => {
                self.watch.lookup_row(index, Some(row));
                Ok(Cow::Owned(lookup.values[row].1.clone()))
            }
            (None, Some(otherwise)) => {
                self.watch.lookup_row(index, None);
                Ok(Cow::Owned(otherwise.clone()))
            }
            (None, None) => {
                self.watch.lookup_row(index, None);
                self.unlisted.push((field.id.spec().name.to_owned(), text.to_owned()));
                Err(Trouble::Unlisted(index))
            }
        }
    }
}

impl Plan {
    fn is_blank(&self, text: &str) -> bool {
        self.blank.iter().any(|blank| blank == text)
    }
}

impl Field {
    fn first_origin(&self) -> Origin {
        match &self.from {
            From::Constant(_, origin) => *origin,
            From::Paths { paths, .. } => paths.first().map_or(Origin(0), |(_, origin)| *origin),
        }
    }
}

/// `offences[2].cjs_code`
pub(super) fn full_name(id: FieldId, number: Option<usize>) -> Cow<'static, str> {
    let spec = id.spec();
    match (spec.group, number) {
        (Group::Root, _) => Cow::Borrowed(spec.name),
        (group, Some(number)) => Cow::Owned(format!("{}[{number}].{}", group.name(), spec.name)),
        (group, None) => Cow::Owned(format!("{}.{}", group.name(), spec.name)),
    }
}
