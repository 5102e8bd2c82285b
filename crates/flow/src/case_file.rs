//! The case file: what every sealed column of a case or a hold holds, how it is written and what it is
//! bound to; and a case opened and folded. Nothing else seals or opens.

pub(crate) mod fold;

use std::borrow::Cow;

use cara_domain::Compartment;
use cara_domain::decision::Decision;
use cara_domain::notice::NoticeContent;
use cara_domain::{Recorded, Referral};
use cara_wire::Event;
use cara_wire::outcome::OutcomeMessage as Reported;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{Failure, Gateway};
use cara_store::{
    Case, DecisionRow, HoldRow, LeasedBody, NoticeRow, OutcomeRow, ReferralRow, SealedSide,
};
use cara_vault::{Binding, Keys, OffenderKey, RawKey, Sealed, Vault, VictimKey, WrappedKeys};

use fold::Folded;

/// The keys of a case or a hold, with which its columns are sealed and opened.
pub(crate) struct CaseKeys<'g> {
    vault: &'g Vault,
    keys: Keys,
    /// Of the referral or the hold.
    id: Uuid,
}

/// What notices to the force say of a case, besides its key.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PoliceFacts {
    pub occurrence_number: String,
    pub collar_number: String,
    pub compliance_inbox: String,
    /// None when the force did not record it.
    pub given_on: Option<Date>,
    pub deadline: Date,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub prosecution_time_bar: Option<Date>,
}

/// Which field of a held record an operator put right; its value stands in the revision itself.
#[derive(Serialize)]
pub(crate) struct CorrectedField<'a> {
    pub field: Cow<'a, str>,
    pub by: &'a str,
    pub at: Timestamp,
    pub because: &'a str,
    pub hold_id: Uuid,
}

/// What the police column of a revision holds. A withdrawal has neither facts nor content.
pub(crate) struct PoliceColumn<'a> {
    pub record_ref: &'a str,
    pub facts: Option<&'a PoliceFacts>,
    pub corrected: Option<CorrectedField<'a>>,
    /// The police-only content, as canonical JSON.
    pub content: Option<&'a [u8]>,
}

/// The decision of police that a case has, with who made it.
#[derive(Serialize)]
pub(crate) struct DecisionColumn<'a> {
    #[serde(flatten)]
    pub decision: &'a Decision,
    pub decided_by: &'a str,
    pub decision_ref: Option<&'a str>,
}

#[derive(Serialize)]
struct PoliceWritten<'a> {
    record_ref: &'a str,
    told: Option<&'a PoliceFacts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    corrected: Option<CorrectedField<'a>>,
    police: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct PoliceRead {
    record_ref: String,
    told: Option<PoliceFacts>,
}

impl PoliceFacts {
    pub fn of(referral: &Referral) -> PoliceFacts {
        let side = &referral.offender_side;
        PoliceFacts {
            occurrence_number: side.case.occurrence_number.clone(),
            collar_number: side.officer.collar_number.clone(),
            compliance_inbox: referral.police.compliance_inbox.to_string(),
            given_on: match side.caution.given_on {
                Recorded::Is(day) => Some(day),
                Recorded::NotRecorded => None,
            },
            deadline: referral.deadline(),
            prosecution_time_bar: referral.police.prosecution_time_bar,
        }
    }
}

impl DecisionColumn<'_> {
    /// As it is sealed and compared.
    pub fn json(&self) -> Result<Vec<u8>, Failure> {
        json(self)
    }
}

/// What is bound to a row of its own beside the revisions.
fn own(id: Uuid, column: &'static str) -> Binding {
    Binding { id, revision: 0, column }
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(value).map_err(Failure::ours)
}

fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(json).map_err(Failure::ours)
}

impl<'g> CaseKeys<'g> {
    /// Fresh keys, and as they are stored.
    pub fn mint(gateway: &'g Gateway, id: Uuid) -> Result<(WrappedKeys, Self), Failure> {
        let (wrapped, keys) = gateway.vault.mint_keys(id)?;
        Ok((wrapped, CaseKeys { vault: &gateway.vault, keys, id }))
    }

    pub fn unwrap(
        gateway: &'g Gateway,
        id: Uuid,
        wrapped: &WrappedKeys,
    ) -> Result<Self, cara_vault::Error> {
        let keys = gateway.vault.unwrap_keys(id, wrapped)?;
        Ok(CaseKeys { vault: &gateway.vault, keys, id })
    }

    pub fn of_hold(gateway: &'g Gateway, row: &HoldRow) -> Result<Self, Failure> {
        Ok(Self::unwrap(gateway, row.hold_id, &row.keys)?)
    }

    fn of_revision(&self, revision: u32, column: &'static str) -> Binding {
        Binding { id: self.id, revision, column }
    }

