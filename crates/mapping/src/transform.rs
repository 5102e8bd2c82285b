//! The closed list of named transforms (DESIGN section 6): no expressions and no scripting. A new
//! need becomes a new row of [`list::ALL`] once, for every force.
//!
//! A transform tidies how a value is written. It never guesses: a text that it cannot bring into
//! its form is [`TransformMismatch`], and whether a check letter is right is for the domain to say.

pub mod leaves;
pub mod list;
mod normal;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;

use super::fault::{PhraseFault, PhraseFaultKind, nearest};
use cara_domain::field::{FieldShape, FieldSpec, YES_NO};
use list::ALL;

/// The text does not have the form that the transform reads. It carries no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransformMismatch;

/// What stands after a transform's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransformArgument {
    Nothing,
    /// Any text, as `/` in `before /`; in quotes when it begins or ends with a blank.
    Text,
    /// Two positions, 1-based and both included, as in `letters 1 to 8`.
    Positions,
}

/// Which fields a transform's result can fill directly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fits {
    /// Any shape: it only tidies or cuts.
    Any,
    /// List fields only: it makes several values.
    List,
    Postcode,
    Phone,
    PncId,
    Asn,
    Cro,
    PtiUrn,
    OffenceCode,
    Email,
    YesNo,
}

/// What the handbook, the editor and the tests know about a transform.
#[derive(Debug)]
pub struct Doc {
    /// As a mapping writes it, without the argument.
    pub name: &'static str,
    pub takes: TransformArgument,
    /// One line for the person who writes a mapping.
    pub line: &'static str,
    pub fits: Fits,
    /// Shown in the handbook and run as a test.
    pub example: TransformExample,
    make: fn(Argument) -> Step,
}

/// `apply = ["written"]` on `given` gives `gives`.
#[derive(Debug)]
pub struct TransformExample {
    pub written: &'static str,
    pub given: &'static str,
    pub gives: &'static [&'static str],
}

impl Doc {
    /// Whether the result can fill a field of this shape as it stands. A lookup behind the
    /// transform makes any transform fit, since it then gives the value.
    pub fn fits(&self, spec: &FieldSpec) -> bool {
        let (shape, list) = (spec.shape, spec.list);
        if matches!(shape, FieldShape::Text(_)) && self.fits != Fits::List {
            return self.suits_text(spec.name);
        }
        match self.fits {
            Fits::Any => true,
            Fits::List => list,
            Fits::Postcode => matches!(shape, FieldShape::Postcode),
            Fits::Phone => matches!(shape, FieldShape::Phone),
            Fits::PncId => matches!(shape, FieldShape::PncId),
            Fits::Asn => matches!(shape, FieldShape::Asn),
            Fits::Cro => matches!(shape, FieldShape::Cro),
            Fits::PtiUrn => matches!(shape, FieldShape::PtiUrn),
            Fits::OffenceCode => matches!(shape, FieldShape::OffenceCode),
            Fits::Email => matches!(shape, FieldShape::Email),
            Fits::YesNo => {
                matches!(shape, FieldShape::Code(codes) if YES_NO.iter().all(|word| codes.contains(word)))
            }
        }
    }

    /// Whether a free text of this name may hold what the transform makes: a number of a case or
    /// person where a reference belongs, a postcode in an address, and no number in a name.
    fn suits_text(&self, name: &str) -> bool {
        let last = name.rsplit('.').next().unwrap_or(name);
        match self.fits {
            Fits::Any | Fits::List => true,
            Fits::Postcode => matches!(last, "lines" | "location"),
            Fits::PncId | Fits::Asn | Fits::Cro | Fits::PtiUrn | Fits::OffenceCode => {
                let reference = ["ref", "reference", "number", "id"].map(|end| last.ends_with(end));
                reference.contains(&true) && last != "collar_number"
            }
            Fits::Phone | Fits::Email | Fits::YesNo => false,
        }
    }
}

/// The argument as it was read.
enum Argument {
    None,
    Text(String),
    Positions(usize, usize),
}

/// What a transform does, ready to run.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Plain(Plain),
    Before(String),
    After(String),
    Without(String),
    SplitAt(String),
    Words,
    Letters { first: usize, last: usize },
}

/// The steps without an argument. A name of its own, and not a function pointer, so that steps
/// can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plain {
    Trim,
    SqueezeSpaces,
    UpperCase,
    LowerCase,
    DigitsOnly,
    LettersOnly,
    FirstWord,
    LastWord,
    Postcode,
    UkPhone,
    PncId,
    Asn,
    Cro,
    PtiUrn,
    OffenceCode,
    Email,
    YesNo,
}

/// One transform of a mapping's `apply`, checked and ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transform {
    index: usize,
    step: Step,
}

