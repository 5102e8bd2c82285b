//! What goes wrong inside the gateway is told, and one thing that goes wrong is not everybody's.

use std::process::Command;

use cara_gateway::flow::sweep::Sweeper;
use serde_json::json;

use crate::delivery::postbox::{Guard, Postbox};
use crate::house::House;
use crate::record::{XML, record};
use crate::world::{TestGateway, World, eventually, plain_client};

fn listed(gateway: &TestGateway) -> String {
    let listed = gateway.command(&["incident", "list"]);
    String::from_utf8_lossy(&listed.stdout).into_owned()
}

async fn told(gateway: &TestGateway, kind: &str) -> String {
    eventually(kind, async || Some(listed(gateway)).filter(|it| it.contains(kind))).await
}

/// What a command says that needs no settings.
fn gateway_command(arguments: &[&str]) -> String {
    let ran = Command::new(env!("CARGO_BIN_EXE_cara-gateway")).args(arguments).output().unwrap();
    String::from_utf8_lossy(&ran.stdout).into_owned()
}

/// Changes the store's file as no gateway would.
fn tamper(gateway: &TestGateway, sql: &str) {
    let script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], timeout=20); \
                  c.executescript(sys.argv[2]); c.close()";
    let file = gateway.folder.join("gateway.db");
    let ran = Command::new("/usr/bin/python3").args(["-c", script]).arg(file).arg(sql).output();
    let ran = ran.unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_our_fault_keeps_from_the_store_is_held_and_told_and_stops_no_other() {
    let gateway = TestGateway::start().await;
    let force = gateway.force("hampshire");
    // From the second revision on no revision can be stored, whatever it says.
    tamper(
        &gateway,
        "CREATE TRIGGER fault BEFORE INSERT ON revision \
         WHEN (SELECT count(*) FROM revision) = 1 BEGIN SELECT RAISE(ABORT, 'meant'); END",
    );
    let first = force.post(XML, record(1).text()).await;
    assert_eq!((first.status, &first.record(0)["status"]), (202, &json!("accepted")));
    let second = force.post(XML, record(2).text()).await;
    assert_eq!((second.status, &second.record(0)["status"]), (202, &json!("held")));
    assert_eq!(second.violations(0), ["gateway_fault"], "{}", second.text);
    let listed = told(&gateway, "entry_fault").await;
    assert!(listed.contains("entry_fault a record of force 44: 1"), "{listed}");
    let holds = gateway.command(&["hold", "list"]);
    assert!(String::from_utf8_lossy(&holds.stdout).contains("V212"), "{holds:?}");
    // Once it is mended the hold goes out like any other.
    tamper(&gateway, "DROP TRIGGER fault");
    let hold_id = second.record(0)["hold_id"].as_str().unwrap().to_owned();
    let released = gateway.command(&["hold", "release", &hold_id, "--because", "mended"]);
    assert!(released.status.success(), "{released:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_force_that_left_the_settings_stops_nobody_and_is_told() {
    let mut gateway = TestGateway::start().await;
    let force = gateway.force("hampshire");
    assert_eq!(force.post(XML, record(1).text()).await.status, 202);
    let held = force.post(XML, record(2).unlisted().text()).await;
    assert_eq!(&held.record(0)["status"], "held", "{}", held.text);
    assert!(gateway.stop().success());
    let file = gateway.folder.join("gateway.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let from = text.find("[[force]]").unwrap();
    let to = from + 1 + text[from + 1..].find("[[force]]").unwrap();
    assert!(text[from..to].contains("hampshire"));
    std::fs::write(&file, format!("{}{}", &text[..from], &text[to..])).unwrap();
    gateway.spawn().await;
    for arguments in [&["hold", "list"][..], &["hold", "list", "--force", "force-44"][..]] {
        let holds = gateway.command(arguments);
        let holds = String::from_utf8_lossy(&holds.stdout).into_owned();
        assert!(holds.contains("force-44 (not in gateway.toml)"), "{holds}");
    }
    let listed = told(&gateway, "force_unlisted").await;
    assert!(listed.contains("force_unlisted 44: 1"), "{listed}");
}

#[tokio::test]
async fn a_clock_in_doubt_still_tells_of_holds_and_closes_what_is_over() {
    let house = House::at("2025-09-15T09:00:00Z").await;
    let mut sweeper = Sweeper::of(house.gateway.clone());
    sweeper.sweep(&Default::default()).await.unwrap();
    house.pass(15 * 24);
    house.push(XML, &record(1).unlisted().text()).await;
    let swept = sweeper.sweep(&Default::default()).await.unwrap();
    assert!(swept.stopped && swept.notices == 0);
    let kinds: Vec<_> = swept.opened.iter().map(|it| it.kind.as_str()).collect();
    assert_eq!(kinds, ["clock_jumped", "hold_open"]);
    house.refer(&record(1).text()).await;
    let swept = sweeper.sweep(&Default::default()).await.unwrap();
    let closed: Vec<_> = swept.closed.iter().map(|it| it.kind.as_str()).collect();
    assert_eq!((swept.stopped, closed), (true, vec!["hold_open"]));
}

async fn readiness(gateway: &TestGateway) -> Option<(u16, String)> {
    let answer = plain_client().get(format!("{}/readyz", gateway.internal)).send().await.ok()?;
    Some((answer.status().as_u16(), answer.text().await.ok()?))
}

async fn closed(gateway: &TestGateway, kind: &str) {
    let what = format!("{kind} is closed");
    eventually(&what, async || (!listed(gateway).contains(kind)).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn below_the_disk_reserve_readyz_says_what_a_record_meets() {
    let store = format!("disk_reserve_bytes = {}", 1_u64 << 60);
    let mut gateway = World { store, ..World::default() }.lay_out();
    gateway.begin(&[]);
    let said = eventually("the store part is bad", async || {
        let (status, said) = readiness(&gateway).await?;
        (status == 503 && said.contains("below its reserve")).then_some(said)
    })
    .await;
    assert!(said.contains(r#"{"name":"start","good":true}"#), "{said}");
    let answer = gateway.force("hampshire").post(XML, record(1).text()).await;
    assert_eq!(answer.status, 503, "{}", answer.text);
    assert!(answer.body.get("records").is_none(), "nothing is acknowledged");
    told(&gateway, "disk_low").await;
    told(&gateway, "store_refusing").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ordinary_stop_logs_no_error_and_a_kill_is_told_by_the_next_start() {
    let mut gateway = TestGateway::start().await;
    assert_eq!(gateway.force("hampshire").post(XML, record(1).text()).await.status, 202);
    assert!(gateway.stop().success(), "{}", gateway.log());
    let log = gateway.log();
    let errors: Vec<_> = log.lines().filter(|line| line.contains(r#""level":"ERROR""#)).collect();
    assert_eq!(errors, Vec::<&str>::new());
    gateway.spawn().await;
    assert_eq!(listed(&gateway), "no incident is open\n");
    gateway.kill();
    gateway.spawn().await;
    told(&gateway, "unclean_stop gateway: 1").await;
    let explained = gateway_command(&["explain", "unclean_stop"]);
    for part in ["What it means", "Usual cause", "How to fix it", "How to avoid it"] {
        assert!(explained.contains(part), "{explained}");
    }
    let page = gateway.force("hampshire").get("/problems/unclean_stop").await;
    assert_eq!((page.status, &page.body["code"]), (200, &json!("unclean_stop")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_refuses_is_told_without_the_store() {
    let mut postbox = Postbox::start(Guard::None).await;
    let mut gateway = World::default().lay_out();
    let file = gateway.folder.join("gateway.toml");
    let mut text = std::fs::read_to_string(&file).unwrap();
    text.push_str(&format!(
        "[mail]\nserver = \"{}\"\ntls = \"none\"\nfrom = \"gateway@cara.example\"\n\
         operators = [\"ops@cara.example\"]\n",
        postbox.address()
    ));
    std::fs::write(&file, text).unwrap();
    gateway.spawn().await;
    let script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], timeout=20, \
                  isolation_level=None); c.execute('BEGIN IMMEDIATE'); print('locked', flush=True); \
                  sys.stdin.read()";
    let mut locking = Command::new("/usr/bin/python3")
        .args(["-c", script])
        .arg(gateway.folder.join("gateway.db"))
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let opened = postbox.next().await;
    let subject = &opened["headers"]["subject"];
    assert_eq!(subject, "CARA gateway: store_refusing gateway opened");
    let (status, said) = readiness(&gateway).await.unwrap();
    assert!(status == 503 && said.contains("keeps the store's file locked"), "{said}");
    drop(locking.stdin.take());
    locking.wait().unwrap();
    let closed = postbox.next().await;
    let subject = &closed["headers"]["subject"];
    assert_eq!(subject, "CARA gateway: store_refusing gateway closed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_cannot_be_read_again_is_told_until_it_can() {
    let gateway = TestGateway::start().await;
    let file = gateway.folder.join("certs/server.pem");
    let good = std::fs::read(&file).unwrap();
    std::fs::write(&file, "no certificate").unwrap();
    told(&gateway, "certificate_unreadable").await;
    assert_eq!(gateway.force("hampshire").get("/v1/whoami").await.status, 200);
    std::fs::write(&file, good).unwrap();
    closed(&gateway, "certificate_unreadable").await;
}
