//! The way back through real sockets: a charity reports over AMQP under its own users, a force reads
//! and acknowledges over mutual TLS. Each test has a provider of its own.

use lapin::options::{BasicAckOptions, BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::broker::{Broker, shared};
use crate::patience::eventually;
use crate::record::{XML, record};
use crate::world::{ForceSystem, TestGateway, World, plain_client};

/// A day after every example's caution and before today.
const DAY: &str = "2025-10-04";

/// One side of a provider, logged in as its own broker user.
pub struct Charity {
    provider: String,
    side: &'static str,
    user: String,
    channel: Channel,
    _connection: Connection,
}

impl Charity {
    pub async fn of(broker: &Broker, provider: &str, side: &'static str) -> Charity {
        let user = match side {
            "offender" => format!("{provider}-intake"),
            _ => format!("{provider}-victims"),
        };
        let properties = ConnectionProperties::default();
        let connection =
            Connection::connect(&broker.url(&user, provider), properties).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        Charity { provider: provider.to_owned(), side, user, channel, _connection: connection }
    }

    pub async fn say(&self, body: &[u8], speaker: Option<&str>) {
        let exchange = match self.side {
            "offender" => format!("cara.outcomes.{}", self.provider),
            _ => format!("cara.victim_outcomes.{}", self.provider),
        };
        let mut properties = BasicProperties::default()
            .with_delivery_mode(2)
            .with_message_id(Uuid::now_v7().to_string().into());
        if let Some(speaker) = speaker {
            properties = properties.with_user_id(speaker.into());
        }
        let options = BasicPublishOptions { mandatory: true, immediate: false };
        let key = format!("{}.44.outcome", self.provider);
        let confirmation = self
            .channel
            .basic_publish(exchange.as_str().into(), key.as_str().into(), options, body, properties)
            .await
            .unwrap()
            .await
            .unwrap();
        assert!(matches!(confirmation, lapin::Confirmation::Ack(None)), "no queue took it");
    }

    pub async fn report(&self, outcome: &Value) {
        let kind = if self.side == "offender" { "outcome" } else { "victim_outcome" };
        let message = json!({
            "specversion": "1.0", "id": outcome["outcome_id"], "source": "/providers/test",
            "type": format!("uk.cara.{kind}.v1"), "data": outcome,
        });
        self.say(message.to_string().as_bytes(), Some(&self.user)).await;
    }

    /// The codes of the next rejection, and its whole text.
    async fn rejected(&self) -> (Vec<String>, String) {
        let queue = match self.side {
            "offender" => format!("cara.rejected.{}", self.provider),
            _ => format!("cara.victim_rejected.{}", self.provider),
        };
        let message = eventually("a rejection", async || {
            let options = BasicGetOptions::default();
            self.channel.basic_get(queue.as_str().into(), options).await.unwrap()
        })
        .await;
        message.delivery.ack(BasicAckOptions::default()).await.unwrap();
        let text = String::from_utf8(message.delivery.data.clone()).unwrap();
        let body: Value = serde_json::from_str(&text).unwrap();
        let problems = body["data"]["problems"].as_array().unwrap().clone();
        for problem in &problems {
            assert!(problem["fix"].as_str().is_some_and(|fix| fix.len() > 10));
        }
        let codes = problems.iter().map(|it| it["code"].as_str().unwrap().to_owned()).collect();
        (codes, text)
    }
}

pub fn outcome(referral_id: &str, number: u32, kind: &str, members: Value) -> Value {
    let mut outcome = json!({
        "outcome_id": Uuid::now_v7(), "referral_id": referral_id, "number": number,
        "revision_seen": 1, "kind": kind, "happened_on": DAY,
        "recorded_at": "2025-10-04T16:00:00Z",
    });
    for (name, value) in members.as_object().unwrap() {
        outcome[name] = value.clone();
    }
    outcome
}

pub fn booked(part: u8) -> Value {
    json!({ "part": part, "on": DAY })
}

pub fn attended(part: u8) -> Value {
    json!({ "part": part, "on": DAY, "arrived_late": false })
}

pub fn missed(part: u8, repeat_from: u8) -> Value {
    json!({
        "part": part, "on": DAY, "reason": "no_show", "explanation_offered": "no",
        "repeat_from": repeat_from,
    })
}

async fn gateway(provider: &str) -> TestGateway {
    World::publishing(shared(), provider).start().await
}

pub async fn push(force: &ForceSystem, number: u64) -> String {
    // A deadline that no clock of this test has to say anything about.
    let record = record(number).with("19/12/2025</Deadline>", "31/12/2099</Deadline>");
    let answer = force.post(XML, record.text()).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    answer.record(0)["referral_id"].as_str().unwrap().to_owned()
}

pub async fn notices(force: &ForceSystem, after: u64) -> Vec<Value> {
    let page = force.get(&format!("/v1/notices?after={after}")).await;
    assert_eq!(page.status, 200, "{}", page.text);
    page.body["notices"].as_array().unwrap().clone()
}

/// Waits until the force has been told so many things.
pub async fn told(force: &ForceSystem, count: usize) -> Vec<Value> {
    eventually("notices", async || {
        let notices = notices(force, 0).await;
        (notices.len() >= count).then_some(notices)
    })
    .await
}

fn kinds(notices: &[Value]) -> Vec<&str> {
    notices.iter().map(|notice| notice["kind"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_charity_reports_reaches_the_force_in_order_and_is_taken_over() {
    let mut gateway = gateway("cove").await;
    let force = gateway.force("hampshire");
    let referral_id = push(&force, 1).await;
    let charity = Charity::of(shared(), "cove", "offender").await;
    let story = [
        ("received", json!({})),
        ("accepted", json!({})),
        ("workshop_booked", booked(1)),
        ("workshop_attended", attended(1)),
        ("workshop_booked", booked(2)),
        ("workshop_missed", missed(2, 1)),
        ("workshop_booked", booked(1)),
    ];
    let ready = format!("{}/readyz", gateway.internal);
    eventually("outcomes are read", async || {
        let answer = plain_client().get(&ready).send().await.unwrap();
        let parts: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        let mut parts = parts["parts"].as_array().unwrap().iter();
        parts.any(|part| part["name"] == "outcomes" && part["good"] == true).then_some(())
    })
    .await;
    for (number, (kind, members)) in (1..).zip(story) {
        charity.report(&outcome(&referral_id, number, kind, members)).await;
    }
    let all = told(&force, 6).await;
    assert_eq!(
        kinds(&all),
        [
            "accepted",
            "workshop_booked",
            "workshop_attended",
            "workshop_booked",
            "workshop_missed",
            "workshop_booked",
        ]
    );
    let sequences: Vec<_> = all.iter().map(|it| it["sequence"].as_u64().unwrap()).collect();
    assert_eq!(sequences, [1, 2, 3, 4, 5, 6]);
    let miss = &all[4];
    assert_eq!(miss["record_ref"], record(1).record_ref);
    assert_eq!(miss["referral_id"], referral_id);
    assert_eq!((&miss["part"], &miss["reason"]), (&json!(2), &json!("no_show")));
    assert_eq!(miss["deadline"], "2099-12-31");
    assert!(miss["completion_still_possible"].is_boolean(), "{miss}");
    assert!(miss["compliance_inbox"].as_str().unwrap().contains("@hampshire.example"));

    // Told once more until it is taken over, and harmless to repeat.
    let id = miss["notice_id"].as_str().unwrap();
    let url = format!("{}/v1/notices/{id}/acknowledge", force.api);
    for _ in 0..2 {
        assert_eq!(force.client.post(&url).send().await.unwrap().status(), 204);
    }
    let again = notices(&force, 4).await;
    assert!(again[0]["taken_over_at"].is_string() && again[1]["taken_over_at"].is_null());
    let today = jiff::Zoned::now().in_tz("Europe/London").unwrap().date();
    let day = force.get(&format!("/v1/reconciliation?day={today}")).await;
    let count = |state: &str| day.body["counts"][state].as_u64();
    assert_eq!((count("notice_taken_over"), count("notice_waiting")), (Some(1), Some(5)));
    let stranger = gateway.force("norfolk");
    assert_eq!(stranger.client.post(&url).send().await.unwrap().status(), 404);
    assert_eq!(notices(&stranger, 0).await, Vec::<Value>::new());

    let page = force.get(&format!("/v1/referrals/{referral_id}")).await;
    assert_eq!(page.body["programme"], "booked_1", "{}", page.text);
    assert_eq!(page.body["caution"], "active", "a miss is a fact, not a verdict");
    assert_eq!(page.body["notices"].as_array().unwrap().len(), 6);

    let unit = gateway.with(&gateway.authority.client("victims.hampshire.example", 300));
    report_of_the_victim(&referral_id, &unit).await;
    assert_eq!(told(&force, 6).await.len(), 6, "the victim's stream is another one");
    assert_eq!(force.get("/v1/notices?stream=victim").await.status, 403);
    let hers = hers(&unit, 3).await;
    // The concern whose number was taken was told as well, and what was wrong went back.
    let concern = "safeguarding_concern";
    assert_eq!(kinds(&hers), ["victim_contact_status", concern, concern]);
    assert_eq!(hers[0]["sequence"], 1);
    let id = hers[0]["notice_id"].as_str().unwrap();
    let url = format!("{}/v1/notices/{id}/acknowledge", force.api);
    assert_eq!(force.client.post(&url).send().await.unwrap().status(), 404, "absent for others");
    assert_eq!(unit.client.post(&url).send().await.unwrap().status(), 204);
    let log = gateway.log();
    assert!(log.contains("within 15 minutes") && !log.contains("number_wrong"));
    assert!(gateway.metrics().await.contains("cara_safeguarding_concerns_total{force=\"44\"} 2"));
    check_audit(&mut gateway);
}

/// The chain holds; the file is one process's, so the gateway is stopped before.
pub fn check_audit(gateway: &mut TestGateway) {
    gateway.stop();
    let audit = gateway.command(&["audit", "verify"]);
    assert!(audit.status.success(), "{}", String::from_utf8_lossy(&audit.stderr));
}

/// Waits until the victim unit has been told so many things.
async fn hers(unit: &ForceSystem, count: usize) -> Vec<Value> {
    eventually("the victim's stream", async || {
        let page = unit.get("/v1/notices?stream=victim").await;
        let notices = page.body["notices"].as_array().unwrap().clone();
        (notices.len() == count).then_some(notices)
    })
    .await
}

/// A wrong number, a concern under a number that is taken, and one under the next.
async fn report_of_the_victim(referral_id: &str, unit: &ForceSystem) {
    let charity = Charity::of(shared(), "cove", "victim").await;
    let status = json!({ "status": "number_wrong" });
    charity.report(&outcome(referral_id, 1, "victim_contact_status", status)).await;
    // A concern overtakes what is not done yet, and would take its number.
    hers(unit, 1).await;
    charity.report(&outcome(referral_id, 1, "safeguarding_concern", json!({}))).await;
    assert_eq!(charity.rejected().await.0, ["O205"]);
    charity.report(&outcome(referral_id, 2, "safeguarding_concern", json!({}))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_applied_is_answered_with_a_code_and_blocks_nothing() {
    let gateway = gateway("dene").await;
    let force = gateway.force("hampshire");
    let referral_id = push(&force, 1).await;
    let charity = Charity::of(shared(), "dene", "offender").await;
    let received = outcome(&referral_id, 1, "received", json!({}));
    charity.report(&received).await;
    let with = |number, name: &str, value: Value| {
        let mut outcome = outcome(&referral_id, number, "accepted", json!({}));
        outcome[name] = value;
        outcome
    };
    let mut reused = received.clone();
    reused["happened_on"] = json!("2025-10-05");
    let elsewhere = outcome(&Uuid::now_v7().to_string(), 1, "received", json!({}));
    let future = json!({ "part": 1, "on": "2999-01-02", "arrived_late": false });
    let cases = [
        ("O104", with(2, "kind", json!("MCALLISTER"))),
        ("O105", with(2, "number", Value::Null)),
        ("O106", with(2, "happened_on", json!("MCALLISTER"))),
        ("O201", elsewhere),
        ("O202", with(2, "happened_on", json!("2024-01-01"))),
        ("O203", with(2, "happened_on", json!("2999-01-01"))),
        ("O203", outcome(&referral_id, 2, "workshop_attended", future)),
        ("O204", with(2, "revision_seen", json!(2))),
        ("O205", with(1, "kind", json!("accepted"))),
        ("O206", reused),
        ("O207", outcome(&referral_id, 2, "programme_completed", json!({}))),
        ("O208", outcome(&referral_id, 3, "correction", json!({ "supersedes": Uuid::now_v7() }))),
    ];
    for (code, outcome) in cases {
        charity.report(&outcome).await;
        let (codes, text) = charity.rejected().await;
        assert_eq!(codes, [code], "{text}");
        assert!(!text.contains("MCALLISTER"), "a value came back: {text}");
    }
    for (code, body) in [
        ("O101", b"{ \"MCALLISTER\"".to_vec()),
        ("O102", vec![b' '; 20_000]),
        ("O103", b"{\"specversion\":\"1.0\",\"type\":\"MCALLISTER\"}".to_vec()),
    ] {
        charity.say(&body, Some(&charity.user)).await;
        assert_eq!(charity.rejected().await.0, [code]);
    }
    charity.say(b"{}", None).await;
    assert_eq!(charity.rejected().await.0, ["O107"]);

    // The contradiction took number 2; the case goes on behind it.
    charity.report(&outcome(&referral_id, 3, "accepted", json!({}))).await;
    assert_eq!(kinds(&told(&force, 1).await), ["accepted"]);

    // What contradicts only once the gap before it is closed is answered then.
    let waits = outcome(&referral_id, 5, "received", json!({}));
    charity.report(&waits).await;
    charity.report(&outcome(&referral_id, 4, "workshop_booked", booked(1))).await;
    let (codes, text) = charity.rejected().await;
    assert_eq!(codes, ["O207"]);
    assert!(text.contains(waits["outcome_id"].as_str().unwrap()), "{text}");
    let once_more = serde_json::from_str::<Value>(&text).unwrap()["id"].clone();
    charity.report(&waits).await;
    let (_, text) = charity.rejected().await;
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["id"], once_more, "the same answer");
    assert!(!gateway.log().contains("MCALLISTER"));

    // A loop of the provider's ends somewhere.
    for number in 6..=200 {
        let again = outcome(&referral_id, number, "uncontactable", json!({ "attempts": 1 }));
        charity.report(&again).await;
    }
    charity.report(&outcome(&referral_id, 201, "returned", json!({}))).await;
    assert_eq!(charity.rejected().await.0, ["O209"]);
}

/// What can never be applied must not stop the others, and must not be lost.
#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_whose_case_cannot_be_opened_is_set_aside_and_can_be_put_back() {
    let mut gateway = gateway("jetty").await;
    let force = gateway.force("hampshire");
    let (broken, whole) = (push(&force, 1).await, push(&force, 2).await);
    gateway.stop();
    let police = swap_police(&gateway, None);
    gateway.spawn().await;
    let charity = Charity::of(shared(), "jetty", "offender").await;
    charity.report(&outcome(&broken, 1, "accepted", json!({}))).await;
    charity.report(&outcome(&whole, 1, "accepted", json!({}))).await;
    let force = gateway.force("hampshire");
    assert_eq!(told(&force, 1).await[0]["referral_id"], whole);
    let dead = ["dead", "list"];
    let listed = eventually("a dead message", async || {
        let listed = gateway.command(&dead);
        let text = String::from_utf8(listed.stdout).unwrap();
        text.contains("cara.outcomes.jetty").then_some(text)
    })
    .await;
    assert!(!listed.contains(&broken), "{listed}");

    // Its row is restored; the message comes back from the dead with who had said it.
    gateway.stop();
    swap_police(&gateway, Some(police));
    gateway.spawn().await;
    // While the gateway itself looks at the dead, there is nothing to be returned.
    eventually("it is put back", async || {
        let back = gateway.command(&["dead", "return", "cara.outcomes.jetty"]);
        assert!(back.status.success(), "{}", String::from_utf8_lossy(&back.stderr));
        String::from_utf8_lossy(&back.stdout).starts_with("1 put back").then_some(())
    })
    .await;
    let force = gateway.force("hampshire");
    assert_eq!(told(&force, 2).await[1]["referral_id"], broken);
}

/// Puts these bytes, or ones that nothing opens, into the first case's police row; gives what was
/// there.
fn swap_police(gateway: &TestGateway, bytes: Option<Vec<u8>>) -> Vec<u8> {
    let store = rusqlite::Connection::open(gateway.folder.join("gateway.db")).unwrap();
    let select = "SELECT police FROM revision WHERE revision_row = 1";
    let before: Vec<u8> = store.query_row(select, [], |row| row.get(0)).unwrap();
    let bytes = bytes.unwrap_or_else(|| vec![0; before.len()]);
    let update = "UPDATE revision SET police = ?1 WHERE revision_row = 1";
    assert_eq!(store.execute(update, [bytes]).unwrap(), 1);
    before
}

#[tokio::test(flavor = "multi_thread")]
async fn another_providers_outcome_is_as_unknown_as_one_of_nobody() {
    let gateway = gateway("elm").await;
    let referral_id = push(&gateway.force("hampshire"), 1).await;
    let _other = self::gateway("fern").await;
    let stranger = Charity::of(shared(), "fern", "offender").await;
    stranger.report(&outcome(&referral_id, 1, "received", json!({}))).await;
    assert_eq!(stranger.rejected().await.0, ["O201"]);
    // Whoever says it as somebody else is refused by the broker itself (amqp_permissions).
    let page = gateway.force("hampshire").get(&format!("/v1/referrals/{referral_id}")).await;
    assert_eq!(page.body["programme"], "sent");
}
