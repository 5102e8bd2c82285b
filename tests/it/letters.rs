//! Letters through real sockets: pushed to a force's endpoint over mutual TLS, or fetched one by
//! one; an endpoint that is down, gone or not allowed loses nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::broker::shared;
use crate::decide::{Decided, update};
use crate::delivery::endpoint::{Behaviour, Seen, Server};
use crate::fault::rounds;
use crate::patience::eventually;
use crate::record::XML;
use crate::way_back::{
    Charity, attended, booked, check_audit, missed, notices, outcome, push, told,
};
use crate::world::{ForceSystem, TestGateway, World, example, free_port};

pub const TAKEN: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
const QUEUED: &[u8] = b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n";
const GONE: &[u8] = b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n";

/// A gateway that pushes Hampshire's letters to this port.
pub fn pushing(provider: &str, port: u16) -> World {
    let to = format!("https://localhost:{port}/inbox");
    World { letters_to: Some(to), ..World::publishing(shared(), provider) }
}

/// Hampshire's endpoint, whoever it is for.
pub async fn endpoint(gateway: &TestGateway, port: u16, answer: &[u8]) -> Server {
    let own = gateway.authority.server(40);
    Server::at(port, &own, &gateway.authority.pem, Behaviour::Say(answer.to_vec())).await
}

pub fn header<'s>(seen: &'s Seen, name: &str) -> &'s str {
    let line = seen.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
    line.unwrap_or_else(|| panic!("no {name} in {}", seen.head))
}

pub async fn letters(server: &Server, count: usize) -> Vec<Seen> {
    eventually("letters", async || {
        let seen = server.seen();
        (seen.len() >= count).then_some(seen)
    })
    .await
}

async fn report(charity: &Charity, referral_id: &str, story: &[(&str, Value)]) {
    for (number, (kind, members)) in (1..).zip(story) {
        charity.report(&outcome(referral_id, number, kind, members.clone())).await;
    }
}

