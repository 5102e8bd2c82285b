//! What a draft holds, as a person reads it.

use cara_domain::field::Group;
use cara_domain::{Draft, Value};

/// Field and texts of everything that is filled, in the table's order, and then the findings.
pub fn told(draft: &Draft<'_>) -> Vec<String> {
    let groups = [
        (Group::Offence, draft.offences.len()),
        (Group::Condition, draft.conditions.len()),
        (Group::Child, draft.children.len()),
    ];
    let blocks = groups.iter().flat_map(|(group, len)| (0..*len).map(|index| (*group, index)));
    let mut told = Vec::new();
    for (group, index) in std::iter::once((Group::Root, 0)).chain(blocks) {
        for (id, slot) in draft.block(group, index).unwrap().filled() {
            let number =
                if group == Group::Root { String::new() } else { format!("{} ", index + 1) };
            told.push(format!("{number}{} = {}", id.spec().name, written(&slot.value)));
        }
    }
    for finding in &draft.findings {
        let named = finding.named.as_deref().map_or(String::new(), |named| format!(" ({named})"));
        let line = finding.line.map_or(String::new(), |line| format!(" line {line}"));
        told.push(format!("{} {}{named}{line}", finding.code.name(), finding.field));
    }
    told
}

fn written(value: &Value<'_>) -> String {
    match value {
        Value::Text(text) => text.to_string(),
        Value::List(texts) => texts.join(" | "),
        Value::Date(date) => date.to_string(),
        Value::Instant(instant) => instant.to_string(),
        Value::Absent | Value::NotRecorded | Value::Unreadable => format!("{value:?}"),
    }
}
