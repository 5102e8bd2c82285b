//! Finds the victim in the offender side's free texts, so that they are left out.
//!
//! What is looked for comes from the draft as sent, before any shape was demanded: a number that
//! could not be read as one still must not reach the offender.

use super::draft::Draft;
use super::field::FieldId;
use super::finding::{Finding, FindingCode};
use super::fold::{fold, is_combining, push_folded};
use super::offender_side::OffenderSide;

/// Fewer digits than this are no telephone number.
const NUMBER_DIGITS_MIN: usize = 7;
/// Words that may stand between a given name and the family name.
const WORDS_BETWEEN_MAX: usize = 3;

/// What identifies the victim in a text.
#[derive(Default)]
pub struct Marks {
    /// Folded; each is enough alone where it stands as whole words.
    alone: Vec<String>,
    /// National digits of her numbers; enough alone wherever they stand.
    numbers: Vec<String>,
    /// Folded given names, of which one near the family name is enough.
    given_names: Vec<String>,
    family_name: String,
    /// Her folded postcode and the words of her house, of which one beside the postcode is enough.
    postcode: String,
    houses: Vec<String>,
}

impl Marks {
    pub fn of(draft: &Draft<'_>) -> Marks {
        let mut marks = Marks::default();
        marks.names(draft);
        marks.contacts(draft);
        marks.address(draft);
        marks.alone.retain(|mark| !mark.is_empty());
        marks
    }

    fn names(&mut self, draft: &Draft<'_>) {
        self.family_name = folded(draft, FieldId::VICTIM_FAMILY_NAME);
        if self.family_name.is_empty() {
            return;
        }
        for given in texts(draft, FieldId::VICTIM_GIVEN_NAMES) {
            for word in given.split_whitespace() {
                let word = fold(word);
                // An initial beside a shared family name is as often an apostrophe's "s".
                if word.chars().nth(1).is_some() && !self.given_names.contains(&word) {
                    self.alone.push(format!("{word}{}", self.family_name));
                    self.alone.push(format!("{}{word}", self.family_name));
                    self.given_names.push(word);
                }
            }
        }
        if self.family_name != folded(draft, FieldId::OFFENDER_FAMILY_NAME) {
            self.alone.push(self.family_name.clone());
        }
    }

    fn contacts(&mut self, draft: &Draft<'_>) {
        for number in texts(draft, FieldId::VICTIM_SAFE_CONTACT_NUMBER) {
            self.numbers.extend(national_digits(number));
        }
        for id in [FieldId::VICTIM_SAFE_CONTACT_EMAIL, FieldId::VICTIM_SAFE_CONTACT_CODE_WORD] {
            self.alone.push(folded(draft, id));
        }
    }

    fn address(&mut self, draft: &Draft<'_>) {
        let her_postcode = folded(draft, FieldId::VICTIM_ADDRESS_POSTCODE);
        let his_postcode = folded(draft, FieldId::OFFENDER_ADDRESS_POSTCODE);
        let her_houses = houses(draft, FieldId::VICTIM_ADDRESS_LINES, &her_postcode);
        let his_houses = houses(draft, FieldId::OFFENDER_ADDRESS_LINES, &his_postcode);
        let shared = her_postcode == his_postcode
            && her_houses.iter().all(|house| his_houses.contains(house));
        if shared {
            return;
        }
        let his_lines: Vec<String> =
            texts(draft, FieldId::OFFENDER_ADDRESS_LINES).map(fold).collect();
        for line in texts(draft, FieldId::VICTIM_ADDRESS_LINES) {
            // A line with number and street says where she lives, with or without the postcode.
            let street = line.split_whitespace().any(is_number)
                && line.split_whitespace().any(|word| word.chars().all(char::is_alphabetic));
            let line = fold(line);
            if street && !his_lines.contains(&line) {
                self.alone.push(line);
            }
        }
        self.postcode = her_postcode;
        self.houses = her_houses;
    }

    fn is_empty(&self) -> bool {
        self.alone.is_empty() && self.numbers.is_empty() && self.postcode.is_empty()
    }
}

/// Leaves every free text out that holds one of the marks, with a flag for each.
pub fn withhold(
    side: &mut OffenderSide,
    marks: &Marks,
    draft: &Draft<'_>,
    findings: &mut Vec<Finding>,
) {
    if marks.is_empty() {
        return;
    }
    let mut search = Search { marks, text: String::new(), starts: Vec::new(), ends: Vec::new() };
    let mut withheld = |id: FieldId, index: Option<usize>| {
        let block = draft.block(id.spec().group, index.unwrap_or(0));
        let origin = block.and_then(|fields| fields.slot(id).origin);
        let name = id.full_name(index.map(|index| index + 1));
        findings.push(Finding::new(FindingCode::WITHHELD_VICTIM_NAMED, name).at(origin, None));
    };
    if search.take_if_named(&mut side.offender.access_needs) {
        withheld(FieldId::OFFENDER_ACCESS_NEEDS, None);
    }
    let warnings = side.offender.safety_warnings.len();
    side.offender.safety_warnings.retain(|warning| !search.names_her(warning));
    if side.offender.safety_warnings.len() < warnings {
        withheld(FieldId::OFFENDER_SAFETY_WARNINGS, None);
    }
    for (index, offence) in side.offences.iter_mut().enumerate() {
        if search.take_if_named(&mut offence.title) {
            withheld(FieldId::OFFENCE_TITLE, Some(index));
        }
        if search.take_if_named(&mut offence.wording) {
            withheld(FieldId::OFFENCE_WORDING, Some(index));
        }
    }
    for (index, condition) in side.caution.conditions.iter_mut().enumerate() {
        if search.take_if_named(&mut condition.text) {
            withheld(FieldId::CONDITION_TEXT, Some(index));
        }
    }
}

