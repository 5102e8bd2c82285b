//! A line's condition over the notice: the one-line phrases of the mapping language, with a field
//! of the notice as their subject.

use std::cmp::Ordering;

use jiff::Timestamp;
use jiff::civil::Date;

use super::field::{Field, FieldContent, LetterFieldShape};
use crate::condition::phrase::{Comparison, Pattern, Phrase, Quantifier, Word};
use crate::fault::{PhraseFault, PhraseFaultKind, nearest};
use cara_domain::FieldId;
use cara_domain::choice::Choice;
use cara_domain::field::Group;
use cara_domain::notice::{Notice, NoticeKind};

#[derive(Clone, Debug)]
pub(super) struct LetterWhen {
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

impl LetterWhen {
    /// Reads the condition and checks field, operator and values against the notice's fields. A
    /// field that does not exist is a fault of [`PhraseFaultKind::Field`].
    pub fn parse(text: &str) -> Result<LetterWhen, PhraseFault> {
        let phrase = Phrase::read(text)?;
        let field = find(&phrase.subject)?;
        check_operator(&phrase, field)?;
        check_quantifier(&phrase, field)?;
        let value = |word: &Word| check_value(field, word);
        let first = || phrase.values.first().map_or("", |word| &word.text);
        let ordered = |orders| wanted(field, &phrase.values[0]).map(|it| Test::Ordered(it, orders));
        let test = match phrase.operator {
            Comparison::Missing => Test::Missing,
            Comparison::Present => Test::Present,
            Comparison::Is | Comparison::IsOneOf => {
                Test::Among(phrase.values.iter().map(value).collect::<Result<_, _>>()?)
            }
            Comparison::IsNot | Comparison::IsNotOneOf => {
                Test::NotAmong(phrase.values.iter().map(value).collect::<Result<_, _>>()?)
            }
            Comparison::StartsWith => Test::StartsWith(first().to_owned()),
            Comparison::LooksLike => Test::LooksLike(Pattern::of_text(first())),
            Comparison::AtLeast => ordered(&[Ordering::Equal, Ordering::Greater])?,
            Comparison::AtMost => ordered(&[Ordering::Equal, Ordering::Less])?,
            Comparison::Before => ordered(&[Ordering::Less])?,
            Comparison::After => ordered(&[Ordering::Greater])?,
        };
        Ok(LetterWhen {
            field,
            quantifier: phrase.quantifier.map(|(quantifier, _)| quantifier),
            test,
        })
    }

