//! What `POST /v1/records` promises, through the front door: comparison with what is stored, holds,
//! keys, dry runs, withdrawals, and what the other calls then show.

use serde_json::{Value, json};

use crate::patience::eventually;
use crate::record::{Record, XML, body, record};
use crate::world::{Answer, ForceSystem, TestGateway, example};

struct Post {
    status: u16,
    record: Value,
}

impl Post {
    fn is(&self, status: &str) -> &Self {
        assert_eq!(self.record["status"], status, "{}", self.record);
        self
    }

    fn held_for(&self, name: &str) -> &Self {
        self.is("held");
        assert_eq!(self.status, 202, "a hold is the gateway's to clear: {}", self.record);
        let names: Vec<_> = self.record["violations"].as_array().unwrap().iter().collect();
        assert!(names.iter().any(|finding| finding["name"] == name), "{}", self.record);
        self
    }

    fn revision(&self, number: u64) -> &Self {
        assert_eq!(self.record["revision"], number, "{}", self.record);
        self
    }
}

async fn post(force: &ForceSystem, record: &Record) -> Post {
    let answer = force.post(XML, record.text()).await;
    Post { status: answer.status, record: answer.record(0).clone() }
}

async fn world() -> (TestGateway, ForceSystem) {
    let gateway = TestGateway::start().await;
    let force = gateway.force("hampshire");
    (gateway, force)
}

#[tokio::test]
async fn a_record_of_each_force_is_accepted_in_its_own_shape() {
    let gateway = TestGateway::start().await;
    for (slug, file, media_type) in [
        ("hampshire", "full.xml", "application/xml"),
        ("west-midlands", "full.json", "application/json"),
        ("leicestershire", "full.csv", "text/csv"),
        ("norfolk", "full.txt", "text/plain"),
    ] {
        let answer = gateway.force(slug).post(media_type, example(slug, file)).await;
        assert_eq!(answer.status, 202, "{slug}: {}", answer.text);
        for record in answer.body["records"].as_array().unwrap() {
            assert_eq!(record["status"], "accepted", "{slug}: {record}");
        }
    }
}

#[tokio::test]
async fn equal_content_is_a_duplicate_with_the_same_answer() {
    let (_gateway, force) = world().await;
    let first = post(&force, &record(1)).await;
    first.is("accepted").revision(1);
    let again = post(&force, &record(1).message("another").extracted("2025-09-14T00:00:00Z")).await;
    assert_eq!(again.status, 202);
    again.is("duplicate").revision(1);
    assert_eq!(again.record["referral_id"], first.record["referral_id"]);
    assert_eq!(again.record["record_ref"], first.record["record_ref"]);
    assert_eq!(again.record["flags"], first.record["flags"]);
}

#[tokio::test]
async fn changed_content_is_the_next_revision_of_the_same_referral() {
    let (_gateway, force) = world().await;
    let first = post(&force, &record(1)).await;
    let second = post(&force, &record(1).wording(2)).await;
    second.is("accepted").revision(2);
    assert_eq!(second.record["referral_id"], first.record["referral_id"]);
}

#[tokio::test]
async fn a_message_seen_before_is_a_duplicate_even_after_a_change() {
    let (_gateway, force) = world().await;
    post(&force, &record(1).message("m1")).await;
    post(&force, &record(1).message("m2").wording(2)).await.revision(2);
    post(&force, &record(1).message("m1")).await.is("duplicate").revision(1);
}

#[tokio::test]
async fn an_older_extraction_and_an_undated_old_content_are_held() {
    let (_gateway, force) = world().await;
    let dated = |at: &str, version| record(1).extracted(at).wording(version);
    post(&force, &dated("2025-09-13T00:00:00Z", 1)).await.is("accepted");
    post(&force, &dated("2025-09-14T00:00:00Z", 2)).await.revision(2);
    post(&force, &dated("2025-09-12T00:00:00Z", 3)).await.held_for("stale_revision");

    post(&force, &record(2)).await.is("accepted");
    post(&force, &record(2).wording(2)).await.revision(2);
    post(&force, &record(2)).await.held_for("possibly_stale");
}

#[tokio::test]
async fn another_person_under_the_same_key_is_held_and_never_a_revision() {
    let (_gateway, force) = world().await;
    post(&force, &record(1)).await.is("accepted");
    let other = record(1).with("04/11/1991", "05/11/1991");
    post(&force, &other).await.held_for("different_person");
    let other = record(1).with("O'CONNELL-BRIGHT", "SOMEBODY-ELSE");
    post(&force, &other).await.held_for("different_person");
}

#[tokio::test]
async fn a_good_record_closes_the_open_holds_of_its_case() {
    let (gateway, force) = world().await;
    let held = post(&force, &record(1).unlisted()).await;
    held.held_for("unlisted_code");
    let hold_id = held.record["hold_id"].as_str().unwrap().to_owned();
    let found = force.find(&record(1).record_ref).await;
    assert_eq!(found.body["holds"][0]["hold_id"], hold_id, "{}", found.text);

    post(&force, &record(1)).await.is("accepted").revision(1);
    let found = force.find(&record(1).record_ref).await;
    assert_eq!(found.body["holds"], json!([]), "{}", found.text);
    let released =
        gateway.command(&["hold", "release", &hold_id, "--because", "the list has it now"]);
    assert!(!released.status.success(), "a superseded hold cannot be released");
}

