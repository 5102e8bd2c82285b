//! Whether a text that the mapping itself gives (a constant, a lookup's value) can be held by a
//! field.

use super::Compiler;
use cara_domain::field::{FieldShape, FieldSpec};
use cara_domain::identifier::{
    Asn, Cro, Email, ForceCode, OffenceCode, Phone, PncId, Postcode, PtiUrn,
};

/// What is wrong with a text for a field.
pub(super) struct Misfit {
    pub what: String,
    /// The code that was probably meant.
    pub meant: Option<&'static str>,
}

/// `None` when the field can hold the text.
pub(super) fn misfit(compiler: &Compiler<'_>, spec: &FieldSpec, text: &str) -> Option<Misfit> {
    let name = spec.name;
    let plain = |what: String| Some(Misfit { what, meant: None });
    let expected = match spec.shape {
        FieldShape::Code(codes) if codes.contains(&text) => return None,
        FieldShape::Code(codes) => {
            let what = format!("{name} is never \"{text}\": it is {}", codes.join(", "));
            let meant = crate::fault::nearest(text, codes.iter().copied());
            return Some(Misfit { what, meant });
        }
        FieldShape::Text(chars_max)
            if text.trim().is_empty() || text.chars().count() > chars_max =>
        {
            return plain(format!("{name} holds 1 to {chars_max} characters"));
        }
        FieldShape::Text(_) => return None,
        FieldShape::Date | FieldShape::Instant => {
            let dates = compiler.dates.as_ref();
            let read = dates.is_none_or(|dates| dates.date(text).is_some());
            return if read {
                None
            } else {
                plain(format!("none of the file's `dates` reads \"{text}\" for {name}"))
            };
        }
        // The window of a two-digit year does not matter for the shape.
        FieldShape::PncId => PncId::parse(text, 2000).err(),
        FieldShape::Postcode => Postcode::parse(text).err(),
        FieldShape::Phone => Phone::parse(text).err(),
        FieldShape::Email => Email::parse(text).err(),
        FieldShape::Asn => Asn::parse(text).err(),
        FieldShape::Cro => Cro::parse(text).err(),
        FieldShape::PtiUrn => PtiUrn::parse(text).err(),
        FieldShape::OffenceCode => OffenceCode::parse(text).err(),
        FieldShape::ForceCode => ForceCode::parse(text).err(),
    };
    let unreadable = expected?;
    plain(format!("{name} cannot be \"{text}\": it is not {}", unreadable.expected))
}
