//! Decisions of police as the forces write them: a caution gets a later deadline.

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::record::SandboxCase;

/// A body with one decision about a case: decided today, with a deadline in half a year.
pub fn varied(force: &str, case: &SandboxCase, number: u64) -> String {
    let (on, deadline) = (case.today, case.today.saturating_add(180.days()));
    let shown = |date: Date, format: &str| date.strftime(format).to_string();
    let SandboxCase { serial, offender, .. } = case;
    let person = &offender.number;
    match force {
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
        "cambridgeshire" => format!(
            "<Routed><Header><MessageId>CBD-{number}</MessageId></Header><Content>&lt;CautionDecisions>\n  \
             &lt;Decision id=\"CBD-{number}\" ref=\"35/{serial}/25\" person=\"{person}\" on=\"{on}\" by=\"1450\" \
             outcome=\"VARIED\" newCompleteBy=\"{deadline}\"/>\n&lt;/CautionDecisions></Content></Routed>\n",
        ),
        "norfolk" => format!(
            "00CASELINK  NK{number:010}{}\n7036{:<16}{:<10}{:<10}{}VA{}{:<8}\n99000001\n",
            shown(on, "%Y%m%d000000"),
            format!("36/{serial}/25"),
            format!("PN{person}"),
            format!("{number}"),
            shown(on, "%d%m%Y"),
            shown(deadline, "%d%m%Y"),
            "882",
        ),
        _ => occurrence(force, case).update(number, on, deadline),
    }
}

/// How a force that extends the base names a case and writes days.
struct Occurrence {
    root: &'static str,
    key: &'static str,
    number: String,
    person: String,
    days: &'static str,
}

fn occurrence(force: &str, case: &SandboxCase) -> Occurrence {
    let SandboxCase { serial, offender, .. } = case;
    let person = offender.number;
    let (number, person, days) = match force {
        "avon-and-somerset" => (format!("52-25-{serial}"), format!("AS-{person}"), "%d/%m/%Y"),
        "dorset" => (format!("55{serial:09}"), person.to_string(), "%Y-%m-%dT09:30:00"),
        "thames-valley" => (format!("43{serial:09}"), format!("TV-{person}"), "%Y-%m-%d"),
        "west-yorkshire" => (format!("13{serial:09}"), format!("N{person}"), "%d-%b-%Y"),
        _ => (format!("44{serial:09}"), format!("P{person}"), "%d/%m/%Y"),
    };
    let (root, key) = match force {
        "dorset" => ("CaseDecisions", "CaseNumber"),
        _ => ("DisposalUpdate", "OccurrenceNumber"),
    };
    Occurrence { root, key, number, person, days }
}

impl Occurrence {
    fn update(&self, decision: u64, on: Date, deadline: Date) -> String {
        let Occurrence { root, key, number, person, days } = self;
        format!(
            "<{root}>\n  <Update id=\"D{decision}\">\n    \
             <{key}>{number}</{key}><Suspect id=\"{person}\"/>\n    \
             <DecidedOn>{}</DecidedOn><Decision>VARY</Decision><NewDeadline>{}</NewDeadline>\n    \
             <DecidedBy collar=\"4417\"/>\n  </Update>\n</{root}>\n",
            on.strftime(days),
            deadline.strftime(days),
        )
    }
}
