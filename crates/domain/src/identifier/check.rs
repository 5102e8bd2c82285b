//! The one check letter of ASN, PNC identifier and CRO number (DOMAIN section 3.1).

/// 23 letters: no I, O or S.
const ALPHABET: &[u8; 23] = b"ZABCDEFGHJKLMNPQRTUVWXY";

pub fn is_check_letter(byte: u8) -> bool {
    ALPHABET.contains(&byte)
}

/// The letter for the number that the digits of these parts make, written one after the other. A
/// part that is not all digits contributes nothing.
pub fn letter(parts: &[&str]) -> char {
    let mut remainder = 0;
    for part in parts.iter().filter(|part| super::all_digits(part)) {
        for digit in part.bytes() {
            remainder = (remainder * 10 + usize::from(digit - b'0')) % ALPHABET.len();
        }
    }
    char::from(ALPHABET[remainder])
}

/// The letter that would be right, when the last character is not it.
pub fn expected(canonical: &str, parts: &[&str]) -> Option<char> {
    let right = letter(parts);
    (!canonical.ends_with(right)).then_some(right)
}
