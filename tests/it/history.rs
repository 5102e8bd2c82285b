//! Generated histories of one case: up to 40 outcomes and decisions in any order, with replays and
//! corrections, and a gateway that is started anew between any two of them. Equal facts give equal
//! state, each cause makes one notice, and numbers have no gap.

use cara_domain::Compartment;
use std::collections::{BTreeMap, BTreeSet};

use cara_domain::outcome::Outcome;
use cara_domain::standing::CaseStanding;
use cara_flow::Gateway;
use cara_flow::case::referral;
use cara_wire::outcome::{OutcomeMessage, read};
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::decide::{Decided, update};
use crate::house::{House, caller};
use crate::record::{XML, record};

const START: &str = "2025-10-15T09:00:00Z";
const DAY: &str = "2025-10-04";

/// What becomes of a case: what the provider reports, in its numbers' order, and what police decide.
#[derive(Clone, Debug)]
struct History {
    /// Kind, workshop, and how far back a correction reaches.
    outcomes: Vec<(usize, u8, usize)>,
    /// Each on a day of its own: ids, which break a tie, are other ones in every gateway.
    decisions: Vec<usize>,
}

/// How the facts of a history arrive.
#[derive(Clone, Debug)]
struct Arrival {
    /// Sorts the facts.
    order: Vec<u32>,
    /// Facts that come a second time.
    replayed: Vec<bool>,
    /// Facts before which the gateway is started anew.
    restarts: Vec<bool>,
}

const KINDS: [&str; 12] = [
    "received",
    "accepted",
    "workshop_booked",
    "workshop_attended",
    "workshop_booked",
    "workshop_attended",
    "workshop_missed",
    "programme_completed",
    "uncontactable",
    "non_compliance_reported",
    "correction",
    "declined",
];

const DECISIONS: [&str; 6] = ["CONT", "VARY", "PROS", "NFA", "WDRN", "ERR"];

fn history() -> impl Strategy<Value = History> {
    // An ordinary beginning, so that a good part of what follows fits.
    let ordinary =
        Just(vec![(0, 1, 0), (1, 1, 0), (2, 1, 0), (3, 1, 0), (4, 2, 0), (5, 2, 0), (7, 1, 0)]);
    let odd = prop::collection::vec((0..KINDS.len(), 1u8..3, 1usize..6), 0..24);
    let outcomes = (ordinary, 0usize..8, odd).prop_map(|(mut outcomes, kept, odd)| {
        outcomes.truncate(kept);
        outcomes.extend(odd);
        outcomes
    });
    let decisions = prop::collection::vec(0..DECISIONS.len(), 0..9);
    (outcomes, decisions).prop_map(|(outcomes, decisions)| History { outcomes, decisions })
}

fn arrival() -> impl Strategy<Value = Arrival> {
    let flags = |share| prop::collection::vec(prop::bool::weighted(share), 40);
    (prop::collection::vec(any::<u32>(), 40), flags(0.2), flags(0.06))
        .prop_map(|(order, replayed, restarts)| Arrival { order, replayed, restarts })
}

/// A fact as it is sent.
#[derive(Clone)]
enum Fact {
    Outcome(Value),
    Decision(String),
}

fn facts(history: &History, referral_id: Uuid) -> Vec<Fact> {
    let outcome_id = |index: usize| Uuid::from_u128(0x1000 + index as u128);
    let outcome = |index: usize, (kind, part, back): (usize, u8, usize)| {
        let members = match KINDS[kind] {
            "workshop_booked" => json!({ "part": part, "on": DAY }),
            "workshop_attended" => json!({ "part": part, "on": DAY, "arrived_late": false }),
            "workshop_missed" => json!({
                "part": part, "on": DAY, "reason": "no_show", "explanation_offered": "no",
                "repeat_from": 1,
            }),
            "uncontactable" => json!({ "attempts": 2 }),
            "non_compliance_reported" => json!({ "facts": ["workshops_missed"] }),
            "correction" => json!({ "supersedes": outcome_id(index.saturating_sub(back)) }),
            "declined" => json!({ "reason": "not_suitable" }),
            _ => json!({}),
        };
        let mut outcome = json!({
            "outcome_id": outcome_id(index), "referral_id": referral_id, "number": index + 1,
            "revision_seen": 1, "kind": KINDS[kind], "happened_on": DAY,
            "recorded_at": "2025-10-04T16:00:00Z",
        });
        for (name, value) in members.as_object().unwrap() {
            outcome[name] = value.clone();
        }
        Fact::Outcome(outcome)
    };
    let decision = |index: usize, code: usize| {
        let id: &'static str = ["A", "B", "C", "D", "E", "F", "G", "H", "I"][index];
        let deadline = format!("<NewDeadline>{:02}/01/2026</NewDeadline>", index + 1);
        let more = if DECISIONS[code] == "VARY" { deadline } else { String::new() };
        // The first that was taken is not the first that is sent.
        let on = jiff::civil::date(2025, 10, 5 + (index * 4 % 9) as i8);
        Fact::Decision(update(&Decided { number: 1, id, on, code: DECISIONS[code], more }))
    };
    // A first outcome takes nothing back.
    let outcomes = history.outcomes.iter().enumerate().map(|(index, said)| match (index, *said) {
        (0, (_, part, back)) => outcome(0, (0, part, back)),
        (index, said) => outcome(index, said),
    });
    let decisions = history.decisions.iter().enumerate().map(|(index, it)| decision(index, *it));
    outcomes.chain(decisions).collect()
}

