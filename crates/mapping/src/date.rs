//! Days and times as a force writes them: `DD/MM/YYYY`, `YYYY-MM-DDThh:mm:ssZ`, `D MMM YY`.
//!
//! Letters: `D` and `M` take one or two digits, `DD` and `MM` exactly two, `MMM` a month's three
//! letters in English, `YYYY` a year from 1900 to 2100, `YY` a year within the mapping's window,
//! `hh`, `mm` and `ss` a time of the day (`ss` takes a fraction as well), `Z` the letter Z or an
//! offset such as `+01:00`. Everything else stands for itself.

#[cfg(test)]
mod tests;
mod write;

use std::ops::Range;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, civil};

use super::fault::{PhraseFault, PhraseFaultKind};

/// Years that a four-digit year may hold; anything else is a slip or another format.
const YEARS: std::ops::RangeInclusive<i16> = 1900..=2100;

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// One piece of a format.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Day { digits_min: u8 },
    Month { digits_min: u8 },
    MonthName,
    Year,
    ShortYear,
    Hour,
    Minute,
    Second,
    Offset,
    Literal(char),
}

/// One way to write a day, or a day and a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DateFormat {
    pieces: Vec<Piece>,
}

/// What a two-digit year may mean: the hundred years from this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    first: i16,
}

impl Window {
    /// Reads `years = "1930-2029"`: exactly a hundred years, so that each pair of digits means one.
    pub fn parse(text: &str) -> Result<Window, PhraseFault> {
        let fault =
            |what: &str| Err(PhraseFault::new(PhraseFaultKind::DateFormat, 0..text.len(), what));
        let years = text.split_once('-').and_then(|(first, last)| {
            Some((first.trim().parse::<i16>().ok()?, last.trim().parse::<i16>().ok()?))
        });
        let Some((first, last)) = years else {
            return fault("the years of two digits are written as in `1930-2029`");
        };
        if !YEARS.contains(&first) || !YEARS.contains(&last) {
            return fault("both years lie between 1900 and 2100");
        }
        if last - first != 99 {
            return Err(PhraseFault::new(
                PhraseFaultKind::DateFormat,
                0..text.len(),
                "the years of two digits span exactly a hundred years",
            )
            .suggest((first <= 2001).then(|| format!("{first}-{}", first + 99))));
        }
        Ok(Window { first })
    }

    fn year(self, digits: i16) -> i16 {
        self.first + (digits - self.first).rem_euclid(100)
    }
}

/// What a format found in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Found {
    date: Date,
    time: Option<Time>,
    offset: Option<Offset>,
}

impl DateFormat {
    /// Reads one format. `YY` needs a window: without one it is a fault, since the century of two
    /// digits would be a guess.
    pub fn parse(text: &str, window: Option<Window>) -> Result<DateFormat, PhraseFault> {
        let fault = |at: Range<usize>, what: &str| {
            Err(PhraseFault::new(PhraseFaultKind::DateFormat, at, what))
        };
        let mut pieces = Vec::new();
        let mut at = 0;
        while let Some(letter) = text[at..].chars().next() {
            let run = text[at..].chars().take_while(|other| *other == letter).count();
            let end = at + run * letter.len_utf8();
            match (letter, run) {
                ('D', 1 | 2) => pieces.push(Piece::Day { digits_min: run as u8 }),
                ('M', 1 | 2) => pieces.push(Piece::Month { digits_min: run as u8 }),
                ('M', 3) => pieces.push(Piece::MonthName),
                ('Y', 4) => pieces.push(Piece::Year),
                ('Y', 2) if window.is_none() => {
                    return fault(
                        at..end,
                        "a year of two digits needs `years = \"1930-2029\"`, or its century would be a guess",
                    );
                }
                ('Y', 2) => pieces.push(Piece::ShortYear),
                ('h', 2) => pieces.push(Piece::Hour),
                ('m', 2) => pieces.push(Piece::Minute),
                ('s', 2) => pieces.push(Piece::Second),
                ('Z', 1) => pieces.push(Piece::Offset),
                ('T', 1) => pieces.push(Piece::Literal('T')),
                (other, _) if other.is_alphanumeric() => {
                    return Err(PhraseFault::new(
                        PhraseFaultKind::DateFormat,
                        at..end,
                        "the letters of a date format are D, DD, M, MM, MMM, YY, YYYY, hh, mm, ss, T and Z",
                    )
                    .suggest(meant(text, at..end)));
                }
                (other, count) => pieces.extend(std::iter::repeat_n(Piece::Literal(other), count)),
            }
            at = end;
        }
        let format = DateFormat { pieces };
        format.complete(text)?;
        Ok(format)
    }

