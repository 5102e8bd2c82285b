//! Values that a path or a condition asks for and no example ever has.

use std::ops::Range;

use super::start::{NAMES_MAX, starts};
use super::{Compiler, PathPlace, quoted};
use crate::code::MappingCode;
use crate::condition::settled::Wanting;
use crate::fault::nearest;
use crate::path::{Path, PathStart};
use crate::plan::Plan;
use cara_document::Tree;

/// A `when` and where it stands.
pub(super) struct WhenPlace {
    pub path: Path,
    pub wanting: Wanting,
    pub quoted: Range<usize>,
    /// Paths of the block that it stands in.
    pub inside: Vec<Path>,
}

/// Tells of a text in brackets that no example has; false when it is not that.
pub(super) fn bracket(
    compiler: &mut Compiler<'_>,
    plan: &Plan,
    trees: &[Tree<'_>],
    place: &PathPlace,
) -> bool {
    let from = |tree| starts(plan, tree, &place.inside, place.top).into_iter();
    let places: Vec<(&Tree<'_>, PathStart)> =
        trees.iter().flat_map(|tree| from(tree).map(move |start| (tree, start))).collect();
    let Some(unmet) = place.path.unmet(&places) else { return false };
    let shown = |at: usize| place.offset + at.saturating_sub(place.prefix);
    let word = shown(unmet.at.start)..shown(unmet.at.end);
    let span = quoted::piece_of(compiler.text, &place.quoted, word);
    report(compiler, span, &unmet.wanted, &unmet.present);
    true
}

/// Every value that a `when` compares with is one that some example has in that place.
pub(super) fn whens(compiler: &mut Compiler<'_>, plan: &Plan, trees: &[Tree<'_>]) {
    for place in std::mem::take(&mut compiler.whens) {
        let mut present: Vec<String> = Vec::new();
        for tree in trees {
            for start in starts(plan, tree, &place.inside, false) {
                let mut found = Vec::new();
                place.path.select(tree, start, &mut found);
                for node in found {
                    let text = tree.text(node);
                    if !text.is_empty() && !present.iter().any(|known| *known == text) {
                        present.push(text.into_owned());
                    }
                }
            }
        }
        // Nothing there at all is told of the path.
        if present.is_empty() {
            continue;
        }
        for (wanted, at) in place.wanting.missing(&present) {
            let span = quoted::piece_of(compiler.text, &place.quoted, at);
            report(compiler, span, &wanted, &present);
        }
    }
}

fn report(compiler: &mut Compiler<'_>, span: Range<usize>, wanted: &str, present: &[String]) {
    let listed = present.iter().take(NAMES_MAX).map(|text| format!("\"{text}\""));
    let listed = listed.collect::<Vec<_>>().join(", ");
    let more = match present.len().saturating_sub(NAMES_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let what = format!("no example of this file has \"{wanted}\" here; there are: {listed}{more}");
    let meant = nearest(wanted, present.iter().map(String::as_str));
    compiler.report(MappingCode::VALUE_NEVER_OCCURS, span, what).suggestion =
        meant.map(str::to_owned);
}
