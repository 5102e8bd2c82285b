//! One letter's failure is that letter's: the others arrive, an operator sees it, cancels it or sends
//! it again; an endpoint fails when nothing gets through, and is noticed soon after it was mended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::broker::shared;
use crate::delivery::endpoint::{Behaviour, Seen, Server};
use crate::letters::{TAKEN, header, letters, pushing, said};
use crate::patience::eventually;
use crate::way_back::{Charity, booked, check_audit, notices, outcome, push, told};
use crate::world::{TestGateway, free_port};

pub const REFUSED: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
const SHUT: &[u8] = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n";

pub fn text(letter: &Seen) -> String {
    String::from_utf8(letter.body.clone()).unwrap()
}

/// An endpoint that gives this answer to the letters that a test picks, as long as it is at fault.
pub async fn picky(
    gateway: &TestGateway,
    port: u16,
    answer: &'static [u8],
    picks: impl Fn(&str) -> bool + Send + Sync + 'static,
) -> (Server, Arc<AtomicBool>) {
    let at_fault = Arc::new(AtomicBool::new(true));
    let now = Arc::clone(&at_fault);
    let judge = move |letter: &Seen| match now.load(Ordering::SeqCst) && picks(&text(letter)) {
        true => answer.to_vec(),
        false => TAKEN.to_vec(),
    };
    let own = gateway.authority.server(40);
    let judge = Behaviour::Choose(Arc::new(judge));
    (Server::at(port, &own, &gateway.authority.pem, judge).await, at_fault)
}

