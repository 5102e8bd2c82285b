//! What can come out of a line's transforms, as far as it is certain: whether a lookup's row can
//! ever be met, and whether anything is left that the field can hold.

use super::{Compiler, WrittenLine};
use crate::code::MappingCode;
use crate::lookup::built_in;
use crate::plan::Plan;
use crate::transform::Transform;
use crate::transform::leaves::{Class, Leaves};
use cara_domain::field::{FieldShape, YES_NO};

/// What is known of every text behind some transforms.
#[derive(Default)]
struct Known {
    class: Option<Class>,
    /// Nothing but yes and no.
    yes_no: bool,
    chars_max: Option<usize>,
    /// Texts that are nowhere in it.
    lacks: Vec<String>,
}

impl Known {
    fn behind<'t>(transforms: impl Iterator<Item = &'t Transform>) -> Known {
        let mut known = Known::default();
        for transform in transforms {
            match transform.leaves() {
                Leaves::Anything => known = Known::default(),
                Leaves::Same => {}
                Leaves::Only(class) => {
                    known.class = Some(class);
                    known.yes_no = false;
                    known.lacks.clear();
                }
                Leaves::Lacking(text) => known.lacks.push(text),
                Leaves::AtMost(chars) => {
                    known.chars_max = Some(known.chars_max.map_or(chars, |max| max.min(chars)));
                }
                Leaves::YesNo => known = Known { yes_no: true, ..Known::default() },
            }
        }
        known
    }

    fn can_be(&self, text: &str) -> bool {
        self.class.is_none_or(|class| class.holds(text))
            && (!self.yes_no || YES_NO.contains(&text))
            && self.chars_max.is_none_or(|max| text.chars().count() <= max)
            && !self.lacks.iter().any(|lacking| text.contains(lacking.as_str()))
    }

    /// Whether a text of this shape can be left.
    fn fits(&self, shape: FieldShape) -> bool {
        match shape {
            FieldShape::Text(_) => true,
            FieldShape::Code(codes) => codes.iter().any(|code| self.can_be(code)),
            FieldShape::Date | FieldShape::Instant | FieldShape::Phone | FieldShape::ForceCode => {
                self.class != Some(Class::Letters)
            }
            _ => !matches!(self.class, Some(Class::Letters | Class::Digits)),
        }
    }
}

/// Transforms behind which a field without a lookup never gets what it can hold.
pub(super) fn fields(compiler: &mut Compiler<'_>) {
    let mut wrong = Vec::new();
    for line in compiler.written.iter().filter(|line| line.lookup.is_none()) {
        let spec = line.id.spec();
        let all = || line.apply.iter().map(|(transform, _)| transform);
        // One that does not fit by itself has been told.
        if line.unfit || Known::behind(all()).fits(spec.shape) {
            continue;
        }
        let first = (1..=line.apply.len())
            .find(|count| !Known::behind(all().take(*count)).fits(spec.shape))
            .unwrap_or(line.apply.len());
        let Some((transform, span)) = line.apply.get(first.saturating_sub(1)) else { continue };
        let what =
            format!("\"{}\" leaves nothing that {} can hold", transform.doc().name, spec.name);
        wrong.push((span.clone(), what));
    }
    for (span, what) in wrong {
        compiler.report(MappingCode::TRANSFORM_DOES_NOT_FIT, span, what);
    }
}

/// Rows that no line can meet: its transforms never give the text, or the text means that nothing
/// is there.
pub(super) fn rows(compiler: &mut Compiler<'_>, plan: &Plan) {
    let mut dead = Vec::new();
    for (index, lookup) in plan.lookups.iter().enumerate() {
        let users: Vec<&WrittenLine> =
            compiler.written.iter().filter(|line| line.lookup == Some(index)).collect();
        let place = &compiler.lookup_places[index];
        if users.is_empty() || place.name.is_none() || built_in(&lookup.name).is_some() {
            continue;
        }
        for ((code, _), span) in lookup.values.iter().zip(&place.codes) {
            let why = users.iter().map(|line| unmet(line, code.trim(), plan));
            let why: Option<Vec<String>> = why.collect();
            if let Some(first) = why.and_then(|why| why.into_iter().next()) {
                dead.push((
                    span.clone(),
                    format!("no record can meet the row \"{code}\": {first}"),
                ));
            }
        }
    }
    for (span, what) in dead {
        compiler.report(MappingCode::ROW_NEVER_MET, span, what);
    }
}

/// Why a line never meets a row.
fn unmet(line: &WrittenLine, code: &str, plan: &Plan) -> Option<String> {
    let transforms = || line.apply.iter().map(|(transform, _)| transform);
    let untouched = transforms().all(|transform| matches!(transform.leaves(), Leaves::Same));
    if code.is_empty() {
        return Some("an empty text counts as nothing there".to_owned());
    }
    if untouched && !line.joined && plan.blank.iter().any(|blank| blank == code) {
        return Some("`blank` says that this text means nothing is there".to_owned());
    }
    if Known::behind(transforms()).can_be(code) {
        return None;
    }
    let guilty = (1..=line.apply.len())
        .find(|count| !Known::behind(transforms().take(*count)).can_be(code))?;
    let (transform, _) = line.apply.get(guilty - 1)?;
    Some(format!("`{}` stands before the lookup", transform.doc().name))
}
