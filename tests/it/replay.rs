//! A candidate tried on the records that are kept: how each would end, told by field and code, and by
//! value only to an operator who says why.

use cara_flow::{Operator, OrderRefusal, Unfinished};
use cara_gateway::cli::words;
use cara_wire::operators::mapping::{Candidate, Replay, Sort};

use crate::golive::{add_grade, candidate, go, with};
use crate::house::{House, operator};
use crate::record::{XML, record};

const START: &str = "2025-09-15T09:00:00Z";
const UNIT: &str = "officer.unit             = { from = \"Officer/Unit\" }\n";

/// Three records that are accepted, one that an unlisted code holds, one that lacks its deadline.
async fn five() -> House {
    let house = House::alone_at(START).await;
    for number in 1..=3 {
        house.refer(&record(number).text()).await;
    }
    house.push(XML, &record(4).unlisted().text()).await;
    house.push(XML, &record(5).faulty().text()).await;
    house
}

async fn tried(
    house: &House,
    operator: &Operator,
    asked: impl Fn(Candidate) -> Candidate,
    change: impl Fn(String) -> String,
) -> Result<Replay, Unfinished<OrderRefusal>> {
    let candidate = Candidate {
        dry_run: true,
        uncovered: Some("only tried".to_owned()),
        ..candidate(house, change).await
    };
    Ok(go(house, operator, asked(candidate)).await?.replay.unwrap())
}

/// One way in which records end, as the command says it.
type Said = (Sort, u64, String);

fn ending(sort: Sort, records: u64, words: &str) -> Said {
    (sort, records, words.to_owned())
}

fn said(replay: &Replay) -> Vec<Said> {
    replay.ends.iter().map(|it| (it.sort, it.records, words::ending(it))).collect()
}

/// What a change would make of the five, in the order in which it is told.
async fn check(change: impl Fn(String) -> String, expected: &[Said]) {
    check_candidate(|it| it, change, expected).await;
}

async fn check_candidate(
    asked: impl Fn(Candidate) -> Candidate,
    change: impl Fn(String) -> String,
    expected: &[Said],
) {
    let house = five().await;
    let replay = tried(&house, &operator(), asked, change).await.unwrap();
    assert_eq!((replay.looked_at, replay.kept), (5, 5));
    assert_eq!(said(&replay), expected);
    assert!(replay.revealed.is_empty(), "nobody asked for values");
    let accepted = replay.ends.iter().find(|it| it.sort == Sort::Accepted);
    assert_eq!(replay.now_accepted.len() as u64, accepted.map_or(0, |it| it.records));
}

#[tokio::test]
async fn a_code_that_is_listed_lets_go_what_it_held() {
    check(add_grade, &[ending(Sort::Same, 4, "same"), ending(Sort::Accepted, 1, "now accepted")])
        .await;
}

#[tokio::test]
async fn a_field_that_is_no_longer_filled_is_named() {
    check(
        |text| with(&text, UNIT, ""),
        &[ending(Sort::Same, 2, "same"), ending(Sort::Changed, 3, "changed: officer.unit")],
    )
    .await;
}

