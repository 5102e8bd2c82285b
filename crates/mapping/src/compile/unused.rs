//! What nothing uses or nothing has: lookups without a field, paths that no example contains.

use super::start::{NAMES_MAX, starts};
use super::table::TableReader;
use super::{Compiler, PathPlace, calendar, occur, quoted};
use crate::code::MappingCode;
use crate::fault::nearest;
use crate::path::{DeadEnd, Path};
use crate::plan::{Lookup, Plan};
use cara_document::Tree;
use cara_domain::field::{FieldId, FieldShape, Need, all};

pub(super) fn lookups(compiler: &mut Compiler<'_>) {
    let places = compiler.lookup_places.iter().zip(&compiler.lookups);
    let unused: Vec<_> = places
        .filter(|(place, lookup)| !place.used && !meant_for_missing(compiler, lookup))
        .filter_map(|(place, lookup)| Some((lookup.name.to_string(), place.name.clone()?)))
        .collect();
    for (name, span) in unused {
        let what = format!("no field uses the lookup \"{name}\"");
        compiler.report(MappingCode::LOOKUP_NOT_USED, span, what);
    }
}

/// A declared prefix that no path has does nothing, and looks as if it did.
pub(super) fn prefixes(compiler: &mut Compiler<'_>, top: &TableReader<'_>) {
    let source = top.get("source").and_then(|item| item.as_table_like());
    let declared = source.and_then(|table| table.get("namespaces")?.as_table_like());
    let Some(declared) = declared else { return };
    let unused: Vec<String> = compiler
        .names
        .prefixes()
        .filter(|(_, used)| !used)
        .map(|(prefix, _)| prefix.to_owned())
        .collect();
    for prefix in unused {
        let key = declared.get_key_value(&prefix).and_then(|(key, _)| key.span());
        let what = format!("no path uses the prefix {prefix}");
        compiler.report(MappingCode::PREFIX_NOT_USED, key.unwrap_or(0..0), what);
    }
}

/// Whether the lookup was made for a mandatory field that nothing fills, which is told already.
fn meant_for_missing(compiler: &Compiler<'_>, lookup: &Lookup) -> bool {
    let key = |id: FieldId| (id.spec().group as usize, id.index());
    let mut ids = compiler.fills.groups().iter().flat_map(|&group| all(group));
    ids.any(|id| {
        let spec = id.spec();
        let FieldShape::Code(codes) = spec.shape else { return false };
        let given =
            |value: &str| codes.contains(&value) || (spec.evidenced && value == "not_recorded");
        spec.need == Need::Mandatory
            && (compiler.meant.contains(&key(id)) || !compiler.filled.contains_key(&key(id)))
            && lookup.values.iter().all(|(_, value)| given(value))
    })
}

/// What the file asks for is looked for in its own examples.
pub(super) fn examples(compiler: &mut Compiler<'_>, plan: &Plan) {
    let texts: Vec<String> =
        plan.tests.iter().filter_map(|test| test.given.text(plan, compiler.open).ok()).collect();
    let trees = compiler.examples(plan, &texts);
    if trees.is_empty() || compiler.example_lost {
        return;
    }
    paths(compiler, plan, &trees);
    occur::whens(compiler, plan, &trees);
    calendar::formats(compiler, plan, &trees);
}

/// Every source path. A path inside something that no example has is not reported as well: the
/// outer one is.
fn paths(compiler: &mut Compiler<'_>, plan: &Plan, trees: &[Tree<'_>]) {
    for place in std::mem::take(&mut compiler.path_spans) {
        let mut dead: Option<DeadEnd> = None;
        let mut found = false;
        for tree in trees {
            for start in starts(plan, tree, &place.inside, place.top) {
                match place.path.dead_end(tree, start) {
                    None => found = true,
                    // The one that came furthest says most about the slip.
                    Some(end) if dead.as_ref().is_none_or(|it| it.at.start < end.at.start) => {
                        dead = Some(end);
                    }
                    Some(end) => {
                        let same = dead.as_mut().filter(|it| it.at.start == end.at.start);
                        same.into_iter().for_each(|it| it.add(&end.present));
                    }
                }
            }
        }
        if let Some(dead) = dead.filter(|_| !found) {
            let brackets = dead.present.contains(&dead.name);
            if brackets && occur::bracket(compiler, plan, trees, &place) {
                continue;
            }
            let other = other_kind(plan, trees, &place, &dead);
            report(compiler, &place, &dead, other);
        }
    }
}

/// `@name` where `name` was written, or the reverse, when an example has that.
fn other_kind(
    plan: &Plan,
    trees: &[Tree<'_>],
    place: &PathPlace,
    dead: &DeadEnd,
) -> Option<String> {
    let text = place.path.text();
    let (before, after) = (&text[..dead.at.start], &text[dead.at.start..]);
    let (other, shown) = match before.strip_suffix('@') {
        Some(before) => (format!("{before}{after}"), dead.name.clone()),
        None => (format!("{before}@{after}"), format!("@{}", dead.name)),
    };
    let path = Path::parse(&other, &mut plan.names().clone()).ok()?;
    let has = |tree: &Tree<'_>| {
        starts(plan, tree, &place.inside, place.top)
            .into_iter()
            .any(|start| path.dead_end(tree, start).is_none())
    };
    trees.iter().any(has).then_some(shown)
}

fn report(
    compiler: &mut Compiler<'_>,
    place: &PathPlace,
    dead: &DeadEnd,
    other_kind: Option<String>,
) {
    let text = &place.path.text()[place.prefix.min(place.path.text().len())..];
    let shown = |at: usize| place.offset + at.saturating_sub(place.prefix);
    let word = shown(dead.at.start)..shown(dead.at.end);
    let span = quoted::piece_of(compiler.text, &place.quoted, word);
    let known = dead.present.iter().map(String::as_str);
    let meant = nearest(&dead.name, known).filter(|meant| *meant != dead.name);
    let there = match dead.present.len() {
        0 => "nothing of that kind is there".to_owned(),
        1..=NAMES_MAX => format!("there are: {}", dead.present.join(", ")),
        more => {
            let listed = dead.present[..NAMES_MAX].join(", ");
            format!("there are: {listed} and {} more", more - NAMES_MAX)
        }
    };
    let what = if dead.in_other_space {
        let name = &dead.name;
        format!("no example of this file has {text}: {name} is there in another namespace")
    } else if dead.present.contains(&dead.name) {
        format!("no example of this file has {text}: none passes the brackets")
    } else {
        format!("no example of this file has {text}; {there}")
    };
    compiler.report(MappingCode::PATH_FINDS_NOTHING, span, what).suggestion =
        meant.map(str::to_owned).or(other_kind);
}
