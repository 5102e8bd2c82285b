//! One written form for each kind of reference (DOMAIN 3.1, 3.2, 3.4). Only the form: whether a
//! check letter is right, and whether the number can exist, is for the domain to say.

use std::borrow::Cow;

use super::TransformMismatch;

type Answer<'t> = Result<Cow<'t, str>, TransformMismatch>;

pub(super) fn squeezed(text: Cow<'_, str>) -> Cow<'_, str> {
    let single =
        text.split(' ').all(|part| !part.is_empty() && !part.contains(char::is_whitespace));
    if single {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    Cow::Owned(out)
}

pub(super) fn upper(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_lowercase()) {
        return text;
    }
    Cow::Owned(text.to_uppercase())
}

pub(super) fn lower(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        return text;
    }
    Cow::Owned(text.to_lowercase())
}

pub(super) fn kept(text: Cow<'_, str>, keep: impl Fn(char) -> bool) -> Cow<'_, str> {
    if text.chars().all(&keep) {
        return text;
    }
    Cow::Owned(text.chars().filter(|c| keep(*c)).collect())
}

pub(super) fn yes_no<'t>(text: &str) -> Answer<'t> {
    const YES: [&str; 5] = ["y", "yes", "true", "t", "1"];
    const NO: [&str; 5] = ["n", "no", "false", "f", "0"];
    let text = text.trim();
    let among = |words: [&str; 5]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if text.is_empty() {
        Ok(Cow::Borrowed(""))
    } else if among(YES) {
        Ok(Cow::Borrowed("yes"))
    } else if among(NO) {
        Ok(Cow::Borrowed("no"))
    } else {
        Err(TransformMismatch)
    }
}

/// BS 7666 `PostCodeType`.
pub(super) fn postcode(text: Cow<'_, str>) -> Answer<'_> {
    let compact = compact(&text, |_| false);
    if compact.is_empty() {
        return Ok(Cow::Borrowed(""));
    }
    if !compact.is_ascii() {
        return Err(TransformMismatch);
    }
    let inward_at = compact.len().checked_sub(3).filter(|at| *at >= 2).ok_or(TransformMismatch)?;
    let (outward, inward) = (&compact[..inward_at], &compact[inward_at..]);
    if !is_inward(inward.as_bytes()) || !(outward == "GIR" || is_outward(outward.as_bytes())) {
        return Err(TransformMismatch);
    }
    let normal = format!("{outward} {inward}");
    Ok(if normal == text { text } else { Cow::Owned(normal) })
}

fn is_inward(inward: &[u8]) -> bool {
    inward[0].is_ascii_digit()
        && inward[1..].iter().all(|byte| byte.is_ascii_uppercase() && !b"CIKMOV".contains(byte))
}

fn is_outward(outward: &[u8]) -> bool {
    let first = |byte: u8| byte.is_ascii_uppercase() && !b"QVX".contains(&byte);
    let second = |byte: u8| byte.is_ascii_uppercase() && !b"IJZ".contains(&byte);
    let digit = |byte: u8| byte.is_ascii_digit();
    match *outward {
        [a, b] => first(a) && digit(b),
        [a, b, c] if digit(b) => first(a) && (digit(c) || b"ABCDEFGHJKSTUW".contains(&c)),
        [a, b, c] => first(a) && second(b) && digit(c),
        [a, b, c, d] => {
            first(a) && second(b) && digit(c) && (digit(d) || b"ABEHMNPRVWXY".contains(&d))
        }
        _ => false,
    }
}

/// E.164. A UK number has ten digits behind the 0, a few that begin with 01 or 0800 have nine; a
/// number of another country is kept.
pub(super) fn uk_phone(text: Cow<'_, str>) -> Answer<'_> {
    let national = |digits: &str| match digits.len() {
        10 => !digits.starts_with(['0', '4', '6']),
        9 => digits.starts_with('1') || digits.starts_with("800"),
        _ => false,
    };
    if let Some(digits) = text.strip_prefix("+44")
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && national(digits)
    {
        return Ok(text);
    }
    let mut written: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '.' | '-' | '–' | '/'))
        .collect();
    if written.is_empty() {
        return Ok(Cow::Borrowed(""));
    }
    // `+44 (0)7700…`: the bracketed 0 is dialled only inside the country.
    for start in ["+44(0)", "0044(0)", "44(0)"] {
        if let Some(rest) = written.strip_prefix(start) {
            written = format!("+44{rest}");
            break;
        }
    }
    written.retain(|c| !matches!(c, '(' | ')'));
    let (international, digits) = if let Some(rest) = written.strip_prefix('+') {
        (true, rest)
    } else if let Some(rest) = written.strip_prefix("00") {
        (true, rest)
    } else {
        (false, written.as_str())
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(TransformMismatch);
    }
    if let Some(rest) = digits.strip_prefix("44") {
        // `+44 07700…` is a common slip: no national number begins with 0 behind the code.
        let rest = rest.strip_prefix('0').unwrap_or(rest);
        return national(rest).then(|| Cow::Owned(format!("+44{rest}"))).ok_or(TransformMismatch);
    }
    if international {
        let abroad = (8..=15).contains(&digits.len()) && !digits.starts_with('0');
        return abroad.then(|| Cow::Owned(format!("+{digits}"))).ok_or(TransformMismatch);
    }
    match digits.strip_prefix('0') {
        Some(rest) if national(rest) => Ok(Cow::Owned(format!("+44{rest}"))),
        _ => Err(TransformMismatch),
    }
}

pub(super) fn email(text: Cow<'_, str>) -> Answer<'_> {
    let text = super::cut(text, |text| (0, text.len()));
    if text.is_empty() {
        return Ok(text);
    }
    let (person, domain) = text.rsplit_once('@').ok_or(TransformMismatch)?;
    if person.is_empty() || domain.is_empty() || text.contains(char::is_whitespace) {
        return Err(TransformMismatch);
    }
    if domain.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Ok(Cow::Owned(format!("{person}@{}", domain.to_ascii_lowercase())));
    }
    Ok(text)
}

/// `YYYY/NNNNNNNL`. The core has no clock, so the century of a two-digit year is fixed: an
/// identifier of 1939 belongs to nobody who is cautioned today, and none of 2040 exists yet.
pub(super) fn pnc_id(text: Cow<'_, str>) -> Answer<'_> {
    let compact = compact(&text, |_| false);
    if compact.is_empty() {
        return Ok(Cow::Borrowed(""));
    }
    let (body, letter) = checked(&compact)?;
    let (year, serial) = match body.split_once('/') {
        Some(parts) => parts,
        None if body.len() == 9 => body.split_at(2),
        None if body.len() == 11 => body.split_at(4),
        None => return Err(TransformMismatch),
    };
    if !digits(year, 2..=4) || year.len() == 3 || !digits(serial, 1..=7) {
        return Err(TransformMismatch);
    }
    let century = match year {
        _ if year.len() == 4 => "",
        _ if year < "40" => "20",
        _ => "19",
    };
    Ok(Cow::Owned(format!("{century}{year}/{serial:0>7}{letter}")))
}

/// Long form: year, force and unit, system, eleven digits, letter. Zeros go before the sequence
/// and nowhere else: anywhere else they would make another number of it.
pub(super) fn asn(text: Cow<'_, str>) -> Answer<'_> {
    let compact = compact(&text, |_| false);
    if compact.is_empty() {
        return Ok(Cow::Borrowed(""));
    }
    let (body, letter) = checked(&compact)?;
    let (head, sequence) = if body.contains('/') {
        let mut parts = body.split('/');
        let (Some(year), Some(unit), Some(system), Some(sequence), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(TransformMismatch);
        };
        if year.len() != 2 || !(4..=5).contains(&unit.len()) || system.len() != 2 {
            return Err(TransformMismatch);
        }
        (format!("{year}{unit}{system}"), sequence)
    } else {
        // A long form with a top-level code is a character longer; a short one cannot be told
        // from one without it unless the force is written in digits.
        let head_len = match body.len() {
            20 => 9,
            19 => 8,
            9..19 if body.as_bytes()[2..4].iter().all(u8::is_ascii_digit) => 8,
            _ => return Err(TransformMismatch),
        };
        (body[..head_len].to_owned(), &body[head_len..])
    };
    let numbered = head.bytes().take(2).all(|byte| byte.is_ascii_digit());
    if !numbered || !head.bytes().all(|b| b.is_ascii_alphanumeric()) || !digits(sequence, 1..=11) {
        return Err(TransformMismatch);
    }
    Ok(Cow::Owned(format!("{head}{sequence:0>11}{letter}")))
}

/// `NNNNNN/YYL`, padded; the form of an old file, `SFYY/NL`, is never padded.
pub(super) fn cro(text: Cow<'_, str>) -> Answer<'_> {
    let compact = compact(&text, |_| false);
    if compact.is_empty() {
        return Ok(Cow::Borrowed(""));
    }
    let (body, letter) = checked(&compact)?;
    if let Some(file) = body.strip_prefix("SF") {
        let (year, serial) = match file.split_once('/') {
            Some(parts) => parts,
            None if file.len() > 2 => file.split_at_checked(2).ok_or(TransformMismatch)?,
            None => return Err(TransformMismatch),
        };
        let fits = digits(year, 2..=2) && digits(serial, 1..=6);
        return fits
            .then(|| Cow::Owned(format!("SF{year}/{serial}{letter}")))
            .ok_or(TransformMismatch);
    }
    let (serial, year) = match body.split_once('/') {
        Some(parts) => parts,
        None if body.len() == 8 => body.split_at(6),
        None => return Err(TransformMismatch),
    };
    let fits = digits(serial, 1..=6) && digits(year, 2..=2);
    fits.then(|| Cow::Owned(format!("{serial:0>6}/{year}{letter}"))).ok_or(TransformMismatch)
}

/// Eleven characters: force, station, sequence, year.
pub(super) fn pti_urn(text: Cow<'_, str>) -> Answer<'_> {
    alphanumeric(text, |c| c == '/')
}

pub(super) fn offence_code(text: Cow<'_, str>) -> Answer<'_> {
    alphanumeric(text, |_| false)
}

fn alphanumeric(text: Cow<'_, str>, drop: impl Fn(char) -> bool) -> Answer<'_> {
    if text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()) {
        return Ok(text);
    }
    let compact = compact(&text, drop);
    let fits = compact.bytes().all(|byte| byte.is_ascii_alphanumeric());
    fits.then_some(Cow::Owned(compact)).ok_or(TransformMismatch)
}

/// Capitals, without blanks and without what is to be dropped.
fn compact(text: &str, drop: impl Fn(char) -> bool) -> String {
    text.chars()
        .filter(|c| !c.is_whitespace() && !drop(*c))
        .map(|c| c.to_ascii_uppercase())
        .collect()
}

/// Splits off the check letter; I, O and S are never one (DOMAIN 3.1). What is left is ASCII.
fn checked(compact: &str) -> Result<(&str, char), TransformMismatch> {
    let letter =
        compact.chars().next_back().filter(char::is_ascii_uppercase).ok_or(TransformMismatch)?;
    // A stroke may stand before the letter in a number that was typed in its printed form.
    let body = &compact[..compact.len() - 1];
    let body = body.strip_suffix('/').unwrap_or(body);
    if matches!(letter, 'I' | 'O' | 'S') || !body.is_ascii() {
        return Err(TransformMismatch);
    }
    Ok((body, letter))
}

fn digits(text: &str, len: std::ops::RangeInclusive<usize>) -> bool {
    len.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}
