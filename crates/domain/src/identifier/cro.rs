//! Criminal Records Office number.

use super::{UnreadableIdentifier, all_digits, check, identifier, split_last, squeezed};

const SERIAL_LEN: usize = 6;

/// CRO number: `NNNNNN/YYL`, or the old file form `SFYY/N…L` whose serial is not padded.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cro(String);

identifier!(Cro, "a CRO number", reads Cro::parse);

impl Cro {
    /// Reads both forms; the standard one also with a shorter serial, or whole without the slash.
    pub fn parse(text: &str) -> Result<Cro, UnreadableIdentifier> {
        let mut text = text.trim();
        let joined;
        if !text.contains('/') && text.len() == SERIAL_LEN + 3 && text.is_ascii() {
            joined = format!("{}/{}", &text[..SERIAL_LEN], &text[SERIAL_LEN..]);
            text = &joined;
        }
        let (left, right) = text.split_once('/').ok_or(Cro::UNREADABLE)?;
        let left = squeezed(left).ok_or(Cro::UNREADABLE)?;
        let right = squeezed(right).ok_or(Cro::UNREADABLE)?;
        let (digits, letter) = split_last(&right).ok_or(Cro::UNREADABLE)?;
        let (serial, year, old) = match left.strip_prefix("SF") {
            Some(year) => (digits.trim_start_matches('0'), year, true),
            None => (left.as_str(), digits, false),
        };
        let shaped = year.len() == 2
            && all_digits(year)
            && serial.len() <= SERIAL_LEN
            && all_digits(serial)
            && check::is_check_letter(letter);
        let letter = char::from(letter);
        match (shaped, old) {
            (false, _) => Err(Cro::UNREADABLE),
            (true, true) => Ok(Cro(format!("SF{year}/{serial}{letter}"))),
            (true, false) => Ok(Cro(format!("{serial:0>SERIAL_LEN$}/{year}{letter}"))),
        }
    }

    /// The check letter that would be right; None when it is.
    pub fn expected_letter(&self) -> Option<char> {
        let text = self.0.as_str();
        let last = text.len() - 1;
        let parts = match text.strip_prefix("SF") {
            Some(_) => [&text[2..4], &text[5..last]],
            None => [&text[SERIAL_LEN + 1..last], &text[..SERIAL_LEN]],
        };
        check::expected(text, &parts)
    }
}
