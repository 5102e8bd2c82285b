//! Telephone number.

use super::{UnreadableIdentifier, identifier};

/// Telephone number in the international form without blanks: `+447700900123`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Phone(String);

identifier!(Phone, "a telephone number", reads Phone::parse);

impl Phone {
    /// Reads UK numbers that begin with 0, +44 or 0044, and others with + or 00. Blanks, hyphens,
    /// full stops, slashes and brackets are skipped. A number without its leading 0 is not
    /// guessed, and an extension is not a number.
    pub fn parse(text: &str) -> Result<Phone, UnreadableIdentifier> {
        let digits = digits(text).ok_or(Phone::UNREADABLE)?;
        let digits = digits.as_str();
        let international = match (text.trim_start().starts_with('+'), digits.strip_prefix("00")) {
            (true, _) => Some(digits),
            (false, other) => other,
        };
        let abroad = match international {
            None => None,
            Some(number) => match number.strip_prefix("44") {
                Some(national) => return uk(national.strip_prefix('0').unwrap_or(national)),
                None => Some(number),
            },
        };
        match (abroad, digits.strip_prefix('0')) {
            // ITU-T E.164: 15 digits at most, and no country code begins with 0.
            (Some(number), _) if (7..=15).contains(&number.len()) && !number.starts_with('0') => {
                Ok(Phone(format!("+{number}")))
            }
            (None, Some(national)) => uk(national),
            _ => Err(Phone::UNREADABLE),
        }
    }

    /// Digits without country code for UK numbers, all digits for others.
    pub fn national(&self) -> &str {
        self.0.strip_prefix("+44").unwrap_or(&self.0[1..])
    }
}

fn uk(national: &str) -> Result<Phone, UnreadableIdentifier> {
    let shaped = match national.as_bytes() {
        [b'7', ..] => national.len() == 10,
        [b'1' | b'2' | b'3' | b'5' | b'8' | b'9', ..] => matches!(national.len(), 9 | 10),
        _ => false,
    };
    if shaped { Ok(Phone(format!("+44{national}"))) } else { Err(Phone::UNREADABLE) }
}

/// The digits, when nothing else than the usual separators stands between them.
fn digits(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.strip_prefix('+').unwrap_or(text);
    let mut digits = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' => digits.push(char::from(byte)),
            b' ' | b'-' | b'.' | b'/' | b'(' | b')' => {}
            _ => return None,
        }
    }
    Some(digits)
}
