//! What the file as a whole lacks: mandatory fields that nothing fills, dates that nobody chose.

use std::ops::Range;

use super::Compiler;
use crate::code::MappingCode;
use cara_domain::FieldId;
use cara_domain::field::{Fills, Group, Need, all};

/// Conditional fields of which every record needs one or the other.
const ONE_OF: [(FieldId, FieldId); 3] = [
    (FieldId::OFFENDER_PHONES, FieldId::OFFENDER_EMAIL),
    (FieldId::OFFENDER_ADDRESS_LINES, FieldId::OFFENDER_NO_FIXED_ABODE),
    (FieldId::OFFENDER_ADDRESS_POSTCODE, FieldId::OFFENDER_NO_FIXED_ABODE),
];

/// Every mandatory field is filled by something.
pub(super) fn mandatory(compiler: &mut Compiler<'_>) {
    for &group in compiler.fills.groups() {
        let group_filled = compiler.filled.keys().any(|(of, _)| *of == group as usize);
        // Children are optional as a whole; offences and conditions are not.
        if group == Group::Child && !group_filled {
            continue;
        }
        for id in all(group).filter(|id| id.spec().need == Need::Mandatory) {
            if !is_filled(compiler, id) {
                let what = format!("nothing fills {}, which is mandatory", id.full_name(None));
                let place = section_of(compiler, id);
                compiler.report(MappingCode::MANDATORY_NOT_FILLED, place, what);
            }
        }
    }
    let one_of: &[_] = if compiler.fills == Fills::Referral { &ONE_OF } else { &[] };
    for &(one, other) in one_of {
        if !is_filled(compiler, one) && !is_filled(compiler, other) {
            let (name, instead) = (one.spec().name, other.spec().name);
            let what = format!("nothing fills {name} or {instead}: every record needs one of them");
            let place = section_of(compiler, one);
            compiler.report(MappingCode::MANDATORY_NOT_FILLED, place, what);
        }
    }
}

/// How dates are written has to be said, once and for all or field by field; formats that read one
/// text as two days matter where a date field has no choice of its own.
pub(super) fn dates(compiler: &mut Compiler<'_>) {
    let Some(field) = compiler.undecided.first().cloned() else { return };
    let others = match compiler.undecided.len() - 1 {
        0 => String::new(),
        others => format!(" and {others} more"),
    };
    if !compiler.has_dates {
        let what = format!("nothing says how the dates of {field}{others} are written");
        let place = compiler.sections.get("[source]").cloned().unwrap_or(0..0);
        compiler.report(MappingCode::NO_DATE_FORMAT, place, what).suggestion =
            Some("dates = [\"DD/MM/YYYY\"]".to_owned());
    }
    for clash in std::mem::take(&mut compiler.clashes) {
        let what = format!("{}, and {field}{others} may hold either", clash.what);
        compiler.report(MappingCode::DATE_CLASH, clash.place, what);
    }
}

fn is_filled(compiler: &Compiler<'_>, id: FieldId) -> bool {
    let key = (id.spec().group as usize, id.index());
    compiler.filled.contains_key(&key) || compiler.meant.contains(&key)
}

/// The section into which the field's line would go.
fn section_of(compiler: &Compiler<'_>, id: FieldId) -> Range<usize> {
    let spec = id.spec();
    let block = match spec.group {
        Group::Root | Group::Decision => spec.name.split('.').next().unwrap_or_default(),
        group => group.name(),
    };
    let place = compiler.sections.get(block).or_else(|| compiler.sections.get("fields"));
    place.cloned().unwrap_or(0..0)
}