    pub fn holds(&self, notice: &Notice<'_>) -> bool {
        let said = self.field.read(notice);
        let several = matches!(self.field.spec().shape, LetterFieldShape::Codes(_));
        match (&self.test, &said, self.quantifier) {
            (Test::Missing, said, _) => *said == FieldContent::Nothing,
            (Test::Present, said, _) => *said != FieldContent::Nothing,
            (_, FieldContent::Text(codes), Some(quantifier)) if several => {
                let mut fits = codes.split_whitespace().map(|code| self.fits(Some(code)));
                match quantifier {
                    Quantifier::Any => fits.any(|fits| fits),
                    Quantifier::Every => fits.all(|fits| fits),
                }
            }
            // As in a rule: of a list without anything, every one fits and none does.
            (_, FieldContent::Nothing, Some(quantifier)) if several => {
                quantifier == Quantifier::Every
            }
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

fn compared(said: &FieldContent<'_>, wanted: &Wanted) -> Option<Ordering> {
    match (said, wanted) {
        (FieldContent::Text(text), Wanted::Number(wanted)) => {
            text.parse::<u64>().ok().map(|number| number.cmp(wanted))
        }
        (FieldContent::Day(day), Wanted::Day(wanted)) => Some(day.cmp(wanted)),
        (FieldContent::Moment(at), Wanted::Moment(wanted)) => Some(at.cmp(wanted)),
        _ => None,
    }
}

fn find(subject: &Word) -> Result<Field, PhraseFault> {
    Field::find(&subject.text).ok_or_else(|| {
        let meant = nearest(&subject.text, Field::names());
        let what = format!("a notice has no field {}", subject.text);
        PhraseFault::new(PhraseFaultKind::Field, subject.at.clone(), what).suggest(meant)
    })
}

fn check_operator(phrase: &Phrase, field: Field) -> Result<(), PhraseFault> {
    let shape = field.spec().shape;
    let timed = matches!(shape, LetterFieldShape::Day | LetterFieldShape::Moment);
    let (fits, what) = match phrase.operator {
        Comparison::Before | Comparison::After => {
            (timed, "only days and moments are before or after")
        }
        Comparison::AtLeast | Comparison::AtMost => {
            (timed || shape == LetterFieldShape::Number, "the values of this field have no order")
        }
        Comparison::StartsWith | Comparison::LooksLike => {
            (!timed, "a day has no letters to compare: use `is before` or `is after`")
        }
        _ => (true, ""),
    };
    if fits {
        Ok(())
    } else {
        Err(PhraseFault::new(PhraseFaultKind::Operator, phrase.operator_at.clone(), what))
    }
}

fn check_quantifier(phrase: &Phrase, field: Field) -> Result<(), PhraseFault> {
    let several = matches!(field.spec().shape, LetterFieldShape::Codes(_));
    let of_value = !matches!(phrase.operator, Comparison::Missing | Comparison::Present);
    match &phrase.quantifier {
        Some((_, at)) if !several => Err(PhraseFault::new(
            PhraseFaultKind::Quantifier,
            at.clone(),
            "this field holds one value: leave `any` or `every` out",
        )),
        None if several && of_value => Err(PhraseFault::new(
            PhraseFaultKind::Quantifier,
            phrase.subject.at.clone(),
            "this field may hold several codes: say `any` or `every` before it",
        )
        .suggest(Some(format!("any {}", phrase.subject.text)))),
        _ => Ok(()),
    }
}

/// The value as the field holds it.
fn check_value(field: Field, word: &Word) -> Result<String, PhraseFault> {
    let text = word.text.as_str();
    let fault = |what: String| Err(PhraseFault::new(PhraseFaultKind::Value, word.at.clone(), what));
    match field.spec().shape {
        LetterFieldShape::Text => Ok(text.to_owned()),
        LetterFieldShape::Code(codes) if codes.contains(&text) => Ok(text.to_owned()),
        // The provider may also ask for a field of the referral, by its name.
        LetterFieldShape::Codes(codes)
            if codes.contains(&text)
                || Group::ALL.iter().any(|group| FieldId::find(*group, text).is_some()) =>
        {
            Ok(text.to_owned())
        }
        LetterFieldShape::Code(codes) | LetterFieldShape::Codes(codes) => {
            let what = format!("{} is never \"{text}\"", field.spec().name);
            let fault = PhraseFault::new(PhraseFaultKind::Value, word.at.clone(), what);
            Err(fault.suggest(nearest(text, codes.iter().copied())))
        }
        LetterFieldShape::Id => match text.parse::<uuid::Uuid>() {
            Ok(id) => Ok(id.to_string()),
            Err(_) => fault("a UUID belongs here".to_owned()),
        },
        LetterFieldShape::Number | LetterFieldShape::Day | LetterFieldShape::Moment => {
            wanted(field, word).map(|wanted| match wanted {
                Wanted::Number(number) => number.to_string(),
                Wanted::Day(day) => day.to_string(),
                Wanted::Moment(at) => at.to_string(),
            })
        }
    }
}

fn wanted(field: Field, word: &Word) -> Result<Wanted, PhraseFault> {
    let (read, what) = match field.spec().shape {
        LetterFieldShape::Day => (
            // Nothing but the bare day: a longer form would be read and cut.
            word.text.parse().ok().filter(|_| word.text.len() == 10).map(Wanted::Day),
            "a day is written as in `2026-01-31` here",
        ),
        LetterFieldShape::Moment => (
            word.text.parse().ok().map(Wanted::Moment),
            "a moment is written as in `2026-01-31T09:00:00Z`",
        ),
        _ => (word.text.parse().ok().map(Wanted::Number), "a whole number belongs here"),
    };
    read.ok_or_else(|| PhraseFault::new(PhraseFaultKind::Value, word.at.clone(), what))
}
