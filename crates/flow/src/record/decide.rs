//! A decision of police about a case: compared with what is stored, folded into where the case
//! stands, stored with what the provider is told, in one transaction.

use cara_domain::choice::{Choice as _, Decided};
use cara_domain::decision::{Decision, DecisionRecord};
use cara_domain::{FindingCode, caution::Caution};
use uuid::Uuid;

use crate::case_file::{CaseFile, DecisionColumn};
use crate::outbox::message;
use crate::record::prepare::Arrival;
use crate::{Failure, Gateway};
use cara_store::{ClockNotices, Entry, Fact, ForceNumber, NewDecision, RecordIndex, What};

/// What is to be done with a decision.
pub(crate) enum Judged {
    /// Stored with this entry.
    New { entry: Box<Entry>, referral_id: Uuid, decision_id: Uuid },
    /// It was stored before.
    Same { referral_id: Uuid, decision_id: Uuid },
    /// A person must look.
    Hold(FindingCode),
}

/// Compares a decision with its case and prepares what is written.
pub(crate) async fn judge(
    gateway: &Gateway,
    arrival: &Arrival<'_>,
    record: RecordIndex,
    force: ForceNumber,
    sent: &DecisionRecord,
) -> Result<Judged, Failure> {
    let known = gateway.store.look(force, record).await?;
    let Some(referral) = known.referral else {
        return Ok(Judged::Hold(FindingCode::DECISION_CASE_UNKNOWN));
    };
    let case = gateway.store.case(referral.referral_id).await?.ok_or(Failure::missing("a case"))?;
    let file = CaseFile::open(gateway, case)?;
    let (case, referral_id) = (&file.row, file.row.referral_id);
    let decision = named(gateway, referral_id, sent);
    let column = DecisionColumn {
        decision: &decision,
        decided_by: &sent.decided_by_collar_number,
        decision_ref: sent.decision_ref.as_deref(),
    };
    let json = column.json()?;
    let content = gateway.vault.digest("decision", &[&json]);
    let decision_id = decision.decision_id;
    if let Some(row) = case.decisions.iter().find(|row| row.decision_id == decision_id) {
        return Ok(match row.content == content {
            true => Judged::Same { referral_id, decision_id },
            false => Judged::Hold(FindingCode::DECISION_REF_REUSED),
        });
    }
    let is_known = |id: Uuid| case.decisions.iter().any(|row| row.decision_id == id);
    if decision.supersedes.is_some_and(|id| !is_known(id)) {
        return Ok(Judged::Hold(FindingCode::DECISION_SUPERSEDES_UNKNOWN));
    }
    if file.police.given_on.is_some_and(|given_on| decision.decided_on < given_on) {
        return Ok(Judged::Hold(FindingCode::DECISION_BEFORE_CAUTION));
    }
    let after = file.decided_with(&decision);
    let (received_at, decided) = (arrival.received_at, decision.decided);
    let stamp = message::stamp(gateway, case, received_at);
    let row = NewDecision {
        referral_id,
        decision_id,
        decided,
        decided_on: decision.decided_on,
        received_at,
        content,
        body: file.keys.seal_decision(decision_id, &json)?,
        standing: after.to_store(case.facts),
        messages: message::messages_of_decision(gateway, &file.keys, &stamp, &decision)?,
        clock_notices: clock_notices(&after.standing.caution, decided),
    };
    let (by, caution) = (&arrival.caller.identity, after.standing.caution.state().code());
    let decided = decided.code();
    let fact = Fact::decision_taken(by, received_at, decision_id, decided, referral_id, caution);
    let entry = Entry::of(What::Decision(Box::new(row)), vec![fact]);
    Ok(Judged::New { entry: Box::new(entry), referral_id, decision_id })
}

/// The decision under an id of its own: the same decision that is sent again has the same, by
/// the force's own key of it or, without one, by what it says.
fn named(gateway: &Gateway, referral_id: Uuid, sent: &DecisionRecord) -> Decision {
    let by_ref = |text: &str| decision_id(gateway, referral_id, "ref", text.as_bytes());
    let new_deadline = sent.new_deadline;
    let decision_id = match &sent.decision_ref {
        Some(text) => by_ref(text),
        None => {
            let deadline = new_deadline.map(|day| day.to_string()).unwrap_or_default();
            let says = format!(
                "{} {} {deadline} {}",
                sent.decided_on,
                sent.decided.code(),
                sent.supersedes.as_deref().unwrap_or_default()
            );
            decision_id(gateway, referral_id, "content", says.as_bytes())
        }
    };
    Decision {
        decision_id,
        decided_on: sent.decided_on,
        decided: sent.decided,
        new_deadline,
        supersedes: sent.supersedes.as_deref().map(by_ref),
    }
}

fn decision_id(gateway: &Gateway, referral_id: Uuid, by: &'static str, what: &[u8]) -> Uuid {
    let referral_id = referral_id.as_bytes().as_slice();
    gateway.vault.digest("decision id", &[referral_id, by.as_bytes(), what]).id()
}

fn clock_notices(caution: &Caution, decided: Decided) -> ClockNotices {
    match caution.has_ended() || matches!(decided, Decided::Recalled | Decided::Varied) {
        true => ClockNotices::Cancelled,
        false => ClockNotices::Stand,
    }
}
