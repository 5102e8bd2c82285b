//! UK postcode.

use super::{UnreadableIdentifier, identifier, squeezed};

/// UK postcode by BS 7666, upper case with one space: `SO17 1BJ`; also `BFPO 58`. The NHS
/// pseudo-codes `ZZ99 …` are no postcodes: `offender.no_fixed_abode` says that better.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Postcode(String);

identifier!(Postcode, "a UK postcode", reads Postcode::parse);

impl Postcode {
    /// Reads either case, with or without the space.
    pub fn parse(text: &str) -> Result<Postcode, UnreadableIdentifier> {
        let text = squeezed(text).ok_or(Postcode::UNREADABLE)?;
        if let Some(number) = text.strip_prefix("BFPO") {
            let shaped = super::all_digits(number) && number.len() <= 4;
            return if shaped {
                Ok(Postcode(format!("BFPO {number}")))
            } else {
                Err(Postcode::UNREADABLE)
            };
        }
        let split = text.len().checked_sub(3).ok_or(Postcode::UNREADABLE)?;
        let (outward, inward) = text.split_at(split);
        if is_outward(outward.as_bytes(), inward) && is_inward(inward.as_bytes()) {
            Ok(Postcode(format!("{outward} {inward}")))
        } else {
            Err(Postcode::UNREADABLE)
        }
    }
}

fn is_outward(outward: &[u8], inward: &str) -> bool {
    let first = |byte: u8| byte.is_ascii_uppercase() && !b"QVX".contains(&byte);
    let second = |byte: u8| byte.is_ascii_uppercase() && !b"IJZ".contains(&byte);
    let digit = |byte: u8| byte.is_ascii_digit();
    match *outward {
        [a, n] => first(a) && digit(n),
        [a, n, m] if digit(n) => first(a) && (digit(m) || b"ABCDEFGHJKSTUW".contains(&m)),
        [b'G', b'I', b'R'] => inward == "0AA",
        [a, b, n] => first(a) && second(b) && digit(n),
        [a, b, n, m] => {
            first(a) && second(b) && digit(n) && (digit(m) || b"ABEHMNPRVWXY".contains(&m))
        }
        _ => false,
    }
}

fn is_inward(inward: &[u8]) -> bool {
    let letter = |byte: u8| byte.is_ascii_uppercase() && !b"CIKMOV".contains(&byte);
    matches!(*inward, [n, a, b] if n.is_ascii_digit() && letter(a) && letter(b))
}
