//! Two readings of one record compared field by field.

use std::collections::BTreeSet;

use cara_domain::decision::DecisionRecord;
use cara_domain::{FindingCode, FindingKind, RecordSource, Stopped, Validated};
use serde_json::{Value, json};

use cara_store::Cause;

/// One field that would hold something else.
#[derive(Clone, PartialEq)]
pub(crate) struct Difference {
    /// Dotted.
    pub field: String,
    /// Null: nothing.
    pub was: Value,
    pub is: Value,
    /// It is of the victim's side.
    pub of_victim: bool,
}

/// Codes that another record, or the case itself, gives to a record; no mapping can mend them.
const OF_OTHERS: [FindingCode; 7] = [
    FindingCode::DIFFERENT_PERSON,
    FindingCode::STALE_REVISION,
    FindingCode::POSSIBLY_STALE,
    FindingCode::DECISION_CASE_UNKNOWN,
    FindingCode::DECISION_REF_REUSED,
    FindingCode::DECISION_SUPERSEDES_UNKNOWN,
    FindingCode::DECISION_BEFORE_CAUTION,
];

/// Whether a record was held for what other records say.
pub(crate) fn is_of_others(cause: &Cause) -> bool {
    OF_OTHERS.iter().any(|code| code.id() == cause.code)
}

/// The fields in which two readings differ, by name; none when they end in different sorts of way.
pub(crate) fn differences(was: &Validated, is: &Validated) -> Option<Vec<Difference>> {
    let mut found = Vec::new();
    match (was, is) {
        (Validated::Referral(was), Validated::Referral(is)) => {
            let side = |bytes: Vec<u8>| serde_json::from_slice::<Value>(&bytes).unwrap_or_default();
            for (was, is, of_victim) in [
                (was.offender_content(), is.offender_content(), false),
                (was.victim_content(), is.victim_content(), true),
                (was.police_content(), is.police_content(), false),
            ] {
                differing("", &side(was), &side(is), of_victim, &mut found);
            }
            let keys = (source(&was.source), source(&is.source));
            differing("source", &keys.0, &keys.1, false, &mut found);
        }
        (Validated::Withdrawal(was), Validated::Withdrawal(is)) => {
            let keys = (source(&was.source), source(&is.source));
            differing("source", &keys.0, &keys.1, false, &mut found);
        }
        (Validated::Decision(was), Validated::Decision(is)) => {
            differing("", &decision(was), &decision(is), false, &mut found);
        }
        (Validated::Stopped(was), Validated::Stopped(is)) => {
            return (stopping(was) == stopping(is)).then(Vec::new);
        }
        _ => return None,
    }
    found.sort_by(|a, b| a.field.cmp(&b.field));
    found.dedup_by(|a, b| a.field == b.field && a.of_victim == b.of_victim);
    Some(found)
}

fn stopping(stopped: &Stopped) -> BTreeSet<(&'static str, &str)> {
    let stopping = stopped.findings.iter().filter(|it| it.code.kind() != FindingKind::Flag);
    stopping.map(|it| (it.code.id(), &*it.field)).collect()
}

fn source(source: &RecordSource) -> Value {
    json!({
        "record_ref": source.record_ref,
        "message_ref": source.message_ref,
        "extracted_at": source.extracted_at.map(|at| at.to_string()),
    })
}

fn decision(sent: &DecisionRecord) -> Value {
    json!({
        "record_ref": sent.record_ref,
        "decision_ref": sent.decision_ref,
        "decided_on": sent.decided_on.to_string(),
        "decision": sent.decided,
        "new_deadline": sent.new_deadline.map(|day| day.to_string()),
        "decided_by.collar_number": sent.decided_by_collar_number,
        "supersedes": sent.supersedes,
    })
}

fn differing(at: &str, was: &Value, is: &Value, of_victim: bool, found: &mut Vec<Difference>) {
    match (was, is) {
        (Value::Object(before), Value::Object(after)) => {
            let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
            for name in names {
                let below = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
                let (was, is) = (was.get(name), is.get(name));
                let (was, is) = (was.unwrap_or(&Value::Null), is.unwrap_or(&Value::Null));
                differing(&below, was, is, of_victim, found);
            }
        }
        _ if was == is => {}
        _ => found.push(Difference {
            field: at.to_owned(),
            was: was.clone(),
            is: is.clone(),
            of_victim,
        }),
    }
}

#[cfg(test)]
mod tests {
    use cara_domain::choice::{Choice as _, Decided};

    use super::*;

    fn sent(change: impl Fn(&mut DecisionRecord)) -> Validated {
        let mut sent = DecisionRecord {
            force: None,
            record_ref: "44250391882/P881204".to_owned(),
            decision_ref: None,
            decided_on: "2025-10-01".parse().unwrap(),
            decided: Decided::from_code("continue").unwrap(),
            new_deadline: None,
            decided_by_collar_number: "4417".to_owned(),
            supersedes: None,
        };
        change(&mut sent);
        Validated::Decision(Box::new(sent))
    }

    #[test]
    fn two_readings_of_a_decision_differ_in_what_they_say() {
        let fields = |change: fn(&mut DecisionRecord)| {
            let found = differences(&sent(|_| {}), &sent(change)).unwrap();
            found.into_iter().map(|it| it.field).collect::<Vec<_>>()
        };
        assert_eq!(fields(|_| {}), Vec::<String>::new());
        assert_eq!(
            fields(|it| it.decided = Decided::from_code("prosecute").unwrap()),
            ["decision"]
        );
        let day = |it: &mut DecisionRecord| {
            it.decided_on = "2025-10-02".parse().unwrap();
            it.decision_ref = Some("D-1".to_owned());
        };
        assert_eq!(fields(day), ["decided_on", "decision_ref"]);
    }
}