    /// A day, a month and a year, each once; a time from the hour on; digits that can be told apart.
    fn complete(&self, text: &str) -> Result<(), PhraseFault> {
        let fault =
            |what: &str| Err(PhraseFault::new(PhraseFaultKind::DateFormat, 0..text.len(), what));
        let count = |fits: fn(&Piece) -> bool| self.pieces.iter().filter(|p| fits(p)).count();
        let day = count(|p| matches!(p, Piece::Day { .. }));
        let month = count(|p| matches!(p, Piece::Month { .. } | Piece::MonthName));
        let year = count(|p| matches!(p, Piece::Year | Piece::ShortYear));
        if (day, month, year) != (1, 1, 1) {
            return fault("a date format has one day, one month and one year");
        }
        let hour = count(|p| *p == Piece::Hour);
        let minute = count(|p| *p == Piece::Minute);
        let second = count(|p| *p == Piece::Second);
        let offset = count(|p| *p == Piece::Offset);
        if hour != minute || hour > 1 || second > hour || offset > hour {
            return fault("a time has hours and minutes, and may have seconds and Z, each once");
        }
        let runs_on = self.pieces.windows(2).any(|pair| {
            let open =
                matches!(pair[0], Piece::Day { digits_min: 1 } | Piece::Month { digits_min: 1 });
            open && !matches!(pair[1], Piece::Literal(_) | Piece::MonthName)
        });
        if runs_on {
            return fault("D and M take one or two digits: what follows them must not be a digit");
        }
        Ok(())
    }

    fn read(&self, text: &str, window: Option<Window>) -> Option<Found> {
        let mut reader = Reader { rest: text.as_bytes() };
        let (mut day, mut month, mut year) = (0, 0, 0);
        let (mut hour, mut minute, mut second, mut nanosecond) = (None, 0, 0, 0);
        let mut offset = None;
        for (index, piece) in self.pieces.iter().enumerate() {
            match *piece {
                Piece::Day { digits_min } => day = reader.number(digits_min, 2)? as i8,
                Piece::Month { digits_min } => month = reader.number(digits_min, 2)? as i8,
                Piece::MonthName => month = reader.month_name()?,
                Piece::Year => year = Some(reader.number(4, 4)?).filter(|y| YEARS.contains(y))?,
                Piece::ShortYear => year = window?.year(reader.number(2, 2)?),
                Piece::Hour => hour = Some(reader.number(2, 2)? as i8),
                Piece::Minute => minute = reader.number(2, 2)? as i8,
                Piece::Second => {
                    second = reader.number(2, 2)? as i8;
                    if self.pieces.get(index + 1) != Some(&Piece::Literal('.')) {
                        nanosecond = reader.fraction()?;
                    }
                }
                Piece::Offset => offset = Some(reader.offset()?),
                Piece::Literal(wanted) => reader.literal(wanted)?,
            }
        }
        if !reader.rest.is_empty() {
            return None;
        }
        let date = Date::new(year, month, day).ok()?;
        let time = match hour {
            None => None,
            Some(hour) => Some(Time::new(hour, minute, second, nanosecond).ok()?),
        };
        Some(Found { date, time, offset })
    }

