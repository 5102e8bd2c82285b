//! Where every field of one record came from: what `mapping try` prints.

use std::fmt;

use super::line_origin::LineOrigin;
use super::plan::{Field, Plan};
use super::translate::{FieldStep, Translation, Watch};
use super::trial::texts;
use cara_document::{NodeId, Tree};

/// One field on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceLine {
    pub field: String,
    /// As the mapping writes it; of several that are joined, the first that found something.
    pub source_path: Option<String>,
    /// Line of the record, 1-based.
    pub record_line: Option<u32>,
    /// Where the mapping says it.
    pub mapping_spot: LineOrigin,
    /// What was made of it, in order. Personal.
    pub made: Vec<Made>,
    /// The step that the texts could not be brought through.
    pub stuck_at: Option<By>,
    /// What fills the field in the end; empty when nothing does. Personal.
    pub value: Vec<String>,
}

/// The texts of a field after one step. Personal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    pub by: By,
    pub texts: Vec<String>,
}

/// Who made a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// The record, or the mapping's own `value`: as read.
    Reading,
    /// A transform, as the mapping writes it.
    Transform(String),
    /// The lookup with this name.
    Lookup(String),
    /// The field's own shape, such as a day's.
    Shape,
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            By::Reading => f.write_str("as read"),
            By::Transform(written) => f.write_str(written),
            By::Lookup(name) => write!(f, "lookup \"{name}\""),
            By::Shape => f.write_str("field"),
        }
    }
}

struct Recorder<'p, 't> {
    plan: &'p Plan,
    tree: &'p Tree<'t>,
    lines: Vec<TraceLine>,
}

impl Watch for Recorder<'_, '_> {
    fn field(&mut self, step: FieldStep<'_>) {
        let field = self.plan.lines().find(|field| field.number == step.number);
        let mut steps = field.map(|field| self.plan.steps(field)).unwrap_or_default().into_iter();
        let with_texts = step.texts.iter().zip(steps.by_ref());
        let mut made: Vec<Made> =
            with_texts.map(|(texts, by)| Made { by, texts: texts.clone() }).collect();
        let value = step.value.map(texts).unwrap_or_default();
        let stuck = step.filled && step.value.is_none() && !made.is_empty();
        let stuck_at = stuck.then(|| steps.next().unwrap_or(By::Shape));
        if !value.is_empty() && made.last().is_none_or(|last| last.texts != value) {
            made.push(Made { by: By::Shape, texts: value.clone() });
        }
        self.lines.push(TraceLine {
            field: step.field.into_owned(),
            source_path: step.origin.map(|origin| self.plan.path_text(origin).to_owned()),
            record_line: step.node.map(|node| self.tree.line(node)),
            mapping_spot: step.spot.clone(),
            made,
            stuck_at,
            value,
        });
    }
}

impl Plan {
    /// Everything that a field's texts go through.
    fn steps(&self, field: &Field) -> Vec<By> {
        let transforms = field.apply.iter().map(|it| By::Transform(it.to_string()));
        let lookup = field.lookup.map(|index| By::Lookup(self.lookups[index].name.to_string()));
        [By::Reading].into_iter().chain(transforms).chain(lookup).collect()
    }

    /// Translates one record and tells of every field where it came from.
    pub fn trace<'t>(&self, tree: &Tree<'t>, record: NodeId) -> (Translation<'t>, Vec<TraceLine>) {
        let mut recorder = Recorder { plan: self, tree, lines: Vec::new() };
        let translation = self.translate_watched(tree, record, &mut recorder, true);
        (translation, recorder.lines)
    }
}
