//! Bytes of a body to records that are read: parsed, translated, validated, nothing stored yet.

use std::sync::Arc;

use cara_document::{BodyFormat, Limits, NodeId, Tree};
use cara_domain::correct::{Barred, Correction};
use cara_domain::{Finding, FindingCode, Stopped, Validated};
use cara_wire::api;

use crate::WrongState;
use crate::live::{Live, LivePlan};
use crate::record::choose::{self, refuse};
use crate::record::{Submission, turn};
use crate::{Caller, Failure, Force, Forces, Gateway, OrderRefusal, RecordRefusal, Unfinished};
use cara_store::{Cause, ForceNumber};
use cara_supervisor::{Panicked, contain_now};

/// What reading a body may know and must obey.
pub(crate) struct RecordReading<'a> {
    pub live: &'a Live,
    pub forces: &'a Forces,
    pub limits: &'a Limits,
    pub records_max: usize,
    pub now: jiff::Timestamp,
    pub today: jiff::civil::Date,
}

impl<'a> RecordReading<'a> {
    pub fn of(gateway: &'a Gateway) -> RecordReading<'a> {
        RecordReading {
            live: &gateway.live,
            forces: &gateway.forces,
            limits: &gateway.limits,
            records_max: gateway.records_max,
            now: gateway.clock.now(),
            today: gateway.clock.today(),
        }
    }

    /// What the rules may know besides a record of this force.
    fn context<'f>(&self, force: &'f Force) -> cara_domain::Context<'f> {
        cara_domain::Context {
            now: self.now,
            today: self.today,
            compliance_domains: &force.compliance_domains,
        }
    }
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
    reading: &RecordReading<'_>,
    caller: &Caller,
    submission: &Submission,
) -> Result<Vec<Read>, Unfinished<RecordRefusal>> {
    let candidates = choose::candidates(reading.live, caller, submission)?;
    let texts = choose::Texts::of(&submission.body, &candidates);
    let named = submission.mapping.is_some();
    let (live, text, tree) = choose::choose(&candidates, &texts, named, reading.limits)?;
    let records = live.plan.records(&tree);
    if records.is_empty() {
        return Err(RecordRefusal::Unparseable {
            reason: "the body holds no record at the place that the mapping names".into(),
            line: None,
            column: None,
        }
        .into());
    }
    if records.len() > reading.records_max {
        let limit = format!("{} records", reading.records_max);
        return Err(RecordRefusal::TooLarge { limit }.into());
    }
    if let Some(room) = &submission.room {
        room.holds(needed(&live, text, &tree, &records))?;
    }
    let mut read: Vec<Read> = Vec::with_capacity(records.len());
    let mut left = text.len().saturating_mul(EXCERPTS_PER_BODY_MAX);
    for index in 0..records.len() {
        let one = || record(reading, caller, &live, (text, &tree), (&records, index));
        read.push(match contain_now(one) {
            Ok(read) => read?,
            Err(Panicked) => faulty(&live, (text, &tree), (&records, index))?,
        });
        let kept = read.last().map_or(0, |read| read.excerpt.len());
        left = left.checked_sub(kept).ok_or_else(|| RecordRefusal::TooLarge {
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
) -> Result<Read, Failure> {
    let excerpt =
        contain_now(|| cara_document::excerpt(text, live.plan.format(), tree, records, index));
    let excerpt = excerpt.map_err(Failure::ours)?.into_owned().into_bytes();
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

/// Why a kept record cannot be read again.
#[derive(Debug)]
pub(crate) enum NotRead {
    Unreadable(cara_document::Error),
    /// The mapping does not find one record in it.
    NotOne,
    Barred(Barred),
}

impl From<NotRead> for Unfinished<OrderRefusal> {
    fn from(not_read: NotRead) -> Self {
        match not_read {
            NotRead::Unreadable(_) | NotRead::NotOne => WrongState::NotReadByMapping.into(),
            NotRead::Barred(barred) => OrderRefusal::Barred(barred).into(),
        }
    }
}

/// Reads a kept excerpt again, with the plan that is live now.
pub(crate) fn again(
    reading: &RecordReading<'_>,
    live: &Arc<LivePlan>,
    excerpt: &str,
    again: Again<'_>,
) -> Result<Read, NotRead> {
    let tree = live.plan.read(excerpt, reading.limits).map_err(NotRead::Unreadable)?;
    let records = live.plan.records(&tree);
    let record = records.first().filter(|_| records.len() == 1).ok_or(NotRead::NotOne)?;
    let force = reading.forces.of(live.force);
    judge(reading, live, &force, (&tree, *record), excerpt.as_bytes().to_vec(), again)
        .map_err(NotRead::Barred)
}

/// What becomes of one kept record with this plan; none when it cannot be read.
pub(crate) fn alone(
    reading: &RecordReading<'_>,
    live: &LivePlan,
    force: &Force,
    text: &str,
) -> Option<Validated> {
    let tree = live.plan.read(text, reading.limits).ok()?;
    let records = live.plan.records(&tree);
    let record = records.first().filter(|_| records.len() == 1)?;
    Some(live.plan.judge(live.plan.translate(&tree, *record).draft, &reading.context(force)))
}

fn record(
    reading: &RecordReading<'_>,
    caller: &Caller,
    live: &Arc<LivePlan>,
    (text, tree): (&str, &Tree<'_>),
    (records, index): (&[NodeId], usize),
) -> Result<Read, Unfinished<RecordRefusal>> {
    let excerpt = cara_document::excerpt(text, live.plan.format(), tree, records, index);
    let excerpt = excerpt.into_owned().into_bytes();
    let force = reading.forces.of(live.force);
    let node = records[index];
    let read = judge(reading, live, &force, (tree, node), excerpt, Again::AsItCame);
    let read = read.map_err(Failure::ours)?;
    match named_force(&read.outcome) {
        None => Ok(read),
        Some(named) if named == force.code => Ok(read),
        Some(named) if caller.forces.contains(&named) => {
            let own = reading.live.named(named, &live.reference.name);
            let live = own.as_ref().unwrap_or(live);
            let text = String::from_utf8_lossy(&read.excerpt).into_owned();
            let mut read =
                again(reading, live, &text, Again::AsItCame).map_err(|not| match not {
                    NotRead::Unreadable(error) => refuse(error),
                    _ => RecordRefusal::NoMapping { names: vec![live.reference.name.clone()] },
                })?;
            read.force = named;
            Ok(read)
        }
        Some(_) => Err(RecordRefusal::ForeignForce.into()),
    }
}

fn judge(
    reading: &RecordReading<'_>,
    live: &Arc<LivePlan>,
    force: &Force,
    (tree, node): (&Tree<'_>, NodeId),
    excerpt: Vec<u8>,
    again: Again<'_>,
) -> Result<Read, Barred> {
    let translation = live.plan.translate(tree, node);
    let mut draft = translation.draft;
    if let Again::Corrected(_, correction) = again {
        live.plan.correct(&mut draft, correction)?;
    }
    if let Again::Released(rules) | Again::Corrected(rules, _) = again {
        overrule(&mut draft.findings, rules);
    }
    let outcome = live.plan.judge(draft, &reading.context(force));
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
fn check_read(outcome: &Validated, correction: &Correction) -> Result<(), Barred> {
    let findings = match outcome {
        Validated::Referral(referral) => &referral.flags,
        Validated::Stopped(stopped) => &stopped.findings,
        Validated::Withdrawal(_) | Validated::Decision(_) => {
            return Err(Barred::NoReferral);
        }
    };
    let field = correction.field();
    let unreadable = [FindingCode::UNREADABLE, FindingCode::UNREADABLE_MANDATORY];
    match findings.iter().any(|it| it.field == field && unreadable.contains(&it.code)) {
        true => Err(Barred::Unreadable),
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
