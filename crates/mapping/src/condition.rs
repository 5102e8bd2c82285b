//! One-line conditions. `when` reads source paths, a rule's `require` reads canonical names:
//! `'Disposal/Type' is 'CCAU'`, `risk.grade is one of standard, medium`.
//!
//! There is no `and`, no `or` and no bracket: several things are several rules, each with its own
//! name and its own reason.

mod check;
pub(super) mod phrase;
pub mod settled;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::Date;

use super::date::Formats;
use super::fault::{PhraseFault, PhraseFaultKind};
use super::path::{Path, PathStart};
use cara_document::{NameTable, Tree};
use cara_domain::field::{FieldId, Fills, Group};
use cara_domain::{Draft, Fields, Value};
use check::{
    check_operator, check_quantifier, find_field, normal, rank, read_date, read_number, wanted,
};
use phrase::{Comparison, Pattern, Phrase, Quantifier, Word};

/// A rule's condition over the canonical fields of a draft.
#[derive(Clone, Debug)]
pub struct Rule {
    field: FieldId,
    quantifier: Option<Quantifier>,
    test: Test<Wanted>,
}

/// What is asked of one value.
#[derive(Clone, Debug)]
enum Test<W> {
    Missing,
    Present,
    Among(Vec<W>),
    NotAmong(Vec<W>),
    StartsWith(String),
    LooksLike(Pattern),
    AtLeast(W),
    AtMost(W),
    Before(W),
    After(W),
}

/// A value as the field holds it.
#[derive(Clone, Debug, PartialEq)]
enum Wanted {
    Text(String),
    NotRecorded,
    Date(Date),
    Instant(Timestamp),
    /// Position among the field's ordered codes.
    Rank(usize),
    Number(i64),
}

/// What a draft holds in one place.
#[derive(Clone, Copy)]
enum Held<'d> {
    Missing,
    NotRecorded,
    Text(&'d str),
    Date(Date),
    Instant(Timestamp),
    Unreadable,
}

impl Rule {
    /// Reads the condition and checks field, operator and value against the field table.
    pub fn parse(text: &str, fills: Fills) -> Result<Rule, PhraseFault> {
        let phrase = Phrase::read(text)?;
        let field = find_field(&phrase.subject, fills)?;
        check_quantifier(&phrase, field)?;
        check_operator(&phrase, field)?;
        let test = test(&phrase, |word| wanted(field, phrase.operator, word))?;
        Ok(Rule { field, quantifier: phrase.quantifier.map(|(quantifier, _)| quantifier), test })
    }

    /// The field that the rule reads; what a finding of the rule names.
    pub fn field(&self) -> FieldId {
        self.field
    }

    /// Whether the draft is as the rule requires. A missing or unreadable value fits nothing but
    /// `is missing`, or `is not` when it is missing; so a rule that cannot be judged stops the
    /// record rather than letting it through.
    pub fn holds(&self, draft: &Draft<'_>) -> bool {
        match self.field.spec().group {
            Group::Root | Group::Decision => self.holds_slot(&draft.root),
            Group::Offence => self.holds_blocks(&draft.offences),
            Group::Condition => self.holds_blocks(&draft.conditions),
            Group::Child => self.holds_blocks(&draft.children),
        }
    }

