//! A draft of a decision becomes the decision, or the list of everything that is wrong with it.

use std::mem;

use jiff::civil::Date;

use super::choice::Decided;
use super::decision::DecisionRecord;
use super::draft::Draft;
use super::field::FieldId;
use super::finding::{Finding, FindingCode, FindingKind};
use super::identifier::ForceCode;
use super::read::{FieldDemand, Reader};
use super::referral::{Context, Stopped, Validated};

/// Applies every rule of a decision that needs no case (`decision/1`, DESIGN section 5).
pub fn validate_decision(mut draft: Draft<'_>, context: &Context<'_>) -> Validated {
    let mut findings = mem::take(&mut draft.findings);
    let origin_of = |draft: &Draft<'_>, id| draft.root.slot(id).origin;
    let deadline_origin = origin_of(&draft, FieldId::DECISION_NEW_DEADLINE);
    let supersedes_origin = origin_of(&draft, FieldId::DECISION_SUPERSEDES);
    let decided_origin = origin_of(&draft, FieldId::DECISION_DECIDED_ON);
    let read = &mut Reader::new(&mut draft.root, None, context.today.year(), &mut findings);
    let record_ref: Option<String> = read.must(FieldId::DECISION_RECORD_REF);
    let force: Option<ForceCode> = read.plain(FieldId::DECISION_FORCE, FieldDemand::WhenThere);
    let decision_ref: Option<String> = read.plain(FieldId::DECISION_REF, FieldDemand::WhenThere);
    let decided_on: Option<Date> = read.must(FieldId::DECISION_DECIDED_ON);
    let decided: Option<Decided> = read.must(FieldId::DECISION_DECISION);
    let varied = decided == Some(Decided::Varied);
    let demand = if varied { FieldDemand::Must } else { FieldDemand::WhenThere };
    let new_deadline: Option<Date> = read.plain(FieldId::DECISION_NEW_DEADLINE, demand);
    let decided_by: Option<String> = read.must(FieldId::DECISION_DECIDED_BY_COLLAR_NUMBER);
    let supersedes: Option<String> =
        read.plain(FieldId::DECISION_SUPERSEDES, FieldDemand::WhenThere);
    // Police know what they decided: that it was not recorded is no answer.
    for finding in findings.iter_mut().filter(|finding| finding.code == FindingCode::NOT_RECORDED) {
        finding.code = FindingCode::MISSING;
    }
    let mut find = |code, id: FieldId, origin| {
        findings.push(Finding::new(code, id.spec().name).at(origin, None));
    };
    if decided_on.is_some_and(|day| day > context.today) {
        find(FindingCode::IN_FUTURE, FieldId::DECISION_DECIDED_ON, decided_origin);
    }
    match (new_deadline, decided_on) {
        (Some(deadline), Some(day)) if varied && deadline <= day => {
            let id = FieldId::DECISION_NEW_DEADLINE;
            find(FindingCode::DATES_OUT_OF_ORDER, id, deadline_origin);
        }
        (Some(_), _) if decided.is_some() && !varied => {
            find(FindingCode::DEADLINE_NOT_VARIED, FieldId::DECISION_NEW_DEADLINE, deadline_origin);
        }
        _ => {}
    }
    if supersedes.is_some() && supersedes == decision_ref {
        find(FindingCode::SUPERSEDES_ITSELF, FieldId::DECISION_SUPERSEDES, supersedes_origin);
    }
    let whole = || {
        Some(DecisionRecord {
            force,
            record_ref: record_ref.clone()?,
            decision_ref,
            decided_on: decided_on?,
            decided: decided?,
            new_deadline,
            decided_by_collar_number: decided_by?,
            supersedes,
        })
    };
    let stops = findings.iter().any(|finding| finding.code.kind() != FindingKind::Flag);
    match whole() {
        Some(decision) if !stops => Validated::Decision(Box::new(decision)),
        _ => Validated::Stopped(Stopped {
            record_ref,
            source_action: None,
            source_force: force,
            findings,
        }),
    }
}
