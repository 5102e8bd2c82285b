//! Texts that mean that nothing is there.

use super::kind::Kind;
use super::survey::Survey;

/// Texts that record systems write where they have nothing.
const BLANKS: &[&str] = &[
    "NULL", "NIL", "N/K", "NK", "N/A", "NA", "NONE", "UNKNOWN", "NOT KNOWN", "NOT STATED", "-",
    "--", "?", "TBC", "TBA", "XXXX/XX", "00000000", "00/00/0000", "0000-00-00", "(NULL)",
];

pub(super) fn is_blank(text: &str) -> bool {
    BLANKS.iter().any(|blank| blank.eq_ignore_ascii_case(text))
}

/// The blank texts that were seen where something else is expected. One that was also seen among
/// codes may be a code there, so it is not proposed.
pub(super) fn seen(survey: &Survey) -> Vec<String> {
    let places = || survey.root.iter().chain(survey.blocks.iter().flat_map(|it| &it.places));
    let mut found: Vec<String> = Vec::new();
    for place in places() {
        for text in place.spot.distinct() {
            if is_blank(text) && !found.iter().any(|known| known == text) {
                found.push(text.to_owned());
            }
        }
    }
    found.retain(|blank| {
        let mut with = places().filter(|place| place.spot.texts().any(|text| text == blank));
        with.all(|place| {
            let only = place.spot.texts().all(is_blank);
            !only && !matches!(place.kind, Kind::Code | Kind::YesNo | Kind::Text)
                || only && blank.starts_with(['0', 'X', '-'])
        })
    });
    found.sort();
    found
}