    /// The record as it came; `revision` is 0 of a hold.
    pub fn seal_raw(&self, revision: u32, excerpt: &[u8]) -> Result<Sealed<RawKey>, Failure> {
        Ok(self.vault.seal(&self.keys, self.of_revision(revision, "raw"), excerpt)?)
    }

    pub fn open_raw(&self, revision: u32, raw: &Sealed<RawKey>) -> Result<String, Failure> {
        let place = self.of_revision(revision, "raw");
        let bytes = self.vault.open_sealed(&self.keys, place, raw)?;
        String::from_utf8(bytes).map_err(Failure::ours)
    }

    /// Field and text of every code that no lookup listed; none: each was.
    pub fn seal_unlisted(
        &self,
        unlisted: &[(String, String)],
    ) -> Result<Option<Sealed<RawKey>>, Failure> {
        if unlisted.is_empty() {
            return Ok(None);
        }
        let place = own(self.id, "unlisted");
        Ok(Some(self.vault.seal(&self.keys, place, &json(&unlisted)?)?))
    }

    pub fn open_unlisted(
        &self,
        unlisted: &Sealed<RawKey>,
    ) -> Result<Vec<(String, String)>, Failure> {
        read(&self.vault.open_sealed(&self.keys, own(self.id, "unlisted"), unlisted)?)
    }

    pub fn seal_police(
        &self,
        revision: u32,
        column: PoliceColumn<'_>,
    ) -> Result<Sealed<OffenderKey>, Failure> {
        let PoliceColumn { record_ref, facts: told, corrected, content } = column;
        let police = match content {
            Some(content) => Some(serde_json::from_slice(content).map_err(Failure::ours)?),
            None => None,
        };
        let plain = json(&PoliceWritten { record_ref, told, corrected, police })?;
        Ok(self.vault.seal(&self.keys, self.of_revision(revision, "police"), &plain)?)
    }

    fn open_police(
        &self,
        revision: u32,
        police: &Sealed<OffenderKey>,
    ) -> Result<PoliceRead, Failure> {
        let place = self.of_revision(revision, "police");
        read(&self.vault.open_sealed(&self.keys, place, police)?)
    }

    /// The victim's side as canonical JSON; a withdrawal has none.
    pub fn seal_victim(
        &self,
        revision: u32,
        side: Option<&[u8]>,
    ) -> Result<Sealed<VictimKey>, Failure> {
        let place = self.of_revision(revision, "victim");
        Ok(self.vault.seal(&self.keys, place, side.unwrap_or(b"null"))?)
    }

    /// The message of a revision to the offender's side, exactly as it is published.
    pub fn seal_offender_event(
        &self,
        revision: u32,
        event: Option<&Event>,
    ) -> Result<Option<Sealed<OffenderKey>>, Failure> {
        let place = self.of_revision(revision, "offender_event");
        let sealed = event.map(|event| self.vault.seal(&self.keys, place, event.body()));
        Ok(sealed.transpose()?)
    }

    pub fn seal_victim_event(
        &self,
        revision: u32,
        event: Option<&Event>,
    ) -> Result<Option<Sealed<VictimKey>>, Failure> {
        let place = self.of_revision(revision, "victim_event");
        let sealed = event.map(|event| self.vault.seal(&self.keys, place, event.body()));
        Ok(sealed.transpose()?)
    }

    /// The message of a revision, or one that no revision carries, which is bound to its own id.
    pub fn open_event(
        &self,
        revision: Option<u32>,
        event_id: Uuid,
        body: &LeasedBody,
    ) -> Result<Vec<u8>, cara_vault::Error> {
        let place = |column| match revision {
            Some(revision) => self.of_revision(revision, column),
            None => own(event_id, "message"),
        };
        match body {
            LeasedBody::Offender(it) => {
                self.vault.open_sealed(&self.keys, place("offender_event"), it)
            }
            LeasedBody::Victim(it) => self.vault.open_sealed(&self.keys, place("victim_event"), it),
        }
    }

    /// A message that no revision carries.
    pub fn seal_message(&self, side: Compartment, event: &Event) -> Result<SealedSide, Failure> {
        self.seal_side(own(event.message_id(), "message"), side, event.body())
    }

    pub fn seal_outcome(&self, reported: &Reported) -> Result<SealedSide, Failure> {
        let place = own(reported.head().outcome_id, "outcome");
        self.seal_side(place, fold::side_of(reported), &reported.to_json())
    }

    fn open_outcome(&self, row: &OutcomeRow) -> Result<Reported, Failure> {
        let json = self.open_side(own(row.outcome_id, "outcome"), &row.body)?;
        let unread = |_| anyhow::anyhow!("outcome {} cannot be read", row.outcome_id);
        Reported::from_json(row.body.compartment(), &json).map_err(unread).map_err(Failure::Ours)
    }