    fn holds_blocks(&self, blocks: &[Fields<'_>]) -> bool {
        match self.quantifier {
            Some(Quantifier::Every) => blocks.iter().all(|block| self.holds_slot(block)),
            _ => blocks.iter().any(|block| self.holds_slot(block)),
        }
    }

    fn holds_slot(&self, fields: &Fields<'_>) -> bool {
        let held = match &fields.slot(self.field).value {
            Value::List(texts) => return self.holds_list(texts),
            Value::Absent if self.field.spec().list => return self.holds_list(&[]),
            Value::Absent => Held::Missing,
            Value::NotRecorded => Held::NotRecorded,
            Value::Text(text) => Held::Text(text),
            Value::Date(date) => Held::Date(*date),
            Value::Instant(instant) => Held::Instant(*instant),
            Value::Unreadable => Held::Unreadable,
        };
        self.fits(held)
    }

    fn holds_list(&self, texts: &[Cow<'_, str>]) -> bool {
        let mut fits = texts.iter().map(|text| self.fits(Held::Text(text)));
        match (&self.test, self.quantifier) {
            (Test::Missing, _) => texts.is_empty(),
            (Test::Present, _) => !texts.is_empty(),
            (_, Some(Quantifier::Every)) => fits.all(|fits| fits),
            (_, _) => fits.any(|fits| fits),
        }
    }

    fn fits(&self, held: Held<'_>) -> bool {
        match (&self.test, held) {
            (Test::Missing, held) => matches!(held, Held::Missing),
            (Test::Present, held) => !matches!(held, Held::Missing),
            (_, Held::Unreadable) => false,
            (Test::Among(values), held) => values.iter().any(|value| self.equal(value, held)),
            (Test::NotAmong(values), held) => !values.iter().any(|value| self.equal(value, held)),
            (Test::StartsWith(start), Held::Text(text)) => text.starts_with(start.as_str()),
            (Test::LooksLike(pattern), Held::Text(text)) => pattern.fits(text),
            (Test::AtLeast(value), held) => self.compare(held, value).is_some_and(|o| o.is_ge()),
            (Test::AtMost(value), held) => self.compare(held, value).is_some_and(|o| o.is_le()),
            (Test::Before(value), held) => self.compare(held, value).is_some_and(|o| o.is_lt()),
            (Test::After(value), held) => self.compare(held, value).is_some_and(|o| o.is_gt()),
            (Test::StartsWith(_) | Test::LooksLike(_), _) => false,
        }
    }

    fn equal(&self, wanted: &Wanted, held: Held<'_>) -> bool {
        match (wanted, held) {
            (Wanted::NotRecorded, Held::NotRecorded) => true,
            // The draft holds the text as it was written; the wanted one is in its normal form.
            (Wanted::Text(wanted), Held::Text(text)) => {
                wanted == text
                    || normal(self.field.spec().shape, text).is_some_and(|n| n == *wanted)
            }
            (Wanted::Date(wanted), Held::Date(date)) => *wanted == date,
            (Wanted::Instant(wanted), Held::Instant(instant)) => *wanted == instant,
            _ => false,
        }
    }

    fn compare(&self, held: Held<'_>, wanted: &Wanted) -> Option<std::cmp::Ordering> {
        match (held, wanted) {
            (Held::Date(date), Wanted::Date(wanted)) => Some(date.cmp(wanted)),
            (Held::Instant(instant), Wanted::Instant(wanted)) => Some(instant.cmp(wanted)),
            (Held::Text(text), Wanted::Rank(wanted)) => {
                rank(self.field, text).map(|r| r.cmp(wanted))
            }
            (Held::Text(text), Wanted::Number(wanted)) => {
                text.parse::<i64>().ok().map(|number| number.cmp(wanted))
            }
            _ => None,
        }
    }
}

/// A field's or a block's condition over the places of the record.
#[derive(Clone, Debug)]
pub struct When {
    path: Path,
    quantifier: Option<Quantifier>,
    test: Test<Sought>,
}

/// What a text of the record is compared with.
#[derive(Clone, Debug)]
enum Sought {
    Text(String),
    Number(i64),
    Date(Date),
}

/// How the mapping reads the texts of its records.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    /// Whether a trimmed text means "nothing here".
    pub blank: &'a dyn Fn(&str) -> bool,
    pub dates: &'a Formats,
}

/// The path found several different values and the condition does not say `any` or `every`: which
/// one counts would be a guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Several;

impl When {
    /// Reads the condition; a path with blanks in it stands in quotes.
    pub fn parse(text: &str, names: &mut NameTable) -> Result<When, PhraseFault> {
        let phrase = Phrase::read(text)?;
        let path = Path::parse(&phrase.subject.text, names)
            .map_err(|fault| fault.shifted(phrase.subject.at.start))?;
        let test = test(&phrase, |word| sought(phrase.operator, word))?;
        Ok(When { path, quantifier: phrase.quantifier.map(|(quantifier, _)| quantifier), test })
    }

