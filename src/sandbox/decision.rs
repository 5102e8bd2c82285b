//! Decisions of police as the four forces write them: a caution gets a later deadline.

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::record::Case;

/// A body with one decision about a case: decided today, with a deadline in half a year.
pub fn varied(force: &str, case: &Case, number: u64) -> String {
    let (on, deadline) = (case.today, case.today.saturating_add(180.days()));
    let shown = |date: Date, format: &str| date.strftime(format).to_string();
    let Case { serial, offender, .. } = case;
    let person = &offender.number;
    match force {
        "hampshire" => format!(
            "<DisposalUpdate>\n  <Update id=\"D{number}\">\n    \
             <OccurrenceNumber>44{serial:09}</OccurrenceNumber><Suspect id=\"P{person}\"/>\n    \
             <DecidedOn>{}</DecidedOn><Decision>VARY</Decision><NewDeadline>{}</NewDeadline>\n    \
             <DecidedBy collar=\"4417\"/>\n  </Update>\n</DisposalUpdate>\n",
            shown(on, "%d/%m/%Y"),
            shown(deadline, "%d/%m/%Y"),
        ),
        "west-midlands" => serde_json::json!({ "outcomeDecisions": [{
            "caseId": format!("20DA/{serial}/25"),
            "accused": { "personId": person },
            "decisionId": number.to_string(),
            "decided": { "date": on, "code": "CC-VARY", "by": "8120" },
            "conditions": { "newEnd": deadline },
        }] })
        .to_string(),
        "leicestershire" => format!(
            "CASE_REF;DECISION_NO;DECIDED;DECISION;NEW_DEADLINE;DECIDED_BY;INSTEAD_OF\n\
             {serial:011} S{person};LD-{number};{};NEW DEADLINE;{};2291 PS Oona Fairlamb;\n",
            shown(on, "%d/%m/%Y"),
            shown(deadline, "%d/%m/%Y"),
        ),
        _ => format!(
            "00CASELINK  NK{number:010}{}\n7036{:<16}{:<10}{:<10}{}VA{}{:<8}\n99000001\n",
            shown(on, "%Y%m%d000000"),
            format!("36/{serial}/25"),
            format!("PN{person}"),
            format!("{number}"),
            shown(on, "%d%m%Y"),
            shown(deadline, "%d%m%Y"),
            "882",
        ),
    }
}
