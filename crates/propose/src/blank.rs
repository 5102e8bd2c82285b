//! Texts that mean that nothing is there.

use super::clue::{self, Zone};
use super::lookup;
use super::section::Sections;
use super::survey::{Place, Survey};
use cara_domain::field::Shape;

/// Texts that record systems write where they have nothing.
const BLANKS: &[&str] = &[
    "NULL",
    "NIL",
    "N/K",
    "NK",
    "N/A",
    "NA",
    "NONE",
    "UNKNOWN",
    "NOT KNOWN",
    "NOT STATED",
    "-",
    "--",
    "?",
    "TBC",
    "TBA",
    "XXXX/XX",
    "00000000",
    "00/00/0000",
    "0000-00-00",
    "(NULL)",
];

pub(super) fn is_blank(text: &str) -> bool {
    BLANKS.iter().any(|blank| blank.eq_ignore_ascii_case(text))
}

/// The blank texts that were seen where something else is expected. One that was also seen at a
/// coded place, or where the victim or the risk stands, may mean something there, so it is not
/// proposed.
pub(super) fn seen(survey: &Survey, sections: &Sections) -> Vec<String> {
    let places = || survey.root.iter().chain(survey.blocks.iter().flat_map(|it| &it.places));
    let lines = || sections.blocks.iter().flat_map(|it| &it.lines).chain(&sections.root);
    let is_coded = |place: &Place| {
        let path = place.spot.path();
        let zone = clue::zone(&place.spot);
        matches!(zone, Some(Zone::Risk | Zone::Victim | Zone::Children | Zone::Disposal))
            || lines().any(|line| {
                matches!(line.field.spec().shape, Shape::Code(_))
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
