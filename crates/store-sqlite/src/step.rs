//! What the writer is given: steps that are carried out whole or not at all, and their ends.

use std::collections::VecDeque;

use jiff::Timestamp;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::finding::ScrubTurn;
use cara_store::{
    CausedMessage, Entry, Fact, ForceNumber, Lease, NotWritten, PlanVersion, Settled, What,
};

/// Why nothing is taken once the store closes.
pub(crate) const STOPPING: &str = "the gateway is stopping";

/// One thing to write, made ready on the caller's thread.
#[derive(Debug)]
pub(crate) enum Step {
    Entry(Box<Prepared>),
    Settle {
        lease: Lease,
        settled: Settled,
        disclosure: Option<String>,
    },
    /// Some of what was confirmed in this time.
    Resend {
        provider: String,
        since: Timestamp,
        until: Timestamp,
        /// The last row of `sent` that was looked at.
        after: i64,
        fact: Option<String>,
    },
    Activate {
        version: Box<PlanVersion>,
        facts: Vec<String>,
    },
    Probe,
    /// Some rows were looked at.
    Scrubbed(Vec<ScrubTurn>),
}

/// An entry with its JSON texts made.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub entry: Entry,
    /// Flags of a revision or causes of a hold.
    pub causes: String,
    pub facts: Vec<String>,
}

impl Prepared {
    pub fn from_entry(entry: Entry) -> Prepared {
        let causes = match &entry.what {
            What::Revision(revision) => json(&revision.flags),
            What::Hold(hold) => json(&hold.causes),
            What::Outcome(_)
            | What::Decision(_)
            | What::TakeOver { .. }
            | What::EndHold { .. }
            | What::DueNotice(_)
            | What::HeldAgain(_)
            | What::PendCorrection(_)
            | What::PendPlan(_)
            | What::Letter(_)
            | What::Endpoint(_)
            | What::Incident(_)
            | What::Mail(_)
            | What::Sweep(_)
            | What::Reconciled(_)
            | What::BindKey(_)
            | What::Nothing { .. } => String::new(),
        };
        let facts = texts(&entry.audit);
        Prepared { entry, causes, facts }
    }

    fn is_record(&self) -> bool {
        matches!(self.entry.what, What::Revision(_) | What::Hold(_))
    }

    fn takes_on(&self) -> bool {
        match self.entry.what {
            What::Revision(_)
            | What::Hold(_)
            | What::Outcome(_)
            | What::Decision(_)
            | What::EndHold { .. }
            | What::BindKey(_) => true,
            What::TakeOver { .. }
            | What::DueNotice(_)
            | What::HeldAgain(_)
            | What::PendCorrection(_)
            | What::PendPlan(_)
            | What::Letter(_)
            | What::Endpoint(_)
            | What::Incident(_)
            | What::Mail(_)
            | What::Sweep(_)
            | What::Reconciled(_)
            | What::Nothing { .. } => false,
        }
    }

    fn bytes(&self) -> usize {
        let sealed = match &self.entry.what {
            What::Revision(revision) => {
                revision.police.as_bytes().len()
                    + revision.victim.as_bytes().len()
                    + revision.offender_event.as_ref().map_or(0, |event| event.as_bytes().len())
                    + revision.victim_event.as_ref().map_or(0, |event| event.as_bytes().len())
                    + revision.raw.as_ref().map_or(0, |raw| raw.as_bytes().len())
            }
            What::Hold(hold) => {
                hold.raw.as_bytes().len()
                    + hold.unlisted.as_ref().map_or(0, |unlisted| unlisted.as_bytes().len())
            }
            What::Outcome(outcome) => {
                let notices = outcome.notices.iter().map(|notice| notice.body.as_bytes().len());
                outcome.body.as_bytes().len() + notices.sum::<usize>() + caused(&outcome.messages)
            }
            What::Decision(decision) => decision.body.as_bytes().len() + caused(&decision.messages),
            What::DueNotice(due) => due.notice.body.as_bytes().len(),
            What::TakeOver { .. }
            | What::EndHold { .. }
            | What::HeldAgain(_)
            | What::PendCorrection(_)
            | What::PendPlan(_)
            | What::Letter(_)
            | What::Endpoint(_)
            | What::Incident(_)
            | What::Mail(_)
            | What::Sweep(_)
            | What::Reconciled(_)
            | What::BindKey(_)
            | What::Nothing { .. } => 0,
        };
        let told = self.entry.notice.as_ref().map_or(0, |(_, notice)| notice.body.as_bytes().len());
        sealed + told + self.causes.len() + self.facts.iter().map(String::len).sum::<usize>()
    }
}

fn caused(messages: &[CausedMessage]) -> usize {
    messages.iter().map(|message| message.body.as_bytes().len()).sum()
}

pub(crate) fn texts(facts: &[Fact]) -> Vec<String> {
    facts.iter().map(json).collect()
}

pub(crate) fn json<T: serde::Serialize + ?Sized>(value: &T) -> String {
    match serde_json::to_string(value) {
        Ok(text) => text,
        Err(_) => unreachable!("causes and facts hold nothing but texts and numbers"),
    }
}

impl Step {
    /// The force whose records it counts among, and how many bytes it adds.
    pub fn grows(&self) -> Option<(ForceNumber, u64)> {
        match self {
            Step::Entry(prepared) => prepared.entry.sent_by.map(|it| (it, self.bytes() as u64)),
            _ => None,
        }
    }

    /// Whether it takes on responsibility for more: refused below the disk reserve.
    pub fn is_record(&self) -> bool {
        matches!(self, Step::Entry(prepared) if prepared.is_record())
    }

    /// Whether somebody would rely on its being kept: refused once the files are not to be
    /// believed. What only ends or notes something is tried all the same.
    pub fn takes_on(&self) -> bool {
        match self {
            Step::Entry(prepared) => prepared.takes_on(),
            Step::Activate { .. } | Step::Probe | Step::Scrubbed(_) => true,
            Step::Settle { .. } | Step::Resend { .. } => false,
        }
    }

    /// About what it adds to a transaction.
    pub fn bytes(&self) -> usize {
        let content = match self {
            Step::Entry(prepared) => prepared.bytes(),
            Step::Activate { version, .. } => version.text.len(),
            Step::Settle { .. } | Step::Resend { .. } | Step::Probe | Step::Scrubbed(_) => 0,
        };
        content + 256
    }
}

/// How a committed step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StepEnd {
    Written {
        entry_id: Uuid,
    },
    /// The work on a leased row has ended.
    Settled,
    /// The lease was lost; nothing changed.
    Lost,
    Carried,
    /// So many rows wait again, and where to look on.
    Resent {
        rows: u64,
        next: Option<i64>,
    },
}

/// One caller's steps, in order, and what has become of them so far.
pub(crate) struct Work {
    pub steps: VecDeque<Step>,
    pub results: Vec<Result<StepEnd, NotWritten>>,
    pub reply: oneshot::Sender<Vec<Result<StepEnd, NotWritten>>>,
}
