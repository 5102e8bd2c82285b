//! What was read for one field, on its way through the transforms. Nearly always one text, so one
//! text needs no list.

use std::borrow::Cow;

use super::transform::{Transform, Unreadable};

#[derive(Debug)]
pub(super) enum Texts<'t> {
    One(Cow<'t, str>),
    Several(Vec<Cow<'t, str>>),
}

impl<'t> Texts<'t> {
    pub fn as_slice(&self) -> &[Cow<'t, str>] {
        match self {
            Texts::One(text) => std::slice::from_ref(text),
            Texts::Several(texts) => texts,
        }
    }

    pub fn as_mut_slice(&mut self) -> &mut [Cow<'t, str>] {
        match self {
            Texts::One(text) => std::slice::from_mut(text),
            Texts::Several(texts) => texts,
        }
    }

    pub fn into_list(self) -> Vec<Cow<'t, str>> {
        match self {
            Texts::One(text) => vec![text],
            Texts::Several(texts) => texts,
        }
    }

    /// Adds one behind the others.
    pub fn push(&mut self, text: Cow<'t, str>) {
        match self {
            Texts::Several(texts) => texts.push(text),
            Texts::One(first) => {
                let first = std::mem::take(first);
                *self = Texts::Several(vec![first, text]);
            }
        }
    }

    pub fn transformed(self, transform: &Transform) -> Result<Texts<'t>, Unreadable> {
        match self {
            Texts::One(text) if !transform.makes_list() => transform.apply(text).map(Texts::One),
            texts => transform.apply_list(texts.into_list()).map(Texts::Several),
        }
    }

    /// Without those of which nothing was left; `None` when that is all of them.
    pub fn kept(self) -> Option<Texts<'t>> {
        match self {
            Texts::One(text) => (!text.trim().is_empty()).then_some(Texts::One(text)),
            Texts::Several(mut texts) => {
                texts.retain(|text| !text.trim().is_empty());
                match texts.len() {
                    0 => None,
                    1 => texts.pop().map(Texts::One),
                    _ => Some(Texts::Several(texts)),
                }
            }
        }
    }
}
