//! What a force's supplier may rely on, as docs/delivery.md says it: numbers and order of letters
//! while one is refused, after an endpoint was down, after a kill; and that neither a letter nor a
//! force's endpoint holds up any other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::broker::shared;
use crate::delivery::endpoint::{Behaviour, Seen, Server};
use crate::letters::{TAKEN, endpoint, header, letters, pushing, said};
use crate::patience::eventually;
use crate::refused::{REFUSED, incident, picky, text};
use crate::way_back::{Charity, attended, booked, notices, outcome, push, told};
use crate::world::{ForceSystem, TestGateway, example, free_port};

fn number(letter: &Seen) -> u64 {
    header(letter, "notice-sequence").parse().unwrap()
}

/// The endpoint of a test that chooses for each letter; nothing: no answer until the other goes.
async fn choosing(
    gateway: &TestGateway,
    port: u16,
    choose: impl Fn(&Seen) -> &'static [u8] + Send + Sync + 'static,
) -> Server {
    let own = gateway.authority.server(40);
    let behaviour = Behaviour::Choose(Arc::new(move |seen: &Seen| choose(seen).to_vec()));
    Server::at(port, &own, &gateway.authority.pem, behaviour).await
}

fn change(gateway: &TestGateway, file: &str, from: &str, to: &str) {
    let file = gateway.folder.join(file);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(from), "{from} in {}", file.display());
    std::fs::write(file, text.replace(from, to)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_letter_is_a_gap_in_the_numbers_and_comes_within_a_minute_of_the_mend() {
    let port = free_port();
    let gateway = pushing("nook", port).start().await;
    let force = gateway.force("hampshire");
    let charity = Charity::of(shared(), "nook", "offender").await;
    let is_picked = |text: &str| text.contains("44000000505");
    let (inbox, at_fault) = picky(&gateway, port, REFUSED, is_picked).await;
    for number in 501..517 {
        let referral_id = push(&force, number).await;
        charity.report(&outcome(&referral_id, 1, "accepted", json!({}))).await;
    }
    let arrived = || -> BTreeSet<u64> {
        inbox.seen().iter().filter(|it| !is_picked(&text(it))).map(number).collect()
    };
    eventually("fifteen letters", async || (arrived().len() == 15).then_some(())).await;
    // The numbers have one gap; what it is can be asked.
    let gap: Vec<_> = (1..=16).filter(|number| !arrived().contains(number)).collect();
    assert_eq!(gap.len(), 1);
    let missing = notices(&force, gap[0] - 1).await.remove(0);
    assert_eq!(missing["sequence"], gap[0]);
    assert!(missing["taken_over_at"].is_null() && missing["cancelled_at"].is_null());
    let tries = || inbox.seen().iter().filter(|it| is_picked(&text(it))).count();
    let before = eventually("a try", async || Some(tries()).filter(|tries| *tries > 0)).await;
    at_fault.store(false, Ordering::SeqCst);
    let mended = Instant::now();
    while tries() == before {
        assert!(mended.elapsed() < Duration::from_secs(60), "not within a minute");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!("the refused letter came {:?} after the mend", mended.elapsed());
    let last = inbox.seen().pop().unwrap();
    assert_eq!(header(&last, "notice-id"), missing["notice_id"]);
    assert_eq!(number(&last), gap[0]);
}

/// A hundred letters wait for an endpoint that was down; the gateway is killed while they go out.
#[tokio::test(flavor = "multi_thread")]
async fn what_waited_comes_each_case_in_order_under_numbers_without_gap_whatever_happens_meanwhile()
{
    const CASES: u64 = 20;
    let port = free_port();
    let mut gateway = pushing("oak", port).start().await;
    let force = gateway.force("hampshire");
    let charity = Charity::of(shared(), "oak", "offender").await;
    let mut referrals = Vec::new();
    for number in 0..CASES {
        referrals.push(push(&force, number).await);
    }
    let story = [
        ("accepted", json!({})),
        ("workshop_booked", booked(1)),
        ("workshop_attended", attended(1)),
        ("workshop_booked", booked(2)),
        ("workshop_attended", attended(2)),
    ];
    for (number, (kind, members)) in (1..).zip(&story) {
        for referral_id in &referrals {
            charity.report(&outcome(referral_id, number, kind, members.clone())).await;
        }
    }
    let all = told(&force, 100).await;
    // After forty it says nothing more, so that letters are on their way when the gateway dies.
    let (halts, answered) = (Arc::new(AtomicBool::new(true)), AtomicUsize::new(0));
    let halted = Arc::clone(&halts);
    let inbox = choosing(&gateway, port, move |_| {
        let is_late = answered.fetch_add(1, Ordering::SeqCst) >= 40;
        if is_late && halted.load(Ordering::SeqCst) { b"" } else { TAKEN }
    })
    .await;
    letters(&inbox, 41).await;
    gateway.kill();
    halts.store(false, Ordering::SeqCst);
    gateway.spawn().await;
    let seen = eventually("all hundred", async || {
        let seen = inbox.seen();
        let ids: BTreeSet<_> = seen.iter().map(|it| header(it, "notice-id")).collect();
        (ids.len() == 100).then(|| seen.clone())
    })
    .await;
    let of_id: BTreeMap<&str, &Value> =
        all.iter().map(|it| (it["notice_id"].as_str().unwrap(), it)).collect();
    let (mut numbers, mut last) = (BTreeSet::new(), BTreeMap::new());
    for letter in &seen {
        let notice = of_id[header(letter, "notice-id")];
        assert_eq!(notice["sequence"], number(letter), "a copy has its number");
        if numbers.insert(number(letter)) {
            let case = notice["referral_id"].as_str().unwrap();
            let before = last.insert(case, number(letter));
            assert!(before.is_none_or(|before| before < number(letter)), "{case}: overtaken");
        }
    }
    assert_eq!(numbers, (1..=100).collect());
    let copies = seen.len() - 100;
    assert!(copies <= 16, "only what was on its way comes twice: {copies}");
    println!("{copies} letters came twice after the kill");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_is_not_answered_holds_up_its_own_case_only() {
    let port = free_port();
    let mut gateway = pushing("pine", port).lay_out();
    change(&gateway, "gateway.toml", "timeout_s = 5\n", "timeout_s = 60\n");
    change(&gateway, "mappings/hampshire/notice.toml", "timeout_s  = 30", "timeout_s = 60");
    gateway.spawn().await;
    let force = gateway.force("hampshire");
    let charity = Charity::of(shared(), "pine", "offender").await;
    let is_picked = |letter: &Seen| text(letter).contains("44000000601");
    let silent = move |letter: &Seen| if is_picked(letter) { b"" } else { TAKEN };
    let inbox = choosing(&gateway, port, silent).await;
    let mut referrals = Vec::new();
    for number in 601..642 {
        referrals.push(push(&force, number).await);
    }
    charity.report(&outcome(&referrals[0], 1, "accepted", json!({}))).await;
    letters(&inbox, 1).await;
    charity.report(&outcome(&referrals[0], 2, "workshop_booked", booked(1))).await;
    for referral_id in &referrals[1..] {
        charity.report(&outcome(referral_id, 1, "accepted", json!({}))).await;
    }
    let seen = letters(&inbox, 41).await;
    assert_eq!(seen.iter().filter(|it| is_picked(it)).count(), 1, "its first try goes on");
}

/// How long one letter after another takes from its outcome to the endpoint; the median.
async fn pace(
    charity: &Charity,
    referral_id: &str,
    numbers: std::ops::Range<u32>,
    inbox: &Server,
) -> Duration {
    let mut took = Vec::new();
    for number in numbers {
        let before = inbox.seen().len();
        let mut report = outcome(referral_id, number, "uncontactable", json!({ "attempts": 3 }));
        report["happened_on"] = json!("2025-11-20");
        let said = Instant::now();
        charity.report(&report).await;
        while inbox.seen().len() == before {
            assert!(said.elapsed() < Duration::from_secs(30), "letter {number} does not come");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        took.push(said.elapsed());
    }
    took.sort();
    took[took.len() / 2]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forces_letters_are_as_fast_beside_a_force_whose_endpoint_hangs() {
    let (port, others_port) = (free_port(), free_port());
    let mut gateway = pushing("quay", port).lay_out();
    let others = format!("https://localhost:{others_port}/inbox");
    let midlands = "slug = \"west-midlands\"\ncode = \"20\"\n";
    let listed = format!("{midlands}delivery_endpoints = [\"{others}\"]\n");
    change(&gateway, "gateway.toml", midlands, &listed);
    let file = gateway.folder.join("mappings/west-midlands/notice.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let deliver = format!("\n[deliver]\nto = \"{others}\"\ndelivered = [200]\ntimeout_s = 30\n");
    std::fs::write(file, text + &deliver).unwrap();
    gateway.spawn().await;
    let silent = choosing(&gateway, port, |_| b"").await;
    let inbox = endpoint(&gateway, others_port, TAKEN).await;
    let (force, other) = (gateway.force("hampshire"), gateway.force("west-midlands"));
    let taken = other.post("application/json", example("west-midlands", "full.json")).await;
    let others_id = taken.record(0)["referral_id"].as_str().unwrap().to_owned();
    let charity = Charity::of(shared(), "quay", "offender").await;
    let mut accepted = outcome(&others_id, 1, "accepted", json!({}));
    accepted["happened_on"] = json!("2025-11-20");
    charity.report(&accepted).await;
    letters(&inbox, 1).await;
    let alone = pace(&charity, &others_id, 2..32, &inbox).await;
    for number in 701..741 {
        let referral_id = push(&force, number).await;
        charity.report(&outcome(&referral_id, 1, "accepted", json!({}))).await;
    }
    letters(&silent, 16).await;
    let beside = pace(&charity, &others_id, 32..62, &inbox).await;
    println!("from outcome to letter, median: alone {alone:?}, beside {beside:?}");
    // Its own share of a busy machine varies; a hanging endpoint would cost it five seconds.
    assert!(beside < alone * 2 + Duration::from_millis(50), "alone {alone:?}, beside {beside:?}");
}

async fn next(force: &ForceSystem) -> (u16, Option<u64>) {
    let answer = force.client.get(format!("{}/v1/notices/next", force.api)).send().await.unwrap();
    let sequence = answer.headers().get("notice-sequence");
    let sequence = sequence.map(|it| it.to_str().unwrap().parse().unwrap());
    (answer.status().as_u16(), sequence)
}

/// Sets a column of the notice with this number.
fn alter(gateway: &TestGateway, sequence: u64, column: &str, value: impl rusqlite::ToSql) {
    let store = rusqlite::Connection::open(gateway.folder.join("gateway.db")).unwrap();
    let sql = format!("UPDATE notice SET {column} = ?1 WHERE sequence = ?2");
    assert_eq!(store.execute(&sql, rusqlite::params![value, sequence]).unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_cannot_be_written_is_told_and_passed_by_pushing_fetching_and_listing() {
    let port = free_port();
    let mut gateway = pushing("reed", port).start().await;
    let force = gateway.force("hampshire");
    let charity = Charity::of(shared(), "reed", "offender").await;
    let mut referrals = Vec::new();
    for number in 801..805 {
        referrals.push(push(&force, number).await);
    }
    let mut reports = Vec::new();
    for referral_id in &referrals[..3] {
        reports.push(outcome(referral_id, 1, "accepted", json!({})));
    }
    reports.push(outcome(&referrals[0], 2, "workshop_booked", booked(1)));
    for (count, report) in (1..).zip(&reports) {
        charity.report(report).await;
        told(&force, count).await;
    }
    assert!(gateway.stop().success());
    alter(&gateway, 1, "kind", "unheard_of");
    gateway.spawn().await;
    let inbox = endpoint(&gateway, port, TAKEN).await;
    let mut arrived: Vec<_> = letters(&inbox, 2).await.iter().map(number).collect();
    arrived.sort_unstable();
    assert_eq!(arrived, [2, 3]);
    let id = notices(&force, 0).await[0]["notice_id"].as_str().unwrap().to_owned();
    let listed = incident(&gateway, "letter_refused", true).await;
    assert!(listed.contains(&id), "{listed}");

    let order = |order| ["delivery", order, "hampshire", "--because", "planned work"];
    assert!(said(gateway.command(&order("pause"))).contains("paused"));
    assert_eq!(next(&force).await, (204, None), "4 is of the same case as 1");
    charity.report(&outcome(&referrals[3], 1, "accepted", json!({}))).await;
    told(&force, 5).await;
    assert_eq!(next(&force).await, (200, Some(5)));
    let listed = incident(&gateway, "entry_fault", true).await;
    assert!(listed.contains(&format!("notice {id}")), "{listed}");

    alter(&gateway, 1, "kind", "accepted");
    assert_eq!(next(&force).await, (200, Some(1)));
    assert!(said(gateway.command(&order("resume"))).contains("resumed"));
    let seen = letters(&inbox, 5).await;
    let later: Vec<_> = seen[2..].iter().map(number).collect();
    let at = |number| later.iter().position(|it| *it == number).unwrap();
    assert!(at(1) < at(4), "{later:?}");

    // A seal that is broken: the page goes on without it.
    alter(&gateway, 3, "body", vec![0_u8; 64]);
    let page = notices(&force, 0).await;
    let sequences: Vec<_> = page.iter().map(|it| it["sequence"].as_u64().unwrap()).collect();
    assert_eq!(sequences, [1, 2, 4, 5]);
}
