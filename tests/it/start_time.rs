//! How long a start takes beside 200,000 cases: from the process to the first 202 and to a good
//! `/readyz`, whatever the broker does.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::broker::shared;
use crate::patience::eventually;
use crate::record::{XML, body, record};
use crate::world::{TestGateway, World};

const CASES: u64 = 200_000;
/// So that what a start looks at, the last 1,000 rows of each table, is as the gateway wrote it.
const REAL: u64 = 1_100;
const RECORDS_PER_BODY: u64 = 220;
/// On a busy machine, in a debug build; `docs/testing.md` has what was measured.
const START_MAX: Duration = Duration::from_secs(30);
const STOP_MAX: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn a_start_beside_many_cases_waits_for_no_broker() {
    let mut gateway = World::publishing(shared(), shared().provider("tern")).start().await;
    assert!(gateway.stop().success(), "{}", gateway.log());
    fill(&gateway);
    gateway.spawn().await;
    let force = gateway.force("hampshire");
    for first in (0..REAL).step_by(RECORDS_PER_BODY as usize) {
        let records: Vec<_> = (first..first + RECORDS_PER_BODY).map(record).collect();
        let answer = force.post(XML, body(&records)).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
    }
    assert!(gateway.stop().success(), "{}", gateway.log());

    let path = gateway.folder.join("gateway.toml");
    let settings = std::fs::read_to_string(&path).unwrap();
    let url = shared().settings().urls[0].clone();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_url = format!("amqp://{}", silent.local_addr().unwrap());
    let rounds = if std::env::var_os("START_TIME").is_some() { 5 } else { 1 };
    let mut medians = Vec::new();
    for (name, at) in
        [("there", url.as_str()), ("away", "amqp://127.0.0.1:1"), ("silent", &silent_url)]
    {
        std::fs::write(&path, settings.replace(&url, at)).unwrap();
        let mut times = Vec::new();
        for round in 0..rounds {
            let number = REAL + (medians.len() * rounds + round) as u64;
            times.push(start(&mut gateway, record(number).text()).await);
        }
        let median = |of: fn(&(Duration, Duration)) -> Duration| {
            let mut all: Vec<_> = times.iter().map(of).collect();
            all.sort_unstable();
            all[rounds / 2]
        };
        let (accepted, ready) = (median(|it| it.0), median(|it| it.1));
        println!("broker {name}: the first 202 after {accepted:.2?}, ready after {ready:.2?}");
        assert!(ready.max(accepted) < START_MAX, "{accepted:?}, {ready:?}, broker {name}");
        medians.push(accepted);
    }
    // A dial alone would take ten seconds.
    let limit = medians[0] * 2 + Duration::from_secs(1);
    assert!(medians.iter().all(|it| *it < limit), "{medians:?}");
}

/// Cases and messages as another program writes them; half of the messages wait.
fn fill(gateway: &TestGateway) {
    let sql = include_str!("../../crates/store-sqlite/src/tests/fill.sql");
    let (cases, _) = sql.split_once("\nINSERT INTO standing").unwrap();
    let store = rusqlite::Connection::open(gateway.folder.join("gateway.db")).unwrap();
    store.execute_batch("PRAGMA synchronous = OFF; BEGIN").unwrap();
    store.execute_batch(cases).unwrap();
    store.execute_batch("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    let count = |table: &str| {
        let sql = format!("SELECT count(*) FROM {table}");
        store.query_row(&sql, [], |row| row.get::<_, u64>(0)).unwrap()
    };
    assert_eq!((count("referral"), count("outbox"), count("sent")), (CASES, CASES, CASES));
}

/// From the start of the process to its first 202 and to its first good `/readyz`.
async fn start(gateway: &mut TestGateway, text: String) -> (Duration, Duration) {
    let force = gateway.force("hampshire");
    let began = Instant::now();
    gateway.begin(&[]);
    let accepted = eventually("a record is taken", async || {
        let answer = force.send(XML, text.clone(), "", &[]).await.ok()?;
        assert_eq!(answer.status, 202, "{}", answer.text);
        Some(began.elapsed())
    });
    let accepted = accepted.await;
    gateway.ready().await;
    let ready = began.elapsed();
    // The walk over all cases, each of which has something due, goes on meanwhile.
    let stopping = Instant::now();
    assert!(gateway.stop().success(), "{}", gateway.log());
    assert!(stopping.elapsed() < STOP_MAX, "it stopped after {:?}", stopping.elapsed());
    (accepted, ready)
}
