//! Codes that were seen, and what they mean where that is certain.

use super::blank;
use super::kind::TextKind;
use super::survey::SurveyPlace;
use super::word::may_be_written;
use cara_domain::FieldId;
use cara_domain::field::{FieldShape, YES_NO};
use cara_mapping::lookup::built_in;

/// A lookup to be written, or a built-in one that is named.
#[derive(Clone)]
pub(super) struct ProposedLookup {
    pub name: String,
    /// The codes seen, each with its meaning where that is certain. Empty for a built-in one.
    pub rows: Vec<(String, Option<&'static str>)>,
    /// Different texts that do not look like codes and are therefore not written.
    pub unwritten: usize,
    /// What a code can mean.
    pub may_mean: &'static [&'static str],
    pub is_built_in: bool,
}

/// The built-in lookups that a field may use.
fn built_in_for(field: FieldId) -> Option<&'static str> {
    if [FieldId::OFFENDER_SEX].contains(&field) {
        return Some("cjs sex");
    }
    if field == FieldId::OFFENCE_DATE_KIND {
        return Some("offence date kind");
    }
    (field == FieldId::OFFENDER_ETHNICITY_OBSERVED).then_some("ethnicity observed")
}

/// The lookup that a coded field needs for the texts of its places; `None` when the texts are the
/// field's own codes already, or can be brought into them.
pub(super) fn needed(field: FieldId, places: &[&SurveyPlace]) -> Option<ProposedLookup> {
    let FieldShape::Code(codes) = field.spec().shape else { return None };
    let mut texts: Vec<&str> = distinct(places);
    if is_national(field) {
        texts.retain(|text| !blank::is_blank(text));
    }
    let are_codes = |change: &dyn Fn(&str) -> String| {
        texts.iter().all(|text| codes.contains(&change(text).as_str()))
    };
    let is_told = codes == YES_NO && places.iter().all(|place| place.kind == TextKind::YesNo);
    let first_letters = texts.iter().all(|text| {
        text.split(' ').next().is_some_and(|first| first.len() == 2 && codes.contains(&first))
    });
    if is_told
        || first_letters
        || are_codes(&|text| text.to_owned())
        || are_codes(&|text| text.to_uppercase())
        || are_codes(&|text| text.to_lowercase())
    {
        return None;
    }
    if let Some((name, rows)) = built_in_for(field).and_then(built_in)
        && texts.iter().all(|text| rows.iter().any(|(code, _)| code == text))
    {
        return Some(ProposedLookup {
            name: (*name).to_owned(),
            rows: Vec::new(),
            unwritten: 0,
            may_mean: codes,
            is_built_in: true,
        });
    }
    Some(of_codes(field, codes, &texts))
}

/// Codes that every force writes alike: another text among them says that nothing is there.
pub(super) fn is_national(field: FieldId) -> bool {
    [FieldId::OFFENDER_ETHNICITY_SELF_DEFINED, FieldId::OFFENDER_ETHNICITY_OBSERVED]
        .contains(&field)
}

/// A lookup of the file's own.
pub(super) fn of_codes(
    field: FieldId,
    codes: &'static [&'static str],
    texts: &[&str],
) -> ProposedLookup {
    let (written, unwritten): (Vec<&str>, Vec<&str>) =
        texts.iter().copied().partition(|text| may_be_written(text));
    let rows = written.into_iter().map(|text| (text.to_owned(), certain(codes, text))).collect();
    let group = field.spec().group;
    let name = if group.is_root() {
        field.spec().name.replace(['.', '_'], " ")
    } else {
        format!("{} {}", group.name().replace('.', " "), field.spec().name.replace('_', " "))
    };
    ProposedLookup { name, rows, unwritten: unwritten.len(), may_mean: codes, is_built_in: false }
}

fn distinct<'p>(places: &[&'p SurveyPlace]) -> Vec<&'p str> {
    let mut texts: Vec<&str> = places.iter().flat_map(|place| place.spot.texts()).collect();
    texts.sort_unstable();
    texts.dedup();
    texts
}

/// What a text certainly means: it is one of the field's own words.
fn certain(codes: &'static [&'static str], text: &str) -> Option<&'static str> {
    let plain = text.to_lowercase().replace([' ', '-'], "_");
    codes.iter().copied().find(|code| *code == plain)
}
