//! What bad input gets, through a real socket: a coded answer, in time, with flat memory, and
//! nothing lost or kept that should not be.

use std::time::{Duration, Instant};

use crate::patience::eventually;
use crate::record::record;
use crate::world::{Answer, TestGateway, World, example};

const XML: &str = "application/xml";

/// A refusal may take no longer than this.
const REFUSAL: Duration = Duration::from_secs(1);

/// Memory that a refused body may add, in kibibytes.
const GROWTH_KIB_MAX: u64 = 64 * 1024;

/// Posts a body and checks the status, the time and the memory of the answer.
async fn check(gateway: &TestGateway, media_type: &str, body: Vec<u8>, status: u16) -> Answer {
    let force = gateway.force(if media_type == XML { "hampshire" } else { "west-midlands" });
    let before = resident_kib(gateway.pid());
    let started = Instant::now();
    let answer = force.post(media_type, body).await;
    assert!(started.elapsed() < REFUSAL, "took {:?}", started.elapsed());
    assert_eq!(answer.status, status, "{}", answer.text);
    let grown = resident_kib(gateway.pid()).saturating_sub(before);
    assert!(grown < GROWTH_KIB_MAX, "grew by {grown} KiB");
    answer
}

fn resident_kib(pid: u32) -> u64 {
    kib_of(pid, "VmRSS:")
}

fn kib_of(pid: u32, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap()
}

#[tokio::test]
async fn a_body_that_is_not_well_formed_gets_400_with_line_and_column() {
    let gateway = TestGateway::start().await;
    let answer = check(&gateway, XML, b"<OccurrenceExport>\n  <A></B>".to_vec(), 400).await;
    assert_eq!(answer.body["line"], 2);
    assert!(answer.body["column"].as_u64().unwrap() > 1);
    assert!(answer.body["code"].as_str().unwrap().starts_with('P'));
    let answer = check(&gateway, "application/json", b"{\n \"a\": }".to_vec(), 400).await;
    assert_eq!(answer.body["line"], 2);
}

#[tokio::test]
async fn a_dtd_and_an_entity_bomb_get_400() {
    let gateway = TestGateway::start().await;
    let dtd = "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>";
    check(&gateway, XML, dtd.into(), 400).await;
    let bomb = "<!DOCTYPE a [<!ENTITY b \"bb\"><!ENTITY c \"&b;&b;&b;&b;\">]><a>&c;&c;</a>";
    check(&gateway, XML, bomb.into(), 400).await;
    check(&gateway, XML, "<a>&undefined;</a>".into(), 400).await;
}

#[tokio::test]
async fn deep_nesting_gets_a_4xx_in_flat_memory() {
    let gateway = TestGateway::start().await;
    check(&gateway, XML, "<a>".repeat(100_000).into(), 413).await;
    check(&gateway, "application/json", "[".repeat(100_000).into(), 413).await;
}

#[tokio::test]
async fn a_wrong_encoding_and_invalid_utf_8_get_400() {
    let gateway = TestGateway::start().await;
    check(&gateway, XML, b"<a>\xff\xfe\xfa</a>".to_vec(), 400).await;
    let declared = b"<?xml version=\"1.0\" encoding=\"x-no-such\"?><a/>".to_vec();
    check(&gateway, XML, declared, 400).await;
}

#[tokio::test]
async fn a_mebibyte_of_tiny_elements_is_bounded() {
    let gateway = TestGateway::start().await;
    let body = format!("<a>{}</a>", "<b/>".repeat(262_000 - 2));
    check(&gateway, XML, body.into(), 413).await;
}

/// Above idle, whatever a client may send.
const STORM_KIB_MAX: u64 = 150 * 1024;

#[tokio::test]
async fn forty_bodies_of_tiny_elements_at_once_are_bounded_together() {
    let gateway = TestGateway::start().await;
    let before = resident_kib(gateway.pid());
    let body = format!("<a>{}</a>", "<b/>".repeat(262_000 - 2));
    let sending = (0..40).map(|_| {
        let (force, body) = (gateway.force("hampshire"), body.clone());
        async move { force.post(XML, body).await.status }
    });
    let statuses = futures_util::future::join_all(sending).await;
    assert!(statuses.iter().all(|status| [413, 503].contains(status)), "{statuses:?}");
    assert!(statuses.contains(&413), "{statuses:?}");
    let grown = kib_of(gateway.pid(), "VmHWM:").saturating_sub(before);
    println!("at most {grown} KiB above {before} KiB, {} after", resident_kib(gateway.pid()));
    assert!(grown < STORM_KIB_MAX, "grew by {grown} KiB");
}