#[tokio::test]
async fn what_would_be_held_or_refused_comes_last_and_with_its_codes() {
    // The grade that the records have is taken out, and from the examples of the tests as well.
    let without_grade = |text: String| with(&text, "\"STD\"  =", "\"STX\"  =");
    let examples = |mut candidate: Candidate| {
        for bytes in candidate.files.values_mut() {
            let text = String::from_utf8(std::mem::take(bytes)).unwrap();
            *bytes = text.replace("<RiskGrade>STD<", "<RiskGrade>STX<").into_bytes();
        }
        candidate
    };
    let codes = "V201 unlisted_code risk.grade, V203 rule risk.grade";
    let still = format!("still refused, now by V101 missing caution.deadline, {codes}");
    check_candidate(
        examples,
        without_grade,
        &[
            ending(Sort::Same, 1, "same"),
            ending(Sort::Changed, 1, &still),
            ending(Sort::Stopped, 3, &format!("now held: {codes}")),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_newest_are_tried_and_it_is_said_how_many_there_are() {
    let house = House::alone_at(START).await;
    house.refer(&record(1).text()).await;
    house.pass(1);
    house.push(XML, &record(2).unlisted().text()).await;
    house.pass(1);
    house.refer(&record(3).text()).await;
    let of = async |records: u32| {
        let some = move |it| Candidate { records: Some(records), ..it };
        tried(&house, &operator(), some, add_grade).await
    };
    let (same, accepted) =
        (|count| ending(Sort::Same, count, "same"), ending(Sort::Accepted, 1, "now accepted"));
    for (records, ends) in [
        (1, vec![same(1)]),
        (2, vec![same(1), accepted.clone()]),
        (3, vec![same(2), accepted.clone()]),
        (10_000, vec![same(2), accepted.clone()]),
    ] {
        let replay = of(records).await.unwrap();
        assert_eq!((replay.looked_at, replay.kept), (records.min(3).into(), 3));
        assert_eq!(said(&replay), ends);
    }
    for records in [0, 10_001] {
        assert!(matches!(
            of(records).await,
            Err(Unfinished::Refused(OrderRefusal::Parameter { name: "records" }))
        ));
    }
}

#[tokio::test]
async fn more_records_than_one_look_holds_are_all_tried() {
    let house = House::alone_at(START).await;
    for number in 1..=60 {
        match number % 3 {
            0 => drop(house.push(XML, &record(number).unlisted().text()).await),
            _ => drop(house.refer(&record(number).text()).await),
        }
    }
    let replay = tried(&house, &operator(), |it| it, add_grade).await.unwrap();
    assert_eq!((replay.looked_at, replay.kept), (60, 60));
    assert_eq!(
        said(&replay),
        [ending(Sort::Same, 40, "same"), ending(Sort::Accepted, 20, "now accepted")]
    );
}

/// What a change shows of one record to an operator: field, old value, new value.
async fn check_reveal(
    change: impl Fn(String) -> String,
    victims: bool,
    expected: &[(&str, &str, &str)],
) {
    let house = House::alone_at(START).await;
    let referral_id = house.refer(&record(1).text()).await;
    let operator = Operator { victims, ..operator() };
    let reveal = |it| Candidate { reveal: true, ..it };
    let replay = tried(&house, &operator, reveal, change).await.unwrap();
    let shown = replay.revealed.iter();
    let shown = shown.map(|it| (&*it.field, words::revealed(&it.was), words::revealed(&it.is)));
    assert_eq!(shown.collect::<Vec<_>>(), expected);
    // Who looked at which case, and why, stands in the chain; what was seen does not.
    let facts = house.store.audit_rows(0, 1_000).await.unwrap();
    let fact = &facts.last().unwrap().fact;
    assert!(fact.contains(&referral_id.to_string()), "{fact}");
    assert!(fact.contains("consultation") && fact.contains("the export changed"), "{fact}");
    for (_, was, is) in expected {
        assert!(!fact.contains(was) && !fact.contains(is), "{fact}");
    }
}

const HUB: &str = "Eastern Harm Reduction Hub";

#[tokio::test]
async fn values_are_shown_to_an_operator_who_says_why() {
    for victims in [false, true] {
        check_reveal(|text| with(&text, UNIT, ""), victims, &[("officer.unit", HUB, "(nothing)")])
            .await;
        let shouted = UNIT.replace(" }", ", apply = [\"upper case\"] }");
        let unit = ("officer.unit", HUB, "EASTERN HARM REDUCTION HUB");
        check_reveal(|text| with(&text, UNIT, &shouted), victims, &[unit]).await;
    }
}

#[tokio::test]
async fn nothing_of_the_victim_is_shown_to_an_operator_who_may_not_see_her() {
    let word = "safe_contact.code_word      = { from = \"SafeContact/CodeWord\" }\n";
    let field = "victim.safe_contact.code_word";
    let without = |text: String| with(&text, word, "");
    check_reveal(without, true, &[(field, "marigold", "(nothing)")]).await;
    check_reveal(without, false, &[(field, "(masked)", "(masked)")]).await;
    // Nor by a draft that reads it into another field.
    let her = UNIT.replace("Officer/Unit", "//Person[@role='VICTIM']/Surname");
    let moved = |text: String| with(&text, UNIT, &her);
    check_reveal(moved, true, &[("officer.unit", HUB, "ASHDOWN-VANE")]).await;
    check_reveal(moved, false, &[("officer.unit", HUB, "(masked)")]).await;
}
