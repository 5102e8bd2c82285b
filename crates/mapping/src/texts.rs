//! What was read for one field, on its way through the transforms. Nearly always one text, so one
//! text needs no list.

use std::borrow::Cow;

use super::transform::{Transform, TransformMismatch};

#[derive(Debug)]
pub(super) enum FieldTexts<'t> {
    One(Cow<'t, str>),
    Several(Vec<Cow<'t, str>>),
}

impl<'t> FieldTexts<'t> {
    pub fn as_slice(&self) -> &[Cow<'t, str>] {
        match self {
            FieldTexts::One(text) => std::slice::from_ref(text),
            FieldTexts::Several(texts) => texts,
        }
    }

    pub fn as_mut_slice(&mut self) -> &mut [Cow<'t, str>] {
        match self {
            FieldTexts::One(text) => std::slice::from_mut(text),
            FieldTexts::Several(texts) => texts,
        }
    }

    pub fn into_list(self) -> Vec<Cow<'t, str>> {
        match self {
            FieldTexts::One(text) => vec![text],
            FieldTexts::Several(texts) => texts,
        }
    }

    /// Adds one behind the others.
    pub fn push(&mut self, text: Cow<'t, str>) {
        match self {
            FieldTexts::Several(texts) => texts.push(text),
            FieldTexts::One(first) => {
                let first = std::mem::take(first);
                *self = FieldTexts::Several(vec![first, text]);
            }
        }
    }

    pub fn transformed(self, transform: &Transform) -> Result<FieldTexts<'t>, TransformMismatch> {
        match self {
            FieldTexts::One(text) if !transform.makes_list() => {
                transform.apply(text).map(FieldTexts::One)
            }
            texts => transform.apply_list(texts.into_list()).map(FieldTexts::Several),
        }
    }

    /// Without those of which nothing was left; `None` when that is all of them.
    pub fn kept(self) -> Option<FieldTexts<'t>> {
        match self {
            FieldTexts::One(text) => (!text.trim().is_empty()).then_some(FieldTexts::One(text)),
            FieldTexts::Several(mut texts) => {
                texts.retain(|text| !text.trim().is_empty());
                match texts.len() {
                    0 => None,
                    1 => texts.pop().map(FieldTexts::One),
                    _ => Some(FieldTexts::Several(texts)),
                }
            }
        }
    }
}