pub async fn incident(gateway: &TestGateway, kind: &str, stands: bool) -> String {
    eventually(kind, async || {
        let listed = said(gateway.command(&["incident", "list"]));
        (listed.contains(kind) == stands).then_some(listed)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_is_refused_stops_no_other_and_is_an_operators_to_clear() {
    let port = free_port();
    let mut gateway = pushing("heron", port).start().await;
    let force = gateway.force("hampshire");
    let charity = Charity::of(shared(), "heron", "offender").await;
    let is_first = |text: &str| text.contains("ATT-ACC") && text.contains("44000000101");
    let (inbox, at_fault) = picky(&gateway, port, REFUSED, is_first).await;
    let mut referrals = Vec::new();
    for number in 101..105 {
        referrals.push(push(&force, number).await);
    }
    charity.report(&outcome(&referrals[0], 1, "accepted", json!({}))).await;
    charity.report(&outcome(&referrals[0], 2, "workshop_booked", booked(1))).await;
    for referral_id in &referrals[1..] {
        charity.report(&outcome(referral_id, 1, "accepted", json!({}))).await;
    }
    letters(&inbox, 4).await;
    let listed = incident(&gateway, "letter_refused", true).await;
    let all = told(&force, 5).await;
    let first = all.iter().find(|it| it["referral_id"] == referrals[0].as_str()).unwrap();
    let id = first["notice_id"].as_str().unwrap();
    assert!(listed.contains(&format!("letter_refused {id}")), "{listed}");
    assert!(!listed.contains("endpoint_"), "{listed}");
    let booked = |seen: &[Seen]| seen.iter().any(|it| text(it).contains("WS-BOOK"));
    assert!(!booked(&inbox.seen()), "its own case waits behind it");

    let shown = said(gateway.command(&["delivery", "show", id]));
    for line in ["status: 400", "reason: refused", "attempts: 1", "kind: accepted"] {
        assert!(shown.contains(line), "{line} in {shown}");
    }
    assert!(!shown.contains("44000000101"), "{shown}");

    let because = ["--because", "the force has it by telephone"];
    let cancel = ["delivery", "cancel", id, because[0], because[1]];
    assert!(said(gateway.command(&cancel)).contains("pushed no more"));
    eventually("the case's next letter", async || booked(&inbox.seen()).then_some(())).await;
    incident(&gateway, "letter_refused", false).await;
    let again = said(gateway.command(&cancel));
    assert!(again.contains("the force can fetch it"), "{again}");
    // The notice is where it was, for the force to fetch.
    let now = notices(&force, 0).await;
    let kept = now.iter().find(|it| it["notice_id"] == id).unwrap();
    assert_eq!((&kept["sequence"], kept["cancelled_at"].is_null()), (&first["sequence"], true));
    assert!(kept["taken_over_at"].is_null());

    at_fault.store(false, Ordering::SeqCst);
    let resend = ["delivery", "resend", id, because[0], because[1]];
    assert!(said(gateway.command(&resend)).contains("pushed again"));
    eventually("the letter, taken over", async || {
        let shown = said(gateway.command(&["delivery", "show", id]));
        shown.contains("the force has taken it over").then_some(())
    })
    .await;
    let seen = inbox.seen();
    let copies: Vec<_> = seen.iter().filter(|it| header(it, "notice-id") == id).collect();
    assert_eq!(copies.len(), 2);
    // Called off and sent again: after a later letter of its case, under the number that it had.
    let number = first["sequence"].to_string();
    assert!(copies.iter().all(|it| header(it, "notice-sequence") == number));
    assert_eq!(header(seen.last().unwrap(), "notice-id"), id);
    let again = said(gateway.command(&resend));
    assert!(again.contains("the force has taken it over"), "{again}");
    let nobody = "00000000-0000-7000-8000-000000000000";
    let unknown = gateway.command(&["delivery", "show", nobody]);
    assert!(!unknown.status.success());
    let why = String::from_utf8(unknown.stderr).unwrap();
    assert!(why.contains("No letter of this id is pushed"), "{why}");
    check_audit(&mut gateway);
}

/// An endpoint that refuses everybody is one trouble, and no letter's; once it is mended, everything
/// goes within a minute and nobody has to do anything.
#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_refuses_everything_is_noticed_soon_after_it_was_mended() {
    let port = free_port();
    let gateway = pushing("otter", port).start().await;
    let force = gateway.force("hampshire");
    let charity = Charity::of(shared(), "otter", "offender").await;
    let (inbox, at_fault) = picky(&gateway, port, SHUT, |_| true).await;
    for number in 201..207 {
        let referral_id = push(&force, number).await;
        charity.report(&outcome(&referral_id, 1, "accepted", json!({}))).await;
    }
    letters(&inbox, 4).await;
    let listed = eventually("a failing endpoint", async || {
        let listed = said(gateway.command(&["delivery", "list"]));
        listed.contains("nothing gets through").then_some(listed)
    })
    .await;
    assert!(!listed.contains("paused"), "{listed}");
    let since = Instant::now();
    // Told after 20 s, and looked for by a sweep.
    while !said(gateway.command(&["incident", "list"])).contains("endpoint_failing") {
        assert!(since.elapsed() < Duration::from_secs(90), "nobody was told");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    at_fault.store(false, Ordering::SeqCst);
    let mended = Instant::now();
    loop {
        let all = notices(&force, 0).await;
        if all.len() == 6 && all.iter().all(|it| it["taken_over_at"].is_string()) {
            break;
        }
        assert!(mended.elapsed() < Duration::from_secs(60), "not within a minute");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    incident(&gateway, "endpoint_failing", false).await;
}

/// An endpoint that takes connections and says nothing: orders are carried out meanwhile, and an
/// ordinary stop neither waits for it nor says that something failed.
#[tokio::test(flavor = "multi_thread")]
async fn a_silent_endpoint_hinders_no_order_and_no_stop() {
    let port = free_port();
    let mut gateway = pushing("bracken", port).start().await;
    let force = gateway.force("hampshire");
    let charity = Charity::of(shared(), "bracken", "offender").await;
    let own = gateway.authority.server(40);
    let silent = Behaviour::SayAndWait(Vec::new());
    let inbox = Server::at(port, &own, &gateway.authority.pem, silent).await;
    for number in 301..303 {
        let referral_id = push(&force, number).await;
        charity.report(&outcome(&referral_id, 1, "accepted", json!({}))).await;
    }
    letters(&inbox, 1).await;
    for (order, answer) in [("pause", "paused"), ("resume", "resumed"), ("pause", "paused")] {
        let order = ["delivery", order, "hampshire", "--because", "planned work"];
        assert!(said(gateway.command(&order)).contains(answer));
    }
    let resume = ["delivery", "resume", "hampshire", "--because", "done"];
    assert!(said(gateway.command(&resume)).contains("resumed"));
    let before = inbox.seen().len();
    letters(&inbox, before + 1).await;
    let began = Instant::now();
    assert!(gateway.stop().success());
    assert!(began.elapsed() < Duration::from_secs(25), "{:?}", began.elapsed());
    let log = gateway.log();
    assert!(!log.contains("\"ERROR\""), "{log}");
}
