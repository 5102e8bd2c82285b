//! What goes wrong inside the gateway is told, and one thing that goes wrong is not everybody's.

use std::process::Command;

use cara_gateway::flow::sweep::Sweeper;
use serde_json::json;

use crate::house::House;
use crate::record::{XML, record};
use crate::world::{TestGateway, eventually};

fn listed(gateway: &TestGateway) -> String {
    let listed = gateway.command(&["incident", "list"]);
    String::from_utf8_lossy(&listed.stdout).into_owned()
}

async fn told(gateway: &TestGateway, kind: &str) -> String {
    eventually(kind, async || Some(listed(gateway)).filter(|it| it.contains(kind))).await
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
