//! Bytes of a body to records that are read: parsed, translated, validated, nothing stored yet.

use std::sync::Arc;

use cara_document::{BodyFormat, Limits, NodeId, Tree};
use cara_domain::correct::{Barred, Correction};
use cara_domain::{Finding, FindingCode, Stopped, Validated};
use cara_wire::api;

use crate::mapping::live::{self, Live, LivePlan};
use crate::record::Submission;
use crate::record::turn;
use crate::{Caller, Force, Refusal};
use cara_store::{Cause, ForceNumber};
use cara_supervisor::{Panicked, contain_now};

/// What reading a body may know and must obey.
pub(crate) struct Desk<'a> {
    pub live: &'a Live,
    pub forces: &'a crate::Forces,
    pub limits: &'a Limits,
    pub records_max: usize,
    pub now: jiff::Timestamp,
    pub today: jiff::civil::Date,
}

/// One record of a body, read.
#[derive(Debug)]
pub(crate) struct Read {
    pub live: Arc<LivePlan>,
    pub force: ForceNumber,
    /// The body with every other record cut out: what is kept, and translated again on release.
    pub excerpt: Vec<u8>,
    pub outcome: Validated,
    /// Field and text of every code that no lookup lists: sealed with a hold, never logged.
    pub unlisted: Vec<(String, String)>,
}

impl Read {
    /// Findings with the source paths that the mapping names.
    pub fn causes(&self, findings: &[Finding]) -> Vec<Cause> {
        findings.iter().map(|finding| cause(finding, &self.live)).collect()
    }
}

/// What is kept of all records of a body, together, as a multiple of the body.
const EXCERPTS_PER_BODY_MAX: usize = 8;

/// Reads a whole body before anything of it is taken.
pub(crate) fn body(
    desk: &Desk<'_>,
    caller: &Caller,
    submission: &Submission,
) -> Result<Vec<Read>, Refusal> {
    let candidates = live::candidates(desk.live, caller, submission)?;
    let texts = live::Texts::of(&submission.body, &candidates);
    let named = submission.mapping.is_some();
    let (live, text, tree) = live::choose(&candidates, &texts, named, desk.limits)?;
    let records = live.plan.records(&tree);
    if records.is_empty() {
        return Err(Refusal::Unparseable {
            code: "P400",
            reason: "the body holds no record at the place that the mapping names".into(),
            line: None,
            column: None,
        });
    }
    if records.len() > desk.records_max {
        return Err(Refusal::TooLarge { limit: format!("{} records", desk.records_max) });
    }
    if let Some(room) = &submission.room {
        room.holds(needed(&live, text, &tree, &records))?;
    }
    let mut read: Vec<Read> = Vec::with_capacity(records.len());
    let mut left = text.len().saturating_mul(EXCERPTS_PER_BODY_MAX);
    for index in 0..records.len() {
        let one = || record(desk, caller, &live, (text, &tree), (&records, index));
        read.push(match contain_now(one) {
            Ok(read) => read?,
            Err(Panicked) => faulty(&live, (text, &tree), (&records, index))?,
        });
        let kept = read.last().map_or(0, |read| read.excerpt.len());
        left = left.checked_sub(kept).ok_or_else(|| Refusal::TooLarge {
            limit: format!(
                "each record is kept with what stands around all of them, together at most \
                 {EXCERPTS_PER_BODY_MAX} times the body; send fewer records in a body"
            ),
        })?;
    }
    Ok(read)
}

/// The most that the records of a body take with its tree, which is there already.
fn needed(live: &LivePlan, text: &str, tree: &Tree<'_>, records: &[NodeId]) -> usize {
    let inside: usize = records.iter().map(|record| tree.span(*record).len()).sum();
    let around = match live.plan.format() {
        // A group's rows may have other groups' between them.
        BodyFormat::Csv(_) => text.find('\n').unwrap_or(text.len()),
        _ => text.len().saturating_sub(inside),
    };
    let excerpts = text.len() + around.saturating_mul(records.len());
    let excerpts = excerpts.min(text.len().saturating_mul(EXCERPTS_PER_BODY_MAX));
    // Excerpts once as they are kept, once as a step of them is sealed; the tree with its reserve.
    text.len() + tree.len() * 2 * NODE_BYTES + 2 * excerpts + records.len() * turn::RECORD_BYTES
}