    /// `json`: see [`DecisionColumn::json`].
    pub fn seal_decision(
        &self,
        decision_id: Uuid,
        json: &[u8],
    ) -> Result<Sealed<OffenderKey>, Failure> {
        Ok(self.vault.seal(&self.keys, own(decision_id, "decision"), json)?)
    }

    fn open_decision(&self, row: &DecisionRow) -> Result<Decision, Failure> {
        read(&self.vault.open_sealed(&self.keys, own(row.decision_id, "decision"), &row.body)?)
    }

    pub fn seal_notice(
        &self,
        notice_id: Uuid,
        side: Compartment,
        content: &NoticeContent,
    ) -> Result<SealedSide, Failure> {
        self.seal_side(own(notice_id, "notice"), side, &json(content)?)
    }

    pub fn open_notice(gateway: &'g Gateway, row: &NoticeRow) -> Result<NoticeContent, Failure> {
        let keys = Self::unwrap(gateway, row.about.id(), &row.keys)?;
        read(&keys.open_side(own(row.notice_id, "notice"), &row.body)?)
    }

    fn seal_side(
        &self,
        place: Binding,
        side: Compartment,
        plain: &[u8],
    ) -> Result<SealedSide, Failure> {
        Ok(match side {
            Compartment::Offender => {
                SealedSide::Offender(self.vault.seal(&self.keys, place, plain)?)
            }
            Compartment::Victim => SealedSide::Victim(self.vault.seal(&self.keys, place, plain)?),
        })
    }

    fn open_side(&self, place: Binding, body: &SealedSide) -> Result<Vec<u8>, cara_vault::Error> {
        match body {
            SealedSide::Offender(sealed) => self.vault.open_sealed(&self.keys, place, sealed),
            SealedSide::Victim(sealed) => self.vault.open_sealed(&self.keys, place, sealed),
        }
    }
}

/// The record of a hold as it came.
pub(crate) fn held_text(gateway: &Gateway, row: &HoldRow) -> Result<String, Failure> {
    CaseKeys::of_hold(gateway, row)?.open_raw(0, &row.raw)
}

/// Field and text of the codes of a held record that no lookup listed.
pub(crate) fn unlisted_of(
    gateway: &Gateway,
    row: &HoldRow,
) -> Result<Vec<(String, String)>, Failure> {
    match &row.unlisted {
        None => Ok(Vec::new()),
        Some(sealed) => CaseKeys::of_hold(gateway, row)?.open_unlisted(sealed),
    }
}

/// The force's own key of a referral.
pub(crate) fn record_ref_of(gateway: &Gateway, row: &ReferralRow) -> Result<String, Failure> {
    let latest = row.revisions.last().ok_or(Failure::missing("a first revision"))?;
    let keys = CaseKeys::unwrap(gateway, row.referral_id, &row.keys)?;
    Ok(keys.open_police(latest.revision, &latest.police)?.record_ref)
}

/// A case, opened.
pub(crate) struct CaseFile<'g> {
    pub row: Case,
    pub keys: CaseKeys<'g>,
    pub record_ref: String,
    pub police: PoliceFacts,
    /// Of both sides.
    pub reported: Vec<Reported>,
    pub decisions: Vec<Decision>,
}

impl<'g> CaseFile<'g> {
    /// Opens everything that is stored of a case.
    pub fn open(gateway: &'g Gateway, row: Case) -> Result<CaseFile<'g>, Failure> {
        let keys = CaseKeys::unwrap(gateway, row.referral_id, &row.keys)?;
        let PoliceRead { record_ref, told } = keys.open_police(row.police_revision, &row.police)?;
        let police = told.ok_or(Failure::missing("what notices say of a case"))?;
        let reported = row.outcomes.iter().map(|it| keys.open_outcome(it));
        let reported = reported.collect::<Result<_, _>>()?;
        let decisions = row.decisions.iter().map(|it| keys.open_decision(it));
        let decisions = decisions.collect::<Result<_, _>>()?;
        Ok(CaseFile { row, keys, record_ref, police, reported, decisions })
    }

    /// Where it stands.
    pub fn folded(&self) -> Folded {
        Folded::of(&self.reported, &self.decisions, &self.row)
    }

    /// Where it stands with one outcome more.
    pub fn folded_with(&self, reported: &Reported) -> Folded {
        let mut all = self.reported.clone();
        all.push(reported.clone());
        Folded::of(&all, &self.decisions, &self.row)
    }

    /// Where it stands with one decision more.
    pub fn decided_with(&self, decision: &Decision) -> Folded {
        let mut all = self.decisions.clone();
        all.push(decision.clone());
        Folded::of(&self.reported, &all, &self.row)
    }
}
