//! Unique reference number of a prosecution file.

use super::{UnreadableIdentifier, all_digits, identifier, squeezed};

/// PTI-URN: `FFSSnnnnnyy`, 11 characters (force, station, 5-digit sequence, year).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PtiUrn(String);

identifier!(PtiUrn, "a PTI-URN", reads PtiUrn::parse);

impl PtiUrn {
    /// Reads it with or without slashes; a shorter sequence is padded with zeros.
    pub fn parse(text: &str) -> Result<PtiUrn, UnreadableIdentifier> {
        let text = squeezed(text).ok_or(PtiUrn::UNREADABLE)?;
        let (station, digits) = text.split_at_checked(4).ok_or(PtiUrn::UNREADABLE)?;
        if !station.bytes().all(|byte| byte.is_ascii_alphanumeric())
            || !(3..=7).contains(&digits.len())
            || !all_digits(digits)
        {
            return Err(PtiUrn::UNREADABLE);
        }
        Ok(PtiUrn(format!("{station}{digits:0>7}")))
    }
}
