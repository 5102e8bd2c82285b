//! `[fields]` of a letter: the lines that write it, in order.

use std::ops::Range;

use toml_edit::Item;

use super::lookup::{self, LookupUse};
use super::target;
use crate::code::MappingCode;
use crate::compile::table::TableReader;
use crate::compile::{Compiler, quoted};
use crate::date;
use crate::diagnostic::code_of;
use crate::fault::{PhraseFaultKind, nearest};
use crate::letter::field::{Field, LetterFieldShape};
use crate::letter::plan::{LetterLine, LetterPlace, Says};
use crate::letter::when::LetterWhen;
use crate::transform::{Fits, Transform};
use cara_document::BodyFormat;
use cara_domain::choice::Choice;
use cara_domain::notice::NoticeKind;

pub(crate) const KEYS: [&str; 7] =
    ["from", "value", "when", "lookup", "apply", "dates", "if_missing"];

#[derive(Default)]
pub(super) struct LetterFields {
    pub places: Vec<LetterPlace>,
    pub lines: Vec<LetterLine>,
    /// Every left side as it is written, also of a place that cannot be.
    pub written: Vec<String>,
}

/// What every line needs to know of the file.
struct Reader<'r, 'c, 'l> {
    reporter: &'r mut Compiler<'c>,
    dates: Option<&'l date::DateFormat>,
    lookups: &'l mut [LookupUse],
}

pub(super) fn read(
    reporter: &mut Compiler<'_>,
    top: &TableReader<'_>,
    target: Option<&target::TargetSection>,
    lookups: &mut [LookupUse],
) -> LetterFields {
    let mut fields = LetterFields::default();
    let Some(table) = top.table(reporter, "fields") else {
        reporter.missing(top, "fields", "[fields] with \"Ref\" = { from = \"notice.record_ref\" }");
        return fields;
    };
    if table.keys().is_empty() {
        let what = "[fields] has no line, so every letter would be empty";
        reporter.report(MappingCode::MISSING_KEY, table.span.clone(), what);
    }
    let dates = target.and_then(|target| target.dates.as_ref());
    let mut reader = Reader { reporter, dates, lookups };
    for (text, span) in table.keys() {
        let Some(item) = table.get(&text) else { continue };
        fields.written.push(text.trim().to_owned());
        let index = fields.places.len();
        let lines = reader.lines(&text, item, &span, index);
        let Some(target) = target else { continue };
        match target::place(&target.target, &text) {
            Err(what) => {
                reader.reporter.report(MappingCode::LETTER_PLACE, span, what);
            }
            Ok(place) => {
                conflict(&mut reader, &target.target.format, &fields, &place, &span);
                fields.places.push(place);
                fields.lines.extend(lines);
            }
        }
    }
    fields
}

/// Nothing stands twice, and nothing stands inside a text.
fn conflict(
    reader: &mut Reader<'_, '_, '_>,
    format: &BodyFormat,
    fields: &LetterFields,
    place: &LetterPlace,
    span: &Range<usize>,
) {
    let is_flat = matches!(format, BodyFormat::Csv(_));
    let holds_text = |place: &LetterPlace| place.attribute.is_none();
    for other in &fields.places {
        let inside = |inner: &LetterPlace, outer: &LetterPlace| {
            let deeper = inner.steps.len() > outer.steps.len();
            holds_text(outer) && deeper && inner.steps.starts_with(&outer.steps)
        };
        if other.steps == place.steps && other.attribute == place.attribute {
            let what = format!("{} stands in the file twice", place.text);
            reader.reporter.report(MappingCode::FILLED_TWICE, span.clone(), what);
        } else if !is_flat && (inside(place, other) || inside(other, place)) {
            let outer = if inside(place, other) { other } else { place };
            let inner = if inside(place, other) { place } else { other };
            let what = format!("{} holds a text, so {} cannot stand in it", outer.text, inner.text);
            reader.reporter.report(MappingCode::LETTER_PLACE, span.clone(), what);
        } else {
            continue;
        }
        return;
    }
}

