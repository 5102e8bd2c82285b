//! Made-up texts of the same kind as those that they stand for.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::{Span, ToSpan as _};

use super::super::calendar::{Calendar, DateWriting};
use cara_domain::identifier::{Asn, Cro, Email, OffenceCode, Phone, PncId, Postcode};

/// Offence codes that stand for others (DOMAIN section 3.4).
const OFFENCES: &[&str] = &[
    "CJ88116", "CJ88001", "CD71039", "CD71040", "CD71043", "PH97004", "PU86116", "PU86117",
    "PU86004", "PU86149", "PU86150", "TH68020", "OF61102",
];

/// What stands for a code is this long where lengths are free, so that it stands nowhere else.
const CODE_MIN: usize = 6;

/// How often something is drawn again because it holds a text of the sample.
const DRAWS_MAX: usize = 200;

/// Draws what is made up; equal words give equal words.
pub(super) struct Maker<'c> {
    state: u64,
    /// What must not appear, in small letters.
    said: BTreeSet<String>,
    calendar: &'c Calendar,
    /// Days by which every date goes back; birth dates go back further, each on its own.
    shift: i32,
    time: (i8, i8),
    words: BTreeMap<String, String>,
    wholes: BTreeMap<String, String>,
    codes: BTreeSet<String>,
    /// Words keep their length; elsewhere the length of a name would tell a part of it.
    keeps_width: bool,
}

impl<'c> Maker<'c> {
    pub fn new(
        seed: u64,
        said: BTreeSet<String>,
        calendar: &'c Calendar,
        keeps_width: bool,
    ) -> Self {
        Maker {
            state: seed,
            said,
            calendar,
            shift: 0,
            time: (9, 0),
            words: BTreeMap::new(),
            wholes: BTreeMap::new(),
            codes: BTreeSet::new(),
            keeps_width,
        }
    }

    /// The shift that turns fewest dates into one that the sample has.
    pub fn choose_shift(&mut self, dates: &[String]) {
        let mut best = (usize::MAX, 0, (9, 0));
        for _ in 0..DRAWS_MAX {
            self.shift = 100 + i32::try_from(self.below(2_500)).unwrap_or(0);
            let hour = i8::try_from(self.below(24)).unwrap_or(9);
            self.time = (hour, i8::try_from(self.below(60)).unwrap_or(0));
            let made = dates.iter().filter_map(|text| self.date(text, 0));
            let clashes = made.filter(|made| self.says(made)).count();
            if clashes < best.0 {
                best = (clashes, self.shift, self.time);
            }
            if clashes == 0 {
                break;
            }
        }
        (_, self.shift, self.time) = best;
    }

    /// A text of the same kind; empty where none can be made without a text of the sample in it.
    pub fn text(&mut self, text: &str, is_birth: bool) -> String {
        if let Some(known) = self.wholes.get(text) {
            return known.clone();
        }
        let mut made = String::new();
        for _ in 0..DRAWS_MAX {
            made = self.drawn(text, is_birth);
            if !self.says(&made) {
                break;
            }
            // Its words are drawn anew.
            for word in runs(text) {
                self.words.remove(word);
            }
        }
        if self.says(&made) {
            made = String::new();
        }
        self.wholes.insert(text.to_owned(), made.clone());
        made
    }

    /// Stands for a code in one place: made of letters or digits like it, and never twice.
    pub fn code(&mut self, text: &str) -> String {
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        let len =
            text.chars().count().max(if self.keeps_width { super::SAID_MIN } else { CODE_MIN });
        let mut made = String::new();
        for _ in 0..DRAWS_MAX {
            made = (0..len)
                .map(|_| {
                    if is_number {
                        self.pick("123456789")
                    } else {
                        self.pick("BCDFGHJKLMNPQRSTVWXZ")
                    }
                })
                .collect();
            let is_own = |code: &String| !code.contains(&made) && !made.contains(code.as_str());
            if !self.says(&made) && self.codes.iter().all(is_own) {
                break;
            }
        }
        self.codes.insert(made.clone());
        made
    }

