//! Where a path of the file begins in an example of it.

use crate::path::{Path, PathStart};
use crate::plan::Plan;
use cara_document::{NodeId, Tree};

/// Names of an example that a diagnostic lists.
pub(super) const NAMES_MAX: usize = 8;

/// Where the path is asked from in one example.
pub(super) fn starts(plan: &Plan, tree: &Tree<'_>, inside: &[Path], top: bool) -> Vec<PathStart> {
    if top {
        return vec![tree.root().into()];
    }
    let mut starts = Vec::new();
    for record in plan.records(tree) {
        if inside.is_empty() {
            starts.push(record.into());
            continue;
        }
        for item in items(tree, record, inside) {
            starts.push(PathStart { record, item });
        }
    }
    starts
}

fn items(tree: &Tree<'_>, record: NodeId, paths: &[Path]) -> Vec<NodeId> {
    let mut found = Vec::new();
    for path in paths {
        path.select(tree, record, &mut found);
    }
    found
}
