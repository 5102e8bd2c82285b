//! From a choice of places to the line of a mapping that reads them.

use super::assign::FieldChoice;
use super::blank;
use super::calendar::DateWriting;
use super::kind::TextKind;
use super::lookup::{self, ProposedLookup};
use super::survey::SurveyPlace;
use cara_domain::FieldId;
use cara_domain::field::{FieldShape, YES_NO};

/// One field's line.
pub(super) struct ProposedLine {
    pub field: FieldId,
    pub from: Vec<String>,
    pub join: Option<&'static str>,
    pub apply: Vec<String>,
    pub lookup: Option<String>,
    /// How its days are written, whether or not the line has to say it.
    pub formats: Vec<DateWriting>,
    /// Why a person has to look; empty when the line is sure.
    pub unsure: Vec<String>,
}

impl ProposedLine {
    pub fn plain(field: FieldId, from: Vec<String>) -> ProposedLine {
        ProposedLine {
            field,
            from,
            join: None,
            apply: Vec::new(),
            lookup: None,
            formats: Vec::new(),
            unsure: Vec::new(),
        }
    }

    pub fn apply(mut self, transforms: &[&str]) -> ProposedLine {
        self.apply.extend(transforms.iter().map(|transform| (*transform).to_owned()));
        self
    }

    pub fn unsure(mut self, why: &str) -> ProposedLine {
        self.unsure.push(why.to_owned());
        self
    }
}

/// The lines of a section, and the lookups that they need.
#[derive(Default)]
pub(super) struct ProposedLines {
    pub lines: Vec<ProposedLine>,
    pub lookups: Vec<ProposedLookup>,
}

/// The path of a place for a field: the rows of one record repeat its columns, so a list reads the
/// first row alone.
pub(super) fn path_for(field: FieldId, place: &SurveyPlace, rows_inside: bool) -> String {
    let path = place.spot.path();
    match path.strip_prefix("row/") {
        Some(column) if rows_inside && field.spec().list => format!("row[1]/{column}"),
        _ => path,
    }
}

/// The line of a choice.
pub(super) fn of_choice(
    choice: &FieldChoice,
    places: &[SurveyPlace],
    rows_inside: bool,
    into: &mut ProposedLines,
) {
    let field = choice.field;
    let own: Vec<&SurveyPlace> = choice.places.iter().map(|index| &places[*index]).collect();
    let Some(first) = own.first() else { return };
    let from = own.iter().map(|place| path_for(field, place, rows_inside)).collect();
    let mut line = ProposedLine::plain(field, from);
    line.formats = own.iter().flat_map(|place| place.formats.iter().copied()).collect();
    line.apply = transforms(field, &own, rows_inside);
    if let Some(lookup) = lookup::needed(field, &own) {
        line.lookup = Some(lookup.name.clone());
        line.apply.clear();
        into.lookups.push(lookup);
    }
    if !choice.is_sure {
        line.unsure.push("the name or the texts say it only in part".to_owned());
    }
    if !choice.rivals.is_empty() {
        let rivals = choice.rivals.iter().map(|index| places[*index].spot.path());
        let rivals: Vec<String> = rivals.collect();
        line.unsure.push(format!("or {}", rivals.join(", ")));
    }
    if !field.spec().list && first.spot.repeats() && !rows_inside {
        line.unsure.push("some records have several different texts here".to_owned());
    }
    into.lines.push(line);
}

/// The transforms that bring the texts into the field's form.
fn transforms(field: FieldId, places: &[&SurveyPlace], rows_inside: bool) -> Vec<String> {
    let texts = || {
        let all = places.iter().flat_map(|place| place.spot.texts());
        all.filter(|text| !(lookup::is_national(field) && blank::is_blank(text)))
    };
    let is_single = rows_inside || places.iter().all(|place| !place.spot.repeats());
    let named = |name: &str| vec![name.to_owned()];
    let split = |marks: &[&str]| {
        let used = marks.iter().find(|mark| texts().any(|text| text.contains(**mark)));
        used.map(|mark| format!("split at {mark}"))
    };
    match field.spec().shape {
        FieldShape::Asn => named("asn"),
        FieldShape::PncId => named("pnc id"),
        FieldShape::Cro => named("cro"),
        FieldShape::PtiUrn => named("pti urn"),
        FieldShape::Postcode => named("postcode"),
        FieldShape::Email => named("email"),
        FieldShape::OffenceCode => named("offence code"),
        FieldShape::Phone => {
            let several = places.iter().find_map(|place| match place.kind {
                TextKind::Phones(mark) => Some(format!("split at {mark}")),
                _ => None,
            });
            several.into_iter().chain(named("uk phone")).collect()
        }
        FieldShape::Code(codes) if codes == YES_NO => {
            match places.iter().all(|it| it.kind == TextKind::YesNo) {
                true => named("yes no"),
                false => Vec::new(),
            }
        }
        FieldShape::Code(codes) => {
            let all = |fits: &dyn Fn(&str) -> bool| texts().all(fits);
            if all(&|text| codes.contains(&text)) {
                Vec::new()
            } else if all(&|text| codes.contains(&text.to_uppercase().as_str())) {
                named("upper case")
            } else if all(&|text| codes.contains(&text.to_lowercase().as_str())) {
                named("lower case")
            } else if all(&|text| {
                text.get(..2).is_some_and(|first| codes.contains(&first))
                    && text.get(2..).is_some_and(|rest| rest.starts_with(' ') || rest.is_empty())
            }) {
                named("letters 1 to 2")
            } else {
                Vec::new()
            }
        }
        FieldShape::Text(_) if field == FieldId::OFFENDER_GIVEN_NAMES && places.len() == 1 => {
            match texts().any(|text| text.contains(' ')) {
                true => named("words"),
                false => Vec::new(),
            }
        }
        FieldShape::Text(_) if field.spec().list && places.len() == 1 && is_single => {
            split(&["|", ";", ","]).into_iter().collect()
        }
        FieldShape::Text(_) if field.spec().list => split(&["|", ";"]).into_iter().collect(),
        _ => Vec::new(),
    }
}
