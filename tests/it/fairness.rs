//! One force, or one charity, at its limits in each way: what another force feels of it, beside what
//! it feels of a program that takes as much of the processor; and that nobody is locked out.
//!
//! A second of each runs with every test. `make fairness` (`FAIRNESS=all`) measures medians of five
//! and asks that no way costs the other force more than twice what the burner does.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::broker::shared;
use crate::delivery::endpoint::{Behaviour, Server};
use crate::idle::used;
use crate::letters::{TAKEN, pushing, said};
use crate::patience::eventually;
use crate::record::{XML, body, record};
use crate::way_back::{Charity, outcome, push};
use crate::world::{ForceSystem, TestGateway, example, free_port};

/// Between two records of the force that suffers.
const PACE: Duration = Duration::from_millis(20);
/// Of processor time, before the burner looks whether it had its share.
const BURST: Duration = Duration::from_micros(200);

/// Where the connections of whoever is at its limits come from.
const ABUSER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

const WAYS: [Way; 7] = [
    Way::KeptAlive,
    Way::Silent,
    Way::Rate,
    Way::LargeBodies,
    Way::ManyRecords,
    Way::BadOutcomes,
    Way::HangingEndpoint,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// 1,024 connections of one force that are kept and asked on once a second, and made again when
    /// they are closed.
    KeptAlive,
    /// 2,000 TCP connections that say nothing, and are made again when they are closed.
    Silent,
    /// As many requests as sixteen connections can ask.
    Rate,
    /// Bodies of a megabyte of tiny elements, eight at a time.
    LargeBodies,
    /// Bodies of as many new records as fit, four at a time.
    ManyRecords,
    /// A provider whose every report is rejected, eight at a time.
    BadOutcomes,
    /// Reports for a force whose endpoint takes letters and never answers.
    HangingEndpoint,
}

/// The gateway at the limits of `sample.toml` and what is outside it.
struct Place {
    gateway: TestGateway,
    /// Runs whatever is not measured, on threads of its own.
    outside: Outside,
    hangs: Arc<AtomicBool>,
    /// That the other force has sent.
    records: AtomicU32,
    _inbox: Server,
}

