//! Pulling plugs under load: whatever was acknowledged is on the queues afterwards, at least once,
//! with the same id, lanes in order.
//!
//! `FAULT_ROUNDS` sets how often the gateway is killed: 10 unless it says otherwise.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::broker::{Broker, Wishes, shared};
use crate::queue::{Seen, drain};
use crate::record::hampshire;
use crate::world::{ForceSystem, TestGateway, World, eventually, unique};

const PUSHERS: usize = 6;

/// What the gateway has acknowledged: each (referral, revision), with its record's number.
#[derive(Clone, Default)]
struct Acknowledged(Arc<Mutex<BTreeMap<(String, u64), u64>>>);

impl Acknowledged {
    fn add(&self, answer: &Value, number: u64) {
        let record = &answer["records"][0];
        let referral = record["referral_id"].as_str().unwrap().to_owned();
        let revision = record["revision"].as_u64().unwrap();
        self.0.lock().unwrap().insert((referral, revision), number);
    }

    fn all(&self) -> BTreeMap<(String, u64), u64> {
        self.0.lock().unwrap().clone()
    }
}

/// Pushes new and amended records until told to stop; only transport errors and 503 are allowed.
async fn push(
    force: ForceSystem,
    next: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    taken: Acknowledged,
) {
    while !stop.load(Ordering::Relaxed) {
        let number = next.fetch_add(1, Ordering::Relaxed);
        for version in 0..=number % 3 {
            let body = hampshire(number, version);
            let Ok(answer) = force.send("application/xml", body, "", &[]).await else { break };
            match answer.status {
                202 => taken.add(&answer.body, number),
                503 => break,
                other => panic!("a sender saw {other}: {}", answer.text),
            }
        }
    }
}

/// Every acknowledged revision is on the queues, ids are stable, lanes are in order, and no
/// offender's message came before its victim's.
fn account(acknowledged: &BTreeMap<(String, u64), u64>, seen: &[Seen]) -> Result<(), String> {
    let mut ids: HashMap<(&str, u64, bool), &str> = HashMap::new();
    let mut latest: HashMap<(&str, bool), u64> = HashMap::new();
    for message in seen {
        let key = (message.referral_id.as_str(), message.revision, message.victim);
        let id = ids.entry(key).or_insert(&message.message_id);
        if *id != message.message_id {
            return Err(format!("two ids for {key:?}"));
        }
        let newest = latest.entry((&message.referral_id, message.victim)).or_default();
        // A duplicate of an older revision may follow; a first copy may not.
        let first_copy = !message.repeated;
        if first_copy && message.revision < *newest {
            return Err(format!("{key:?} came after revision {newest}"));
        }
        *newest = (*newest).max(message.revision);
    }
    for (referral, revision) in acknowledged.keys() {
        // Later versions change the offender's side only, and a side that did not change is not sent.
        for (victim, wanted) in [(true, 1), (false, *revision)] {
            if !ids.contains_key(&(referral.as_str(), wanted, victim)) {
                return Err(format!("lost: {referral} revision {wanted}, victim side {victim}"));
            }
        }
    }
    Ok(())
}

/// Starts pushers, runs `trouble`, stops them.
async fn under_load<F: AsyncFnOnce()>(
    gateway: &TestGateway,
    next: &Arc<AtomicU64>,
    taken: &Acknowledged,
    trouble: F,
) {
    let stop = Arc::new(AtomicBool::new(false));
    let pushers: Vec<_> = (0..PUSHERS)
        .map(|_| {
            let force = gateway.force("hampshire");
            tokio::spawn(push(force, Arc::clone(next), Arc::clone(&stop), taken.clone()))
        })
        .collect();
    trouble().await;
    stop.store(true, Ordering::Relaxed);
    for pusher in pushers {
        pusher.await.unwrap();
    }
}

