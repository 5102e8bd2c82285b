//! Reading what a provider sends: CloudEvents 1.0, structured mode, with an outcome as `data`.
//!
//! Everything wrong with a message is found at once; a fault names a member and never its value.
//! Members that are not listed are ignored and not kept, so that a newer provider can say more than
//! an older gateway knows.

use cara_domain::Compartment;
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::rejection::{self, MessageFault, RejectionCode};
use cara_domain::choice::Choice;
use cara_domain::outcome::{OffenderReport, Outcome, VictimReport, WorkshopPart};

/// Bytes of one message; the longest honest one has a tenth of it.
pub const BYTES_MAX: usize = 16 << 10;
/// Fields that one `information_requested` may name.
const FIELDS_MAX: usize = 50;
const FIELD_CHARS_MAX: usize = 80;

/// The CloudEvents type of a side's outcomes.
pub const fn type_name(side: Compartment) -> &'static str {
    match side {
        Compartment::Offender => "uk.cara.outcome.v1",
        Compartment::Victim => "uk.cara.victim_outcome.v1",
    }
}

/// A message that could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutcomeMessage {
    Offender(Outcome),
    Victim(Outcome<VictimReport>),
}

/// The members that both sides' outcomes have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutcomeHead {
    pub outcome_id: Uuid,
    pub referral_id: Uuid,
    pub number: u32,
    pub revision_seen: u32,
    pub happened_on: Date,
    pub recorded_at: Timestamp,
}

impl OutcomeMessage {
    pub fn head(&self) -> OutcomeHead {
        fn of<R>(outcome: &Outcome<R>) -> OutcomeHead {
            OutcomeHead {
                outcome_id: outcome.outcome_id,
                referral_id: outcome.referral_id,
                number: outcome.number,
                revision_seen: outcome.revision_seen,
                happened_on: outcome.happened_on,
                recorded_at: outcome.recorded_at,
            }
        }
        match self {
            OutcomeMessage::Offender(outcome) => of(outcome),
            OutcomeMessage::Victim(outcome) => of(outcome),
        }
    }

    pub fn kind(&self) -> &'static str {
        match self {
            OutcomeMessage::Offender(outcome) => outcome.report.kind(),
            OutcomeMessage::Victim(outcome) => outcome.report.kind(),
        }
    }

    /// What is stored: the known members only, in a fixed order.
    pub fn to_json(&self) -> Vec<u8> {
        let json = match self {
            OutcomeMessage::Offender(outcome) => serde_json::to_vec(outcome),
            OutcomeMessage::Victim(outcome) => serde_json::to_vec(outcome),
        };
        match json {
            Ok(json) => json,
            Err(_) => unreachable!("outcomes have text keys and go into memory"),
        }
    }

    /// What [`OutcomeMessage::to_json`] wrote.
    pub fn from_json(side: Compartment, json: &[u8]) -> Result<OutcomeMessage, UnreadMessage> {
        match serde_json::from_slice(json) {
            Ok(Value::Object(data)) => told(side, &data),
            _ => Err(UnreadMessage::of(&rejection::UNREADABLE, "data")),
        }
    }
}

/// Why a message could not be read: every fault, and whom it may be about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnreadMessage {
    pub faults: Vec<MessageFault>,
    pub outcome_id: Option<Uuid>,
    pub referral_id: Option<Uuid>,
}

impl UnreadMessage {
    /// One fault, of nobody knows whom.
    pub fn of(code: &'static RejectionCode, member: &str) -> UnreadMessage {
        UnreadMessage {
            faults: vec![MessageFault { code, member: member.to_owned() }],
            ..UnreadMessage::default()
        }
    }

    /// The same of an outcome whose head could be read.
    pub fn about(self, head: OutcomeHead) -> UnreadMessage {
        UnreadMessage {
            outcome_id: Some(head.outcome_id),
            referral_id: Some(head.referral_id),
            ..self
        }
    }
}