/// What a node of a tree takes.
const NODE_BYTES: usize = 40;

/// A record on which the program failed: held as it came, whatever it says.
fn faulty(
    live: &Arc<LivePlan>,
    (text, tree): (&str, &Tree<'_>),
    (records, index): (&[NodeId], usize),
) -> Result<Read, Refusal> {
    let excerpt =
        contain_now(|| cara_document::excerpt(text, live.plan.format(), tree, records, index));
    let excerpt = excerpt.map_err(Refusal::internal)?.into_owned().into_bytes();
    let findings = vec![Finding::new(FindingCode::GATEWAY_FAULT, "")];
    let outcome = Validated::Stopped(Stopped {
        record_ref: None,
        source_action: None,
        source_force: None,
        findings,
    });
    Ok(Read { live: Arc::clone(live), force: live.force, excerpt, outcome, unlisted: Vec::new() })
}

/// How a kept record is read again.
#[derive(Clone, Copy)]
pub(crate) enum Again<'a> {
    /// As if it had just come.
    AsItCame,
    /// A person decided about the rules of these names: they no longer hold it.
    Released(&'a [String]),
    /// The same, and the person put a field right.
    Corrected(&'a [String], &'a Correction),
}

/// Reads a kept excerpt again, with the plan that is live now.
pub(crate) fn kept(
    desk: &Desk<'_>,
    live: &Arc<LivePlan>,
    excerpt: &str,
    again: Again<'_>,
) -> Result<Read, Refusal> {
    let tree = live.plan.read(excerpt, desk.limits).map_err(refuse)?;
    let records = live.plan.records(&tree);
    let Some(node) = records.first().filter(|_| records.len() == 1) else {
        return Err(Refusal::WrongState { state: "the mapping no longer finds one record in it" });
    };
    let force = desk.forces.of(live.force);
    judge(desk, live, &force, (&tree, *node), excerpt.as_bytes().to_vec(), again)
}

/// What becomes of one kept record with this plan; none when it cannot be read.
pub(crate) fn alone(
    desk: &Desk<'_>,
    live: &LivePlan,
    force: &Force,
    text: &str,
) -> Option<Validated> {
    let tree = live.plan.read(text, desk.limits).ok()?;
    let records = live.plan.records(&tree);
    let record = records.first().filter(|_| records.len() == 1)?;
    Some(live.plan.judge(live.plan.translate(&tree, *record).draft, &context(desk, force)))
}

/// What the rules may know besides a record of this force.
fn context<'a>(desk: &Desk<'_>, force: &'a Force) -> cara_domain::Context<'a> {
    cara_domain::Context {
        now: desk.now,
        today: desk.today,
        compliance_domains: &force.compliance_domains,
    }
}

fn record(
    desk: &Desk<'_>,
    caller: &Caller,
    live: &Arc<LivePlan>,
    (text, tree): (&str, &Tree<'_>),
    (records, index): (&[NodeId], usize),
) -> Result<Read, Refusal> {
    let excerpt = cara_document::excerpt(text, live.plan.format(), tree, records, index);
    let excerpt = excerpt.into_owned().into_bytes();
    let force = desk.forces.of(live.force);
    let read = judge(desk, live, &force, (tree, records[index]), excerpt, Again::AsItCame)?;
    match named_force(&read.outcome) {
        None => Ok(read),
        Some(named) if named == force.code => Ok(read),
        Some(named) if caller.forces.contains(&named) => {
            let own = desk.live.named(named, &live.reference.name);
            let live = own.as_ref().unwrap_or(live);
            let text = String::from_utf8_lossy(&read.excerpt).into_owned();
            let mut read = kept(desk, live, &text, Again::AsItCame)?;
            read.force = named;
            Ok(read)
        }
        Some(_) => Err(Refusal::ForeignForce),
    }
}

fn judge(
    desk: &Desk<'_>,
    live: &Arc<LivePlan>,
    force: &Force,
    (tree, node): (&Tree<'_>, NodeId),
    excerpt: Vec<u8>,
    again: Again<'_>,
) -> Result<Read, Refusal> {
    let translation = live.plan.translate(tree, node);
    let mut draft = translation.draft;
    if let Again::Corrected(_, correction) = again {
        live.plan.correct(&mut draft, correction).map_err(Refusal::Barred)?;
    }
    if let Again::Released(rules) | Again::Corrected(rules, _) = again {
        overrule(&mut draft.findings, rules);
    }
    let outcome = live.plan.judge(draft, &context(desk, force));
    if let Again::Corrected(_, correction) = again {
        check_read(&outcome, correction)?;
    }
    Ok(Read {
        live: Arc::clone(live),
        force: force.code,
        excerpt,
        outcome,
        unlisted: translation.unlisted,
    })
}

/// A correction that would be left out because nobody can read it corrects nothing.
fn check_read(outcome: &Validated, correction: &Correction) -> Result<(), Refusal> {
    let findings = match outcome {
        Validated::Referral(referral) => &referral.flags,
        Validated::Stopped(stopped) => &stopped.findings,
        Validated::Withdrawal(_) | Validated::Decision(_) => {
            return Err(Refusal::Barred(Barred::NoReferral));
        }
    };
    let field = correction.field();
    let unreadable = [FindingCode::UNREADABLE, FindingCode::UNREADABLE_MANDATORY];
    match findings.iter().any(|it| it.field == field && unreadable.contains(&it.code)) {
        true => Err(Refusal::Barred(Barred::Unreadable)),
        false => Ok(()),
    }
}

/// A rule that a person was asked about no longer holds the record once that person released it.
/// Another one, which nobody has looked at yet, does.
fn overrule(findings: &mut [Finding], rules: &[String]) {
    let decided = |finding: &Finding| {
        let named = finding.named.as_deref();
        named.is_some_and(|named| rules.iter().any(|rule| rule == named))
    };
    for finding in findings.iter_mut().filter(|it| it.code == FindingCode::RULE && decided(it)) {
        finding.code = FindingCode::RULE_FLAG;
    }
}

fn named_force(outcome: &Validated) -> Option<ForceNumber> {
    let code = match outcome {
        Validated::Referral(referral) => referral.source.force,
        Validated::Withdrawal(withdrawal) => withdrawal.source.force,
        Validated::Decision(sent) => sent.force,
        Validated::Stopped(stopped) => stopped.source_force,
    };
    code.map(|code| ForceNumber(code.number()))
}

pub(crate) fn refuse(error: cara_document::Error) -> Refusal {
    match error.kind {
        cara_document::ErrorKind::Limit(limit) => Refusal::TooLarge { limit: limit.to_owned() },
        _ => Refusal::Unparseable {
            code: "P400",
            reason: error.reason,
            line: error.line,
            column: error.column,
        },
    }
}

fn cause(finding: &Finding, live: &LivePlan) -> Cause {
    Cause {
        code: finding.code.id().to_owned(),
        name: finding.code.name().to_owned(),
        kind: finding.code.kind(),
        field: finding.field.clone().into_owned(),
        source_path: finding.origin.map(|origin| live.plan.path_text(origin).to_owned()),
        line: finding.line,
        expected_letter: finding.expected_letter,
        named: finding.named.as_deref().map(str::to_owned),
    }
}

/// A stored cause as the API shows it.
pub(crate) fn view(cause: &Cause) -> api::FindingView {
    let kind = match cause.kind {
        cara_domain::FindingKind::Flag => "flag",
        cara_domain::FindingKind::Hold => "hold",
        cara_domain::FindingKind::Violation => "violation",
    };
    api::FindingView {
        code: cause.code.clone(),
        name: cause.name.clone(),
        kind: kind.to_owned(),
        field: cause.field.clone(),
        source_path: cause.source_path.clone(),
        line: cause.line,
        expected_letter: cause.expected_letter,
        named: cause.named.clone(),
    }
}

/// A code that the flow itself found, about the whole record.
pub(crate) fn own_cause(code: FindingCode) -> Cause {
    Cause {
        code: code.id().to_owned(),
        name: code.name().to_owned(),
        kind: code.kind(),
        field: String::new(),
        source_path: None,
        line: None,
        expected_letter: None,
        named: None,
    }
}
