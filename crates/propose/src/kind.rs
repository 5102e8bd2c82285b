//! What a text is, told from the text alone.

use cara_domain::field::{FieldId, FieldShape};
use cara_domain::identifier::{
    Asn, Cro, Email, ForceCode, OffenceCode, Phone, PncId, Postcode, PtiUrn,
};
use cara_mapping::transform::Transform;

/// What every text of one place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextKind {
    Asn,
    PncId,
    Cro,
    PtiUrn,
    Postcode,
    Email,
    Phone,
    /// Several telephone numbers in one text.
    Phones(char),
    OffenceCode,
    /// A day, by one of the date formats that were found.
    Day,
    /// A moment.
    Moment,
    YesNo,
    /// Digits alone.
    Number,
    /// At most 12 characters, no space.
    Code,
    /// Anything else.
    Text,
}

/// The kind of a place's texts: what nearly all of them are. A mistyped one is in most exports.
pub(super) fn of<'t>(texts: impl Iterator<Item = &'t str> + Clone) -> TextKind {
    let all = texts.clone().count();
    let most = |fits: &dyn Fn(&str) -> bool| {
        let count = texts.clone().filter(|text| fits(text)).count();
        count > 0 && count * 4 >= all * 3
    };
    let holds = |mark: char| texts.clone().any(|text| text.contains(mark));
    let is_email: &dyn Fn(&str) -> bool = &|text| Email::parse(text).is_ok();
    let told = [
        (TextKind::Email, is_email),
        (TextKind::Asn, &is_asn),
        (TextKind::PncId, &is_pnc_id),
        (TextKind::Cro, &is_cro),
        (TextKind::OffenceCode, &|text| is_plain(text) && OffenceCode::parse(text).is_ok()),
        (TextKind::PtiUrn, &is_pti_urn),
        (TextKind::Postcode, &|text| Postcode::parse(text).is_ok() && text.len() >= 5),
        (TextKind::Phones('/'), &|text| holds('/') && are_phones(text, '/')),
        (TextKind::Phones(';'), &|text| holds(';') && are_phones(text, ';')),
        (TextKind::Phones(','), &|text| holds(',') && are_phones(text, ',')),
        (TextKind::Phone, &is_phone),
        (TextKind::Number, &|text| text.bytes().all(|byte| byte.is_ascii_digit())),
    ];
    // Another text among them means something else.
    if all > 0 && texts.clone().all(is_yes_no) {
        return TextKind::YesNo;
    }
    match told.iter().find(|(_, fits)| most(fits)) {
        Some((kind, _)) => *kind,
        None if texts.clone().all(is_code) => TextKind::Code,
        None => TextKind::Text,
    }
}

/// Section 10's rule: at most 12 characters, no space.
pub(super) fn is_code(text: &str) -> bool {
    text.chars().count() <= 12 && !text.chars().any(char::is_whitespace)
}

fn is_plain(text: &str) -> bool {
    !text.contains('/')
}

/// The transform by this name can read it, and the domain agrees.
fn is_asn(text: &str) -> bool {
    let Ok(asn) = Asn::parse(text) else { return false };
    // Long ones have their length; short ones have their strokes.
    text.matches('/').count() >= 2 || asn.expected_letter().is_none()
}

fn is_pnc_id(text: &str) -> bool {
    let Ok(pnc_id) = PncId::parse(text, 2039) else { return false };
    let year_first = text.split_once('/').is_some_and(|(year, serial)| {
        matches!(year.len(), 2 | 4) && serial.len() >= 4 && !serial[..3].contains('/')
    });
    year_first || pnc_id.expected_letter().is_none()
}

fn is_cro(text: &str) -> bool {
    Cro::parse(text).is_ok_and(|cro| text.contains('/') || cro.expected_letter().is_none())
}

/// Force and station, then digits: the force must be one.
fn is_pti_urn(text: &str) -> bool {
    let letters = text.bytes().filter(u8::is_ascii_alphabetic).count();
    PtiUrn::parse(text).is_ok()
        && text.len() == 11
        && (1..=2).contains(&letters)
        && text.get(..2).is_some_and(|code| ForceCode::parse(code).is_ok())
}

/// Nine to eleven digits alone may be any number; a UK one begins with 0.
fn is_phone(text: &str) -> bool {
    let begins = text.starts_with('+') || text.starts_with('0');
    begins && !text.contains('/') && Phone::parse(text).is_ok()
}

fn are_phones(text: &str, mark: char) -> bool {
    text.split(mark).all(|part| is_phone(part.trim()))
}

fn is_yes_no(text: &str) -> bool {
    let Ok(transform) = Transform::parse("yes no") else { return false };
    transform.apply(text.into()).is_ok() && !matches!(text, "0" | "1")
}

/// How well a kind fits what a field holds: the score that it adds; `None`: it cannot be.
pub(super) fn fit(field: FieldId, kind: TextKind) -> Option<i32> {
    let strict = |own: TextKind| if kind == own { Some(8) } else { None };
    match field.spec().shape {
        FieldShape::Asn => strict(TextKind::Asn),
        FieldShape::PncId => strict(TextKind::PncId),
        FieldShape::Cro => strict(TextKind::Cro),
        FieldShape::PtiUrn => strict(TextKind::PtiUrn),
        FieldShape::Postcode => strict(TextKind::Postcode),
        FieldShape::Email => strict(TextKind::Email),
        FieldShape::OffenceCode => strict(TextKind::OffenceCode),
        FieldShape::Phone => match kind {
            TextKind::Phone => Some(8),
            TextKind::Phones(_) if field.spec().list => Some(8),
            _ => None,
        },
        FieldShape::Date => match kind {
            TextKind::Day => Some(6),
            TextKind::Moment => Some(1),
            _ => None,
        },
        FieldShape::Instant => match kind {
            TextKind::Moment => Some(8),
            TextKind::Day => Some(0),
            _ => None,
        },
        FieldShape::ForceCode => (kind == TextKind::Number).then_some(2),
        FieldShape::Code(codes) if codes.contains(&"yes") && codes.len() == 2 => match kind {
            TextKind::YesNo => Some(5),
            TextKind::Code | TextKind::Number => Some(0),
            _ => None,
        },
        FieldShape::Code(_) => match kind {
            TextKind::Code | TextKind::Number => Some(2),
            TextKind::YesNo if field == FieldId::OFFENDER_SEX => Some(2),
            TextKind::Text => Some(0),
            _ => None,
        },
        FieldShape::Text(_) => match kind {
            TextKind::Day
            | TextKind::Moment
            | TextKind::Email
            | TextKind::Phone
            | TextKind::Postcode => None,
            TextKind::YesNo => Some(-6),
            TextKind::Asn | TextKind::PncId | TextKind::Cro | TextKind::OffenceCode => Some(-4),
            _ => Some(0),
        },
    }
}