impl Place {
    async fn with(provider: &'static str) -> Place {
        let own = std::process::id().to_string();
        let raised = std::process::Command::new("prlimit")
            .args(["--pid", &own, "--nofile=8192:"])
            .status()
            .unwrap();
        assert!(raised.success(), "this test opens 2,000 connections");
        let port = free_port();
        let mut gateway = pushing(provider, port).lay_out();
        let file = gateway.folder.join("gateway.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(file, text.replace("requests_per_s_max = 100000\n", "")).unwrap();
        gateway.spawn().await;
        let outside = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let hangs = Arc::new(AtomicBool::new(false));
        let (certificate, hanging) = (gateway.authority.server(40), Arc::clone(&hangs));
        let choose = move |_: &_| match hanging.load(Ordering::Relaxed) {
            true => Vec::new(),
            false => TAKEN.to_vec(),
        };
        let clients = gateway.authority.pem.clone();
        let handle = outside.handle().clone();
        let inbox = std::thread::spawn(move || {
            let behaviour = Behaviour::Choose(Arc::new(choose));
            handle.block_on(Server::at(port, &certificate, &clients, behaviour))
        });
        let inbox = inbox.join().unwrap();
        let outside = Outside(Some(outside));
        Place { gateway, outside, hangs, records: AtomicU32::new(0), _inbox: inbox }
    }

    /// The force at its limits.
    fn abuser(&self) -> ForceSystem {
        let certificate = self.gateway.authority.client("records.hampshire.example", 99);
        let client = self.gateway.client().identity(certificate.identity());
        let client = client.local_address(IpAddr::V4(ABUSER)).build().unwrap();
        ForceSystem { client, api: self.gateway.api.clone() }
    }

    /// Begins, and goes on until it is dropped.
    async fn abuse(&self, way: Way) -> Abuse<'_> {
        let mut abuse = Abuse { place: self, tasks: Vec::new() };
        let force = self.abuser();
        let whoami = format!("{}/v1/whoami", force.api);
        match way {
            Way::KeptAlive => {
                for number in 0..1024 {
                    let (client, whoami) = (force.client.clone(), whoami.clone());
                    abuse.again_and_again(move |_| {
                        let asked = client.get(&whoami).send();
                        async move {
                            let _refused = asked.await;
                            about_a_second(number).await;
                        }
                    });
                }
            }
            Way::Silent => {
                let address = self.gateway.api.replace("https://localhost", "127.0.0.1");
                let address: SocketAddr = address.parse().unwrap();
                for number in 0..2000 {
                    abuse.again_and_again(move |_| async move {
                        let socket = tokio::net::TcpSocket::new_v4().unwrap();
                        socket.bind((ABUSER, 0).into()).unwrap();
                        if let Ok(mut silent) = socket.connect(address).await {
                            let _closed = silent.read(&mut [0]).await;
                        }
                        about_a_second(number).await;
                    });
                }
            }
            Way::Rate => {
                for _ in 0..16 {
                    let (client, whoami) = (force.client.clone(), whoami.clone());
                    abuse.again_and_again(move |_| {
                        let asked = client.get(&whoami).send();
                        async { drop(asked.await) }
                    });
                }
            }
            Way::LargeBodies => {
                let body = format!("<OccurrenceExport>{}", "<a/>".repeat(250_000));
                for _ in 0..8 {
                    let (force, body) = (force.clone(), body.clone());
                    abuse.again_and_again(move |_| {
                        let (force, body) = (force.clone(), body.clone());
                        async move { drop(force.send(XML, body, "", &[]).await) }
                    });
                }
            }
            Way::ManyRecords => {
                for series in 0..4 {
                    let force = force.clone();
                    abuse.again_and_again(move |turn| {
                        let first = 1_000_000 * (1 + series) + 1_000 * turn;
                        let records: Vec<_> = (first..first + 300).map(record).collect();
                        let force = force.clone();
                        async move { drop(force.send(XML, body(&records), "", &[]).await) }
                    });
                }
            }
            Way::BadOutcomes => {
                for _ in 0..8 {
                    let charity = self.charity().await;
                    abuse.again_and_again(move |_| {
                        let charity = Arc::clone(&charity);
                        async move {
                            let nobody = uuid::Uuid::now_v7().to_string();
                            charity.report(&outcome(&nobody, 1, "accepted", json!({}))).await;
                        }
                    });
                }
            }
            Way::HangingEndpoint => {
                self.hangs.store(true, Ordering::Relaxed);
                for series in 0..4 {
                    let (charity, force) = (self.charity().await, force.clone());
                    let start = u64::from(std::process::id()) * 10 + series;
                    abuse.again_and_again(move |turn| {
                        let (charity, force) = (Arc::clone(&charity), force.clone());
                        async move {
                            let referral_id = push(&force, start * 1_000 + turn).await;
                            charity.report(&outcome(&referral_id, 1, "accepted", json!({}))).await;
                        }
                    });
                }
            }
        }
        abuse
    }

    async fn charity(&self) -> Arc<Charity> {
        let provider = self.gateway.provider.clone();
        let charity =
            self.outside.spawn(async move { Charity::of(shared(), &provider, "offender").await });
        Arc::new(charity.await.unwrap())
    }

    /// Processor time that everything has used which takes part, in ticks of 10 ms.
    fn used_in_all(&self) -> Duration {
        let parts = [std::process::id(), self.gateway.pid(), shared().pid().unsigned_abs()];
        parts.into_iter().map(used).sum()
    }