    fn drawn(&mut self, text: &str, is_birth: bool) -> String {
        let further = if is_birth { self.jitter() } else { 0 };
        if let Some(made) = self.date(text, further) {
            return made;
        }
        if Asn::parse(text).is_ok() && text.matches('/').count() >= 2 {
            return self.lettered(text, &|made| Asn::parse(made).ok()?.expected_letter());
        }
        if PncId::parse(text, 2039).is_ok() {
            return self.lettered(text, &|made| PncId::parse(made, 2039).ok()?.expected_letter());
        }
        if Cro::parse(text).is_ok() {
            return self.lettered(text, &|made| Cro::parse(made).ok()?.expected_letter());
        }
        if Asn::parse(text).is_ok() {
            return self.lettered(text, &|made| Asn::parse(made).ok()?.expected_letter());
        }
        if OffenceCode::parse(text).is_ok() {
            let index = self.below(OFFENCES.len());
            return OFFENCES[index].to_owned();
        }
        if Postcode::parse(text).is_ok() && text.len() >= 5 {
            return self.postcode(text);
        }
        if Email::parse(text).is_ok() {
            return self.email(text);
        }
        if Phone::parse(text).is_ok() && text.len() >= 9 {
            return self.phone(text);
        }
        self.worded(text)
    }

    /// The same layout with another day; `None`: it is no date.
    fn date(&self, text: &str, further: i32) -> Option<String> {
        let (written, day) = self.calendar.day(text)?;
        let back: Span = (self.shift + further).days();
        let day = day.checked_sub(back).ok()?;
        Some(rewritten(text, written, day, self.time))
    }

    /// Up to two years, so that who was grown up stays it.
    fn jitter(&mut self) -> i32 {
        i32::try_from(self.below(700)).unwrap_or(0)
    }

    /// An identifier with a check letter: its last run of digits is drawn, the letter is made right.
    fn lettered(&mut self, text: &str, expected: &dyn Fn(&str) -> Option<char>) -> String {
        let mut letters: Vec<char> = text.trim().chars().collect();
        let last = letters.len().saturating_sub(1);
        let cut = letters.iter().rposition(|c| *c == '/').filter(|at| at + 4 < last);
        let (from, to) = match cut {
            Some(at) => (at + 1, last),
            // A serial before the stroke, or no stroke at all.
            None => match letters.iter().position(|c| *c == '/') {
                Some(at) => (0, at),
                None => (last.saturating_sub(6), last),
            },
        };
        for letter in &mut letters[from..to] {
            if letter.is_ascii_digit() {
                *letter = self.pick("123456789");
            }
        }
        letters[last] = 'A';
        let made: String = letters.iter().collect();
        match expected(&made) {
            Some(letter) => {
                letters[last] = letter;
                letters.into_iter().collect()
            }
            None => made,
        }
    }

    /// A district that does not exist, so that no letter box has it.
    fn postcode(&mut self, text: &str) -> String {
        let ends: String = (0..2).map(|_| self.pick("ABDEFGHJLNPQRSTUWXYZ")).collect();
        let digit = self.pick("456789");
        let gap = if text.contains(' ') { " " } else { "" };
        let made = format!("ZE{digit}{gap}9{ends}");
        if text.chars().any(char::is_lowercase) { made.to_lowercase() } else { made }
    }

    fn email(&mut self, text: &str) -> String {
        let (local, domain) = text.split_once('@').unwrap_or((text, ""));
        let first = domain.split('.').next().unwrap_or_default();
        let (local, first) = (self.worded(local), self.worded(first).to_lowercase());
        format!("{local}@{first}.example")
    }

    /// From Ofcom's ranges for drama, in the layout of the text.
    fn phone(&mut self, text: &str) -> String {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let is_mobile = digits
            .trim_start_matches("00")
            .trim_start_matches("44")
            .trim_start_matches('0')
            .starts_with('7');
        let area = if is_mobile { "7700900" } else { "1632960" };
        let end: String = (0..3).map(|_| self.pick("0123456789")).collect();
        let national = format!("{area}{end}");
        if digits.len() < national.len() + 1 || !(digits.starts_with('0') || text.starts_with('+'))
        {
            return format!("0{}", national);
        }
        let first = digits.len() - national.len();
        let mut drawn = national.chars();
        let mut index = 0;
        let swap = |c: char| {
            if !c.is_ascii_digit() {
                return c;
            }
            index += 1;
            if index > first { drawn.next().unwrap_or(c) } else { c }
        };
        text.chars().map(swap).collect()
    }

