//! Reads the slots of a draft into the types of the domain; what cannot be read becomes a finding.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::Date;

use super::choice::Choice;
use super::draft::{Fields, Value};
use super::field::{FieldId, FieldShape, FieldSpec};
use super::finding::{Finding, FindingCode, FindingKind};
use super::identifier::{
    Asn, Cro, Email, ForceCode, OffenceCode, Phone, PncId, Postcode, PtiUrn, UnreadableIdentifier,
};
use super::recorded::{NOT_RECORDED, Recorded};

/// What a record without a readable value of a field gets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum FieldDemand {
    /// Absent or unreadable stops it.
    Must,
    /// Absent has a meaning of its own, so only a readable value may be there.
    WhenThere,
    /// Unreadable is left out with a flag.
    May,
}

impl FieldDemand {
    pub fn must_if(needed: bool) -> FieldDemand {
        if needed { FieldDemand::Must } else { FieldDemand::May }
    }
}

/// Why a slot gave no value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Miss {
    Absent,
    /// The mapping could not read it and has said so.
    Told,
    Shape,
    Unlisted,
    Several,
}

impl From<UnreadableIdentifier> for Miss {
    fn from(_: UnreadableIdentifier) -> Miss {
        Miss::Shape
    }
}

/// A type that a slot can be read into.
pub trait FromSlot: Sized {
    fn read(value: Value<'_>, spec: &FieldSpec, this_year: i16) -> Result<Self, Miss>;
}

/// Reads the slots of one block.
pub struct Reader<'d, 't> {
    fields: &'d mut Fields<'t>,
    /// Position in the block's group, 1-based; None for the root.
    number: Option<usize>,
    this_year: i16,
    findings: &'d mut Vec<Finding>,
}

impl<'d, 't> Reader<'d, 't> {
    pub fn new(
        fields: &'d mut Fields<'t>,
        number: Option<usize>,
        this_year: i16,
        findings: &'d mut Vec<Finding>,
    ) -> Self {
        Reader { fields, number, this_year, findings }
    }

    /// A mandatory field.
    pub fn must<T: FromSlot>(&mut self, id: FieldId) -> Option<T> {
        self.plain(id, FieldDemand::Must)
    }

    /// An optional field.
    pub fn may<T: FromSlot>(&mut self, id: FieldId) -> Option<T> {
        self.plain(id, FieldDemand::May)
    }

    pub fn plain<T: FromSlot>(&mut self, id: FieldId, demand: FieldDemand) -> Option<T> {
        match self.recorded(id, demand)? {
            Recorded::Is(value) => Some(value),
            Recorded::NotRecorded => None,
        }
    }

    /// An evidenced field: its value, or `not_recorded` with a flag.
    pub fn recorded<T: FromSlot>(
        &mut self,
        id: FieldId,
        demand: FieldDemand,
    ) -> Option<Recorded<T>> {
        let spec = id.spec();
        let value = self.fields.take(id);
        if spec.evidenced && is_not_recorded(&value) {
            self.find(FindingCode::NOT_RECORDED, id);
            return Some(Recorded::NotRecorded);
        }
        match single(value).and_then(|value| T::read(value, spec, self.this_year)) {
            Ok(value) => Some(Recorded::Is(value)),
            Err(miss) => {
                self.miss(id, miss, demand);
                None
            }
        }
    }

    /// A list field; empty when nothing of it could be read.
    pub fn list<T: FromSlot>(&mut self, id: FieldId, demand: FieldDemand) -> Vec<T> {
        match self.recorded_list(id, demand) {
            Some(Recorded::Is(items)) => items,
            _ => Vec::new(),
        }
    }