impl Reader<'_, '_, '_> {
    /// The line of one place, or its several lines.
    fn lines(
        &mut self,
        text: &str,
        item: &Item,
        span: &Range<usize>,
        place: usize,
    ) -> Vec<LetterLine> {
        if let Some(array) = item.as_array() {
            let tables: Option<Vec<TableReader<'_>>> = array
                .iter()
                .map(|value| {
                    let span = value.span().unwrap_or_else(|| span.clone());
                    value.as_inline_table().map(|table| TableReader::of(table, span))
                })
                .collect();
            if let Some(tables) = tables.filter(|tables| !tables.is_empty()) {
                let lines = tables.iter().filter_map(|it| self.line(text, it, &it.span, place));
                return lines.collect();
            }
        } else if let Some(table) = item.as_table_like() {
            let is_line = item.is_inline_table() || KEYS.iter().any(|key| table.contains_key(key));
            if is_line {
                let table = TableReader::of(table, item.span().unwrap_or_else(|| span.clone()));
                return self.line(text, &table, span, place).into_iter().collect();
            }
        }
        let what = format!("\"{text}\" takes {{ from = \"notice.…\" }} or {{ value = \"…\" }}");
        let meant = item.as_str().map(|text| format!("{{ from = \"{text}\" }}"));
        self.reporter.report(MappingCode::WRONG_TYPE, span.clone(), what).suggestion = meant;
        Vec::new()
    }

    fn line(
        &mut self,
        text: &str,
        table: &TableReader<'_>,
        span: &Range<usize>,
        place: usize,
    ) -> Option<LetterLine> {
        self.reporter.known_keys(table, &KEYS);
        let when = self.when(table);
        let kinds = NoticeKind::CODES.iter().filter_map(|code| NoticeKind::from_code(code));
        let kinds: Vec<NoticeKind> =
            kinds.filter(|kind| when.as_ref().is_none_or(|when| when.admits(*kind))).collect();
        let is_known = when.is_some() || !table.has("when");
        let kinds = is_known.then_some(&*kinds);
        let says = match (table.has("from"), table.has("value")) {
            (true, false) => self.from(table, kinds),
            (false, true) => self.constant(table),
            (both, _) => {
                let what = if both {
                    "both `from` and `value`: keep one"
                } else {
                    "neither `from` nor `value`"
                };
                let what = format!("\"{text}\" has {what}");
                self.reporter.report(MappingCode::MISSING_KEY, span.clone(), what);
                None
            }
        };
        let at = self.reporter.spot(table.span.start);
        Some(LetterLine { at, place, when, says: says? })
    }

    fn when(&mut self, table: &TableReader<'_>) -> Option<LetterWhen> {
        let (text, span) = table.string(self.reporter, "when")?;
        LetterWhen::parse(&text)
            .map_err(|fault| {
                let place = quoted::piece_of(self.reporter.text, &span, fault.start..fault.end);
                let of_field = fault.cause == PhraseFaultKind::Field;
                let code = if of_field { MappingCode::NOTICE_FIELD } else { code_of(&fault) };
                self.reporter.report(code, place, fault.what).suggestion = fault.suggestion;
            })
            .ok()
    }

    fn constant(&mut self, table: &TableReader<'_>) -> Option<Says> {
        for key in ["lookup", "apply", "dates", "if_missing"] {
            if table.has(key) {
                let what = format!("`{key}` is for what is read with `from`, not for a `value`");
                self.reporter.report(MappingCode::UNKNOWN_KEY, table.key_span(key), what);
            }
        }
        table.string(self.reporter, "value").map(|(text, _)| Says::Constant(text))
    }

    fn from(&mut self, table: &TableReader<'_>, kinds: Option<&[NoticeKind]>) -> Option<Says> {
        let field = self.field(table);
        let lookup = lookup::of_line(self.reporter, table, field, kinds, self.lookups);
        let apply = self.transforms(table);
        let if_missing = table.string(self.reporter, "if_missing").map(|(text, _)| text);
        let dates = self.own_dates(table, field);
        Some(Says::Field { field: field?, lookup, apply, dates, if_missing })
    }

    fn field(&mut self, table: &TableReader<'_>) -> Option<Field> {
        let (name, span) = table.string(self.reporter, "from")?;
        let found = Field::find(&name);
        if found.is_none() {
            let bare = format!("notice.{name}");
            let meant = Field::names()
                .find(|known| *known == bare)
                .or_else(|| nearest(&name, Field::names()));
            let what = format!("a notice has no field {name}");
            self.reporter.report(MappingCode::NOTICE_FIELD, span, what).suggestion =
                meant.map(str::to_owned);
        }
        found
    }

    /// Only what reads every text: a letter must not fail over a tidied reference.
    fn transforms(&mut self, table: &TableReader<'_>) -> Vec<Transform> {
        let mut transforms = Vec::new();
        for (text, span) in table.strings(self.reporter, "apply").unwrap_or_default() {
            match Transform::parse(&text) {
                Ok(transform) if transform.doc().fits == Fits::Any => transforms.push(transform),
                Ok(transform) => {
                    let what = format!("\"{}\" is not for letters", transform.doc().name);
                    self.reporter.report(MappingCode::TRANSFORM_DOES_NOT_FIT, span, what);
                }
                Err(fault) => self.reporter.fault(&fault, &span),
            }
        }
        transforms
    }

    fn own_dates(
        &mut self,
        table: &TableReader<'_>,
        field: Option<Field>,
    ) -> Option<date::DateFormat> {
        let shape = field?.spec().shape;
        if !table.has("dates") {
            return self.dates.filter(|_| shape == LetterFieldShape::Day).cloned();
        }
        let (format, span) = target::format(self.reporter, table)?;
        match shape {
            LetterFieldShape::Moment => return Some(format),
            LetterFieldShape::Day if !format.has_time() => return Some(format),
            LetterFieldShape::Day => {
                self.reporter.report(MappingCode::DATE_FORMAT, span, "a day has no time");
            }
            _ => {
                let what = format!("{} is no day and no moment", field?.spec().name);
                self.reporter.report(MappingCode::UNKNOWN_KEY, table.key_span("dates"), what);
            }
        }
        None
    }
}
