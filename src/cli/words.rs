//! What the operators' API answers, in words for a person.

use cara_wire::operators::hold::{HoldReason, UnlistedCode};
use cara_wire::operators::mapping::{EndFinding, Ending, RecordEnd, RevealedValue, Sort};

/// As it is shown where there is a code that does not look like one.
const NOT_SHOWN: &str = "(not shown)";

/// `risk grade: XHI; missing: offender.phones`
pub fn reasons(reasons: &[HoldReason]) -> String {
    let mut words: Vec<String> = Vec::new();
    for reason in reasons {
        let HoldReason { name, field, named, text, .. } = reason;
        let is_unlisted = reason.code == cara_domain::FindingCode::UNLISTED_CODE.id();
        let word = match named {
            named if is_unlisted => {
                let text = text.as_deref().unwrap_or(NOT_SHOWN);
                format!("{}: {text}", named.as_ref().unwrap_or(field))
            }
            Some(rule) => format!("{name}: {rule}"),
            None if field.is_empty() => name.clone(),
            None => format!("{name}: {field}"),
        };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words.join("; ")
}

/// `risk.grade: XHI`
pub fn unlisted(code: &UnlistedCode) -> String {
    format!("{}: {}", code.field, code.text.as_deref().unwrap_or(NOT_SHOWN))
}

/// `now accepted`, `changed: officer.unit`, `now held: V201 unlisted_code risk.grade`
pub fn ending(ending: &Ending) -> String {
    let stopped = |how: &str, findings: &[EndFinding]| {
        let findings = findings.iter().map(|it| format!("{} {} {}", it.code, it.name, it.field));
        let findings = findings.collect::<Vec<_>>().join(", ");
        match ending.sort {
            Sort::Changed => format!("still {how}, now by {findings}"),
            _ => format!("now {how}: {findings}"),
        }
    };
    match &ending.how {
        RecordEnd::Same => "same".to_owned(),
        RecordEnd::Field { field } => format!("changed: {field}"),
        RecordEnd::Accepted => "now accepted".to_owned(),
        RecordEnd::Withdrawn => "now withdrawn".to_owned(),
        RecordEnd::Decided => "now decided".to_owned(),
        RecordEnd::Held { findings } => stopped("held", findings),
        RecordEnd::Refused { findings } => stopped("refused", findings),
        RecordEnd::NotRead => "now not read at all".to_owned(),
        RecordEnd::Otherwise => "otherwise, in still more ways".to_owned(),
    }
}

pub fn revealed(value: &RevealedValue) -> &str {
    match value {
        RevealedValue::Nothing => "(nothing)",
        RevealedValue::Masked => "(masked)",
        RevealedValue::Text(text) => text,
    }
}