impl Transform {
    /// Reads one entry of `apply`: a name of [`list::ALL`] and its argument, if it takes one.
    pub fn parse(written: &str) -> Result<Transform, PhraseFault> {
        let trimmed = written.trim();
        let start = written.len() - written.trim_start().len();
        let end = start + trimmed.len();
        let found = ALL
            .iter()
            .enumerate()
            .filter(|(_, doc)| names(doc, trimmed))
            .max_by_key(|(_, doc)| doc.name.len());
        let Some((index, doc)) = found else { return Err(unknown(trimmed, start..end)) };
        let behind = &trimmed[doc.name.len()..];
        let argument_start = start + doc.name.len() + (behind.len() - behind.trim_start().len());
        let argument = read_argument(doc, behind.trim(), start..end, argument_start)?;
        Ok(Transform { index, step: (doc.make)(argument) })
    }

    pub fn doc(&self) -> &'static Doc {
        &ALL[self.index]
    }

    /// Whether it makes several values of one; [`Transform::apply_list`] runs it then.
    pub fn makes_list(&self) -> bool {
        matches!(self.step, Step::Words | Step::SplitAt(_))
    }

    /// The text in its new form. An empty result means that nothing is there. A transform that
    /// makes a list gives its first part here.
    pub fn apply<'t>(&self, text: Cow<'t, str>) -> Result<Cow<'t, str>, TransformMismatch> {
        match &self.step {
            Step::Plain(plain) => plain.apply(text),
            Step::Before(mark) => {
                Ok(cut(text, |text| text.find(mark.as_str()).map_or((0, text.len()), |at| (0, at))))
            }
            Step::After(mark) => Ok(cut(text, |text| {
                let start = text.find(mark.as_str()).map_or(text.len(), |at| at + mark.len());
                (start, text.len())
            })),
            Step::Without(mark) if !text.contains(mark.as_str()) => Ok(text),
            Step::Without(mark) => Ok(Cow::Owned(text.replace(mark.as_str(), "").trim().into())),
            Step::Letters { first, last } => Ok(cut(text, |text| letters(text, *first, *last))),
            Step::Words | Step::SplitAt(_) => {
                Ok(self.apply_list(vec![text])?.into_iter().next().unwrap_or_default())
            }
        }
    }

    /// Every text in its new form, in order; one that cannot be read makes all of them unreadable,
    /// so that no list is silently short.
    pub fn apply_list<'t>(
        &self,
        texts: Vec<Cow<'t, str>>,
    ) -> Result<Vec<Cow<'t, str>>, TransformMismatch> {
        match &self.step {
            Step::Words => Ok(texts.into_iter().flat_map(|text| parts(text, words)).collect()),
            Step::SplitAt(mark) => Ok(texts
                .into_iter()
                .flat_map(|text| parts(text, |text| text.split(mark.as_str()).collect()))
                .collect()),
            _ => texts.into_iter().map(|text| self.apply(text)).collect(),
        }
    }
}

impl Plain {
    fn apply(self, text: Cow<'_, str>) -> Result<Cow<'_, str>, TransformMismatch> {
        match self {
            Plain::Trim => Ok(cut(text, |text| (0, text.len()))),
            Plain::SqueezeSpaces => Ok(normal::squeezed(text)),
            Plain::UpperCase => Ok(normal::upper(text)),
            Plain::LowerCase => Ok(normal::lower(text)),
            Plain::DigitsOnly => Ok(normal::kept(text, |c| c.is_ascii_digit())),
            Plain::LettersOnly => Ok(normal::kept(text, char::is_alphabetic)),
            Plain::FirstWord => Ok(cut(text, |text| {
                let start = text.len() - text.trim_start().len();
                let end = text[start..].find(char::is_whitespace);
                (start, end.map_or(text.len(), |at| start + at))
            })),
            Plain::LastWord => Ok(cut(text, |text| {
                let end = text.trim_end().len();
                let last = text[..end].char_indices().rev().find(|(_, c)| c.is_whitespace());
                (last.map_or(0, |(at, blank)| at + blank.len_utf8()), end)
            })),
            Plain::Postcode => normal::postcode(text),
            Plain::UkPhone => normal::uk_phone(text),
            Plain::PncId => normal::pnc_id(text),
            Plain::Asn => normal::asn(text),
            Plain::Cro => normal::cro(text),
            Plain::PtiUrn => normal::pti_urn(text),
            Plain::OffenceCode => normal::offence_code(text),
            Plain::Email => normal::email(text),
            Plain::YesNo => normal::yes_no(&text),
        }
    }
}

/// As a mapping writes it.
impl fmt::Display for Transform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.doc().name;
        match &self.step {
            Step::Plain(_) | Step::Words => f.write_str(name),
            Step::Before(mark) | Step::After(mark) | Step::Without(mark) | Step::SplitAt(mark) => {
                // Blanks around it count only in quotes.
                let quote = if mark.trim() == mark { "" } else { "'" };
                write!(f, "{name} {quote}{mark}{quote}")
            }
            Step::Letters { first, last } => write!(f, "{name} {first} to {last}"),
        }
    }
}