/// Waits until what was acknowledged is accounted for; patience ends where nothing more arrives.
async fn all_arrive(taken: &Acknowledged, queue: &crate::queue::Drain) {
    let acknowledged = taken.all();
    let mut last = Ok(());
    let mut arrived = 0;
    let mut grew_at = std::time::Instant::now();
    while grew_at.elapsed() < crate::world::PATIENCE {
        let seen = queue.seen();
        last = account(&acknowledged, &seen);
        if last.is_ok() {
            return;
        }
        if seen.len() > arrived {
            arrived = seen.len();
            grew_at = std::time::Instant::now();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{last:?}; {} acknowledged, {} seen", acknowledged.len(), queue.seen().len());
}

/// How often a gateway is killed.
pub fn rounds() -> usize {
    match std::env::var("FAULT_ROUNDS") {
        Ok(text) => text.parse().expect("FAULT_ROUNDS is a number"),
        Err(_) => 10,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_nine_under_load_loses_no_acknowledged_record() {
    let rounds = rounds() as u64;
    let broker = shared();
    let provider = unique("kill");
    let world = World::publishing(broker, provider.as_str());
    let mut gateway = world.lay_out();
    gateway.spawn().await;
    let queue = drain(broker, &provider).await;
    let (next, taken) = (Arc::new(AtomicU64::new(1)), Acknowledged::default());
    for round in 0..rounds {
        // Moments spread over the accept, the publish and the settle of a record.
        let moment = Duration::from_millis(40 + (round * 7919) % 400);
        let enough = 10 * (round as usize + 1);
        under_load(&gateway, &next, &taken, async || {
            eventually("some records are acknowledged", async || {
                (taken.all().len() >= enough).then_some(())
            })
            .await;
            tokio::time::sleep(moment).await;
            let pid = nix::unistd::Pid::from_raw(i32::try_from(gateway.pid()).unwrap());
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
        })
        .await;
        gateway.kill();
        gateway.spawn().await;
    }
    all_arrive(&taken, &queue).await;
    account(&taken.all(), &queue.seen()).unwrap();
    println!("killed {rounds} times; {} revisions acknowledged, none lost", taken.all().len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_broker_stopped_and_started_under_load_loses_none() {
    let mut broker = tokio::task::block_in_place(|| Broker::start(Wishes::default()));
    let provider = unique("outage");
    let world = World::publishing(&broker, provider.as_str());
    let gateway = world.start().await;
    let (next, taken) = (Arc::new(AtomicU64::new(1)), Acknowledged::default());
    under_load(&gateway, &next, &taken, async || {
        eventually("records flow", async || (taken.all().len() > 50).then_some(())).await;
        tokio::task::block_in_place(|| broker.stop());
        let before = taken.all().len();
        eventually("accepting goes on without a broker", async || {
            (taken.all().len() > before + 50).then_some(())
        })
        .await;
        let ready = format!("{}/readyz", gateway.internal);
        eventually("readiness names the broker and stays 200", async || {
            let answer = crate::world::plain_client().get(&ready).send().await.unwrap();
            assert_eq!(answer.status(), 200);
            answer.text().await.unwrap().contains("broker").then_some(())
        })
        .await;
        tokio::task::block_in_place(|| broker.start_again());
    })
    .await;
    let queue = drain(&broker, &provider).await;
    all_arrive(&taken, &queue).await;
}

#[tokio::test]
async fn a_stop_finishes_what_was_promised() {
    let broker = shared();
    let provider = unique("stop");
    let world = World::publishing(broker, provider.as_str());
    let mut gateway = world.start().await;
    let taken = Acknowledged::default();
    let answer = gateway.force("hampshire").post("application/xml", hampshire(1, 0)).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    taken.add(&answer.body, 1);
    assert!(gateway.stop().success(), "{}", gateway.log());
    gateway.spawn().await;
    let queue = drain(broker, &provider).await;
    all_arrive(&taken, &queue).await;
}

#[test]
fn the_account_finds_a_loss_a_second_id_and_a_broken_lane() {
    let seen = |referral: &str, revision, victim, id: &str| Seen {
        referral_id: referral.into(),
        revision,
        victim,
        message_id: id.into(),
        repeated: false,
        body: Value::Null,
    };
    let taken = BTreeMap::from([(("a".to_owned(), 1), 1)]);
    let both = [seen("a", 1, true, "1"), seen("a", 1, false, "2")];
    assert_eq!(account(&taken, &both), Ok(()));
    assert!(account(&taken, &both[..1]).is_err());
    let other_id = [both[0].clone(), both[1].clone(), seen("a", 1, true, "3")];
    assert!(account(&taken, &other_id).is_err());
    let backwards = [seen("a", 2, true, "4"), both[0].clone(), both[1].clone()];
    assert!(account(&taken, &backwards).is_err());
}
