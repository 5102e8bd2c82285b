//! A decision of police about a case: compared with what is stored, folded into where the case
//! stands, stored with what the provider is told, in one transaction.

use cara_domain::choice::{Choice as _, Decided};
use cara_domain::decision::{Decision, DecisionRecord};
use cara_domain::{FindingCode, caution::Caution};
use serde::Serialize;
use uuid::Uuid;

use crate::case::caused;
use crate::case::conclude;
use crate::case::conclude::Folded;
use crate::record::prepare::Bench;
use crate::{Gateway, Refusal};
use cara_store::{Case, Entry, Fact, ForceNumber, NewDecision, Operation, RecordIndex, What};
use cara_vault::Binding;

/// What is to be done with a decision.
pub(crate) enum Judged {
    /// Stored with this entry.
    New { entry: Box<Entry>, referral_id: Uuid, decision_id: Uuid },
    /// It was stored before.
    Same { referral_id: Uuid, decision_id: Uuid },
    /// A person must look.
    Hold(FindingCode),
}

/// What the store seals of a decision.
#[derive(Serialize)]
struct Stored<'a> {
    #[serde(flatten)]
    decision: &'a Decision,
    decided_by: &'a str,
    decision_ref: Option<&'a str>,
}

/// A decision is sealed under its case's key and bound to its own id.
pub(crate) fn binding(decision_id: Uuid) -> Binding {
    Binding { id: decision_id, revision: 0, column: "decision" }
}

/// Compares a decision with its case and prepares what is written.
pub(crate) async fn judge(
    gateway: &Gateway,
    bench: &Bench<'_>,
    record: RecordIndex,
    force: ForceNumber,
    sent: &DecisionRecord,
) -> Result<Judged, Refusal> {
    let known = gateway.store.look(force, record).await?;
    let Some(referral) = known.referral else {
        return Ok(Judged::Hold(FindingCode::DECISION_CASE_UNKNOWN));
    };
    let case = gateway.store.case(referral.referral_id).await?.ok_or(Refusal::Absent)?;
    let open = conclude::open(gateway, &case).map_err(Refusal::Internal)?;
    let decision = named(gateway, &case, sent);
    let json = json(&Stored {
        decision: &decision,
        decided_by: &sent.decided_by_collar_number,
        decision_ref: sent.decision_ref.as_deref(),
    })?;
    let content = gateway.vault.digest("decision", &[&json]);
    let decision_id = decision.decision_id;
    if let Some(row) = case.decisions.iter().find(|row| row.decision_id == decision_id) {
        return Ok(match row.content == content {
            true => Judged::Same { referral_id: case.referral_id, decision_id },
            false => Judged::Hold(FindingCode::DECISION_REF_REUSED),
        });
    }
    let is_known = |id: Uuid| case.decisions.iter().any(|row| row.decision_id == id);
    if decision.supersedes.is_some_and(|id| !is_known(id)) {
        return Ok(Judged::Hold(FindingCode::DECISION_SUPERSEDES_UNKNOWN));
    }
    if open.told.given_on.is_some_and(|given_on| decision.decided_on < given_on) {
        return Ok(Judged::Hold(FindingCode::DECISION_BEFORE_CAUTION));
    }
    let mut decisions = open.decisions;
    decisions.push(decision.clone());
    let after = Folded::of(&open.reported, &decisions, &case);
    let stamp = caused::stamp(gateway, &case, bench.received_at)?;
    let referral_id = case.referral_id;
    let row = NewDecision {
        referral_id,
        decision_id,
        decided: decision.decided,
        decided_on: decision.decided_on,
        received_at: bench.received_at,
        content,
        body: gateway.vault.seal(&open.keys, binding(decision_id), &json)?,
        standing: after.to_store(case.facts),
        messages: caused::messages_of_decision(gateway, &open.keys, &stamp, &decision)?,
        cancels_clock: cancels_clock(&after.standing.caution, decision.decided),
    };
    let fact = Fact {
        operation: Operation::Collection,
        by: bench.caller.identity.clone(),
        at: bench.received_at,
        about: format!("decision {decision_id} {}", row.decided.code()),
        to: None,
        note: Some(format!("referral {referral_id} is {}", after.standing.caution.name())),
    };
    let entry = Entry::of(What::Decision(Box::new(row)), vec![fact]);
    Ok(Judged::New { entry: Box::new(entry), referral_id, decision_id })
}

/// The decision under an id of its own: the same decision that is sent again has the same, by
/// the force's own key of it or, without one, by what it says.
fn named(gateway: &Gateway, case: &Case, sent: &DecisionRecord) -> Decision {
    let by_ref = |text: &str| decision_id(gateway, case, "ref", text.as_bytes());
    let new_deadline = sent.new_deadline;
    let decision_id = match &sent.decision_ref {
        Some(text) => by_ref(text),
        None => {
            let deadline = new_deadline.map(|day| day.to_string()).unwrap_or_default();
            let says = format!(
                "{} {} {deadline} {}",
                sent.decided_on,
                sent.decided.code().to_owned(),
                sent.supersedes.as_deref().unwrap_or_default()
            );
            decision_id(gateway, case, "content", says.as_bytes())
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

fn decision_id(gateway: &Gateway, case: &Case, by: &'static str, what: &[u8]) -> Uuid {
    let referral_id = case.referral_id.as_bytes().as_slice();
    gateway.vault.digest("decision id", &[referral_id, by.as_bytes(), what]).id()
}

fn json(stored: &Stored<'_>) -> Result<Vec<u8>, Refusal> {
    serde_json::to_vec(stored).map_err(Refusal::internal)
}

fn cancels_clock(caution: &Caution, decided: Decided) -> bool {
    caution.has_ended() || matches!(decided, Decided::Recalled | Decided::Varied)
}