    /// A moment as this format writes it; `padded` writes D and M with two digits as well.
    fn write(&self, moment: DateTime, padded: bool) -> String {
        use std::fmt::Write as _;
        let mut out = String::new();
        let number = |out: &mut String, value: i16, digits: usize| {
            let _ = write!(out, "{value:0digits$}");
        };
        for piece in &self.pieces {
            match *piece {
                Piece::Day { digits_min } => number(
                    &mut out,
                    moment.day().into(),
                    if padded { 2 } else { digits_min.into() },
                ),
                Piece::Month { digits_min } => number(
                    &mut out,
                    moment.month().into(),
                    if padded { 2 } else { digits_min.into() },
                ),
                Piece::MonthName => {
                    let name = MONTHS[moment.month() as usize - 1];
                    out.push_str(&name[..1].to_ascii_uppercase());
                    out.push_str(&name[1..]);
                }
                Piece::Year => number(&mut out, moment.year(), 4),
                Piece::ShortYear => number(&mut out, moment.year() % 100, 2),
                Piece::Hour => number(&mut out, moment.hour().into(), 2),
                Piece::Minute => number(&mut out, moment.minute().into(), 2),
                Piece::Second => number(&mut out, moment.second().into(), 2),
                Piece::Offset => out.push('Z'),
                Piece::Literal(letter) => out.push(letter),
            }
        }
        out
    }
}

/// The usual spelling of a letter that another program uses for the same thing.
fn meant(text: &str, at: Range<usize>) -> Option<String> {
    let spelled = match &text[at.clone()] {
        "yyyy" => "YYYY",
        "yy" => "YY",
        "dd" => "DD",
        "d" => "D",
        "HH" => "hh",
        "SS" => "ss",
        "MMMM" | "mmm" => "MMM",
        _ => return None,
    };
    Some(format!("{}{spelled}{}", &text[..at.start], &text[at.end..]))
}

/// Reads pieces off the front of a text; never a value of its own in an error.
struct Reader<'t> {
    rest: &'t [u8],
}

impl Reader<'_> {
    fn number(&mut self, digits_min: u8, digits_max: u8) -> Option<i16> {
        let digits = self
            .rest
            .iter()
            .take(digits_max.into())
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if digits < digits_min.into() {
            return None;
        }
        let (number, rest) = self.rest.split_at(digits);
        self.rest = rest;
        Some(number.iter().fold(0, |value, byte| value * 10 + i16::from(byte - b'0')))
    }

    fn month_name(&mut self) -> Option<i8> {
        let name = self.rest.get(..3)?;
        let index = MONTHS.iter().position(|month| name.eq_ignore_ascii_case(month.as_bytes()))?;
        self.rest = &self.rest[3..];
        Some(index as i8 + 1)
    }

    /// `.123` behind the seconds, in nanoseconds; nothing there is no fraction.
    fn fraction(&mut self) -> Option<i32> {
        let Some(behind) = self.rest.strip_prefix(b".") else { return Some(0) };
        let digits = behind.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if !(1..=9).contains(&digits) {
            return None;
        }
        let (fraction, rest) = behind.split_at(digits);
        self.rest = rest;
        let value = fraction.iter().fold(0, |value, byte| value * 10 + i32::from(byte - b'0'));
        Some(value * 10_i32.pow(9 - digits as u32))
    }

    /// `Z`, `+01:00`, `+0100` or `+01`.
    fn offset(&mut self) -> Option<Offset> {
        let (sign, rest) = self.rest.split_first()?;
        self.rest = rest;
        let sign = match sign {
            b'Z' | b'z' => return Some(Offset::UTC),
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        let hours = i32::from(self.number(2, 2)?);
        let colon = self.literal(':').is_some();
        let minutes = match self.number(2, 2) {
            Some(minutes) => i32::from(minutes),
            None if colon => return None,
            None => 0,
        };
        if hours > 14 || minutes > 59 {
            return None;
        }
        Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
    }

    fn literal(&mut self, wanted: char) -> Option<()> {
        let mut buffer = [0; 4];
        self.rest = self.rest.strip_prefix(wanted.encode_utf8(&mut buffer).as_bytes())?;
        Some(())
    }
}

/// Two formats of one list that read some text as two different days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash {
    /// Positions in the list, 0-based, the smaller one first.
    pub first: usize,
    pub second: usize,
    /// A made-up text that both read.
    pub text: String,
}

