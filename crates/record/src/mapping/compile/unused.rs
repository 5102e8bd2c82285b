//! What nothing uses or nothing has: lookups without a field, paths that no example contains.

use super::Compiler;
use crate::document::{NodeId, Tree};
use crate::mapping::code::Code;
use crate::mapping::path::Path;
use crate::mapping::plan::Plan;
use crate::mapping::trial::{Given, text_of};

pub(super) fn lookups(compiler: &mut Compiler<'_>) {
    let unused: Vec<_> = compiler
        .lookup_spans
        .iter()
        .filter(|(index, _)| !compiler.lookups_used[**index])
        .map(|(index, span)| (compiler.lookups[*index].name.to_string(), span.clone()))
        .collect();
    for (name, span) in unused {
        let what = format!("no field uses the lookup \"{name}\"");
        compiler.report(Code::LOOKUP_NOT_USED, span, what);
    }
}

/// Every source path is looked for in the file's own examples.
pub(super) fn paths(compiler: &mut Compiler<'_>, plan: &Plan) {
    let texts: Vec<String> = plan
        .tests
        .iter()
        .filter_map(|test| match &test.given {
            Given::Text(text) => Some(text.clone()),
            Given::File(file) => text_of(plan, &(compiler.open)(file)?).ok(),
        })
        .collect();
    if texts.is_empty() {
        return;
    }
    let trees = compiler.examples(plan, &texts);
    let places = std::mem::take(&mut compiler.path_spans);
    for place in places {
        let starts = |tree: &Tree<'_>| -> Vec<NodeId> {
            if place.top {
                return vec![tree.root()];
            }
            let records = plan.records(tree);
            if place.inside.is_empty() || place.path.is_absolute() {
                records
            } else {
                all(tree, &records, &place.inside)
            }
        };
        let found = trees
            .iter()
            .any(|tree| !all(tree, &starts(tree), std::slice::from_ref(&place.path)).is_empty());
        if found {
            continue;
        }
        let near = trees.iter().find_map(|tree| nearest(tree, &starts(tree), &place.path));
        let what = format!("no example of this file has {}", place.path.text());
        let report = compiler.report(Code::PATH_FINDS_NOTHING, place.span, what);
        report.suggestion = near;
        report.consequence = Some("the field would always be empty");
    }
}

fn all(tree: &Tree<'_>, from: &[NodeId], paths: &[Path]) -> Vec<NodeId> {
    let mut found = Vec::new();
    for start in from {
        for path in paths {
            path.select(tree, *start, &mut found);
        }
    }
    found
}

/// A name that the examples have where the path's last name is not found.
fn nearest(tree: &Tree<'_>, starts: &[NodeId], path: &Path) -> Option<String> {
    let wanted = &path.steps().last()?.name;
    let mut names: Vec<String> = Vec::new();
    let mut waiting: Vec<NodeId> = starts.to_vec();
    while let Some(node) = waiting.pop() {
        for child in tree.attributes(node).chain(tree.children(node)) {
            let name = tree.name_text(child).to_string();
            if !names.contains(&name) {
                names.push(name);
            }
            if !tree.is_attribute(child) {
                waiting.push(child);
            }
        }
    }
    let known = names.iter().map(String::as_str);
    crate::mapping::fault::nearest(wanted, known).map(str::to_owned)
}