    /// Every run of letters and digits becomes another one of its length and look.
    fn worded(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if !c.is_alphanumeric() {
                out.push(if c.is_ascii() { c } else { ' ' });
                rest = &rest[c.len_utf8()..];
                continue;
            }
            let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
            out.push_str(&self.word(&rest[..end]));
            rest = &rest[end..];
        }
        out
    }

    fn word(&mut self, word: &str) -> String {
        if let Some(known) = self.words.get(word) {
            return known.clone();
        }
        let mut made = String::new();
        for _ in 0..DRAWS_MAX {
            made = self.drawn_word(word);
            if !self.says(&made) && !made.eq_ignore_ascii_case(word) {
                break;
            }
        }
        self.words.insert(word.to_owned(), made.clone());
        made
    }

    fn drawn_word(&mut self, word: &str) -> String {
        let mut is_vowel = self.below(2) == 0;
        let mut made = String::with_capacity(word.len());
        for c in word.chars() {
            if c.is_ascii_digit() {
                made.push(if c == '0' { '0' } else { self.pick("123456789") });
            } else if c.is_alphabetic() {
                let letter = self.pick(if is_vowel { "aeiou" } else { "bdfgklmnprstvz" });
                is_vowel = !is_vowel;
                made.push(if c.is_uppercase() { letter.to_ascii_uppercase() } else { letter });
            } else {
                made.push(self.pick("123456789"));
            }
        }
        if !self.keeps_width && word.len() > 2 && made.bytes().all(|c| c.is_ascii_alphabetic()) {
            self.with_other_length(&mut made, is_vowel);
        }
        made
    }

    /// Up to two letters more or less, three at least.
    fn with_other_length(&mut self, made: &mut String, mut is_vowel: bool) {
        let is_upper = made.chars().all(char::is_uppercase);
        match self.below(5) {
            more @ 0..=1 => {
                for _ in 0..=more {
                    let letter = self.pick(if is_vowel { "aeiou" } else { "bdfgklmnprstvz" });
                    is_vowel = !is_vowel;
                    made.push(if is_upper { letter.to_ascii_uppercase() } else { letter });
                }
            }
            less => made.truncate(made.len().saturating_sub(less - 2).max(3)),
        }
    }

    /// Whether a text holds one of the sample's.
    fn says(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.said.iter().any(|said| text.contains(said.as_str()))
    }

    fn pick(&mut self, from: &str) -> char {
        let index = self.below(from.len());
        char::from(from.as_bytes()[index])
    }

    /// A number below `bound`, from the seed (splitmix64).
    fn below(&mut self, bound: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % bound.max(1) as u64).unwrap_or(0)
    }
}

/// Runs of letters and digits.
fn runs(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|run| !run.is_empty())
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Another day in the layout of a text; fractions of seconds are left out.
fn rewritten(text: &str, written: DateWriting, day: Date, (hour, minute): (i8, i8)) -> String {
    let is_upper = !text.chars().any(|c| c.is_lowercase());
    let mut out = String::new();
    let mut rest = written.format;
    while let Some(letter) = rest.chars().next() {
        let run = rest.chars().take_while(|other| *other == letter).count();
        match (letter, run) {
            ('D', 1) => out.push_str(&day.day().to_string()),
            ('D', _) => out.push_str(&format!("{:02}", day.day())),
            ('M', 1) => out.push_str(&day.month().to_string()),
            ('M', 3) => {
                let name = MONTHS[usize::from(day.month().unsigned_abs()) - 1];
                let (first, others) = name.split_at(1);
                let others = if is_upper { others.to_uppercase() } else { others.to_owned() };
                out.push_str(&first.to_uppercase());
                out.push_str(&others);
            }
            ('M', _) => out.push_str(&format!("{:02}", day.month())),
            ('Y', 2) => out.push_str(&format!("{:02}", day.year() % 100)),
            ('Y', _) => out.push_str(&format!("{:04}", day.year())),
            ('h', _) => out.push_str(&format!("{hour:02}")),
            ('m', _) => out.push_str(&format!("{minute:02}")),
            ('s', _) => out.push_str("00"),
            ('Z', _) => out.push('Z'),
            (other, run) => out.extend(std::iter::repeat_n(other, run)),
        }
        rest = &rest[run..];
    }
    out
}
