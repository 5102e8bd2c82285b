//! A draft becomes a referral, or the list of everything that is wrong with it.

use std::mem;

use super::assemble::{self, ReadSource};
use super::choice::Action;
use super::draft::{Draft, Fields};
use super::field::FieldId;
use super::finding::{Finding, FindingCode, FindingKind};
use super::offender_side::{Condition, Offence, OffenderSide};
use super::origin::Origin;
use super::police::Police;
use super::read::Reader;
use super::referral::{Context, Referral, Stopped, Validated, Withdrawal};
use super::rule::{self, Facts};
use super::victim_side::{Child, OffencePlace, VictimSide};
use super::withhold::{self, Marks};

/// Applies every rule of the referral. What the mapping found counts as well: its holds and
/// violations stop the record, its flags go along.
///
/// A withdrawal is judged by its source fields alone: a case that is taken back must not wait for
/// an unlisted code.
pub fn validate(mut draft: Draft<'_>, context: &Context<'_>) -> Validated {
    let mut findings = mem::take(&mut draft.findings);
    name_several_victims(&mut findings);
    let provenance = provenance(&draft);
    let this_year = context.today.year();
    let source =
        assemble::source(&mut Reader::new(&mut draft.root, None, this_year, &mut findings));
    if source.action == Some(Action::Withdrawn) {
        findings.retain(|finding| finding.field.starts_with("source."));
        return withdrawal(source, findings);
    }
    let marks = Marks::of(&draft);
    if let Some(id) = withhold::shared_contact(&draft) {
        let origin = draft.root.slot(id).origin;
        let code = FindingCode::VICTIM_CONTACT_IS_OFFENDERS;
        findings.push(Finding::new(code, id.spec().name).at(origin, None));
    }
    let (sides, facts) = read(&mut draft, context, &mut findings);
    rule::judge(&facts, &draft, context.today, &mut findings);
    match sides {
        Some(mut sides) if !stops(&findings) => {
            withhold::withhold(&mut sides.offender, &marks, &draft, &mut findings);
            match source.whole() {
                Some(source) => Validated::Referral(Box::new(Referral {
                    source,
                    police: sides.police,
                    offender_side: sides.offender,
                    victim_side: sides.victim,
                    flags: findings,
                    provenance,
                })),
                None => unreachable!("an unread source field is a violation or a hold"),
            }
        }
        _ => stopped(source, findings),
    }
}

/// The three compartments, each whole.
struct Sides {
    offender: OffenderSide,
    victim: VictimSide,
    police: Police,
}

/// Reads every block to its end. No sides: something mandatory is missing, and a finding says so.
fn read(
    draft: &mut Draft<'_>,
    context: &Context<'_>,
    findings: &mut Vec<Finding>,
) -> (Option<Sides>, Facts) {
    let this_year = context.today.year();
    let root = &mut Reader::new(&mut draft.root, None, this_year, findings);
    let case = assemble::case(root);
    let officer = assemble::officer(root);
    let (offender, date_of_birth) = assemble::offender(root);
    let relationship = assemble::relationship(root);
    let (caution, caution_dates) = assemble::caution(root);
    let (risk, assessed_on) = assemble::risk(root);
    let (victim, victim_dates) = assemble::victim(root);
    let victim_risk = assemble::victim_risk(root);
    let police = assemble::police(root, context.compliance_domains);
    for (blocks, name) in [(&draft.offences, "offences"), (&draft.conditions, "caution.conditions")]
    {
        if blocks.is_empty() && !root.is_explained(name) {
            root.find_block(FindingCode::MISSING, name);
        }
    }
    let mut facts = Facts {
        date_of_birth,
        caution: caution_dates,
        assessed_on,
        victim: victim_dates,
        offences: Vec::with_capacity(draft.offences.len()),
        conditions: Vec::with_capacity(draft.conditions.len()),
    };
    let (offences, places) = offences(&mut draft.offences, this_year, findings, &mut facts);
    let conditions = conditions(&mut draft.conditions, this_year, findings, &mut facts);
    let children = children(&mut draft.children, this_year, findings);
    let whole = || {
        let mut caution = caution?;
        caution.conditions = conditions?;
        let mut victim = victim?;
        victim.children = children?;
        let offender = OffenderSide {
            case: case?,
            officer: officer?,
            offender: offender?,
            offences: offences?,
            relationship: relationship?,
            caution,
            risk: risk?,
        };
        let victim = VictimSide { victim, risk: victim_risk?, offences: places };
        Some(Sides { offender, victim, police: police? })
    };
    (whole(), facts)
}

