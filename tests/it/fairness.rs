//! One force, or one charity, at its limits in each way: what another force feels of it, beside what
//! it feels of a program that only burns the processor.
//!
//! A second of each runs with every test. `make fairness` (`FAIRNESS=all`) measures medians of five
//! and asks that no way costs the other force more than twice what the burner does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::task::JoinSet;

use crate::broker::shared;
use crate::way_back::{Charity, outcome};
use crate::world::{ForceSystem, TestGateway, World, example};

/// Between two records of the force that suffers.
const PACE: Duration = Duration::from_millis(40);

const WAYS: [Way; 7] = [
    Way::Nothing,
    Way::Burner,
    Way::KeptAlive,
    Way::Silent,
    Way::LargeBodies,
    Way::Rate,
    Way::BadOutcomes,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Nothing,
    /// As many threads as the machine has cores, doing nothing else.
    Burner,
    /// 1,024 connections of one force that stay open.
    KeptAlive,
    /// 2,000 TCP connections that say nothing.
    Silent,
    /// Bodies of a megabyte, eight at a time.
    LargeBodies,
    /// As many requests as sixteen connections can ask.
    Rate,
    /// A provider whose every report is rejected.
    BadOutcomes,
}

/// What keeps going until it is dropped.
#[derive(Default)]
struct Abuse {
    tasks: JoinSet<()>,
    over: Arc<AtomicBool>,
    threads: Vec<std::thread::JoinHandle<()>>,
    sockets: Vec<tokio::net::TcpStream>,
}

impl Drop for Abuse {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().unwrap();
        }
    }
}

async fn abuse(way: Way, gateway: &TestGateway) -> Abuse {
    let mut abuse = Abuse::default();
    let force = gateway.force("hampshire");
    let whoami = format!("{}/v1/whoami", force.api);
    match way {
        Way::Nothing => {}
        Way::Burner => {
            let cores = std::thread::available_parallelism().unwrap().get();
            for _ in 0..cores {
                let over = Arc::clone(&abuse.over);
                abuse.threads.push(std::thread::spawn(move || {
                    while !over.load(Ordering::Relaxed) {
                        std::hint::spin_loop();
                    }
                }));
            }
        }
        Way::KeptAlive => {
            let asked = join_all((0..1024).map(|_| force.client.get(&whoami).send()));
            let _some_are_refused = tokio::time::timeout(Duration::from_secs(20), asked).await;
            abuse.tasks.spawn(async move {
                // Dropped with the task, and its connections with it.
                let _held = force;
                std::future::pending::<()>().await;
            });
        }
        Way::Silent => {
            let address = gateway.api.replace("https://localhost", "127.0.0.1");
            for _ in 0..2000 {
                let connect = tokio::net::TcpStream::connect(&address);
                let connected = tokio::time::timeout(Duration::from_millis(200), connect).await;
                abuse.sockets.extend(connected.into_iter().flatten());
            }
        }
        Way::LargeBodies => {
            let body = format!("<OccurrenceExport>{}", "<a/>".repeat(250_000));
            for _ in 0..8 {
                let (force, body) = (force.clone(), body.clone());
                abuse.tasks.spawn(async move {
                    loop {
                        let _refused = force.send("application/xml", body.clone(), "", &[]).await;
                    }
                });
            }
        }
        Way::Rate => {
            for _ in 0..16 {
                let (client, whoami) = (force.client.clone(), whoami.clone());
                abuse.tasks.spawn(async move {
                    loop {
                        let _limited = client.get(&whoami).send().await;
                    }
                });
            }
        }
        Way::BadOutcomes => {
            let charity = Charity::of(shared(), &gateway.provider, "offender").await;
            abuse.tasks.spawn(async move {
                loop {
                    let nobody = uuid::Uuid::now_v7().to_string();
                    charity.report(&outcome(&nobody, 1, "accepted", serde_json::json!({}))).await;
                }
            });
        }
    }
    abuse
}

/// The 99th percentile of what one record of the other force waits, and how many were answered
/// otherwise than with 202.
async fn felt(force: &ForceSystem, lasting: Duration) -> (Duration, usize) {
    let body = example("west-midlands", "full.json");
    let started = Instant::now();
    let (mut waits, mut refused) = (Vec::new(), 0);
    while started.elapsed() < lasting {
        let asked = Instant::now();
        let answer = force.send("application/json", body.clone(), "", &[]).await;
        waits.push(asked.elapsed());
        refused += usize::from(!answer.is_ok_and(|answer| answer.status == 202));
        tokio::time::sleep(PACE).await;
    }
    waits.sort_unstable();
    (waits[(waits.len() * 99).div_ceil(100) - 1], refused)
}

async fn measure(times: usize, lasting: Duration) -> Vec<(Way, Duration, usize)> {
    let own = std::process::id().to_string();
    let raised = std::process::Command::new("prlimit")
        .args(["--pid", &own, "--nofile=8192:"])
        .status()
        .unwrap();
    assert!(raised.success(), "this test opens 2,000 connections");
    let gateway = World::publishing(shared(), "fern").start().await;
    let other = gateway.force("west-midlands");
    let mut all: Vec<(Way, Vec<Duration>, usize)> =
        WAYS.map(|way| (way, Vec::new(), 0)).into_iter().collect();
    for _ in 0..times {
        for (way, waits, refused) in &mut all {
            let abuse = abuse(*way, &gateway).await;
            let (wait, not_taken) = felt(&other, lasting).await;
            drop(abuse);
            waits.push(wait);
            *refused += not_taken;
        }
    }
    all.into_iter()
        .map(|(way, mut waits, refused)| {
            waits.sort_unstable();
            (way, waits[waits.len() / 2], refused)
        })
        .collect()
}

fn print(all: &[(Way, Duration, usize)]) -> Duration {
    let burner = all.iter().find(|(way, ..)| *way == Way::Burner).unwrap().1;
    println!("| way | p99 of another force, ms | beside the burner's | not taken |");
    println!("| --- | --- | --- | --- |");
    for (way, wait, refused) in all {
        let beside = wait.as_secs_f64() / burner.as_secs_f64();
        println!("| {way:?} | {:.1} | {beside:.2} | {refused} |", wait.as_secs_f64() * 1e3);
    }
    burner
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_force_is_served_beside_one_at_its_limits() {
    let all = measure(1, Duration::from_secs(1)).await;
    print(&all);
    for (way, _, refused) in all {
        assert_eq!(refused, 0, "{way:?} kept another force's records out");
    }
}

/// A measurement, so it has its own command.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_force_feels_an_abuser_at_most_twice_as_much_as_a_burner() {
    if std::env::var_os("FAIRNESS").is_none() {
        return;
    }
    let all = measure(5, Duration::from_secs(4)).await;
    let burner = print(&all);
    for (way, wait, refused) in all {
        assert_eq!(refused, 0, "{way:?} kept another force's records out");
        assert!(wait <= 2 * burner, "{way:?}: {wait:?} beside {burner:?}");
    }
}
