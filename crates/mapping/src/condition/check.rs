//! A rule's field, operator and value against the field table.

use std::borrow::Cow;

use jiff::civil::Date;

use super::Wanted;
use super::phrase::{Comparison, Pattern, Phrase, Word};
use crate::fault::{PhraseFault, PhraseFaultKind, nearest};
use crate::transform::Transform;
use cara_domain::field::{self, FieldId, FieldShape, Fills};

/// The answer that an evidenced field accepts beside its codes (DESIGN section 5).
const NOT_RECORDED: &str = "not_recorded";

/// Code fields whose codes the field table lists from the least to the most.
const ORDERED: [FieldId; 2] = [FieldId::RISK_GRADE, FieldId::CHILD_AGE_BAND];

pub(super) fn find_field(subject: &Word, fills: Fills) -> Result<FieldId, PhraseFault> {
    let names = || {
        fills
            .groups()
            .iter()
            .flat_map(|&group| field::all(group).map(move |id| (id.full_name(None), id)))
    };
    if let Some((_, id)) = names().find(|(name, _)| *name == subject.text) {
        return Ok(id);
    }
    let all: Vec<String> = names().map(|(name, _)| name.into_owned()).collect();
    let meant = nearest(&subject.text, all.iter().map(String::as_str));
    let what = format!("the {} has no field of this name", fills.word());
    Err(PhraseFault::new(PhraseFaultKind::Field, subject.at.clone(), what).suggest(meant))
}

pub(super) fn check_quantifier(phrase: &Phrase, field: FieldId) -> Result<(), PhraseFault> {
    let spec = field.spec();
    let grouped = !spec.group.is_root();
    let several = grouped || spec.list;
    match &phrase.quantifier {
        Some((_, at)) if !several => Err(PhraseFault::new(
            PhraseFaultKind::Quantifier,
            at.clone(),
            "this field holds one value: leave `any` or `every` out",
        )),
        // A list as a whole can be missing; a field of a group cannot without saying of which.
        None if several
            && (grouped
                || !matches!(phrase.operator, Comparison::Missing | Comparison::Present)) =>
        {
            Err(PhraseFault::new(
                PhraseFaultKind::Quantifier,
                phrase.subject.at.clone(),
                "this field holds several values: say `any` or `every` before it",
            )
            .suggest(Some(format!("any {}", phrase.subject.text))))
        }
        _ => Ok(()),
    }
}

pub(super) fn check_operator(phrase: &Phrase, field: FieldId) -> Result<(), PhraseFault> {
    let shape = field.spec().shape;
    let timed = matches!(shape, FieldShape::Date | FieldShape::Instant);
    let fits = match phrase.operator {
        Comparison::Before | Comparison::After => timed,
        Comparison::AtLeast | Comparison::AtMost => {
            timed || matches!(shape, FieldShape::Text(_)) || ORDERED.contains(&field)
        }
        Comparison::StartsWith | Comparison::LooksLike => !timed,
        _ => true,
    };
    if fits {
        return Ok(());
    }
    let what = match phrase.operator {
        Comparison::Before | Comparison::After => "only dates are before or after",
        Comparison::AtLeast | Comparison::AtMost => "the values of this field have no order",
        _ => {
            "a date has no letters to compare: use `is before`, `is after`, `is at least` or `is at most`"
        }
    };
    Err(PhraseFault::new(PhraseFaultKind::Operator, phrase.operator_at.clone(), what))
}

/// A value of a rule, checked against the field.
pub(super) fn wanted(
    field: FieldId,
    operator: Comparison,
    word: &Word,
) -> Result<Wanted, PhraseFault> {
    let spec = field.spec();
    let fault = |what: &str| PhraseFault::new(PhraseFaultKind::Value, word.at.clone(), what);
    let ordered = matches!(operator, Comparison::AtLeast | Comparison::AtMost);
    if word.text == NOT_RECORDED && spec.evidenced && !ordered {
        return Ok(Wanted::NotRecorded);
    }
    match spec.shape {
        FieldShape::Code(codes) if !codes.contains(&word.text.as_str()) => {
            let more = spec.evidenced.then_some(NOT_RECORDED);
            let what = format!("this field holds one of {}", codes.join(", "));
            Err(fault(&what).suggest(nearest(&word.text, codes.iter().copied().chain(more))))
        }
        FieldShape::Code(_) if ordered => rank(field, &word.text)
            .map(Wanted::Rank)
            .ok_or_else(|| fault("this value has no order")),
        FieldShape::Date => read_date(word).map(Wanted::Date),
        FieldShape::Instant => word
            .text
            .parse()
            .map(Wanted::Instant)
            .map_err(|_| fault("a point in time is written as in `2025-01-31T09:00:00Z`")),
        FieldShape::Text(_) if ordered => read_number(word).map(Wanted::Number),
        FieldShape::Text(chars_max) if word.text.chars().count() > chars_max => {
            Err(fault(&format!("this field holds at most {chars_max} characters")))
        }
        FieldShape::ForceCode if !Pattern::of_text("99").fits(&word.text) => {
            Err(fault("a force is named by its two digits"))
        }
        shape => match normalizer(shape) {
            None => Ok(Wanted::Text(word.text.clone())),
            Some(_) => normal(shape, &word.text)
                .map(|text| Wanted::Text(text.into_owned()))
                .ok_or_else(|| fault("no value of this field is written like this")),
        },
    }
}

pub(super) fn rank(field: FieldId, text: &str) -> Option<usize> {
    match field.spec().shape {
        FieldShape::Code(codes) if ORDERED.contains(&field) => {
            codes.iter().position(|code| *code == text)
        }
        _ => None,
    }
}

pub(super) fn read_date(word: &Word) -> Result<Date, PhraseFault> {
    let iso = Pattern::of_text("9999-99-99").fits(&word.text);
    word.text.parse().ok().filter(|_| iso).ok_or_else(|| {
        PhraseFault::new(
            PhraseFaultKind::Value,
            word.at.clone(),
            "a date is written as in `2025-01-31` here",
        )
    })
}

pub(super) fn read_number(word: &Word) -> Result<i64, PhraseFault> {
    word.text.parse().map_err(|_| {
        PhraseFault::new(PhraseFaultKind::Value, word.at.clone(), "a whole number belongs here")
    })
}

/// The transform that brings a value of this shape into its normal form.
pub(super) fn normalizer(shape: FieldShape) -> Option<&'static str> {
    match shape {
        FieldShape::Postcode => Some("postcode"),
        FieldShape::Phone => Some("uk phone"),
        FieldShape::Email => Some("email"),
        FieldShape::Asn => Some("asn"),
        FieldShape::PncId => Some("pnc id"),
        FieldShape::Cro => Some("cro"),
        FieldShape::PtiUrn => Some("pti urn"),
        FieldShape::OffenceCode => Some("offence code"),
        _ => None,
    }
}

pub(super) fn normal(shape: FieldShape, text: &str) -> Option<Cow<'_, str>> {
    let transform = Transform::parse(normalizer(shape)?).ok()?;
    transform.apply(Cow::Borrowed(text)).ok().filter(|text| !text.is_empty())
}