    /// What the other force waits while this lasts, and the processor time of all in it.
    async fn felt(&self, lasting: Duration) -> Felt {
        let force = self.gateway.force("west-midlands");
        let body = example("west-midlands", "full.json");
        let (began, started) = (self.used_in_all(), Instant::now());
        let (mut waits, mut refused) = (Vec::new(), 0);
        while started.elapsed() < lasting {
            let number = self.records.fetch_add(1, Ordering::Relaxed);
            let body = body.replace("20DA/77214/25", &format!("20DA/{number:05}/25"));
            let asked = Instant::now();
            let answer = force.send("application/json", body, "", &[]).await;
            waits.push(asked.elapsed());
            refused += usize::from(!answer.is_ok_and(|answer| answer.status == 202));
            tokio::time::sleep(PACE).await;
        }
        let cores = (self.used_in_all() - began).as_secs_f64() / started.elapsed().as_secs_f64();
        waits.sort_unstable();
        Felt { p99: waits[(waits.len() * 99).div_ceil(100) - 1], refused, cores }
    }
}

/// Not the same for all: the burner comes evenly too.
async fn about_a_second(number: u64) {
    tokio::time::sleep(Duration::from_millis(500 + number % 1000)).await;
}

/// A runtime that a test may drop.
struct Outside(Option<Runtime>);

impl Outside {
    fn spawn<T: Send + 'static>(
        &self,
        act: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.0.as_ref().unwrap().spawn(act)
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        self.0.take().unwrap().shutdown_background();
    }
}

struct Felt {
    p99: Duration,
    /// Records that were answered otherwise than with 202.
    refused: usize,
    cores: f64,
}

struct Abuse<'p> {
    place: &'p Place,
    tasks: Vec<JoinHandle<()>>,
}

impl Abuse<'_> {
    fn again_and_again<F>(&mut self, mut act: impl FnMut(u64) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send,
    {
        self.tasks.push(self.place.outside.spawn(async move {
            for turn in 0.. {
                act(turn).await;
            }
        }));
    }
}

impl Drop for Abuse<'_> {
    fn drop(&mut self) {
        self.place.hangs.store(false, Ordering::Relaxed);
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Takes so much of the processor in all and does nothing with it, until it is dropped.
struct Burner {
    over: Arc<AtomicBool>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Burner {
    fn of(cores: f64) -> Burner {
        let over = Arc::new(AtomicBool::new(false));
        let count = std::thread::available_parallelism().unwrap().get();
        let share = cores.max(0.0) / count as f64;
        let burn = move |over: Arc<AtomicBool>| {
            let (began, started) = (used_here(), Instant::now());
            while !over.load(Ordering::Relaxed) {
                let burst = Instant::now();
                if used_here() - began < started.elapsed().mul_f64(share) {
                    while burst.elapsed() < BURST {
                        std::hint::spin_loop();
                    }
                } else {
                    std::thread::sleep(BURST);
                }
            }
        };
        let threads = (0..count).map(|_| Arc::clone(&over));
        let threads = threads.map(|over| std::thread::spawn(move || burn(over))).collect();
        Burner { over, threads }
    }
}

impl Drop for Burner {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().unwrap();
        }
    }
}

fn used_here() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

/// Medians of what was felt beside one way and beside its burner.
struct Compared {
    way: Way,
    beside: Duration,
    burner: Duration,
    cores: f64,
    refused: usize,
}

