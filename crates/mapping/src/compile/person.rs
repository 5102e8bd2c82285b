//! Offender and victim are two people: what tells who somebody is must not be read for both from
//! one place.

use super::{Compiler, WrittenLine};
use crate::code::MappingCode;
use cara_domain::FieldId;
use cara_domain::field::Fills;

/// Fields of the offender and of the victim that cannot hold the same.
const APART: [(FieldId, FieldId); 5] = [
    (FieldId::OFFENDER_FAMILY_NAME, FieldId::VICTIM_FAMILY_NAME),
    (FieldId::OFFENDER_GIVEN_NAMES, FieldId::VICTIM_GIVEN_NAMES),
    (FieldId::OFFENDER_DATE_OF_BIRTH, FieldId::VICTIM_DATE_OF_BIRTH),
    (FieldId::OFFENDER_LOCAL_PERSON_REF, FieldId::VICTIM_REF),
    (FieldId::OFFENDER_PHONES, FieldId::VICTIM_SAFE_CONTACT_NUMBER),
];

/// One problem for a whole block that reads the other person's place; that the block's own paths
/// find nothing there only follows.
pub(super) fn apart(compiler: &mut Compiler<'_>) {
    if compiler.fills != Fills::Referral {
        return;
    }
    let mut told = None;
    for (offender, victim) in APART {
        let of = |id: FieldId| compiler.written.iter().filter(move |line| line.id == id);
        let pair = of(victim).find_map(|line| {
            of(offender).find(|other| reads_the_same(line, other)).map(|other| (line, other))
        });
        let Some((line, other)) = pair else { continue };
        let at = line.block_from.clone().unwrap_or_else(|| line.key.clone());
        if line.block_from.is_some() {
            compiler.path_spans.retain(|it| it.inside != line.inside || it.quoted.start < at.start);
        }
        let there = compiler.spot(other.block_from.as_ref().unwrap_or(&other.key).start);
        told = Some((
            at,
            format!(
                "{} is read from the same place as {} ({there})",
                line.id.spec().name,
                other.id.spec().name
            ),
        ));
        break;
    }
    if let Some((at, what)) = told {
        compiler.report(MappingCode::SAME_PLACE, at, what);
    }
}

fn reads_the_same(one: &WrittenLine, other: &WrittenLine) -> bool {
    let plain = |line: &WrittenLine| -> Vec<_> {
        line.apply.iter().map(|(transform, _)| transform.clone()).collect()
    };
    !one.conditional
        && !other.conditional
        && !one.from.is_empty()
        && one.from == other.from
        && one.inside == other.inside
        && plain(one) == plain(other)
}
