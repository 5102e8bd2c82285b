//! A record's tree to a draft. No regular expression is compiled, no path parsed and no field
//! looked up by name here.

mod block;

use std::borrow::Cow;

use super::condition;
use super::line_origin::LineOrigin;
use super::path::{Path, PathStart};
use super::plan::{Field, FieldSource, Lookup, Plan};
use super::texts::FieldTexts;
use cara_document::{NodeId, Tree};
use cara_domain::correct::{Barred, Correction};
use cara_domain::field::{FieldId, FieldShape, Need};
use cara_domain::{Draft, Fields, Finding, FindingCode, FindingKind, Origin, Value};

/// What a translation gives: the draft, and apart from it what must not be in any finding.
#[derive(Debug)]
pub struct Translation<'t> {
    pub draft: Draft<'t>,
    /// Field, as a finding names it, and text of every code that no lookup lists. Personal until
    /// somebody has looked.
    pub unlisted: Vec<(String, String)>,
}

/// Somebody who looks on while a record is translated. Everything a trace or a coverage needs; the
/// ordinary translation has nobody looking and pays nothing for it.
pub(super) trait Watch {
    /// A field of the file got a value, or got a finding.
    fn field(&mut self, _step: FieldStep<'_>) {}
    /// This row of this lookup gave a value; `None` is its `otherwise`.
    fn lookup_row(&mut self, _lookup: usize, _row: Option<usize>) {}
    /// This rule was asked.
    fn rule(&mut self, _rule: usize, _holds: bool) {}
}

/// One field on its way from the record to the draft.
pub(super) struct FieldStep<'a> {
    pub number: usize,
    pub spot: &'a LineOrigin,
    pub field: Cow<'static, str>,
    pub origin: Option<Origin>,
    pub node: Option<NodeId>,
    /// The texts after each step: as read, after each transform, after the lookup.
    pub texts: &'a [Vec<String>],
    /// What fills the field; absent where there is trouble instead.
    pub value: Option<&'a Value<'a>>,
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
        let mut draft = Draft::of(self.fills);
        translator.fields(&self.fields, &[record.into()], &mut draft.root, None);
        for block in &self.blocks {
            translator.block(block, record, &mut draft);
        }
        let broken = self.broken_rules(&draft, translator.watch);
        draft.findings = translator.findings;
        draft.findings.extend(broken);
        Translation { draft, unlisted: translator.unlisted }
    }

    fn broken_rules(&self, draft: &Draft<'_>, watch: &mut dyn Watch) -> Vec<Finding> {
        let mut broken = Vec::new();
        for (index, line) in self.rules.iter().enumerate() {
            let holds = line.require.holds(draft);
            watch.rule(index, holds);
            if !holds {
                let code = if line.otherwise == FindingKind::Flag {
                    FindingCode::RULE_FLAG
                } else {
                    FindingCode::RULE
                };
                let field = line.require.field();
                let root = field.spec().group.is_root();
                let origin = if root { draft.root.slot(field).origin } else { None };
                let mut finding = Finding::new(code, field.full_name(None)).at(origin, None);
                finding.named = Some(std::sync::Arc::clone(&line.name));
                broken.push(finding);
            }
        }
        broken
    }

    /// Puts one field of a translated record right, as a person says, and asks the rules again.
    pub fn correct(&self, draft: &mut Draft<'_>, correction: &Correction) -> Result<(), Barred> {
        correction.apply(draft)?;
        draft
            .findings
            .retain(|it| it.code != FindingCode::RULE && it.code != FindingCode::RULE_FLAG);
        let broken = self.broken_rules(draft, &mut Unwatched);
        draft.findings.extend(broken);
        Ok(())
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

/// One field as it was read.
struct Read<'t> {
    value: Result<Value<'t>, Trouble>,
    origin: Option<Origin>,
    node: Option<NodeId>,
    /// For who watches.
    steps: Vec<Vec<String>>,
}

/// Why a field got no value although something was there.
enum Trouble {
    Several,
    Unreadable,
    Unlisted(usize),
}

/// What was read for a field.
struct Found<'t> {
    texts: FieldTexts<'t>,
    origin: Origin,
    node: Option<NodeId>,
}

/// What was read for a field, or why there is no one value and where.
type Reading<'t> = Result<Option<Found<'t>>, (Trouble, Origin, Option<NodeId>)>;

impl<'t> Translator<'_, 't, '_> {
    fn fields(
        &mut self,
        fields: &[Field],
        places: &[PathStart],
        into: &mut Fields<'t>,
        number: Option<usize>,
    ) {
        for field in fields {
            let read = match places {
                [at] => self.read(field, *at, number),
                several => self.agreed(field, several, number),
            };
            self.fill(field, read, into, number);
        }
    }