fn offences(
    blocks: &mut [Fields<'_>],
    this_year: i16,
    findings: &mut Vec<Finding>,
    facts: &mut Facts,
) -> (Option<Vec<Offence>>, Vec<OffencePlace>) {
    let mut places = Vec::new();
    let mut read = Vec::with_capacity(blocks.len());
    for (block, number) in blocks.iter_mut().zip(1u32..) {
        let reader = &mut Reader::new(block, Some(number as usize), this_year, findings);
        let (offence, dates, location) = assemble::offence(reader);
        read.push(offence);
        facts.offences.push(dates);
        places.extend(location.map(|location| OffencePlace { number, location }));
    }
    (read.into_iter().collect(), places)
}

fn conditions(
    blocks: &mut [Fields<'_>],
    this_year: i16,
    findings: &mut Vec<Finding>,
    facts: &mut Facts,
) -> Option<Vec<Condition>> {
    let mut read = Vec::with_capacity(blocks.len());
    for (block, number) in blocks.iter_mut().zip(1..) {
        let reader = &mut Reader::new(block, Some(number), this_year, findings);
        let (condition, known) = assemble::condition(reader);
        read.push(condition);
        facts.conditions.push(known);
    }
    read.into_iter().collect()
}

fn children(
    blocks: &mut [Fields<'_>],
    this_year: i16,
    findings: &mut Vec<Finding>,
) -> Option<Vec<Child>> {
    let mut read = Vec::with_capacity(blocks.len());
    for (block, number) in blocks.iter_mut().zip(1..) {
        read.push(assemble::child(&mut Reader::new(block, Some(number), this_year, findings)));
    }
    read.into_iter().collect()
}

fn withdrawal(source: ReadSource, findings: Vec<Finding>) -> Validated {
    if stops(&findings) {
        return stopped(source, findings);
    }
    match source.whole() {
        Some(source) => Validated::Withdrawal(Withdrawal { source, flags: findings }),
        None => unreachable!("an unread source field is a violation or a hold"),
    }
}

fn stopped(source: ReadSource, findings: Vec<Finding>) -> Validated {
    Validated::Stopped(Stopped {
        record_ref: source.record_ref,
        source_action: source.action,
        source_force: source.force,
        findings,
    })
}

fn stops(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.code.kind() != FindingKind::Flag)
}

/// More than one match for the victim means more than one victim, which the operators clear in
/// another way than a field with two values.
fn name_several_victims(findings: &mut [Finding]) {
    for finding in findings {
        let about_her = matches!(finding.field.as_ref(), "victim" | "victim.ref");
        if finding.code == FindingCode::MORE_THAN_ONE && about_her {
            finding.code = FindingCode::SEVERAL_VICTIMS;
        }
    }
}

fn provenance(draft: &Draft<'_>) -> Vec<(FieldId, Origin)> {
    let groups = [&draft.offences, &draft.conditions, &draft.children];
    let blocks = std::iter::once(&draft.root).chain(groups.into_iter().flatten());
    let mut provenance = Vec::with_capacity(64);
    for block in blocks {
        let origins = block.filled().filter_map(|(id, slot)| Some((id, slot.origin?)));
        provenance.extend(origins);
    }
    provenance
}