/// The formats of a mapping or of one field, tried in order.
#[derive(Clone, Debug)]
pub struct Formats {
    formats: Vec<DateFormat>,
    window: Option<Window>,
    zone: TimeZone,
}

impl Formats {
    /// Reads every format; each fault comes with the position of its format in the list, 0-based.
    pub fn parse(
        texts: &[&str],
        window: Option<Window>,
        zone: TimeZone,
    ) -> Result<Formats, Vec<(usize, PhraseFault)>> {
        let mut formats = Vec::with_capacity(texts.len());
        let mut faults = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            match DateFormat::parse(text, window) {
                Ok(format) => formats.push(format),
                Err(fault) => faults.push((index, fault)),
            }
        }
        if faults.is_empty() { Ok(Formats { formats, window, zone }) } else { Err(faults) }
    }

    /// The day that the text names: as written when it has no offset, else as it was in the
    /// mapping's time zone.
    pub fn date(&self, text: &str) -> Option<Date> {
        self.found(text).map(|found| self.day(found))
    }

    /// The moment that the text names. Without an offset it is local time; an hour that the clocks
    /// repeat is the first one. A day without a time begins at its midnight.
    pub fn instant(&self, text: &str) -> Option<Timestamp> {
        let found = self.found(text)?;
        let moment = found.date.to_datetime(found.time.unwrap_or(Time::midnight()));
        match found.offset {
            Some(offset) => offset.to_timestamp(moment).ok(),
            None => self.zone.to_timestamp(moment).ok(),
        }
    }

    fn found(&self, text: &str) -> Option<Found> {
        self.formats.iter().find_map(|format| format.read(text, self.window))
    }

    fn day(&self, found: Found) -> Date {
        let (Some(time), Some(offset)) = (found.time, found.offset) else { return found.date };
        match offset.to_timestamp(found.date.to_datetime(time)) {
            Ok(moment) => self.zone.to_datetime(moment).date(),
            // Only at the end of the calendar, which `YEARS` does not reach.
            Err(_) => found.date,
        }
    }

    /// The first text found for every two formats that would read it as different days. A date
    /// field may use a list only when nothing is found; else it must choose a format of its own.
    ///
    /// Tried, not proved: every day of some thirty years is written in each format, at two times
    /// and with and without padding, and read in every other one.
    pub fn clashes(&self) -> Vec<Clash> {
        let mut clashes = Vec::new();
        for first in 0..self.formats.len() {
            for second in first + 1..self.formats.len() {
                let text = self.clash(first, second).or_else(|| self.clash(second, first));
                clashes.extend(text.map(|text| Clash { first, second, text }));
            }
        }
        clashes
    }

    /// A text that one format writes and the other reads as another day.
    fn clash(&self, writer: usize, reader: usize) -> Option<String> {
        let (writer, reader) = (&self.formats[writer], &self.formats[reader]);
        let timed = writer.pieces.contains(&Piece::Hour);
        let moments: &[Time] = &[civil::time(11, 10, 9, 0), civil::time(20, 1, 12, 0)];
        let moments = if timed { moments } else { &moments[..1] };
        let mut written: Vec<String> = Vec::new();
        for date in generated_days() {
            written.clear();
            for time in moments {
                written.push(writer.write(date.to_datetime(*time), false));
                written.push(writer.write(date.to_datetime(*time), true));
            }
            let clash = written.iter().find(|text| {
                let own = writer.read(text, self.window);
                let other = reader.read(text, self.window);
                own.zip(other).is_some_and(|(own, other)| self.day(own) != self.day(other))
            });
            if let Some(text) = clash {
                return Some(text.clone());
            }
        }
        None
    }
}

/// Days whose digits can be taken for another day's: small days and months, and years whose
/// halves look like days and months.
fn generated_days() -> impl Iterator<Item = Date> {
    let years = [1900, 1901, 1910, 1912, 1930, 1931, 1969, 1970, 1985, 1999];
    let days = |year| civil::date(year, 1, 1).series(jiff::Span::new().days(1));
    years
        .into_iter()
        .chain(2000..=2020)
        .flat_map(move |year| days(year).take_while(move |date| date.year() == year))
}
