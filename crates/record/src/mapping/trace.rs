//! Where every field of one record came from: what `mapping try` prints.

use super::extend::Spot;
use super::plan::Plan;
use super::translate::{Step, Translation, Watch};
use crate::document::{NodeId, Tree};

/// One field on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub field: String,
    /// As the mapping writes it.
    pub source_path: Option<String>,
    /// Line of the record, 1-based.
    pub record_line: Option<u32>,
    /// Where the mapping says it.
    pub mapping_spot: Spot,
    /// The texts as read, after each transform, and after the lookup. Personal.
    pub texts: Vec<Vec<String>>,
    pub filled: bool,
}

struct Recorder<'p, 't> {
    plan: &'p Plan,
    tree: &'p Tree<'t>,
    lines: Vec<Line>,
}

impl Watch for Recorder<'_, '_> {
    fn field(&mut self, step: Step<'_>) {
        self.lines.push(Line {
            field: step.field.into_owned(),
            source_path: step.origin.map(|origin| self.plan.path_text(origin).to_owned()),
            record_line: step.node.map(|node| self.tree.line(node)),
            mapping_spot: step.spot.clone(),
            texts: step.texts.to_vec(),
            filled: step.filled,
        });
    }
}

impl Plan {
    /// Translates one record and tells of every field where it came from.
    pub fn trace<'t>(&self, tree: &Tree<'t>, record: NodeId) -> (Translation<'t>, Vec<Line>) {
        let mut recorder = Recorder { plan: self, tree, lines: Vec::new() };
        let translation = self.translate_watched(tree, record, &mut recorder, true);
        (translation, recorder.lines)
    }
}