async fn live(history: &History, arrival: &Arrival) -> (House, Uuid) {
    let mut house = House::at(START).await;
    let referral_id = house.refer(&record(1).text()).await;
    let mut facts: Vec<(usize, Fact)> =
        facts(history, referral_id).into_iter().enumerate().collect();
    facts.sort_by_key(|(index, _)| arrival.order[*index]);
    for (place, (index, fact)) in facts.iter().enumerate() {
        if arrival.restarts[place] {
            house.restart().await;
        }
        send(&house, fact).await;
        if arrival.replayed[*index] {
            send(&house, fact).await;
        }
    }
    // Whatever came too early to be taken comes again: a provider answers a rejection.
    for (_, fact) in &facts {
        send(&house, fact).await;
    }
    (house, referral_id)
}

async fn send(house: &House, fact: &Fact) {
    match fact {
        Fact::Outcome(outcome) => drop(house.say(outcome).await),
        Fact::Decision(body) => {
            let answer = house.push(XML, body).await;
            assert!(answer.records[0].decision_id.is_some(), "{answer:?}");
        }
    }
}

async fn standing(gateway: &Gateway, id: Uuid) -> (String, String) {
    let view = referral::referral(gateway, &caller(), id).await.unwrap();
    (view.programme, view.caution)
}

/// Outcomes that stand at the end and that the force is told of, by a fold of the test's own.
fn to_be_told(facts: &[Fact]) -> BTreeSet<Uuid> {
    let outcomes: Vec<Outcome> = facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::Outcome(outcome) => {
                let message = json!({
                    "specversion": "1.0", "id": outcome["outcome_id"],
                    "type": "uk.cara.outcome.v1", "data": outcome,
                });
                match read(Compartment::Offender, message.to_string().as_bytes()).unwrap() {
                    OutcomeMessage::Offender(outcome) => Some(outcome),
                    OutcomeMessage::Victim(_) => None,
                }
            }
            Fact::Decision(_) => None,
        })
        .collect();
    let folded = CaseStanding::of(&outcomes, &[]);
    assert_eq!(folded.gap, None);
    outcomes
        .iter()
        .filter(|it| !folded.contradictions.contains_key(&it.outcome_id))
        .filter(|it| !matches!(it.report.kind(), "received" | "closed"))
        .map(|it| it.outcome_id)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 60, ..ProptestConfig::default() })]

    #[test]
    fn equal_facts_give_equal_state_whatever_came_between(
        history in history(),
        one in arrival(),
        other in arrival(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut states = Vec::new();
            for arrival in [&one, &other] {
                let (house, referral_id) = live(&history, arrival).await;
                let notices = house.notices().await;
                let numbers: Vec<u64> = notices.iter().map(|it| it.sequence).collect();
                prop_assert_eq!(&numbers, &(1..=numbers.len() as u64).collect::<Vec<_>>());
                let mut causes: BTreeMap<(String, Uuid), u32> = BTreeMap::new();
                for notice in &notices {
                    let cause = notice.content.evidence_ref.unwrap();
                    *causes.entry((notice.kind.clone(), cause)).or_default() += 1;
                }
                prop_assert!(causes.values().all(|count| *count == 1), "{causes:?}");
                let told: BTreeSet<Uuid> = causes.keys().map(|(_, cause)| *cause).collect();
                let expected = to_be_told(&facts(&history, referral_id));
                prop_assert!(expected.is_subset(&told), "{:?}", expected.difference(&told));
                states.push(standing(&house.gateway, referral_id).await);
            }
            prop_assert_eq!(&states[0], &states[1]);
            Ok(())
        })?;
    }
}
