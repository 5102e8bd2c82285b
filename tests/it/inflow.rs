//! What a provider may send costs the gateway a bounded part of its memory and nobody else his pace;
//! a broker or a store that hangs in the middle loses no report and has none applied twice.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use lapin::options::{BasicAckOptions, BasicGetOptions};
use lapin::{Connection, ConnectionProperties};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::broker::{Broker, Wishes};
use crate::outcomes::{applied, bad, concern_told, incident, incidents, reads, with_settings};
use crate::patience::eventually;
use crate::way_back::{Charity, booked, notices, outcome, push, told};
use crate::world::{ForceSystem, TestGateway, World, example};

const MIB: usize = 1 << 20;

fn send(signal: Signal, pid: i32) {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal).unwrap();
}

/// A figure of the process's memory, in bytes.
fn memory(gateway: &TestGateway, name: &str) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", gateway.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_matches([':', ' ', '\t']).strip_suffix(" kB").unwrap().parse::<usize>().unwrap() << 10
}

/// Every answer on the provider's rejected queue so far, by what it answers: its ids.
async fn answers(broker: &Broker) -> BTreeMap<String, Vec<String>> {
    let properties = ConnectionProperties::default();
    let url = broker.url("harbour-intake", "harbour");
    let connection = Connection::connect(&url, properties).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let queue = || "cara.rejected.harbour".into();
    while let Some(message) = channel.basic_get(queue(), BasicGetOptions::default()).await.unwrap()
    {
        let body: Value = serde_json::from_slice(&message.delivery.data).unwrap();
        let of = body["data"]["outcome_id"].as_str().unwrap_or_default().to_owned();
        found.entry(of).or_default().push(body["id"].as_str().unwrap().to_owned());
        message.delivery.ack(BasicAckOptions::default()).await.unwrap();
    }
    found
}

async fn rejected(gateway: &TestGateway, count: usize) {
    let line = "cara_outcomes_total{provider=\"harbour\",status=\"rejected\"}";
    eventually("rejections", async || {
        let page = gateway.metrics().await;
        let line = page.lines().find(|it| it.starts_with(line));
        let now = line.and_then(|it| it.rsplit(' ').next()?.parse::<usize>().ok());
        (now >= Some(count)).then_some(())
    })
    .await;
}

/// Messages of 1 MiB and of 32 MiB, which the broker takes and hands out eight at a time.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_large_messages_takes_a_bounded_part_of_the_memory_and_each_is_answered() {
    let broker = Broker::start(Wishes::default());
    let gateway = World::publishing(&broker, "harbour").start().await;
    let force = gateway.force("hampshire");
    let referral_id = push(&force, 1).await;
    reads(&gateway).await;
    let charity = Charity::of(&broker, "harbour", "offender").await;
    // From here on the highest that is seen is the flood's.
    std::fs::write(format!("/proc/{}/clear_refs", gateway.pid()), "5").unwrap();
    let before = memory(&gateway, "VmRSS");
    let (large, huge) = (vec![b' '; MIB], vec![b' '; 32 * MIB]);
    for round in 0..10 {
        for _ in 0..10 {
            charity.say(&large, Some("harbour-intake")).await;
        }
        if round % 2 == 0 {
            charity.say(&huge, Some("harbour-intake")).await;
            charity.say(&huge, Some("harbour-intake")).await;
        }
    }
    // The last of them come all at once.
    send(Signal::SIGSTOP, i32::try_from(gateway.pid()).unwrap());
    for _ in 0..40 {
        charity.say(&large, Some("harbour-intake")).await;
    }
    send(Signal::SIGCONT, i32::try_from(gateway.pid()).unwrap());
    charity.report(&outcome(&referral_id, 1, "accepted", json!({}))).await;
    told(&force, 1).await;
    rejected(&gateway, 150).await;
    let peak = memory(&gateway, "VmHWM");
    println!("{} MiB before, {} MiB at most", before / MIB, peak / MIB);
    assert!(peak < before + 64 * MIB, "{} MiB, {} before", peak / MIB, before / MIB);
    assert!(bad(&gateway).await.is_none());
}

