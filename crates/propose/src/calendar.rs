//! How the force writes its days and moments.

use jiff::tz::TimeZone;

use cara_mapping::date::{Formats, Window};

/// The formats that are tried, days first, the usual ones of this country before others.
const DAYS: &[&str] = &[
    "DD/MM/YYYY",
    "YYYY-MM-DD",
    "DD-MM-YYYY",
    "DD.MM.YYYY",
    "D/M/YYYY",
    "D MMM YYYY",
    "DD MMM YYYY",
    "DD-MMM-YYYY",
    "DD-MMM-YY",
    "DD MMM YY",
    "DD/MM/YY",
    "YYYY/MM/DD",
    "YYYYMMDD",
    "DDMMYYYY",
    "MM/DD/YYYY",
];
const MOMENTS: &[&str] = &[
    "YYYY-MM-DDThh:mm:ssZ",
    "YYYY-MM-DDThh:mm:ss",
    "YYYY-MM-DDThh:mm",
    "YYYY-MM-DD hh:mm:ss",
    "YYYY-MM-DD hh:mm",
    "DD/MM/YYYY hh:mm:ss",
    "DD/MM/YYYY hh:mm",
    "DD/MM/YYYYThh:mm:ss",
    "YYYYMMDDhhmmss",
    "YYYYMMDD hhmmss",
    "YYYYMMDD hhmm",
    "YYYYMMDDhhmm",
    "DD-MMM-YYYY hh:mm",
];

/// What two digits of a year mean.
pub(super) const YEARS: &str = "1930-2029";

/// A year outside of these is a number that only looks like a date.
const YEARS_SEEN: std::ops::RangeInclusive<i16> = 1900..=2099;

/// One format, and whether it has a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DateWriting {
    pub format: &'static str,
    pub is_moment: bool,
}

/// Reads texts by the formats that are known.
pub(super) struct Calendar {
    known: Vec<(DateWriting, Formats)>,
}

impl Calendar {
    pub fn new() -> Calendar {
        let window = Window::parse(YEARS).ok();
        let days = DAYS.iter().map(|format| DateWriting { format, is_moment: false });
        let moments = MOMENTS.iter().map(|format| DateWriting { format, is_moment: true });
        let read = |written: DateWriting| {
            let formats = Formats::parse(&[written.format], window, TimeZone::UTC).ok()?;
            Some((written, formats))
        };
        Calendar { known: days.chain(moments).filter_map(read).collect() }
    }

    /// The formats that a place needs: the fewest that read nearly all of its texts; none when they
    /// are no dates.
    pub fn formats(&self, texts: &[&str]) -> Vec<DateWriting> {
        let mut left: Vec<&str> = texts.to_vec();
        let mut formats = Vec::new();
        while !left.is_empty() {
            let reads = |formats: &Formats| left.iter().filter(|it| reads(formats, it)).count();
            // The first of those that read most.
            let best = self.known.iter().rev().max_by_key(|(_, formats)| reads(formats));
            let Some((written, read)) = best.filter(|(_, formats)| reads(formats) > 0) else {
                break;
            };
            left.retain(|text| !self::reads(read, text));
            formats.push(*written);
        }
        if left.len() * 4 > texts.len() { Vec::new() } else { formats }
    }

    /// The day that a text names in one of these formats, and the format.
    pub fn day(&self, text: &str) -> Option<(DateWriting, jiff::civil::Date)> {
        self.known.iter().find_map(|(written, formats)| {
            reads(formats, text).then(|| formats.date(text).map(|day| (*written, day)))?
        })
    }

    /// Whether these formats can stand in one list: no text is read as two days.
    pub fn agree(formats: &[DateWriting]) -> bool {
        let texts: Vec<&str> = formats.iter().map(|written| written.format).collect();
        let window = Window::parse(YEARS).ok();
        Formats::parse(&texts, window, TimeZone::UTC).is_ok_and(|all| all.clashes().is_empty())
    }
}

fn reads(formats: &Formats, text: &str) -> bool {
    formats.date(text).is_some_and(|day| YEARS_SEEN.contains(&day.year()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_needs_the_fewest_formats_that_read_its_texts() {
        let calendar = Calendar::new();
        for (texts, expected) in [
            (&["04/11/1991", "19/02/1993"][..], &["DD/MM/YYYY"][..]),
            (&["02/28/1991", "03/04/1993"], &["MM/DD/YYYY"]),
            (&["9 Mar 1985", "1988-12-30"], &["YYYY-MM-DD", "D MMM YYYY"]),
            (&["17112025", "23051983"], &["DDMMYYYY"]),
            (&["17-MAY-88"], &["DD-MMM-YY"]),
            (&["20251103 0615"], &["YYYYMMDD hhmm"]),
            (&["P881204", "Mr"], &[]),
        ] {
            let found: Vec<&str> = calendar.formats(texts).iter().map(|it| it.format).collect();
            assert_eq!(found, expected, "{texts:?}");
        }
    }
}
