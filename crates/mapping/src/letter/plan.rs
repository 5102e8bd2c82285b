//! A letter's mapping, compiled, and what it makes of a notice.

use std::borrow::Cow;
use std::fmt;

use jiff::tz::TimeZone;

use super::field::{Field, FieldContent};
use super::lookup::LetterLookup;
use super::when::LetterWhen;
use crate::date;
use crate::line_origin::LineOrigin;
use crate::transform::{Transform, TransformMismatch};
use cara_document::BodyFormat;
use cara_document::write::{self, Element, LineEnd, Unwritable};
use cara_domain::notice::{Notice, NoticeKind};

/// How one force's letters are written.
#[derive(Debug)]
pub struct LetterPlan {
    pub(super) force: String,
    pub(super) name: String,
    pub(super) target: Target,
    pub(super) delivery: Option<LetterDelivery>,
    /// Every place of the letter, in the file's order.
    pub(super) places: Vec<LetterPlace>,
    pub(super) lines: Vec<LetterLine>,
    pub(super) lookups: Vec<LetterLookup>,
    pub(super) tests: Vec<LetterTest>,
    /// Where clocks are that a moment without `Z` is written by.
    pub(super) zone: TimeZone,
}

/// `[target]`
#[derive(Debug)]
pub(super) struct Target {
    pub format: BodyFormat,
    /// XML: the root element. JSON: the one member around the letter, or empty.
    pub root: String,
    pub namespace: Option<String>,
    pub line_end: LineEnd,
}

/// Where in the letter something is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LetterPlace {
    /// As the file writes it.
    pub text: String,
    pub steps: Vec<String>,
    pub attribute: Option<String>,
}

/// One line of `[fields]`.
#[derive(Debug)]
pub(super) struct LetterLine {
    /// Where the mapping says it.
    pub at: LineOrigin,
    /// Index into the plan's places.
    pub place: usize,
    pub when: Option<LetterWhen>,
    pub says: Says,
}

#[derive(Debug)]
pub(super) enum Says {
    Constant(String),
    Field {
        field: Field,
        /// Index into the plan's lookups.
        lookup: Option<usize>,
        apply: Vec<Transform>,
        /// How a day or a moment is written; else as in ISO 8601.
        dates: Option<date::DateFormat>,
        if_missing: Option<String>,
    },
}

/// One `[[test]]`.
#[derive(Clone, Debug)]
pub(super) struct LetterTest {
    pub name: String,
    /// The made-up notices that are rendered; what is expected is expected of each.
    pub kinds: Vec<NoticeKind>,
    /// What they say instead of what the example says.
    pub given: Vec<(Field, String)>,
    /// The text at a place, by its index; empty when nothing is written there.
    pub expected: Vec<(usize, String)>,
    /// The whole letter, relative to the mapping's folder.
    pub expect_file: Option<String>,
}

/// `[deliver]`: the force wants its letters pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetterDelivery {
    /// An https address with a host; nothing in it is secret.
    pub to: String,
    /// Success answers by which the force has the letter; never empty, all from 200 to 299.
    pub delivered: Vec<u16>,
    /// Those of them by which the force says that it has taken the notice over.
    pub taken_over: Vec<u16>,
    /// 1 to 120: how long the whole delivery may take.
    pub timeout_s: u16,
    /// Sent with every letter, in the file's order; never one that the gateway sets itself.
    pub headers: Vec<(String, String)>,
}

impl LetterDelivery {
    /// [`LetterDelivery::delivered`] where the file does not say.
    pub const DELIVERED: [u16; 4] = [200, 201, 202, 204];
    /// [`LetterDelivery::timeout_s`] where the file does not say.
    pub const TIMEOUT_S: u16 = 30;
    /// The bounds of [`LetterDelivery::timeout_s`], both included.
    pub const TIMEOUT_S_RANGE: std::ops::RangeInclusive<u16> = 1..=120;
}

/// A notice in one force's own format, ready to deliver. It is personal: `Debug` does not show the
/// body.
#[derive(Clone, PartialEq, Eq)]
pub struct RenderedLetter {
    pub media_type: String,
    /// UTF-8.
    pub body: Vec<u8>,
}

impl fmt::Debug for RenderedLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Letter").field("media_type", &self.media_type).finish_non_exhaustive()
    }
}

/// Why there is no letter. It names the mapping's own words only.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unrendered {
    #[error(transparent)]
    Unwritable(#[from] Unwritable),
}

/// What a letter was made with, for coverage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Used {
    /// Index of a line that had something to say.
    Line(usize),
    /// Indexes of a lookup and its row.
    Row(usize, usize),
}

