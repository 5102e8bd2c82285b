//! Rules that can never be kept, or never be broken, by what this file fills.

use super::{Compiler, WrittenLine, quoted};
use crate::code::MappingCode;
use crate::condition::settled::{Can, settled};
use crate::plan::Plan;
use cara_domain::FieldId;
use cara_domain::field::{FieldShape, Need, YES_NO};

pub(super) fn rules(compiler: &mut Compiler<'_>, plan: &Plan) {
    for (place, rule) in std::mem::take(&mut compiler.rules).iter().zip(&plan.rules) {
        let id = rule.require.field();
        let key = (id.spec().group as usize, id.index());
        if compiler.meant.contains(&key) {
            continue;
        }
        let can = can_hold(compiler, plan, id);
        let Some(fault) = settled(&place.require, compiler.fills, &can) else { continue };
        let span = quoted::piece_of(compiler.text, &place.quoted, fault.start..fault.end);
        compiler.report(MappingCode::RULE_SETTLED, span, fault.what).suggestion = fault.suggestion;
    }
}

/// What the file can put into a field.
fn can_hold(compiler: &Compiler<'_>, plan: &Plan, id: FieldId) -> Can {
    let lines: Vec<&WrittenLine> = compiler.written.iter().filter(|line| line.id == id).collect();
    let mandatory = id.spec().need == Need::Mandatory;
    if lines.is_empty() {
        // Sections that could not be read may fill it.
        return if mandatory { Can::Anything } else { Can::Nothing };
    }
    let mut values: Vec<String> = Vec::new();
    for line in lines {
        match of_line(plan, line) {
            Some(more) => values.extend(more),
            None => return Can::Anything,
        }
    }
    // A value that the field cannot hold is told where it stands.
    if let FieldShape::Code(codes) = id.spec().shape {
        let known = |it: &String| codes.contains(&it.as_str()) || it == "not_recorded";
        if !values.iter().all(known) {
            return Can::Anything;
        }
    }
    values.sort();
    values.dedup();
    let always = mandatory && id.spec().group.is_root() && !id.spec().list;
    Can::Only { values, always }
}

/// `None` for what nobody can know.
fn of_line(plan: &Plan, line: &WrittenLine) -> Option<Vec<String>> {
    if let Some(constant) = &line.constant {
        return Some(vec![constant.clone()]);
    }
    if let Some(lookup) = line.lookup {
        let lookup = plan.lookups.get(lookup)?;
        let values = lookup.values.iter().map(|(_, value)| value).chain(&lookup.otherwise);
        return Some(values.map(|value| value.to_string()).collect());
    }
    if line.looked_up {
        return None;
    }
    let FieldShape::Code(codes) = line.id.spec().shape else { return None };
    let yes_no = line.apply.last().is_some_and(|(last, _)| last.doc().name == "yes no");
    let codes = if yes_no { YES_NO } else { codes };
    let not_recorded = line.id.spec().evidenced && !yes_no;
    let more = not_recorded.then_some("not_recorded");
    Some(codes.iter().copied().chain(more).map(str::to_owned).collect())
}
