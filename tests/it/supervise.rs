//! Whatever dies that the gateway cannot be without ends it, with its name; what is one request's
//! stays that request's.

use std::process::Command;

use crate::record::{XML, record};
use crate::world::{TestGateway, World, eventually, plain_client};

const SEAM: &str = "CARA_PANIC_AT";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_in_any_loop_or_thread_ends_the_process_with_its_name() {
    for (name, said) in [
        ("certificate watcher", "certificate watcher"),
        ("store watcher", "store watcher"),
        ("mapping follower", "mapping follower"),
        ("sweep", "sweep"),
        ("listener probe", "listener probe"),
        ("listeners", "listeners"),
        ("store-writer", "store-writer"),
        ("store-reader", "store-reader"),
        ("api-worker", "actix"),
    ] {
        let mut gateway = World::default().lay_out();
        gateway.begin(&[(SEAM, name)]);
        let status = gateway.ended().await;
        let log = gateway.log();
        assert_eq!(status.code(), Some(1), "{name}:\n{log}");
        let last = log.lines().last().unwrap_or_default();
        assert!(last.starts_with("cara-gateway: "), "{name}:\n{log}");
        let told = log.lines().find(|line| line.contains("supervisor.panic"));
        assert!(told.is_some_and(|line| line.contains(said)), "{name}:\n{log}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_in_one_request_is_that_requests_and_is_counted() {
    for path in ["/v1/records", "/metrics", "/v1/holds"] {
        let mut gateway = World::default().lay_out();
        gateway.spawn_with(&[(SEAM, path)]).await;
        let force = gateway.force("hampshire");
        match path {
            "/v1/records" => {
                let answer = force.post(XML, record(1).text()).await;
                assert_eq!((answer.status, &answer.body["code"]), (500, &"P500".into()));
            }
            "/metrics" => {
                let url = format!("{}{path}", gateway.internal);
                assert_eq!(plain_client().get(url).send().await.unwrap().status(), 500);
            }
            _ => {
                let listed = gateway.command(&["hold", "list"]);
                assert!(!listed.status.success());
            }
        }
        let whoami = force.get("/v1/whoami").await;
        assert_eq!(whoami.status, 200, "{path}: {}", whoami.text);
        if path != "/metrics" {
            let metrics = gateway.metrics().await;
            assert!(metrics.contains("\ncara_panics_total 1\n"), "{path}: {metrics}");
        }
        assert!(gateway.stop().success(), "{path}:\n{}", gateway.log());
    }
}

/// Runs the gateway of this world under a limit of the shell until it ends.
fn limited(gateway: &TestGateway, limit: &str) -> std::process::Output {
    let program = env!("CARGO_BIN_EXE_cara-gateway");
    let config = gateway.folder.join("gateway.toml");
    let script = format!("{limit}; exec '{program}' serve --config '{}'", config.display());
    Command::new("sh").args(["-c", &script]).output().unwrap()
}

#[test]
fn fewer_descriptors_than_the_settings_need_refuse_the_start() {
    let gateway = World::default().lay_out();
    for limit in [24, 1024] {
        let ended = limited(&gateway, &format!("ulimit -n {limit}"));
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(1), "{said}");
        let sentence = "cara-gateway: the settings need 1248 file descriptors and the process may \
                        have ";
        assert!(said.contains(&format!("{sentence}{limit};")), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_listener_is_proven_and_the_soft_limit_is_raised() {
    let gateway = TestGateway::start().await;
    let ready = format!("{}/readyz", gateway.internal);
    eventually("the listeners answer themselves", async || {
        let said = plain_client().get(&ready).send().await.unwrap().text().await.unwrap();
        said.contains(r#"{"name":"listener","good":true}"#).then_some(())
    })
    .await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", gateway.pid())).unwrap();
    let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let numbers: Vec<_> = files.split_whitespace().skip(3).take(2).collect();
    assert_eq!(numbers[0], numbers[1], "{files}");
}
