//! Whatever dies that the gateway cannot be without ends it, with its name; what is one request's
//! stays that request's.

use std::process::Command;

use crate::patience::eventually;
use crate::record::{XML, record};
use crate::world::{TestGateway, World, plain_client};

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_that_hangs_is_ended_and_says_so() {
    let mut gateway = TestGateway::start().await;
    assert!(gateway.stop().success());
    gateway.spawn_with(&[("CARA_HANG_AT", "stop"), ("CARA_STOP_S_MAX", "1")]).await;
    assert_eq!(gateway.force("hampshire").post(XML, record(1).text()).await.status, 202);
    assert_eq!(gateway.stop().code(), Some(1));
    let log = gateway.log();
    let last = log.lines().last().unwrap_or_default();
    assert!(last.contains("it took too long; the process ends as it stands"), "{log}");
    // What was acknowledged is there.
    gateway.spawn().await;
    let again = gateway.force("hampshire").post(XML, record(1).text()).await;
    assert_eq!(again.record(0)["status"], "duplicate", "{}", again.text);
}

/// Lets the process have this much and no more.
fn prlimit(gateway: &TestGateway, limit: &str) {
    let mut command = Command::new("prlimit");
    command.args(["--pid", &gateway.pid().to_string(), limit]);
    assert!(command.status().unwrap().success());
}

async fn opened(gateway: &TestGateway, kind: &str) -> String {
    let is_it = |line: &&str| line.contains("an incident was opened") && line.contains(kind);
    eventually(kind, async || gateway.log().lines().find(is_it).map(str::to_owned)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn descriptors_at_their_limit_are_told_as_that() {
    let gateway = TestGateway::start().await;
    assert_eq!(gateway.force("hampshire").post(XML, record(1).text()).await.status, 202);
    // Its connection is there before, and stays.
    let (probe, ready) = (plain_client(), format!("{}/readyz", gateway.internal));
    let says = async || probe.get(&ready).send().await.ok()?.text().await.ok();
    assert!(!says().await.unwrap().contains("LimitNOFILE"));
    let open = std::fs::read_dir(format!("/proc/{}/fd", gateway.pid())).unwrap().count();
    prlimit(&gateway, &format!("--nofile={open}:"));
    opened(&gateway, "descriptors_high").await;
    eventually("/readyz says it", async || says().await.filter(|it| it.contains("LimitNOFILE")))
        .await;
    assert!(!gateway.log().contains("store_anchor"), "{}", gateway.log());
    prlimit(&gateway, "--nofile=4096:");
    let over = async || gateway.log().contains("an incident was closed").then_some(());
    eventually("descriptors_high is closed", over).await;
    assert_eq!(gateway.force("hampshire").post(XML, record(2).text()).await.status, 202);
}

/// Keeps so many descriptors open in what it starts.
const KEEPS: &str = "for _ in $(seq $0); do exec {kept}</dev/null; done; exec \"$@\"";

/// A thread that could get none once left the process there, serving nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn descriptors_that_run_out_at_any_moment_leave_no_gateway_that_half_works() {
    // What these settings need, and no more.
    const LIMIT: usize = 1248;
    let (mut ended, mut went_on) = (Vec::new(), Vec::new());
    for left in (2..90).step_by(8) {
        let mut gateway = World::default().lay_out();
        let kept = (LIMIT - 3 - left).to_string();
        let limit = format!("--nofile={LIMIT}");
        gateway.through =
            ["prlimit", &limit, "bash", "-c", KEEPS, &kept].map(str::to_owned).to_vec();
        gateway.begin(&[]);
        match gateway.comes_up().await {
            Ok(()) => {
                let answer = gateway.force("hampshire").post(XML, record(1).text()).await;
                assert_eq!(answer.status, 202, "{left}: {}", answer.text);
                assert!(gateway.stop().success(), "{left}:\n{}", gateway.log());
                went_on.push(left);
            }
            Err(why) => {
                let log = gateway.log();
                let status = gateway.has_ended().unwrap_or_else(|| panic!("{left}: {why}\n{log}"));
                assert_eq!(status.code(), Some(1), "{left}:\n{log}");
                let said = log.lines().rfind(|line| line.starts_with("cara-gateway: "));
                println!("{left}: {}", said.unwrap_or_else(|| panic!("{left}:\n{log}")));
                ended.push(left);
            }
        }
    }
    println!("ended with {ended:?} left, went on with {went_on:?}");
    assert!(!ended.is_empty() && !went_on.is_empty(), "{ended:?}, {went_on:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_near_its_limit_is_told() {
    let gateway = TestGateway::start().await;
    let pages = std::fs::read_to_string(format!("/proc/{}/statm", gateway.pid())).unwrap();
    let mapped = pages.split(' ').next().unwrap().parse::<u64>().unwrap() * 4096;
    prlimit(&gateway, &format!("--as={}:", mapped / 10 * 11));
    let line = opened(&gateway, "memory_high").await;
    assert!(line.contains("api.in_flight_bytes_max"), "{line}");
}
