//! One field of a held record put right by a person: which fields that may be, and how the value
//! comes into the draft. A value given by a person is judged like any other.

use std::borrow::Cow;

use super::draft::{Draft, Fields, Value};
use super::field::{FieldId, FieldShape, Goes, Group};
use super::origin::Origin;

/// Why a person may not put this field right in this way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Barred {
    #[error("a referral has no such field; of several things write offences[1].title")]
    Unknown,
    #[error("the record has no such offence or condition")]
    NoSuchItem,
    #[error("this field rests on evidence that only the force has: give the record back")]
    Evidenced,
    #[error("what concerns the victim is only the force's to correct: give the record back")]
    Victim,
    #[error("this is how the force names the case: give the record back")]
    Identity,
    #[error("only a referral can be corrected: give the record back")]
    NoReferral,
    #[error("this field takes one value")]
    OneValue,
    #[error("an empty value corrects nothing")]
    Empty,
    #[error("this field takes a day, written YYYY-MM-DD")]
    NotADay,
    #[error("this field takes one of its published codes")]
    NotACode,
    #[error("the value has not the shape of this field")]
    Unreadable,
}

/// One field, and what it is to say instead. `Debug` shows the field, never the value.
#[derive(Clone, PartialEq, Eq)]
pub struct Correction {
    id: FieldId,
    /// Of a group: which item, 0-based.
    index: usize,
    values: Vec<String>,
}

impl std::fmt::Debug for Correction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Correction({})", self.field())
    }
}

impl Correction {
    /// `field` dotted as a mapping writes it, of a group `offences[1].title`; `values` the whole list
    /// for a list field, else one.
    pub fn of(field: &str, values: Vec<String>) -> Result<Correction, Barred> {
        let (id, index) = find(field).ok_or(Barred::Unknown)?;
        let spec = id.spec();
        if spec.group == Group::Child || spec.goes == Goes::Victim || field.starts_with("victim.") {
            return Err(Barred::Victim);
        }
        if field.starts_with("source.") {
            return Err(Barred::Identity);
        }
        if spec.evidenced || field.starts_with("risk.") || field.starts_with("relationship.") {
            return Err(Barred::Evidenced);
        }
        if values.is_empty() || values.iter().any(|value| value.trim().is_empty()) {
            return Err(Barred::Empty);
        }
        if values.len() > 1 && !spec.list {
            return Err(Barred::OneValue);
        }
        if let FieldShape::Code(codes) = spec.shape
            && !values.iter().all(|value| codes.contains(&value.as_str()))
        {
            return Err(Barred::NotACode);
        }
        Ok(Correction { id, index, values })
    }

    /// `offender.phones`, `offences[1].title`
    pub fn field(&self) -> Cow<'static, str> {
        self.id.full_name(Some(self.index + 1))
    }

    /// The new value, for a keyed digest.
    pub fn values(&self) -> &[String] {
        &self.values
    }

    /// Whether it changes how the offender is reached: a wrong one sends a letter to a stranger.
    pub fn is_contact(&self) -> bool {
        matches!(
            self.id,
            FieldId::OFFENDER_PHONES
                | FieldId::OFFENDER_EMAIL
                | FieldId::OFFENDER_ADDRESS_LINES
                | FieldId::OFFENDER_ADDRESS_POSTCODE
                | FieldId::OFFENDER_PREFERRED_CONTACT
        )
    }

    /// Puts the value into its slot; what was found wrong with the old one no longer counts.
    pub fn apply(&self, draft: &mut Draft<'_>) -> Result<(), Barred> {
        if draft.root.group() != Group::Root {
            return Err(Barred::NoReferral);
        }
        let value = self.value()?;
        let block = match self.id.spec().group {
            Group::Offence => draft.offences.get_mut(self.index),
            Group::Condition => draft.conditions.get_mut(self.index),
            _ => Some(&mut draft.root),
        };
        let block: &mut Fields<'_> = block.ok_or(Barred::NoSuchItem)?;
        block.set(self.id, value, Some(Origin::OPERATOR));
        let field = self.field();
        draft.findings.retain(|finding| finding.field != field);
        Ok(())
    }

    fn value(&self) -> Result<Value<'static>, Barred> {
        let spec = self.id.spec();
        if spec.list {
            return Ok(Value::List(self.values.iter().cloned().map(Cow::Owned).collect()));
        }
        let text = self.values.first().ok_or(Barred::Empty)?;
        match spec.shape {
            FieldShape::Date => text.parse().map(Value::Date).map_err(|_| Barred::NotADay),
            _ => Ok(Value::Text(Cow::Owned(text.clone()))),
        }
    }
}

/// A field of a referral by its name, and of a group the item's 0-based number.
fn find(field: &str) -> Option<(FieldId, usize)> {
    let Some((group, rest)) = field.split_once('[') else {
        return FieldId::find(Group::Root, field).map(|id| (id, 0));
    };
    let groups = [Group::Offence, Group::Condition, Group::Child];
    let group = groups.into_iter().find(|it| it.name() == group)?;
    let (number, name) = rest.split_once("].")?;
    let index = number.parse::<usize>().ok()?.checked_sub(1)?;
    FieldId::find(group, name).map(|id| (id, index))
}