async fn measure(times: usize, lasting: Duration, ways: &[Way]) -> Vec<Compared> {
    let place = Place::with("fern").await;
    // So that nothing is done for the first time.
    let _warm = place.felt(lasting).await;
    let (mut all, mut calm) = (Vec::new(), Vec::new());
    for _ in 0..times {
        let alone = place.felt(lasting).await;
        calm.push(alone.p99);
        for way in ways {
            let abuse = place.abuse(*way).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            let storm = place.felt(lasting).await;
            drop(abuse);
            tokio::time::sleep(Duration::from_secs(1)).await;
            let burner = Burner::of(storm.cores - alone.cores);
            let beside = place.felt(lasting).await;
            drop(burner);
            all.push((*way, storm, beside));
        }
    }
    let median = |mut waits: Vec<Duration>| {
        waits.sort_unstable();
        waits[waits.len() / 2]
    };
    println!("alone: {:.1} ms", median(calm).as_secs_f64() * 1e3);
    println!(
        "| way | cores | p99 of another force, ms | beside the burner, ms | ratio | not taken |"
    );
    println!("| --- | --- | --- | --- | --- | --- |");
    let compare = |way: &Way| {
        let own = || all.iter().filter(|(it, ..)| it == way);
        let compared = Compared {
            way: *way,
            beside: median(own().map(|(_, storm, _)| storm.p99).collect()),
            burner: median(own().map(|(.., burner)| burner.p99).collect()),
            cores: own().map(|(_, storm, _)| storm.cores).sum::<f64>() / times as f64,
            refused: own().map(|(_, storm, _)| storm.refused).sum(),
        };
        let (beside, burner) = (compared.beside.as_secs_f64(), compared.burner.as_secs_f64());
        println!(
            "| {way:?} | {:.2} | {:.1} | {:.1} | {:.2} | {} |",
            compared.cores,
            beside * 1e3,
            burner * 1e3,
            beside / burner,
            compared.refused
        );
        compared
    };
    ways.iter().map(compare).collect()
}

#[tokio::test]
async fn another_force_is_served_beside_one_at_its_limits() {
    for it in measure(1, Duration::from_secs(1), &WAYS).await {
        assert_eq!(it.refused, 0, "{:?} kept another force's records out", it.way);
    }
}

/// A measurement, so it has its own command.
#[tokio::test]
async fn another_force_feels_an_abuser_at_most_twice_as_much_as_a_burner() {
    let Some(wanted) = std::env::var_os("FAIRNESS") else { return };
    let wanted = wanted.into_string().unwrap();
    let chosen = |way: &&Way| wanted == "all" || wanted.contains(&format!("{way:?}"));
    let ways: Vec<Way> = WAYS.iter().filter(chosen).copied().collect();
    let all = measure(5, Duration::from_secs(5), &ways).await;
    for it in all {
        assert_eq!(it.refused, 0, "{:?} kept another force's records out", it.way);
        assert!(it.beside <= 2 * it.burner, "{:?}: {:?} beside {:?}", it.way, it.beside, it.burner);
    }
}

/// At full size, each time on a new connection. (`edge::connection` has it from the same address.)
#[tokio::test]
async fn who_holds_all_connections_locks_nobody_out() {
    let place = Place::with("gorse").await;
    println!("| way | a new connection and its first answer, ms | an operator's look, ms |");
    println!("| --- | --- | --- |");
    for way in [Way::KeptAlive, Way::Silent] {
        let _abuse = place.abuse(way).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        let (mut longest, mut look) = (Duration::ZERO, Duration::ZERO);
        for _ in 0..10 {
            let asked = Instant::now();
            let answer = place.gateway.force("west-midlands").get("/v1/whoami").await;
            assert_eq!(answer.status, 200, "{way:?}");
            longest = longest.max(asked.elapsed());
            let asked = Instant::now();
            let output = place.gateway.command(&["incident", "list"]);
            look = look.max(asked.elapsed());
            let said = said(output);
            // The first may come before the first incident.
            let is_answer =
                said.contains("no incident is open") || said.contains("force_at_limits");
            assert!(is_answer, "{way:?}: {said}");
        }
        eventually("a force at its limits is told", async || {
            let said = said(place.gateway.command(&["incident", "list"]));
            said.contains("force_at_limits").then_some(())
        })
        .await;
        println!("| {way:?} | {} | {} |", longest.as_millis(), look.as_millis());
        assert!(longest < Duration::from_secs(3), "{way:?}: {longest:?}");
        assert!(look < Duration::from_secs(3), "{way:?}: {look:?}");
    }
}