    /// An evidenced list field; None when it holds nothing, else at least one item.
    pub fn recorded_list<T: FromSlot>(
        &mut self,
        id: FieldId,
        demand: FieldDemand,
    ) -> Option<Recorded<Vec<T>>> {
        let spec = id.spec();
        let value = self.fields.take(id);
        if spec.evidenced && is_not_recorded(&value) {
            self.find(FindingCode::NOT_RECORDED, id);
            return Some(Recorded::NotRecorded);
        }
        let texts = match value {
            Value::Absent => Vec::new(),
            Value::List(texts) => texts,
            Value::Text(text) => vec![text],
            Value::Unreadable => {
                self.miss(id, Miss::Told, demand);
                return None;
            }
            _ => {
                self.miss(id, Miss::Shape, demand);
                return None;
            }
        };
        let mut items = Vec::with_capacity(texts.len());
        let mut missed = None;
        for text in texts {
            match T::read(Value::Text(text), spec, self.this_year) {
                Ok(item) => items.push(item),
                Err(Miss::Absent) => {}
                Err(miss) => missed = Some(miss),
            }
        }
        match missed {
            Some(miss) => self.miss(id, miss, demand),
            None if items.is_empty() => self.miss(id, Miss::Absent, demand),
            None => {}
        }
        (!items.is_empty()).then_some(Recorded::Is(items))
    }

    /// Whether the record holds nothing for the field, or only blanks.
    pub fn is_absent(&self, id: FieldId) -> bool {
        match &self.fields.slot(id).value {
            Value::Absent => true,
            Value::Text(text) => is_blank(text),
            Value::List(texts) => texts.iter().all(|text| is_blank(text)),
            _ => false,
        }
    }

    /// Adds a finding about a field of this block.
    pub fn find(&mut self, code: FindingCode, id: FieldId) -> &mut Finding {
        let finding = Finding::new(code, self.name(id)).at(self.fields.slot(id).origin, None);
        let index = self.findings.len();
        self.findings.push(finding);
        &mut self.findings[index]
    }

    /// Adds a finding about a whole block.
    pub fn find_block(&mut self, code: FindingCode, name: &'static str) {
        self.findings.push(Finding::new(code, name));
    }

    /// Whether something already found says why the field has no value.
    pub fn is_explained(&self, name: &str) -> bool {
        self.findings.iter().any(|finding| {
            finding.code.page().kind != FindingKind::Flag && covers(&finding.field, name)
        })
    }

    /// Whether a flag says that a value of the field was left out.
    pub fn left_out(&self, id: FieldId) -> bool {
        let name = self.name(id);
        self.findings
            .iter()
            .any(|finding| finding.code == FindingCode::UNREADABLE && finding.field == name)
    }

    fn miss(&mut self, id: FieldId, miss: Miss, demand: FieldDemand) {
        let code = match (miss, demand) {
            (Miss::Absent, FieldDemand::Must) => FindingCode::MISSING,
            (Miss::Absent, _) => return,
            (Miss::Several, _) => FindingCode::MORE_THAN_ONE,
            (Miss::Unlisted, FieldDemand::Must | FieldDemand::WhenThere) => {
                FindingCode::UNLISTED_CODE
            }
            (Miss::Told | Miss::Shape, FieldDemand::Must | FieldDemand::WhenThere) => {
                FindingCode::UNREADABLE_MANDATORY
            }
            (Miss::Told | Miss::Shape | Miss::Unlisted, FieldDemand::May) => {
                FindingCode::UNREADABLE
            }
        };
        let name = self.name(id);
        let told = match miss {
            Miss::Absent => self.is_explained(&name),
            Miss::Told if demand == FieldDemand::May => {
                self.findings.iter().any(|finding| covers(&finding.field, &name))
            }
            Miss::Told => self.is_explained(&name),
            _ => false,
        };
        if !told {
            self.find(code, id);
        }
    }

    fn name(&self, id: FieldId) -> Cow<'static, str> {
        id.full_name(self.number)
    }
}