#[tokio::test]
async fn what_stands_around_the_records_is_not_kept_with_each_of_many() {
    let gateway = TestGateway::start().await;
    let records: Vec<_> = (0..40).map(|number| crate::record::record(900 + number)).collect();
    let body = crate::record::body(&records);
    let around = format!("<!--{}--></OccurrenceExport>", " ".repeat(600 << 10));
    let body = body.replace("</OccurrenceExport>", &around);
    let answer = check(&gateway, XML, body.into(), 413).await;
    assert!(answer.text.contains("send fewer records in a body"), "{}", answer.text);
}

#[tokio::test]
async fn a_body_over_the_limit_gets_413_before_it_is_read_whole() {
    let gateway = TestGateway::start().await;
    let body = vec![b' '; 1024 * 1024 + 1];
    check(&gateway, XML, body, 413).await;
}

#[tokio::test]
async fn an_unknown_type_and_a_content_encoding_get_415() {
    let gateway = TestGateway::start().await;
    check(&gateway, "image/png", b"<a/>".to_vec(), 415).await;
    let force = gateway.force("hampshire");
    // What would grow a thousandfold is not even looked at.
    let encoding = [("content-encoding", "gzip")];
    let answer = force.send(XML, vec![0x1f, 0x8b, 8, 0], "", &encoding).await.unwrap();
    assert_eq!(answer.status, 415, "{}", answer.text);
}

#[tokio::test]
async fn a_body_that_no_mapping_fits_gets_422_naming_the_parameter() {
    let gateway = TestGateway::start().await;
    let answer = check(&gateway, XML, b"<SomethingElse/>".to_vec(), 422).await;
    assert!(answer.body["detail"].as_str().unwrap().contains("?mapping="), "{}", answer.text);
}

#[tokio::test]
async fn a_missing_and_a_wrong_field_get_422_with_all_violations_and_are_held() {
    let gateway = TestGateway::start().await;
    let force = gateway.force("hampshire");
    let body = example("hampshire", "refused.xml");
    let answer = force.post(XML, body.clone()).await;
    assert_eq!(answer.status, 422, "{}", answer.text);
    assert!(answer.violations(0).len() > 1, "{}", answer.text);
    let hold_id = answer.record(0)["hold_id"].clone();
    assert!(hold_id.is_string());
    let again = force.post(XML, body).await;
    assert_eq!(again.status, 422);
    assert_eq!(again.record(0)["hold_id"], hold_id, "the same bytes open no second hold");
}

#[tokio::test]
async fn an_unlisted_code_is_held_with_202_code_and_source_path() {
    let gateway = TestGateway::start().await;
    let answer = gateway.force("hampshire").post(XML, record(1).unlisted().text()).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    assert_eq!(answer.record(0)["status"], "held");
    let finding = &answer.record(0)["violations"][0];
    assert_eq!(finding["name"], "unlisted_code");
    assert!(finding["source_path"].is_string(), "{}", answer.text);
}

#[tokio::test]
async fn without_a_certificate_the_handshake_fails() {
    let gateway = TestGateway::start().await;
    let client = gateway.client().build().unwrap();
    let error = client.get(format!("{}/v1/whoami", gateway.api)).send().await.unwrap_err();
    assert!(error.is_connect() || error.is_request(), "{error:?}");
}

#[tokio::test]
async fn another_force_sees_nothing_of_yours() {
    let gateway = TestGateway::start().await;
    let answer = gateway.force("hampshire").post(XML, example("hampshire", "full.xml")).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let referral_id = answer.record(0)["referral_id"].as_str().unwrap();
    let record_ref = answer.record(0)["record_ref"].as_str().unwrap();
    let path = format!("/v1/referrals/{referral_id}");
    assert_eq!(gateway.force("hampshire").get(&path).await.status, 200);

    let other = gateway.force("norfolk");
    let foreign = other.get(&path).await;
    let absent = other.get("/v1/referrals/01900000-0000-7000-8000-000000000000").await;
    assert_eq!((foreign.status, absent.status), (404, 404));
    assert_eq!(foreign.text, absent.text, "foreign and absent look the same");
    assert_eq!(other.find(record_ref).await.status, 404);
}

