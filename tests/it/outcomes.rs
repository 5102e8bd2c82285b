//! Reading what providers report goes on, whatever happens to a queue, a message or another provider.

use std::time::Instant;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::broker::{Broker, Wishes, shared};
use crate::patience::eventually;
use crate::way_back::{Charity, notices, outcome, push, told};
use crate::world::{TestGateway, World, example, plain_client};

/// The text of a part of `/readyz`; none while it is good.
pub async fn bad(gateway: &TestGateway) -> Option<String> {
    let ready = format!("{}/readyz", gateway.internal);
    let answer = plain_client().get(&ready).send().await.unwrap().text().await.unwrap();
    let parts: Value = serde_json::from_str(&answer).unwrap();
    let mut parts = parts["parts"].as_array().unwrap().iter();
    let outcomes = parts.find(|part| part["name"] == "outcomes").unwrap();
    (outcomes["good"] != true).then(|| outcomes.to_string())
}

pub async fn reads(gateway: &TestGateway) {
    eventually("outcomes are read", async || bad(gateway).await.is_none().then_some(())).await;
}

/// The incidents that are open, as the command prints them.
pub fn incidents(gateway: &TestGateway) -> String {
    String::from_utf8(gateway.command(&["incident", "list"]).stdout).unwrap()
}