/// The broker stands still for so long that its connections are given up, with reports and answers
/// on their way.
#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_stands_still_in_the_middle_loses_nothing_and_nothing_is_applied_twice() {
    const CASES: u64 = 60;
    let broker = Broker::start(Wishes::default());
    let gateway = World::publishing(&broker, "harbour").start().await;
    let force = gateway.force("hampshire");
    let mut referrals = Vec::new();
    for number in 0..CASES {
        referrals.push(push(&force, number).await);
    }
    reads(&gateway).await;
    let charity = Charity::of(&broker, "harbour", "offender").await;
    let wrong: Vec<_> =
        (0..300).map(|_| outcome(&Uuid::now_v7().to_string(), 1, "accepted", json!({}))).collect();
    let right: Vec<_> = referrals.iter().map(|id| outcome(id, 1, "accepted", json!({}))).collect();
    let all = wrong.iter().chain(&right);
    futures_util::future::join_all(all.map(|one| charity.report(one))).await;
    // Some are done, and many are not.
    eventually("it reads", async || (applied(&gateway).await > 0).then_some(())).await;
    send(Signal::SIGSTOP, broker.pid());
    let stopped = Instant::now();
    while bad(&gateway).await.is_none() && applied(&gateway).await < CASES {
        assert!(stopped.elapsed() < Duration::from_secs(60), "nobody noticed");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!("noticed after {:?}", stopped.elapsed());
    send(Signal::SIGCONT, broker.pid());
    told(&force, CASES as usize).await;
    reads(&gateway).await;
    let mut answered: BTreeMap<String, Vec<String>> = BTreeMap::new();
    eventually("every answer", async || {
        for (of, ids) in answers(&broker).await {
            answered.entry(of).or_default().extend(ids);
        }
        (answered.len() >= wrong.len()).then_some(())
    })
    .await;
    for wrong in &wrong {
        let ids = &answered[wrong["outcome_id"].as_str().unwrap()];
        assert!(ids.iter().all(|id| *id == ids[0]), "two answers to one report");
    }
    assert_eq!(answered.len(), wrong.len());
    // Reading goes on, and each was told once.
    let charity = Charity::of(&broker, "harbour", "offender").await;
    charity.report(&outcome(&referrals[0], 2, "workshop_booked", booked(1))).await;
    assert_eq!(told(&force, CASES as usize + 1).await.len(), CASES as usize + 1);
}

/// The queue is deleted and there again at once: the broker has cancelled the reading, and nothing else
/// tells of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_reading_that_the_broker_cancelled_begins_again() {
    let broker = Broker::start(Wishes::default());
    let gateway = World::publishing(&broker, "harbour").start().await;
    let force = gateway.force("hampshire");
    let referral_id = push(&force, 1).await;
    reads(&gateway).await;
    let file = broker.definitions();
    for number in 1..=3 {
        broker.control(&["delete_queue", "-p", "cara.harbour", "cara.outcomes.harbour"]);
        broker.control(&["import_definitions", &file.display().to_string()]);
        let charity = Charity::of(&broker, "harbour", "offender").await;
        let report = outcome(&referral_id, number, "uncontactable", json!({ "attempts": number }));
        charity.report(&report).await;
        told(&force, number as usize).await;
    }
}

/// Another process holds the store's lock while reports come.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_hangs_holds_reports_back_and_loses_none() {
    let broker = Broker::start(Wishes::default());
    let gateway = World::publishing(&broker, "harbour").start().await;
    let force = gateway.force("hampshire");
    let referral_id = push(&force, 1).await;
    reads(&gateway).await;
    let charity = Charity::of(&broker, "harbour", "offender").await;
    let lock = rusqlite::Connection::open(gateway.folder.join("gateway.db")).unwrap();
    lock.busy_timeout(Duration::from_secs(30)).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    for number in 1..=30 {
        let report = outcome(&referral_id, number, "uncontactable", json!({ "attempts": number }));
        charity.report(&report).await;
    }
    let nobody = outcome(&Uuid::now_v7().to_string(), 1, "accepted", json!({}));
    charity.report(&nobody).await;
    let named = eventually("it is named", async || bad(&gateway).await).await;
    assert!(named.contains("store cannot commit"), "{named}");
    assert_eq!(applied(&gateway).await, 0);
    lock.execute_batch("ROLLBACK").unwrap();
    drop(lock);
    let all = told(&force, 30).await;
    let sequences: Vec<_> = all.iter().map(|it| it["sequence"].as_u64().unwrap()).collect();
    assert_eq!(sequences, (1..=30).collect::<Vec<_>>());
    rejected(&gateway, 1).await;
    let answered =
        eventually("the answer", async || Some(answers(&broker).await).filter(|it| !it.is_empty()));
    assert_eq!(answered.await[nobody["outcome_id"].as_str().unwrap()].len(), 1);
    reads(&gateway).await;
}

