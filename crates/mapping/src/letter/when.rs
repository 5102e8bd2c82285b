//! A line's condition over the notice: the one-line phrases of the mapping language, with a field
//! of the notice as their subject.

use std::cmp::Ordering;

use jiff::Timestamp;
use jiff::civil::Date;

use super::field::{Field, Said, Shape};
use crate::condition::phrase::{Operator, Pattern, Phrase, Quantifier, Word};
use crate::fault::{Cause, Fault, nearest};
use cara_domain::FieldId;
use cara_domain::choice::Choice;
use cara_domain::field::Group;
use cara_domain::notice::{Notice, NoticeKind};

#[derive(Clone, Debug)]
pub(super) struct When {
    field: Field,
    quantifier: Option<Quantifier>,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    Missing,
    Present,
    Among(Vec<String>),
    NotAmong(Vec<String>),
    StartsWith(String),
    LooksLike(Pattern),
    /// The value's place beside the wanted one is one of these.
    Ordered(Wanted, &'static [Ordering]),
}

#[derive(Clone, Debug)]
enum Wanted {
    Number(u64),
    Day(Date),
    Moment(Timestamp),
}

impl When {
    /// Reads the condition and checks field, operator and values against the notice's fields. A
    /// field that does not exist is a fault of [`Cause::Field`].
    pub fn parse(text: &str) -> Result<When, Fault> {
        let phrase = Phrase::read(text)?;
        let field = find(&phrase.subject)?;
        check_operator(&phrase, field)?;
        check_quantifier(&phrase, field)?;
        let value = |word: &Word| check_value(field, word);
        let first = || phrase.values.first().map_or("", |word| &word.text);
        let ordered = |orders| wanted(field, &phrase.values[0]).map(|it| Test::Ordered(it, orders));
        let test = match phrase.operator {
            Operator::Missing => Test::Missing,
            Operator::Present => Test::Present,
            Operator::Is | Operator::IsOneOf => {
                Test::Among(phrase.values.iter().map(value).collect::<Result<_, _>>()?)
            }
            Operator::IsNot | Operator::IsNotOneOf => {
                Test::NotAmong(phrase.values.iter().map(value).collect::<Result<_, _>>()?)
            }
            Operator::StartsWith => Test::StartsWith(first().to_owned()),
            Operator::LooksLike => Test::LooksLike(Pattern::of_text(first())),
            Operator::AtLeast => ordered(&[Ordering::Equal, Ordering::Greater])?,
            Operator::AtMost => ordered(&[Ordering::Equal, Ordering::Less])?,
            Operator::Before => ordered(&[Ordering::Less])?,
            Operator::After => ordered(&[Ordering::Greater])?,
        };
        Ok(When { field, quantifier: phrase.quantifier.map(|(quantifier, _)| quantifier), test })
    }

    pub fn holds(&self, notice: &Notice<'_>) -> bool {
        let said = self.field.read(notice);
        let several = matches!(self.field.spec().shape, Shape::Codes(_));
        match (&self.test, &said, self.quantifier) {
            (Test::Missing, said, _) => *said == Said::Nothing,
            (Test::Present, said, _) => *said != Said::Nothing,
            (_, Said::Text(codes), Some(quantifier)) if several => {
                let mut fits = codes.split_whitespace().map(|code| self.fits(Some(code)));
                match quantifier {
                    Quantifier::Any => fits.any(|fits| fits),
                    Quantifier::Every => fits.all(|fits| fits),
                }
            }
            // As in a rule: of a list without anything, every one fits and none does.
            (_, Said::Nothing, Some(quantifier)) if several => quantifier == Quantifier::Every,
            (Test::Ordered(wanted, orders), said, _) => {
                compared(said, wanted).is_some_and(|order| orders.contains(&order))
            }
            (_, said, _) => self.fits(said.canonical().as_deref()),
        }
    }

    /// Whether it can hold for a notice of this kind, as far as the kind alone says.
    pub fn admits(&self, kind: NoticeKind) -> bool {
        self.field != Field::Kind || self.fits(Some(kind.code()))
    }