/// Reads one message of this side.
pub fn read(side: Compartment, body: &[u8]) -> Result<OutcomeMessage, UnreadMessage> {
    if body.len() > BYTES_MAX {
        return Err(UnreadMessage::of(&rejection::TOO_LARGE, ""));
    }
    let Ok(Value::Object(envelope)) = serde_json::from_slice::<Value>(body) else {
        return Err(UnreadMessage::of(&rejection::UNREADABLE, ""));
    };
    let text = |name: &str| envelope.get(name).and_then(Value::as_str);
    if text("specversion") != Some("1.0") {
        return Err(UnreadMessage::of(&rejection::UNREADABLE, "specversion"));
    }
    if text("type") != Some(type_name(side)) {
        return Err(UnreadMessage::of(&rejection::WRONG_TYPE, "type"));
    }
    let Some(Value::Object(data)) = envelope.get("data") else {
        return Err(UnreadMessage::of(&rejection::MISSING, "data"));
    };
    let told = told(side, data)?;
    let id = text("id").and_then(|id| id.parse::<Uuid>().ok());
    if id != Some(told.head().outcome_id) {
        return Err(UnreadMessage::of(&rejection::MALFORMED, "id").about(told.head()));
    }
    Ok(told)
}

fn told(side: Compartment, data: &Map<String, Value>) -> Result<OutcomeMessage, UnreadMessage> {
    let mut members = Members { data, faults: Vec::new() };
    let head = members.head();
    let kind = data.get("kind").and_then(Value::as_str);
    let told = match (side, kind) {
        (_, None) => {
            members.fault(
                if data.contains_key("kind") { &rejection::MALFORMED } else { &rejection::MISSING },
                "kind",
            );
            None
        }
        (Compartment::Offender, Some(kind)) => members.report(kind).zip(head).map(with_offender),
        (Compartment::Victim, Some(kind)) => members.victim(kind).zip(head).map(with_victim),
    };
    match told {
        Some(told) if members.faults.is_empty() => Ok(told),
        _ => Err(UnreadMessage {
            outcome_id: id_of(data, "outcome_id"),
            referral_id: id_of(data, "referral_id"),
            faults: members.faults,
        }),
    }
}

fn id_of(data: &Map<String, Value>, name: &str) -> Option<Uuid> {
    data.get(name).and_then(Value::as_str).and_then(|text| text.parse().ok())
}

fn with_offender((report, head): (OffenderReport, OutcomeHead)) -> OutcomeMessage {
    OutcomeMessage::Offender(outcome(head, report))
}

fn with_victim((report, head): (VictimReport, OutcomeHead)) -> OutcomeMessage {
    OutcomeMessage::Victim(outcome(head, report))
}

fn outcome<R>(head: OutcomeHead, report: R) -> Outcome<R> {
    let OutcomeHead { outcome_id, referral_id, number, revision_seen, happened_on, recorded_at } =
        head;
    Outcome { outcome_id, referral_id, number, revision_seen, happened_on, recorded_at, report }
}

/// Reads members one by one and goes on after a fault.
struct Members<'d> {
    data: &'d Map<String, Value>,
    faults: Vec<MessageFault>,
}

