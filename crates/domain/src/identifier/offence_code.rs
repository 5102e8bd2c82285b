//! CJS offence code.

use super::{UnreadableIdentifier, identifier, squeezed};

/// CJS offence code: `CJ88116`, `AA99999` or `AAAA999`, either with a suffix letter (A attempt,
/// B aid or abet, C conspire …). Whether the code exists is not checked: the list grows.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OffenceCode(String);

identifier!(OffenceCode, "a CJS offence code", reads OffenceCode::parse);

impl OffenceCode {
    pub fn parse(text: &str) -> Result<OffenceCode, UnreadableIdentifier> {
        let code = squeezed(text).ok_or(OffenceCode::UNREADABLE)?;
        let plain = match code.as_bytes() {
            [rest @ .., last] if rest.len() == 7 && last.is_ascii_uppercase() => rest,
            whole => whole,
        };
        let letters = plain.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
        let shaped = plain.len() == 7
            && matches!(letters, 2 | 4)
            && plain[letters..].iter().all(u8::is_ascii_digit);
        if shaped { Ok(OffenceCode(code)) } else { Err(OffenceCode::UNREADABLE) }
    }
}
