//! What a charity lives through with somebody: outcomes as it reports them. Most people come twice
//! and are done; some miss a workshop, some cannot be taken on, and sometimes a mistake is taken
//! back.

use cara_domain::Compartment;
use cara_wire::outcome::type_name;
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Value, json};
use uuid::Uuid;

/// One message to the gateway.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    pub outcome_id: Uuid,
    /// Whether the force is told of it.
    pub is_told: bool,
    /// Whether the victim worker is told of it.
    pub is_prompted: bool,
    /// The structured-mode CloudEvent.
    pub message: Value,
}

/// Everything that is reported of one referral, in order. The same referral gives the same kind of
/// story.
pub fn of(
    referral_id: Uuid,
    revision: u32,
    now: Timestamp,
    today: Date,
    id: impl FnMut() -> Uuid,
) -> Vec<Said> {
    let teller = Teller { referral_id, revision, now, today };
    let (_, lot) = referral_id.as_u64_pair();
    teller.tell(lot % 8, id)
}

struct Teller {
    referral_id: Uuid,
    revision: u32,
    now: Timestamp,
    today: Date,
}

impl Teller {
    fn tell(&self, lot: u64, mut id: impl FnMut() -> Uuid) -> Vec<Said> {
        let ids: Vec<Uuid> = (0..10).map(|_| id()).collect();
        let day = self.today;
        let booked = |part: u8| ("workshop_booked", json!({ "part": part, "on": day }));
        let attended = |part: u8| {
            ("workshop_attended", json!({ "part": part, "on": day, "arrived_late": false }))
        };
        let missed = |part: u8| {
            let members = json!({
                "part": part, "on": day, "reason": "no_show", "explanation_offered": "no",
                "repeat_from": 1,
            });
            ("workshop_missed", members)
        };
        let received = ("received", json!({}));
        let accepted = ("accepted", json!({}));
        let kinds: Vec<(&str, Value)> = match lot {
            0 => vec![received, ("declined", json!({ "reason": "no_capacity" }))],
            1 => vec![received, accepted, booked(1), attended(1), booked(2), missed(2)],
            // Marked as there by mistake, and put right.
            2 => vec![
                received,
                accepted,
                booked(1),
                attended(1),
                ("correction", json!({ "supersedes": ids[3] })),
                missed(1),
            ],
            _ => vec![
                received,
                accepted,
                booked(1),
                attended(1),
                booked(2),
                attended(2),
                ("programme_completed", json!({})),
            ],
        };
        (1..).zip(kinds).zip(ids).map(|((number, said), id)| self.say(number, said, id)).collect()
    }

    fn say(&self, number: u32, (kind, members): (&str, Value), outcome_id: Uuid) -> Said {
        let mut outcome = json!({
            "outcome_id": outcome_id, "referral_id": self.referral_id, "number": number,
            "revision_seen": self.revision, "kind": kind, "happened_on": self.today,
            "recorded_at": self.now,
        });
        if let Value::Object(members) = members {
            for (name, value) in members {
                outcome[name.as_str()] = value;
            }
        }
        let message = json!({
            "specversion": "1.0", "id": outcome_id, "source": "/providers/harbour",
            "type": type_name(Compartment::Offender), "subject": self.referral_id,
            "time": self.now, "datacontenttype": "application/json", "data": outcome,
        });
        let is_prompted = matches!(kind, "workshop_missed" | "programme_completed");
        Said { outcome_id, is_told: kind != "received", is_prompted, message }
    }
}

#[cfg(test)]
mod tests {
    use cara_domain::choice::Choice as _;
    use cara_domain::standing::CaseStanding;
    use cara_wire::outcome::{OutcomeMessage, read};

    use super::*;

    #[test]
    fn every_story_is_one_that_a_gateway_can_apply() {
        let mut next = 0;
        let mut ends = Vec::new();
        for lot in 0..8 {
            let today = jiff::civil::date(2026, 3, 7);
            let teller = Teller {
                referral_id: Uuid::from_u128(lot.into()),
                revision: 1,
                now: Timestamp::UNIX_EPOCH,
                today,
            };
            let story = teller.tell(lot, || {
                next += 1;
                Uuid::from_u128(next)
            });
            let told = story.iter().map(|said| {
                let body = said.message.to_string();
                match read(Compartment::Offender, body.as_bytes()).unwrap() {
                    OutcomeMessage::Offender(outcome) => outcome,
                    OutcomeMessage::Victim(_) => panic!("the victim's side"),
                }
            });
            let standing = CaseStanding::of(&told.collect::<Vec<_>>(), &[]);
            assert!(standing.contradictions.is_empty() && standing.gap.is_none(), "{standing:?}");
            ends.push(standing.programme.state().code());
        }
        assert_eq!(ends[..4], ["declined", "accepted", "accepted", "completed"]);
    }
}