impl LetterPlan {
    /// The force's slug.
    pub fn force(&self) -> &str {
        &self.force
    }

    /// `notice`, from the file's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `letter/1`
    pub fn fills(&self) -> &str {
        "letter/1"
    }

    /// The letter's shape, as the document room reads it back.
    pub fn format(&self) -> &BodyFormat {
        &self.target.format
    }

    /// What a letter's `Content-Type` says.
    pub fn media_type(&self) -> &str {
        match self.target.format {
            BodyFormat::Xml => "application/xml; charset=utf-8",
            BodyFormat::Json => "application/json",
            BodyFormat::Csv(_) | BodyFormat::Fixed(_) => "text/csv; charset=utf-8",
        }
    }

    /// Absent: the force collects its letters.
    pub fn delivery(&self) -> Option<&LetterDelivery> {
        self.delivery.as_ref()
    }

    /// The notice as the force wants it. Fails only where a text of the notice holds a character
    /// that XML cannot: nothing is ever dropped from it.
    pub fn render(&self, notice: &Notice<'_>) -> Result<RenderedLetter, Unrendered> {
        let texts = self.texts(notice, &mut |_| {});
        Ok(RenderedLetter { media_type: self.media_type().to_owned(), body: self.written(texts)? })
    }

    /// What is written at each place; `None`: nothing.
    pub(super) fn texts(
        &self,
        notice: &Notice<'_>,
        used: &mut dyn FnMut(Used),
    ) -> Vec<Option<String>> {
        let mut texts: Vec<Option<String>> = vec![None; self.places.len()];
        for (index, line) in self.lines.iter().enumerate() {
            let is_written = texts[line.place].is_some();
            if is_written || line.when.as_ref().is_some_and(|when| !when.holds(notice)) {
                continue;
            }
            texts[line.place] = match &line.says {
                Says::Constant(text) => {
                    used(Used::Line(index));
                    Some(text.clone())
                }
                Says::Field { field, lookup, apply, dates, if_missing } => {
                    let said = field.read(notice);
                    let text = self.said(&said, *lookup, dates.as_ref(), used);
                    let text = text.and_then(|text| applied(text, apply));
                    if text.is_some() {
                        used(Used::Line(index));
                    }
                    text.or_else(|| if_missing.clone())
                }
            };
        }
        texts
    }

    fn said(
        &self,
        said: &FieldContent<'_>,
        lookup: Option<usize>,
        dates: Option<&date::DateFormat>,
        used: &mut dyn FnMut(Used),
    ) -> Option<String> {
        let text = match (said, dates) {
            (FieldContent::Day(day), Some(format)) => return Some(format.write_day(*day)),
            (FieldContent::Moment(at), Some(format)) => {
                return Some(format.write_moment(*at, &self.zone));
            }
            (said, _) => said.canonical()?,
        };
        let Some(index) = lookup else { return Some(text.into_owned()) };
        let lookup = &self.lookups[index];
        let word = |code| match lookup.row(code) {
            Some(row) => {
                used(Used::Row(index, row));
                lookup.rows[row].1.as_str()
            }
            // Of no closed list.
            None => code,
        };
        Some(text.split_whitespace().map(word).collect::<Vec<_>>().join(" "))
    }

    pub(super) fn written(&self, texts: Vec<Option<String>>) -> Result<Vec<u8>, Unwritable> {
        if let BodyFormat::Csv(options) = &self.target.format {
            let columns: Vec<&str> = self.places.iter().map(|place| &*place.text).collect();
            let cells: Vec<&str> = texts.iter().map(|it| it.as_deref().unwrap_or("")).collect();
            return Ok(write::write_csv(&columns, &cells, options, self.target.line_end));
        }
        let mut root = Element::named(&self.target.root);
        if let Some(namespace) = &self.target.namespace {
            root.set_attribute("xmlns", namespace.clone());
        }
        for (place, text) in self.places.iter().zip(texts) {
            let Some(text) = text else { continue };
            let element = root.at(&place.steps);
            match &place.attribute {
                Some(name) => element.set_attribute(name, text),
                None => element.set_text(text),
            }
        }
        match self.target.format {
            BodyFormat::Xml => write::write_xml(&root),
            _ => Ok(write::write_json(&root)),
        }
    }
}

/// `None` when nothing is left.
fn applied(text: String, transforms: &[Transform]) -> Option<String> {
    let mut text = Cow::Owned(text);
    for transform in transforms {
        // Only transforms that read every text are let into a letter's mapping.
        text = match transform.apply(text) {
            Ok(text) => text,
            Err(TransformMismatch) => return None,
        };
    }
    (!text.trim().is_empty()).then(|| text.into_owned())
}
