//! Which texts of the samples say that nothing is there.

use super::blank::is_blank;
use super::clue::{self, Zone};
use super::lookup;
use super::section::Sections;
use super::survey::{Survey, SurveyPlace};
use cara_domain::field::FieldShape;

/// The blank texts that were seen where something else is expected. One that was also seen at a
/// coded place, or where the victim or the risk stands, may mean something there, so it is not
/// proposed.
pub(super) fn seen(survey: &Survey, sections: &Sections) -> Vec<String> {
    let places = || survey.root.iter().chain(survey.blocks.iter().flat_map(|it| &it.places));
    let lines = || sections.blocks.iter().flat_map(|it| &it.lines).chain(&sections.root);
    let is_coded = |place: &SurveyPlace| {
        let path = place.spot.path();
        let zone = clue::zone(&place.spot);
        matches!(zone, Some(Zone::Risk | Zone::Victim | Zone::Children | Zone::Disposal))
            || lines().any(|line| {
                matches!(line.field.spec().shape, FieldShape::Code(_))
                    && !lookup::is_national(line.field)
                    && line.from.contains(&path)
            })
    };
    let mut found: Vec<String> = Vec::new();
    let mut meant: Vec<String> = Vec::new();
    for place in places() {
        let blanks = place.spot.distinct().into_iter().filter(|text| is_blank(text));
        let into = if is_coded(place) { &mut meant } else { &mut found };
        into.extend(blanks.map(str::to_owned));
    }
    found.retain(|blank| !meant.contains(blank));
    found.sort();
    found.dedup();
    found
}
