//! Cells that hold two things: a whole name, a number with a name, a number with a rank.

use super::line::{ProposedLine, ProposedLines, path_for};
use super::lookup;
use super::survey::SurveyPlace;
use super::{clue, kind::TextKind};
use cara_domain::FieldId;
use cara_domain::field::{FieldShape, Group};

/// Lines for the cells that fill two fields at once, and the indices of those places.
pub(super) fn of_places(
    places: &[SurveyPlace],
    group: Group,
    rows_inside: bool,
    into: &mut ProposedLines,
) -> Vec<usize> {
    let mut used = Vec::new();
    for (index, place) in places.iter().enumerate() {
        if !matches!(place.kind, TextKind::Text | TextKind::Code) || place.spot.seen.is_empty() {
            continue;
        }
        let before = into.lines.len();
        match group {
            Group::Root => root(place, places, rows_inside, into),
            Group::Condition => condition(place, rows_inside, into),
            _ => {}
        }
        if into.lines.len() > before {
            used.push(index);
        }
    }
    used
}

fn root(place: &SurveyPlace, places: &[SurveyPlace], rows_inside: bool, into: &mut ProposedLines) {
    let filled =
        |into: &ProposedLines, field: FieldId| into.lines.iter().any(|it| it.field == field);
    let line = |field: FieldId, transforms: &[&str]| {
        ProposedLine::plain(field, vec![path_for(field, place, rows_inside)]).apply(transforms)
    };
    let (last, before) = place.spot.words();
    let is_person = |word: &String| NAME_WORDS.contains(&word.as_str());
    let zone = clue::zone(&place.spot);
    let is_whole_name = last.iter().all(|word| NAME_WORDS.contains(&word.as_str()))
        && (zone == Some(clue::Zone::Person) || zone.is_none() && place.spot.steps.len() <= 2)
        && before.iter().flatten().all(|word| word == "row" || is_person(word));
    let has_family = || {
        let family = FieldId::OFFENDER_FAMILY_NAME;
        places.iter().any(|other| super::assign::score(family, other).is_some())
    };
    if is_whole_name && !filled(into, FieldId::OFFENDER_FAMILY_NAME) && !has_family() {
        whole_name(place, &line, into);
    } else if zone == Some(clue::Zone::Officer)
        && most(place, &is_number_and_name)
        && !filled(into, FieldId::OFFICER_NAME)
    {
        let why = "the first word looks like the number, the rest like the name";
        let number = line(FieldId::OFFICER_COLLAR_NUMBER, &["first word"]);
        into.lines.push(number.unsure(why));
        into.lines.push(line(FieldId::OFFICER_NAME, &["after ' '"]));
    } else if gives(&place.spot) && !filled(into, FieldId::CAUTION_GIVEN_BY_RANK) {
        given_by(place, &line, into);
    }
}

/// Last names of a place that holds somebody's whole name.
const NAME_WORDS: &[&str] = &["name", "full", "suspect", "subject", "nominal", "person"];

type MakeLine<'m> = &'m dyn Fn(FieldId, &[&str]) -> ProposedLine;

fn whole_name(place: &SurveyPlace, line: MakeLine<'_>, into: &mut ProposedLines) {
    if most(place, &|text| text.contains(',')) {
        into.lines.push(line(FieldId::OFFENDER_FAMILY_NAME, &["before ,"]));
        into.lines.push(line(FieldId::OFFENDER_GIVEN_NAMES, &["after ,", "words"]));
    } else if most(place, &|text| (2..=4).contains(&text.split_whitespace().count())) {
        let why = "the last word is taken for the family name";
        into.lines.push(line(FieldId::OFFENDER_FAMILY_NAME, &["last word"]).unsure(why));
        let why = "only the first word is read: no transform takes all but the last";
        into.lines.push(line(FieldId::OFFENDER_GIVEN_NAMES, &["first word"]).unsure(why));
    }
}

fn gives(spot: &super::spot::Spot) -> bool {
    let (last, before) = spot.words();
    let all: Vec<&String> = before.iter().flatten().chain(&last).collect();
    let has = |word: &str| all.iter().any(|own| *own == word);
    has("given") && has("by") && last.iter().any(|word| word == "by" || word == "given")
}

fn given_by(place: &SurveyPlace, line: MakeLine<'_>, into: &mut ProposedLines) {
    let (number, rank) = (FieldId::CAUTION_GIVEN_BY_COLLAR_NUMBER, FieldId::CAUTION_GIVEN_BY_RANK);
    let digits = |text: &str| text.chars().any(|c| c.is_ascii_digit());
    let letters = |text: &str| text.chars().any(char::is_alphabetic);
    if most(place, &|text| text.split_once('/').is_some_and(|(one, _)| digits(one))) {
        into.lines.push(line(number, &["before /"]));
        into.lines.push(line(rank, &["after /"]));
    } else if most(place, &|text| text.split_once('/').is_some_and(|(_, other)| digits(other))) {
        into.lines.push(line(number, &["after /"]));
        into.lines.push(line(rank, &["before /"]));
    } else if most(place, &|text| digits(text) && letters(text)) {
        let why = "the digits are taken for the number, the letters for the rank";
        into.lines.push(line(number, &["digits only"]).unsure(why));
        into.lines.push(line(rank, &["letters only"]));
    }
}

/// `CARA:1`: the kind of a condition and its key.
fn condition(place: &SurveyPlace, rows_inside: bool, into: &mut ProposedLines) {
    let Some(mark) = [":", "/", "-"].into_iter().find(|mark| {
        most(place, &|text| {
            text.split_once(*mark).is_some_and(|(kind, key)| {
                kind.chars().all(|c| c.is_ascii_uppercase()) && !key.is_empty()
            })
        })
    }) else {
        return;
    };
    let line = |field: FieldId, transform: String| {
        ProposedLine::plain(field, vec![path_for(field, place, rows_inside)]).apply(&[&transform])
    };
    let why = "what stands behind the mark is taken for the key";
    into.lines.push(line(FieldId::CONDITION_ID, format!("after {mark}")).unsure(why));
    let mut kind = line(FieldId::CONDITION_KIND, format!("before {mark}"));
    if let FieldShape::Code(codes) = FieldId::CONDITION_KIND.spec().shape {
        let cut = |text: &'static str, all: &str| all.split(text).next().unwrap_or("").to_owned();
        let mark: &'static str = mark;
        let mut kinds: Vec<String> = place.spot.texts().map(|text| cut(mark, text)).collect();
        kinds.sort();
        kinds.dedup();
        let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
        let lookup = lookup::of_codes(FieldId::CONDITION_KIND, codes, &kinds);
        kind.lookup = Some(lookup.name.clone());
        into.lookups.push(lookup);
    }
    into.lines.push(kind);
}

fn is_number_and_name(text: &str) -> bool {
    let mut words = text.split_whitespace();
    let first_is_number =
        words.next().is_some_and(|first| first.chars().any(|c| c.is_ascii_digit()));
    first_is_number && words.count() >= 1
}

/// Whether nearly all texts of a place are so.
fn most(place: &SurveyPlace, fits: &dyn Fn(&str) -> bool) -> bool {
    let all = place.spot.seen.len();
    all > 0 && place.spot.texts().filter(|text| fits(text)).count() * 5 >= all * 4
}