    fn fits(&self, text: Option<&str>) -> bool {
        let among = |values: &[String]| text.is_some_and(|text| values.iter().any(|it| it == text));
        match &self.test {
            Test::Missing => text.is_none(),
            Test::Present => text.is_some(),
            Test::Among(values) => among(values),
            Test::NotAmong(values) => !among(values),
            Test::StartsWith(start) => text.is_some_and(|text| text.starts_with(start.as_str())),
            Test::LooksLike(pattern) => text.is_some_and(|text| pattern.fits(text)),
            // Asked of the value itself; no code has an order.
            Test::Ordered(..) => false,
        }
    }
}

fn compared(said: &Said<'_>, wanted: &Wanted) -> Option<Ordering> {
    match (said, wanted) {
        (Said::Text(text), Wanted::Number(wanted)) => {
            text.parse::<u64>().ok().map(|number| number.cmp(wanted))
        }
        (Said::Day(day), Wanted::Day(wanted)) => Some(day.cmp(wanted)),
        (Said::Moment(at), Wanted::Moment(wanted)) => Some(at.cmp(wanted)),
        _ => None,
    }
}

fn find(subject: &Word) -> Result<Field, Fault> {
    Field::find(&subject.text).ok_or_else(|| {
        let meant = nearest(&subject.text, Field::names());
        let what = format!("a notice has no field {}", subject.text);
        Fault::new(Cause::Field, subject.at.clone(), what).suggest(meant)
    })
}

fn check_operator(phrase: &Phrase, field: Field) -> Result<(), Fault> {
    let shape = field.spec().shape;
    let timed = matches!(shape, Shape::Day | Shape::Moment);
    let (fits, what) = match phrase.operator {
        Operator::Before | Operator::After => (timed, "only days and moments are before or after"),
        Operator::AtLeast | Operator::AtMost => {
            (timed || shape == Shape::Number, "the values of this field have no order")
        }
        Operator::StartsWith | Operator::LooksLike => {
            (!timed, "a day has no letters to compare: use `is before` or `is after`")
        }
        _ => (true, ""),
    };
    if fits { Ok(()) } else { Err(Fault::new(Cause::Operator, phrase.operator_at.clone(), what)) }
}

fn check_quantifier(phrase: &Phrase, field: Field) -> Result<(), Fault> {
    let several = matches!(field.spec().shape, Shape::Codes(_));
    let of_value = !matches!(phrase.operator, Operator::Missing | Operator::Present);
    match &phrase.quantifier {
        Some((_, at)) if !several => Err(Fault::new(
            Cause::Quantifier,
            at.clone(),
            "this field holds one value: leave `any` or `every` out",
        )),
        None if several && of_value => Err(Fault::new(
            Cause::Quantifier,
            phrase.subject.at.clone(),
            "this field may hold several codes: say `any` or `every` before it",
        )
        .suggest(Some(format!("any {}", phrase.subject.text)))),
        _ => Ok(()),
    }
}

/// The value as the field holds it.
fn check_value(field: Field, word: &Word) -> Result<String, Fault> {
    let text = word.text.as_str();
    let fault = |what: String| Err(Fault::new(Cause::Value, word.at.clone(), what));
    match field.spec().shape {
        Shape::Text => Ok(text.to_owned()),
        Shape::Code(codes) if codes.contains(&text) => Ok(text.to_owned()),
        // The provider may also ask for a field of the referral, by its name.
        Shape::Codes(codes)
            if codes.contains(&text)
                || Group::ALL.iter().any(|group| FieldId::find(*group, text).is_some()) =>
        {
            Ok(text.to_owned())
        }
        Shape::Code(codes) | Shape::Codes(codes) => {
            let what = format!("{} is never \"{text}\"", field.spec().name);
            let fault = Fault::new(Cause::Value, word.at.clone(), what);
            Err(fault.suggest(nearest(text, codes.iter().copied())))
        }
        Shape::Id => match text.parse::<uuid::Uuid>() {
            Ok(id) => Ok(id.to_string()),
            Err(_) => fault("a UUID belongs here".to_owned()),
        },
        Shape::Number | Shape::Day | Shape::Moment => {
            wanted(field, word).map(|wanted| match wanted {
                Wanted::Number(number) => number.to_string(),
                Wanted::Day(day) => day.to_string(),
                Wanted::Moment(at) => at.to_string(),
            })
        }
    }
}

fn wanted(field: Field, word: &Word) -> Result<Wanted, Fault> {
    let (read, what) = match field.spec().shape {
        Shape::Day => (
            // Nothing but the bare day: a longer form would be read and cut.
            word.text.parse().ok().filter(|_| word.text.len() == 10).map(Wanted::Day),
            "a day is written as in `2026-01-31` here",
        ),
        Shape::Moment => (
            word.text.parse().ok().map(Wanted::Moment),
            "a moment is written as in `2026-01-31T09:00:00Z`",
        ),
        _ => (word.text.parse().ok().map(Wanted::Number), "a whole number belongs here"),
    };
    read.ok_or_else(|| Fault::new(Cause::Value, word.at.clone(), what))
}