    /// One field read at one place.
    fn read(&mut self, field: &Field, at: PathStart, number: Option<usize>) -> Read<'t> {
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
                (self.value(field, number, found.texts, &mut steps), Some(origin), node)
            }
        };
        Read { value, origin, node, steps }
    }

    fn fill(
        &mut self,
        field: &Field,
        read: Read<'t>,
        into: &mut Fields<'t>,
        number: Option<usize>,
    ) {
        let Read { value, origin, node, steps } = read;
        if self.watched {
            let filled = !matches!(value, Ok(Value::Absent));
            let name = field.id.full_name(number);
            let (number, spot) = (field.number, &field.spot);
            let (texts, value) = (&steps, value.as_ref().ok());
            self.watch.field(FieldStep {
                number,
                spot,
                field: name,
                origin,
                node,
                texts,
                value,
                filled,
            });
        }
        let taken = &into.slot(field.id).value;
        match value {
            Ok(Value::Absent) => {}
            Ok(value) if *taken == value => {}
            // Two lines of the mapping, each with its own `when`, and both say something else.
            Ok(_) if *taken != Value::Absent => {
                self.findings.push(self.finding(field, Trouble::Several, number).at(origin, None));
                into.set(field.id, Value::Unreadable, origin);
            }
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
            Trouble::Several => FindingCode::MORE_THAN_ONE,
            Trouble::Unlisted(_) => FindingCode::UNLISTED_CODE,
            Trouble::Unreadable if field.id.spec().need == Need::Mandatory => {
                FindingCode::UNREADABLE_MANDATORY
            }
            Trouble::Unreadable => FindingCode::UNREADABLE,
        };
        let mut finding = Finding::new(code, field.id.full_name(number));
        if let Trouble::Unlisted(lookup) = trouble {
            finding.named = Some(std::sync::Arc::clone(&self.plan.lookups[lookup].name));
        }
        finding
    }

    fn holds(&self, when: Option<&condition::When>, at: PathStart) -> Result<bool, Trouble> {
        let Some(when) = when else { return Ok(true) };
        let blank = |text: &str| self.plan.is_blank(text);
        let reading = condition::Reading { blank: &blank, dates: &self.plan.dates };
        when.holds(self.tree, at, &reading).map_err(|_| Trouble::Several)
    }

    /// The texts of a field before any transform; `None` when there is nothing.
    fn found(&mut self, field: &Field, at: PathStart) -> Reading<'t> {
        let is_list = field.id.spec().list;
        match &field.from {
            FieldSource::Constant(text, origin) => {
                let texts = FieldTexts::One(text.clone());
                Ok(Some(Found { texts, origin: *origin, node: None }))
            }
            FieldSource::Paths { paths, join: None } if is_list => Ok(self.all(paths, at)),
            FieldSource::Paths { paths, join: None } => self.first(paths, at),
            FieldSource::Paths { paths, join: Some(join) } => {
                let is_key = field.id == FieldId::SOURCE_RECORD_REF;
                let parts = is_key || (paths.len() > 1 && !is_list);
                let found =
                    if parts { self.parts(paths, at, is_key)? } else { self.all(paths, at) };
                Ok(found.map(|mut found| {
                    if let FieldTexts::Several(texts) = &found.texts {
                        found.texts = FieldTexts::One(Cow::Owned(texts.join(join)));
                    }
                    found
                }))
            }
        }
    }

    /// The first path that finds something that is not blank.
    fn first(&mut self, paths: &[(Path, Origin)], at: PathStart) -> Reading<'t> {
        for (path, origin) in paths {
            let found = self.one(path, *origin, at)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// One text of each path that has one. A key with a part missing would be another case's key,
    /// so it is none.
    fn parts(&mut self, paths: &[(Path, Origin)], at: PathStart, is_key: bool) -> Reading<'t> {
        let mut whole: Option<Found<'t>> = None;
        for (path, origin) in paths {
            match (self.one(path, *origin, at)?, &mut whole) {
                (None, _) if is_key => return Ok(None),
                (None, _) => {}
                (Some(found), None) => whole = Some(found),
                (Some(found), Some(whole)) => {
                    for text in found.texts.into_list() {
                        whole.texts.push(text);
                    }
                }
            }
        }
        Ok(whole)
    }

    /// The one text that a path finds; several different ones are trouble.
    fn one(&mut self, path: &Path, origin: Origin, at: PathStart) -> Reading<'t> {
        self.nodes.clear();
        path.select(self.tree, at, &mut self.nodes);
        let mut found: Option<(Cow<'t, str>, NodeId)> = None;
        for node in &self.nodes {
            let text = self.tree.text(*node);
            if text.is_empty() || self.plan.is_blank(&text) {
                continue;
            }
            match &found {
                None => found = Some((text, *node)),
                Some((first, _)) if *first == text => {}
                Some(_) => return Err((Trouble::Several, origin, Some(*node))),
            }
        }
        Ok(found.map(|(text, node)| Found {
            texts: FieldTexts::One(text),
            origin,
            node: Some(node),
        }))
    }

    /// Everything that the paths find, in order; the origin is the first one's.
    fn all(&mut self, paths: &[(Path, Origin)], at: PathStart) -> Option<Found<'t>> {
        let mut all: Option<Found<'t>> = None;
        for (path, origin) in paths {
            self.nodes.clear();
            path.select(self.tree, at, &mut self.nodes);
            for node in &self.nodes {
                let text = self.tree.text(*node);
                if text.is_empty() || self.plan.is_blank(&text) {
                    continue;
                }
                match &mut all {
                    Some(all) => all.texts.push(text),
                    None => {
                        let (texts, node) = (FieldTexts::One(text), Some(*node));
                        all = Some(Found { texts, origin: *origin, node });
                    }
                }
            }
        }
        all
    }

    fn value(
        &mut self,
        field: &Field,
        number: Option<usize>,
        mut texts: FieldTexts<'t>,
        steps: &mut Vec<Vec<String>>,
    ) -> Result<Value<'t>, Trouble> {
        let spec = field.id.spec();
        self.note(&texts, steps);
        for transform in &field.apply {
            texts = texts.transformed(transform).map_err(|_| Trouble::Unreadable)?;
            self.note(&texts, steps);
        }
        if !field.apply.is_empty() {
            match texts.kept() {
                Some(kept) => texts = kept,
                None => return Ok(Value::Absent),
            }
        }
        if let Some(index) = field.lookup {
            for text in texts.as_mut_slice() {
                *text = self.looked_up(field, number, index, text)?;
            }
            self.note(&texts, steps);
        }
        if spec.evidenced && texts.as_slice().iter().all(|text| text == "not_recorded") {
            return Ok(Value::NotRecorded);
        }
        if spec.list {
            return Ok(Value::List(texts.into_list()));
        }
        let FieldTexts::One(text) = texts else { return Err(Trouble::Several) };
        let dates = field.dates.as_ref().unwrap_or(&self.plan.dates);
        match spec.shape {
            FieldShape::Date => dates.date(&text).map(Value::Date).ok_or(Trouble::Unreadable),
            FieldShape::Instant => {
                dates.instant(&text).map(Value::Instant).ok_or(Trouble::Unreadable)
            }
            _ => Ok(Value::Text(text)),
        }
    }

    /// For who watches.
    fn note(&self, texts: &FieldTexts<'t>, steps: &mut Vec<Vec<String>>) {
        if self.watched {
            steps.push(texts.as_slice().iter().map(|text| text.to_string()).collect());
        }
    }

    fn looked_up(
        &mut self,
        field: &Field,
        number: Option<usize>,
        index: usize,
        text: &str,
    ) -> Result<Cow<'t, str>, Trouble> {
        let lookup: &Lookup = &self.plan.lookups[index];
        let row = lookup.row(text);
        match (row, &lookup.otherwise) {
            (Some(row), _) => {
                self.watch.lookup_row(index, Some(row));
                Ok(lookup.values[row].1.clone())
            }
            (None, Some(otherwise)) => {
                self.watch.lookup_row(index, None);
                Ok(otherwise.clone())
            }
            (None, None) => {
                self.watch.lookup_row(index, None);
                let unlisted = (field.id.full_name(number).into_owned(), text.to_owned());
                // A person who is said several times is read as often.
                if self.unlisted.last() != Some(&unlisted) {
                    self.unlisted.push(unlisted);
                }
                Err(Trouble::Unlisted(index))
            }
        }
    }
}

impl Plan {
    pub(super) fn is_blank(&self, text: &str) -> bool {
        self.blank.iter().any(|blank| blank == text)
    }
}

impl Field {
    fn first_origin(&self) -> Origin {
        match &self.from {
            FieldSource::Constant(_, origin) => *origin,
            FieldSource::Paths { paths, .. } => {
                paths.first().map_or(Origin(0), |(_, origin)| *origin)
            }
        }
    }
}