#[tokio::test]
async fn a_name_of_another_force_from_another_authority_is_refused() {
    let gateway = TestGateway::start().await;
    let stranger = crate::certificate::Authority::make("a stranger");
    let forged = gateway.with(&stranger.client("records.hampshire.example", 7));
    let sent = forged.client.get(format!("{}/v1/whoami", forged.api)).send().await;
    assert!(sent.is_err(), "the handshake must fail");
    let expired = gateway.authority.expired_client("records.hampshire.example", 8);
    let expired = gateway.with(&expired);
    assert!(expired.client.get(format!("{}/v1/whoami", expired.api)).send().await.is_err());
    let unknown = gateway.with(&gateway.authority.client("records.nowhere.example", 9));
    assert_eq!(unknown.get("/v1/whoami").await.status, 403);
}

#[tokio::test]
async fn a_revoked_certificate_is_refused_on_a_new_and_on_an_open_connection() {
    let world = World { crl: true, ..World::default() };
    let gateway = world.start().await;
    let open = gateway.force("hampshire");
    assert_eq!(open.get("/v1/whoami").await.status, 200);
    // The serial of the ordinary hampshire certificate of the test world.
    let revoked = gateway.authority.revoke(&[100]);
    std::fs::write(gateway.folder.join("certs/ca.crl"), revoked).unwrap();
    eventually("the open connection is refused", async || {
        let url = format!("{}/v1/whoami", open.api);
        match open.client.get(url).send().await {
            Ok(answer) => (answer.status() != 200).then_some(()),
            Err(_) => Some(()),
        }
    })
    .await;
    let fresh = gateway.force("hampshire");
    let sent = fresh.client.get(format!("{}/v1/whoami", fresh.api)).send().await;
    assert!(sent.is_err(), "a new handshake must fail");
    assert_eq!(gateway.force("norfolk").get("/v1/whoami").await.status, 200);
}

#[tokio::test]
async fn a_full_disk_gets_503_and_nothing_is_acknowledged() {
    // A reserve larger than any disk: the disk counts as full from the start.
    let store = "disk_reserve_bytes = 9000000000000000000".to_owned();
    let mut gateway = World { store, ..World::default() }.lay_out();
    // It never becomes ready, and says so; it answers all the same.
    gateway.begin(&[]);
    let force = gateway.force("hampshire");
    let body = example("hampshire", "full.xml");
    let answer =
        eventually("it answers", async || force.send(XML, body.clone(), "", &[]).await.ok());
    let answer = answer.await;
    assert_eq!(answer.status, 503, "{}", answer.text);
    assert!(answer.body.get("records").is_none());
}

#[tokio::test]
async fn a_locked_store_gets_503_and_the_same_record_is_taken_later() {
    let gateway = TestGateway::start().await;
    let force = gateway.force("hampshire");
    let lock = rusqlite::Connection::open(gateway.folder.join("gateway.db")).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let answer = force.post(XML, example("hampshire", "full.xml")).await;
    assert_eq!(answer.status, 503, "{}", answer.text);
    lock.execute_batch("ROLLBACK").unwrap();
    drop(lock);
    let answer = force.post(XML, example("hampshire", "full.xml")).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    assert_eq!(answer.record(0)["revision"], 1);
}

#[tokio::test]
async fn the_same_record_at_the_same_instant_is_one_referral() {
    let gateway = TestGateway::start().await;
    let body = example("hampshire", "full.xml");
    let posts = (0..8).map(|_| {
        let (force, body) = (gateway.force("hampshire"), body.clone());
        async move { force.post(XML, body).await }
    });
    let answers = futures_util::future::join_all(posts).await;
    let statuses: Vec<_> =
        answers.iter().map(|answer| answer.record(0)["status"].as_str().unwrap()).collect();
    let accepted = statuses.iter().filter(|status| **status == "accepted").count();
    assert_eq!(accepted, 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == "duplicate").count(), 7);
    let first = &answers[0].record(0)["referral_id"];
    assert!(answers.iter().all(|answer| &answer.record(0)["referral_id"] == first));
}