pub async fn incident(gateway: &TestGateway, kind: &str, is_open: bool) {
    eventually(kind, async || (incidents(gateway).contains(kind) == is_open).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_is_deleted_is_declared_again_and_one_that_may_not_be_stops_its_side_alone() {
    let broker = Broker::start(Wishes::default());
    let gateway = World::publishing(&broker, "harbour").start().await;
    let force = gateway.force("hampshire");
    let referral_id = push(&force, 1).await;
    reads(&gateway).await;
    let vhost = "cara.harbour";
    broker.control(&["delete_queue", "-p", vhost, "cara.outcomes.harbour"]);
    eventually("it is named", async || {
        gateway.log().contains("is not read any more").then_some(())
    })
    .await;
    reads(&gateway).await;
    let charity = Charity::of(&broker, "harbour", "offender").await;
    charity.report(&outcome(&referral_id, 1, "accepted", json!({}))).await;
    told(&force, 1).await;

    // The gateway may not configure any more, so the queue stays away; the other side goes on.
    let gateway_user = "cara-gateway";
    broker.control(&["set_permissions", "-p", vhost, gateway_user, "^$", r"^cara\.", r"^cara\."]);
    broker.control(&["delete_queue", "-p", vhost, "cara.outcomes.harbour"]);
    let named = eventually("the side is named", async || bad(&gateway).await).await;
    assert!(named.contains("harbour: offender: "), "{named}");
    incident(&gateway, "outcomes_unread", true).await;
    broker.control(&[
        "set_permissions",
        "-p",
        vhost,
        gateway_user,
        r"^cara\.",
        r"^cara\.",
        r"^cara\.",
    ]);
    reads(&gateway).await;
    incident(&gateway, "outcomes_unread", false).await;
    charity.report(&outcome(&referral_id, 2, "workshop_booked", crate::way_back::booked(1))).await;
    told(&force, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_was_deleted_while_nobody_was_connected_is_told() {
    let broker = Broker::start(Wishes::default());
    let gateway = World::publishing(&broker, "harbour").start().await;
    reads(&gateway).await;
    let vhost = "cara.harbour";
    broker.control(&["close_all_connections", "-p", vhost, "a test"]);
    reads(&gateway).await;
    assert!(!incidents(&gateway).contains("layout_missing"), "nothing was gone");
    broker.control(&["delete_queue", "-p", vhost, "cara.intake.harbour"]);
    broker.control(&["close_all_connections", "-p", vhost, "a test"]);
    incident(&gateway, "layout_missing", true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_that_the_broker_cancels_is_begun_anew() {
    let (broker, provider) = (shared(), "slate");
    let gateway = World::publishing(broker, provider).start().await;
    let force = gateway.force("hampshire");
    let referral_id = push(&force, 1).await;
    reads(&gateway).await;
    broker.cancel_reading(provider, "outcomes");
    incident(&gateway, "layout_missing", true).await;
    assert!(gateway.log().contains("the broker cancelled the reading"), "{}", gateway.log());
    reads(&gateway).await;
    let charity = Charity::of(broker, provider, "offender").await;
    charity.report(&outcome(&referral_id, 1, "accepted", json!({}))).await;
    told(&force, 1).await;
}

/// Waits until the victim unit of Hampshire has a concern among its notices.
pub async fn concern_told(gateway: &TestGateway) {
    let unit = gateway.with(&gateway.authority.client("victims.hampshire.example", 300));
    eventually("the concern", async || {
        let page = unit.get("/v1/notices?stream=victim").await;
        page.text.contains("safeguarding_concern").then_some(())
    })
    .await;
}

/// Outcomes that were stored, of whichever provider.
pub async fn applied(gateway: &TestGateway) -> u64 {
    let metrics = gateway.metrics().await;
    let lines = metrics.lines().filter(|line| line.starts_with("cara_outcomes_total{"));
    let stored = |line: &&str| {
        ["applied", "waits", "contradicts"].iter().any(|it| line.contains(&format!("\"{it}\"")))
    };
    lines.filter(stored).filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

/// Changes `gateway.toml` before the gateway starts.
pub fn with_settings(gateway: &TestGateway, change: impl FnOnce(String) -> String) {
    let file = gateway.folder.join("gateway.toml");
    let text = change(std::fs::read_to_string(&file).unwrap());
    std::fs::write(file, text).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_concern_behind_a_flood_is_told_at_once_and_the_audit_does_not_grow_with_the_flood() {
    let (broker, provider) = (Broker::start(Wishes::default()), "harbour");
    let mut gateway = World::publishing(&broker, provider).start().await;
    let force = gateway.force("hampshire");
    let referral_id = push(&force, 1).await;
    reads(&gateway).await;
    let charity = Charity::of(&broker, provider, "victim").await;
    let flood = (0..2_000).map(|_| outcome(&Uuid::now_v7().to_string(), 1, "nonsense", json!({})));
    let flood: Vec<_> = flood.collect();
    futures_util::future::join_all(flood.iter().map(|one| charity.report(one))).await;
    // Its number is wrong as well: it is told all the same.
    let mut concern = outcome(&referral_id, 1, "safeguarding_concern", json!({}));
    concern["revision_seen"] = json!(7);
    charity.report(&concern).await;
    let said = Instant::now();
    concern_told(&gateway).await;
    println!("told {:?} after it was said behind 2,000", said.elapsed());
    let other = Charity::of(&broker, provider, "offender").await;
    other.report(&outcome(&referral_id, 1, "accepted", json!({}))).await;
    told(&force, 1).await;
    incident(&gateway, "provider_flood", true).await;
    incident(&gateway, "provider_rejections", true).await;
    let started = Instant::now();
    while incidents(&gateway).contains("provider_flood") {
        assert!(started.elapsed().as_secs() < 120, "the flood's incident does not close");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    gateway.stop();
    let store = rusqlite::Connection::open(gateway.folder.join("gateway.db")).unwrap();
    let rows = "SELECT count(*) FROM audit WHERE fact LIKE '%rejected outcome%'";
    let rows: u64 = store.query_row(rows, [], |row| row.get(0)).unwrap();
    assert!(rows < 100, "{rows} audit rows for 2,001 rejections");
}

#[tokio::test(flavor = "multi_thread")]
async fn good_reports_beyond_the_quota_wait_in_their_queue_while_others_go_on() {
    let (broker, provider) = (Broker::start(Wishes::default()), "harbour");
    let mut gateway = World::publishing(&broker, provider).lay_out();
    broker.admit("beacon");
    with_settings(&gateway, |text| {
        let one = "[[provider]]\nslug = \"harbour\"\n";
        let both = format!("{one}outcomes_per_minute_max = 60\n[[provider]]\nslug = \"beacon\"\n");
        let midlands = "slug = \"west-midlands\"\ncode = \"20\"\nprovider = ";
        let (own, others) = (format!("{midlands}\"harbour\""), format!("{midlands}\"beacon\""));
        assert!(text.contains(one) && text.contains(&own));
        text.replace(one, &both).replace(&own, &others)
    });
    gateway.spawn().await;
    let (force, other) = (gateway.force("hampshire"), gateway.force("west-midlands"));
    let referral_id = push(&force, 1).await;
    let taken = other.post("application/json", example("west-midlands", "full.json")).await;
    let others_id = taken.record(0)["referral_id"].as_str().unwrap().to_owned();
    reads(&gateway).await;
    let charity = Charity::of(&broker, provider, "victim").await;
    let status = || json!({ "status": "reached" });
    for number in 1..=100 {
        charity.report(&outcome(&referral_id, number, "victim_contact_status", status())).await;
    }
    charity.report(&outcome(&referral_id, 101, "safeguarding_concern", json!({}))).await;
    concern_told(&gateway).await;
    incident(&gateway, "provider_flood", true).await;
    let then = applied(&gateway).await;
    assert!(then < 101, "the quota held nothing back: {then}");
    // Its other side, and another provider while the first one's other queue is gone, go on.
    broker.control(&[
        "set_permissions",
        "-p",
        "cara.harbour",
        "cara-gateway",
        "^$",
        r"^cara\.",
        r"^cara\.",
    ]);
    broker.control(&["delete_queue", "-p", "cara.harbour", "cara.outcomes.harbour"]);
    eventually("it is named", async || bad(&gateway).await).await;
    let beacon = Charity::of(&broker, "beacon", "offender").await;
    let mut accepted = outcome(&others_id, 1, "accepted", json!({}));
    accepted["happened_on"] = json!("2025-11-20");
    beacon.report(&accepted).await;
    eventually("another provider's outcome", async || {
        let told = notices(&other, 0).await;
        told.iter().any(|notice| notice["kind"] == "accepted").then_some(())
    })
    .await;
    assert!(incidents(&gateway).contains("provider_flood"), "the flood is over too early");
    // All of it is applied at last, and nothing was set aside.
    let started = Instant::now();
    while applied(&gateway).await < 102 {
        assert!(started.elapsed().as_secs() < 180, "{} applied", applied(&gateway).await);
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    let queues = broker.control(&["list_queues", "-p", "cara.harbour", "name", "messages"]);
    let dead = "cara.victim_outcomes.harbour.dead\t0";
    assert!(queues.contains(dead), "{queues}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_makes_us_fail_is_set_aside_and_the_others_are_applied() {
    let broker = Broker::start(Wishes::default());
    let mut gateway = World::publishing(&broker, "harbour").lay_out();
    let fatal = Uuid::from_u128(7).to_string();
    gateway.spawn_with(&[("CARA_PANIC_AT", &fatal)]).await;
    let force = gateway.force("hampshire");
    let referral_id = push(&force, 1).await;
    reads(&gateway).await;
    let charity = Charity::of(&broker, "harbour", "offender").await;
    charity.report(&outcome(&fatal, 1, "accepted", json!({}))).await;
    charity.report(&outcome(&referral_id, 1, "accepted", json!({}))).await;
    told(&force, 1).await;
    eventually("it is set aside", async || {
        let listed = gateway.command(&["dead", "list"]).stdout;
        String::from_utf8(listed).unwrap().contains("cara.outcomes.harbour").then_some(())
    })
    .await;
    incident(&gateway, "entry_fault", true).await;
    assert!(bad(&gateway).await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_reported_for_a_force_that_left_the_settings_is_applied() {
    let broker = Broker::start(Wishes::default());
    let mut gateway = World::publishing(&broker, "harbour").start().await;
    let referral_id = push(&gateway.force("hampshire"), 1).await;
    assert!(gateway.stop().success());
    with_settings(&gateway, |text| {
        let from = text.find("[[force]]").unwrap();
        let to = from + 1 + text[from + 1..].find("[[force]]").unwrap();
        assert!(text[from..to].contains("hampshire"));
        format!("{}{}", &text[..from], &text[to..])
    });
    gateway.spawn().await;
    reads(&gateway).await;
    let charity = Charity::of(&broker, "harbour", "offender").await;
    charity.report(&outcome(&referral_id, 1, "accepted", json!({}))).await;
    eventually("it is applied", async || (applied(&gateway).await == 1).then_some(())).await;
}
