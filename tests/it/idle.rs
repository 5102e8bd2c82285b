//! An idle gateway is idle: nine forces whose letters are pushed, 10,000 cases stored, and nothing to
//! do. It is measured as processor time of the process.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::broker::{Broker, Wishes};
use crate::delivery::endpoint::{Behaviour, Server};
use crate::patience::{eventually, within};
use crate::record::{XML, body, record};
use crate::way_back::{Charity, outcome};
use crate::world::{TestGateway, World, free_port};

const CASES: u64 = 10_000;
const CASES_PER_BODY: u64 = 250;
/// Long enough that the sweep, which comes every 15 s, is in it.
const WINDOW: Duration = Duration::from_secs(16);
/// Share of one core.
const IDLE_MAX: f64 = 0.01;
/// An endpoint that is mended is noticed within a minute (docs/delivery.md); its letters then leave.
const NOTICED: Duration = Duration::from_secs(75);
const TAKEN: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
/// Forces of the sandbox that the test world does not have, with codes.
const MORE: [(&str, &str); 5] = [
    ("thames-valley", "43"),
    ("avon-and-somerset", "52"),
    ("dorset", "55"),
    ("west-yorkshire", "13"),
    ("cambridgeshire", "35"),
];

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_gateway_uses_under_a_hundredth_of_a_core() {
    let mut broker = Broker::start(Wishes::default());
    let port = free_port();
    let mut gateway = nine_forces(&broker, port);
    gateway.spawn().await;
    let answer = || Behaviour::Say(TAKEN.to_vec());
    let own = gateway.authority.server(40);
    let inbox = Server::at(port, &own, &gateway.authority.pem, answer()).await;
    let force = gateway.force("hampshire");
    let mut referrals = Vec::new();
    for first in (0..CASES).step_by(CASES_PER_BODY as usize) {
        let far = |number| record(number).with("19/12/2025</Deadline>", "31/12/2099</Deadline>");
        let records: Vec<_> = (first..first + CASES_PER_BODY).map(far).collect();
        let answer = force.post(XML, body(&records)).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        let id = |index| answer.record(index)["referral_id"].as_str().map(str::to_owned);
        referrals.extend((0..CASES_PER_BODY as usize).map(|index| id(index).unwrap()));
    }
    eventually("every message at the broker", async || {
        let page = gateway.metrics().await;
        let confirmed = format!("cara_messages_total{{step=\"confirmed\"}} {}", CASES * 2);
        page.contains(&confirmed).then_some(())
    })
    .await;
    let charity = Charity::of(&broker, "isle", "offender").await;
    let report = async |from: usize| {
        for referral_id in &referrals[from..from + 20] {
            charity.report(&outcome(referral_id, 1, "accepted", json!({}))).await;
        }
    };
    report(0).await;
    eventually("letters", async || (inbox.seen().len() == 20).then_some(())).await;
    idle(&gateway, "broker and endpoint there").await;

    drop(inbox);
    report(20).await;
    eventually("letters that wait", async || {
        let listed = gateway.command(&["delivery", "list"]).stdout;
        String::from_utf8(listed).unwrap().contains("20 waiting").then_some(())
    })
    .await;
    idle(&gateway, "the endpoint down").await;

    broker.stop();
    idle(&gateway, "broker and endpoint down").await;

    let inbox = Server::at(port, &own, &gateway.authority.pem, answer()).await;
    let letters = async || (inbox.seen().len() == 20).then_some(());
    within(NOTICED, "letters", letters).await;
    idle(&gateway, "the broker away").await;
}

/// Processor time of a window against its length: the least of three, because the same work costs
/// more beside a busy neighbour.
async fn idle(gateway: &TestGateway, state: &str) {
    for window in 1.. {
        let (used, started) = (used(gateway.pid()), Instant::now());
        tokio::time::sleep(WINDOW).await;
        let used = (self::used(gateway.pid()) - used).as_secs_f64();
        let share = used / started.elapsed().as_secs_f64();
        eprintln!("{state}: {:.2}% of a core", share * 100.0);
        if share < IDLE_MAX {
            return;
        }
        assert!(window < 3, "{state}: {:.2}% of a core", share * 100.0);
    }
}

/// User and system time of a process.
pub fn used(pid: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    // The state is the third field; the times are the 14th and 15th, in ticks of 10 ms.
    let ticks = fields.split_whitespace().skip(11).take(2);
    Duration::from_millis(ticks.map(|it| it.parse::<u64>().unwrap() * 10).sum())
}

/// The sandbox's nine forces with its mappings, all letters pushed to this port.
fn nine_forces(broker: &Broker, port: u16) -> TestGateway {
    let to = format!("https://localhost:{port}/inbox");
    let world = World { letters_to: Some(to.clone()), ..World::publishing(broker, "isle") };
    let gateway = world.lay_out();
    let file = gateway.folder.join("gateway.toml");
    let mut text = std::fs::read_to_string(&file).unwrap();
    for (slug, code) in MORE {
        write!(
            text,
            "[[force]]\nslug = \"{slug}\"\ncode = \"{code}\"\nprovider = \"isle\"\n\
             agreement_ref = \"ISA-{code}-1\"\ncompliance_domains = [\"{slug}.example\"]\n\
             [[identity]]\nname = \"{slug}-records\"\nforces = [\"{slug}\"]\n\
             san = \"records.{slug}.example\"\nca = \"police-ca\"\n"
        )
        .unwrap();
    }
    let listed = format!("delivery_endpoints = [\"{to}\"]\n");
    let text = text.replace(&listed, "").replace("[[force]]\n", &format!("[[force]]\n{listed}"));
    std::fs::write(file, text).unwrap();
    let mappings = gateway.folder.join("mappings");
    for folder in std::fs::read_dir(&mappings).unwrap() {
        let file = folder.unwrap().path().join("notice.toml");
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        if !text.contains("[deliver]") {
            let deliver =
                format!("\n[deliver]\nto = \"{to}\"\ndelivered = [200]\ntimeout_s = 30\n");
            std::fs::write(file, text + &deliver).unwrap();
        }
    }
    gateway
}