    /// Where in the record it looks.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it holds for the item `at`. Blank values are as absent. Without `any` or `every`,
    /// equal values count as one and different ones are [`Several`].
    pub fn holds(
        &self,
        tree: &Tree<'_>,
        at: impl Into<PathStart>,
        reading: &Reading<'_>,
    ) -> Result<bool, Several> {
        let mut found = Vec::new();
        self.path.select(tree, at, &mut found);
        let mut texts = found
            .into_iter()
            .map(|node| tree.text(node))
            .filter(|text| !text.is_empty() && !(reading.blank)(text));
        match (&self.test, self.quantifier) {
            (Test::Missing, _) => Ok(texts.next().is_none()),
            (Test::Present, _) => Ok(texts.next().is_some()),
            (test, Some(Quantifier::Any)) => Ok(texts.any(|text| fits(test, &text, reading))),
            (test, Some(Quantifier::Every)) => Ok(texts.all(|text| fits(test, &text, reading))),
            (test, None) => {
                let Some(first) = texts.next() else {
                    return Ok(matches!(test, Test::NotAmong(_)));
                };
                if texts.any(|text| text != first) {
                    return Err(Several);
                }
                Ok(fits(test, &first, reading))
            }
        }
    }
}

fn fits(test: &Test<Sought>, text: &str, reading: &Reading<'_>) -> bool {
    let equal = |sought: &Sought| matches!(sought, Sought::Text(wanted) if wanted == text);
    let compare = |sought: &Sought| match sought {
        Sought::Number(wanted) => text.parse::<i64>().ok().map(|number| number.cmp(wanted)),
        Sought::Date(wanted) => reading.dates.date(text).map(|date| date.cmp(wanted)),
        Sought::Text(_) => None,
    };
    match test {
        Test::Missing => false,
        Test::Present => true,
        Test::Among(values) => values.iter().any(equal),
        Test::NotAmong(values) => !values.iter().any(equal),
        Test::StartsWith(start) => text.starts_with(start.as_str()),
        Test::LooksLike(pattern) => pattern.fits(text),
        Test::AtLeast(value) => compare(value).is_some_and(|order| order.is_ge()),
        Test::AtMost(value) => compare(value).is_some_and(|order| order.is_le()),
        Test::Before(value) => compare(value).is_some_and(|order| order.is_lt()),
        Test::After(value) => compare(value).is_some_and(|order| order.is_gt()),
    }
}

fn sought(operator: Comparison, word: &Word) -> Result<Sought, PhraseFault> {
    match operator {
        Comparison::Before | Comparison::After => read_date(word).map(Sought::Date),
        Comparison::AtLeast | Comparison::AtMost => read_date(word)
            .map(Sought::Date)
            .or_else(|_| read_number(word).map(Sought::Number))
            .map_err(|fault| PhraseFault {
                what: "a whole number or a date as in `2025-01-31` belongs here".to_owned(),
                ..fault
            }),
        _ => Ok(Sought::Text(word.text.clone())),
    }
}

/// The test of a phrase, its values read by the given reader.
fn test<W>(
    phrase: &Phrase,
    read: impl Fn(&Word) -> Result<W, PhraseFault>,
) -> Result<Test<W>, PhraseFault> {
    let mut values = phrase.values.iter();
    let mut one = || match values.next() {
        Some(word) => Ok(word),
        None => Err(PhraseFault::new(
            PhraseFaultKind::Condition,
            phrase.operator_at.clone(),
            "a value is missing",
        )),
    };
    let all = || phrase.values.iter().map(&read).collect::<Result<Vec<W>, PhraseFault>>();
    Ok(match phrase.operator {
        Comparison::Missing => Test::Missing,
        Comparison::Present => Test::Present,
        Comparison::Is | Comparison::IsOneOf => Test::Among(all()?),
        Comparison::IsNot | Comparison::IsNotOneOf => Test::NotAmong(all()?),
        Comparison::StartsWith => Test::StartsWith(one()?.text.clone()),
        Comparison::LooksLike => Test::LooksLike(Pattern::of(one()?)),
        Comparison::AtLeast => Test::AtLeast(read(one()?)?),
        Comparison::AtMost => Test::AtMost(read(one()?)?),
        Comparison::Before => Test::Before(read(one()?)?),
        Comparison::After => Test::After(read(one()?)?),
    })
}