/// The median from one report to its notice, one after the other.
async fn pace(
    charity: &Charity,
    force: &ForceSystem,
    id: &str,
    numbers: std::ops::Range<u32>,
) -> Duration {
    let mut took = Vec::new();
    for number in numbers {
        let mut report = outcome(id, number, "uncontactable", json!({ "attempts": 3 }));
        report["happened_on"] = json!("2025-11-20");
        let said = Instant::now();
        charity.report(&report).await;
        while notices(force, u64::from(number) - 1).await.is_empty() {
            assert!(said.elapsed() < Duration::from_secs(30), "report {number} is not told");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        took.push(said.elapsed());
    }
    took.sort();
    took[took.len() / 2]
}

/// One provider floods its queues with reports that are rejected; another's go at their pace meanwhile,
/// and of the flooding one a concern and a risk that is raised to high are told first.
#[tokio::test(flavor = "multi_thread")]
async fn a_providers_flood_costs_another_nothing_and_its_own_urgent_reports_go_first() {
    const FLOOD: usize = 6_000;
    let broker = Broker::start(Wishes::default());
    let mut gateway = World::publishing(&broker, "harbour").lay_out();
    with_settings(&gateway, |text| {
        let one = "[[provider]]\nslug = \"harbour\"\n";
        let midlands = "slug = \"west-midlands\"\ncode = \"20\"\nprovider = ";
        text.replace(one, &format!("{one}[[provider]]\nslug = \"beacon\"\n"))
            .replace(&format!("{midlands}\"harbour\""), &format!("{midlands}\"beacon\""))
    });
    gateway.spawn().await;
    let (force, other) = (gateway.force("hampshire"), gateway.force("west-midlands"));
    let referral_id = push(&force, 1).await;
    let taken = other.post("application/json", example("west-midlands", "full.json")).await;
    let others_id = taken.record(0)["referral_id"].as_str().unwrap().to_owned();
    reads(&gateway).await;
    let beacon = Charity::of(&broker, "beacon", "offender").await;
    let alone = pace(&beacon, &other, &others_id, 1..31).await;

    let harbour = Charity::of(&broker, "harbour", "victim").await;
    let nothing = |_| outcome(&Uuid::now_v7().to_string(), 1, "nonsense", json!({}));
    let flood: Vec<_> = (0..FLOOD).map(nothing).collect();
    let flooding = async {
        for part in flood.chunks(500) {
            futures_util::future::join_all(part.iter().map(|one| harbour.report(one))).await;
        }
        harbour.report(&outcome(&referral_id, 1, "safeguarding_concern", json!({}))).await;
        let high = outcome(&referral_id, 2, "victim_risk_changed", json!({ "grade": "high" }));
        harbour.report(&high).await;
        let said = Instant::now();
        concern_told(&gateway).await;
        let unit = gateway.with(&gateway.authority.client("victims.hampshire.example", 300));
        eventually("the risk", async || {
            let page = unit.get("/v1/notices?stream=victim").await;
            page.text.contains("victim_risk_changed").then_some(())
        })
        .await;
        said.elapsed()
    };
    let beside = pace(&beacon, &other, &others_id, 31..61);
    let (urgent, beside) = tokio::join!(flooding, beside);
    println!("alone {alone:?}, beside {beside:?}; urgent told {urgent:?} after the flood");
    assert!(incidents(&gateway).contains("provider_flood"), "the flood is over too early");
    incident(&gateway, "provider_rejections", true).await;
    // The flood's writing and this test's own share the machine's processors; 3,000 in line would
    // take minutes.
    assert!(beside < alone * 4 + Duration::from_millis(200), "alone {alone:?}, beside {beside:?}");
    assert!(urgent < Duration::from_secs(6), "{urgent:?}");
}