#[tokio::test]
async fn withdrawals_of_unknown_held_and_accepted_cases() {
    let (_gateway, force) = world().await;
    post(&force, &record(1).withdrawn()).await.held_for("withdrawal_unknown");

    post(&force, &record(2).unlisted()).await.held_for("unlisted_code");
    let withdrawn = post(&force, &record(2).withdrawn()).await;
    assert_eq!(withdrawn.status, 202, "{}", withdrawn.record);
    let found = force.find(&record(2).record_ref).await;
    assert_eq!(found.status, 404, "its hold is closed and nothing was published: {}", found.text);

    let accepted = post(&force, &record(3)).await;
    post(&force, &record(3).withdrawn()).await.is("accepted").revision(2);
    post(&force, &record(3).withdrawn()).await.is("duplicate").revision(2);
    let id = accepted.record["referral_id"].as_str().unwrap();
    let view = force.get(&format!("/v1/referrals/{id}")).await;
    assert_eq!(view.body["state"], "withdrawn", "{}", view.text);
}

#[tokio::test]
async fn a_body_of_several_records_answers_each_in_order() {
    let (_gateway, force) = world().await;
    let records = [record(1), record(2).faulty(), record(3).unlisted(), record(1)];
    let answer = force.post(XML, body(&records)).await;
    assert_eq!(answer.status, 202, "one taken record is enough: {}", answer.text);
    let statuses: Vec<_> = (0..4).map(|index| answer.record(index)["status"].clone()).collect();
    assert_eq!(statuses, ["accepted", "held", "held", "duplicate"], "{}", answer.text);
    assert_eq!(answer.violations(1), ["missing"]);
}

#[tokio::test]
async fn an_idempotency_key_is_bound_by_a_202_only() {
    let (_gateway, force) = world().await;
    let send = async |text: String| -> Answer {
        force.send(XML, text, "", &[("idempotency-key", "key-1")]).await.unwrap()
    };
    let refused = send(record(1).faulty().text()).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    let taken = send(record(1).text()).await;
    assert_eq!(taken.status, 202, "a 422 leaves the key free: {}", taken.text);
    let again = send(record(1).text()).await;
    assert_eq!(again.body, taken.body, "the same answer as the first time");
    assert_eq!(send(record(2).text()).await.status, 409);
}

#[tokio::test]
async fn a_dry_run_answers_and_stores_nothing() {
    let (_gateway, force) = world().await;
    let dry = force.send(XML, record(1).text(), "?dry_run=true", &[]).await.unwrap();
    assert_eq!(dry.status, 200, "{}", dry.text);
    assert_eq!(dry.record(0)["status"], "accepted");
    assert_eq!(force.find(&record(1).record_ref).await.status, 404);
    let dry = force.send(XML, record(1).unlisted().text(), "?dry_run=true", &[]).await.unwrap();
    assert_eq!(dry.record(0)["status"], "held");
    assert_eq!(force.find(&record(1).record_ref).await.status, 404);
}

#[tokio::test]
async fn the_reconciliation_of_the_day_names_every_id() {
    let (_gateway, force) = world().await;
    let accepted = post(&force, &record(1)).await;
    let held = post(&force, &record(2).unlisted()).await;
    let today = cara_clock::Clock::system().today();
    let page = force.get(&format!("/v1/reconciliation?day={today}")).await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert_eq!(page.body["counts"], json!({ "held": 1, "queued": 1 }));
    assert_eq!(page.body["ids"]["queued"][0], accepted.record["referral_id"]);
    assert_eq!(page.body["ids"]["held"][0], held.record["hold_id"]);
    assert!(page.body["audit_head"]["sequence"].as_u64().unwrap() >= 2);
}

#[tokio::test]
async fn whoami_names_identity_force_and_mapping_version() {
    let (_gateway, force) = world().await;
    let page = force.get("/v1/whoami").await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert_eq!(page.body["identity"], "hampshire-records");
    assert_eq!(page.body["forces"][0]["mappings"][0]["version"], 1);
    assert_eq!(page.body["mode"], "live");
}

#[tokio::test]
async fn nothing_of_a_record_is_in_log_metrics_or_errors() {
    let (gateway, force) = world().await;
    post(&force, &record(1)).await.is("accepted");
    let refused = force.post(XML, record(2).faulty().text()).await;
    let held = force.post(XML, record(3).unlisted().text()).await;
    let metrics = eventually("metrics show the records", async || {
        let page = gateway.metrics().await;
        page.contains("accepted").then_some(page)
    })
    .await;
    for personal in
        ["O'CONNELL", "ASHDOWN", "Gideon", "Petra", "marigold", "900862", "900417", "XHI"]
    {
        for place in [&gateway.log(), &metrics, &refused.text, &held.text] {
            assert!(!place.contains(personal), "{personal} is in:\n{place}");
        }
    }
}