/// Whether the written phrase begins with this transform's name as whole words, and nothing else
/// stands behind it where it takes no argument.
fn names(doc: &Doc, written: &str) -> bool {
    written
        .strip_prefix(doc.name)
        .is_some_and(|behind| behind.is_empty() || (behind.starts_with(char::is_whitespace)))
}

fn unknown(written: &str, at: std::ops::Range<usize>) -> PhraseFault {
    if written.is_empty() {
        return PhraseFault::new(PhraseFaultKind::Transform, at, "a transform needs a name");
    }
    let (alone, argued): (Vec<&Doc>, Vec<&Doc>) =
        ALL.iter().partition(|doc| doc.takes == TransformArgument::Nothing);
    // Before an argument only as many words are compared as the name has.
    let before_argument = || {
        argued.iter().find_map(|doc| {
            let words = doc.name.split(' ').count();
            let end = written.match_indices(' ').nth(words - 1).map(|(at, _)| at)?;
            nearest(&written[..end], [doc.name]).map(|name| format!("{name}{}", &written[end..]))
        })
    };
    let meant = nearest(written, alone.iter().map(|doc| doc.name))
        .map(str::to_owned)
        .or_else(before_argument)
        .or_else(|| nearest(written, argued.iter().map(|doc| doc.name)).map(str::to_owned));
    PhraseFault::new(PhraseFaultKind::Transform, at, "no transform has this name").suggest(meant)
}

fn read_argument(
    doc: &Doc,
    written: &str,
    whole: std::ops::Range<usize>,
    start: usize,
) -> Result<Argument, PhraseFault> {
    let here = start..start + written.len();
    let fault =
        |what: String| Err(PhraseFault::new(PhraseFaultKind::Argument, whole.clone(), what));
    match doc.takes {
        TransformArgument::Nothing if written.is_empty() => Ok(Argument::None),
        TransformArgument::Nothing => Err(PhraseFault::new(
            PhraseFaultKind::Argument,
            here,
            format!("`{}` stands alone: nothing may follow it", doc.name),
        )
        .suggest(Some(doc.name))),
        TransformArgument::Text => match unquoted(written) {
            "" => fault(format!(
                "`{}` needs the text to look for, as in `{}`",
                doc.name, doc.example.written
            )),
            text => Ok(Argument::Text(text.to_owned())),
        },
        TransformArgument::Positions => match positions(written) {
            Some((first, last)) => Ok(Argument::Positions(first, last)),
            None => fault(format!(
                "`{}` needs two positions counted from 1, as in `{}`",
                doc.name, doc.example.written
            )),
        },
    }
}

/// The text between quotes, so that an argument may be a blank or begin with one.
fn unquoted(written: &str) -> &str {
    ['\'', '"']
        .iter()
        .find_map(|quote| {
            written.strip_prefix(*quote)?.strip_suffix(*quote).filter(|inner| !inner.is_empty())
        })
        .unwrap_or(written)
}

fn positions(written: &str) -> Option<(usize, usize)> {
    let (first, last) = written.split_once(" to ")?;
    let first = first.trim().parse::<usize>().ok()?;
    let last = last.trim().parse::<usize>().ok()?;
    (first >= 1 && first <= last).then_some((first, last))
}

/// A part of the text, trimmed, borrowed where the text is.
fn cut<'t>(text: Cow<'t, str>, range: impl Fn(&str) -> (usize, usize)) -> Cow<'t, str> {
    let (start, end) = range(&text);
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text[start..end].trim()),
        Cow::Owned(text) => Cow::Owned(text[start..end].trim().to_owned()),
    }
}

fn letters(text: &str, first: usize, last: usize) -> (usize, usize) {
    let place = |count: usize| text.char_indices().nth(count).map_or(text.len(), |(at, _)| at);
    (place(first - 1), place(last))
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

fn parts<'t>(
    text: Cow<'t, str>,
    split: impl for<'a> Fn(&'a str) -> Vec<&'a str>,
) -> Vec<Cow<'t, str>> {
    let whole = |part: &&str| !part.is_empty();
    match text {
        Cow::Borrowed(text) => {
            split(text).into_iter().map(str::trim).filter(whole).map(Cow::Borrowed).collect()
        }
        Cow::Owned(text) => split(&text)
            .into_iter()
            .map(str::trim)
            .filter(whole)
            .map(|part| Cow::Owned(part.to_owned()))
            .collect(),
    }
}