impl Members<'_> {
    fn fault(&mut self, code: &'static RejectionCode, name: &str) {
        self.faults.push(MessageFault { code, member: format!("data.{name}") });
    }

    /// The member, read; a fault when it is missing or not as described.
    fn read<T>(&mut self, name: &str, read: impl Fn(&Value) -> Option<T>) -> Option<T> {
        let found = match self.data.get(name) {
            None | Some(Value::Null) => Err(&rejection::MISSING),
            Some(value) => read(value).ok_or(&rejection::MALFORMED),
        };
        found.map_err(|code| self.fault(code, name)).ok()
    }

    fn head(&mut self) -> Option<OutcomeHead> {
        let outcome_id = self.id("outcome_id");
        let referral_id = self.id("referral_id");
        let number = self.count("number", 1);
        let revision_seen = self.count("revision_seen", 1);
        let happened_on = self.day("happened_on");
        let recorded_at = self.read("recorded_at", |value| value.as_str()?.parse().ok());
        Some(OutcomeHead {
            outcome_id: outcome_id?,
            referral_id: referral_id?,
            number: number?,
            revision_seen: revision_seen?,
            happened_on: happened_on?,
            recorded_at: recorded_at?,
        })
    }

    fn id(&mut self, name: &str) -> Option<Uuid> {
        self.read(name, |value| value.as_str()?.parse().ok())
    }

    fn count(&mut self, name: &str, min: u64) -> Option<u32> {
        self.read(name, |value| {
            value.as_u64().filter(|count| *count >= min).and_then(|count| count.try_into().ok())
        })
    }

    fn day(&mut self, name: &str) -> Option<Date> {
        // A day and nothing else: a time would need a zone to become one.
        self.read(name, |value| value.as_str().filter(|text| text.len() == 10)?.parse().ok())
    }

    fn flag(&mut self, name: &str) -> Option<bool> {
        self.read(name, Value::as_bool)
    }

    fn part(&mut self, name: &str) -> Option<WorkshopPart> {
        self.read(name, |value| value.as_u64().and_then(WorkshopPart::of))
    }

    fn choice<T: Choice>(&mut self, name: &str) -> Option<T> {
        self.read(name, |value| value.as_str().and_then(T::from_code))
    }

    fn choices<T: Choice>(&mut self, name: &str) -> Option<Vec<T>> {
        self.read(name, |value| {
            let all =
                value.as_array().filter(|all| !all.is_empty() && all.len() <= T::CODES.len())?;
            all.iter().map(|one| one.as_str().and_then(T::from_code)).collect()
        })
    }

    /// Dotted names of the referral's fields: they name, so they hold no blank and no value.
    fn fields(&mut self, name: &str) -> Option<Vec<String>> {
        self.read(name, |value| {
            let all = value.as_array().filter(|all| !all.is_empty() && all.len() <= FIELDS_MAX)?;
            let plain = |text: &&str| {
                let usual =
                    |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._[]".contains(&b);
                text.len() <= FIELD_CHARS_MAX && !text.is_empty() && text.bytes().all(usual)
            };
            all.iter().map(|one| one.as_str().filter(plain).map(str::to_owned)).collect()
        })
    }

    fn report(&mut self, kind: &str) -> Option<OffenderReport> {
        match kind {
            "received" => Some(OffenderReport::Received),
            "accepted" => Some(OffenderReport::Accepted),
            "declined" => Some(OffenderReport::Declined { reason: self.choice("reason")? }),
            "information_requested" => {
                Some(OffenderReport::InformationRequested { fields: self.fields("fields")? })
            }
            "uncontactable" => {
                Some(OffenderReport::Uncontactable { attempts: self.count("attempts", 1)? })
            }
            "workshop_booked" | "workshop_rescheduled" => {
                let (part, on) = (self.part("part"), self.day("on"));
                let (part, on) = (part?, on?);
                Some(match kind {
                    "workshop_booked" => OffenderReport::WorkshopBooked { part, on },
                    _ => OffenderReport::WorkshopRescheduled { part, on },
                })
            }
            "workshop_attended" => {
                let (part, on, late) =
                    (self.part("part"), self.day("on"), self.flag("arrived_late"));
                Some(OffenderReport::WorkshopAttended { part: part?, on: on?, arrived_late: late? })
            }
            "workshop_missed" => {
                let (part, on) = (self.part("part"), self.day("on"));
                let reason = self.choice("reason");
                let explanation_offered = self.choice("explanation_offered");
                let repeat_from = self.part("repeat_from");
                Some(OffenderReport::WorkshopMissed {
                    part: part?,
                    on: on?,
                    reason: reason?,
                    explanation_offered: explanation_offered?,
                    repeat_from: repeat_from?,
                })
            }
            "programme_completed" => Some(OffenderReport::ProgrammeCompleted),
            "non_compliance_reported" => {
                Some(OffenderReport::NonComplianceReported { facts: self.choices("facts")? })
            }
            "correction" => Some(OffenderReport::Correction { supersedes: self.id("supersedes")? }),
            "returned" => Some(OffenderReport::Returned),
            "closed" => Some(OffenderReport::Closed),
            _ => self.unknown_kind(),
        }
    }

    fn victim(&mut self, kind: &str) -> Option<VictimReport> {
        match kind {
            "victim_contact_status" => {
                Some(VictimReport::VictimContactStatus { status: self.choice("status")? })
            }
            "victim_risk_changed" => {
                Some(VictimReport::VictimRiskChanged { grade: self.choice("grade")? })
            }
            "safeguarding_concern" => Some(VictimReport::SafeguardingConcern),
            _ => self.unknown_kind(),
        }
    }

    fn unknown_kind<T>(&mut self) -> Option<T> {
        self.fault(&rejection::UNKNOWN_KIND, "kind");
        None
    }
}

#[cfg(test)]
mod tests;
