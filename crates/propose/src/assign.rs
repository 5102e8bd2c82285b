//! Which place fills which field: every pair gets a score, the best pairs win.

use super::blank;
use super::clue;
use super::kind::{self, TextKind};
use super::lookup;
use super::survey::SurveyPlace;
use cara_domain::FieldId;
use cara_domain::field::FieldShape;

/// A field with the places that fill it.
pub(super) struct FieldChoice {
    pub field: FieldId,
    /// Indices of the places, in the order in which they are read.
    pub places: Vec<usize>,
    pub is_sure: bool,
    /// Places that would fit nearly as well.
    pub rivals: Vec<usize>,
}

/// The least score of a name, and of name and texts together, that is proposed.
const NAME_MIN: i32 = 4;
const SCORE_MIN: i32 = 8;
/// What the look of the texts alone is worth, for fields that are told by it.
const TOLD: i32 = 8;
/// A choice is sure from here on, when no rival is near.
const SURE_MIN: i32 = 14;
const RIVAL_WITHIN: i32 = 4;

/// The score of a place for a field; `None`: it cannot fill it.
pub(super) fn score(field: FieldId, place: &SurveyPlace) -> Option<i32> {
    if !clue::may_stand(field, clue::zone(&place.spot)) {
        return None;
    }
    let fit = kind::fit(field, place.kind)?;
    let own = own_codes(field, place);
    let name = match clue::name_score(field, &place.spot) {
        Some(name) if name >= NAME_MIN => name,
        _ if clue::is_told_by_text(field) => TOLD,
        _ if own > 0 => TOLD,
        _ => return None,
    };
    let score = name + fit + own;
    (score >= SCORE_MIN).then_some(score)
}

/// Self-defined and observed ethnicity are told by their codes; other coded fields lose where
/// their texts are many or long.
fn own_codes(field: FieldId, place: &SurveyPlace) -> i32 {
    let FieldShape::Code(codes) = field.spec().shape else { return 0 };
    let listed = |text: &str| {
        let text = text.to_uppercase();
        let first = text.split_whitespace().next().unwrap_or_default().to_owned();
        codes.contains(&first.as_str())
    };
    let known = place.spot.texts().filter(|text| !blank::is_blank(text));
    match lookup::is_national(field) {
        true if known.clone().next().is_some() && known.clone().all(listed) => 12,
        true => -6,
        false if place.spot.distinct().len() > 12 => -12,
        false => 0,
    }
}

/// Gives each field the place that fits best; each place fills one field, and those that are used
/// already none.
pub(super) fn assign(
    fields: &[FieldId],
    places: &[SurveyPlace],
    used: &[usize],
) -> Vec<FieldChoice> {
    let mut pairs: Vec<(i32, FieldId, usize)> = Vec::new();
    for field in fields {
        for (index, place) in places.iter().enumerate() {
            pairs.extend(score(*field, place).map(|score| (score, *field, index)));
        }
    }
    pairs.sort_by_key(|(score, field, index)| (-score, field.index(), *index));
    let mut taken: Vec<bool> = (0..places.len()).map(|index| used.contains(&index)).collect();
    let mut choices: Vec<(i32, FieldChoice)> = Vec::new();
    for (score, field, index) in &pairs {
        if taken[*index] || choices.iter().any(|(_, choice)| choice.field == *field) {
            continue;
        }
        let own = together(*field, *index, places, &taken);
        for place in &own {
            taken[*place] = true;
        }
        let choice = FieldChoice { field: *field, places: own, is_sure: false, rivals: Vec::new() };
        choices.push((*score, choice));
    }
    for (score, choice) in &mut choices {
        let near = pairs.iter().filter(|(other, field, index)| {
            *field == choice.field
                && !choice.places.contains(index)
                && *other + RIVAL_WITHIN >= *score
                && !taken[*index]
        });
        choice.rivals = near.map(|(_, _, index)| *index).collect();
        choice.is_sure = *score >= SURE_MIN && choice.rivals.is_empty();
    }
    choices.sort_by_key(|(_, choice)| choice.field.index());
    choices.into_iter().map(|(_, choice)| choice).collect()
}

/// The places that fill a field together with its best one: a list takes its numbered siblings,
/// and every telephone number.
fn together(field: FieldId, best: usize, places: &[SurveyPlace], taken: &[bool]) -> Vec<usize> {
    if !field.spec().list {
        return vec![best];
    }
    let is_phone = field.spec().shape == FieldShape::Phone;
    let of_best = &places[best].spot;
    let joins = |index: &usize| {
        let other = &places[*index];
        let siblings = other.spot.steps.len() == of_best.steps.len()
            && other.spot.steps.split_last().map(|(_, before)| before)
                == of_best.steps.split_last().map(|(_, before)| before)
            && other.spot.tag == of_best.tag;
        let is_like = clue::name_score(field, &other.spot).is_some_and(|name| name >= NAME_MIN);
        let fits = is_phone && matches!(other.kind, TextKind::Phone | TextKind::Phones(_));
        !taken[*index] && score(field, other).is_some() && (fits || (siblings && is_like))
    };
    (0..places.len()).filter(|index| *index == best || joins(index)).collect()
}
