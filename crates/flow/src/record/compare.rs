//! What an arriving record is to the case that is already stored: the comparison rules of
//! `POST /v1/records` (DESIGN section 8), without any reading or writing.

use cara_domain::FindingCode;
use jiff::Timestamp;

use cara_domain::choice::Action;
use cara_store::{Digest, Known, KnownRevision};

/// What is compared of an arriving record.
#[derive(Clone, Debug)]
pub(crate) struct Arriving {
    pub withdrawn: bool,
    /// Of the whole referral without `message_ref`, `extracted_at`, provenance and times.
    pub content: Digest,
    /// Absent for a withdrawal, which names no person.
    pub person: Option<Digest>,
    pub message_ref: Option<Digest>,
    pub extracted_at: Option<Timestamp>,
    /// An operator released it: what may be stale goes on as the next revision.
    pub released: bool,
}

/// What is to be done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The first revision of a case.
    First,
    /// The next revision of the known case.
    Next { revision: u32 },
    /// Nothing new: answered with what is stored.
    Duplicate { revision: u32 },
    /// Kept and not sent, for this reason.
    Hold(FindingCode),
    /// A withdrawal of a case that was only ever held: its holds close, nothing is published.
    CloseHolds,
}

/// Content is compared with the *latest* revision only; an older one that comes again is a
/// duplicate when its `message_ref` proves it, else it may be stale.
pub(crate) fn compare(known: &Known, arriving: &Arriving) -> Verdict {
    let Some(referral) = &known.referral else {
        return match (arriving.withdrawn, known.open_holds.is_empty()) {
            (false, _) => Verdict::First,
            (true, false) => Verdict::CloseHolds,
            (true, true) => Verdict::Hold(FindingCode::WITHDRAWAL_UNKNOWN),
        };
    };
    let Some(latest) = referral.revisions.last() else {
        unreachable!("a referral is written together with its first revision")
    };
    if let Some(seen) = same_message(&referral.revisions, arriving.message_ref) {
        return Verdict::Duplicate { revision: seen.revision };
    }
    if arriving.person.is_some_and(|person| person != referral.person) {
        return Verdict::Hold(FindingCode::DIFFERENT_PERSON);
    }
    if is_same(latest, arriving) {
        return Verdict::Duplicate { revision: latest.revision };
    }
    if !arriving.released {
        if is_older(latest, arriving) {
            return Verdict::Hold(FindingCode::STALE_REVISION);
        }
        if cannot_be_placed(&referral.revisions, arriving) {
            return Verdict::Hold(FindingCode::POSSIBLY_STALE);
        }
    }
    Verdict::Next { revision: latest.revision + 1 }
}

fn same_message(revisions: &[KnownRevision], sought: Option<Digest>) -> Option<&KnownRevision> {
    let sought = sought?;
    revisions.iter().find(|revision| revision.message_ref == Some(sought))
}

fn is_same(latest: &KnownRevision, arriving: &Arriving) -> bool {
    match (latest.action == Action::Withdrawn, arriving.withdrawn) {
        (true, true) => true,
        (false, false) => latest.content == arriving.content,
        _ => false,
    }
}

fn is_older(latest: &KnownRevision, arriving: &Arriving) -> bool {
    matches!((arriving.extracted_at, latest.extracted_at), (Some(new), Some(known)) if new < known)
}

/// Nothing says when it was written, and it equals a revision that has been overtaken.
fn cannot_be_placed(revisions: &[KnownRevision], arriving: &Arriving) -> bool {
    arriving.message_ref.is_none()
        && arriving.extracted_at.is_none()
        && !arriving.withdrawn
        && revisions.iter().any(|revision| revision.content == arriving.content)
}

#[cfg(test)]
mod tests;