pub fn said(output: std::process::Output) -> String {
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8(text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_is_pushed_and_a_paused_endpoint_keeps_its_queue() {
    let port = free_port();
    let mut gateway = pushing("kiln", port).start().await;
    let force = gateway.force("hampshire");
    let referral_id = push(&force, 1).await;
    let charity = Charity::of(shared(), "kiln", "offender").await;
    let inbox = endpoint(&gateway, port, TAKEN).await;
    let story = [
        ("accepted", json!({})),
        ("workshop_booked", booked(1)),
        ("workshop_missed", missed(1, 1)),
    ];
    report(&charity, &referral_id, &story).await;
    let seen = letters(&inbox, 3).await;
    let all = told(&force, 3).await;
    for (letter, notice) in seen.iter().zip(&all) {
        assert_eq!(header(letter, "notice-id"), notice["notice_id"]);
        assert_eq!(header(letter, "notice-sequence"), notice["sequence"].to_string());
        assert_eq!(header(letter, "content-type"), "application/xml; charset=utf-8");
        assert_eq!(header(letter, "x-source-system"), "CARA");
    }
    let miss = String::from_utf8(seen[2].body.clone()).unwrap();
    assert!(miss.contains("WS-MISS") && miss.contains("21877"), "{miss}");
    // The force's declared answer is what takes a notice over; nothing is left to fetch.
    eventually("all taken over", async || {
        let all = notices(&force, 0).await;
        all.iter().all(|it| it["taken_over_at"].is_string()).then_some(())
    })
    .await;
    assert_eq!(force.get("/v1/notices/next").await.status, 204);

    // Another answer: it has arrived, and somebody has still to acknowledge it.
    drop(inbox);
    let inbox = endpoint(&gateway, port, QUEUED).await;
    charity.report(&outcome(&referral_id, 4, "uncontactable", json!({ "attempts": 3 }))).await;
    letters(&inbox, 1).await;
    let next = force.get("/v1/notices/next").await;
    assert_eq!(next.status, 200);
    assert!(next.text.contains("CON-NONE"), "{}", next.text);

    // The endpoint says of one letter that it is gone: that is the letter's. Once it says so of several
    // in a row, pushing stops, the queue stays, the operator is told.
    drop(inbox);
    let inbox = endpoint(&gateway, port, GONE).await;
    charity.report(&outcome(&referral_id, 5, "uncontactable", json!({ "attempts": 4 }))).await;
    letters(&inbox, 1).await;
    assert!(!said(gateway.command(&["delivery", "list"])).contains("paused"));
    for number in 2..4 {
        let other = push(&force, number).await;
        charity.report(&outcome(&other, 1, "accepted", json!({}))).await;
    }
    let listed = eventually("a paused endpoint", async || {
        let listed = said(gateway.command(&["delivery", "list"]));
        listed.contains("paused").then_some(listed)
    })
    .await;
    assert!(listed.contains("by gateway: several letters in a row got 410"), "{listed}");
    assert!(listed.contains("3 waiting"), "{listed}");
    assert_eq!(inbox.seen().len(), 3);
    drop(inbox);
    let inbox = endpoint(&gateway, port, TAKEN).await;
    let resume = ["delivery", "resume", "hampshire", "--because", "the force moved back"];
    assert!(said(gateway.command(&resume)).contains("resumed"));
    letters(&inbox, 3).await;
    let pause = ["delivery", "pause", "hampshire", "--because", "planned work"];
    assert!(said(gateway.command(&pause)).contains("paused"));
    charity.report(&outcome(&referral_id, 6, "returned", json!({}))).await;
    told(&force, 8).await;
    assert_eq!(inbox.seen().len(), 3, "nothing is pushed while it is paused");
    let today = jiff::Zoned::now().in_tz("Europe/London").unwrap().date().to_string();
    let day = said(gateway.command(&["reconcile", "--force", "hampshire", "--day", &today]));
    assert!(day.contains("notice_delivered: 1") && day.contains("notice_waiting: 1"), "{day}");
    assert!(said(gateway.command(&resume)).contains("resumed"));
    letters(&inbox, 4).await;
    assert!(!gateway.log().contains("WS-MISS"));
    check_audit(&mut gateway);
}

/// A mapping cannot send anything to where the settings do not let it.
#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_on_no_list_gets_nothing() {
    let (port, elsewhere) = (free_port(), free_port());
    let gateway = pushing("lark", port);
    let mut gateway = gateway.lay_out();
    let file = gateway.folder.join("mappings/hampshire/notice.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(file, text.replace(&port.to_string(), &elsewhere.to_string())).unwrap();
    gateway.spawn().await;
    let stranger = endpoint(&gateway, elsewhere, TAKEN).await;
    let force = gateway.force("hampshire");
    let referral_id = push(&force, 1).await;
    let charity = Charity::of(shared(), "lark", "offender").await;
    charity.report(&outcome(&referral_id, 1, "accepted", json!({}))).await;
    let listed = eventually("a paused endpoint", async || {
        let listed = said(gateway.command(&["delivery", "list"]));
        listed.contains("paused").then_some(listed)
    })
    .await;
    assert!(listed.contains("delivery_endpoints"), "{listed}");
    assert_eq!(stranger.connections(), 0);
    assert_eq!(told(&force, 1).await.len(), 1, "polling still works");
}

/// Forces without an endpoint fetch letters one by one, in their own format.
#[tokio::test(flavor = "multi_thread")]
async fn letters_are_fetched_one_by_one_in_the_forces_own_format() {
    let gateway = World::publishing(shared(), "moor").start().await;
    gateway.swept().await;
    let force = gateway.force("leicestershire");
    let body = example("leicestershire", "full.csv");
    let answer = force.post("text/csv", body).await;
    let referral_id =
        answer.record(0)["referral_id"].as_str().unwrap_or_else(|| panic!("{}", answer.text));
    assert_eq!(force.get("/v1/notices/next").await.status, 204);
    let charity = Charity::of(shared(), "moor", "offender").await;
    let on = "2025-11-20";
    let dated = |mut outcome: Value| {
        outcome["happened_on"] = json!(on);
        outcome
    };
    charity.report(&dated(outcome(referral_id, 1, "accepted", json!({})))).await;
    charity.report(&dated(outcome(referral_id, 2, "returned", json!({})))).await;
    let mut sequences = Vec::new();
    for _ in 0..2 {
        let (id, sequence, text) = eventually("a letter", async || fetch(&force).await).await;
        // Asked again before it is taken over, the same letter comes.
        assert_eq!(fetch(&force).await.unwrap(), (id.clone(), sequence, text.clone()));
        let lines: Vec<_> = text.lines().collect();
        assert_eq!((lines.len(), lines[0].contains(';')), (2, true), "{text}");
        sequences.push(sequence);
        let url = format!("{}/v1/notices/{id}/acknowledge", force.api);
        assert_eq!(force.client.post(url).send().await.unwrap().status(), 204);
    }
    assert_eq!(sequences, [1, 2]);
    assert_eq!(force.get("/v1/notices/next").await.status, 204);
    assert_eq!(force.get("/v1/notices/next?stream=victim").await.status, 403);
}

/// The next letter: id, number and text.
async fn fetch(force: &ForceSystem) -> Option<(String, u64, String)> {
    let answer = force.client.get(format!("{}/v1/notices/next", force.api)).send().await.unwrap();
    if answer.status() == 204 {
        return None;
    }
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "text/csv; charset=utf-8");
    let (id, sequence) = (header("notice-id"), header("notice-sequence").parse().unwrap());
    Some((id, sequence, answer.text().await.unwrap()))
}

/// kill -9 while 200 cases live through their programmes, outcomes out of order and twice, and the
/// force's endpoint down for a third of it: every programme ends completed, every notice is made
/// once and taken over with its id, each case's in order.
#[tokio::test(flavor = "multi_thread")]
async fn kill_nine_while_programmes_run_loses_and_repeats_none() {
    const CASES: u64 = 200;
    let port = free_port();
    let mut gateway = pushing("glen", port).start().await;
    let force = gateway.force("hampshire");
    let mut referrals = Vec::new();
    for number in 0..CASES {
        referrals.push(push(&force, number).await);
    }
    let charity = Charity::of(shared(), "glen", "offender").await;
    let story = [
        ("received", json!({})),
        ("accepted", json!({})),
        ("workshop_booked", booked(1)),
        ("workshop_attended", attended(1)),
        ("workshop_booked", booked(2)),
        ("workshop_attended", attended(2)),
        ("programme_completed", json!({})),
    ];
    let mut outcomes = Vec::new();
    for referral_id in &referrals {
        for (number, (kind, members)) in (1..).zip(story.clone()) {
            outcomes.push(outcome(referral_id, number, kind, members));
        }
    }
    let rounds = rounds(10);
    let per_round = outcomes.len().div_ceil(rounds);
    // Strided, so that most arrive before those with lower numbers.
    let order: Vec<usize> = (0..outcomes.len()).map(|index| index * 9 % outcomes.len()).collect();
    assert_eq!(order.iter().collect::<BTreeSet<_>>().len(), outcomes.len());
    let mut inbox = Some(endpoint(&gateway, port, TAKEN).await);
    let mut pushed: Vec<Seen> = Vec::new();
    for (round, part) in order.chunks(per_round).enumerate() {
        if round == rounds / 3 {
            pushed.extend(inbox.take().map(|inbox| inbox.seen()).unwrap());
        }
        if round == rounds * 2 / 3 {
            inbox = Some(endpoint(&gateway, port, TAKEN).await);
        }
        for index in part {
            charity.report(&outcomes[*index]).await;
            if index % 7 == 0 {
                charity.report(&outcomes[*index]).await;
            }
        }
        let on = jiff::civil::date(2025, 10, 20);
        let number = round as u64;
        let decided = Decided { number, id: "D1", on, code: "CONT", more: String::new() };
        let decision = force.post(XML, update(&decided)).await;
        assert_eq!(decision.status, 202, "{}", decision.text);
        // A different moment each round, in the middle of whatever it does.
        tokio::time::sleep(std::time::Duration::from_millis(7 * (round as u64 % 11))).await;
        gateway.kill();
        gateway.spawn().await;
    }
    let inbox = inbox.unwrap();
    let expected = referrals.len() * 6;
    let mut all = Vec::new();
    while all.len() < expected {
        let after = all.len() as u64;
        let more = eventually("notices", async || {
            let more = notices(&force, after).await;
            (!more.is_empty()).then_some(more)
        });
        all.extend(more.await);
    }
    assert_eq!(all.len(), expected);
    let sequences: Vec<_> = all.iter().map(|it| it["sequence"].as_u64().unwrap()).collect();
    assert_eq!(sequences, (1..=expected as u64).collect::<Vec<_>>());
    let waiting = eventually("every notice taken over", async || {
        let today = jiff::Zoned::now().in_tz("Europe/London").unwrap().date();
        let day = force.get(&format!("/v1/reconciliation?day={today}")).await;
        let taken = day.body["counts"]["notice_taken_over"].as_u64();
        (taken == Some(expected as u64)).then_some(day)
    });
    let day = waiting.await;
    assert_eq!(day.body["counts"]["decided"], rounds as u64);
    pushed.extend(inbox.seen());
    let ids: BTreeSet<&str> = all.iter().map(|it| it["notice_id"].as_str().unwrap()).collect();
    let arrived: BTreeSet<&str> = pushed.iter().map(|it| header(it, "notice-id")).collect();
    assert_eq!(arrived, ids, "every notice arrived, under its id");
    // The first copies of a case's letters arrived in the order of their numbers.
    let case_of: BTreeMap<&str, &str> = all
        .iter()
        .map(|it| (it["notice_id"].as_str().unwrap(), it["referral_id"].as_str().unwrap()))
        .collect();
    let (mut first, mut last) = (BTreeSet::new(), BTreeMap::new());
    for letter in &pushed {
        let id = header(letter, "notice-id");
        if !first.insert(id) {
            continue;
        }
        let sequence: u64 = header(letter, "notice-sequence").parse().unwrap();
        let before = last.insert(case_of[id], sequence);
        assert!(before.is_none_or(|before| before < sequence), "{id} overtook another");
    }
    let mut by_case: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for notice in &all {
        let case = by_case.entry(notice["referral_id"].as_str().unwrap()).or_default();
        case.push(notice["kind"].as_str().unwrap());
    }
    let told: Vec<_> = story.iter().map(|(kind, _)| *kind).skip(1).collect();
    for (referral_id, kinds) in by_case {
        assert_eq!(kinds, told, "{referral_id}");
        let page = force.get(&format!("/v1/referrals/{referral_id}")).await;
        assert_eq!(page.body["programme"], "completed");
    }
    check_audit(&mut gateway);
}
