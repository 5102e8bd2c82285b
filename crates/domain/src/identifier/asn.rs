//! Arrest summons number.

use super::{UnreadableIdentifier, all_digits, check, identifier, split_last, squeezed};

/// Digits of the sequence in the canonical form.
const SEQUENCE_LEN: usize = 11;

/// Arrest summons number: `YYFFUUSSnnnnnnnnnnnL`, 20 characters (year, force, unit, system,
/// 11-digit sequence, check letter), or 21 when a top-level code stands after the year.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Asn(String);

identifier!(Asn, "an arrest summons number", reads Asn::parse);

impl Asn {
    /// Reads the long form with or without slashes, and the short `YY/FFUU/SS/nnnnnnL`, whose
    /// sequence is padded with zeros: anywhere else they would change the number.
    pub fn parse(text: &str) -> Result<Asn, UnreadableIdentifier> {
        let slashed = text.trim().rsplit_once('/').map(|(header, tail)| (header, tail.trim()));
        let canonical = match slashed {
            Some((header, tail)) if tail.len() <= SEQUENCE_LEN + 1 => {
                let header = squeezed(header).ok_or(Asn::UNREADABLE)?;
                let tail = squeezed(tail).ok_or(Asn::UNREADABLE)?;
                let (sequence, letter) = split_last(&tail).ok_or(Asn::UNREADABLE)?;
                if sequence.is_empty() {
                    return Err(Asn::UNREADABLE);
                }
                format!("{header}{sequence:0>SEQUENCE_LEN$}{}", char::from(letter))
            }
            _ => squeezed(text).ok_or(Asn::UNREADABLE)?,
        };
        if has_shape(&canonical) { Ok(Asn(canonical)) } else { Err(Asn::UNREADABLE) }
    }

    /// The check letter that would be right; None when it is.
    pub fn expected_letter(&self) -> Option<char> {
        check::expected(&self.0, &self.checked_parts())
    }

    /// Whether it is one of the numbers that forces type when there is no real one.
    pub fn is_dummy(&self) -> bool {
        let text = self.0.as_str();
        if text.len() != 20 {
            return false;
        }
        let (year, rest) = text.split_at(2);
        let (force, unit, system) = (&rest[..2], &rest[2..4], &rest[4..6]);
        let marker = &rest[..4];
        (year == "08" && matches!(marker, "00NP" | "00PP") && system == "01")
            || (unit == "NR" && system == "PR" && all_digits(force))
            || (matches!(marker, "12LN" | "00NP") && system == "00")
            || (marker == "6300" && all_digits(system))
            || matches!(marker, "06SS" | "00XX")
            || (force == "50"
                && matches!(unit, "11" | "12" | "21" | "41" | "42" | "43" | "OF" | "SJ"))
    }

    /// Force, system, year and sequence: unit and top-level code are left out.
    fn checked_parts(&self) -> [&str; 4] {
        let text = self.0.as_str();
        let tail = text.len() - SEQUENCE_LEN - 1;
        let (force, system) = (&text[tail - 6..tail - 4], &text[tail - 2..tail]);
        [force, system, &text[..2], &text[tail..tail + SEQUENCE_LEN]]
    }
}

fn has_shape(text: &str) -> bool {
    let Some((number, letter)) = split_last(text) else { return false };
    if !matches!(number.len(), 19 | 20) || !number.is_ascii() || !check::is_check_letter(letter) {
        return false;
    }
    let (header, sequence) = number.split_at(number.len() - SEQUENCE_LEN);
    all_digits(&header[..2])
        && header.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
        && all_digits(sequence)
}
