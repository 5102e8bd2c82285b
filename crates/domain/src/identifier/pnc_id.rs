//! Identifier of a person on the Police National Computer.

use super::{UnreadableIdentifier, all_digits, check, identifier, split_last};

const SERIAL_LEN: usize = 7;

/// PNC identifier: `YYYY/NNNNNNNL`, a 7-digit serial and a check letter.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PncId(String);

identifier!(PncId, "a PNC identifier", reads PncId::from_canonical);

impl PncId {
    /// Reads `YYYY/N…L` and `YY/N…L` with up to seven digits, and both without the slash when the
    /// serial is whole. A two-digit year after `this_year` belongs to the century before.
    pub fn parse(text: &str, this_year: i16) -> Result<PncId, UnreadableIdentifier> {
        let text = text.trim();
        if !text.is_ascii() {
            return Err(PncId::UNREADABLE);
        }
        let (year, tail) = match text.split_once('/') {
            Some(parts) => parts,
            None if text.len() == 4 + SERIAL_LEN + 1 => text.split_at(4),
            None if text.len() == 2 + SERIAL_LEN + 1 => text.split_at(2),
            None => return Err(PncId::UNREADABLE),
        };
        let (serial, letter) = split_last(tail).ok_or(PncId::UNREADABLE)?;
        let letter = letter.to_ascii_uppercase();
        let whole = matches!(year.len(), 2 | 4) && all_digits(year);
        if !whole
            || serial.len() > SERIAL_LEN
            || !all_digits(serial)
            || !check::is_check_letter(letter)
        {
            return Err(PncId::UNREADABLE);
        }
        let century = match year.parse::<i16>() {
            Ok(_) if year.len() == 4 => "",
            Ok(short) if short > this_year.rem_euclid(100) => "19",
            Ok(_) => "20",
            Err(_) => return Err(PncId::UNREADABLE),
        };
        Ok(PncId(format!("{century}{year}/{serial:0>SERIAL_LEN$}{}", char::from(letter))))
    }

    /// The check letter that would be right; None when it is.
    pub fn expected_letter(&self) -> Option<char> {
        check::expected(&self.0, &[&self.0[2..4], &self.0[5..5 + SERIAL_LEN]])
    }

    fn from_canonical(text: &str) -> Result<PncId, UnreadableIdentifier> {
        let has_whole_year = text.as_bytes().get(4) == Some(&b'/');
        if has_whole_year { PncId::parse(text, 0) } else { Err(PncId::UNREADABLE) }
    }
}
