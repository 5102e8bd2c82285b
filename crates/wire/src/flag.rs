//! Which flags a side may see: those of the fields that go there (DESIGN section 5).

use super::v1::Flag;
use cara_domain::Compartment;
use cara_domain::field::{FIELDS, Goes, Group};
use cara_domain::{Finding, FindingKind};

/// The flags that this side may see, in their order. A flag of a police-only field, and one of the
/// whole record, goes to neither.
pub fn visible(findings: &[Finding], to: Compartment) -> Vec<Flag> {
    findings
        .iter()
        .filter(|finding| finding.code.kind() == FindingKind::Flag)
        .filter(|finding| goes(&finding.field) == Some(to))
        .map(|finding| Flag {
            code: finding.code.id().into(),
            name: finding.code.name().into(),
            field: finding.field.clone(),
        })
        .collect()
}

/// The side that a field, or everything under a dotted name, goes to. Of several answers the
/// narrowest counts, so a doubt never widens who may see it.
fn goes(field: &str) -> Option<Compartment> {
    if field.is_empty() {
        return None;
    }
    let (group, name) = split(field);
    let mut found = None;
    for spec in FIELDS.iter().filter(|spec| spec.group == group && is_under(spec.name, name)) {
        match (spec.goes, found) {
            (Goes::Police, _) => return None,
            (Goes::Victim, _) => found = Some(Compartment::Victim),
            (Goes::Provider, None) => found = Some(Compartment::Offender),
            (Goes::Provider, Some(_)) => {}
        }
    }
    found
}

/// `offences[2].location` → the offences' `location`; `offences` and `offences[2]` → all of them.
fn split(field: &str) -> (Group, &str) {
    for group in Group::ALL.into_iter().filter(|group| !group.is_root()) {
        let Some(rest) = field.strip_prefix(group.name()) else { continue };
        let rest = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((_number, rest)) => rest,
            None => rest,
        };
        match rest.strip_prefix('.') {
            Some(name) => return (group, name),
            None if rest.is_empty() => return (group, ""),
            None => {}
        }
    }
    (Group::Root, field)
}

/// A list field may be named with a number: `offender.phones[2]`.
fn is_under(spec: &str, name: &str) -> bool {
    let name = name.split('[').next().unwrap_or(name);
    name.is_empty()
        || spec.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cara_domain::FindingCode;

    fn check(field: &'static str, expected: Option<Compartment>) {
        assert_eq!(goes(field), expected, "{field}");
    }

    #[test]
    fn a_flag_goes_where_its_field_goes() {
        check("offender.family_name", Some(Compartment::Offender));
        check("offender.phones[2]", Some(Compartment::Offender));
        check("offences[2].wording", Some(Compartment::Offender));
        check("caution.conditions[1].text", Some(Compartment::Offender));
        check("caution.conditions", Some(Compartment::Offender));
        check("offences[1].location", Some(Compartment::Victim));
        check("risk.coercive_control", Some(Compartment::Victim));
        check("victim.safe_contact", Some(Compartment::Victim));
        check("victim.children[1].present", Some(Compartment::Victim));
    }

    #[test]
    fn a_flag_of_no_field_or_of_a_police_field_goes_to_nobody() {
        check("", None);
        check("case.asn", None);
        check("source.record_ref", None);
        check("no.such.field", None);
    }

    #[test]
    fn a_name_that_covers_several_sides_goes_to_the_narrowest() {
        check("offences", Some(Compartment::Victim));
        check("risk", None);
    }

    #[test]
    fn only_flags_are_shown() {
        let findings = [
            Finding::new(FindingCode::UNREADABLE, "offender.email"),
            Finding::new(FindingCode::MISSING, "offender.family_name"),
            Finding::new(FindingCode::NOT_RECORDED, "victim.views"),
        ];
        let names = |to| -> Vec<String> {
            visible(&findings, to).into_iter().map(|flag| flag.field.into_owned()).collect()
        };
        assert_eq!(names(Compartment::Offender), ["offender.email"]);
        assert_eq!(names(Compartment::Victim), ["victim.views"]);
    }
}
