//! One record between its reading and its answer.

use cara_domain::decision::DecisionRecord;
use cara_domain::{FindingKind, Stopped, Validated};
use cara_wire::api::{RecordAnswer, RecordStatus};
use uuid::Uuid;

use crate::record::content::Content;
use crate::record::read::{self, Read};
use crate::record::release::HoldRelease;
use crate::{Caller, Failure, Gateway};
use cara_store::{Cause, Digest, Entry, ForceNumber, Known, NotWritten, Receipt, RecordIndex};
use cara_vault::Vault;

/// One record on its way to an answer.
pub(crate) struct RecordWork {
    pub read: Read,
    pub(crate) content: Option<Content>,
    pub(crate) record: Option<RecordIndex>,
    /// What the reading found: violations and holds of a stopped record.
    pub(crate) causes: Vec<Cause>,
    pub(crate) flags: Vec<Cause>,
    /// What a hold was tried with, should it turn out to be held already.
    pub(crate) held: Option<(Digest, Vec<Cause>)>,
    /// An operator clears the hold that it comes from.
    pub released: Option<HoldRelease>,
    pub(crate) pending: Option<Pending>,
    pub answer: Option<RecordAnswer>,
    /// A fault of our own has met it: it is held as it came.
    pub(crate) has_faulted: bool,
}

/// What will be answered once the commit is there.
pub(crate) enum Pending {
    Accepted { referral_id: Uuid, revision: u32, flags: Vec<Cause> },
    Held { hold_id: Uuid, causes: Vec<Cause> },
    Decided { referral_id: Uuid, decision_id: Uuid },
    Withdrawn,
}

impl RecordWork {
    pub fn of(gateway: &Gateway, caller: &Caller, read: Read) -> Self {
        let (vault, test) = (&gateway.vault, caller.test);
        let content = match &read.outcome {
            Validated::Referral(referral) => {
                Some(Content::of_referral(vault, read.force, test, referral))
            }
            Validated::Withdrawal(withdrawal) => {
                Some(Content::of_withdrawal(vault, read.force, test, withdrawal))
            }
            Validated::Decision(_) | Validated::Stopped(_) => None,
        };
        let record = match &read.outcome {
            // Not the case's own: a good record of the case must not close a decision that waits.
            Validated::Decision(sent) => Some(decision_index(vault, read.force, test, sent)),
            Validated::Stopped(stopped) => stopped
                .record_ref
                .as_deref()
                .map(|record_ref| vault.record_index(read.force.0, test, record_ref)),
            _ => content.as_ref().map(|content| content.record),
        };
        let found = match &read.outcome {
            Validated::Stopped(Stopped { findings, .. }) => read.causes(findings),
            _ => Vec::new(),
        };
        let (flags, causes) = found.into_iter().partition(|cause| cause.kind == FindingKind::Flag);
        RecordWork {
            read,
            content,
            record,
            causes,
            flags,
            held: None,
            released: None,
            pending: None,
            answer: None,
            has_faulted: false,
        }
    }

    /// The case's index, where the record's key could be read.
    pub fn record(&self) -> Option<RecordIndex> {
        self.record
    }

    /// What a release is answered when the record would be held again, and for what: the old hold
    /// stays.
    pub fn still_held(&mut self, hold_id: Uuid) -> Option<(RecordAnswer, Vec<Cause>)> {
        match self.pending.take() {
            Some(Pending::Held { causes, .. }) => {
                let stopped = causes.clone();
                Some((self.answer_of(Pending::Held { hold_id, causes }), stopped))
            }
            other => {
                self.pending = other;
                None
            }
        }
    }

    /// The entry, which also ends the hold that an operator clears.
    pub(crate) fn cleared(&self, mut entry: Entry) -> Entry {
        if let Some(release) = &self.released {
            entry.clear_hold = Some((release.hold_id, release.end()));
            entry.audit.push(release.fact());
        }
        entry
    }

    /// A withdrawal is never a first revision, and a stopped record may have been cleared before, so
    /// there is nothing to be tried without looking.
    pub(crate) fn lookup_first(&self) -> bool {
        matches!(self.read.outcome, Validated::Withdrawal(_) | Validated::Stopped(_))
    }

    /// The answer to what was prepared, once the commit is there.
    pub fn answer_pending(&mut self) -> Option<RecordAnswer> {
        let pending = self.pending.take();
        pending.map(|pending| self.answer_of(pending))
    }

    /// Turns what was prepared into the answer, now that the commit is known; answers a fault of our
    /// own, for which nothing was written.
    pub fn settle(
        &mut self,
        result: Result<Receipt, NotWritten>,
    ) -> Result<Option<NotWritten>, Failure> {
        match result {
            Ok(_receipt) => {
                self.answer = self.answer_pending();
                Ok(None)
            }
            Err(NotWritten::Conflict) => {
                self.pending = None;
                Ok(None)
            }
            Err(fault @ NotWritten::Fault { .. }) => Ok(Some(fault)),
            Err(unavailable) => Err(unavailable.into()),
        }
    }

    pub(crate) fn answer_of(&self, pending: Pending) -> RecordAnswer {
        let blank = blank(&self.read.outcome);
        match pending {
            Pending::Accepted { referral_id, revision, flags } => RecordAnswer {
                referral_id: Some(referral_id),
                revision: Some(revision),
                flags: flags.iter().map(read::view).collect(),
                ..blank
            },
            Pending::Held { hold_id, causes } => RecordAnswer {
                hold_id: Some(hold_id),
                status: RecordStatus::Held,
                violations: causes.iter().map(read::view).collect(),
                flags: self.flags.iter().map(read::view).collect(),
                ..blank
            },
            Pending::Decided { referral_id, decision_id } => RecordAnswer {
                referral_id: Some(referral_id),
                decision_id: Some(decision_id),
                ..blank
            },
            Pending::Withdrawn => blank,
        }
    }

    pub(crate) fn answer_duplicate(&mut self, known: &Known, revision: u32) {
        let Some(referral) = &known.referral else {
            unreachable!("only a known referral has a duplicate")
        };
        let seen = referral.revisions.iter().find(|seen| seen.revision == revision);
        let flags = seen.map(|seen| seen.flags.iter().map(read::view).collect());
        self.answer = Some(RecordAnswer {
            referral_id: Some(referral.referral_id),
            revision: Some(revision),
            status: RecordStatus::Duplicate,
            flags: flags.unwrap_or_default(),
            ..blank(&self.read.outcome)
        });
    }

    /// It is answered: no second copy of it is kept until the whole body is.
    pub fn forget(&mut self) {
        self.read.excerpt = Vec::new();
        self.read.unlisted = Vec::new();
        self.content = None;
        self.causes = Vec::new();
        self.flags = Vec::new();
        self.held = None;
    }

    pub fn into_answer(self) -> RecordAnswer {
        match self.answer {
            Some(answer) => answer,
            None => unreachable!("take returns only when every record is answered"),
        }
    }
}

/// An answer that says nothing yet but which record it is of.
pub(crate) fn blank(outcome: &Validated) -> RecordAnswer {
    RecordAnswer {
        record_ref: outcome.record_ref().map(str::to_owned),
        referral_id: None,
        hold_id: None,
        revision: None,
        decision_id: None,
        status: RecordStatus::Accepted,
        violations: Vec::new(),
        flags: Vec::new(),
    }
}

/// Where the holds of a case's decisions are found.
fn decision_index(
    vault: &Vault,
    force: ForceNumber,
    test: bool,
    sent: &DecisionRecord,
) -> RecordIndex {
    vault.record_index(force.0, test, &format!("decision {}", sent.record_ref))
}
