//! What a person has to write before more can be proposed: texts that carry a document inside, and
//! places that are tied to others only by a reference.

use std::collections::BTreeSet;

use super::kind::TextKind;
use super::survey::{Survey, SurveyPlace};
use super::word::words;

/// A text that is shorter carries no document.
const CARRIED_MIN: usize = 12;

/// Places that carry XML or JSON inside their texts, with which of them.
pub(super) fn carried(survey: &Survey) -> Vec<(String, &'static str)> {
    let mut carried = Vec::new();
    for (path, place) in places(survey) {
        let all = |first: &[char], last: char| {
            let mut texts = place.spot.texts().peekable();
            texts.peek().is_some()
                && texts.all(|text| {
                    text.len() >= CARRIED_MIN && text.starts_with(first) && text.ends_with(last)
                })
        };
        if all(&['<'], '>') {
            carried.push((path, "xml"));
        } else if all(&['{', '['], '}') || all(&['['], ']') {
            carried.push((path, "json"));
        }
    }
    carried
}

/// Places named like references whose texts all stand at another place that is named like a key.
pub(super) fn references(survey: &Survey) -> Vec<(String, String)> {
    const LINKS: &[&str] = &["ref", "link", "id", "href", "idref", "key"];
    let named = |place: &SurveyPlace| {
        let (last, _) = place.spot.words();
        let step = place.spot.steps.last().map_or(Vec::new(), |step| words(step));
        let is_link = last.iter().chain(&step).any(|word| LINKS.contains(&word.as_str()));
        is_link && matches!(place.kind, TextKind::Code | TextKind::Number | TextKind::Text)
    };
    let own: Vec<(String, BTreeSet<&str>)> = places(survey)
        .into_iter()
        .filter(|(_, place)| named(place))
        .map(|(path, place)| (path, place.spot.texts().collect()))
        .collect();
    let mut found = Vec::new();
    for (path, texts) in &own {
        for (other, keys) in &own {
            if path != other && texts.is_subset(keys) && (texts.len() < keys.len() || path < other)
            {
                found.push((path.clone(), other.clone()));
            }
        }
    }
    found
}

/// Every place with its path from the record.
fn places(survey: &Survey) -> Vec<(String, &SurveyPlace)> {
    let root = survey.root.iter().map(|place| (place.spot.path(), place));
    let blocks = survey.blocks.iter().flat_map(|block| {
        block.places.iter().map(|place| (format!("{}/{}", block.from, place.spot.path()), place))
    });
    root.chain(blocks).filter(|(_, place)| !place.spot.seen.is_empty()).collect()
}