/// The victim's contact field that holds what is the offender's too.
pub fn shared_contact(draft: &Draft<'_>) -> Option<FieldId> {
    let digits = |id| texts(draft, id).filter_map(national_digits);
    let his = |number: String| digits(FieldId::OFFENDER_PHONES).any(|other| other == number);
    if digits(FieldId::VICTIM_SAFE_CONTACT_NUMBER).any(his) {
        return Some(FieldId::VICTIM_SAFE_CONTACT_NUMBER);
    }
    let mut hers = texts(draft, FieldId::VICTIM_SAFE_CONTACT_EMAIL);
    let his = |email: &str| {
        let mut emails = texts(draft, FieldId::OFFENDER_EMAIL);
        emails.any(|other| other.trim().eq_ignore_ascii_case(email.trim()))
    };
    hers.any(his).then_some(FieldId::VICTIM_SAFE_CONTACT_EMAIL)
}

/// A text folded to letters and digits, with the places where its words start and end.
struct Search<'m> {
    marks: &'m Marks,
    text: String,
    /// Byte positions of `text` at which a word starts, ascending.
    starts: Vec<usize>,
    /// Whether a word ends at this byte position of `text`, one past the last byte included.
    ends: Vec<bool>,
}

impl Search<'_> {
    fn take_if_named(&mut self, text: &mut Option<String>) -> bool {
        text.take_if(|text| self.names_her(text)).is_some()
    }

    fn names_her(&mut self, text: &str) -> bool {
        self.load(text);
        let marks = self.marks;
        let first = |&start: &usize| marks.alone.iter().any(|mark| self.stands_at(start, mark));
        self.starts.iter().any(first)
            || marks.numbers.iter().any(|number| self.holds_digits(number))
            || self.has_names_together()
            || self.has_address()
    }

    fn load(&mut self, text: &str) {
        self.text.clear();
        self.starts.clear();
        self.ends.clear();
        let mut in_word = false;
        for character in text.chars() {
            let start = self.text.len();
            push_folded(character, &mut self.text);
            if self.text.len() > start {
                self.ends.resize(self.text.len(), false);
                if !in_word {
                    self.starts.push(start);
                }
                in_word = true;
            } else if in_word && !is_combining(character) {
                self.ends.push(true);
                in_word = false;
            }
        }
        if in_word {
            self.ends.push(true);
        }
        self.ends.resize(self.text.len() + 1, false);
    }

    fn stands_at(&self, start: usize, mark: &str) -> bool {
        let end = start + mark.len();
        self.text.as_bytes()[start..].starts_with(mark.as_bytes()) && self.ends[end]
    }

    /// Where the mark stands as whole words, however they are split.
    fn places<'s>(&'s self, mark: &'s str) -> impl Iterator<Item = (usize, usize)> + 's {
        let starts = self.starts.iter().filter(move |&&start| self.stands_at(start, mark));
        starts.map(move |&start| (start, start + mark.len()))
    }

    /// Digits count wherever they stand: a number is often glued to a word or another number.
    fn holds_digits(&self, number: &str) -> bool {
        let digits = self.text.bytes().filter(u8::is_ascii_digit).count();
        digits >= number.len() && self.text.contains(number)
    }

    fn has_names_together(&self) -> bool {
        if self.marks.given_names.is_empty() {
            return false;
        }
        self.places(&self.marks.family_name).any(|family| {
            self.marks.given_names.iter().any(|given| {
                self.places(given).any(|given| {
                    let (before, after) =
                        if given < family { (given, family) } else { (family, given) };
                    before.1 <= after.0 && self.words_in(before.1, after.0) <= WORDS_BETWEEN_MAX
                })
            })
        })
    }

    fn words_in(&self, from: usize, to: usize) -> usize {
        self.starts.iter().filter(|start| (from..to).contains(start)).count()
    }

    fn has_address(&self) -> bool {
        !self.marks.postcode.is_empty()
            && self.places(&self.marks.postcode).next().is_some()
            && self.marks.houses.iter().any(|house| self.places(house).next().is_some())
    }
}

fn texts<'d>(draft: &'d Draft<'_>, id: FieldId) -> impl Iterator<Item = &'d str> {
    draft.root.slot(id).value.texts()
}

fn folded(draft: &Draft<'_>, id: FieldId) -> String {
    texts(draft, id).next().map_or_else(String::new, fold)
}

/// The folded words that tell the house: those with a digit, or the whole first line where there
/// are none.
fn houses(draft: &Draft<'_>, lines: FieldId, postcode: &str) -> Vec<String> {
    let mut houses: Vec<String> = texts(draft, lines)
        .filter(|line| fold(line) != postcode)
        .flat_map(|line| line.split(|c: char| !c.is_alphanumeric()))
        .filter(|word| is_number(word))
        .map(fold)
        .collect();
    if houses.is_empty() {
        houses.extend(texts(draft, lines).next().map(fold).filter(|line| !line.is_empty()));
    }
    houses
}

fn is_number(word: &str) -> bool {
    word.chars().any(char::is_numeric)
}

/// The digits of a telephone number without country code and leading zero; None when there are too
/// few.
fn national_digits(text: &str) -> Option<String> {
    let mut digits = fold(text);
    digits.retain(|c| c.is_ascii_digit());
    let international = digits.strip_prefix("00").unwrap_or(&digits);
    let national = match international.strip_prefix("44") {
        Some(rest) if rest.len() >= 9 => rest,
        _ => international,
    };
    let national = national.trim_start_matches('0');
    (national.len() >= NUMBER_DIGITS_MIN).then(|| national.to_owned())
}