/// Whether the field is `name`, an item of that list, or a block that holds it.
fn covers(field: &str, name: &str) -> bool {
    if let Some(item) = field.strip_prefix(name) {
        return item.is_empty() || item.starts_with('[');
    }
    let within = name.strip_prefix(field).filter(|_| !field.is_empty());
    within.is_some_and(|rest| rest.starts_with(['.', '[']))
}

fn is_not_recorded(value: &Value<'_>) -> bool {
    match value {
        Value::NotRecorded => true,
        Value::Text(text) => text == NOT_RECORDED,
        Value::List(texts) => matches!(texts.as_slice(), [text] if text == NOT_RECORDED),
        _ => false,
    }
}

/// The value of a field that takes one.
fn single(value: Value<'_>) -> Result<Value<'_>, Miss> {
    match value {
        Value::Absent => Err(Miss::Absent),
        Value::Unreadable => Err(Miss::Told),
        Value::NotRecorded => Err(Miss::Shape),
        Value::List(texts) => {
            let mut texts = texts.into_iter().filter(|text| !is_blank(text));
            match (texts.next(), texts.next()) {
                (None, _) => Err(Miss::Absent),
                (Some(text), None) => Ok(Value::Text(text)),
                (Some(_), Some(_)) => Err(Miss::Several),
            }
        }
        value => Ok(value),
    }
}

fn text(value: Value<'_>) -> Result<Cow<'_, str>, Miss> {
    match value {
        Value::Text(text) if is_blank(&text) => Err(Miss::Absent),
        Value::Text(text) => Ok(text),
        _ => Err(Miss::Shape),
    }
}

fn is_blank(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}

/// Whether it holds no control character but line breaks and tabs.
fn is_printable(text: &str) -> bool {
    let plain = |byte: u8| (b' '..=b'~').contains(&byte);
    let printable = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    text.bytes().all(plain) || text.chars().all(printable)
}

impl FromSlot for String {
    fn read(value: Value<'_>, spec: &FieldSpec, _: i16) -> Result<Self, Miss> {
        let text = text(value)?;
        let FieldShape::Text(chars_max) = spec.shape else { return Err(Miss::Shape) };
        let too_long = text.len() > chars_max && text.chars().count() > chars_max;
        if too_long || !is_printable(&text) {
            return Err(Miss::Shape);
        }
        Ok(text.into_owned())
    }
}

impl FromSlot for Date {
    fn read(value: Value<'_>, _: &FieldSpec, _: i16) -> Result<Self, Miss> {
        match value {
            Value::Date(date) => Ok(date),
            value => {
                let text = text(value)?;
                let text = text.trim();
                let is_day = text.len() == "YYYY-MM-DD".len();
                is_day.then(|| text.parse().ok()).flatten().ok_or(Miss::Shape)
            }
        }
    }
}

impl FromSlot for Timestamp {
    fn read(value: Value<'_>, _: &FieldSpec, _: i16) -> Result<Self, Miss> {
        match value {
            Value::Instant(instant) => Ok(instant),
            value => text(value)?.trim().parse().map_err(|_| Miss::Shape),
        }
    }
}

impl<T: Choice> FromSlot for T {
    fn read(value: Value<'_>, _: &FieldSpec, _: i16) -> Result<Self, Miss> {
        T::from_code(text(value)?.trim()).ok_or(Miss::Unlisted)
    }
}

impl FromSlot for PncId {
    fn read(value: Value<'_>, _: &FieldSpec, this_year: i16) -> Result<Self, Miss> {
        Ok(PncId::parse(&text(value)?, this_year)?)
    }
}

macro_rules! read_by_parse {
    ($($type:ident),*) => { $(
        impl FromSlot for $type {
            fn read(value: Value<'_>, _: &FieldSpec, _: i16) -> Result<Self, Miss> {
                Ok($type::parse(&text(value)?)?)
            }
        }
    )* };
}

read_by_parse!(Asn, Cro, Email, ForceCode, OffenceCode, Phone, Postcode, PtiUrn);
